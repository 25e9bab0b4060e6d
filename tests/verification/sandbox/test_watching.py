"""What is recorded of a watched call, and that candidates cannot harm anything by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attnspec.verification.sandbox.messages import MOST_RECORDED, MOST_RECORDED_BYTES, Outcome, Request, Watched
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import File
from attnspec.verification.sandbox.wire import Array

NUMPY = """
import json, sys
import numpy as np
from helper import twice

def lines(x):
    a = x + 1
    b = twice(a)
    b += 1
    return b

def nested(x): return np.exp(np.tanh(x) * 3)
def loop(x):
    for k in range(2_000):
        y = x + np.float32(k)
    return y
def large(x):
    for k in range(60):
        y = np.tile(x, 4_000) + np.float32(k)
    return y[:4]
def library(x): return np.array(json.loads(json.dumps(x.tolist())), x.dtype)
def particular(x):
    if type(x) is not np.ndarray:
        raise TypeError("another array")
    y = x * 2
    return y
def untraced(x):
    sys.settrace(None)
    y = x * 2
    return y
def raises(x):
    if sys.gettrace() is not None:
        raise ValueError("watched")
    return x
class Odd:
    shape = property(lambda self: 1 / 0)
    def __eq__(self, other): raise ValueError
def odd(x):
    odd, listed = Odd(), [Odd(), x * 3]
    y = x * 2
    return y
def scalar(x): return x.sum()
def pair(x): return x + 1, x + 2
def branches(x):
    y = x * 2
    if y.sum() > 100:
        y = twice(y)
    return y
"""
HELPER = """
def twice(x):
    y = 2 * x
    return y
"""
TORCH = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.act = torch.nn.Tanh()
    def forward(self, x):
        return self.act(x * 3) + 1
net = Net()
def module(x): return net(x)
def bare(x): return x * 2
scripted = torch.jit.script(bare)
def compiled(x): return scripted(x)
"""
X = np.array([0.5, -1.0, 2.0, 3.0], np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("watched")
    for name, text in (("mine.py", NUMPY), ("helper.py", HELPER), ("net.py", TORCH)):
        (path / name).write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def runner(folder: Path) -> Iterator[Runner]:
    with Runner(time_limit=20) as running:
        running.load(File(folder / "mine.py"))
        yield running


def watched(
    runner: Runner, name: str, how: Watched = "operations", framework: str = "numpy", outputs: int = 1
) -> Outcome:
    request = Request(name, {"x": X}, framework=framework, call_by=[(None, "x")], outputs=outputs, watched=how)
    (outcome,) = runner.call_many([request])
    return outcome


def places(outcome: Outcome) -> list[tuple[str, str, str]]:
    """The file, the function and the variable of each array."""
    return [(Path(each.file).name, each.function, each.name) for each in outcome.recorded]


def test_nothing_is_recorded_of_other_calls(runner: Runner) -> None:
    assert watched(runner, "lines", "").recorded == ()


def test_another_branch_has_other_steps(runner: Runner) -> None:
    """They go on in the functions of other own files; a call that is not stepped has none."""

    def steps(x: Array, stepped: bool = True) -> set[tuple[str, int, int]]:
        request = Request("branches", {"x": x}, framework="numpy", call_by=[(None, "x")], outputs=1, stepped=stepped)
        (outcome,) = runner.call_many([request])
        assert outcome.status == "ok"
        return {(Path(file).name, before, after) for file, before, after in outcome.steps}

    small, large = steps(X), steps(100 * X)

    assert steps(X, stepped=False) == set()
    assert steps(X + 1) == small
    assert {file for file, _, _ in small} == {"mine.py"}
    assert {file for file, _, _ in large - small} == {"mine.py", "helper.py"}


def test_variables_are_recorded_with_their_lines(runner: Runner, folder: Path) -> None:
    outcome = watched(runner, "lines", "lines")
    text = (folder / "mine.py").read_text(encoding="utf-8").splitlines()
    bound = [
        (each.name, text[each.line - 1].strip(), each.value) for each in outcome.recorded if each.function == "lines"
    ]
    named = [(name, line) for name, line, _ in bound if name]

    assert named == [("a", "a = x + 1"), ("b", "b = twice(a)"), ("b", "b += 1")]
    assert np.array_equal(next(value for name, line, value in bound if line == "b += 1"), 2 * (X + 1) + 1)
    assert ("helper.py", "twice", "y") in places(outcome)


def test_operations_inside_an_expression_are_recorded(runner: Runner) -> None:
    values = [each.value for each in watched(runner, "nested").recorded]

    assert any(np.array_equal(value, np.tanh(X)) for value in values)
    assert not any(np.array_equal(each.value, np.tanh(X)) for each in watched(runner, "nested", "lines").recorded)


def test_the_answer_is_the_same(runner: Runner) -> None:
    for name in ("lines", "nested", "odd", "library", "untraced", "scalar"):
        plain, seen = (watched(runner, name, how).outputs for how in ("", "operations"))
        assert replace(plain[0], value=None) == replace(seen[0], value=None)
        assert np.array_equal(plain[0].value, seen[0].value)  # type: ignore[arg-type]  # both are arrays


def test_several_results_stay_several(runner: Runner) -> None:
    assert [each.kind for each in watched(runner, "pair", outputs=2).outputs] == ["array of numpy"] * 2


def test_the_standard_library_is_not_watched(runner: Runner) -> None:
    assert {file for file, _, _ in places(watched(runner, "library"))} == {"mine.py"}


@pytest.mark.parametrize("name", ["loop", "large"])
def test_what_is_recorded_is_limited(runner: Runner, name: str) -> None:
    recorded = watched(runner, name).recorded

    assert 1 < len(recorded) <= MOST_RECORDED
    assert sum(each.value.nbytes for each in recorded) <= MOST_RECORDED_BYTES


def test_a_candidate_may_refuse_to_be_watched(runner: Runner) -> None:
    assert watched(runner, "particular").status == "raised"
    assert ("mine.py", "particular", "y") in places(watched(runner, "particular", "lines"))
    assert watched(runner, "raises").status == "raised"
    assert watched(runner, "raises", "").status == "ok"


def test_values_that_cannot_be_read_are_left_out(runner: Runner) -> None:
    assert ("mine.py", "odd", "y") in places(watched(runner, "odd"))
    assert ("mine.py", "odd", "listed[1]") in places(watched(runner, "odd"))


def test_operations_of_modules_are_recorded_and_compiled_code_is_not(folder: Path) -> None:
    with Runner(time_limit=60) as runner:
        runner.load(File(folder / "net.py"))
        module = watched(runner, "module", framework="torch")
        compiled = watched(runner, "compiled", framework="torch")

    assert any(np.allclose(each.value, np.tanh(X * 3)) for each in module.recorded)
    assert not [each for each in compiled.recorded if each.function == "bare"]
