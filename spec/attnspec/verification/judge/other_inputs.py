"""Values of an equation on other inputs of the same shapes, many of which are evaluated at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    found: dict[int, Outputs] = {}
    changed = [place for place, other in enumerate(others) if _are_alike(case, other)]
    for places in _parts(changed, at_once(case)):
        some = [others[place] for place in places]
        outputs = values(definition, case, len(some), _stacked(case, some)) if len(some) > 1 else None
        if outputs is not None:
            found |= {place: tuple(output[k] for output in outputs) for k, place in enumerate(places)}
    return [found[place] if place in found else values(definition, other) for place, other in enumerate(others)]


def alike(cases: Sequence[Case]) -> Iterator[list[int]]:
    """The places of cases of equal shapes, options and dtypes, so many at a time as are best evaluated at once."""
    groups: dict[object, list[int]] = {}
    for place, case in enumerate(cases):
        groups.setdefault(case.outline, []).append(place)
    for places in groups.values():
        yield from _parts(places, at_once(cases[places[0]]))


def _parts(places: list[int], most: int) -> Iterator[list[int]]:
    for start in range(0, len(places), most):
        yield places[start : start + most]


def _are_alike(case: Case, other: Case) -> bool:
    """Whether two cases differ, and in the values of arrays alone."""
    changed = any(array is not other.arrays.get(name) for name, array in case.arrays.items())
    return changed and case.outline == other.outline


def _stacked(case: Case, others: Sequence[Case]) -> dict[str, NDArray[Any]]:
    """The arrays that some of the changed cases change, each with the cases along a new first axis."""
    changed = [name for name, array in case.arrays.items() if any(each.arrays[name] is not array for each in others)]
    return {name: np.stack([each.arrays[name] for each in others]) for name in changed}
