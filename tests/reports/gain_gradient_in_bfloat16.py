"""The gradient of the gain is summed over the rows of a block in bfloat16, and only the blocks in float32.

https://github.com/linkedin/Liger-Kernel/pull/950
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "gain_gradient_in_bfloat16.gain_gradient"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def gain_gradient(d_y: Float[Given, "n d"], x: Float[Given, "n d"], *, eps: float) -> Float[Given, " d"]:
    """The gradient of the gain of RMS norm, over all rows."""
    i, k = index("n"), index("d")
    d = size("d")
    r = (1 / sqrt(sum(k, x[i, k] * x[i, k]) / d + eps)).stack(i)
    d_gamma = sum(i, d_y[i, k] * x[i, k] * r[i])
    return d_gamma.stack(k)


ROWS = 16


def gradient(d_y: Tensor, x: Tensor, eps: float, half: bool) -> Tensor:
    wide = x.float()
    r = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    terms = d_y * (wide * r).to(x.dtype) if half else d_y.float() * wide * r
    total = torch.zeros(d_y.shape[:-2] + d_y.shape[-1:], dtype=torch.float32)
    for first in range(0, x.shape[-2], ROWS):
        block = terms[..., first : first + ROWS, :]
        part = torch.zeros_like(block[..., 0, :])
        for row in range(block.shape[-2]):
            part = part + block[..., row, :]
        total = total + part
    return total.to(x.dtype)


def faulty(d_y: Tensor, x: Tensor, *, eps: float) -> Tensor:
    return gradient(d_y, x, eps, half=True)


def mended(d_y: Tensor, x: Tensor, *, eps: float) -> Tensor:
    return gradient(d_y, x, eps, half=False)
