"""The benchmarks of the implementations: what is kept of a run, and when a ratio counts as worse."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attnspec import REGISTRY
from attnspec.language.layers import sizes_of

ROOT = Path(__file__).resolve().parents[1]


def loaded() -> Any:
    """The script, which is not a module of a package."""
    spec = importlib.util.spec_from_file_location("benchmark", ROOT / "benchmarks/implementations.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["benchmark"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BENCHMARK = loaded()
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


@pytest.mark.parametrize("subject", BENCHMARK.SUBJECTS, ids=str)
def test_subjects_have_the_sizes_of_their_equations(subject: Any) -> None:
    assert subject.sizes.keys() == {*sizes_of(REGISTRY[subject.equation].definition)}
