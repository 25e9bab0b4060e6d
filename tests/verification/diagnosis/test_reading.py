"""What a candidate reads wrongly is said, for candidates in a process of their own."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY, VerdictKind, verify
from attnspec.interpreters.rounding.noise import Noise, noise
from attnspec.interpreters.rounding.policy import Policy, preset
from attnspec.language.equation import Equation
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.reading import _move, _moved, _prober, _unread_places
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values
from synthetic import case_of

PLANTED = Path(__file__).parents[2] / "planted/reading.py"
SAYS = {
    node.name: ast.get_docstring(node)
    for node in ast.parse(PLANTED.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.decorator_list
}


@pytest.mark.parametrize("name", SAYS)
def test_the_diagnosis_is_what_the_author_says(name: str) -> None:
    (verdict,) = verify(f"{PLANTED}:{name}")
    author = SAYS[name]

    assert author is not None
    assert verdict.verdict is VerdictKind.DIFFERS
    said = verdict.diagnosis[0].says
    assert author.rstrip(".").lower() in said.lower()


def test_what_larger_cases_read_is_not_said_to_be_unread(tmp_path: Path) -> None:
    """e is added from the 17th row on: no small case reads it, and it is read all the same."""
    file = tmp_path / "late.py"
    file.write_text("def late(a, e):\n    y = a.copy()\n    y[..., 16:, :] += e[..., 16:, :]\n    return y\n", "utf-8")
    (verdict,) = verify(f"{file}:late", "position.add", framework="numpy")

    assert verdict.verdict is VerdictKind.DIFFERS
    assert "e is not read" not in str(verdict)


def test_what_underflows_is_not_said_to_be_unread() -> None:
    """A weight that is 0 before and after says nothing of what is read; a place that never moves does."""
    before, after = np.array([0.0, 0.5, 0.25]), np.array([0.0, 0.75, 0.25])

    np.testing.assert_array_equal(_move(after, before), [np.nan, 0.25, 0.0])
    np.testing.assert_array_equal(_move(np.zeros(2), np.zeros(2)), [0.0, 0.0])


@pytest.mark.parametrize(("move", "reads"), [(1e-7, False), (1e-3, True)])
def test_what_a_transform_of_all_places_rounds_is_not_read(move: float, reads: bool) -> None:
    """A Fourier transform rounds every place as it rounds the largest one: noise of another place is not read."""
    noise: Any = SimpleNamespace(bound=np.array([1e-9, 1e-6]), undecidable=np.array([False, False]))
    moved = _moved([np.array([0.0, 1.0])], [np.array([move, 1.0])], [noise])

    assert moved.too_much[0].tolist() == [reads, False]


@pytest.mark.parametrize(
    ("silent", "says"),
    [
        ([1, 0, 1, 0, 1], "every other place of x is not read"),
        ([0, 1, 0, 1], "every other place of x is not read"),
        ([0, 1, 0], "every other place of x is not read"),
        ([0, 1, 0, 0, 0, 1, 0, 0], "some places of x are not read"),
        ([0, 0, 1, 0, 0], "place 2 of x is not read"),
    ],
)
def test_every_other_place_is_every_other_place(silent: list[int], says: str) -> None:
    assert next(_unread_places("x", [*map(bool, silent)])) == says


class Summing:
    """A candidate that adds the sum of q to every element, so that each row reads all others."""

    def __init__(self, equation: Equation[..., Any]) -> None:
        self.equation = equation

    def request(self, case: Case) -> Case:
        return case

    def outcomes(self, requests: list[Case]) -> list[Case]:
        return requests

    def answers(self, case: Case, outcome: Case) -> tuple[Array, ...]:
        return tuple(value + case.arrays["q"].sum() for value in values(self.equation.definition, case) or ())


def test_noise_is_computed_only_of_outputs_that_a_sentence_may_be_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that moves reads the argument, whatever the noise; noise helps to say which places it reads."""
    equation = REGISTRY["scores.scaled_dot"]
    judge, policy, case = Judge(equation, "float32"), preset("op-by-op", "float32"), case_of(equation.id)
    candidate: Any = Summing(equation)
    probe = _prober(judge, candidate, Observation(case, candidate.answers(case, case)), policy)
    asked: list[int] = []

    def noise_of(case: Case) -> tuple[Noise, ...]:
        return noise(equation.definition, case.arrays, case.options, policy)

    def counted(self: Judge, cases: list[Case], policy: Policy) -> list[tuple[Noise, ...]]:
        asked.append(len(cases))
        return [noise_of(case) for case in cases]

    monkeypatch.setattr(Judge, "noise_of_each", counted)
    for outputs, noises in (((), 0), ((0,), 2)):
        asked.clear()
        moved = probe("q", [(0,), (1,)], outputs)

        assert sum(asked) == noises
        assert all(each is not None and each.is_wrong((0,)) and not each.silent for each in moved)
