"""The activation is called with its arguments in the old order: it is applied to what the gate should multiply.

https://github.com/ml-explore/mlx-lm/pull/767
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, silu
from attnspec.notation import Tensor as Given

EQUATION = "swiglu_roles_exchanged.swiglu"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Shazeer 2020, arXiv:2002.05202v1, eq. 6"))
def swiglu(
    x: Float[Given, " d"], W_up: Float[Given, "d h"], W_gate: Float[Given, "d h"], W_down: Float[Given, "h d"]
) -> Float[Given, " d"]:
    """A feed-forward layer whose hidden units are multiplied by a gate through silu."""
    up = x @ W_up
    gate = x @ W_gate
    return (silu(gate) * up) @ W_down


def gated(x: Tensor, gate: Tensor) -> Tensor:
    return torch.nn.functional.silu(gate) * x


def faulty(x: Tensor, W_up: Tensor, W_gate: Tensor, W_down: Tensor) -> Tensor:
    return gated(x @ W_gate, x @ W_up) @ W_down


def mended(x: Tensor, W_up: Tensor, W_gate: Tensor, W_down: Tensor) -> Tensor:
    return gated(x @ W_up, x @ W_gate) @ W_down
