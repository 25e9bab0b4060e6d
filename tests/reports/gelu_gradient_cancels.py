"""The distribution is 1 plus the error function, each stored in bfloat16: far below 0 nothing of it is left.

https://github.com/tenstorrent/tt-metal/issues/35971
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, gelu, index, where
from attnspec.notation import Tensor as Given

EQUATION = "gelu_gradient_cancels.gradient"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


@equation(Source(paper="Hendrycks and Gimpel 2016, arXiv:1606.08415v5, sec. 2"))
def gradient(d_y: Float[Given, " n"], x: Float[Given, " n"]) -> Float[Given, " n"]:
    """What a gradient becomes that goes back through GELU: times the distribution, and x times its density."""
    j = index("n")
    below = where(x[j] == 0, 0.5, gelu(x[j]) / where(x[j] == 0, 1, x[j]))
    density = exp(-x[j] * x[j] / 2) / 2.5066282746310002
    d_x = d_y[j] * (below + x[j] * density)
    return d_x.stack(j)


def faulty(d_y: Tensor, x: Tensor) -> Tensor:
    below = (torch.erf(x * math.sqrt(0.5)) + 1) * 0.5
    density = torch.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return d_y * (below + x * density)


def mended(d_y: Tensor, x: Tensor) -> Tensor:
    wide = x.float()
    below = torch.erfc(-wide * math.sqrt(0.5)) * 0.5
    density = torch.exp(wide * wide * -0.5) * (1 / math.sqrt(2 * math.pi))
    return (d_y.float() * (below + wide * density)).to(x.dtype)
