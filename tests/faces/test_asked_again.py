"""A case that shows a fault is kept and asked again: `--keep-case`, `--case`, `--show-output`, and what JSON holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import attnspec
from attnspec.cli import main
from attnspec.faces import screen

WRONG = """
import numpy as np

def dot(q, k):
    print("called with", q.shape)
    e = q @ np.swapaxes(k, -1, -2)
    return (e * (1 + np.sin(np.arange(e.shape[-1])))).astype(e.dtype)
"""


OP_BY_OP = """
import numpy as np

def dot(q, k):
    products = q[..., :, None, :] * k[..., None, :, :]
    return np.sum(products, axis=-1, dtype=np.float32).astype(q.dtype)
"""


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(WRONG)
    return "mine.py:dot"


def verify(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(
        main, ["verify", *arguments, "--as", "scores.dot", "--examples", "3"]
    )


def test_kept_cases_show_the_fault_again(wrong: str, tmp_path: Path) -> None:
    first = verify(wrong, "--keep-case", "kept.npz")
    assert first.exit_code == 1
    assert "--inputs kept.npz --only-inputs --as scores.dot --dtype float32" in first.output
    with np.load(tmp_path / "kept.npz") as kept:
        assert {name.split("/")[-1] for name in kept.files} == {"q", "k", "attnspec"}

    again = verify(wrong, "--inputs", "kept.npz", "--only-inputs", "--dtype", "float32", "--json", "-")
    (verdict,) = json.loads(again.stdout)["verdicts"]
    assert verdict["verdict"] == "differs"
    assert verdict["examples"] == verdict["recorded"] == 2


def test_no_case_is_kept_of_code_that_conforms(tmp_path: Path) -> None:
    done = verify("attnspec_numpy.scores:dot", "--dtype", "float32", "--keep-case", str(tmp_path / "kept.npz"))
    assert done.exit_code == 0, done.output
    assert not list(tmp_path.iterdir())


def test_cases_are_kept_as_npz_alone(wrong: str) -> None:
    done = verify(wrong, "--keep-case", "kept.json")
    assert done.exit_code == 2
    assert "--keep-case kept.npz" in done.output


def test_one_drawn_case_is_asked_again(wrong: str) -> None:
    (all_cases,) = attnspec.verify(wrong, "scores.dot", examples=0)
    descriptions = [case.description for case in all_cases.cases if case.description is not None]
    assert descriptions, "the worst case was drawn"
    done = verify(wrong, "--case", str(descriptions[0].seed), "--json", "-")
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert (verdict["verdict"], verdict["examples"]) == ("differs", 1)


@pytest.mark.parametrize("seed", [19, 30])
def test_one_case_is_judged_under_the_policy_that_the_first_cases_show(seed: int, tmp_path: Path) -> None:
    """A case of few elements alone would not show that each product is rounded to half precision."""
    (tmp_path / "mine.py").write_text(OP_BY_OP)
    (all_cases,) = attnspec.verify(f"{tmp_path}/mine.py:dot", "scores.dot", dtype="float16", examples=0)
    (one,) = attnspec.verify(f"{tmp_path}/mine.py:dot", "scores.dot", dtype="float16", case=seed)
    assert all_cases.judged_under == "op-by-op"
    assert one.judged_under == all_cases.judged_under


def test_a_seed_of_no_case_is_refused(wrong: str) -> None:
    done = verify(wrong, "--case", "123456789")
    assert done.exit_code == 2
    assert "no case has the seed 123456789" in done.output


def test_what_a_candidate_prints_is_shown_if_asked(wrong: str) -> None:
    shown, hidden = verify(wrong, "--case", "1", "--show-output"), verify(wrong, "--case", "1")
    assert "called with (" in shown.stderr
    assert "called with (" not in shown.stdout
    assert "called with (" not in hidden.output


def test_an_unrecognised_difference_shows_the_formula_the_code_the_case_and_where(wrong: str) -> None:
    text = verify(wrong).output
    code = "mine.py line 7: return (e * (1 + np.sin(np.arange(e.shape[-1])))).astype(e.dtype)"
    shown = f"{code}, where e_ij = q_i·k_j belongs"
    assert f"diagnosis {shown} (wrong in " in text
    rows = {line.split()[0] for line in text.splitlines() if line.startswith("  ")}
    assert {"given", "expected", "got", "diagnosis"} <= rows
    assert "to mend   e_ij = q_i·k_j" in text


def test_json_holds_every_array_of_a_small_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("recorded.npz", q=np.ones((2, 100)), k=np.ones((3, 100)))
    (tmp_path / "mine.py").write_text("def dot(q, k):\n    return 2 * q @ k.T\n")
    done = verify("mine.py:dot", "--inputs", "recorded.npz", "--only-inputs", "--framework", "numpy", "--json", "-")
    worst = json.loads(done.stdout)["verdicts"][0]["worst_case"]
    assert set(worst["arrays"]) == {"q", "k"}


def test_progress_is_written_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screen, "PROGRESS_SECONDS", 0.01)
    with screen.Screen().progress("mine.py:dot") as show_stage:
        show_stage("diagnosis")
        time.sleep(0.2)
    written = capsys.readouterr()
    assert "mine.py:dot: diagnosis, after 0 s" in written.err
    assert not written.out


def test_nothing_is_left_in_the_working_directory(wrong: str, tmp_path: Path) -> None:
    code = f"import attnspec; print(attnspec.verify({wrong!r}, 'scores.dot', examples=5).verdict)"
    environment = {name: value for name, value in os.environ.items() if name != "HYPOTHESIS_STORAGE_DIRECTORY"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "differs\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
