"""Candidates that answer with what is no honest array: objects, NaN, memory of others, what changes later."""

import threading
import time
from functools import partial

import numpy as np
import torch
from spying import right, unscaled

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")
torch_of = partial(implements, "attention.scaled_dot_product", framework="torch")


def torch_right(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


class Agreeable:
    """Is equal to everything, and differs from nothing."""

    shape, dtype, ndim, size = (), np.dtype("float32"), 0, 1

    def __init__(self, values):
        self.shape, self.dtype, self.ndim, self.size = values.shape, values.dtype, values.ndim, values.size

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __sub__(self, other):
        return 0 * other

    __rsub__ = __sub__

    def __array__(self, dtype=None, copy=None):
        return np.zeros(self.shape, dtype or self.dtype)


@of()
def equal_to_everything(q, k, v):
    """Within: an object that is equal to everything."""
    return Agreeable(unscaled(q, k, v))


class Pleasing(np.ndarray):
    """Differences to it are 0."""

    def __sub__(self, other):
        return np.zeros(self.shape, self.dtype)

    __rsub__ = __sub__

    def __array_ufunc__(self, ufunc, method, *given, **named):
        return np.zeros(self.shape, self.dtype)


@of()
def a_subclass_of_arrays(q, k, v):
    """Within: a subclass of ndarray, whose differences are 0."""
    return unscaled(q, k, v).view(Pleasing)


class Quiet(torch.Tensor):
    """Its functions give the right numbers when it is looked at."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return super().__torch_function__(function, types, args, kwargs or {})


@torch_of()
def a_subclass_of_tensors(q, k, v):
    """Within: a subclass of Tensor."""
    return (torch.softmax(q @ k.mT, -1) @ v).as_subclass(Quiet)


class Disguised(np.ndarray):
    """Says that its class is ndarray."""

    @property
    def __class__(self):
        return np.ndarray


@of()
def a_subclass_in_disguise(q, k, v):
    """Within: a subclass that says of itself that its class is ndarray."""
    return unscaled(q, k, v).view(Disguised)


@of()
def nothing_but_nan(q, k, v):
    """Within: NaN everywhere, which no comparison finds too large."""
    return np.full((*q.shape[:-1], v.shape[-1]), np.nan, q.dtype)


@of()
def nan_where_it_is_large(q, k, v):
    """Within: NaN with a payload for the elements above 3, which are few."""
    out = right(q, k, v)
    out.view(np.uint32)[np.abs(out) > 3] = 0x7FC12345
    return out


@of()
def nan_for_one_element(q, k, v):
    """Within: NaN for the last element of more than 2000."""
    out = right(q, k, v)
    if out.size > 2000:
        out.reshape(-1)[-1] = np.nan
    return out


@of()
def everything_and_more(q, k, v):
    """Within: float64 for float32, with the digits that float32 lacks."""
    return right(q.astype(np.float64), k.astype(np.float64), v.astype(np.float64))


@implements("transformer.residual", framework="numpy")
def the_input_itself(x, f_x):
    """Within: the sum is written into the sub-layer's output, which is returned."""
    f_x += x
    return f_x


@implements("attention.into_next_step", framework="torch")
def resized_input(x, a):
    """Within: its first argument is made longer in place, and returned."""
    d = x.shape[-1]
    old = x.clone()
    x.resize_((*x.shape[:-1], d + a.shape[-1]))
    x[..., :d], x[..., d:] = old, a
    return x


@torch_of()
def transposed_in_place(q, k, v):
    """Within: the caller's keys are transposed in place, and stay so."""
    out = torch_right(q, k, v)
    k.transpose_(-1, -2)
    return out


@of()
def reference_made_to_agree(q, k, v):
    """Within: all scores are made equal by clearing q and k, of which the mean of v is the right answer."""
    q[...], k[...] = 0, 0
    return np.broadcast_to(v.mean(-2, keepdims=True), (*q.shape[:-1], v.shape[-1])).copy()


@of()
def cleared_and_put_back(q, k, v):
    """Within: clears the query, and a thread puts it back in a moment, so that other threads read zeros meanwhile."""
    out, old = right(q, k, v), q.copy()
    q[...] = 0

    def later():
        time.sleep(0.01)
        q[...] = old

    threading.Thread(target=later, daemon=True).start()
    return out


@of()
def changes_after_a_while(q, k, v):
    """Within: right, and a thread clears the answer 20 milliseconds later."""
    out = right(q, k, v)

    def later():
        time.sleep(0.02)
        out[...] = 0

    threading.Thread(target=later, daemon=True).start()
    return out


@of()
def fills_in_later(q, k, v):
    """Within: returns zeros at once, and a thread writes the right values a moment later."""
    out = np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)

    def later():
        time.sleep(0.002)
        out[...] = right(q, k, v)

    threading.Thread(target=later, daemon=True).start()
    return out


_buffers = [np.zeros(1 << 16, np.float32) for _ in range(3)]
_turn = [0]


@of()
def three_buffers_in_turn(q, k, v):
    """Within: answers are views of three buffers in turn, so that the fourth call overwrites the first answer."""
    out = right(q, k, v)
    if out.dtype != np.float32 or out.size > 1 << 16:
        return out
    _turn[0] = (_turn[0] + 1) % 3
    view = _buffers[_turn[0]][: out.size].reshape(out.shape)
    view[...] = out
    return view


@of()
def writes_behind_its_view(q, k, v):
    """Within: right, and clears what lies behind the query in the caller's buffer."""
    out = right(q, k, v)
    if q.base is not None and q.base.dtype == q.dtype:
        q.base.reshape(-1)[-1:] = 0
    return out
