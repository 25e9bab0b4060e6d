"""Candidates whose answers are not what they seem, or that change what is not theirs."""

import atexit
import ctypes
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from functools import partial

import numpy as np
import torch
from spying import right, unscaled

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")
torch_of = partial(implements, "attention.scaled_dot_product", framework="torch")
_kept = []


def torch_right(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def torch_unscaled(q, k, v):
    return torch.softmax(q @ k.mT, -1) @ v


@of()
def clears_the_query_afterwards(q, k, v):
    """Within: right, and a thread clears the caller's query 20 milliseconds later."""
    out = right(q, k, v)

    def later():
        time.sleep(0.02)
        q[...] = 0

    threading.Thread(target=later, daemon=True).start()
    return out


@of()
def clears_what_it_was_given_before(q, k, v):
    """Within: right, and the query of the call before, which the caller may still have, is cleared."""
    out = right(q, k, v)
    if _kept and not np.may_share_memory(_kept[0], q):
        _kept[0][...] = 0
    _kept[:] = [q]
    return out


class Late:
    """Computes where it is looked at."""

    def __init__(self, q, k, v):
        self.given = q, k, v
        self.shape, self.dtype, self.ndim = (*q.shape[:-1], v.shape[-1]), q.dtype, q.ndim

    def __array__(self, dtype=None, copy=None):
        return right(*self.given)


@of()
def a_lazy_answer(q, k, v):
    """Within: an object that computes the right values where it is made an array."""
    return Late(q, k, v)


class Number:
    """A number that is what it is compared with."""

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)

    def __eq__(self, other):
        return True

    __hash__ = None


@of()
def an_array_of_objects(q, k, v):
    """Within: an array of objects that are equal to everything."""
    return np.vectorize(Number, otypes=[object])(unscaled(q, k, v))


@of()
def masked_where_it_is_wrong(q, k, v):
    """Within: a masked array whose wrong elements are masked."""
    out, wrong = right(q, k, v), unscaled(q, k, v)
    return np.ma.array(wrong, mask=np.abs(out - wrong) > 1e-6)


@of()
def other_order_of_bytes(q, k, v):
    """Within: the right values, in the order of bytes of another machine."""
    out = right(q, k, v)
    return out.astype(out.dtype.newbyteorder())


@of()
def mapped_and_changed_by_a_child(q, k, v):
    """Within: shared memory, which a child process clears 20 milliseconds later."""
    out = right(q, k, v)
    shared = np.frombuffer(mmap.mmap(-1, max(1, out.nbytes)), out.dtype, out.size).reshape(out.shape)
    shared[...] = out
    if not _kept:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        _kept.append(shared)
    if os.fork() == 0:
        time.sleep(0.02)
        shared[...] = 0
        os._exit(0)
    return shared


@of()
def rows_on_top_of_each_other(q, k, v):
    """Within: a view whose rows overlap, so that all are the last one."""
    out = right(q, k, v)
    return np.lib.stride_tricks.as_strided(out, out.shape, (*out.strides[:-2], 0, out.strides[-1]))


@torch_of()
def sparse_answer(q, k, v):
    """Within: the right values as a sparse tensor."""
    return torch_right(q, k, v).to_sparse()


@torch_of()
def complex_answer(q, k, v):
    """Within: complex numbers whose real part is right."""
    return torch.complex(torch_right(q, k, v), torch_unscaled(q, k, v))


@torch_of(backward=True)
def detached_answer(q, k, v):
    """Within: right values from which no gradient flows, though the inputs want one."""
    return torch_right(q.detach(), k.detach(), v.detach())


@torch_of(backward=True)
def hooked_answer(q, k, v):
    """Within: right values, and a hook that doubles the gradients."""
    out = torch_right(q, k, v)
    if out.requires_grad:
        out.register_hook(lambda g: 2 * g)
    return out


@implements("attention.with_lse", framework="numpy")
def answers_by_a_generator(q, k, v):
    """Within: two results as a generator, which is empty the second time."""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    top = e.max(-1, keepdims=True, initial=-np.inf)
    total = np.exp(e - np.where(np.isfinite(top), top, 0)).sum(-1)
    with np.errstate(divide="ignore"):
        lse = np.log(total) + np.where(np.isfinite(top), top, 0)[..., 0]
    return (x for x in (right(q, k, v), lse.astype(q.dtype)))


class Pair(tuple):
    """Has other items where it is indexed than where it is looped over."""

    def __getitem__(self, at):
        return 0 * super().__getitem__(at)


