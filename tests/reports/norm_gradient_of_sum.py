"""The gradient that the residual brings is put through the gradient of the norm, with that of the norm's output.

https://github.com/Dao-AILab/quack/pull/53
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "norm_gradient_of_sum.residual_gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def residual_gradient(
    d_residual: Float[Given, " d"], d_y: Float[Given, " d"], s: Float[Given, " d"], gamma: Float[Given, " d"], *,
    eps: float
) -> Float[Given, " d"]:  # fmt: skip
    """The gradient of a residual stream s that goes on as it is, and through RMS norm to y."""
    k = index("d")
    d = size("d")
    r = 1 / sqrt(sum(k, s[k] * s[k]) / d + eps)
    g = (d_y[k] * gamma[k]).stack(k)
    through_norm = r * (g[k] - s[k] * r * r * sum(k, g[k] * s[k]) / d)
    d_s = d_residual[k] + through_norm
    return d_s.stack(k)


def through_norm(d_y: Tensor, s: Tensor, gamma: Tensor, eps: float) -> Tensor:
    r = torch.rsqrt(s.square().mean(-1, keepdim=True) + eps)
    normalised, g = s * r, d_y * gamma
    return r * (g - normalised * (g * normalised).mean(-1, keepdim=True))


def faulty(d_residual: Tensor, d_y: Tensor, s: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return through_norm(d_residual + d_y, s, gamma, eps)


def mended(d_residual: Tensor, d_y: Tensor, s: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return d_residual + through_norm(d_y, s, gamma, eps)
