"""Advice on options for candidates that raise in some cases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from attnspec.verification.candidate.advice import advice
from attnspec.verification.cases.case import Case, Description
from attnspec.verification.sandbox.messages import Outcome
from attnspec.verification.verdict import VerdictKind


def candidate(*calls: tuple[dict[str, int], str]) -> Any:
    """A candidate with calls on cases of these sizes, each with the status of its outcome."""
    made = [
        (Case({"x": np.ones(3)}, {}, Description(tuple(sizes.items()))), Outcome("ok" if status == "ok" else "raised"))
        for sizes, status in calls
    ]
    definition = SimpleNamespace(results=("h",))
    question = SimpleNamespace(equation=SimpleNamespace(definition=definition))
    return SimpleNamespace(question=question, calls=made, left_at_defaults=[])


def test_sizes_that_only_some_cases_have_are_left_out() -> None:
    """Of layers on layers, a case with two layers has a size u_1 that a case with one lacks."""
    calls = (({"d": 3, "L": 2, "u": 4, "u_1": 5}, "raised"), ({"d": 4, "L": 1, "u": 4}, "ok"))

    assert advice(candidate(*calls), VerdictKind.FAILS) == "if d and u are one size: --same u=d"
    assert advice(candidate(*reversed(calls)), VerdictKind.FAILS) == "if d and u are one size: --same u=d"


def test_the_multiples_that_it_answers_are_named() -> None:
    """The smallest number that tells them from the sizes at which it raises, of several; a size of 1 tells nothing."""
    calls = (({"d": 3}, "raised"), ({"d": 6}, "raised"), ({"d": 8}, "ok"), ({"d": 4}, "ok"), ({"d": 12}, "ok"))

    assert advice(candidate(*calls), VerdictKind.FAILS) == "if it is for multiples of 4 alone: --claim multiple.d=4"
    assert advice(candidate(*calls, ({"d": 1}, "ok")), VerdictKind.FAILS).endswith("multiple.d=4")
    assert advice(candidate(*calls[1:]), VerdictKind.FAILS) == ""
    assert advice(candidate(*calls[:-1]), VerdictKind.FAILS) == ""
    assert advice(candidate(*calls, ({"d": 5}, "ok")), VerdictKind.FAILS) == ""
    assert advice(candidate(*calls, ({"d": 16}, "raised")), VerdictKind.FAILS) == ""


def test_two_sizes_that_are_equal_wherever_it_answers_are_named() -> None:
    calls = (({"n": 3, "m": 4, "d": 5}, "raised"), ({"n": 6, "m": 6, "d": 5}, "ok"), ({"n": 2, "m": 2, "d": 2}, "ok"))

    assert advice(candidate(*calls), VerdictKind.DIFFERS) == "if n and m are one size: --same m=n"
    assert advice(candidate(*calls), VerdictKind.CONFORMS) == ""
