"""`attnspec selftest` says whether planted candidates get their verdicts, and fails if one does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

import attnspec
from attnspec.cli import main
from attnspec.faces import selftest_command
from attnspec.selftest import candidates
from attnspec.selftest.planted import PLANTED, Planted


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(main, ["selftest", *arguments])


def test_every_candidate_is_planted_once() -> None:
    defined = {name for name, value in vars(candidates).items() if callable(value) and hasattr(value, "__attnspec__")}
    names = [each.name for each in PLANTED]

    assert len(names) == len({*names})
    assert {*names} <= vars(candidates).keys()
    assert not defined - {*names}
    assert {kind for each in PLANTED for kind in each.verdicts} <= {*attnspec.VerdictKind}
    assert {framework for each in PLANTED for framework in each.frameworks} == {"numpy", "torch", "jax"}


def only(monkeypatch: pytest.MonkeyPatch, *planted: Planted) -> None:
    monkeypatch.setattr(selftest_command, "PLANTED", planted)


BY_NAME = {each.name: each for each in PLANTED}


def test_right_verdicts_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, BY_NAME["norm_without_eps"], BY_NAME["attention_that_ends_the_process"])
    done = run("--framework", "numpy")
    assert done.exit_code == 0, done.output
    assert "2 of 2 verdicts are right" in done.output
    assert "eps is outside sqrt" in done.output


@pytest.mark.parametrize("change", [{"verdicts": ("conforms",)}, {"says": "another mistake"}])
def test_a_verdict_or_a_diagnosis_that_is_not_the_right_one_fails(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    only(monkeypatch, replace(BY_NAME["norm_without_eps"], **change))  # type: ignore[arg-type]  # one of its fields
    done = run("--framework", "numpy")
    assert done.exit_code == 1
    assert "WRONG" in done.output
    assert "0 of 1 verdicts are right" in done.output


def test_what_cannot_run_is_not_called_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest_command, "find_spec", lambda name: None)
    done = run("--framework", "torch")
    assert done.exit_code == 1
    assert "not run: not installed" in done.output
    assert "0 of 0" in done.output


def test_unknown_frameworks_and_devices_are_refused() -> None:
    assert run("--framework", "tensorflow").exit_code == 2
    assert run("--device", "abacus").exit_code == 2


@pytest.mark.broad
@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_all_planted_candidates_get_their_verdicts(framework: str) -> None:
    done = run("--framework", framework)
    assert done.exit_code == 0, done.output


@pytest.mark.slow
def test_all_frameworks_are_asked_in_two_processes() -> None:
    done = run()
    assert done.exit_code == 0, done.output
    rows = [line for line in done.output.splitlines() if line.rstrip().endswith("right")]
    assert len(rows) == sum(len(each.frameworks) for each in PLANTED)
