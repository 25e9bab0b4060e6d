"""Equations of options alone: no input has a dtype that an answer could follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attnspec import REGISTRY, verify
from attnspec.verification.candidate.answer_form import fault, shapes
from attnspec.verification.cases.case import make
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.sandbox.messages import Outcome, Output

TABLE = """
import math
import torch

def table(t, d, dtype=torch.float32):
    angle = torch.arange(t)[:, None] * torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :d].to(dtype)

def as_it_likes(t, d):
    return table(t, d, torch.float16)

def from_one(t, d):
    return table(t + 1, d)[1:]
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "table.py"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_candidate_that_takes_a_dtype_is_given_it(written: Path, dtype: str) -> None:
    (verdict,) = verify(f"{written}:table", "position.sinusoidal", dtype=dtype).verdicts

    assert (verdict.verdict, verdict.dtype) == ("conforms", dtype), verdict


def test_another_is_judged_in_the_dtype_that_it_returns(written: Path) -> None:
    (verdict,) = verify(f"{written}:as_it_likes", "position.sinusoidal").verdicts

    assert (verdict.verdict, verdict.dtype) == ("conforms", "float16"), verdict


def test_unless_a_dtype_is_asked(written: Path) -> None:
    (verdict,) = verify(f"{written}:as_it_likes", "position.sinusoidal", dtype="float32").verdicts

    assert verdict.verdict == "misbehaves"
    assert "float16" in verdict.reason


def test_its_slip_is_named(written: Path) -> None:
    (verdict,) = verify(f"{written}:from_one", "position.sinusoidal").verdicts

    assert verdict.verdict == "differs"
    assert verdict.diagnosis[0].says == "positions are counted from 1"


@pytest.mark.parametrize(("id", "says"), [("position.sinusoidal", ""), ("scores.dot", "on cpu for inputs on cuda")])
def test_without_an_array_nothing_tells_the_device(id: str, says: str) -> None:
    """An answer on the CPU is right where no input is on another device."""
    equation = REGISTRY[id]
    description = next(standard_suite(equation, lambda name: 1, (0,)))
    case = make(equation, description, "float32")
    [shape] = shapes(equation, case)
    value = np.zeros(shape, np.float32)
    outcome = Outcome("ok", (Output("tensor of torch", value, "float32", shape, "cpu"),))

    assert fault(outcome, case, equation, "float32", "cuda").endswith(says)
    assert bool(fault(outcome, case, equation, "float32", "cuda")) == bool(says)
