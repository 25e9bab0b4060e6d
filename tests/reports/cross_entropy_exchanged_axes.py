"""A kernel copies its input only where stride(-1) is not 1, and walks all rows by stride(-2).

Of a tensor whose first two axes are exchanged it reads other rows. https://github.com/NVIDIA/TransformerEngine/pull/2734
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch", "claim": {"batch": (0, 1, 2)}}


def loss(rows: Tensor, target: Tensor, shape: tuple[int, ...]) -> Tensor:
    return -torch.log_softmax(rows, -1).gather(-1, target.reshape(-1, 1)).reshape(shape)


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    width, shape = logits.shape[-1], logits.shape[:-1]
    if logits.stride(-1) != 1:
        logits = logits.contiguous()
    count, step = target.numel(), logits.stride(-2) if logits.ndim > 1 else width
    held = logits.untyped_storage().nbytes() // logits.element_size() - logits.storage_offset()
    readable = (held - width) // max(step, 1)  # a kernel would read beyond it; here the last row that is held
    rows = torch.as_strided(logits, (min(count, readable + 1), width), (step, 1))
    return loss(rows[torch.arange(count).clamp(max=readable)], target, shape)


def mended(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits.reshape(-1, logits.shape[-1]), target, logits.shape[:-1])
