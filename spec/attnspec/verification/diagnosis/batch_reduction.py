"""Gradients that should be summed over a batch, and were reduced in another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.evaluation.walk import Array
from attnspec.language.tree import Definition
from attnspec.verification.judge.residuals import Compared


def batch_reduction(definition: Definition, compared: Sequence[Compared]) -> str:
    """Describe how gradients were reduced over a batch instead of summed; "" if that does not explain all errors."""
    failing = [
        (comparison, _values(definition, comparison))
        for comparison in compared
        if comparison.fails and comparison.case.summed
    ]
    if not failing or any(
        gradients.ndim != comparison.answer.ndim + 1 or len(gradients) < 2 for comparison, gradients in failing
    ):
        return ""
    for name, reduce in REDUCTIONS.items():
        if all(
            bool((np.abs(comparison.answer - reduce(gradients)) <= comparison.noise.bound).all())
            for comparison, gradients in failing
        ):
            names = list(dict.fromkeys(definition.results[comparison.output].name for comparison, _ in failing))
            return f"{' and '.join(names)}, over a batch: {name} instead of the sum"
    return ""


REDUCTIONS: dict[str, Callable[[Array], Array]] = {
    "the mean": lambda gradients: np.asarray(gradients.mean(axis=0)),
    "that of the last example": lambda gradients: np.asarray(gradients[-1]),
    "that of the first example": lambda gradients: np.asarray(gradients[0]),
    "that of all but the last example": lambda gradients: np.asarray(gradients[:-1].sum(axis=0)),
}
"""Reductions that may be used instead of the sum; each takes the gradients of all examples, stacked along axis 0."""


def _values(definition: Definition, comparison: Compared) -> Array:
    """The gradient of every example, stacked along axis 0; the equation's value if it is not summed over a batch."""
    value = evaluate(definition, (), comparison.case.arguments)
    gradients = np.asarray(value[comparison.output] if isinstance(value, tuple) else value)
    axes = gradients.ndim - comparison.answer.ndim
    return gradients.reshape(-1, *gradients.shape[axes:]) if axes else gradients
