"""The commands of docs/first-ten-minutes.md print what the page shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from attnspec.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/first-ten-minutes.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)

pytest.importorskip("torch")


def files() -> Iterator[tuple[str, str]]:
    for text in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if name := re.match(r"# (\w+\.py)\n", text):
            yield name[1], text


def commands() -> list[tuple[str, str]]:
    return [(command, shown) for command, shown in COMMAND.findall(PAGE) if command.startswith("attnspec ")]


def comparable(text: str) -> list[str]:
    """The lines without numbers that another machine may print otherwise."""
    return [re.sub(r"-?\d[\d.e-]*", "#", line).rstrip() for line in text.splitlines() if line != "..."]


def test_the_page_shows_files_and_commands() -> None:
    assert len(dict(files())) >= 3
    assert len(commands()) >= 7
    assert [command for command, _ in COMMAND.findall(PAGE) if command.startswith("python")], "how to install"


@pytest.mark.parametrize(("command", "shown"), commands(), ids=lambda text: text[:60].strip())
def test_a_command_prints_what_is_shown(
    command: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(main, shlex.split(command)[1:])

    printed, wanted = comparable(done.output), comparable(shown)
    assert wanted
    assert not [line for line in wanted if line not in printed], done.output


def test_the_mended_cell_conforms(tmp_path: Path) -> None:
    text = dict(files())["gru.py"].replace("z * n + (1 - z) * hx", "z * hx + (1 - z) * n")
    (tmp_path / "gru.py").write_text(text)

    done = CliRunner().invoke(main, ["verify", f"{tmp_path}/gru.py:step", "--as", "recurrent.gru_cell_reset_after"])

    assert done.output.startswith("conforms"), done.output


def test_the_table_of_options_is_that_of_the_command() -> None:
    known = {option for parameter in main.commands["verify"].params for option in parameter.opts}
    shown = set(re.findall(r"`(--[a-z-]+)", PAGE))

    assert {"--axes", "--returns", "--set", "--same", "--weights"} <= shown
    assert shown <= known | {"--module"}
