"""The variance and eps are squared where the root should be taken.

https://github.com/131250208/TPlinker-joint-extraction/issues/37
"""

from __future__ import annotations

from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def normal(power: float, x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps) ** power * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(2, x, gamma, beta, eps)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(0.5, x, gamma, beta, eps)
