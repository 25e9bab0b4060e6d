"""The number of keys is taken from the queries.

https://github.com/jax-ml/jax/issues/24491
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def read(x: Tensor, rows: int) -> Tensor:
    """As many rows as are asked for; what is behind the last one is 0."""
    beyond = torch.zeros((*x.shape[:-2], max(rows - x.shape[-2], 0), x.shape[-1]), dtype=x.dtype)
    return torch.cat([x, beyond], -2)[..., :rows, :]


def attend(q: Tensor, k: Tensor, v: Tensor, keys: int) -> Tensor:
    e = q @ read(k, keys).mT / q.shape[-1] ** 0.5
    return torch.softmax(e, -1) @ read(v, keys)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, q.shape[-2])


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, k.shape[-2])
