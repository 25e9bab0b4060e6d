"""The 1 of the gain was added when the weights were stored, and is added again.

https://github.com/utensils/mold/pull/1078
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "gain_has_one_already.rms_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4; Gemma, whose gain is 1 and a weight"),
    options={"eps": (1e-6, 1e-3)},
)
def rms_norm(x: Float[Given, " d"], w: Float[Given, " d"], *, eps: float) -> Float[Given, " d"]:
    """A row over the root of its mean square, times 1 and a weight."""
    k = index("d")
    d = size("d")
    mean = sum(k, x[k] * x[k]) / d
    y = x[k] / sqrt(mean + eps) * (1 + w[k])
    return y.stack(k)


def normalised(x: Tensor, eps: float) -> Tensor:
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + eps)


def faulty(x: Tensor, w: Tensor, *, eps: float) -> Tensor:
    stored = 1 + w
    return normalised(x, eps) * (stored + 1)


def mended(x: Tensor, w: Tensor, *, eps: float) -> Tensor:
    stored = 1 + w
    return normalised(x, eps) * stored
