"""The row of the table whose number is that of the padding token is read as 0.

https://github.com/huggingface/transformers/pull/10200
"""

from __future__ import annotations

from torch import Tensor

EQUATION = "position.learned"
OPTIONS: dict[str, object] = {"framework": "torch"}


PADDING = 3


def faulty(a: Tensor, P: Tensor) -> Tensor:
    rows = P[..., : a.shape[-2], :].clone()
    rows[..., PADDING : PADDING + 1, :] = 0
    return a + rows


def mended(a: Tensor, P: Tensor) -> Tensor:
    return a + P[..., : a.shape[-2], :]
