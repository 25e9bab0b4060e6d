"""Wrong, by equations of one's own: heads in groups, rotations, dropout, codes with a zero point."""

import math
from functools import partial

import numpy as np
import torch

from attnspec import Source, equation, implements
from attnspec.notation import Bool, Float, Tensor, cos, index, indices, sin, size, softmax, sqrt, sum, where

SU = Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34")


@equation(Source(paper="Ainslie et al. 2023, arXiv:2305.13245v3, sec. 2.2"))
def grouped(
    q: Float[Tensor, "g*K n d"], k: Float[Tensor, "K m d"], v: Float[Tensor, "K m e"]
) -> Float[Tensor, "g*K n e"]:
    """Attention in which a group of neighbouring heads of queries reads one head of keys and values."""
    h, i, j = index("g*K"), index("n"), index("m")
    d, g = size("d"), size("g")
    e = (q[h, i] @ k[h // g, j] / sqrt(d)).stack(h, i, j)
    p = softmax(j, e[h, i, j]).stack(h, i, j)
    c = sum(j, p[h, i, j] * v[h // g, j])
    return c.stack(h, i)


@equation(SU)
def rotate_pairs(x: Float[Tensor, "t 2*d"]) -> Float[Tensor, "t 2*d"]:
    """Rows are turned by their place; neighbours in a row are a pair."""
    i, k = index("t"), index("2*d")
    d = size("d")
    angle = i * 10_000 ** (0 - (k // 2) / d)
    y = x[i, k] * cos(angle) + where(k % 2 == 0, -x[i, k + 1], x[i, k - 1]) * sin(angle)
    return y.stack(i, k)


@equation(Source(paper="Chen et al. 2023, arXiv:2306.15595v2, eq. 4"), options={"factor": (2.0, 8.0)})
def rotate_interpolated(x: Float[Tensor, "t 2*d"], *, factor: float) -> Float[Tensor, "t 2*d"]:
    """Rows are turned by their place over `factor`, pairs d columns apart."""
    i, k = index("t"), index("2*d")
    d = size("d")
    angle = i / factor * 10_000 ** (0 - (k % d) / d)
    y = x[i, k] * cos(angle) + where(k < d, -x[i, k + d], x[i, k - d]) * sin(angle)
    return y.stack(i, k)


@equation(Source(paper="Dao et al. 2022, arXiv:2205.14135v2, alg. 4"), options={"rate": (0.1, 0.5)})
def dropped_gradient(
    d_a: Float[Tensor, "n m"], e: Float[Tensor, "n m"], keep: Bool[Tensor, "n m"], *, rate: float
) -> Float[Tensor, "n m"]:
    """The gradient of scores whose weights were dropped where `keep` is false, the others over 1 - rate."""
    i, j = indices("n", "m")
    p = softmax(j, e[i, j])
    d_p = where(keep[i, j], d_a[i, j] / (1 - rate), 0)
    D = sum(j, p * d_p)
    d_e = p * (d_p - D)
    return d_e.stack(i, j)


@equation(Source(paper="Jacob et al. 2018, arXiv:1712.05877v1, eq. 1"))
def read_codes(
    x: Float[Tensor, "t d"], code: Float[Tensor, "d e"], scale: Float[Tensor, " e"], zero: Float[Tensor, " e"]
) -> Float[Tensor, "t e"]:
    """A linear map whose matrix is kept as codes, with a scale and a zero point for each column."""
    i, j, k = indices("t", "e", "d")
    y = sum(k, x[i, k] * (code[k, j] - zero[j]) * scale[j])
    return y.stack(i, j)


@partial(implements, framework="torch")("shipped_own.grouped")
def values_by_remainder(q, k, v):
    """Wrong: keys are repeated head by head, values as a whole, so that a head reads the values of another group."""
    g = q.shape[-3] // max(k.shape[-3], 1)
    keys = k.repeat_interleave(g, -3)
    values = v.repeat(*[1] * (v.ndim - 3), g, 1, 1)
    return torch.softmax(q @ keys.mT / math.sqrt(q.shape[-1]), -1) @ values


@partial(implements, framework="numpy")("shipped_own.rotate_pairs")
def frequencies_by_halves(x):
    """Wrong: neighbours are turned as pairs, by tables whose halves are equal, as they belong to pairs d apart."""
    d = x.shape[-1] // 2
    angle = np.arange(x.shape[-2])[:, None] * 10000.0 ** (-np.arange(d) / max(d, 1))
    c, s = (np.concatenate([f(angle)] * 2, -1).astype(x.dtype) for f in (np.cos, np.sin))
    partner = np.stack([-x[..., 1::2], x[..., ::2]], -1).reshape(x.shape)
    return x * c + partner * s


@partial(implements, framework="torch")("shipped_own.rotate_interpolated")
def base_is_stretched(x, *, factor):
    """Wrong: the base is multiplied by the factor, where places should be divided by it."""
    d = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2])[:, None] * (10000.0 * factor) ** (-torch.arange(d).double() / max(d, 1))
    c, s = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :d], x[..., d:]
    return torch.cat([a * c - b * s, b * c + a * s], -1)


@partial(implements, framework="numpy")("shipped_own.dropped_gradient")
def slope_of_dropped_weights(d_a, e, keep, *, rate):
    """Wrong: weights after dropout are taken for those of softmax. https://github.com/aws-neuron/nki-samples/pull/81"""
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    p = p / p.sum(-1, keepdims=True)
    up = e.dtype.type(1 / (1 - rate))
    dropped, d_p = np.where(keep, p * up, 0), np.where(keep, d_a * up, 0)
    return dropped * (d_p - (dropped * d_p).sum(-1, keepdims=True))


@partial(implements, framework="numpy")("shipped_own.read_codes")
def zero_point_in_units_of_values(x, code, scale, zero):
    """Wrong: codes are scaled first, and the zero point is taken off then as if it were a value."""
    weights = code * scale[..., None, :] - zero[..., None, :]
    return x @ weights
