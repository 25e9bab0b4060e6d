"""All queries of a chunk have the mask of its first one.

https://github.com/google-research/tabfm/pull/40
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.masked"
OPTIONS: dict[str, object] = {"framework": "torch"}

CHUNK = 128


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, rows_of_mask: int) -> Tensor:
    parts = [
        torch.nan_to_num(
            torch.softmax(
                (q[..., first : first + CHUNK, :] @ k.mT / q.shape[-1] ** 0.5).masked_fill(
                    ~mask[..., first : min(first + rows_of_mask, q.shape[-2]), :], float("-inf")
                ),
                -1,
            )
        )
        @ v
        for first in range(0, max(q.shape[-2], 1), CHUNK)
    ]
    return torch.cat(parts, -2)


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask, 1)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask, CHUNK)
