"""Where the sums of an example begin is worked out without the number of rows that an example has.

https://github.com/nntrainer/nntrainer/pull/52
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


def weights(e: Tensor, by_row: bool) -> Tensor:
    if not e.numel():
        return e.clone()
    rows = e.shape[-2]
    exponentials = torch.exp(e - e.amax(-1, keepdim=True)).reshape(-1, rows, e.shape[-1])
    sums = exponentials.sum(-1).flatten()
    example = torch.arange(len(exponentials)).unsqueeze(-1)
    place = (example * rows if by_row else example) + torch.arange(rows)
    return (exponentials / sums[place].unsqueeze(-1)).reshape(e.shape)


def faulty(e: Tensor) -> Tensor:
    return weights(e, by_row=False)


def mended(e: Tensor) -> Tensor:
    return weights(e, by_row=True)
