"""What questions have in common is computed once, and changes no verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from attnspec import verify
from attnspec.implementation import Claim
from attnspec.language.equation import REGISTRY
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Description
from attnspec.verification.equations import common
from attnspec.verification.sandbox.targets import CallableInfo
from attnspec.verification.verdict import Verdict

EQUATION = "attention.masked"


def by_exponentials(q, k, v, mask):  # type: ignore[no-untyped-def]  # an ordinary candidate
    e = q @ np.swapaxes(k, -1, -2) / np.float32(np.sqrt(q.shape[-1]))
    e = np.where(mask, e, -np.inf)
    p = np.exp(e - e.max(-1, keepdims=True))
    return p @ v / p.sum(-1, keepdims=True)


def without_scale(q, k, v, mask):  # type: ignore[no-untyped-def]  # an ordinary candidate
    e = np.where(mask, q @ np.swapaxes(k, -1, -2), -np.inf)
    p = np.exp(e - e.max(-1, keepdims=True))
    return p @ v / p.sum(-1, keepdims=True)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_kept", {})


def verdict(candidate: Callable[..., Any]) -> Verdict:
    (found,) = verify(candidate, EQUATION, dtype="float32").verdicts
    return replace(found, seconds=0.0)


@pytest.mark.parametrize("second", [by_exponentials, without_scale])
def test_a_verdict_after_others_on_the_equation_equals_the_first_one(second: Callable[..., Any]) -> None:
    """A right candidate, and a wrong one with its diagnosis, have the verdicts that each has alone."""
    alone = str(verdict(second))
    common._kept.clear()
    verdict(without_scale)
    verdict(by_exponentials)
    (kept,) = common._kept.values()

    assert str(verdict(second)) == alone
    assert [*common._kept.values()] == [kept], "it was reached with what was kept"


def question() -> Question:
    return Question(CallableInfo("f", "candidates", (), (), "numpy"), REGISTRY[EQUATION], Claim(), "numpy", "float32")


SMALL = Description((("n", 2), ("m", 3), ("d", 4), ("e", 5)), seed=3)


def test_the_cases_of_two_verdicts_are_the_same_objects_and_those_of_one_are_not() -> None:
    """A case that is drawn twice in one verdict is two cases there."""
    first, second = common.common_to(question()).drawer(), common.common_to(question()).drawer()

    drawn = [first(SMALL, ()), first(SMALL, ())]

    assert drawn[0] is not drawn[1]
    assert all(second(SMALL, ()) is case for case in drawn)


def test_another_dtype_seed_or_equation_has_its_own() -> None:
    kept = common.common_to(question())
    for changed in (
        replace(question(), dtype="float64"),
        replace(question(), seed=1),
        replace(question(), equation=REGISTRY["attention.causal"]),
    ):
        judge = common.common_to(changed).judge
        assert (judge.equation, judge.dtype, judge.seed) == (changed.equation, changed.dtype, changed.seed)
        assert common.common_to(question()) is kept


def test_what_was_not_asked_for_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases and the noise of all questions together have at most `MOST_KEPT` numbers."""
    questions = [replace(question(), seed=seed) for seed in (0, 1)]
    first, second = (common.common_to(each) for each in questions)
    for each in (first, second):
        each.judge.noise(each.drawer()(SMALL, ()), each.judge.presets[0])
    common.common_to(questions[0])
    monkeypatch.setattr(common, "MOST_KEPT", first.judge.kept_elements + first.elements)

    assert common.common_to(questions[0]) is first
    assert common.common_to(questions[1]) is not second


def test_too_much_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = common.common_to(question())
    draw = kept.drawer()
    kept.judge.noise(draw(SMALL, ()), kept.judge.presets[0])
    monkeypatch.setattr(common, "MOST_DRAWN", 1)
    monkeypatch.setattr(common, "MOST_KEPT", 1)

    draw(replace(SMALL, seed=9), ())

    assert len(kept.drawn) == 1
    assert common.common_to(question()) is not kept
