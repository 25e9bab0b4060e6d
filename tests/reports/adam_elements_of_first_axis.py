"""As many elements are stepped as the first axis has, though the parameter has more axes.

https://github.com/hpcaitech/ColossalAI/pull/633
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "torch"}


State = tuple[Tensor, Tensor, Tensor]


def stepped(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m / (1 - beta_1**step), v / (1 - beta_2**step)
    return theta - lr * m_hat / (v_hat.sqrt() + eps), m, v


def faulty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    after = stepped(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    done = torch.arange(theta.numel()).reshape(theta.shape) < theta.shape[0]
    theta, m, v = (torch.where(done, new, old) for new, old in zip(after, (theta, m, v), strict=True))
    return theta, m, v


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    return stepped(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
