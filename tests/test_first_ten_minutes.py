"""The commands of docs/first-ten-minutes.md print what the page shows."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import attnspec
from attnspec.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/first-ten-minutes.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BLOCKS = [block for language, block in FENCED if not language and "$ attnspec " in block]
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)

pytest.importorskip("torch")


def files() -> Iterator[tuple[str, str]]:
    for text in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if name := re.match(r"# (\w+\.py)\n", text):
            yield name[1], text


def commands(block: str) -> list[tuple[str, str]]:
    return [(command, shown) for command, shown in COMMAND.findall(block) if command.startswith("attnspec ")]


def comparable(text: str) -> list[str]:
    """The lines without numbers that another machine may print otherwise."""
    return [re.sub(r"-?\d[\d.e-]*", "#", line).rstrip() for line in text.splitlines() if line != "..."]


def test_the_page_shows_files_and_commands() -> None:
    assert len(dict(files())) >= 3
    assert sum(len(commands(block)) for block in BLOCKS) >= 10
    assert [command for command, _ in COMMAND.findall(PAGE) if command.startswith("python")], "how to install"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block[2:70].partition("\n")[0])
def test_the_commands_of_a_block_print_what_is_shown(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(attnspec.REGISTRY, "_entries", dict(attnspec.REGISTRY))  # it forgets the page's equation
    monkeypatch.delitem(sys.modules, "norms", raising=False)
    for name, text in files():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for command, shown in commands(block):
        done = CliRunner().invoke(main, shlex.split(command)[1:])

        printed, wanted = comparable(done.output), comparable(shown)
        assert wanted
        assert not [line for line in wanted if line not in printed], done.output


def test_the_mended_cell_conforms(tmp_path: Path) -> None:
    text = dict(files())["gru.py"].replace("z * n + (1 - z) * hx", "z * hx + (1 - z) * n")
    (tmp_path / "gru.py").write_text(text)

    done = CliRunner().invoke(main, ["verify", f"{tmp_path}/gru.py:step", "--as", "recurrent.gru_cell_reset_after"])

    assert done.stdout.startswith("conforms"), done.output


def test_the_table_of_options_is_that_of_the_command() -> None:
    known = {option for parameter in main.commands["verify"].params for option in parameter.opts}
    shown = set(re.findall(r"`(--[a-z-]+)", PAGE))

    assert {"--axes", "--returns", "--set", "--same", "--weights"} <= shown
    assert shown <= known | {"--module"}
