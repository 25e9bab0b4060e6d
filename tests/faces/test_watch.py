"""`attnspec verify --watch` judges again whenever a file of the candidate changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from click.testing import CliRunner

from attnspec.cli import main
from attnspec.errors import SpecError
from attnspec.faces.watch import Watch
from attnspec.verification.options import VerifyOptions

CANDIDATE = """
from helper import factor
def weights(e):
    import numpy as np
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return factor * p / p.sum(-1, keepdims=True)
"""

OWN = """
from attnspec import Float, Tensor, equation, implements
@equation()
def scaled(x: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    return {factor} * x
@implements("mine.scaled")
def twice(x):
    return 2 * x
"""


HEARS_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background begins without
from attnspec.cli import main
main(prog_name="attnspec")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CANDIDATE)
    (tmp_path / "helper.py").write_text("factor = 1\n")
    return tmp_path


class Watched:
    """A command with `--watch` that is running."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-c", HEARS_CTRL_C, "verify", *words, "--watch"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines: Queue[str] = Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def until_it_waits(self) -> str:
        """What it prints up to where it waits for a change."""
        found: list[str] = []
        while not found or not found[-1].startswith("waiting for a change"):
            found.append(self.lines.get(timeout=120))
        return "".join(found)

    def end(self) -> int:
        """End it as Ctrl-C does, and return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


@pytest.fixture
def watched(folder: Path) -> Iterator[Any]:
    running: list[Watched] = []

    def start(*words: str) -> Watched:
        running.append(Watched(*words))
        return running[0]

    yield start
    for each in running:
        each.process.kill()
        each.process.wait()
        assert each.process.stdout is not None
        each.process.stdout.close()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent by a signal")
def test_each_change_gets_a_verdict(watched: Any, folder: Path) -> None:
    """Of what the candidate imports too; what cannot be imported is reported, and the next change mends it."""
    command = watched("mine.py:weights", "--as", "attention.weights")
    assert command.until_it_waits().startswith("conforms: attention.weights")

    (folder / "helper.py").write_text("factor = 2\n")
    assert "helper.py changed\ndiffers" in command.until_it_waits()

    (folder / "mine.py").write_text("def weights(e:\n")
    assert "mine.py changed\nTargetError: mine.py:weights cannot be imported" in command.until_it_waits()

    (folder / "helper.py").write_text("factor = 1\n")
    assert "helper.py changed\nTargetError" in command.until_it_waits()

    (folder / "mine.py").write_text(CANDIDATE)
    assert "mine.py changed\nconforms" in command.until_it_waits()
    assert command.end() == 0


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent by a signal")
def test_an_equation_of_ones_own_may_change_too(watched: Any, folder: Path) -> None:
    """It is defined anew by a new process; the exit code is that of the last verdict."""
    (folder / "mine.py").write_text(OWN.format(factor=2))
    command = watched("mine.py")
    assert command.until_it_waits().startswith("conforms: mine.scaled")

    (folder / "mine.py").write_text(OWN.format(factor=3))

    assert "mine.py changed\ndiffers: mine.scaled" in command.until_it_waits()
    assert command.end() == 1


def test_files_are_watched_until_they_stay_as_they_are(folder: Path) -> None:
    """A file that is deleted has changed, and so has one that is written where it was not."""
    recorded = folder / "cases.npz"
    watch = Watch(["mine.py:weights"], VerifyOptions(inputs=(str(recorded),)))

    def write() -> None:
        time.sleep(0.3)
        (folder / "helper.py").unlink()
        recorded.write_text("")

    writer = threading.Thread(target=write)
    writer.start()
    changed = watch.wait()
    writer.join()

    assert {Path(file).name for file in changed} == {"helper.py", "cases.npz"}
    assert {Path(file).name for file in watch.before} == {"mine.py", "helper.py", "cases.npz"}


@pytest.mark.parametrize("target", ["nowhere.py:weights", "numpy.linalg:norm", "command:attnspec-kernel --fast"])
def test_what_has_no_file_of_its_own_is_not_watched(target: str) -> None:
    with pytest.raises(SpecError, match="no file to watch"):
        Watch([target], VerifyOptions())


@pytest.mark.parametrize("other", [("--resume", "run.jsonl"), ("--json", "-")])
def test_what_is_of_one_run_alone_is_refused(folder: Path, other: tuple[str, str]) -> None:
    result = CliRunner().invoke(main, ["verify", "mine.py:weights", "--as", "attention.weights", "--watch", *other])

    assert result.exit_code == 2
    assert f"--watch has no {' '.join(other[: 1 if other[0] == '--resume' else 2])}" in result.output
