"""What is found on inputs that are not claimed, and changes no verdict."""

from __future__ import annotations

import numpy as np

import attnspec
from synthetic import Array

WEIGHTS = "attention.weights"


def compiled(e: Array) -> Array:
    """As Cython's typed memory views do, which ask for arrays that may be written."""
    if not e.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return wrong_where_read_only(e, 1.0)


def wrong_where_read_only(e: Array, factor: float = 2.0) -> Array:
    x = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
    return np.asarray(x / x.sum(axis=-1, keepdims=True) * (1.0 if e.flags.writeable else factor))


def test_read_only_arrays_may_be_refused() -> None:
    (verdict,) = attnspec.verify(compiled, WEIGHTS, framework="numpy").verdicts

    assert verdict.verdict == "conforms"
    assert "on read-only inputs it raises: ValueError: buffer source array is read-only" in verdict.findings


def test_code_that_writes_to_its_inputs_is_wrong_though_it_raises_on_read_only_ones() -> None:
    def clears_odd(e: Array) -> Array:
        answer = wrong_where_read_only(e, 1.0)
        if e.shape[-1] == 4097:
            e[...] = 0
        return answer

    (verdict,) = attnspec.verify(clears_odd, WEIGHTS, framework="numpy").verdicts

    assert verdict.verdict == "misbehaves"
    assert verdict.reason == "it changes its inputs: e"


def test_other_answers_on_read_only_arrays_are_wrong() -> None:
    (verdict,) = attnspec.verify(lambda e: wrong_where_read_only(e), WEIGHTS, framework="numpy").verdicts

    assert verdict.verdict == "misbehaves"
    assert verdict.reason == "its values are wrong for read-only inputs, right for contiguous ones"


def test_finite_answers_that_are_lost_by_overflow_are_a_finding() -> None:
    """Squares of float16 overflow from 256 on, so that a root mean square is 0 there; op-by-op leaves it unjudged."""

    def squares_in_half(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
        wide = x - x.mean(axis=-1, keepdims=True, dtype=np.float32).astype(x.dtype)
        with np.errstate(over="ignore"):
            square = (wide * wide / x.dtype.type(max(x.shape[-1], 1))).sum(axis=-1, keepdims=True)
        root = np.sqrt(square.astype(np.float32) + np.float32(eps))
        return np.asarray((wide / root * gamma + beta).astype(x.dtype))

    (verdict,) = attnspec.verify(squares_in_half, "transformer.layer_norm", framework="numpy", dtype="float16").verdicts

    assert verdict.verdict == "conforms", str(verdict)
    assert any("far off for finite inputs, such as " in finding for finding in verdict.findings), verdict.findings
