"""An error in a search for an explanation does not lose a verdict."""

from __future__ import annotations

import pytest

from attnspec.verification.diagnosis import attempts
from attnspec.verification.diagnosis.attempts import first_found
from attnspec.verification.sandbox.runner import WorkerError
from attnspec.verification.verdict import Diagnosis

FOUND = Diagnosis("a", "z and 1 − z are swapped")


def broken() -> Diagnosis | None:
    raise KeyError("layers")


def ended() -> Diagnosis | None:
    raise WorkerError("killed")


def test_the_next_search_is_tried_and_the_error_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "raises", False)
    notes: list[str] = []

    assert first_found([lambda: None, broken, lambda: FOUND], notes.append) is FOUND
    (note,) = notes
    assert "KeyError: 'layers'" in note
    assert "report" in note


def test_searches_after_the_first_successful_one_are_not_made() -> None:
    assert first_found([lambda: FOUND, broken], lambda says: None) is FOUND


def test_nothing_is_found_where_no_search_finds_anything() -> None:
    assert first_found([lambda: None], lambda says: None) is None


def test_the_end_of_the_worker_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "raises", False)

    with pytest.raises(WorkerError, match="killed"):
        first_found([ended], lambda says: None)


def test_an_error_is_raised_for_those_who_work_on_attnspec() -> None:
    with pytest.raises(KeyError, match="layers"):
        first_found([broken], lambda says: None)
