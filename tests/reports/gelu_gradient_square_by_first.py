"""For the square of each input it is multiplied by the first one of all, as if that were a scalar.

https://github.com/neoml-lib/neoml/pull/787
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, gelu, index, where
from attnspec.notation import Tensor as Given

EQUATION = "gelu_gradient_square_by_first.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Hendrycks and Gimpel 2016, arXiv:1606.08415v5, sec. 2"))
def gradient(d_y: Float[Given, " n"], x: Float[Given, " n"]) -> Float[Given, " n"]:
    """What a gradient becomes that goes back through GELU: times the distribution, and x times its density."""
    j = index("n")
    below = where(x[j] == 0, 0.5, gelu(x[j]) / where(x[j] == 0, 1, x[j]))
    density = exp(-x[j] * x[j] / 2) / 2.5066282746310002
    d_x = d_y[j] * (below + x[j] * density)
    return d_x.stack(j)


def slope(d_y: Tensor, x: Tensor, other: Tensor) -> Tensor:
    below = torch.erfc(-x / 2**0.5) / 2
    density = torch.exp(-x * other / 2) / math.sqrt(2 * math.pi)
    return d_y * (below + x * density)


def faulty(d_y: Tensor, x: Tensor) -> Tensor:
    return slope(d_y, x, x.flatten()[0] if x.numel() else x)


def mended(d_y: Tensor, x: Tensor) -> Tensor:
    return slope(d_y, x, x)
