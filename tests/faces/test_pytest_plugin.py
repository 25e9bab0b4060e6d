"""`attnspec.pytest`: verdicts as ordinary tests, in a run of pytest of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from attnspec.pytest import verifies

TESTS = """
import numpy as np
import pytest
from attnspec.pytest import verifies
from attnspec.testing import assert_close


def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)


test_right = verifies("scores.dot", dot, dtypes=("float32", "float64"), examples=0)
test_wrong = verifies("scores.scaled_dot", dot, dtypes=["float32", pytest.param("float64", marks=pytest.mark.xfail)],
                      examples=0)
test_no_such = verifies("scores.dots", dot)


class TestInAClass:
    test_right = staticmethod(verifies("scores.dot", dot, examples=0))


def test_recorded(attnspec_inputs):
    first, second = attnspec_inputs("recorded.npz")
    assert_close(dot(**first), "scores.dot", **first)
    assert_close(dot(**second) * np.float32(2), "scores.dot", **second)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "test_mine.py").write_text(TESTS)
    one = np.ones((2, 3), "float32")
    arrays: dict[str, Any] = {"0/q": one, "0/k": one, "1/q": one, "1/k": one}
    np.savez(folder / "recorded.npz", **arrays)
    return folder


def run(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "attnspec.pytest", "--rootdir", ".", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def output(folder: Path) -> str:
    return run(folder, "--junitxml", "junit.xml", "-n", "2")


def test_each_dtype_is_a_test_and_marks_hold(output: str) -> None:
    assert "3 failed, 3 passed, 1 xfailed" in output
    assert "FAILED test_mine.py::test_wrong[float32-cpu]" in output


def test_the_text_of_a_failure_is_that_of_the_verdict(output: str) -> None:
    assert "\ndiffers: scores.scaled_dot, dot (numpy, float32, cpu)\n  because " in output
    assert "\n  diagnosis in e: the division by √d is missing" in output
    assert "\nUnknownName: no equation 'scores.dots'\n" in output
    assert "diagnosis in e: q_i·k_j is multiplied by 2" in output
    assert "spec/attnspec" not in output, "no line of a traceback is ours"
    assert "traceback" not in output
    assert "another exception" not in output


def test_the_junit_file_has_the_text(output: str, folder: Path) -> None:
    failures = ElementTree.parse(folder / "junit.xml").findall(".//failure")

    assert len(failures) == 3
    assert any("the division by √d is missing" in (failure.text or "") for failure in failures)


def test_only_what_failed_last_runs_again_up_to_the_first(output: str, folder: Path) -> None:
    again = run(folder, "--lf", "-x", "-k", "right or no_such")

    assert "1 failed" in again
    assert "passed" not in again


def test_nothing_of_the_verifier_is_loaded_where_it_is_not_used() -> None:
    program = "import attnspec.pytest, sys; print([m for m in sys.modules if m in ('numpy', 'attnspec.verification')])"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"dtypes": ()}, ValueError, "at least one dtype"),
        ({"dtype": "float32"}, TypeError, "takes dtypes, a list"),
        ({"exmples": 3}, TypeError, "no option 'exmples'"),
    ],
)
def test_what_would_test_nothing_is_an_error(options: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        verifies("scores.dot", "attnspec_numpy.scores:dot", **options)  # type: ignore[arg-type]  # wrong on purpose


def test_a_missing_device_fails_unless_it_may_be_skipped() -> None:
    options = {"dtypes": ["float32"], "examples": 0, "claim": {"devices": ("cpu",)}}
    target = "attnspec_numpy.scores:dot"

    with pytest.raises(pytest.fail.Exception, match="not run: "):
        verifies("scores.dot", target, **options)(dtype="float32", device="cuda")  # type: ignore[arg-type]  # by name
    with pytest.raises(pytest.skip.Exception, match="not run: "):
        verifies("scores.dot", target, skip_not_run=True, **options)(dtype="float32", device="cuda")  # type: ignore[arg-type]  # by name
