"""The whole buffer of the cache is attended to, with the zeros of slots that were not written yet.

https://github.com/meta-pytorch/gpt-fast/issues/233
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

EQUATION = "attention.incremental"
OPTIONS: dict[str, object] = {"framework": "torch"}


SLOTS = 32


def step(q: Tensor, k_new: Tensor, v_new: Tensor, K: Tensor, V: Tensor, slots: int) -> tuple[Tensor, Tensor, Tensor]:
    K, V = torch.cat([K, k_new.unsqueeze(-2)], -2), torch.cat([V, v_new.unsqueeze(-2)], -2)
    free = -K.shape[-2] % slots
    keys, values = F.pad(K, (0, 0, 0, free)), F.pad(V, (0, 0, 0, free))
    e = q.unsqueeze(-2) @ keys.mT / math.sqrt(q.shape[-1])
    return (torch.softmax(e, -1) @ values).squeeze(-2), K, V


def faulty(q: Tensor, k_new: Tensor, v_new: Tensor, K: Tensor, V: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return step(q, k_new, v_new, K, V, SLOTS)


def mended(q: Tensor, k_new: Tensor, v_new: Tensor, K: Tensor, V: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return step(q, k_new, v_new, K, V, slots=1)
