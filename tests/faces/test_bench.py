"""`attnspec bench`: one table of time, memory, bits and verdict, in which what is wrong is shown as wrong."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.discovery import Declared, Discovery
from attnspec.verification.sandbox.child.measuring import measured

CANDIDATES = '''
import numpy as np
from attnspec import implements

def slow_dot(q, k):
    """Right, and slow: it makes 32 MiB that nobody reads."""
    np.ones(4 << 20)
    return q @ np.swapaxes(k, -1, -2)

def wrong_dot(q, k):
    return np.zeros((*np.broadcast_shapes(q.shape[:-2], k.shape[:-2]), q.shape[-2], k.shape[-2]), q.dtype)

@implements("scores.dot", framework="numpy", dtypes=("float32",), batch=(0,))
def dot_of_one(q, k):
    return q @ k.T
'''


@pytest.fixture
def candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with candidates; one implementation of scores.dot is installed."""
    path = tmp_path / "mine.py"
    path.write_text(CANDIDATES)
    known = Declared("scores.dot", "numpy", "attnspec_numpy.scores", "dot", path, 1)
    monkeypatch.setattr("attnspec.faces.bench_command.discover", lambda: Discovery((known,)))
    return path


def bench(target: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["bench", target, "--rounds", "2", "--sizes", "n=8,m=8", *options])


def rows(result: Result) -> list[dict[str, Any]]:
    measured_ones: list[dict[str, Any]] = json.loads(result.stdout)["measured"]
    return measured_ones


def test_a_right_one_is_measured_beside_the_installed_one(candidates: Path) -> None:
    done = bench(f"{candidates}:slow_dot", "--as", "scores.dot", "--dtype", "float32", "--json", "-")

    mine, other = rows(done)
    assert done.exit_code == 0
    assert [each["verdict"] for each in (mine, other)] == ["conforms", "conforms"]
    assert len(mine["seconds"]) == len(other["seconds"]) == 2
    assert min(mine["seconds"]) > max(other["seconds"])
    assert mine["peak_bytes"] is None or mine["peak_bytes"] >= 31 << 20 > other["peak_bytes"]
    assert mine["effective_bits"] > 20


def test_a_fast_wrong_one_is_shown_as_wrong(candidates: Path) -> None:
    done = bench(f"{candidates}:wrong_dot", "--as", "scores.dot", "--dtype", "float32")

    assert done.exit_code == 1
    assert "wrong: differs" in done.stdout
    assert done.stdout.index("conforms") < done.stdout.index("wrong: differs")


def test_what_is_not_claimed_is_not_measured(candidates: Path) -> None:
    """The installed one claims one batch axis, the candidate none."""
    done = bench(f"{candidates}:dot_of_one", "--batch", "3", "--json", "-")

    mine, other = rows(done)
    assert mine["trouble"] == "1 batch axes are not claimed"
    assert (mine["seconds"], len(other["seconds"])) == ([], 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sizes", "h=3"), "scores.dot has no size 'h'"),
        (("--sizes", "d=x"), "the size d is not one that is measured"),
        (("--batch", "2,0"), "not one that is measured"),
    ],
)
def test_sizes_that_cannot_be_are_refused(candidates: Path, options: tuple[str, ...], said: str) -> None:
    done = bench(f"{candidates}:dot_of_one", *options)

    assert done.exit_code == 2
    assert said in done.stderr


def test_several_equations_are_refused() -> None:
    done = bench("attnspec_numpy.scores")

    assert done.exit_code == 2
    assert "one equation is measured at a time" in done.stderr


def test_a_call_is_measured_until_its_time_can_be_told() -> None:
    """A short call many times, a long one once more than for its memory."""
    calls = itertools.count(1)

    result, short = measured(lambda: next(calls))
    assert result == next(calls) - 1 > 2
    assert 0 < short.seconds < 0.01

    _, long = measured(lambda: time.sleep(0.03))
    assert long.seconds >= 0.03
