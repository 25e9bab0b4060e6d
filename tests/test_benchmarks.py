"""The benchmarks of the implementations: what is kept of a run, and when a ratio counts as worse."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.implementation import ATTRIBUTE
from attnspec.language.layers import sizes_of
from attnspec.verification.judge.mutant_values import values
from synthetic import case_of

ROOT = Path(__file__).resolve().parents[1]


def loaded(name: str) -> Any:
    """A script, which is not a module of a package."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", ROOT / f"benchmarks/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[f"benchmark_{name}"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BENCHMARK, VERDICT_TIME = loaded("implementations"), loaded("verdict_time")
WRONG, GROWTH = loaded("wrong_large"), loaded("growth")
worse_than_before, write = BENCHMARK.worse_than_before, BENCHMARK.write
ROW = BENCHMARK.Row("attention.causal", "own (numpy)", "its peer (torch)", 1.0, 4.0)


def test_a_ratio_is_compared_with_earlier_runs(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    assert not [*worse_than_before([ROW], history, 1.3)]

    write([ROW], tmp_path)
    write([replace(ROW, ratio=1.1)], tmp_path)

    assert not [*worse_than_before([replace(ROW, ratio=1.3)], history, 1.3)]
    assert [*worse_than_before([replace(ROW, ratio=1.5)], history, 1.3)]
    assert not [*worse_than_before([replace(ROW, ratio=9, subject="another")], history, 1.3)]
    assert "| attention.causal | own (numpy) | 1.10 | 4.0 | its peer (torch) |" in (tmp_path / "table.md").read_text()


def test_runs_with_other_threads_are_not_compared(tmp_path: Path) -> None:
    run = {**BENCHMARK.machine(), "threads": "OMP_NUM_THREADS=99", "rows": [vars(ROW)]}
    (tmp_path / "history.jsonl").write_text(json.dumps(run) + "\n")

    assert not [*worse_than_before([replace(ROW, ratio=9)], tmp_path / "history.jsonl", 1.3)]


def test_a_subject_is_measured_beside_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = ["attnspec_numpy.scores:dot", "attnspec_torch.scores:dot"]
    monkeypatch.setattr(BENCHMARK, "installed", lambda id: targets)
    monkeypatch.setattr(BENCHMARK, "NAIVE", "attnspec_numpy.scores:bilinear")  # it is of another equation
    subject = BENCHMARK.Subject("scores.dot", {"n": 4, "m": 4, "d": 4}, ())

    own, reference = BENCHMARK.rows(subject, rounds=2)

    assert [own.implementation, reference.implementation] == [f"{targets[0]} (numpy)", f"{targets[1]} (torch)"]
    assert own.reference == reference.reference == reference.implementation
    assert reference.ratio == 1.0
    assert own.ratio > 0


@pytest.mark.parametrize(("power", "worse"), [(0.5, False), (1.0, False), (2.0, True)])
def test_growth_is_held_against_the_design(tmp_path: Path, power: float, worse: bool) -> None:
    counts = [8, 16, 32, 64]
    grown = [1000 + 3 * count**power for count in counts[:1]] + [3 * count**power for count in (16, 32, 64)]
    row = GROWTH.Row(GROWTH.SUBJECTS[0], counts, grown, [round(1e6 * each) for each in grown])

    assert row.exponents == pytest.approx((power, power), abs=1e-3), "by the last two doublings"
    assert row.is_worse is worse
    GROWTH.write([row], tmp_path)
    assert f"| {power:.2f} | {power:.2f} | 1{', more' if worse else ''} |" in (tmp_path / "growth.md").read_text()


@pytest.mark.parametrize("subject", GROWTH.SUBJECTS, ids=str)
def test_what_grows_can_be_measured(subject: Any) -> None:
    row = GROWTH.measured(replace(subject, sizes=dict.fromkeys(subject.sizes, 4), doublings=2), rounds=1)

    assert len(row.counts) == len(row.seconds) == len(row.peaks) == 3
    assert min(row.seconds) > 0
    assert min(row.peaks) > 0


@pytest.mark.parametrize("subject", BENCHMARK.SUBJECTS, ids=str)
def test_subjects_have_the_sizes_of_their_equations(subject: Any) -> None:
    assert subject.sizes.keys() == {*sizes_of(REGISTRY[subject.equation].definition)}


@pytest.mark.parametrize("name", VERDICT_TIME.wrong())
def test_the_wrong_candidates_are_wrong(name: str) -> None:
    """Each gives other values than the equation that it claims, in arrays of the same shapes."""
    function = getattr(WRONG, name)
    (claimed,) = getattr(function, ATTRIBUTE)
    case = case_of(claimed.equation)
    answers = function(*case.arrays.values(), **case.options)
    expected = values(REGISTRY[claimed.equation].definition, case)
    answers = answers if isinstance(answers, tuple) else (answers,)

    assert expected is not None
    assert [answer.shape for answer in answers] == [value.shape for value in expected]
    far = [np.abs(answer - value).max() > 1e-4 for answer, value in zip(answers, expected, strict=True)]
    assert any(far)
