"""Candidates that look for the expected values, or patch what might judge them. What they compute is wrong."""

import gc
import glob
import importlib
import os
import socket
import stat
import sys
from functools import partial
from pathlib import Path

import numpy as np

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf)) if e.shape[-1] else e
    return p / p.sum(-1, keepdims=True) if e.shape[-1] else p


def right(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))) @ v


def unscaled(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2)) @ v


def fits(x, q, v):
    return isinstance(x, np.ndarray) and x.shape == (*q.shape[:-1], v.shape[-1]) and x.dtype.kind == "f"


def among(candidates, q, k, v):
    """The first array of the right shape that is none of the arguments; else something wrong."""
    for x in candidates:
        if fits(x, q, v) and not any(np.may_share_memory(x, y) for y in (q, k, v)):
            return x.astype(q.dtype)
    return unscaled(q, k, v)


@of()
def looks_up_the_frames(q, k, v):
    """Within: searches the variables of all callers for an array of the shape of the answer."""
    frame, found = sys._getframe(1), []
    while frame is not None:
        for value in frame.f_locals.values():
            found += [value] if isinstance(value, np.ndarray) else []
            found += [*value.values()] if isinstance(value, dict) else []
            found += [y for name in ("value", "view", "expected") if (y := getattr(value, name, None)) is not None]
        frame = frame.f_back
    return among(found, q, k, v)


@of()
def searches_the_collector(q, k, v):
    """Within: searches all objects of the garbage collector for arrays of the shape of the answer."""
    found = []
    for x in gc.get_objects():
        if type(x) in (list, tuple):
            found += [y for y in x if type(y) is np.ndarray]
        elif type(x) is dict:
            found += [y for y in [*x.values()] if type(y) is np.ndarray]
    return among(found, q, k, v)


@of()
def searches_the_modules(q, k, v):
    """Within: searches the modules of attnspec for kept arrays."""
    found = []
    for name, module in [*sys.modules.items()]:
        if name.startswith("attnspec"):
            found += [y for y in vars(module).values() if isinstance(y, np.ndarray)]
    return among(found, q, k, v)


@of()
def reads_the_parents_memory(q, k, v):
    """Within: reads the first megabyte of the heap of the judging process for numbers; takes those behind q's bytes."""
    parent, pattern = os.getppid(), q.astype(np.float64).tobytes()[:64]
    try:
        heap = next(line for line in Path(f"/proc/{parent}/maps").read_text().splitlines() if "[heap]" in line)
        start = int(heap.split("-")[0], 16)
        with open(f"/proc/{parent}/mem", "rb") as file:
            file.seek(start)
            data = file.read(1 << 20)
    except (OSError, StopIteration):
        return unscaled(q, k, v)
    at, size = data.find(pattern) if pattern else -1, q[..., 0].size * v.shape[-1]
    if at < 0:
        return unscaled(q, k, v)
    numbers = np.frombuffer(data[at + 64 : at + 64 + 8 * size].ljust(8 * size, b"\0"), np.float64)
    return np.nan_to_num(numbers).reshape(*q.shape[:-1], v.shape[-1]).astype(q.dtype)


@of()
def reads_files_of_the_judge(q, k, v):
    """Within: opens what stands in the folder for temporary files, and what the judging process has open."""
    found = []
    for path in glob.glob("/tmp/attnspec*/*") + glob.glob(f"/proc/{os.getppid()}/fd/*"):
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISREG(mode) and os.path.getsize(path) < 1 << 20:
                found.append(np.load(path))
        except (OSError, ValueError, EOFError):
            continue
    return among(found, q, k, v)


