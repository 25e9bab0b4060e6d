"""Gradients that should be summed over a batch, and were reduced in another way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.evaluation.walk import Array
from attnspec.language.tree import Definition
from attnspec.verification.judge.residuals import Compared


@np.errstate(all="ignore")  # what overflows is infinite, and is no warning
def batch_reduction(definition: Definition, compared: Sequence[Compared]) -> str:
    """Describe how gradients were reduced over a batch instead of summed; "" if that does not explain every case."""
    wrong = {comparison.output for comparison in compared if comparison.fails}
    summed = [comparison for comparison in compared if comparison.output in wrong and comparison.case.summed]
    if len(summed) < sum(comparison.fails for comparison in compared) or not wrong:
        return ""
    outputs: dict[int, tuple[Array, ...]] = {}  # of a case, by its id: an equation may have many

    def stacked(comparison: Compared) -> tuple[Compared, Array]:
        case = comparison.case
        if id(case) not in outputs:
            value = evaluate(definition, (), case.arguments)
            outputs[id(case)] = value if isinstance(value, tuple) else (value,)
        return comparison, _by_example(outputs[id(case)][comparison.output], comparison.answer.ndim)

    failing: list[tuple[Compared, Array]] = []
    divides = False
    for comparison, gradients in map(stacked, (each for each in summed if each.fails)):
        if gradients.ndim != comparison.answer.ndim + 1 or len(gradients) == 1:
            return ""
        if len(gradients):
            failing.append((comparison, gradients))
        elif not np.isnan(comparison.answer).all():
            return ""
        divides |= not len(gradients)  # by the number of no examples
    if not failing:
        return ""
    pairs = map(stacked, summed)
    several = [each for each in pairs if each[1].ndim > each[0].answer.ndim and len(each[1])]  # some example at least
    reductions = [("the mean", REDUCTIONS["the mean"])] if divides else [*REDUCTIONS.items(), *_of_the_first(failing)]
    for name, reduce in reductions:
        if all(_within(comparison, reduce(gradients)) for comparison, gradients in several):
            names = list(dict.fromkeys(definition.results[comparison.output].name for comparison, _ in failing))
            return f"{' and '.join(names)}, over a batch: {name} instead of the sum"
    return ""


def _of_the_first(failing: Sequence[tuple[Compared, Array]]) -> Iterator[tuple[str, Reduction]]:
    """The sum over so many examples that the smallest wrong batch is explained."""
    comparison, gradients = min(failing, key=lambda item: len(item[1]))
    distance = np.abs(np.cumsum(gradients, axis=0) - comparison.answer)
    near = (distance <= comparison.noise.bound).reshape(len(gradients), -1).all(axis=1)
    for count in np.flatnonzero(near[1:]) + 2:
        yield f"that of the first {count:,} examples", lambda own, count=count: np.asarray(own[:count].sum(axis=0))  # type: ignore[misc]  # mypy does not infer a lambda with a default


def _within(comparison: Compared, value: Array) -> bool:
    """Whether an answer is another value, within its bound."""
    return bool((np.abs(comparison.answer - value) <= comparison.noise.bound).all())


Reduction = Callable[[Array], Array]
"""Takes the gradients of all examples, stacked along axis 0."""

REDUCTIONS: dict[str, Reduction] = {
    "the mean": lambda gradients: np.asarray(gradients.mean(axis=0)),
    "that of the last example": lambda gradients: np.asarray(gradients[-1]),
    "that of the first example": lambda gradients: np.asarray(gradients[0]),
    "that of all but the last example": lambda gradients: np.asarray(gradients[:-1].sum(axis=0)),
}
"""Reductions that may be used instead of the sum."""


def _by_example(value: Array, ndim: int) -> Array:
    """The gradient of every example, stacked along axis 0; a value that is not summed over a batch as it is."""
    gradients = np.asarray(value)
    axes = gradients.ndim - ndim
    return gradients.reshape(-1, *gradients.shape[axes:]) if axes else gradients
