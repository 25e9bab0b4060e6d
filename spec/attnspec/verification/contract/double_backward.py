"""Double backward: the backward pass of a backward pass, held against differences of the backward equation.

No equation of the catalogue says it, so there is no noise of it either. It is asked in float64 alone, where
differences of the backward equation are far better than any slip is small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.evaluation.walk import Array
from attnspec.language.equation import Equation
from attnspec.thresholds import DIFFERENCE_STEP, DOUBLE_BACKWARD_DECIDABLE, SLOPE_ERROR, SMOOTH
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import Case, make
from attnspec.verification.judge.judge import Judge
from attnspec.verification.sandbox.messages import Gradients, Outcome
from attnspec.verification.verdict import VerdictKind

Call = Callable[[Case, dict[str, Array]], Outcome]


@dataclass(frozen=True, slots=True)
class DoubleBackwardResult:
    """What came of a double backward.

    Attributes:
        outcome: of the call.
        wrong: what is wrong with its answer, in words; "" where nothing is.
        share_checked: the share of elements at which finite differences are accurate enough to be compared.
    """

    outcome: Outcome
    wrong: str = ""
    share_checked: float = 0.0


def check_double_backward(
    equation: Equation[..., Any], gradients: Gradients, call: Call, case: Case, seed: int
) -> DoubleBackwardResult:
    """Ask for it, on a case in float64.

    Args:
        equation: the equation of the gradients.
        gradients: which gradients are given and wanted.
        call: runs the double backward on a case and the gradients of the gradients, by name.
    """
    second = _drawn(case, seed)
    outcome = call(case, {f"second_{name}": array for name, array in second.items()})
    names = (*gradients.output_gradients, *gradients.inputs)
    if outcome.status != "ok":
        return DoubleBackwardResult(outcome)
    if [output.shape for output in outcome.outputs] != [case.arrays[name].shape for name in names]:
        return DoubleBackwardResult(outcome, "its double backward gives gradients of other shapes")
    wrong: list[str] = []
    lost: list[str] = []
    smooth: list[Array] = []
    for name, output in zip(names, outcome.outputs, strict=True):
        expected, told = _differences(equation, case, name, list(second.values()))
        limit = SLOPE_ERROR * max(float(np.abs(expected).max(initial=0.0)), 1.0)
        got = np.asarray(output.value)
        if bool((told & ~(np.abs(got - expected) <= limit)).any()):
            (wrong if got.any() else lost).append(name)
        smooth.append(told.ravel())
    says = [f"no second gradient reaches {', '.join(lost)}"] if lost else []
    says += [f"its double backward is not the derivative of its gradients, by {', '.join(wrong)}"] if wrong else []
    return DoubleBackwardResult(outcome, "; ".join(says), float(np.concatenate(smooth).mean()))


def _drawn(case: Case, seed: int) -> dict[str, Array]:
    """The gradients of a loss by the gradients: one for each, of its shape."""
    generator = np.random.Generator(np.random.Philox(seed))
    shapes = [case.arrays[name].shape for name in case.summed]
    return {name: generator.standard_normal(shape) for name, shape in zip(case.summed, shapes, strict=True)}


def _differences(equation: Equation[..., object], case: Case, name: str, second: list[Array]) -> tuple[Array, Array]:
    """The derivative of the loss by an argument, from central differences of fourth order; and where these can be."""
    definition, own = lift_over_batch(equation.definition, case), case.arrays[name]

    def loss(moved: Array) -> float:
        found = evaluate(definition, (), replace(case, arrays={**case.arrays, name: moved}).arguments)
        parts = found if isinstance(found, tuple) else (found,)
        return float(sum((part * weight).sum() for part, weight in zip(parts, second, strict=True)))

    def slope(place: tuple[int, ...], step: float) -> float:
        ends: list[float] = []
        for end in (own + 0.0, own + 0.0):
            end[place] += step * (1 if not ends else -1)
            ends.append(loss(end))
        return (ends[0] - ends[1]) / (2 * step)

    def fourth(place: tuple[int, ...], step: float) -> float:
        return (4 * slope(place, step / 2) - slope(place, step)) / 3

    fine, coarse = np.zeros(own.shape), np.zeros(own.shape)
    for place in np.ndindex(*own.shape):
        fine[place], coarse[place] = fourth(place, DIFFERENCE_STEP / 2), fourth(place, DIFFERENCE_STEP)
    return fine, np.abs(fine - coarse) <= SMOOTH * max(float(np.abs(fine).max(initial=0.0)), 1.0)


def violation(
    candidate: Candidate, judge: Judge, observations: Sequence[Observation], note: Callable[[str], None]
) -> tuple[VerdictKind, str] | None:
    """What is wrong with a double backward that is claimed: the kind of verdict and the reason.

    Args:
        note: called with what is not checked, and with what is right.
    """
    question = candidate.question
    claim, gradients = question.claim, question.gradients
    if gradients is None or not claim.double_backward:
        return None
    if claim.dtypes is not None and "float64" not in claim.dtypes:
        note("the double backward is not checked: that needs float64, which is not claimed")
        return None
    described = judge.ordinary(observations, 1)[0].case.description
    if described is None:
        return None
    case = candidate.with_summed_gradients(make(question.equation, described, "float64"))
    result = check_double_backward(question.equation, gradients, candidate.double_backward, case, question.seed)
    if result.outcome.status != "ok":
        return VerdictKind.FAILS, f"asked for a double backward, {answer_form.describe_status(result.outcome)}"
    if result.wrong:
        return VerdictKind.DIFFERS, result.wrong
    decidable = result.share_checked > DOUBLE_BACKWARD_DECIDABLE
    right = "its double backward is the derivative of its gradients, in float64"
    note(right if decidable else "its double backward is not checked: finite differences are inaccurate here")
    return None
