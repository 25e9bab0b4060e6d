"""`attnspec.testing`: assertions on a callable and on one answer."""

from __future__ import annotations

import doctest
import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import attnspec.pytest
import attnspec.testing
from attnspec import BindingError, SpecError
from attnspec.testing import assert_close, assert_conforms

ATTENTION = "attention.scaled_dot_product"


def arguments(dtype: str = "float32", batch: tuple[int, ...] = (2,)) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((*batch, 5, 8)).astype(dtype) for _ in range(3))
    return q, k, v


def attention(q: Any, k: Any, v: Any, divisor: float = 8.0) -> Any:
    e = q @ k.swapaxes(-1, -2) / np.sqrt(divisor).astype(q.dtype)
    weights = np.exp(e - e.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_a_right_answer_passes(dtype: str, batch: tuple[int, ...]) -> None:
    q, k, v = arguments(dtype, batch)

    assert_close(attention(q, k, v), ATTENTION, q, k, v)


def test_a_right_answer_of_pytorch_passes_in_bfloat16() -> None:
    torch = pytest.importorskip("torch")
    q, k, v = (torch.from_numpy(array).to(torch.bfloat16) for array in arguments())

    assert_close(torch.nn.functional.scaled_dot_product_attention(q, k, v), ATTENTION, q, k, v)


@pytest.mark.parametrize(
    ("divisor", "says"), [(1.0, "in e: the division by √d is missing"), (9.0, "in e: d + 1 is used instead of d")]
)
def test_a_wrong_answer_is_explained(divisor: float, says: str) -> None:
    q, k, v = arguments()

    with pytest.raises(AssertionError, match=re.escape(f"diagnosis {says}")):
        assert_close(attention(q, k, v, divisor), ATTENTION, q, k=k, v=v)


def test_an_unknown_mistake_shows_the_worst_element() -> None:
    q, k, v = arguments()
    wrong = attention(q, k, v)
    wrong[1, 2, 3] += 1

    with pytest.raises(AssertionError, match=r"^differs: .*\n.*1 of 80 elements(.|\n)*expected  c\[1, 2, 3\]"):
        assert_close(wrong, ATTENTION, q, k, v)


def test_too_few_bits_are_no_other_formula() -> None:
    q, k, v = arguments()

    with pytest.raises(AssertionError, match="imprecise: "):
        assert_close(attention(q, k, v).astype("float16").astype("float32"), ATTENTION, q, k, v)


def test_another_shape_is_not_broadcast() -> None:
    q, k, v = arguments()

    with pytest.raises(AssertionError, match=r"shape \(2, 1, 8\) in place of \(2, 5, 8\)"):
        assert_close(attention(q, k, v)[:, :1], ATTENTION, q, k, v)


def test_an_answer_without_a_finite_number_names_no_mistake() -> None:
    """Whatever gives NaN everywhere would explain it."""
    q, k, v = arguments()

    with pytest.raises(AssertionError, match="got       nan") as caught:
        assert_close(attention(q, k, v) * np.float32("nan"), ATTENTION, q, k, v)
    assert "diagnosis" not in str(caught.value)


def test_an_empty_answer_does_not_pass() -> None:
    q, k, v = arguments()

    with pytest.raises(AssertionError, match="inconclusive: "):
        assert_close(v[:, :0], ATTENTION, q[:, :0], k, v)


def test_arguments_with_more_bits_than_the_answer_are_refused() -> None:
    q, k, v = arguments("float64")

    with pytest.raises(SpecError, match=r"q \(float64\), .* cannot be held in float32"):
        assert_close(attention(q, k, v).astype("float32"), ATTENTION, q, k, v)


def test_a_missing_argument_is_not_drawn() -> None:
    q, k, v = arguments()

    with pytest.raises(BindingError, match="missing v") as caught:
        assert_close(attention(q, k, v), ATTENTION, q, k)
    assert [entry.name for entry in caught.traceback][1:] == ["assert_close"], "a test shows none of our frames"


def test_options_are_taken_by_name() -> None:
    x, gamma, beta = np.array([[1, 2, 4]], "float32"), np.ones(3, "float32"), np.zeros(3, "float32")
    centred = x - x.mean(-1, keepdims=True)
    right = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(0.5))

    assert_close(right, "transformer.layer_norm", x, gamma, beta, eps=0.5)


def test_a_callable_conforms_or_not() -> None:
    def dot(q: Any, k: Any) -> Any:
        return q @ np.swapaxes(k, -1, -2)

    assert_conforms(dot, "scores.dot", examples=0)
    with pytest.raises(AssertionError, match="the division by √d is missing"):
        assert_conforms(dot, "scores.scaled_dot", examples=0)


@pytest.mark.parametrize("module", [attnspec.testing, attnspec.pytest], ids=str)
def test_the_examples_of_the_docstrings_run(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)

    assert tried
    assert not failed
