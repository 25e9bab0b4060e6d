"""The sum of both products is normalised, where each should be.

https://github.com/tensorflow/tensorflow/pull/15861
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "lstm_normed_after_sum.gates"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Ba, Kiros and Hinton 2016, arXiv:1607.06450v1, eq. 20; without gains"),
    options={"eps": (1e-5, 1e-3)}, scales={"b": "bias"}, smallest={"u": 1},
)  # fmt: skip
def gates(
    x: Float[Given, " d"], h: Float[Given, " u"], W_x: Float[Given, "d 4*u"], W_h: Float[Given, "u 4*u"],
    b: Float[Given, " 4*u"], *, eps: float,
) -> Float[Given, " 4*u"]:  # fmt: skip
    """What the gates of a normalised LSTM are functions of, packed."""
    k = index("4*u")
    n = size("4*u")
    a = x @ W_x
    c = h @ W_h
    a_mean = sum(k, a[k]) / n
    c_mean = sum(k, c[k]) / n
    a_spread = sqrt(sum(k, (a[k] - a_mean) * (a[k] - a_mean)) / n + eps)
    c_spread = sqrt(sum(k, (c[k] - c_mean) * (c[k] - c_mean)) / n + eps)
    y = (a[k] - a_mean) / a_spread + (c[k] - c_mean) / c_spread + b[k]
    return y.stack(k)


def norm(a: Tensor, eps: float) -> Tensor:
    return torch.nn.functional.layer_norm(a, a.shape[-1:], eps=eps)


def faulty(x: Tensor, h: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor, *, eps: float) -> Tensor:
    return norm(x @ W_x + h @ W_h, eps) + b


def mended(x: Tensor, h: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor, *, eps: float) -> Tensor:
    return norm(x @ W_x, eps) + norm(h @ W_h, eps) + b
