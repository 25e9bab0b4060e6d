"""The two means are not corrected for the zeros that they start from.

https://github.com/oxiglade/mlx-rs/issues/301
"""

from __future__ import annotations

from torch import Tensor

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g.square()
    return theta - lr * (m / (v.sqrt() + eps)), m, v


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g.square()
    mean, square = m / (1 - beta_1**step), v / (1 - beta_2**step)
    return theta - lr * (mean / (square.sqrt() + eps)), m, v
