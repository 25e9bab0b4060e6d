"""Verdicts on procedures: on right code, on every known mistake in it, and on code that misbehaves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import attnspec
from attnspec.errors import BindingError, SpecError, UnknownName
from attnspec.language.procedure import PROCEDURES
from attnspec.procedures.text import encode
from attnspec.properties import PROCEDURAL
from attnspec.verification.verdict import Verdict, WorstAnswer

PLANTED = Path(__file__).parents[2] / "planted"


def asked(name: str, of: str, **how: Any) -> Verdict:
    options = {"examples": 0, "time_limit": 2.0, **how}
    (verdict,) = attnspec.verify(f"{PLANTED / 'words.py'}:{name}", f"text.{of}", **options).verdicts
    return verdict


@pytest.mark.parametrize(("name", "of"), [("index_of_words", "encode"), ("with_a_count", "vocabulary")])
def test_right_code_conforms(name: str, of: str) -> None:
    verdict = asked(name, of)

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.killed == verdict.of >= 7, "every known mistake must be one that these cases would have caught"
    assert verdict.properties
    assert all(held for _, held in verdict.properties)


@pytest.mark.parametrize("package", ["numpy", "torch"])
@pytest.mark.parametrize("id", [id for id in PROCEDURES if id.startswith("text.")])
def test_our_implementations_conform(package: str, id: str) -> None:
    (verdict,) = attnspec.verify(f"attnspec_{package}.text", id).verdicts

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.killed == verdict.of
    assert len(verdict.properties) == len(PROCEDURAL[id])


@pytest.mark.parametrize(
    ("name", "of", "diagnosis"),
    [("regular", "tokenize", "marks_part"), ("stops_first", "tokenize", "stops_before_typos")],
)
def test_a_known_mistake_is_named_with_a_small_case(name: str, of: str, diagnosis: str) -> None:
    verdict = asked(name, of)

    assert verdict.verdict == "differs", str(verdict)
    assert verdict.diagnosis[0].id == diagnosis
    assert isinstance(verdict.worst_case, WorstAnswer)
    assert len(repr(verdict.worst_case.arguments)) < 100
    assert verdict.worst_case.expected != verdict.worst_case.got
    assert "to mend" in str(verdict)
    assert json.loads(json.dumps(verdict.json()))["worst_case"]["options"]["lower"] in (True, False)


@pytest.mark.parametrize(
    ("name", "of", "verdict", "because"),
    [
        ("raises_on_unknown", "encode", "fails", "KeyError"),
        ("hangs", "encode", "fails", "took longer than"),
        ("dies", "encode", "fails", "exit code 3"),
        ("gives_a_generator", "encode", "misbehaves", "it returns a generator where tuple[int, ...] belongs"),
        ("gives_an_array", "encode", "misbehaves", "it returns a numpy.ndarray where"),
        ("gives_numbers_of_numpy", "encode", "misbehaves", "a numpy.int64 at [0]"),
        ("gives_truth", "encode", "misbehaves", "a bool at [0] where an int belongs"),
        ("gives_text", "encode", "misbehaves", "a str where a tuple belongs"),
        ("gives_nothing", "encode", "misbehaves", "it returns None where a tuple belongs"),
        ("gives_pairs", "vocabulary", "misbehaves", "a sequence where a mapping belongs"),
        ("learns", "encode", "misbehaves", "it changes its inputs: vocabulary"),
        ("remembers_the_table", "encode", "misbehaves", "the same mapping with new contents"),
        ("hands_out_one_list", "encode", "misbehaves", "a later call changes"),
        ("tires", "encode", "misbehaves", "begins to give another answer"),
        ("draws", "encode", "misbehaves", "draws at random"),
        ("through_a_set", "vocabulary", "misbehaves", "the order of a set"),
        ("caches_by_text", "tokenize", "misbehaves", "it remembers earlier calls"),
        ("seeds", "encode", "misbehaves", "it touches global state: python random generator"),
    ],
)
def test_what_misbehaves_is_told(name: str, of: str, verdict: str, because: str) -> None:
    found = asked(name, of)

    assert found.verdict == verdict, str(found)
    assert because in found.reason


def test_one_seed_gives_one_verdict() -> None:
    one, other = (str(asked("regular", "tokenize", seed=5)) for _ in range(2))

    assert one == other


def test_a_live_callable_and_a_procedure_itself_are_asked() -> None:
    def mine(words: tuple[str, ...], table: Mapping[str, int]) -> list[int]:
        return [table.get(word, 0) for word in words]

    report = attnspec.verify(mine, encode)

    assert report.verdict == "differs"
    assert report.diagnosis[0].id == "unknown_is_null"


def test_what_is_not_asked_of_a_procedure_is_refused(tmp_path: Path) -> None:
    place = f"{PLANTED / 'words.py'}:index_of_words"
    (tmp_path / "case.npz").touch()

    with pytest.raises(BindingError, match="no parameter for vocabulary"):
        asked("only_tokens", "encode")
    with pytest.raises(SpecError, match="backward says nothing of it"):
        attnspec.verify(place, "text.encode", backward=True)
    with pytest.raises(SpecError, match="is a procedure, and returns is for arrays"):
        attnspec.verify(place, "text.encode", returns="0")
    with pytest.raises(SpecError, match="takes no recorded arrays"):
        attnspec.verify(place, "text.encode", inputs=tmp_path / "case.npz")
    with pytest.raises(UnknownName) as caught:
        attnspec.verify(place, "text.tokenise")
    assert "did you mean text.tokenize" in caught.value.mend
