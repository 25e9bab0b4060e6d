"""The decay alone is rounded to bfloat16 before the step, in which it is mostly lost.

https://github.com/Nerogar/OneTrainer/issues/996
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adamw"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


State = tuple[Tensor, Tensor, Tensor]


def stepped(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m / (1 - beta_1**step), v / (1 - beta_2**step)
    return theta - lr * m_hat / (v_hat.sqrt() + eps), m, v


def halves(theta: Tensor, m: Tensor, v: Tensor, dtype: torch.dtype) -> State:
    return theta.to(dtype), m.to(dtype), v.to(dtype)


def faulty(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float, decay: float) -> State:  # fmt: skip
    decayed = (theta * (1 - lr * decay)).float()
    after = stepped(decayed, g.float(), m.float(), v.float(), step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    return halves(*after, theta.dtype)


def mended(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float, decay: float) -> State:  # fmt: skip
    decayed = theta.float() * (1 - lr * decay)
    after = stepped(decayed, g.float(), m.float(), v.float(), step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    return halves(*after, theta.dtype)
