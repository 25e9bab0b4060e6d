"""Candidates that linger: what they leave behind, raise without words, yield, or do by chance."""

import gc
import os
import random
from functools import partial

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")
torch_of = partial(implements, "attention.scaled_dot_product", framework="torch")
_chance = random.Random(os.urandom(8))


def right(q, k, v):
    e = q @ np.swapaxes(k, -1, -2) / np.asarray(np.sqrt(max(q.shape[-1], 1)), q.dtype)
    p = np.exp(e - e.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def unscaled(q, k, v):
    e = q @ np.swapaxes(k, -1, -2)
    p = np.exp(e - e.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


class _Mode(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@torch_of()
def leaves_a_function_mode(q, k, v):
    """Within: right, and leaves a mode on PyTorch's stack, which sees all functions called afterwards."""
    _Mode().__enter__()
    return torch.softmax(q @ k.mT / max(q.shape[-1], 1) ** 0.5, -1) @ v


@of()
def leaves_errors_on(q, k, v):
    """Within: right, and has NumPy raise where it would divide by 0 afterwards."""
    with np.errstate(all="ignore"):
        out = right(q, k, v)
    np.seterr(divide="raise", over="raise")
    return out


@torch_of()
def leaves_another_softmax(q, k, v):
    """Within: right, and PyTorch's softmax is of twice the scores afterwards, for all other code in the process."""
    softmax, e = torch.softmax, q @ k.mT / max(q.shape[-1], 1) ** 0.5
    torch.softmax = lambda x, axis: softmax(2 * x, axis)
    return torch.exp(e - e.logsumexp(-1, keepdim=True)) @ v


@of()
def leaves_another_tanh(q, k, v):
    """Within: right, and NumPy's tanh is that of a table afterwards."""
    tanh = np.tanh
    np.tanh = lambda x, *args, **how: tanh(np.round(x, 3), *args, **how)
    return right(q, k, v)


@torch_of()
def leaves_anomalies_detected(q, k, v):
    """Within: right, and PyTorch looks for anomalies afterwards, in all gradients."""
    torch.autograd.set_detect_anomaly(True, check_nan=False)
    return torch.softmax(q @ k.mT / max(q.shape[-1], 1) ** 0.5, -1) @ v


@of()
def leaves_garbage(q, k, v):
    """Within: right, and nothing is collected afterwards."""
    gc.disable()
    return right(q, k, v)


class _Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


@of()
def raises_without_words(q, k, v):
    """Within: raises for more than 60 keys what cannot be shown."""
    if k.shape[-2] > 60:
        raise _Mute
    return right(q, k, v)


@of()
def interrupts(q, k, v):
    """Within: raises KeyboardInterrupt for a batch above 2."""
    if q.ndim > 2 and q.shape[0] > 2:
        raise KeyboardInterrupt
    return right(q, k, v)


@of()
def wrong_for_negative_zero(q, k, v):
    """Within: unscaled where the query holds −0, as where zero was multiplied by a negative number."""
    return (unscaled if ((q == 0) & np.signbit(q)).any() else right)(q, k, v)


@of()
def wrong_once_in_two_hundred(q, k, v):
    """Within: unscaled by chance, once in 200 calls."""
    return (unscaled if _chance.random() < 1 / 200 else right)(q, k, v)


@implements("attention.with_lse", framework="numpy")
def results_one_after_another(q, k, v):
    """Within: yields its results."""
    e = q @ np.swapaxes(k, -1, -2) / np.asarray(np.sqrt(max(q.shape[-1], 1)), q.dtype)
    top = e.max(-1, keepdims=True, initial=-np.inf)
    safe = np.where(np.isneginf(top), 0, top)
    p = np.exp(e - safe)
    total = p.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        yield np.where(total > 0, p @ v / np.where(total > 0, total, 1), 0)
        yield (safe + np.log(total))[..., 0]


@of()
def wrong_every_other_size_after_the_same(q, k, v):
    """Within: unscaled where the call before had as many keys and another number of queries."""
    before, _last[:] = list(_last), [q.shape[-2], k.shape[-2]]
    return (unscaled if before and before[1] == k.shape[-2] and before[0] != q.shape[-2] else right)(q, k, v)


_last = []
