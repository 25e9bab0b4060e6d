"""`attnspec new --template`: each file conforms by the commands that are printed with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.faces.template_files import TEMPLATES

NEEDS = {"module": "torch", "c": "cc", "library": "cc", "rust": "rustc"}
"""{template: the package or program that it needs, where its name is another one}."""


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ("numpy", "c") else pytest.mark.broad) for name in TEMPLATES]
)
def test_a_template_conforms_by_the_commands_that_are_printed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = NEEDS.get(name, name)
    if shutil.which(needed) is None and find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # Triton's templates are run on the CPU

    suffix = {"c": "c", "library": "c", "rust": "rs"}.get(name, "py")
    written = new("--template", name, "-o", f"mine.{suffix}")
    commands = re.findall(r"^  (.+)$", written.stdout, re.MULTILINE)
    *built, verified = [command.removesuffix(" --device cuda").split() for command in commands]
    for command in built:
        program = sys.executable if command[0] == "python" else command[0]
        subprocess.run([program, *command[1:]], check=True)
    done = CliRunner().invoke(main, [*verified[1:], "--examples", "1"])

    assert written.exit_code == 0, written.output
    assert done.exit_code == 0, done.output
    assert f"conforms: {TEMPLATES[name].equation}, {verified[2]}" in done.stdout


def test_a_template_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header of a library neither, and then its source is not written."""
    monkeypatch.chdir(tmp_path)
    Path("attnspec.h").write_text("mine")

    done = new("--template", "library", "-o", "kernel.c")

    assert (done.exit_code, Path("attnspec.h").read_text()) == (2, "mine")
    assert "attnspec.h exists already" in done.stderr
    assert not Path("kernel.c").exists()


def test_a_template_is_printed() -> None:
    done = new("--template", "torch")

    assert done.exit_code == 0
    assert "torch.softmax(e, dim=-1) @ v" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--template", "tirton"], "did you mean triton?"),
        (["--template", "library"], "library has 2 files"),
        (["--template", "numpy", "scores.dot"], "--template stands alone"),
        ([], "name the ID of an equation or procedure, or a --template"),
        (["scores.dot", "--framework", "keras"], "attnspec new --template keras"),
    ],
)
def test_what_is_wrong_says_how_to_mend_it(arguments: list[str], says: str) -> None:
    done = new(*arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


def test_the_help_names_every_template() -> None:
    text = " ".join(new("--help").stdout.split())

    assert not [name for name in TEMPLATES if not re.search(rf"conforms: .*\b{name}\b", text)]
