"""The whole models of examples/models: what they are made of is verified, they learn, they look where they should."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from attnspec.implementation import ATTRIBUTE

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "models"
MODELS = ("gru_encoder_decoder", "lstm_translator", "bahdanau_dates", "attentive_rnn", "transformer")
BESIDES = ("training", "minilm", "real_activations")
"""What the models share; and a model that others have trained, which `test_real_model.py` tries."""

SHADES = " ░▒▓█"


def test_every_file_is_tried() -> None:
    assert {file.stem for file in FOLDER.glob("*.py")} == {*MODELS, *BESIDES}


@pytest.mark.parametrize("name", MODELS)
def test_a_short_run_learns(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What it takes from implementations, it holds to the specification; that this conforms is tried elsewhere."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--steps", "40"])
    held: list[Callable[..., Any]] = []
    monkeypatch.setattr(importlib.import_module("training"), "conforming", held.extend)
    names = runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", capsys.readouterr().out)]

    assert len(losses) > 10
    assert losses[-1] < 0.9 * losses[0]
    assert all(getattr(function, ATTRIBUTE) for function in held)
    assert all(value in held for value in names.values() if getattr(value, ATTRIBUTE, ()))


def test_what_does_not_conform_is_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    slip = runpy.run_path(str(FOLDER.parent / "swapped_gate.py"))["gru_cell"]

    with pytest.raises(SystemExit, match=r"^differs: recurrent\.gru_cell"):
        importlib.import_module("training").conforming([slip])


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_whole_run_answers_what_it_never_saw(name: str) -> None:
    printed = run(name)
    [share] = re.findall(r"without a mistake: ([\d.]+)%", printed)

    assert "conforms: " in printed
    assert float(share) >= 95, printed
    if name == "attentive_rnn":
        rows = darkest(printed)[1:]  # the first word to be said is the last that was read, and known without looking
        assert all(after == before - 1 for before, after in pairwise(rows)), printed
    if name == "transformer":
        read, answers = (numbers_in(printed, line) for line in ("read", "sorted"))
        assert answers == [sorted(each) for each in read], printed
    if name == "bahdanau_dates":
        year = darkest(printed)[:4]  # 2026 stands behind the month
        assert all(place >= len("21 november") for place in year), printed


def numbers_in(printed: str, begins: str) -> list[list[int]]:
    """The lists of numbers in the line that begins with a word."""
    [line] = [line for line in printed.splitlines() if line.startswith(begins)]
    return [[int(number) for number in part.split(", ")] for part in re.findall(r"\[([\d, ]+)\]", line)]


def run(name: str, *options: str) -> str:
    command = [sys.executable, str(FOLDER / f"{name}.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout


def darkest(printed: str) -> Sequence[int]:
    """Where each row of the heat map is darkest, as a column of the source."""
    _, _, drawing = printed.partition("new sources\n")
    rows = [line[3:].ljust(2)[::2] for line in drawing.splitlines()[1:]]
    return [max(range(len(row)), key=lambda place: SHADES.index(row[place])) for row in rows]
