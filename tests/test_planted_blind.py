"""Mistakes that were planted without a look at the instruments: caught, and explained as well as they were once."""

from __future__ import annotations

import json
import re

import pytest

import attnspec
from planted.authored import Authored
from planted.blind.corpus import HERE, RIGHT, WRONG, planted

JUDGED: dict[str, str] = json.loads((HERE / "judged.json").read_text(encoding="utf-8"))
"""A person's opinion of each: "rightly", "half", "wrongly", "nothing"; "missed" conforms and should not."""

SAMPLED = frozenset(
    {
        "tiles_numpy:weights_in_place",
        "seq2seq_torch:context_no_tanh",
        "gradients:d_ce_no_incoming",
        "tiles_numpy:flash",
        "unusual_numpy:powers_in_logarithms",
        "unusual_numpy:by_xlogy",
    }
)
"""The keys of those that the ordinary run asks: a cheap one of each kind."""


def asked(kind: str) -> list[object]:
    """The candidates that have been judged, most of them on demand."""
    kept = [one for one in planted() if one.kind == kind and one.key in JUDGED]
    return [pytest.param(one, id=one.key, marks=marks(one)) for one in kept]


def marks(one: Authored) -> list[pytest.MarkDecorator]:
    """Which runs ask it, and whether it is known to fail."""
    found = [] if one.key in SAMPLED else [pytest.mark.slow]
    if JUDGED[one.key] in ("missed", "blamed", "no verdict"):
        found.append(pytest.mark.xfail(strict=True, reason="a gap that is known, see README.md there"))
    return found


@pytest.mark.parametrize("one", asked(WRONG))
def test_a_planted_mistake_is_caught_and_stays_explained(one: Authored) -> None:
    report = attnspec.verify(one.target, dtype=one.dtype)
    assert report.verdict.value not in ("conforms", "inconclusive", "not run")
    if JUDGED[one.key] == "rightly":
        assert "no known mistake" not in str(report)


@pytest.mark.parametrize("one", asked(RIGHT))
def test_a_right_form_is_not_blamed(one: Authored) -> None:
    expected = "imprecise" if JUDGED[one.key] == "imprecise" else "conforms"  # a form that loses digits
    assert attnspec.verify(one.target, dtype=one.dtype).verdict.value == expected


def test_the_page_has_every_candidate_in_its_authors_words() -> None:
    page = (HERE / "README.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1] for row in re.findall(r"^\| (\S+:\S+) \| (.*?) \| ", page, re.MULTILINE)}
    assert rows == {one.key: one.words.replace("|", "\\|") for one in planted()}
    assert set(JUDGED) <= set(rows)
    wrong, right = (sum(one.kind == kind for one in planted()) for kind in (WRONG, RIGHT))
    assert f"{wrong} wrong implementations and {right} right ones" in page
