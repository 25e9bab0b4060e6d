"""What stands in examples/ gets the verdict and the diagnosis that the README says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from attnspec.cli import main

ROOT = Path(__file__).resolve().parents[1]

EXAMPLES = [
    ("swapped_gate.py", [], "recurrent.gru_cell_update_writes", "z and 1 − z are swapped"),
    ("torch_gru_as_cho.py", ["--as", "recurrent.gru_cell"], "recurrent.gru_cell_reset_after", "r acts after W_hh"),
]


@pytest.mark.parametrize(("file", "options", "id", "says"), EXAMPLES)
def test_an_example_is_recognised(
    file: str, options: list[str], id: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, ["verify", f"examples/{file}", *options, "--json", "-"])
    [verdict] = json.loads(done.stdout)["verdicts"]
    first = verdict["diagnosis"][0]

    assert done.exit_code == 1
    assert verdict["verdict"] == "differs"
    assert first["id"] == id
    assert says in "\n".join([first["says"], *first["also"]])


@pytest.mark.parametrize(("file", "options", "id", "says"), EXAMPLES)
def test_the_readme_quotes_it(
    file: str, options: list[str], id: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = " ".join(["$ attnspec verify", f"examples/{file}", *options])
    [quoted] = re.findall(rf"^{re.escape(command)}\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)

    printed = CliRunner().invoke(main, ["verify", f"examples/{file}", *options]).stdout

    assert says in quoted
    assert without_numbers(quoted) == without_numbers(printed.rpartition("\n1 verdict")[0] + "\n")


def without_numbers(text: str) -> str:
    """What is printed, whatever the last digits are on another machine."""
    return re.sub(r"-?\d[\d.e-]*", "#", text)


def test_the_readme_shows_the_example_itself() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = (ROOT / "examples/swapped_gate.py").read_text(encoding="utf-8").splitlines()
    body = "\n".join(lines[-4:])

    assert body in readme


def test_every_example_is_tried() -> None:
    assert {file.name for file in (ROOT / "examples").glob("*.py")} == {example[0] for example in EXAMPLES}
