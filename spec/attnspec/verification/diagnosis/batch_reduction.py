"""Gradients that are not summed over a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.evaluation.walk import Array
from attnspec.language.tree import Definition
from attnspec.verification.judge.residuals import Compared


def batch_reduction(definition: Definition, compared: Sequence[Compared]) -> str:
    """Describe what was done over the batch in place of a sum, if that explains all errors; otherwise ""."""
    seen = [(each, _values(definition, each)) for each in compared if each.fails and each.case.summed]
    if not seen or any(own.ndim != each.answer.ndim + 1 or len(own) < 2 for each, own in seen):
        return ""
    for says, of in INSTEAD.items():
        if all(bool((np.abs(each.answer - of(own)) <= each.noise.bound).all()) for each, own in seen):
            names = list(dict.fromkeys(definition.results[each.output].name for each, _ in seen))
            return f"{' and '.join(names)}, over a batch: {says} instead of the sum"
    return ""


INSTEAD: dict[str, Callable[[Array], Array]] = {
    "the mean": lambda own: np.asarray(own.mean(axis=0)),
    "that of the last example": lambda own: np.asarray(own[-1]),
    "that of the first example": lambda own: np.asarray(own[0]),
    "that of all but the last example": lambda own: np.asarray(own[:-1].sum(axis=0)),
}
"""What may stand for the sum over a batch, made of every example's own gradient."""


def _values(definition: Definition, each: Compared) -> Array:
    """The gradient of each example, along the first axis; the gradient itself if nothing is summed."""
    found = evaluate(definition, (), each.case.arguments)
    own = np.asarray(found[each.output] if isinstance(found, tuple) else found)
    axes = own.ndim - each.answer.ndim
    return own.reshape(-1, *own.shape[axes:]) if axes else own
