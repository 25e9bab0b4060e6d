"""What was done over a batch in place of summing its gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.evaluation.walk import Array
from attnspec.language.tree import Definition
from attnspec.verification.judge.residuals import Compared


def batch_reduction(definition: Definition, compared: Sequence[Compared]) -> str:
    """What was done over a batch in place of summing, where that is all that is wrong, in words; else ""."""
    seen = [
        (comparison, _values(definition, comparison))
        for comparison in compared
        if comparison.fails and comparison.case.summed
    ]
    if not seen or any(own.ndim != comparison.answer.ndim + 1 or len(own) < 2 for comparison, own in seen):
        return ""
    for says, of in INSTEAD.items():
        if all(bool((np.abs(comparison.answer - of(own)) <= comparison.noise.bound).all()) for comparison, own in seen):
            names = list(dict.fromkeys(definition.results[comparison.output].name for comparison, _ in seen))
            return f"{' and '.join(names)}, over a batch: {says} instead of the sum"
    return ""


INSTEAD: dict[str, Callable[[Array], Array]] = {
    "the mean": lambda own: np.asarray(own.mean(axis=0)),
    "that of the last example": lambda own: np.asarray(own[-1]),
    "that of the first example": lambda own: np.asarray(own[0]),
    "that of all but the last example": lambda own: np.asarray(own[:-1].sum(axis=0)),
}
"""What may stand for the sum over a batch, made of every example's own gradient."""


def _values(definition: Definition, comparison: Compared) -> Array:
    """Every example's own gradient, the examples along the first axis; as it stands where nothing is summed."""
    found = evaluate(definition, (), comparison.case.arguments)
    own = np.asarray(found[comparison.output] if isinstance(found, tuple) else found)
    axes = own.ndim - comparison.answer.ndim
    return own.reshape(-1, *own.shape[axes:]) if axes else own
