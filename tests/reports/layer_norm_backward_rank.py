"""The backward pass of layer norm takes the first axis for the rows, and all others for the width.

Right for a matrix, wrong for (batch, sequence, hidden). https://github.com/flagos-ai/FlagGems/issues/5392
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch", "backward": True, "claim": {"batch": (0, 1, 2)}}


class Norm(torch.autograd.Function):
    """With the number of axes that its backward pass takes for the width."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, eps: float, flat: bool) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        deviation = torch.sqrt((centred * centred).mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(centred / deviation, deviation, gamma)
        ctx.flat = flat
        return centred / deviation * gamma + beta

    @staticmethod
    def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        normal, deviation, gamma = ctx.saved_tensors
        flat = ctx.flat or normal.ndim < 2 or not normal.numel()
        width = normal.shape[-1] if flat else normal.numel() // normal.shape[0]
        d_normal = (d_y * gamma).reshape(-1, width)
        rows = normal.reshape(-1, width)
        own = d_normal - d_normal.mean(-1, keepdim=True) - rows * (d_normal * rows).mean(-1, keepdim=True)
        leading = tuple(range(normal.ndim - 1))
        d_gamma, d_beta = (d_y * normal, d_y) if not leading else ((d_y * normal).sum(leading), d_y.sum(leading))
        return own.reshape(normal.shape) / deviation, d_gamma, d_beta, None, None


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    result: Tensor = Norm.apply(x, gamma, beta, eps, False)  # type: ignore[no-untyped-call]  # PyTorch does not type it
    return result


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    result: Tensor = Norm.apply(x, gamma, beta, eps, True)  # type: ignore[no-untyped-call]  # PyTorch does not type it
    return result
