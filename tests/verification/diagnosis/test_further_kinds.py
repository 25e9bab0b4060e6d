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


def option_as_given(token: Any, *, stop: int) -> Any:
    """A whole number that the code has at hand is given as a whole number."""
    assert stop != 0 or type(stop) is int
    return np.where(np.cumsum(token == stop, -1) > 0, stop, token)


def test_an_option_at_a_number_of_the_code_is_a_whole_number() -> None:
    (verdict,) = attnspec.verify(option_as_given, "seq2seq.until_stop", framework="numpy", examples=0).verdicts

    assert verdict.verdict == "conforms", str(verdict)


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


def means_of_tiles(h: Any) -> Any:
    parts = [h[..., j : j + 16, :].mean(-2) for j in range(0, h.shape[-2], 16)]
    return np.mean(parts, 0).astype(h.dtype)


def clipped_logarithm(p: Any, y: Any) -> Any:
    log_p = np.log(np.clip(p, np.float32(1e-7), np.float32(1 - 1e-7)))
    return -np.sum(np.where(y > 0, y * log_p, 0), -1)


def last_sixty_four(e: Any, v: Any) -> Any:
    e, v = e[..., -64:], v[..., -64:, :]
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf)) if e.shape[-1] else e
    return p @ v / p.sum(-1, keepdims=True) if e.shape[-1] else e @ v


@pytest.mark.parametrize(
    ("target", "equation", "says"),
    [
        (means_of_tiles, "seq2seq.context_mean", "is the mean of means of tiles of 16, also of a shorter last one"),
        (clipped_logarithm, "seq2seq.cross_entropy_probs", "what log is taken of is clipped to [1e-07, 1 − 1e-07]"),
        (last_sixty_four, "attention.key_value", "only the last 64 elements are read"),
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
