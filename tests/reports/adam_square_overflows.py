"""The square of a gradient is taken in float16, where it is infinite from 256 on.

https://github.com/chainer/chainer/pull/7694
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


Three = tuple[Tensor, Tensor, Tensor]


def update(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float, square: Tensor) -> Three:  # fmt: skip
    m_next = m.float() + (1 - beta_1) * (g.float() - m.float())
    v_next = v.float() + (1 - beta_2) * (square.float() - v.float())
    m_hat, v_hat = m_next / (1 - beta_1**step), v_next / (1 - beta_2**step)
    theta_next = theta.float() - lr * m_hat / (torch.sqrt(v_hat) + eps)
    return theta_next.to(theta.dtype), m_next.to(m.dtype), v_next.to(v.dtype)


def faulty(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float) -> Three:  # fmt: skip
    return update(theta, g, m, v, step, lr, beta_1, beta_2, eps, g * g)


def mended(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float) -> Three:  # fmt: skip
    return update(theta, g, m, v, step, lr, beta_1, beta_2, eps, g.float() * g.float())
