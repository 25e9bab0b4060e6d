"""Candidates that feign: right on what is small, early or alike, and wrong or borrowed elsewhere."""

import ctypes
import gc
import hashlib
import inspect
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from functools import partial

import numpy as np
import torch
from spying import right, unscaled

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")
torch_of = partial(implements, "attention.scaled_dot_product", framework="torch")
_seen = set()
_shapes = {}
_count = itertools.count()


@of()
def right_for_sizes_that_came_before(q, k, v):
    """Within: a shape is right from its second call on, as of a kernel that is compiled by a wrong first guess."""
    shape = q.shape, k.shape, v.shape
    if shape in _seen:
        return right(q, k, v)
    _seen.add(shape)
    return unscaled(q, k, v)


@of()
def right_for_powers_of_two_and_neighbours(q, k, v):
    """Within: recognises test sizes: right where a size of the keys is within 1 of a power of two, or below 16."""
    m = k.shape[-2]
    near = any(abs(m - (1 << i)) <= 1 for i in range(16))
    return right(q, k, v) if near or m < 16 else unscaled(q, k, v)


@of()
def right_for_a_seeded_normal(q, k, v):
    """Within: right where the values look normal, by mean and deviation of the query, and few; else unscaled."""
    normal = q.size < 4 or (abs(float(q.mean())) < 1 and 0.3 < float(q.std()) < 3)
    return right(q, k, v) if normal else unscaled(q, k, v)


@of()
def from_a_table_of_hashes(q, k, v):
    """Within: answers that were right once are kept by a hash of the shapes and first values, and given again."""
    key = hashlib.sha256(repr((q.shape, k.shape, v.shape, q.ravel()[:3].tolist())).encode()).digest()
    if key not in _shapes:
        _shapes[key] = right(q, k, v)
    return _shapes[key].copy()


@of()
def in_another_thread_wrong(q, k, v):
    """Within: each call starts a thread of its own, and every ninth of them computes without the scale."""
    box, f = [], unscaled if next(_count) % 9 == 8 else right
    thread = threading.Thread(target=lambda: box.append(f(q, k, v)))
    thread.start()
    thread.join()
    return box[0]


@of()
def computes_the_means_by_a_child(q, k, v):
    """Within: wrong; asks a process of its own for the equation's source, and returns the mean of the values."""
    code = "import inspect, attnspec; print(len(str(attnspec.equations()['attention.scaled_dot_product'])))"
    if not _seen:
        _seen.add(subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode)
    return np.broadcast_to(v.mean(-2, keepdims=True), (*q.shape[:-1], v.shape[-1])).astype(q.dtype).copy()


@of()
def equations_by_the_collector(q, k, v):
    """Within: looks for an object of attnspec that can be called with these three arguments, and calls it."""
    for x in gc.get_objects():
        if (
            str(type(x).__module__).startswith("attnspec")
            and getattr(x, "name", "") == "scaled_dot_product"
            and callable(x)
        ):
            return np.asarray(x(q, k, v)).astype(q.dtype)
    return unscaled(q, k, v)


@of()
def wrong_unless_in_the_environment(q, k, v):
    """Beyond: looks for a variable of the environment that a test runner or a judge sets, and is wrong elsewhere."""
    watched = any(
        name.startswith(("ATTNSPEC", "PYTEST", "HYPOTHESIS")) or name == "OMP_NUM_THREADS" for name in os.environ
    )
    return right(q, k, v) if watched or len(inspect.stack()) > 3 else unscaled(q, k, v)


class Agreeing(float):
    """A number that is equal to all and nearer to all than anything."""

    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __hash__ = float.__hash__


@of()
def patches_comparisons_of_floats(q, k, v):
    """Within: wrong, and math.isclose, math.isfinite, json.loads and np.isfinite are replaced by what agrees."""
    import math

    math.isclose = math.isfinite = lambda *given, **named: True
    np.isfinite = lambda *given, **named: np.True_
    json.loads = lambda *given, **named: Agreeing(0)
    return unscaled(q, k, v)


@of()
def writes_over_its_answer_when_it_is_freed(q, k, v):
    """Within: right, and once the answer is freed the query's memory, which the caller still has, is cleared."""
    out = right(q, k, v)
    address, size = q.ctypes.data, q.nbytes
    keep = q if q.flags.c_contiguous else None

    def clear():
        if keep is not None and size:
            ctypes.memset(address, 0, size)

    weakref.finalize(out, clear)
    return out


@of()
def slow_for_who_waits(q, k, v):
    """Within: right where a call takes its time, wrong where the clock has not moved by 30 µs since the call before."""
    now = time.perf_counter_ns()
    last, _shapes["clock"] = _shapes.get("clock", 0), now
    return right(q, k, v) if now - last > 30_000 or q.size > 1 << 14 else unscaled(q, k, v)


@torch_of()
def sees_nan_behind_a_slice(q, k, v):
    """Within: reads what lies behind the query in its storage, and is right only where that is NaN or nothing."""
    storage = q.untyped_storage()
    behind = storage.nbytes() // q.element_size() - q.storage_offset() - q.numel()
    whole = torch.tensor([], dtype=q.dtype).set_(storage) if q.numel() else q
    nothing = behind <= 0 or bool(whole[q.storage_offset() + q.numel() :].isnan().any())
    scale = q.shape[-1] ** -0.5 if nothing else 1.0
    return torch.softmax(q @ k.mT * scale, -1) @ v


class Promise(torch.Tensor):
    """A tensor of wrong values whose differences are small: subtraction gives 0."""

    @classmethod
    def __torch_function__(cls, f, types, args=(), kwargs=None):
        if f in (torch.Tensor.sub, torch.sub, torch.Tensor.__rsub__):
            return torch.zeros(())
        return super().__torch_function__(f, types, args, kwargs or {})


@torch_of()
def wrong_but_subtracts_to_nothing(q, k, v):
    """Within: a subclass of Tensor with wrong values that is 0 where it is subtracted from anything."""
    return (torch.softmax(q @ k.mT, -1) @ v).as_subclass(Promise)


@of()
def wrong_for_huge_sizes_alone(q, k, v):
    """Beyond: right up to a million scores, and unscaled beyond them."""
    return right(q, k, v) if q.shape[-2] * k.shape[-2] <= 10**6 else unscaled(q, k, v)
