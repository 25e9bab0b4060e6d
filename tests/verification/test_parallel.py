"""Questions shared out among processes: the same verdicts in the same order, and nothing left behind."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.errors import SpecError, UnknownName
from attnspec.verification import parallel, session
from attnspec.verification.candidate.question import Question
from attnspec.verification.options import VerifyOptions
from attnspec.verification.parallel import Loaded, answered_in_processes, in_groups
from attnspec.verification.sandbox.runner import WorkerError
from attnspec.verification.session import run
from attnspec.verification.together import run_together
from attnspec.verification.verdict import Report, Verdict

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
    tasks = [[(0, 0, 1), (0, 0, 2)]]
    answers = dict(answered_in_processes([(f"{PLANTED}/weights.py:right", options)], 1, tasks))

    assert [verdict.seed for verdict in answers.values() if isinstance(verdict, Verdict)] == [1, 2]


def test_groups_are_about_one_equation_in_one_dtype_of_any_target() -> None:
    options = VerifyOptions(dtypes=("float32", "float64"), examples=0)
    loaded = Loaded([("attnspec_numpy.scores:dot", options), ("attnspec_torch.scores", options)])
    try:
        questions = {place: loaded.questions(place) for place in range(2)}
    finally:
        loaded.close()
    groups = in_groups(questions, [0, 0])

    assert sorted(task for group in groups for task in group) == [
        (place, number, 0) for place, asked in questions.items() for number in range(len(asked))
    ]
    asked = [[questions[place][number] for place, number, _ in group] for group in groups]
    about = [[(each.equation.id, each.dtype) for each in group if isinstance(each, Question)] for group in asked]
    assert about[:2] == [[("scores.dot", "float32")] * 2, [("scores.dot", "float64")] * 2]
    assert all(len({*group}) == 1 for group in about)


@pytest.mark.parametrize("jobs", [1, 2])
def test_targets_together_have_the_reports_of_each_alone(jobs: int) -> None:
    """Right, wrong and refused ones, and one that cannot be loaded, are as `run` has them."""
    options = VerifyOptions(dtypes=("float32",), examples=3, function=False)
    targets: list[tuple[str, VerifyOptions]] = [
        ("attnspec_numpy.scores:dot", options),
        (f"{PLANTED}/several.py", replace(options, examples=0)),
        ("attnspec_torch.scores:dot", options),
        (f"{PLANTED}/no_such.py", options),
        (f"{PLANTED}/not_importable.py", options),
    ]
    heard: list[Verdict] = []
    together = run_together(targets, jobs=jobs, on_verdict=heard.append)

    for (target, wanted), report in zip(targets, together, strict=True):
        if isinstance(report, SpecError):
            with pytest.raises(SpecError) as error:
                run(target, wanted)
            assert str(report) == str(error.value)
            continue
        alone = run(target, wanted)
        assert [without_time(each) for each in report.verdicts] == [without_time(each) for each in alone.verdicts]
        assert report.notes == alone.notes
    said = [each for report in together if isinstance(report, Report) for each in report.verdicts]
    assert sorted(map(str, heard)) == sorted(map(str, said))
    assert not multiprocessing.active_children()


def test_a_target_that_cannot_be_loaded_is_loaded_once(tmp_path: Path) -> None:
    """An import may take minutes."""
    (tmp_path / "broken.py").write_text("open(__file__ + '.log', 'a').write('loaded ')\nraise ValueError('broken')\n")
    [report] = run_together([(str(tmp_path / "broken.py"), VerifyOptions("scores.dot"))])

    assert isinstance(report, SpecError)
    assert "ValueError: broken" in str(report)
    assert (tmp_path / "broken.py.log").read_text() == "loaded "


def test_an_error_of_ours_is_raised_after_the_other_questions_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which question it was; where no worker can start, nothing else is asked."""
    answer, asked = session.answer, list[str]()
    errors: dict[str, Exception] = {"float32": KeyError("l")}

    def failing(question: Any, *how: Any) -> Any:
        asked.append(question.dtype)
        if question.dtype in errors:
            raise errors[question.dtype]
        return answer(question, *how)

    monkeypatch.setattr(session, "answer", failing)
    options = VerifyOptions(dtypes=("float16", "float32", "float64"), examples=0, function=False)
    heard: list[Verdict] = []
    with pytest.raises(KeyError) as error:
        run_together([("attnspec_numpy.scores:dot", options)], on_verdict=heard.append)

    assert error.value.__notes__ == ["scores.dot in float32, attnspec_numpy.scores:dot, seed 0"]
    assert [each.dtype for each in heard] == ["float16", "float64"]
    asked.clear()
    errors["float16"] = WorkerError("it does not start")
    with pytest.raises(WorkerError):
        run_together([("attnspec_numpy.scores:dot", options)])
    assert asked == ["float16"]


def test_an_error_in_a_process_is_raised_after_the_other_groups_are_answered() -> None:
    """The second of three tasks names a target that is not there."""
    right = ("attnspec_numpy.scores:dot", VerifyOptions(dtypes=("float32",), examples=0, function=False))
    targets = [right, (f"{PLANTED}/no_such.py", VerifyOptions("scores.dot")), right]
    answers, heard = answered_in_processes(targets, 1, [[(place, 0, 0)] for place in range(3)]), list[int]()
    with pytest.raises(SpecError, match="no_such"):
        heard.extend(task[0] for task, _ in answers)

    assert sorted(heard) == [0, 2]
    assert not multiprocessing.active_children()


def without_time(verdict: Verdict) -> Verdict:
    """A verdict without its time, what depends on time, and its arrays, which it shows in words."""
    return replace(verdict, seconds=0.0, determinism=(), worst_case=None, cases=())


def test_a_target_that_was_not_used_lately_is_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "MOST_OPEN", 1)
    options = VerifyOptions(dtypes=("float32",), examples=0, function=False)
    loaded = Loaded([("attnspec_numpy.scores:dot", options), ("attnspec_numpy.attention:weights", options)])
    try:
        answers = [loaded.answer((place, 0, 0)) for place in (0, 1, 0)]
    finally:
        loaded.close()
    assert [each.verdict for each in answers if isinstance(each, Verdict)] == ["conforms"] * 3


def test_what_fails_in_a_process_is_raised_here() -> None:
    with pytest.raises(UnknownName, match="no dtype 'flaot32'"):
        list(answered_in_processes([(f"{PLANTED}/gru.py", VerifyOptions(dtypes=("flaot32",)))], 1, [[(0, 0, 0)]]))


def test_a_run_that_is_left_leaves_no_process() -> None:
    tasks = [[(0, number, seed)] for seed in range(9) for number in range(2)]
    answers = answered_in_processes([(f"{PLANTED}/gru.py", VerifyOptions(examples=3))], 2, tasks)
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
