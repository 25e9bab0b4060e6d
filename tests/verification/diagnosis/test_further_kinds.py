"""Whole verdicts on kinds of mistakes that no mutant makes: each is named in words that a person can check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import attnspec


def padding_row(k: Any, P: Any) -> Any:
    """As torch.nn.Embedding with padding_idx=1."""
    return np.where(((k == 1) | (k < 0))[..., None], P.dtype.type(0), P[k])


def vectors_of_eight(q: Any, k: Any) -> Any:
    whole = q.shape[-1] // 8 * 8
    return q[..., :whole] @ np.swapaxes(k[..., :whole], -1, -2)


def nadam(theta: Any, g: Any, m: Any, v: Any, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float) -> Any:
    """The moment looks one step ahead."""
    kind = g.dtype.type
    m_next, v_next = kind(beta_1) * m + kind(1 - beta_1) * g, kind(beta_2) * v + kind(1 - beta_2) * g * g
    ahead = kind(beta_1) * m_next + kind(1 - beta_1) * g
    m_hat, v_hat = ahead / kind(1 - beta_1**step), v_next / kind(1 - beta_2**step)
    return theta - kind(lr) * m_hat / (np.sqrt(v_hat) + kind(eps)), m_next, v_next


def quadratic_mean(h: Any) -> Any:
    return np.sqrt((h * h).mean(-2))


def padded_count(h: Any) -> Any:
    return h.sum(-2) / h.dtype.type(-(-h.shape[-2] // 8) * 8)


@pytest.mark.parametrize(
    ("target", "equation", "says"),
    [
        (padding_row, "text.embedding", "0 is used instead of P_{k_i} where k_i is 1, as for padding"),
        (vectors_of_eight, "scores.dot", "terms of q_i·k_j behind the last multiple of 8 do not count"),
        (quadratic_mean, "seq2seq.context_mean", "the root of the mean of squares is used instead of (Σ_j h_j) / m"),
        (padded_count, "seq2seq.context_mean", "m, padded to a multiple of 8, is used instead of m"),
        (nadam, "optimizer.adam", "β_1 m_next + (1 − β_1) g is used instead of m_next"),
    ],
)
def test_a_mistake_is_named(target: Any, equation: str, says: str) -> None:
    (verdict,) = attnspec.verify(target, equation, framework="numpy", examples=0, function=False).verdicts

    assert verdict.verdict == "differs", str(verdict)
    assert says in " or ".join([verdict.diagnosis[0].says, *verdict.diagnosis[0].also]), str(verdict)
