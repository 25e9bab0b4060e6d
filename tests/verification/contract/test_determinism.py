"""Determinism: repeated calls, examples alone and in a batch, parts of an axis; claimed, or only measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec import REGISTRY, Claim, SpecError, UnknownName
from attnspec.implementation import parse_claim
from attnspec.language.equation import equation
from attnspec.notation import Float, Tensor, log
from attnspec.verification.cases.case import Description, make
from attnspec.verification.cases.parts import along, examples, is_independent
from attnspec.verification.contract.determinism import Measured, unmeasured, violation
from attnspec.verification.sandbox.child.calls import repeat
from attnspec.verification.verdict import Verdict

DOT = "scores.dot"
PARTS = (slice(0, 3), slice(7, 8))


def dot(q: Any, k: Any) -> Any:
    return np.stack([(row[..., None, :] * k).sum(-1) for row in np.moveaxis(q, -2, 0)], -2) if q.shape[-2] else q @ k.mT


def in_any_order(q: Any, k: Any) -> Any:
    """Sums in another order at each call."""
    order = np.random.default_rng().permutation(q.shape[-1])
    return dot(q[..., order], k[..., order])


def by_batch(q: Any, k: Any) -> Any:
    """Sums from the other end if there are many examples."""
    return dot(q[..., ::-1], k[..., ::-1]) if q.ndim > 2 and len(q) > 20 else dot(q, k)


def in_chunks(q: Any, k: Any, chunks: int = 1) -> Any:
    """Sums in chunks; wrong with three of them."""
    widths = np.array_split(np.arange(q.shape[-1]), chunks)
    total = sum((dot(q[..., at], k[..., at]) for at in widths if at.size), start=0 * dot(q, k))
    return total * q.dtype.type(1.01) if chunks == 3 else total


CALLS = count()


def rarely_wrong(q: Any, k: Any) -> Any:
    """Wrong in one call of a hundred, after those for the values."""
    call = next(CALLS)
    return dot(q, k) * q.dtype.type(1.01 if call > 250 and call % 100 == 0 else 1)


def asked(target: Any, **fields: Any) -> Verdict:
    claim = Claim(contiguous=True, **fields)
    (verdict,) = attnspec.verify(target, DOT, framework="numpy", examples=0, function=False, claim=claim).verdicts
    return verdict


def test_what_is_deterministic_is_measured_and_may_be_claimed() -> None:
    verdict = asked(dot, deterministic=("runs", "batch", "splits"))

    assert verdict.passed, str(verdict)
    assert [over for over, says in verdict.determinism if says.startswith("bitwise equal")] == [
        "runs",
        "batch",
        "splits",
    ]
    assert "equal bit by bit over runs and batch and splits" in verdict.domain
    assert [each["over"] for each in verdict.json()["determinism"]] == ["runs", "batch", "splits"]


@pytest.mark.parametrize(("target", "over"), [(in_any_order, "runs"), (by_batch, "batch")])
def test_a_difference_within_rounding_fails_only_where_equality_is_claimed(target: Any, over: str) -> None:
    plain, claimed = asked(target), asked(target, deterministic=(over,))

    assert plain.passed, str(plain)
    assert dict(plain.determinism)[over].startswith("within rounding")
    assert claimed.verdict == "misbehaves"
    assert f"over {over}; they are within rounding" in claimed.reason


def test_declared_splits_are_asked() -> None:
    right, wrong = asked(in_chunks, splits={"chunks": (1, 2, 4)}), asked(in_chunks, splits={"chunks": (1, 3)})

    assert right.passed, str(right)
    assert dict(right.determinism)["splits"] == "within rounding, chunks = 1, 2, 4"
    assert (wrong.verdict, wrong.reason) == ("misbehaves", "with chunks = 3 it gives other values")


def test_an_error_in_one_call_of_a_hundred_is_caught() -> None:
    verdict = asked(rarely_wrong)

    assert verdict.verdict == "misbehaves", str(verdict)
    assert "calls on one input" in verdict.reason


def test_a_parameter_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownName, match="chunks"):
        asked(in_chunks, splits={"chunk": (1, 2)})


def test_what_is_claimed_and_not_measured_is_not_passed() -> None:
    """Without a batch axis there is no batch to measure on."""
    verdict = asked(dot, batch=(0,), deterministic=("batch",))

    assert verdict.verdict == "inconclusive"
    assert verdict.reason == "determinism over batch is claimed: not measured, no batch axis is claimed"


def test_claims_on_the_command_line() -> None:
    assert Claim(**parse_claim({"deterministic": "runs, splits"})).bitwise == ("runs", "splits")
    assert Claim(**parse_claim({"deterministic": "yes"})).bitwise == ("runs",)
    assert Claim(**parse_claim({"deterministic": "no"})).bitwise == Claim().bitwise == ()
    assert Claim(**parse_claim({"splits.n": "1,2", "splits.m": "3"})).splits == {"n": (1, 2), "m": (3,)}
    with pytest.raises(SpecError, match="run"):
        parse_claim({"deterministic": "run"})
    with pytest.raises(SpecError, match="runs"):
        Claim(deterministic=("run",))
    with pytest.raises(SpecError, match="in a tuple"):
        Claim(deterministic="runs")  # type: ignore[arg-type]  # the mistake that is refused


def test_only_what_is_claimed_is_a_violation_and_wrong_values_always() -> None:
    runs, splits = (
        Measured("runs", "within rounding, x"),
        Measured("splits", "not within rounding, with n = 3 no", True),
    )

    assert violation((), [runs]) == ""
    assert "over runs" in violation(("runs",), [runs])
    assert violation((), [runs, splits]) == "with n = 3 no"
    assert unmeasured(("runs",), [runs]) == ""
    assert unmeasured(("batch",), [runs]) == "determinism over batch is claimed: not measured"


@pytest.mark.parametrize(
    ("id", "axis", "independent"),
    [
        ("attention.scaled_dot_product", "n", True),
        ("attention.scaled_dot_product", "m", False),
        ("attention.causal", "n", False),
        ("recurrent.gru", "t", False),
    ],
)
def test_which_axes_have_independent_parts(id: str, axis: str, independent: bool) -> None:
    entry = REGISTRY[id]
    sizes = dict.fromkeys(_sizes(entry), 4) | {axis: 8}
    case = make(entry, Description(tuple(sizes.items()), seed=3), "float64")

    assert is_independent(case, entry, axis, PARTS) is independent


def test_parts_without_a_value_are_not_independent_and_warn_of_nothing() -> None:
    @equation()
    def logarithm(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return log(x)

    case = make(logarithm, Description((("n", 8),), seed=3), "float64")
    negative = replace(case, arrays={"x": -np.ones(8)})

    assert not is_independent(negative, logarithm, "n", PARTS)


def _sizes(entry: Any) -> Iterator[str]:
    return iter(dict.fromkeys(name for each in entry.definition.parameters for dim in each.dims for name in dim.names))


def test_parts_leave_weights_whole() -> None:
    entry = REGISTRY["recurrent.gru_cell"]
    case = make(entry, Description(tuple((name, 3) for name in _sizes(entry)), batch=(5,), seed=3), "float64")
    part = examples(case, entry, slice(1, 3))

    assert part.arrays["x"].shape == (2, 3)
    assert np.array_equal(part.arrays["x"], case.arrays["x"][1:3])
    assert np.array_equal(part.arrays["W_xr"], case.arrays["W_xr"])
    columns = along(case, entry, next(_sizes(entry)), slice(0, 2))
    assert columns.arrays["x"].shape == (5, 2)


def test_the_result_that_is_furthest_from_the_first_is_kept() -> None:
    results = iter([1.0, 1.0, 3.0, 1.5, 1.0])
    repeated = repeat(5, lambda: next(results), float, lambda first, other: abs(first - other))

    assert (repeated.result, repeated.calls, repeated.varied) == (3.0, 5, 2)
