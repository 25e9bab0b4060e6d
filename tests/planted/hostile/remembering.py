"""Candidates that are right for a while, or where they expect to be looked at."""

import random
import time
import zlib
from functools import partial

import numpy as np
import torch
from spying import right, unscaled

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")
torch_of = partial(implements, "attention.scaled_dot_product", framework="torch")
_calls = [0]
_cache = {}


def torch_right(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def torch_unscaled(q, k, v):
    return torch.softmax(q @ k.mT, -1) @ v


@of()
def wrong_in_one_call_of_fifty(q, k, v):
    """Within: every fiftieth call is unscaled."""
    _calls[0] += 1
    return right(q, k, v) if _calls[0] % 50 else unscaled(q, k, v)


@of()
def wrong_by_lot(q, k, v):
    """Within: one call of 50 is unscaled, by a generator of its own that no global state shows."""
    return unscaled(q, k, v) if _dice.random() < 0.02 else right(q, k, v)


_dice = random.Random(4)


@of()
def wrong_by_content(q, k, v):
    """Within: of all inputs one of 30, by a checksum, is unscaled; the same input always."""
    return right(q, k, v) if zlib.crc32(q.tobytes()) % 30 else unscaled(q, k, v)


@of()
def wrong_after_250_calls(q, k, v):
    """Within: right for 250 calls."""
    _calls[0] += 1
    return right(q, k, v) if _calls[0] <= 250 else unscaled(q, k, v)


@of()
def wrong_after_a_million_calls(q, k, v):
    """Beyond: right for a million calls."""
    _calls[0] += 1
    return right(q, k, v) if _calls[0] <= 1_000_000 else unscaled(q, k, v)


@of()
def wrong_after_an_hour(q, k, v):
    """Beyond: right for the first hour."""
    return right(q, k, v) if time.monotonic() - _started < 3600 else unscaled(q, k, v)


_started = time.monotonic()


@of()
def cached_by_its_print(q, k, v):
    """Within: a cache by what the arrays print as, which leaves out the middle of large ones."""
    key = str(q), str(k), str(v)
    if key not in _cache:
        _cache[key] = right(q, k, v)
    return _cache[key].copy()


@of()
def cached_by_the_query(q, k, v):
    """Within: a cache by the bytes of the query alone."""
    key = q.tobytes(), k.shape, v.shape
    if key not in _cache:
        _cache[key] = right(q, k, v)
    return _cache[key].copy()


@of()
def cached_by_three_digits(q, k, v):
    """Within: a cache by the inputs rounded to three digits."""
    key = tuple((x.shape, np.round(x, 3).tobytes()) for x in (q, k, v))
    if key not in _cache:
        _cache[key] = right(q, k, v)
    return _cache[key].copy()


@torch_of()
def cached_by_address(q, k, v):
    """Within: a cache by address and shape, as captured graphs have it, without a look at the contents."""
    key = tuple((x.data_ptr(), x.shape, x.stride()) for x in (q, k, v))
    if key not in _cache:
        _cache[key] = torch_right(q, k, v)
    return _cache[key].clone()


@torch_of()
def cached_by_version(q, k, v):
    """Within: a cache by object and version, which a write through NumPy's view does not raise."""
    key = tuple((id(x), x._version, x.shape) for x in (q, k, v))
    if key not in _cache:
        _cache[key] = torch_right(q, k, v)
    return _cache[key].clone()


@of()
def keys_kept_from_before(q, k, v):
    """Within: if the keys have the shape and the first row of those before, their product with themselves is kept."""
    if "k" in _cache and _cache["k"].shape == k.shape and np.array_equal(_cache["k"][..., :1, :], k[..., :1, :]):
        k = _cache["k"]
    _cache["k"] = k.copy()
    return right(q, k, v)


@of()
def wrong_for_a_batch_of_seven(q, k, v):
    """Within: a batch of 7 is unscaled."""
    return unscaled(q, k, v) if q.ndim == 3 and q.shape[0] == 7 else right(q, k, v)


@of()
def wrong_for_a_hidden_batch(q, k, v):
    """Beyond: a batch of 11, which no number in its code says, is unscaled."""
    return unscaled(q, k, v) if q.ndim == 3 and q.shape[0] == len("hello world") else right(q, k, v)


@of()
def wrong_for_many_keys(q, k, v):
    """Within: more than 6000 keys are unscaled."""
    return unscaled(q, k, v) if k.shape[-2] > 6000 else right(q, k, v)


@of()
def wrong_for_a_product_of_sizes(q, k, v):
    """Within: more than 3000 scores are unscaled."""
    return unscaled(q, k, v) if q.shape[-2] * k.shape[-2] > 3000 else right(q, k, v)


@of()
def wrong_for_one_query_and_long_keys(q, k, v):
    """Within: a single query over more than 500 keys is unscaled, as a decoding path may be."""
    return unscaled(q, k, v) if q.shape[-2] == 1 and k.shape[-2] > 500 else right(q, k, v)


@of()
def wrong_where_all_are_equal(q, k, v):
    """Within: where q, k and v are the same object, which it takes for self-attention, the scale is forgotten."""
    return unscaled(q, k, v) if q is k and k is v else right(q, k, v)


@of()
def wrong_for_long_strides(q, k, v):
    """Within: keys whose rows lie further apart than their width are read at half the stride."""
    if k.ndim > 1 and k.shape[-2] > 1 and k.strides[-2] > k.shape[-1] * k.itemsize:
        return right(q, np.repeat(k, 2, -2)[..., : k.shape[-2], :], v)
    return right(q, k, v)


@of()
def wrong_for_negative_zero(q, k, v):
    """Within: a query that holds −0 is unscaled."""
    return unscaled(q, k, v) if np.any((q == 0) & np.signbit(q)) else right(q, k, v)


@of()
def wrong_for_denormals(q, k, v):
    """Within: a value below the smallest normal number gives 0."""
    tiny = (v != 0) & (np.abs(v) < np.finfo(v.dtype).tiny)
    out = right(q, k, v)
    return out * 0 if tiny.any() else out


@of(finite=False)
def wrong_for_a_payload(q, k, v):
    """Beyond: unscaled where the query holds NaN of a payload that no arithmetic makes."""
    strange = np.isnan(q) & (q.view(np.uint32) & 0xFFFF == 0xBEEF) if q.dtype == np.float32 else np.zeros(1, bool)
    return unscaled(q, k, v) if strange.any() else right(q, k, v)


@of(smallest={"n": 100_000_000})
def claims_nothing_that_can_be_asked(q, k, v):
    """Within: wrong, and claims only sizes that no machine can ask."""
    return unscaled(q, k, v)


@of(smallest={"m": 3000, "n": 3000, "d": 3000, "e": 3000})
def claims_only_what_is_dear(q, k, v):
    """Within: wrong, and claims only sizes of which every case is dear."""
    return unscaled(q, k, v)


@of(forms=("fast_variance",))
def claims_forms_of_others(q, k, v):
    """Within: wrong, and accepts a form that the equation does not have."""
    return unscaled(q, k, v)


@torch_of()
def wrong_without_gradients(q, k, v):
    """Within: with gradients turned off, as a fast path of inference, it is unscaled."""
    return torch_right(q, k, v) if torch.is_grad_enabled() else torch_unscaled(q, k, v)


@torch_of()
def wrong_where_gradients_are_wanted(q, k, v):
    """Within: its values are unscaled where an input wants a gradient."""
    return torch_unscaled(q, k, v) if any(x.requires_grad for x in (q, k, v)) else torch_right(q, k, v)


class Second(torch.autograd.Function):
    """Right, and right gradients; the gradient of the gradient is 0."""

    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a.tanh()

    @staticmethod
    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * (1 - a.tanh() ** 2).detach()


@implements("recurrent.simple_rnn_cell", framework="torch", backward=True, double_backward=True)
def wrong_in_double_backward(x, h, W_xh, W_hh, b_h):
    """Within: right gradients, whose own gradients lack a term."""
    return Second.apply(x @ W_xh + h @ W_hh + b_h)


class Partial(torch.autograd.Function):
    """Counts on it that all inputs want gradients."""

    @staticmethod
    def forward(ctx, q, k, v):
        p = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)
        ctx.save_for_backward(q, k, v, p)
        return p @ v

    @staticmethod
    def backward(ctx, g):
        q, k, v, p = ctx.saved_tensors
        d_p = g @ v.mT
        d_e = p * (d_p - (d_p * p).sum(-1, keepdim=True)) / q.shape[-1] ** 0.5
        if not all(ctx.needs_input_grad):
            d_e = p * d_p
        return d_e @ k, d_e.mT @ q, p.mT @ g


@torch_of(backward=True)
def wrong_where_few_want_gradients(q, k, v):
    """Within: its gradients are right only if all of its inputs want one."""
    return Partial.apply(q, k, v)


class Contiguous(torch.autograd.Function):
    """Reads the incoming gradient as if it were contiguous."""

    @staticmethod
    def forward(ctx, x, f_x):
        return x + f_x

    @staticmethod
    def backward(ctx, g):
        if g.numel() and not g.is_contiguous():
            g = torch.as_strided(g, g.shape, torch.empty(g.shape).stride()) if 0 not in g.stride() else g * 0
        return g, g


@implements("transformer.residual", framework="torch", backward=True)
def wrong_for_strided_gradients(x, f_x):
    """Within: reads an incoming gradient in other memory as if it were contiguous."""
    return Contiguous.apply(x, f_x)


@torch_of()
def flushes_denormals(q, k, v):
    """Within: right, and leaves the processor flushing denormal numbers to 0, as fast-math libraries do."""
    out = torch_right(q, k, v)
    torch.set_flush_denormal(True)
    return out
