"""Values and noise of an equation on other inputs of the same shapes, many of which are evaluated at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.rounding.noise import Noise
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

    def together(some: Sequence[Case]) -> list[Outputs] | None:
        outputs = values(definition, case, len(some), _stacked(case, some))
        return None if outputs is None else [tuple(output[k] for output in outputs) for k in range(len(some))]

    return _of_each(case, others, together, lambda other: values(definition, other))


def noise_of_others(
    definition: Definition, case: Case, others: Sequence[Case], noise_of: Callable[[Case], tuple[Noise, ...]]
) -> list[tuple[Noise, ...]]:
    """The noise of an equation on cases that were made of one by changing it.

    Where several are evaluated at once, an element is undecidable by the largest value in any of them.

    Args:
        case: the case that was changed.
        others: the changed cases.
        noise_of: computes the noise of one case, which may have further batch axes.
    """

    def together(some: Sequence[Case]) -> list[tuple[Noise, ...]] | None:
        if case.summed:
            return None
        leads = {p.name: case.arrays[p.name].ndim - len(p.dims) for p in definition.parameters}
        most = max(leads.values())
        stacked = {
            name: array.reshape(len(some), *(1,) * (most - leads[name]), *array.shape[1:])
            for name, array in _stacked(case, some).items()
        }
        outputs = noise_of(replace(case, arrays={**case.arrays, **stacked}))
        return [tuple(_of_one(output, place) for output in outputs) for place in range(len(some))]

    return _of_each(case, others, together, noise_of)


def _of_one(noise: Noise, place: int) -> Noise:
    """The noise of one of several cases that were evaluated at once."""
    value, sigma, bound, undecidable = (a[place] for a in (noise.value, noise.sigma, noise.bound, noise.undecidable))
    return Noise(value, sigma, bound, undecidable, noise.members[:, place])


T = TypeVar("T")


def _of_each(
    case: Case,
    others: Sequence[Case],
    together: Callable[[Sequence[Case]], list[T] | None],
    alone: Callable[[Case], T],
) -> list[T]:
    """What is evaluated of each changed case: together of those that are alike, unless it is None, or alone."""
    found: dict[int, T] = {}
    alike = [place for place, other in enumerate(others) if _are_alike(case, other)]
    for some in _parts(alike, at_once(case)):
        evaluated = together([others[place] for place in some]) if len(some) > 1 else None
        if evaluated is not None:
            found |= zip(some, evaluated, strict=True)
    return [found[place] if place in found else alone(other) for place, other in enumerate(others)]


def _parts(places: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), most):
        yield places[start : start + most]


def _are_alike(case: Case, other: Case) -> bool:
    """Whether two cases differ, and in the values of arrays alone."""
    arrays = ((array, other.arrays.get(name)) for name, array in case.arrays.items())
    changed = any(array is not other.arrays.get(name) for name, array in case.arrays.items())
    same = changed and all(b is not None and (a.shape, a.dtype) == (b.shape, b.dtype) for a, b in arrays)
    return same and (case.options, case.summed, len(case.arrays)) == (other.options, other.summed, len(other.arrays))


def _stacked(case: Case, others: Sequence[Case]) -> dict[str, NDArray[Any]]:
    """The arrays that some of the changed cases change, each with the cases along a new first axis."""
    changed = [name for name, array in case.arrays.items() if any(each.arrays[name] is not array for each in others)]
    return {name: np.stack([each.arrays[name] for each in others]) for name in changed}
