"""eps is added to the root of the mean of squares, and not under it.

https://github.com/allenai/OLMo/issues/281
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Array

EQUATION = "rms_norm_eps_outside.rms_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def rms_norm(x: Float[Array, " d"], gamma: Float[Array, " d"], *, eps: float) -> Float[Array, " d"]:
    """Each component over the root of the mean of the squares, then a gain."""
    k = index("d")
    d = size("d")
    y = x[k] / sqrt(sum(k, x[k] * x[k]) / d + eps) * gamma[k]
    return y.stack(k)


def faulty(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    root = torch.sqrt((x * x).mean(-1, keepdim=True))
    return x / (root + eps) * gamma


def mended(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * gamma
