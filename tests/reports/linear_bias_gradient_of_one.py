"""The gradient of the bias is that of one row, and not of all.

https://github.com/mlpack/mlpack/pull/3679
"""

from __future__ import annotations

from torch import Tensor

EQUATION = "backward.linear"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradients(d_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    return d_y @ W.transpose(-1, -2), x.transpose(-1, -2) @ d_y


def faulty(d_y: Tensor, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return *gradients(d_y, x, W), d_y[..., :1, :].sum(-2)


def mended(d_y: Tensor, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return *gradients(d_y, x, W), d_y.sum(-2)
