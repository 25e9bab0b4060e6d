"""A rate that overflows is multiplied by a step that rounds to 0.

https://github.com/ohdearquant/lattice/issues/314
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, softplus
from attnspec.notation import Tensor as Given

EQUATION = "decay_gate_of_infinity.gate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Yang et al. 2024, arXiv:2412.06464v3, sec. 3.3"))
def gate(rate: Float[Given, " H"], step: Float[Given, " H"], bias: Float[Given, " H"]) -> Float[Given, " H"]:
    """How much of its state each head keeps."""
    h = index("H")
    g = exp(-exp(rate[h]) * softplus(step[h] + bias[h]))
    return g.stack(h)


def faulty(rate: Tensor, step: Tensor, bias: Tensor) -> Tensor:
    return torch.exp(-torch.exp(rate) * torch.nn.functional.softplus(step + bias))


def mended(rate: Tensor, step: Tensor, bias: Tensor) -> Tensor:
    at = (step + bias).double()
    logarithm = torch.where(at < -30, at, torch.log(torch.nn.functional.softplus(at.clamp(min=-30))))
    return torch.exp(-torch.exp(rate.double() + logarithm)).to(rate.dtype)
