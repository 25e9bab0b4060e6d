"""Double backward: the backward pass of a backward pass, compared with finite differences of the backward equation.

The catalogue has no equation of it, and so no noise either. It is checked in float64 alone, where the error of finite
differences is far smaller than that of any mistake.
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
    """The result of checking a double backward pass.

    Attributes:
        outcome: the outcome of the call.
        wrong: what is wrong with its answer, in a sentence; "" if nothing is.
        share_checked: the share of elements at which finite differences are accurate enough to be compared.
    """

    outcome: Outcome
    wrong: str = ""
    share_checked: float = 0.0


def check_double_backward(
    equation: Equation[..., Any], gradients: Gradients, call: Call, case: Case, seed: int
) -> DoubleBackwardResult:
    """Check the double backward pass on one case, in float64.

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
    """Draw the gradients of a loss with respect to the gradients, one of each shape."""
    generator = np.random.Generator(np.random.Philox(seed))
    shapes = [case.arrays[name].shape for name in case.summed]
    return {name: generator.standard_normal(shape) for name, shape in zip(case.summed, shapes, strict=True)}


def _differences(equation: Equation[..., object], case: Case, name: str, second: list[Array]) -> tuple[Array, Array]:
    """The derivative of the loss with respect to an argument by central differences of fourth order.

    With slope(s) = (loss(x + s) − loss(x − s)) / 2s, it is (4 slope(s/2) − slope(s)) / 3 (Richardson extrapolation).

    Returns:
        The derivative, and where two step sizes agree on it."""
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
    """The kind of verdict and the reason if a claimed double backward pass is wrong; otherwise None.

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
