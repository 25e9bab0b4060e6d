"""Kept cases are asked again: fixed, still failing, cannot run; and a file of its own shows the fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.faces.kept_cases import facts_in, write_cases
from attnspec.verification.cases.recorded_files import FACTS
from attnspec.verification.cases.recordings import recordings

RIGHT = """
import numpy as np

def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)
"""
WRONG = RIGHT.replace("return q @ np.swapaxes(k, -1, -2)", "return 1.1 * (q @ np.swapaxes(k, -1, -2))")


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, list(arguments))


def keep(folder: Path, text: str, *options: str, equation: str = "scores.dot") -> Path:
    """Judge mine.py, and keep its cases in kept.npz."""
    (folder / "mine.py").write_text(text)
    given = ("--as", equation, "--examples", "0", "--no-function", "--no-trace", "--keep-case", "kept.npz")
    done = run("verify", "mine.py", *given, *options)
    assert done.exit_code == 1, done.output
    return folder / "kept.npz"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_fault_is_still_there_then_fixed_then_cannot_run(folder: Path) -> None:
    keep(folder, WRONG)
    failing = run("replay", "kept.npz")
    assert failing.exit_code == 1
    assert failing.output.startswith("still failing: kept.npz: scores.dot, mine.py:dot (numpy, float32, cpu)")
    assert "was       differs" in failing.output

    (folder / "mine.py").write_text(RIGHT)
    fixed = run("replay", "kept.npz")
    assert fixed.exit_code == 0, fixed.output
    assert fixed.output.startswith("fixed: kept.npz")

    (folder / "mine.py").write_text("def other(q, k): return q")
    gone = run("replay", "kept.npz")
    assert gone.exit_code == 2
    assert gone.output.startswith("cannot run: kept.npz")
    assert "no callable 'dot'" in gone.output

    (folder / "moved.py").write_text(RIGHT)
    assert run("replay", ".", "--target", "moved.py:dot").exit_code == 0


RAISES = RIGHT.replace("    return", "    if q.shape[-1] > 8: raise ValueError('too wide')\n    return")
WRITES = RIGHT.replace("    return", "    q[...] *= 1; k.flat[:1] = 0\n    return")
ODD_WHEN_STRIDED = RIGHT.replace("    return", "    if not k.flags.c_contiguous: k = k + 1\n    return")


@pytest.mark.parametrize("text", [RAISES, WRITES, ODD_WHEN_STRIDED])
def test_what_raises_or_breaks_the_contract_is_asked_again(folder: Path, text: str) -> None:
    """The layout of a case is kept: the last one is wrong only where an input is not contiguous."""
    keep(folder, text)
    assert run("replay", "kept.npz").exit_code == 1
    (folder / "mine.py").write_text(RIGHT)
    assert run("replay", "kept.npz").exit_code == 0


def test_how_a_candidate_is_called_is_kept(folder: Path) -> None:
    """Another name, a setting and an order of axes, without which it could not be called."""
    text = """
        import numpy as np
        def scores(queries, keys, factor):
            return 1.1 * factor * np.einsum("nbd,mbd->nbm", queries, keys)
    """.replace("\n        ", "\n")
    options = ("--bind", "queries=q", "--bind", "keys=k", "--set", "factor=1.0", "--axes", "NBD", "--claim", "batch=1")
    keep(folder, text, *options)
    assert run("replay", "kept.npz", "--script", "shown.py").exit_code == 1
    assert shown(folder).returncode == 1
    (folder / "mine.py").write_text(text.replace("1.1 * ", ""))
    assert run("replay", "kept.npz").exit_code == 0
    assert shown(folder).returncode == 0


def test_the_policy_of_the_verdict_is_kept(folder: Path) -> None:
    """A looser policy, inferred of the wrong cases alone, would excuse them."""
    facts = facts_in(str(keep(folder, WRONG, "--dtype", "float16")))
    assert facts["policy"] in ("float32-inside", "flash", "op-by-op")
    assert run("replay", "kept.npz").exit_code == 1


def test_what_only_all_answers_show_is_not_called_fixed(folder: Path) -> None:
    path = str(keep(folder, WRONG))
    facts = json.loads(str(np.load(path)[FACTS]))
    cases = recordings([path])
    write_cases(path, [_case(each) for each in cases], {**facts, "shown_alone": False})
    (folder / "mine.py").write_text(RIGHT)

    done = run("replay", path)

    assert done.exit_code == 2
    assert "all answers together" in done.output


def _case(recording: Any) -> Any:
    from attnspec.verification.cases.case import Case

    return Case(recording.arrays, {}, layout=recording.layout)


def test_files_without_facts_and_empty_folders_are_refused(folder: Path) -> None:
    np.savez("plain.npz", q=np.ones((1, 2)), k=np.ones((1, 2)))
    plain = run("replay", "plain.npz")
    assert plain.exit_code == 2
    assert "--inputs plain.npz --only-inputs" in plain.output
    (folder / "empty").mkdir()
    assert run("replay", "empty").exit_code == 2
    assert run("replay", "nothing.npz").exit_code == 2


def shown(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script, in a Python that cannot import attnspec."""
    program = "import sys, runpy; sys.modules['attnspec'] = None; runpy.run_path('shown.py', run_name='__main__')"
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)


TORCH = """
import torch

def dot(q, k):
    return 1.1 * (q @ k.mT)
"""
JAX = TORCH.replace("import torch", "import jax")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (WRONG, ()),
        (TORCH, ("--dtype", "bfloat16")),
        (TORCH, ("--backward",)),
        pytest.param(JAX, ("--dtype", "float64"), marks=pytest.mark.broad),
    ],
)
def test_a_script_shows_the_fault_without_attnspec(folder: Path, text: str, options: tuple[str, ...]) -> None:
    keep(folder, text, *options)
    assert run("replay", "kept.npz", "--script", "shown.py").exit_code == 1
    wrong = shown(folder)
    assert wrong.returncode == 1, wrong.stderr
    assert "values are wrong" in wrong.stdout

    (folder / "mine.py").write_text(text.replace("1.1 * ", ""))
    right = shown(folder)
    assert right.returncode == 0, right.stdout + right.stderr


def test_a_script_holds_large_arrays(folder: Path) -> None:
    text = WRONG.replace("    return", "    if q.shape[-1] < 700: return q @ np.swapaxes(k, -1, -2)\n    return")
    keep(folder, text)
    assert run("replay", "kept.npz", "--script", "shown.py").exit_code == 1
    assert "unpacked(" in (folder / "shown.py").read_text()
    assert shown(folder).returncode == 1
    (folder / "mine.py").write_text(RIGHT)
    assert shown(folder).returncode == 0


def test_no_script_is_written_over_another_or_of_what_it_cannot_show(folder: Path) -> None:
    keep(folder, WRONG)
    (folder / "shown.py").write_text("mine")
    assert run("replay", "kept.npz", "--script", "shown.py").exit_code == 2
    assert (folder / "shown.py").read_text() == "mine"
    keep(folder, ODD_WHEN_STRIDED)
    refused = run("replay", "kept.npz", "--script", "new.py")
    assert refused.exit_code == 2
    assert "no script is written of this case" in refused.output
    assert not (folder / "new.py").exists()
