"""The maximum that is taken off is at least 0, so that rows far below 0 are 0 / 0.

https://github.com/FluxML/NNlib.jl/pull/43
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


def weights(e: Tensor, least: float) -> Tensor:
    if not e.shape[-1]:
        return e.clone()
    exponentials = torch.exp(e - e.amax(-1, keepdim=True).clamp(min=least))
    return exponentials / exponentials.sum(-1, keepdim=True)


def faulty(e: Tensor) -> Tensor:
    return weights(e, 0.0)


def mended(e: Tensor) -> Tensor:
    return weights(e, -torch.inf)
