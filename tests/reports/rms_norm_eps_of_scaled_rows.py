"""Rows are divided by their largest component so that squares stay finite, and eps is added after that.

https://github.com/apple/coremltools/pull/2822
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "rms_norm_eps_of_scaled_rows.rms_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def rms_norm(x: Float[Given, " d"], gamma: Float[Given, " d"], *, eps: float) -> Float[Given, " d"]:
    """Each component over the root of the mean of the squares, then a gain."""
    k = index("d")
    d = size("d")
    y = x[k] / sqrt(sum(k, x[k] * x[k]) / d + eps) * gamma[k]
    return y.stack(k)


def faulty(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    if not x.shape[-1]:
        return x * gamma
    scaled = x / x.abs().amax(-1, keepdim=True)
    return scaled / torch.sqrt((scaled * scaled).mean(-1, keepdim=True) + eps) * gamma


def mended(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    if not x.shape[-1]:
        return x * gamma
    largest = x.abs().amax(-1, keepdim=True).clamp(min=1)
    scaled = x / largest
    return scaled / torch.sqrt((scaled * scaled).mean(-1, keepdim=True) + eps / (largest * largest)) * gamma
