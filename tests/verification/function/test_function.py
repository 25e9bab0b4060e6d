"""The function verdict: wrong functions are proved, right ones never, and what is not traced is said."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.verification.cases.case import make
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.verdict import FunctionVerdict, Report, Verdict, VerdictKind

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from flint import arb

from attnspec.interpreters.balls.ball import Ball, working
from attnspec.interpreters.balls.value import value_in_balls
from attnspec.verification.equations.function import of_function
from attnspec.verification.function.comparison import compare
from attnspec.verification.function.verdict import Evidence, Point, recognised
from attnspec.verification.judge.findings import Conclusion

ROOT = Path(__file__).resolve().parents[3]
PLANTED = ROOT / "tests/planted"
USUAL = 1
"""The seed of the first case of the fixed suite: ordinary values, small sizes that differ."""


@cache
def report(framework: str, dtype: str) -> Report:
    return attnspec.verify(str(PLANTED / f"functions_{framework}.py"), dtype=dtype, case=USUAL)


def verdicts(framework: str, dtype: str, kind: str) -> list[Verdict]:
    found = [each for each in report(framework, dtype) if each.implementation.partition(":")[2].startswith(kind)]
    assert found
    return found


ASKED = [("numpy", "float32"), ("torch", "float32"), ("torch", "bfloat16"), ("jax", "float32")]


@pytest.mark.parametrize(("framework", "dtype"), [*ASKED, ("jax", "bfloat16")])
def test_right_functions_agree(framework: str, dtype: str) -> None:
    """Whatever the form, and although constants are rounded; they agree to all digits that the constants have.

    JAX rounds a number of Python to the dtype of the array that it meets.
    """
    for verdict in verdicts(framework, dtype, "right"):
        assert verdict.function is not None
        assert verdict.function.kind == "same", str(verdict)
        assert verdict.verdict != "differs"


@pytest.mark.parametrize(("framework", "dtype"), ASKED)
def test_wrong_functions_are_proved_in_every_dtype(framework: str, dtype: str) -> None:
    """A scale of 1/√(d + 1), an output × (1 + 1e-12): no rounding hides them."""
    for verdict in verdicts(framework, dtype, "wrong"):
        assert verdict.function is not None
        assert verdict.function.kind == "another", str(verdict)
        assert verdict.function.case is not None
        assert verdict.function.got != verdict.function.expected
        assert verdict.function.output


@pytest.mark.parametrize(("framework", "dtype"), ASKED)
def test_what_differs_by_more_than_rounding_explains_does_not_conform(framework: str, dtype: str) -> None:
    """In bfloat16 too; a trillionth is said, and changes nothing."""
    for verdict in verdicts(framework, dtype, "wrong"):
        assert (verdict.verdict == "differs") == ("trillionth" not in verdict.implementation), str(verdict)


def test_a_mistake_that_bfloat16_hides_does_not_conform() -> None:
    """Values × 1.00025 are within the noise of bfloat16, and no other run would show them."""
    (verdict,) = verdicts("torch", "bfloat16", "wrong_by_little")

    assert verdict.reason.startswith("its function is another one, proved at 1 of 1 point"), str(verdict)


@pytest.mark.parametrize("name", ["recurrent.gru_cell", "attention.scaled_dot_product", "transformer.layer_norm"])
def test_mutants_are_told_apart_exactly(name: str) -> None:
    """Of a candidate that makes a known mistake, the mistakes that are named give its values to all digits."""
    equation = attnspec.equations()[name]
    assert isinstance(equation, attnspec.Equation)
    case = make(equation, next(iter(standard_suite(equation, lambda axis: 1, (0,)))), "float32")
    expected = value_in_balls(equation.definition, case.arguments)
    checked = 0
    for mutant in equation.mutants()[:24]:
        try:
            got = value_in_balls(mutant.definition, case.arguments)
        except ValueError:  # matrices that are exchanged need not have one shape
            continue
        checked += 1
        with working():
            comparison = compare(expected, got, 0.0)
        found = recognised(Evidence([Point(case, got, comparison)]), equation.mutants(), 0.0)
        assert found is not None
        assert mutant.says in (found.says, *found.also)
        assert len(found.also) < len(equation.mutants()) / 4 or not comparison.separated
    assert checked > 5


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_what_cannot_be_traced_is_said_and_changes_nothing(framework: str) -> None:
    for verdict in verdicts(framework, "float32", "opaque"):
        assert verdict.function is not None
        assert verdict.function.kind == "not traced", str(verdict)
        assert verdict.function.says.startswith("not traced: ")
        assert verdict.verdict in ("conforms", "inconclusive", "misbehaves"), str(verdict)


def test_the_text_and_the_json_have_both_lines() -> None:
    verdict = next(iter(verdicts("numpy", "float32", "wrong_scale")))
    row = json.loads(json.dumps(verdict.json()))["function"]

    assert "\n  function  another one, proved at 1 of 1 point: without rounding, c" in str(verdict)
    assert (row["kind"], row["points"], row["digits"]) == ("another", 1, None)
    assert row["witness"]["output"] == "c"
    assert row["witness"]["expected"] == pytest.approx(row["witness"]["got"], rel=0.5)


def test_it_can_be_turned_off() -> None:
    (verdict,) = attnspec.verify(f"{PLANTED / 'functions_numpy.py'}:right", dtype="float32", case=USUAL, function=False)

    assert verdict.function is None
    assert verdict.json()["function"] is None


def shifted(by: float) -> attnspec.Verdict:
    """The verdict on attention that adds a multiple of their sum to all values, and subtracts it from the result."""

    def attention(q: Any, k: Any, v: Any) -> Any:
        e = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
        p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
        offset = by * v.sum(-2, keepdims=True)
        return (p / p.sum(-1, keepdims=True)) @ (v + offset) - offset

    [verdict] = attnspec.verify(attention, "attention.scaled_dot_product", framework="numpy", dtype="float32")
    return verdict


def test_what_is_right_without_rounding_is_imprecise() -> None:
    """Its function is the same in the cases that are wrong, and most of its bits are right."""
    verdict = shifted(0.5)

    assert verdict.verdict == "imprecise"
    assert "without rounding they are right" in verdict.reason
    assert not verdict.diagnosis


def test_numpy_code_whose_options_need_python_floats_is_traced() -> None:
    """math takes no balls; what it gives is a constant of the code."""

    def adam(
        theta: Any, g: Any, m: Any, v: Any, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
    ) -> Any:
        first, second = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
        c_1, c_2 = (-math.expm1(step * math.log1p(beta - 1)) for beta in (beta_1, beta_2))
        return theta - lr * first / c_1 / (np.sqrt(second / c_2) + eps), first, second

    [verdict] = attnspec.verify(adam, "optimizer.adam", framework="numpy", dtype="float64", case=USUAL)
    assert verdict.function is not None
    assert verdict.function.kind == "same"


def test_a_package_that_derives_a_class_of_limits_while_it_is_traced_is_no_obstacle() -> None:
    """As ml_dtypes does when it is imported."""

    def dot(q: Any, k: Any) -> Any:
        class Own(np.finfo):
            pass

        return q @ np.swapaxes(k, -1, -2) + 0 * Own(np.float32).bits

    [verdict] = attnspec.verify(dot, "scores.dot", framework="numpy", dtype="float32", case=USUAL)
    assert verdict.function is not None
    assert verdict.function.kind == "same", str(verdict)


def in_buffers(slip: float) -> Any:
    """A product plus a large multiple of it, which is taken off again, written into arrays of float32."""

    def linear(x: Any, W: Any, b: Any) -> Any:
        y, large = np.empty((*x.shape[:-1], W.shape[1]), np.float32), np.zeros(W.shape, np.float32)
        large[...] = W
        y[...] = x @ (W + 64 * large)
        y -= 64 * (x @ large)
        y[..., :1] += slip * x[..., :1]
        return (y + b).astype(x.dtype)

    return linear


def test_numpy_code_that_writes_into_arrays_of_numbers_is_excused_where_it_is_right_without_rounding() -> None:
    """It has a trace for that alone; a small slip beside the lost digits is not excused."""
    for slip, expected in ((0.0, "imprecise"), (1e-4, "differs")):
        [verdict] = attnspec.verify(in_buffers(slip), "transformer.linear", framework="numpy", dtype="float32")
        assert verdict.verdict == expected, str(verdict)


def test_what_lies_between_two_transforms_is_traced() -> None:
    """A convolution that wraps around is another function; one that does not is the same."""
    file = PLANTED / "blind/seasoned_algebra.py"
    [right] = attnspec.verify(f"{file}:by_fourier_transform", dtype="float32", case=USUAL)
    assert right.function is not None
    assert right.function.kind == "same"
    assert right.verdict in ("conforms", "imprecise")

    name = "seasoned_algebra.long_convolution"
    [wrong] = attnspec.verify(around, name, equations=[str(file)], framework="numpy", dtype="float32", case=USUAL)
    assert wrong.verdict == "differs"
    assert wrong.function is not None
    assert wrong.function.kind == "another"


def around(x: Any, h: Any) -> Any:
    """The convolution of rows that go around."""
    n = x.shape[-2]
    return np.fft.irfft(np.fft.rfft(x, n, axis=-2) * np.fft.rfft(h, n, axis=-2), n, axis=-2).astype(x.dtype)


def test_a_function_is_traced_where_the_run_is_wrong_too() -> None:
    """The points of a verdict are small: a sum that leaves out what is behind the last eight terms is right there."""

    def dot(q: Any, k: Any) -> Any:
        d = q.shape[-1]
        read = d if d < 16 else d // 8 * 8
        return q[..., :read] @ np.swapaxes(k, -1, -2)[..., :read, :]

    [verdict] = attnspec.verify(dot, "scores.dot", framework="numpy", dtype="float32", examples=0)
    assert verdict.verdict == "differs"
    assert verdict.function is not None
    assert verdict.function.kind == "another", str(verdict)


def test_what_rounding_makes_far_off_differs() -> None:
    """More than half of the bits are wrong: nobody could use it, although its function is the same."""
    verdict = shifted(1e6)

    assert verdict.verdict == "differs"
    assert verdict.function is not None
    assert verdict.function.kind == "same"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_mistake_is_named_though_the_candidate_loses_digits_too(dtype: str) -> None:
    """Of the two, the sum in storage alone is what the run shows."""
    (verdict,) = attnspec.verify(gelu_by_tanh, "transformer.feed_forward_gelu", framework="torch", dtype=dtype).verdicts

    assert verdict.verdict == "differs", str(verdict)
    assert verdict.bits_site == ""
    assert "feed_forward_gelu_tanh" in verdict.diagnosis[0].says


def gelu_by_tanh(x: Any, W_1: Any, b_1: Any, W_2: Any, b_2: Any) -> Any:
    import torch

    a = x @ W_1 + b_1
    gelu = a * (1 + torch.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3))) / 2
    total = torch.zeros(*x.shape[:-1], W_2.shape[-1], dtype=x.dtype)
    for k in range(a.shape[-1]):
        total = total + gelu[..., k, None] * W_2[k]
    return total + b_2


def test_zeros_agree_to_the_digits_that_the_format_has_left() -> None:
    """Where an output is 0 but for the radius of its ball, digits count from what is 0 in the candidate's format."""
    with working():
        zero, other = (np.array([Ball(arb(0, 1e-60))], dtype=object) for _ in range(2))
        comparison = compare((zero,), (other,), 2.0**-126)

    assert not comparison.separated
    assert 20 < comparison.digits < 23


@pytest.mark.parametrize("radius", [0.5, 3])
def test_balls_nearly_as_wide_as_the_output_are_no_agreement(radius: float) -> None:
    """They meet, whatever the numbers are: not one digit is known."""
    with working():
        narrow, wide = (np.array([Ball(arb(2)), Ball(arb(1, each))], dtype=object) for each in (0, radius))
        comparison = compare((narrow,), (wide,), 0.0)

    assert not comparison.separated
    assert comparison.undecided == 1
    assert comparison.digits == math.inf


@pytest.mark.parametrize(
    ("kind", "begins"),
    [("another", "the formula is nearly right, in 10"), ("same", "the formula is right, in 10")],
)
def test_an_imprecise_formula_is_not_called_right_where_its_function_is_another_one(kind: str, begins: str) -> None:
    reason = "the formula is right, in 10 significant bits: they are lost at all of it"
    conclusion = Conclusion(VerdictKind.IMPRECISE, reason)

    assert of_function(FunctionVerdict(kind, ""), conclusion).reason.startswith(begins)
