"""Questions shared out among processes: the same verdicts in the same order, and nothing left behind."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.errors import UnknownName
from attnspec.verification.options import VerifyOptions
from attnspec.verification.parallel import answered_in_processes
from attnspec.verification.verdict import Verdict

PLANTED = Path(__file__).parents[1] / "planted"


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments, "--examples", "3", "--json", "-"])


def told(done: Result) -> dict[str, Any]:
    """The JSON, without what no two runs share."""
    written: dict[str, Any] = json.loads(done.stdout)
    for verdict in written["verdicts"]:
        del verdict["seconds"]
    return written


@pytest.mark.parametrize(
    "arguments",
    [
        ["attnspec_numpy.scores:dot", "attnspec_numpy.scores:general", "--dtype", "float32,float64"],
        [f"{PLANTED}/gru.py"],
        [f"{PLANTED}/several.py"],
        [f"{PLANTED}/not_importable.py"],
        [f"{PLANTED}/weights.py:needing_more", "--as", "attention.weights", "--dtype", "float32,float64"],
    ],
    ids=["conforms", "differs", "cannot be asked", "cannot be imported", "refused"],
)
def test_two_processes_say_what_one_says(arguments: list[str]) -> None:
    one, two = verify(*arguments), verify(*arguments, "--jobs", "2")

    assert told(two) == told(one)
    assert two.exit_code == one.exit_code
    assert not multiprocessing.active_children()


def test_a_question_can_be_asked_with_several_seeds() -> None:
    options = VerifyOptions(dtypes=("float32",), examples=0, equation="attention.weights")
    tasks = [(0, 1), (0, 2)]
    answers = dict(answered_in_processes(f"{PLANTED}/weights.py:right", options, 1, tasks))

    assert [verdict.seed for verdict in answers.values() if isinstance(verdict, Verdict)] == [1, 2]


def test_what_fails_in_a_process_is_raised_here() -> None:
    with pytest.raises(UnknownName, match="no dtype 'flaot32'"):
        list(answered_in_processes(f"{PLANTED}/gru.py", VerifyOptions(dtypes=("flaot32",)), 1, [(0, 0)]))


def test_a_run_that_is_left_leaves_no_process() -> None:
    tasks = [(number, seed) for seed in range(9) for number in range(2)]
    answers = answered_in_processes(f"{PLANTED}/gru.py", VerifyOptions(examples=3), 2, tasks)
    next(answers)
    answers.close()  # type: ignore[attr-defined]  # it is a generator

    assert not multiprocessing.active_children()


def test_hypothesis_keeps_nothing_where_the_user_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    monkeypatch.setattr("hypothesis.configuration.__hypothesis_home_directory_default", tmp_path / ".hypothesis")
    done = verify("attnspec_numpy.scores:dot")

    assert done.exit_code == 0
    assert not list(tmp_path.iterdir())
    assert "HYPOTHESIS_STORAGE_DIRECTORY" not in os.environ
