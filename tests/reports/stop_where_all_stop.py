"""Generation ends where all rows of the batch say the last token at the same step; others are carried on.

https://github.com/Dao-AILab/flash-attention/pull/2784
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.until_stop"
OPTIONS: dict[str, object] = {"framework": "torch"}


def ended(token: Tensor, stops: Tensor, stop: int) -> Tensor:
    before = stops.long().cumsum(-1) - stops.long()
    return torch.where(before > 0, stop, token)


def faulty(token: Tensor, *, stop: int) -> Tensor:
    stops = token == stop
    return ended(token, stops.all(0).expand(stops.shape) if token.ndim > 1 else stops, stop)


def mended(token: Tensor, *, stop: int) -> Tensor:
    return ended(token, token == stop, stop)
