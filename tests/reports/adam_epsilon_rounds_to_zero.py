"""eps is rounded to float16, in which it is 0: where the gradient is 0, the step is 0 by 0.

https://github.com/google-deepmind/optax/issues/1754
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


State = tuple[Tensor, Tensor, Tensor]


def stepped(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    m = beta_1 * m.float() + (1 - beta_1) * g.float()
    v = beta_2 * v.float() + (1 - beta_2) * g.float() * g.float()
    m_hat, v_hat = m / (1 - beta_1**step), v / (1 - beta_2**step)
    return theta.float() - lr * m_hat / (v_hat.sqrt() + eps), m, v


def halves(given: State, dtype: torch.dtype) -> State:
    theta, m, v = given
    return theta.to(dtype), m.to(dtype), v.to(dtype)


def faulty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    rounded = float(torch.tensor(eps, dtype=theta.dtype))
    return halves(stepped(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=rounded), theta.dtype)


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    return halves(stepped(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps), theta.dtype)
