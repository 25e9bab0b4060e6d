"""The long lane searches with other seeds, and keeps what it finds for the quick one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.faces import gate_lanes
from attnspec.faces.gate_settings import read
from attnspec.faces.json_file import Document
from attnspec.faces.known_departures import Departure, KnownDepartures
from attnspec.faces.screen import Screen
from attnspec.faces.verify_command import Run
from attnspec.verification.cases.case import Case
from attnspec.verification.options import VerifyOptions
from attnspec.verification.verdict import Report, Verdict, VerdictKind

KERNELS = """
import numpy as np

def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)
"""
SETTINGS = """
[gate]
seed = 3
corpus = "cases"
[[gate.implementations]]
target = "kernels.py:dot"
equation = "scores.dot"
"""
TODAY = date(2026, 11, 28)
CASE = Case({"q": np.ones((1, 2)), "k": np.ones((1, 2))}, {})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels.py").write_text(KERNELS)
    (tmp_path / "attnspec.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch, answer_with: Callable[[Callable[..., Report]], None]) -> list[int]:
    """The seeds that are asked. Nothing is computed: it conforms, and differs from the third further seed on."""
    asked: list[int] = []

    def answered(
        target: str, options: VerifyOptions, on_verdict: Callable[[Verdict], None] = lambda _: None, **_: Any
    ) -> Report:
        asked.append(options.seed)
        kind = VerdictKind.DIFFERS if len(asked) > 3 else VerdictKind.CONFORMS
        cases = (CASE,) if kind is VerdictKind.DIFFERS else ()
        verdict = Verdict("scores.dot", target, "numpy", "float32", "cpu", kind, seed=options.seed, cases=cases)
        on_verdict(verdict)
        return Report((verdict,))

    answer_with(answered)
    monkeypatch.setattr(gate_lanes, "verify", answered)
    return asked


def gate(*options: str) -> Result:
    return CliRunner().invoke(main, ["gate", *options])


def hunted(minutes: float, known: KnownDepartures | None = None) -> Run:
    """A run whose clock goes on by a minute whenever it is read."""
    ticks = iter(range(1000))
    run = Run(VerifyOptions(), Screen(), Document(None), known=known or KnownDepartures())
    gate_lanes.hunt(read(Path.cwd()), run, minutes, today=TODAY, clock=lambda: float(next(ticks)))
    return run


def test_the_long_lane_finds_and_keeps_what_the_quick_lane_asks_first(seeds: list[int], project: Path) -> None:
    quick = gate()
    seeds.clear()
    long = gate("--minutes", "1", "--json", "v.json")
    [kept] = (project / "cases").iterdir()

    assert (quick.exit_code, long.exit_code) == (0, 1)
    assert len(seeds) == 4
    assert seeds[0] == 3
    assert "hunted: 3 times more, seeds" in long.stdout
    assert f"kept: cases/{kept.name}" in long.stdout
    assert kept.name.startswith("scores.dot-float32-")
    verdicts = json.loads((project / "v.json").read_text())["verdicts"]
    assert [each["verdict"] for each in verdicts] == ["conforms", "differs"]


def test_each_night_has_seeds_of_its_own_and_the_same_night_the_same(seeds: list[int]) -> None:
    hunted(5)
    first, again = list(seeds), hunted(5)
    assert again.verdicts

    assert first == [3 + TODAY.toordinal() * gate_lanes.SEEDS_A_DAY + k for k in (1, 2)]
    assert seeds[2:4] == first


def test_it_stops_in_time_and_when_nothing_is_left(seeds: list[int]) -> None:
    hunted(0)
    assert seeds == []
    hunted(1000)

    assert len(seeds) == 4


def test_what_is_known_is_not_found_again(seeds: list[int]) -> None:
    known = Departure("kernels.py:dot", "float32", "differs", "why", "link")
    run = hunted(20, KnownDepartures("known.toml", (known,)))

    assert len(seeds) > 4
    assert run.verdicts == []


def test_a_kept_case_fails_the_gate_until_it_is_fixed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stand-ins for the case: it is found by verify, and asked again by the gate, from another folder too."""
    (project / "cases").mkdir()
    (project / "kernels.py").write_text(KERNELS.replace("q @", "2 * q @"))
    options = ("kernels.py:dot", "--as", "scores.dot", "--dtype", "float32", "--examples", "1", "--no-trace")
    CliRunner().invoke(main, ["verify", *options, "--no-function", "--keep-case", "cases/a.npz"])
    settings = read(Path.cwd())
    wrong = gate_lanes.still_failing(settings, KnownDepartures())
    known = Departure("kernels.py:dot", "float32", "differs", "why", "link")
    excused = gate_lanes.still_failing(settings, KnownDepartures("known.toml", (known,)))
    not_mine = gate_lanes.still_failing(settings, KnownDepartures(), (1, 2))
    (project / "kernels.py").write_text(KERNELS)
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    mended = gate_lanes.still_failing(read(Path.cwd()), KnownDepartures())

    assert len(wrong) == 1
    assert wrong[0].startswith("corpus: cases/a.npz still fails: kernels.py:dot as scores.dot in float32: ")
    assert "attnspec replay cases/a.npz" in wrong[0]
    assert (excused, not_mine, mended) == ([], [], [])


def test_a_case_that_cannot_be_asked_fails(project: Path, seeds: list[int]) -> None:
    (project / "cases").mkdir()
    (project / "cases/a.npz").write_bytes(b"torn")

    done = gate()

    assert done.exit_code == 1
    assert "corpus: cases/a.npz cannot be asked" in done.stdout


def test_the_long_lane_fails_for_old_entries(project: Path, seeds: list[int]) -> None:
    (project / "attnspec.toml").write_text(SETTINGS.replace("seed = 3", 'known = "known.toml"'))
    (project / "known.toml").write_text(
        '[[departure]]\nimplementation = "kernels.py:other"\ndtype = "float32"\nverdict = "differs"\n'
        'reason = "why"\nlink = "l"\nowner = "Ada"\nreview = 2020-01-01\n'
    )

    assert gate().exit_code == 0
    seeds.clear()
    assert gate("--minutes", "0.000001").exit_code == 1
