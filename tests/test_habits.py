"""What makes attnspec at home elsewhere: the action, the hook, the completion of shells, the citation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from attnspec import __version__
from attnspec.cli import main

ROOT = Path(__file__).resolve().parents[1]


def commands(file: str) -> list[list[str]]:
    """The commands of attnspec in a file of YAML."""
    lines = re.findall(r"(?:run|entry): (attnspec .*)", (ROOT / file).read_text(encoding="utf-8"))
    return [line.split() for line in lines]


@pytest.mark.parametrize("file", ["action.yml", ".pre-commit-hooks.yaml"])
def test_the_options_of_the_action_and_the_hook_exist(file: str) -> None:
    [[_, name, *words]] = commands(file)
    known = {option for parameter in main.commands[name].params for option in parameter.opts}

    assert {word for word in words if word.startswith("--")} <= known


def test_every_input_of_the_action_is_used() -> None:
    head, _, body = (ROOT / "action.yml").read_text(encoding="utf-8").partition("\nruns:")
    declared = re.findall(r"^  ([\w-]+):$", head, re.MULTILINE)

    assert declared
    assert {*declared} == {*re.findall(r"inputs\.([\w-]+)", body)}


def test_the_citation_has_the_version() -> None:
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_is_in_the_language_of_the_shell(shell: str, tmp_path: Path) -> None:
    printed = CliRunner().invoke(main, ["completion", shell]).stdout

    assert "_ATTNSPEC_COMPLETE" in printed
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed, so that its syntax is not checked")
    (tmp_path / "complete").write_text(printed)
    subprocess.run([shell, "-n", str(tmp_path / "complete")], check=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("attnspec show recurrent.gru_cell_", {"recurrent.gru_cell_reset_after", "recurrent.gru_cell_update_writes"}),
        ("attnspec verify --as scores.scaled", {"scores.scaled_dot"}),
        ("attnspec compl", {"completion"}),
    ],
)
def test_ids_and_commands_are_completed(words: str, expected: set[str]) -> None:
    environment = {
        "_ATTNSPEC_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    program = "from attnspec.cli import main; main(prog_name='attnspec')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )

    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected
