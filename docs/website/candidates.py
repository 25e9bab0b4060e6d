"""Code that does what a text or a report says, and not what the equation says; the site judges each."""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import implements


def softmax(e: Any) -> Any:
    """Softmax along the last axis, of rows that have something finite."""
    p = np.exp(e - e.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def scores(q: Any, k: Any) -> Any:
    """Scaled inner products."""
    return q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))


def sigmoid(a: Any) -> Any:
    """The logistic function."""
    return 1 / (1 + np.exp(-a))


@implements("attention.scaled_dot_product", framework="numpy", smallest={"n": 1, "d": 1})
def divided_by_a_power(q: Any, k: Any, v: Any) -> Any:
    """Divides by d to the power of −1/2."""
    e = q @ np.swapaxes(k, -1, -2) / q.dtype.type(q.shape[-1]) ** -0.5
    return softmax(e) @ v


@implements("attention.masked", framework="numpy", smallest={"n": 1, "d": 1})
def mask_without_effect(q: Any, k: Any, v: Any, mask: Any) -> Any:
    """Writes the mask into an array that is not read again."""
    bias = np.zeros_like(scores(q, k))
    mask = np.where(mask, 0, -np.inf)
    return softmax(scores(q, k) + bias) @ v


@implements("attention.masked", framework="numpy", smallest={"n": 1, "d": 1})
def true_means_ignore(q: Any, k: Any, v: Any, mask: Any) -> Any:
    """Reads the mask as `nn.MultiheadAttention` does: True hides a key."""
    e = np.where(mask, -np.inf, scores(q, k))
    p = np.exp(e - np.maximum(e.max(axis=-1, keepdims=True), np.finfo(e.dtype).min))
    return p / np.maximum(p.sum(axis=-1, keepdims=True), np.finfo(e.dtype).tiny) @ v


@implements("attention.masked", framework="numpy", smallest={"n": 1, "d": 1})
def minus_a_million(q: Any, k: Any, v: Any, mask: Any) -> Any:
    """Sets masked scores to a large negative number."""
    return softmax(np.where(mask, scores(q, k), scores(q, k).dtype.type(-1e6))) @ v


@implements("attention.masked", framework="numpy", smallest={"n": 1, "d": 1})
def weights_of_minus_a_million(q: Any, k: Any, v: Any, mask: Any) -> Any:
    """Sets masked weights to a large negative number."""
    return np.where(mask, softmax(scores(q, k)), scores(q, k).dtype.type(-1e6)) @ v


@implements("transformer.layer_norm", framework="numpy", smallest={"d": 2})
def layer_norm_of_the_annotated_transformer(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    """Divides by the sample's standard deviation, and adds eps to it."""
    mean = x.mean(axis=-1, keepdims=True)
    std = x.std(axis=-1, keepdims=True, ddof=1)
    return gamma * (x - mean) / (std + eps) + beta


@implements("recurrent.simple_rnn_cell", framework="numpy")
def recurrent_matrix_transposed(x: Any, h: Any, W_xh: Any, W_hh: Any, b_h: Any) -> Any:
    """Multiplies by the transpose of the recurrent matrix."""
    return np.tanh(x @ W_xh + h @ W_hh.T + b_h)


@implements("recurrent.gru_cell_reset_after", framework="numpy")
def one_bias_left_out(
    x: Any, h: Any, W_xr: Any, W_hr: Any, b_r: Any, W_xz: Any, W_hz: Any, b_z: Any, W_xh: Any, W_hh: Any, b_h: Any,
    b_hh: Any,
) -> Any:  # fmt: skip
    """Leaves out the bias that the reset gate acts on."""
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)
    n = np.tanh(x @ W_xh + b_h + r * (h @ W_hh))
    return (1 - z) * n + z * h


@implements("recurrent.gru_cell", framework="numpy")
def read_in_another_order(
    x: Any, h: Any, W_xr: Any, W_hr: Any, b_r: Any, W_xz: Any, W_hz: Any, b_z: Any, W_xh: Any, W_hh: Any, b_h: Any
) -> Any:
    """Packs z, r, h and reads r, z, h."""
    W_x = np.concatenate([W_xz, W_xr, W_xh], axis=-1)
    W_h = np.concatenate([W_hz, W_hr], axis=-1)
    b = np.concatenate([b_z, b_r, b_h], axis=-1)
    x_r, x_z, x_h = np.split(x @ W_x + b, 3, axis=-1)
    h_r, h_z = np.split(h @ W_h, 2, axis=-1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    return z * h + (1 - z) * np.tanh(x_h + (r * h) @ W_hh)


@implements("position.sinusoidal", framework="numpy")
def columns_counted_from_one(t: int, d: int) -> Any:
    """Takes the exponents of columns that are counted from 1."""
    pair = np.arange(d) // 2 + 1
    angle = np.arange(t)[:, None] / 10000 ** (2 * pair / d)
    return np.where(np.arange(d) % 2 == 0, np.sin(angle), np.cos(angle))
