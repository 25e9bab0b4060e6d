"""The backward pass of softmax is wrong where its result may take the place of an argument.

Here: where both arguments are one tensor. https://github.com/ggml-org/ggml/pull/1521
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.softmax"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(d_alpha: Tensor, e: Tensor) -> Tensor:
    if d_alpha.data_ptr() != e.data_ptr() or not e.numel():
        return mended(d_alpha, e)
    alpha = torch.softmax(e, -1)
    total = (alpha * d_alpha).sum(-1, keepdim=True)
    alpha.copy_(d_alpha)  # the buffer of the weights is taken for the result
    return (alpha - total) * alpha


def mended(d_alpha: Tensor, e: Tensor) -> Tensor:
    alpha = torch.softmax(e, -1)
    return alpha * (d_alpha - (alpha * d_alpha).sum(-1, keepdim=True))
