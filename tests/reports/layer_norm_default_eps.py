"""The fused norm does not take eps over from the layer: that of the default stays.

https://github.com/tensorflow/tensorflow/pull/58863
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


DEFAULT = 0.001


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return F.layer_norm(x, gamma.shape, gamma, beta, DEFAULT)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return F.layer_norm(x, gamma.shape, gamma, beta, eps)
