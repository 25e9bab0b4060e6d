"""Each lane sums relative to the largest score that it read; the sums are added as they are.

https://github.com/KarhouTam/cuda-kernels/issues/3
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


LANES = 32


def softmax(e: Tensor, rescales: bool) -> Tensor:
    filled = torch.nn.functional.pad(e, (0, -e.shape[-1] % LANES), value=float("-inf"))
    lanes = filled.reshape(*filled.shape[:-1], filled.shape[-1] // LANES, LANES)
    own = lanes.amax(-2)
    idle = own == float("-inf")
    sums = torch.exp(lanes - own.masked_fill(idle, 0).unsqueeze(-2)).sum(-2)
    top = own.amax(-1, keepdim=True)
    if rescales:
        sums = sums * torch.exp(own - top)
    return torch.exp(e - top) / sums.sum(-1, keepdim=True)


def faulty(e: Tensor) -> Tensor:
    return softmax(e, rescales=False)


def mended(e: Tensor) -> Tensor:
    return softmax(e, rescales=True)
