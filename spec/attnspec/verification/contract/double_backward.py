"""Double backward: the backward pass of a backward pass, compared with finite differences of the gradients.

The catalogue has no equation of a second derivative, so that its noise is not known either. The check is therefore made
in float64 only, where finite differences are much more accurate than a mistake is small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import outputs
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
    """The result of checking a double backward.

    Attributes:
        outcome: the outcome of the call.
        wrong: what is wrong with its answer, in words; "" if nothing is, or if there is no answer.
        share_checked: the share of elements at which finite differences are accurate enough to be compared.
    """

    outcome: Outcome
    wrong: str = ""
    share_checked: float = 0.0


def check_double_backward(
    equation: Equation[..., Any], gradients: Gradients, call: Call, case: Case, seed: int
) -> DoubleBackwardResult:
    """Compare a double backward with finite differences.

    The loss is L = Σ g·w, where g are the gradients that the equation gives and w random weights, so that w = ∂L/∂g is
    what the double backward starts from. Its result must be ∂L/∂a for each argument a of the equation.

    Args:
        equation: the equation of the gradients.
        gradients: the output gradients that are given, and the inputs whose gradients are computed.
        call: runs the double backward on a case, given ∂L/∂g by name.
        case: a case in float64.
        seed: the random seed of the weights.
    """
    weights = _random_weights(case, seed)
    outcome = call(case, {f"second_{name}": array for name, array in weights.items()})
    names = (*gradients.output_gradients, *gradients.inputs)
    if outcome.status != "ok":
        return DoubleBackwardResult(outcome)
    if [output.shape for output in outcome.outputs] != [case.arrays[name].shape for name in names]:
        return DoubleBackwardResult(outcome, "its double backward gives gradients of other shapes")
    wrong: list[str] = []
    missing: list[str] = []
    checked: list[Array] = []
    for name, output in zip(names, outcome.outputs, strict=True):
        expected, accurate = _finite_differences(equation, case, name, list(weights.values()))
        limit = SLOPE_ERROR * max(float(np.abs(expected).max(initial=0.0)), 1.0)
        got = np.asarray(output.value)
        if bool((accurate & ~(np.abs(got - expected) <= limit)).any()):
            (wrong if got.any() else missing).append(name)
        checked.append(accurate.ravel())
    reasons = [f"no second gradient reaches {', '.join(missing)}"] if missing else []
    reasons += [f"its double backward is not the derivative of its gradients, by {', '.join(wrong)}"] if wrong else []
    return DoubleBackwardResult(outcome, "; ".join(reasons), float(np.concatenate(checked).mean()))


def _random_weights(case: Case, seed: int) -> dict[str, Array]:
    """Draw ∂L/∂g: for each gradient, an array of the same shape."""
    generator = np.random.Generator(np.random.Philox(seed))
    shapes = [case.arrays[name].shape for name in case.summed]
    return {name: generator.standard_normal(shape) for name, shape in zip(case.summed, shapes, strict=True)}


def _finite_differences(
    equation: Equation[..., object], case: Case, name: str, weights: list[Array]
) -> tuple[Array, Array]:
    """Differentiate the loss with respect to an argument by central differences of fourth order.

    Returns:
        The derivatives, of the argument's shape, and whether each is accurate: whether halving the step keeps it.
    """
    definition, argument = lift_over_batch(equation.definition, case), case.arrays[name]

    def loss(changed: Array) -> float:
        values = outputs(definition, replace(case, arrays={**case.arrays, name: changed}).arguments)
        return float(sum((value * weight).sum() for value, weight in zip(values, weights, strict=True)))

    def central(index: tuple[int, ...], step: float) -> float:
        # D(h) = (L(x + h) − L(x − h)) / 2h, with an error of order h².
        ahead, behind = argument + 0.0, argument + 0.0
        ahead[index] += step
        behind[index] -= step
        return (loss(ahead) - loss(behind)) / (2 * step)

    def richardson(index: tuple[int, ...], step: float) -> float:
        # (4 D(h/2) − D(h)) / 3, with an error of order h⁴.
        return (4 * central(index, step / 2) - central(index, step)) / 3

    fine, coarse = np.zeros(argument.shape), np.zeros(argument.shape)
    for index in np.ndindex(*argument.shape):
        fine[index], coarse[index] = richardson(index, DIFFERENCE_STEP / 2), richardson(index, DIFFERENCE_STEP)
    return fine, np.abs(fine - coarse) <= SMOOTH * max(float(np.abs(fine).max(initial=0.0)), 1.0)


def violation(
    candidate: Candidate, judge: Judge, observations: Sequence[Observation], note: Callable[[str], None]
) -> tuple[VerdictKind, str] | None:
    """Check the double backward of a candidate that claims to support it.

    Args:
        note: called with a sentence if the double backward is right, or not checked.

    Returns:
        The kind of verdict and the reason if it is wrong; otherwise None.
    """
    question = candidate.question
    claim, gradients = question.claim, question.gradients
    if gradients is None or not claim.double_backward:
        return None
    if claim.dtypes is not None and "float64" not in claim.dtypes:
        note("the double backward is not checked: that needs float64, which is not claimed")
        return None
    description = judge.ordinary(observations, 1)[0].case.description
    if description is None:
        return None
    case = candidate.with_summed_gradients(make(question.equation, description, "float64"))
    result = check_double_backward(question.equation, gradients, candidate.double_backward, case, question.seed)
    if result.outcome.status != "ok":
        return VerdictKind.FAILS, f"asked for a double backward, {answer_form.describe_status(result.outcome)}"
    if result.wrong:
        return VerdictKind.DIFFERS, result.wrong
    decidable = result.share_checked > DOUBLE_BACKWARD_DECIDABLE
    right = "its double backward is the derivative of its gradients, in float64"
    note(right if decidable else "its double backward is not checked: finite differences are inaccurate here")
    return None
