"""Optimisers, element by element."""

from __future__ import annotations

from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES


@implements("optimizer.sgd", framework="torch", dtypes=DTYPES)
def sgd(theta: Tensor, g: Tensor, *, lr: float) -> Tensor:
    """One sum."""
    return theta - lr * g


@implements("optimizer.sgd_momentum", framework="torch", dtypes=DTYPES)
def sgd_momentum(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    """Two sums."""
    m_next = mu * m + g
    return theta - lr * m_next, m_next


@implements("optimizer.adam", framework="torch", dtypes=DTYPES)
def adam(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The corrections are numbers, and are computed once."""
    m_next = beta_1 * m + (1 - beta_1) * g
    v_next = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m_next / (1 - beta_1**step), v_next / (1 - beta_2**step)
    return theta - lr * m_hat / (v_hat.sqrt() + eps), m_next, v_next


@implements("optimizer.adamw", framework="torch", dtypes=DTYPES)
def adamw(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
    decay: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The old parameters decay."""
    theta_adam, m_next, v_next = adam(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    return theta_adam - lr * decay * theta, m_next, v_next


@implements("optimizer.adam_l2", framework="torch", dtypes=DTYPES)
def adam_l2(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
    decay: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The decay is part of the gradient."""
    g_decayed = g + decay * theta
    return adam(theta, g_decayed, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
