"""Optimisers, element by element."""

from __future__ import annotations

import numpy as np

from attnspec import implements
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single


@implements("optimizer.sgd", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def sgd(theta: Array, g: Array, *, lr: float) -> Array:
    """One sum."""
    return theta - lr * g


@implements("optimizer.sgd_momentum", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def sgd_momentum(theta: Array, g: Array, m: Array, *, lr: float, mu: float) -> tuple[Array, Array]:
    """Two sums."""
    m_next = mu * m + g
    return theta - lr * m_next, m_next


@implements("optimizer.adam", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def adam(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The corrections are numbers, and are computed once."""
    m_next = beta_1 * m + (1 - beta_1) * g
    v_next = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m_next / (1 - beta_1**step), v_next / (1 - beta_2**step)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m_next, v_next


@implements("optimizer.adamw", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def adamw(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
    decay: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The old parameters decay."""
    theta_adam, m_next, v_next = adam(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    return theta_adam - lr * decay * theta, m_next, v_next


@implements("optimizer.adam_l2", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def adam_l2(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
    decay: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The decay is part of the gradient."""
    g_decayed = g + decay * theta
    return adam(theta, g_decayed, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
