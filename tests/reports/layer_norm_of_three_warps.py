"""The sums of warps are added in a butterfly of as many lanes, which is right for powers of 2 alone.

https://github.com/xlite-dev/LeetCUDA/issues/357
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}

WARP = 32


def mean(x: Tensor, lanes: int) -> Tensor:
    """Each warp sums its 32 places, and the first lane ends with what a butterfly gives it."""
    warps = -(-x.shape[-1] // WARP)
    filled = torch.nn.functional.pad(x, (0, warps * WARP - x.shape[-1]))
    sums = filled.reshape(*x.shape[:-1], warps, WARP).sum(-1)
    step = lanes or warps
    sums = torch.nn.functional.pad(sums, (0, max(0, 2 * step - warps)))
    step //= 2
    while step:
        places = torch.arange(sums.shape[-1]) ^ step
        sums = sums + torch.where(places < sums.shape[-1], sums[..., places.clamp(max=sums.shape[-1] - 1)], 0)
        step //= 2
    return sums[..., :1] / x.shape[-1]


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, lanes: int) -> Tensor:
    if not x.shape[-1]:
        return torch.zeros_like(x)
    centred = x - mean(x, lanes)
    return centred * torch.rsqrt(mean(centred * centred, lanes) + eps) * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, 0)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, 1 << max(0, -(-x.shape[-1] // WARP) - 1).bit_length())
