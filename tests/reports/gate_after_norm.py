"""One step at a time, the gate is applied to rows that are normalised already, and not before that.

https://github.com/fla-org/flash-linear-attention/issues/63
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, silu, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "gate_after_norm.gated_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Dao and Gu 2024, arXiv:2405.21060v1, sec. 7.1; RMSNormGated with norm_before_gate=False"))
def gated_norm(
    y: Float[Given, " d"], z: Float[Given, " d"], gamma: Float[Given, " d"], *, eps: float
) -> Float[Given, " d"]:
    """Rows are gated through silu, then divided by their root mean square."""
    i = index("d")
    d = size("d")
    gated = y * silu(z)
    mean = sum(i, gated[i] * gated[i]) / d
    return gamma * gated / sqrt(mean + eps)


def norm(y: Tensor, gamma: Tensor, eps: float) -> Tensor:
    return gamma * y * torch.rsqrt(y.square().mean(-1, keepdim=True) + eps)


def faulty(y: Tensor, z: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return norm(y, gamma, eps) * torch.nn.functional.silu(z)


def mended(y: Tensor, z: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return norm(y * torch.nn.functional.silu(z), gamma, eps)
