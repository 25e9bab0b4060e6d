"""What the search for a mistake may cost: it ends after so much work, which is counted, and says what it left out."""

from __future__ import annotations

from itertools import count, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec.verification.equations import verifier
from attnspec.verification.judge.effort import Effort, Made
from attnspec.verification.options import VerifyOptions
from attnspec.verification.session import run

BENT = """\
import numpy as np

from attnspec import implements


@implements("scores.scaled_dot", framework="numpy")
def bent(q, k):
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)
    return e + np.float32(0.05) * e * e
"""
"""A mistake that is not known, for which all searches are made."""

counts = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9), st.integers(0, 5_000)), max_size=6)


@given(st.integers(0, 2_000), counts)
def test_no_more_is_tried_than_is_left(left: int, rounds: list[tuple[int, int, int]]) -> None:
    """For any searches: what is tried are the first ones, each costs at most half of what was left, and it is known
    whether something was left out.
    """
    effort = Effort(left)
    for number, nodes, elements in rounds:
        before, effort.is_short = effort.left, False
        tried = effort.afforded(range(number), nodes, elements)

        assert tried == [*range(len(tried))]
        assert before - effort.left == pytest.approx(len(tried) * nodes * (1 + elements / 1_000))
        assert 2 * effort.left >= before - 1e-6
        assert effort.is_short == (len(tried) < number)


def test_what_is_not_tried_is_not_made() -> None:
    """Of what is left out one is made, by which it is known that something is."""
    made = Made(count())

    assert Effort(20).afforded(made, 1, 0) == [*range(10)]
    assert next(made.waiting) == 11


@given(st.lists(st.integers(), max_size=9), st.integers(0, 9))
def test_what_was_made_is_not_made_again(items: list[int], first: int) -> None:
    """A part of the items is asked for, then all, twice."""
    made = Made(iter(items))

    assert [*islice(made, first)] == items[:first]
    assert [*made] == [*made] == items


def test_without_a_limit_everything_is_tried() -> None:
    assert len(Effort().afforded(range(10**6), 10**6, 10**9)) == 10**6


def test_what_was_left_out_is_said_once() -> None:
    effort = Effort(0)
    for what in ("single lines", "other expressions", "single lines", "two mistakes at once"):
        effort.miss(what)

    assert str(effort) == "single lines, other expressions and two mistakes at once"


@pytest.fixture
def target(tmp_path: Path) -> str:
    path = tmp_path / "bent_scores.py"
    path.write_text(BENT, encoding="utf-8")
    return f"{path}:bent"


def said(target: str, minutes: float = 0.0) -> str:
    [verdict] = run(target, VerifyOptions(dtypes=("float32",), minutes=minutes, function=False)).verdicts
    [diagnosis] = verdict.diagnosis
    assert verdict.verdict.value == "differs"
    return diagnosis.says


def test_a_verdict_says_what_was_not_searched(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an effort that is too small for one mistake, all searches that try some are named; by default none is, nor
    with `minutes`.
    """
    whole = said(target)
    monkeypatch.setattr(verifier, "SEARCHED_NODES", 1)

    assert "not everything was searched" not in whole
    assert said(target) == (
        f"{whole}; not everything was searched: not all mistakes of software, all wrong numbers, other expressions,"
        " two mistakes at once and mistakes in most cases"
    )
    assert said(target, minutes=0.01) == whole
