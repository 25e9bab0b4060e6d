"""Squares and their mean are kept in the type of the activations, where they are infinite from 65,504 on.

https://github.com/microsoft/onnxruntime/issues/29034
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "rms_norm_squares_in_half.rms_norm"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def rms_norm(x: Float[Given, " d"], gamma: Float[Given, " d"], *, eps: float) -> Float[Given, " d"]:
    """Each component over the root of the mean of the squares, then a gain."""
    k = index("d")
    d = size("d")
    y = x[k] / sqrt(sum(k, x[k] * x[k]) / d + eps) * gamma[k]
    return y.stack(k)


def faulty(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    mean = (x * x / max(x.shape[-1], 1)).sum(-1, keepdim=True).float()
    return (x.float() * torch.rsqrt(mean + eps) * gamma.float()).to(x.dtype)


def mended(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    wide = x.float()
    return (wide * torch.rsqrt((wide * wide).mean(-1, keepdim=True) + eps) * gamma.float()).to(x.dtype)
