"""The hyperbolic tangent multiplies the logits, and not the cap.

https://github.com/unslothai/unsloth-zoo/pull/593
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, log_softmax, tanh
from attnspec.notation import Tensor as Given

EQUATION = "soft_cap_multiplies_logits.log_probability"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Gemma Team 2024, arXiv:2408.00118v3, sec. 2"),
    options={"cap": (30.0, 5.0)}, scales={"z": "scores", "y": "token"},
)  # fmt: skip
def log_probability(z: Float[Given, "t v"], y: Int[Given, " t"], *, cap: float) -> Float[Given, " t"]:
    """How likely each token is, of logits that are kept within a cap."""
    i, k = index("t"), index("v")
    capped = cap * tanh(z[i, k] / cap)
    p = log_softmax(k, capped).stack(i, k)
    return p[i, y[i]].stack(i)


def chosen(z: Tensor, y: Tensor) -> Tensor:
    return torch.log_softmax(z, -1).gather(-1, y[..., None]).squeeze(-1)


def faulty(z: Tensor, y: Tensor, *, cap: float) -> Tensor:
    return chosen(z * torch.tanh(z / cap), y)


def mended(z: Tensor, y: Tensor, *, cap: float) -> Tensor:
    return chosen(cap * torch.tanh(z / cap), y)
