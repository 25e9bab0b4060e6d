"""The softmax is along the third axis, which is the last one only of an array with three axes.

https://github.com/FudanNLP/fastNLP/issues/254
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch", "claim": {"batch": (1, 2)}}


def faulty(e: Tensor) -> Tensor:
    return torch.softmax(e, 2)


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e, -1)
