"""The weights are the products themselves: neither scale nor softmax is applied.

https://github.com/flexflow/flexflow-train/issues/467
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT) @ v


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v
