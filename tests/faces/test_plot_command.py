"""`attnspec plot`."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main


def plot(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["plot", *arguments])


def test_a_picture_with_its_data(tmp_path: Path) -> None:
    done = plot("recurrent.gru", "--out", str(tmp_path / "gates.png"), "--sizes", "t=6,u=3")

    assert done.exit_code == 0
    assert "z of gru_cell (trace)" in done.output
    assert (tmp_path / "gates.png").read_bytes().startswith(b"\x89PNG")
    with np.load(tmp_path / "gates.npz") as data:
        assert data["gru_cell.z"].shape == (6, 3)
        assert json.loads(str(data["axes"]))["gru_cell.z"] == ["t", "unit"]


def test_recorded_inputs_are_drawn(tmp_path: Path) -> None:
    """The weights of the file's own arrays; what is not in it is drawn, and the command says so."""
    random = np.random.default_rng(1)
    q, k = random.normal(size=(2, 3, 4)), random.normal(size=(2, 5, 4))
    np.savez(tmp_path / "layer.npz", query=q, k=k)
    given = ["--inputs", str(tmp_path / "layer.npz"), "--name", "q=query"]
    done = plot("attention.scaled_dot_product", "--out", str(tmp_path / "alpha.svg"), *given)
    scores = np.exp(q @ k.swapaxes(1, 2) / 2)

    assert done.exit_code == 0, done.output
    assert "not recorded, so drawn: v" in done.output
    assert "<svg" in (tmp_path / "alpha.svg").read_text("utf-8")
    with np.load(tmp_path / "alpha.npz") as data:
        assert np.allclose(data["alpha"], scores / scores.sum(axis=2, keepdims=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recurrent.gru_cell", "--out", "a.png"], "nothing in recurrent.gru_cell can be drawn"),
        (["recurrent.gru", "--out", "a.pdf"], "expected  .png or .svg"),
        (["recurrent.gru", "--out", "a.png", "--sizes", "q=3"], "recurrent.gru has no size 'q'"),
        (["recurrent.gru", "--out", "a.png", "--sizes", "t=many"], "'many' is not a size"),
        (["recurrent.gru", "--out", "a.png", "--inputs", "none.npz"], "none.npz does not exist"),
        (["recurrent.gru", "--out", "a.png", "--name", "x=y"], "no inputs are given"),
        (["recurrent.gru", "--out", "none/a.png"], "none is no folder"),
        (["recurrent.gru", "none.py", "--out", "a.png"], "TargetError: no file 'none.py'"),
        (["text.tokenize", "--out", "a.png"], "is a procedure"),
        (["recurrent.gruu", "--out", "a.png"], "recurrent.gru"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = plot(*arguments)

    assert done.exit_code == 2
    assert message in done.output
    assert not list(tmp_path.iterdir())


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    done = plot("recurrent.gru", "--out", str(tmp_path / "a.png"))

    assert done.exit_code == 2
    assert "matplotlib is not installed" in done.output
    assert 'pip install "attnspec[plot]"' in done.output


CANDIDATE = """
import numpy as np
from attnspec import implements

@implements("attention.weights", framework="numpy")
def weights(e):
    p = np.exp(e - e.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    return p * np.where(np.arange(e.shape[-1]) == 1, 1 + WRONG, 1).astype(e.dtype)
"""


@pytest.mark.parametrize(("wrong", "code"), [(0.0, 0), (0.01, 1)])
def test_an_implementation_is_drawn_beside_its_equation(wrong: float, code: int, tmp_path: Path) -> None:
    """On inputs of one's own: the equation's values, the answer, and the error over its bound, which shows where it is
    wrong; the exit code says whether it is."""
    file, e = tmp_path / "mine.py", np.random.default_rng(2).normal(size=(3, 4))
    file.write_text(CANDIDATE.replace("WRONG", str(wrong)), "utf-8")
    np.savez(tmp_path / "scores.npz", e=e)
    given = ["--inputs", str(tmp_path / "scores.npz"), "--dtype", "float64"]
    done = plot("attention.weights", str(file), "--out", str(tmp_path / "mine.png"), *given)
    p = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)

    assert done.exit_code == code, done.output
    assert f"{3 * code} of 12 elements are further from the value than rounding explains" in done.output
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
    with np.load(tmp_path / "mine.npz") as data:
        [name] = [each.removesuffix(".equation") for each in data if each.endswith(".equation")]
        ratio = data[f"{name}.error / bound"]
        assert np.allclose(data[f"{name}.equation"], p)
        assert np.allclose(data[f"{name}.implementation"], p * (1 + wrong * (np.arange(4) == 1)))
        assert np.allclose(np.abs(ratio) > 1, (np.arange(4) == 1) & bool(wrong))
        assert np.array_equal(data["input.e"], e)
        assert (data[f"{name}.bound"] > 0).all()


OWN = """
from attnspec import Source, equation, implements
from attnspec.notation import Float, Tensor

@equation(Source(paper="ours"))
def doubled(x: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    \"\"\"Twice an array.\"\"\"
    return 2 * x

@implements("MODULE.doubled", framework="numpy")
def mine(x):
    return x + x
"""


def test_a_target_brings_its_own_equation(tmp_path: Path) -> None:
    file = tmp_path / "brings_its_own.py"
    file.write_text(OWN.replace("MODULE", file.stem), "utf-8")
    command = [sys.executable, "-m", "attnspec", "plot", f"{file.stem}.doubled", str(file), "--out", "a.svg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.npz").is_file()


def test_options_of_a_target_need_one(tmp_path: Path) -> None:
    done = plot("recurrent.gru", "--out", str(tmp_path / "a.png"), "--dtype", "float32")

    assert done.exit_code == 2
    assert "are those of a TARGET" in done.output


def test_a_target_that_gives_no_answer_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(CANDIDATE.replace("return p *", "raise ValueError('no') #"), "utf-8")
    done = plot("attention.weights", str(file), "--out", str(tmp_path / "a.png"))

    assert done.exit_code == 2
    assert "gives no answer to draw" in done.output
    assert not list(tmp_path.glob("a.*"))
