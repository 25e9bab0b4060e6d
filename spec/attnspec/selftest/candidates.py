"""Candidates that are right in several forms, wrong in one way, or dishonest. Each runs in NumPy, PyTorch and JAX."""

from __future__ import annotations

import importlib
import math
import os
import time
from collections.abc import Mapping
from typing import Any

from attnspec import implements

Array = Any

ATTENTION, GRU, NORM, ENCODE = (
    "attention.scaled_dot_product", "recurrent.gru_cell", "transformer.layer_norm", "text.encode",
)  # fmt: skip


def _namespace(x: Array) -> Any:
    """The functions of the framework that an array belongs to."""
    return x.__array_namespace__() if hasattr(x, "__array_namespace__") else importlib.import_module("torch")


def _scores(q: Array, k: Array) -> Array:
    return q @ k.swapaxes(-1, -2)


def _softmax(e: Array) -> Array:
    xp = _namespace(e)
    largest = xp.amax if hasattr(xp, "amax") else xp.max
    parts = xp.exp(e - largest(e, axis=-1, keepdims=True))
    return parts / parts.sum(axis=-1, keepdims=True)


def _sigmoid(x: Array) -> Array:
    return 0.5 + 0.5 * _namespace(x).tanh(0.5 * x)


# Right.


@implements(ATTENTION)
def attention_as_written(q: Array, k: Array, v: Array) -> Array:
    return _softmax(_scores(q, k) / math.sqrt(q.shape[-1])) @ v


@implements(ATTENTION)
def attention_scaled_first(q: Array, k: Array, v: Array) -> Array:
    return _softmax(_scores(q * (1 / math.sqrt(q.shape[-1])), k)) @ v


@implements(GRU)
def gru_interpolated(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array, W_xh: Array,
    W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    r = _sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = _sigmoid(x @ W_xz + h @ W_hz + b_z)
    new = _namespace(x).tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    return new + z * (h - new)


@implements(NORM)
def norm_of_differences(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / _namespace(x).sqrt(variance + eps) * gamma + beta


@implements(ENCODE)
def words_looked_up(tokens: tuple[str, ...], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(vocabulary.get(word, -1) for word in tokens)


# Wrong.


@implements(ATTENTION)
def attention_unscaled(q: Array, k: Array, v: Array) -> Array:
    return _softmax(_scores(q, k)) @ v


@implements(ATTENTION)
def attention_a_thousandth_off(q: Array, k: Array, v: Array) -> Array:
    return 1.001 * attention_as_written(q, k, v)


@implements(ATTENTION)
def attention_of_64_keys(q: Array, k: Array, v: Array) -> Array:
    """The keys beyond a full tile are not read."""
    return attention_as_written(q, k[..., :64, :], v[..., :64, :])


@implements(ATTENTION)
def attention_in_half_precision(q: Array, k: Array, v: Array) -> Array:
    """The weights are rounded to 11 bits."""
    alpha = _softmax(_scores(q, k) / math.sqrt(q.shape[-1]))
    steps = 2.0 ** (_namespace(q).floor(_namespace(q).log2(alpha + 1e-30)) - 10)
    return (_namespace(q).round(alpha / steps) * steps) @ v


@implements(GRU)
def gru_with_gates_swapped(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array, W_xh: Array,
    W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    r = _sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = _sigmoid(x @ W_xz + h @ W_hz + b_z)
    new = _namespace(x).tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    return h + z * (new - h)


@implements(NORM)
def norm_without_eps(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / (_namespace(x).sqrt(variance) + eps) * gamma + beta


@implements(ENCODE)
def words_unknown_are_0(tokens: tuple[str, ...], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(vocabulary.get(word, 0) for word in tokens)


# Dishonest.

_answers: dict[tuple[int, ...], Array] = {}


@implements(ATTENTION)
def attention_remembered_by_shape(q: Array, k: Array, v: Array) -> Array:
    """Another input of the same shape gets the first answer again."""
    shape = (*q.shape, 0, *k.shape, 0, *v.shape)
    return _answers.setdefault(shape, attention_as_written(q, k, v))


@implements(ATTENTION)
def attention_that_clears_its_query(q: Array, k: Array, v: Array) -> Array:
    result = attention_as_written(q, k, v)
    q *= 0
    return result


@implements(ATTENTION)
def attention_that_is_zero_now_and_then(q: Array, k: Array, v: Array) -> Array:
    return attention_as_written(q, k, v) * (time.perf_counter_ns() % 7 != 0)


@implements(ATTENTION)
def attention_that_ends_the_process(q: Array, k: Array, v: Array) -> Array:
    if k.shape[-2] > 8:
        os._exit(0)
    return attention_as_written(q, k, v)


@implements(ENCODE)
def words_of_the_last_table(tokens: tuple[str, ...], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """The first vocabulary of a length is used for all."""
    table = _tables.setdefault(len(vocabulary), dict(vocabulary))
    return tuple(table.get(word, -1) for word in tokens)


_tables: dict[int, dict[str, int]] = {}
