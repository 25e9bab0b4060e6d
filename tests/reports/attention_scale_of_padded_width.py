"""The width is filled up to what the kernel has, and the scale is that of the wider rows.

https://github.com/intel/ipex-llm/pull/12619
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


WIDTHS = (64, 80, 96, 128)


def padded(x: Tensor) -> Tensor:
    width = x.shape[-1]
    wider = next((each for each in WIDTHS if each >= width), width)
    return torch.nn.functional.pad(x, (0, wider - width))


def attention(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    return torch.softmax(q @ k.transpose(-1, -2) * scale, -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    wide = padded(q)
    return attention(wide, padded(k), v, wide.shape[-1] ** -0.5)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(padded(q), padded(k), v, q.shape[-1] ** -0.5)
