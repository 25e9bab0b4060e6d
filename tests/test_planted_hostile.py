"""Candidates that try to get a verdict that they do not deserve: seen through, or said to be beyond reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import attnspec
from attnspec.errors import SpecError
from attnspec.verification.verdict import Report
from planted.authored import Authored
from planted.hostile.corpus import BEYOND, HERE, WITHIN, hostile

ONCE_PASSED = {
    "answering:three_buffers_in_turn": "goes on writing to",
    "answering:changes_after_a_while": "has other values a while later",
    "remembering:cached_by_the_query": "it remembers",
    "remembering:cached_by_its_print": "as if they were the old ones",
    "remembering:cached_by_three_digits": "as if they were the old ones",
    "remembering:keys_kept_from_before": "as if it were the old one",
    "remembering:wrong_without_gradients": "wrong with gradients turned off",
    "remembering:wrong_where_gradients_are_wanted": "wrong where its inputs want gradients",
    "remembering:wrong_where_few_want_gradients": "wrong where no other input wants one",
    "lingering:leaves_a_function_mode": "torch modes",
    "lingering:leaves_another_softmax": "torch.softmax is replaced",
    "lingering:leaves_another_tanh": "numpy.tanh is replaced",
    "lingering:leaves_anomalies_detected": "torch detection of anomalies",
    "lingering:leaves_garbage": "Python's collection of garbage",
    "remembering:flushes_denormals": "denormal numbers",
    "remembering:claims_nothing_that_can_be_asked": "the claim leaves none",
    "spying:evaluates_the_specification": "compared with itself",
    "evading:wrong_for_what_cannot_be_written": "read-only inputs",
    "evading:wrong_for_arrays_of_columns": "every second is transposed",
    "posing:answers_by_a_strange_tuple": "it returns 1 arrays",
    "posing:evaluates_the_noise_of_the_specification": "compared with itself",
    "posing:leaves_another_folder": "the working directory",
    "posing:leaves_oneDNN_off": "torch backends",
    "posing:other_order_of_bytes": ">f4",
    "rare:cached_by_every_seventh_value": "given one other value within",
}
"""Those that were once said to conform, or took all memory, with a part of the reason."""

ORDINARY = (
    "answering:three_buffers_in_turn",
    "remembering:cached_by_the_query",
    "remembering:wrong_where_few_want_gradients",
    "remembering:claims_nothing_that_can_be_asked",
    "spying:evaluates_the_specification",
    "posing:leaves_another_folder",
    "rare:cached_by_every_seventh_value",
)
"""The keys of those that the ordinary run asks."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hostile candidate leaves behind lies in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def asked(one: Authored) -> Report:
    """The report on a candidate; what its process writes to is not looked at."""
    return attnspec.verify(one.target, dtype="float32", function=False, trace=False, time_limit=10)


def marked(kind: str) -> list[object]:
    """The candidates within or beyond reach, most of them on demand."""
    kept = [one for one in hostile() if one.kind == kind and one.key not in ONCE_PASSED]
    return [pytest.param(one, id=one.key, marks=pytest.mark.slow) for one in kept]


def once_passed() -> list[object]:
    """Those that once passed, most of them on demand."""
    kept = [one for one in hostile() if one.key in ONCE_PASSED]
    return [pytest.param(one, id=one.key, marks=[] if one.key in ORDINARY else [pytest.mark.slow]) for one in kept]


@pytest.mark.parametrize("one", once_passed())
def test_what_once_passed_is_seen_through(one: Authored) -> None:
    report = asked(one)

    assert report.verdict.value in ("misbehaves", "inconclusive"), str(report)
    assert ONCE_PASSED[one.key] in report.verdicts[0].reason


@pytest.mark.parametrize("one", marked(WITHIN))
def test_a_hostile_candidate_does_not_conform(one: Authored) -> None:
    try:
        assert asked(one).verdict.value != "conforms"
    except SpecError:
        assert one.name == "claims_forms_of_others", "only a claim that cannot be read is an error"


@pytest.mark.parametrize("one", marked(BEYOND))
def test_one_beyond_reach_ends_in_a_verdict(one: Authored) -> None:
    """Whatever it is: it knows that it is tested, answers for the worker, or is wrong where nothing is asked."""
    assert asked(one).verdict.value


def test_the_page_has_every_hostile_candidate_in_its_authors_words() -> None:
    page = (HERE / "README.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1] for row in re.findall(r"^\| (\S+:\S+) \| (.*?) \| ", page, re.MULTILINE)}
    assert rows == {one.key: one.words for one in hostile()}
