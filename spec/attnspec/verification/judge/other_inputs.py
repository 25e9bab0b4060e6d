"""Values of an equation on other inputs of the same shapes, many of which are evaluated at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.kept_values import Outputs
from attnspec.verification.judge.mutant_values import at_once, values


def values_of_others(definition: Definition, case: Case, others: Sequence[Case]) -> list[Outputs]:
    """The values of an equation on cases that were made of one by changing it, as `values` gives them.

    Args:
        case: the case that was changed.
        others: the changed cases. Those that have its shapes, options and dtypes are evaluated at once.
    """
    found: list[Outputs] = [None] * len(others)
    alike = [place for place, other in enumerate(others) if _are_alike(case, other)]
    for some in _parts(alike, at_once(case)):
        for place, outputs in zip(some, _stacked(definition, case, [others[each] for each in some]), strict=True):
            found[place] = outputs
    for place in sorted({*range(len(others))} - {*alike}):
        found[place] = values(definition, others[place])
    return found


def _parts(places: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), most):
        yield places[start : start + most]


def _are_alike(case: Case, other: Case) -> bool:
    """Whether two cases differ in the values of arrays alone."""
    arrays = ((array, other.arrays.get(name)) for name, array in case.arrays.items())
    same = all(b is not None and (a.shape, a.dtype) == (b.shape, b.dtype) for a, b in arrays)
    return same and (case.options, case.summed, len(case.arrays)) == (other.options, other.summed, len(other.arrays))


def _stacked(definition: Definition, case: Case, others: Sequence[Case]) -> list[Outputs]:
    """The values on cases that are alike; one by one where they cannot be evaluated at once."""
    changed = [name for name, array in case.arrays.items() if any(each.arrays[name] is not array for each in others)]
    outputs = None
    if changed and len(others) > 1:
        stacked = {name: np.stack([each.arrays[name] for each in others]) for name in changed}
        outputs = values(definition, case, len(others), stacked)
    if outputs is None:
        return [values(definition, each) for each in others]
    return [tuple(output[place] for output in outputs) for place in range(len(others))]