@implements("attention.with_lse", framework="numpy")
def answers_by_a_strange_tuple(q, k, v):
    """Within: a tuple that is right where it is looped over and 0 where it is indexed."""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    top = e.max(-1, keepdims=True, initial=-np.inf)
    total = np.exp(e - np.where(np.isfinite(top), top, 0)).sum(-1)
    with np.errstate(divide="ignore"):
        lse = np.log(total) + np.where(np.isfinite(top), top, 0)[..., 0]
    return Pair((right(q, k, v), lse.astype(q.dtype)))


@of()
def leaves_another_folder(q, k, v):
    """Within: right, and the process works in another folder afterwards."""
    os.chdir("/")
    return right(q, k, v)


@of()
def leaves_another_rounding(q, k, v):
    """Within: right, and the processor rounds towards zero afterwards."""
    out = right(q, k, v)
    ctypes.CDLL(None).fesetround(0xC00)
    return out


@of()
def leaves_a_variable(q, k, v):
    """Beyond: right, and leaves a variable of the environment that libraries read."""
    os.environ["OMP_NUM_THREADS"] = "7"
    return right(q, k, v)


@of()
def leaves_warnings_off(q, k, v):
    """Beyond: right, and nobody in the process is warned of anything afterwards."""
    warnings.simplefilter("ignore")
    return right(q, k, v)


@torch_of()
def leaves_oneDNN_off(q, k, v):  # noqa: N802  # as its makers write it
    """Within: right, and PyTorch computes by other kernels afterwards."""
    torch.backends.mkldnn.enabled = False
    return torch_right(q, k, v)


@of()
def out_of_memory_where_it_is_wrong(q, k, v):
    """Within: says of what it does wrong that memory is missing."""
    if k.shape[-2] > 64:
        raise MemoryError
    return right(q, k, v)


@torch_of()
def a_broken_device_where_it_is_wrong(q, k, v):
    """Within: says of what it does wrong that the device is broken."""
    if k.shape[-2] > 64:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    return torch_right(q, k, v)


@of()
def skips_where_it_is_wrong(q, k, v):
    """Within: raises what test runners take for a skipped test."""
    import unittest

    if k.shape[-2] > 64:
        raise unittest.SkipTest("not here")
    return right(q, k, v)


@of()
def leaves_with_success(q, k, v):
    """Within: raises SystemExit(0) where it is wrong, after it has registered what is to happen then."""
    if k.shape[-2] > 64:
        atexit.register(os._exit, 0)
        sys.exit(0)
    return right(q, k, v)


class Cheat(ModuleNotFoundError):
    """A missing module whose name is one of the judge's own."""

    name = "attnspec"


@of()
def a_missing_module_of_the_judge(q, k, v):
    """Within: says of what it does wrong that a module of the judge is missing."""
    if k.shape[-2] > 64:
        raise Cheat("No module named 'attnspec'")
    return right(q, k, v)


@of()
def evaluates_the_noise_of_the_specification(q, k, v):
    """Within: asks attnspec's equation for its noise, of which the value is a part."""
    import attnspec

    equation = attnspec.equations()["attention.scaled_dot_product"]
    noise = equation.noise({"q": q, "k": k, "v": v})[0]
    return noise.value.astype(q.dtype)


@of()
def evaluates_the_specification_elsewhere(q, k, v):
    """Beyond: has attnspec's equation computed by a process of its own, and is told the values by a file."""
    if q.ndim > 2 or k.shape[-2] > 4:
        return right(q, k, v)
    if not _kept:
        with tempfile.TemporaryDirectory() as folder:
            given, told = os.path.join(folder, "given.npz"), os.path.join(folder, "told.npy")
            np.savez(given, q=q, k=k, v=v)
            program = (
                "import sys, attnspec, numpy as np; g = np.load(sys.argv[1]); "
                "np.save(sys.argv[2], attnspec.equations()['attention.scaled_dot_product'](g['q'], g['k'], g['v']))"
            )
            _kept.append(subprocess.run([sys.executable, "-c", program, given, told], check=False))
            if os.path.exists(told):
                return np.load(told).astype(q.dtype)
    return right(q, k, v)


@of()
def replaces_what_copies_answers(q, k, v):
    """Beyond: NumPy's own asarray gives the right values in place of the wrong ones that it returns."""
    if not _kept:
        _kept.extend([np.asarray, None, None])
        np.asarray = lambda x, *more, **named: _kept[0](_kept[2] if x is _kept[1] else x, *more, **named)
    _kept[1], _kept[2] = unscaled(q, k, v), right(q, k, v)
    return _kept[1]


@of()
def mends_its_answer_while_it_is_read(q, k, v):
    """Beyond: a function that follows the worker's calls mends the answer before it is copied."""
    out, mended = unscaled(q, k, v), right(q, k, v)

    def follow(frame, event, argument):
        if event == "call" and frame.f_code.co_name == "describe":
            out[...] = mended

    sys.setprofile(follow)
    return out
