"""eps is raised to 1e-4, so that it survives float16.

https://github.com/nntrainer/nntrainer/pull/4318
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16", "policy": "float32-inside"}


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return mended(x, gamma, beta, eps=max(eps, 1e-4))


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    wide = torch.nn.functional.layer_norm(x.float(), x.shape[-1:], gamma.float(), beta.float(), eps)
    return wide.to(x.dtype)
