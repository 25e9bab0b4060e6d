"""Workers write vectors of 4 or 2 numbers, and as many are started as there are vectors, divided by that size again.

https://github.com/microsoft/onnxruntime/pull/25092
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "instance_norm_outputs_of_vectors.instance_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Ulyanov et al. 2016, arXiv:1607.08022v3, eq. 2"),
    options={"eps": (1e-5, 1e-3)}, smallest={"n": 1},
)  # fmt: skip
def instance_norm(
    x: Float[Given, "c n"], gain: Float[Given, " c"], offset: Float[Given, " c"], *, eps: float
) -> Float[Given, "c n"]:
    """Each channel of each example less its mean, over the root of its variance, with its own gain and offset."""
    i, j = index("c"), index("n")
    n = size("n")
    mean = sum(j, x[i, j]) / n
    variance = sum(j, (x[i, j] - mean) * (x[i, j] - mean)) / n
    y = (x[i, j] - mean) / sqrt(variance + eps) * gain[i] + offset[i]
    return y.stack(i, j)


def normalised(x: Tensor, gain: Tensor, offset: Tensor, eps: float) -> Tensor:
    less = x - x.mean(-1, keepdim=True)
    root = torch.sqrt((less * less).mean(-1, keepdim=True) + eps)
    return less / root * gain[..., None] + offset[..., None]


def faulty(x: Tensor, gain: Tensor, offset: Tensor, *, eps: float) -> Tensor:
    y = normalised(x, gain, offset, eps)
    width = next(width for width in (4, 2, 1) if x.shape[-1] % width == 0)
    written = torch.arange(y.numel()) < -(-(y.numel() // width) // width) * width
    return torch.where(written.reshape(y.shape), y, 0)


def mended(x: Tensor, gain: Tensor, offset: Tensor, *, eps: float) -> Tensor:
    return normalised(x, gain, offset, eps)
