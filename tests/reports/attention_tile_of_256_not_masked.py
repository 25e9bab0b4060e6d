"""Without a causal mask the last tile of 256 keys is not masked, and keys of 0 behind the end are counted.

https://github.com/flashinfer-ai/flashinfer/issues/3716
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


TILE = 256


def attend(q: Tensor, k: Tensor, v: Tensor, masks: bool) -> Tensor:
    m = k.shape[-2]
    behind = -m % TILE
    keys = torch.nn.functional.pad(k, (0, 0, 0, behind))
    values = torch.nn.functional.pad(v, (0, 0, 0, behind))
    e = q @ keys.mT / q.shape[-1] ** 0.5
    if masks:
        e = e.masked_fill(torch.arange(m + behind) >= m, float("-inf"))
    return torch.softmax(e, -1) @ values


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, masks=False)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, masks=True)