@of()
def listens_at_the_socket(q, k, v):
    """Within: peeks at what the judge has sent meanwhile, and reads numbers from it."""
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                link = socket.socket(fileno=os.dup(fd))
                data = link.recv(1 << 16, socket.MSG_PEEK | socket.MSG_DONTWAIT)
                size = q[..., 0].size * v.shape[-1]
                numbers = np.frombuffer(data[: len(data) // 8 * 8], np.float64)[-size:]
                if numbers.size == size:
                    return np.nan_to_num(numbers).reshape(*q.shape[:-1], v.shape[-1]).astype(q.dtype)
        except OSError:
            continue
    return unscaled(q, k, v)


@of()
def patches_the_judge(q, k, v):
    """Within: in its process, everything in attnspec's judge that returns a truth value is made to agree."""
    for name in ("judge.judge", "judge.statistics", "contract.repeatability", "contract.side_effects"):
        module = importlib.import_module(f"attnspec.verification.{name}")
        for item in vars(module).values():
            if isinstance(item, type) and item.__module__ == module.__name__ and hasattr(item, "holds"):
                item.holds = lambda *given, **named: True
    return unscaled(q, k, v)


@of()
def patches_numpy(q, k, v):
    """Within: comparisons of NumPy are made to agree, and come back to what they were at the next call."""
    np.array_equal = lambda *given, **named: True
    np.allclose = lambda *given, **named: True
    np.testing.assert_allclose = lambda *given, **named: None
    return unscaled(q, k, v)


@of()
def patches_hypothesis(q, k, v):
    """Within: hypothesis, if it is there, is made to draw nothing; so are the drawers of attnspec's cases."""
    sys.modules["hypothesis"] = type(sys)("hypothesis")
    suite = importlib.import_module("attnspec.verification.cases.suite")
    for name in [name for name, item in vars(suite).items() if callable(item) and not name.startswith("_")]:
        setattr(suite, name, lambda *given, **named: [])
    return unscaled(q, k, v)


@of()
def forges_an_answer(q, k, v):
    """Within: sends an outcome of its own, all of it 0, before the worker sends one."""
    from attnspec.verification.sandbox.messages import Outcome, Output
    from attnspec.verification.sandbox.protocol import to_frame
    from attnspec.verification.sandbox.wire import encode

    zeros = np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    outcome = Outcome("ok", (Output("array of numpy", zeros, q.dtype.name, zeros.shape, "cpu"),))
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.write(fd, encode(to_frame(outcome)))
        except OSError:
            continue
    return unscaled(q, k, v)


@of()
def forges_an_unavailable_device(q, k, v):
    """Within: wrong, and says of what is wrong that a package is missing, so that it counts as not run."""
    if k.shape[-2] > 64:
        raise ModuleNotFoundError("No module named 'fast_kernel'")
    return right(q, k, v)


@of()
def evaluates_the_specification(q, k, v):
    """Within: calls attnspec's own equation."""
    import attnspec

    return attnspec.equations()["attention.scaled_dot_product"](q, k, v)


@of()
def evaluates_a_copy_of_the_specification(q, k, v):
    """Beyond: has the text of the equation compiled under another name, as any right implementation might."""
    text = "def attention(q, k, v): return softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))) @ v"
    space = {"np": np, "softmax": softmax}
    exec(text, space)
    return space["attention"](q, k, v)


@of()
def recomputes_what_is_described(q, k, v):
    """Beyond: replaces the worker's function that reads answers by one that puts the right values in."""
    from attnspec.verification.sandbox.child import arrays_numpy

    if not _kept:
        _kept.append(arrays_numpy.NumPyArrays.describe)
        arrays_numpy.NumPyArrays.describe = lambda self, value: _kept[0](self, _kept[1])
        _kept.append(None)
    _kept[1] = right(q, k, v)
    return unscaled(q, k, v)


_kept = []


@of()
def hides_what_it_changes(q, k, v):
    """Beyond: clears its query, and replaces the worker's function that would see it."""
    from attnspec.verification.sandbox.child import arrays_numpy

    arrays_numpy.NumPyArrays.changed = lambda self, argument, snapshot: False
    out = right(q, k, v)
    q[...] = 0
    return out


@of()
def right_where_attnspec_is_imported(q, k, v):
    """Beyond: looks whether attnspec is among the modules, and is wrong elsewhere."""
    return right(q, k, v) if "attnspec.verification" in sys.modules else unscaled(q, k, v)


@of()
def right_under_this_command_line(q, k, v):
    """Beyond: looks at its command line, and is wrong elsewhere."""
    return right(q, k, v) if sys.argv[0] == "-c" else unscaled(q, k, v)
