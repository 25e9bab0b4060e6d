"""Gate and values are not kept within the limit of the model.

https://github.com/lightseekorg/tokenspeed/pull/1647
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, silu, where
from attnspec.notation import Tensor as Given

EQUATION = "swiglu_limit_not_read.clamped"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(
        paper="OpenAI 2025, gpt-oss, swiglu; DeepSeek, swiglu_limit: the gate is cut from above, values on both sides"
    ),
    options={"limit": (10.0, 7.0)},
)
def clamped(gate: Float[Given, " f"], up: Float[Given, " f"], *, limit: float) -> Float[Given, " f"]:
    """Values times a gate through silu, both kept within a limit."""
    g = where(gate > limit, limit, gate)
    u = where(up > limit, limit, where(up < -limit, -limit, up))
    return silu(g) * u


def faulty(gate: Tensor, up: Tensor, *, limit: float) -> Tensor:
    return torch.nn.functional.silu(gate) * up


def mended(gate: Tensor, up: Tensor, *, limit: float) -> Tensor:
    return torch.nn.functional.silu(gate.clamp(max=limit)) * up.clamp(-limit, limit)
