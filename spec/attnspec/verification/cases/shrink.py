"""The smallest case that still shows the fault: fewer elements first, then zeros, then round numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import batch_shape
from attnspec.language.equation import Equation
from attnspec.verification.cases.case import Case, Description, make, unbatched
from attnspec.verification.cases.distributions import rounded

Fails = Callable[[Case], bool]
SIMPLER = ", made simpler"


def shrink(
    equation: Equation[..., Any], case: Case, dtype: str, least: Callable[[str], int], fails: Fails, tries: int = 120
) -> Case:
    """A smaller case for which `fails` still holds; `tries` bounds the calls of the candidate.

    A recorded case keeps its values and sizes as far as they matter: examples of its batch are left out, then arrays.
    """
    left = [tries]

    def still(candidate: Case) -> bool:
        left[0] -= 1
        return left[0] >= 0 and fails(candidate)

    if case.origin and batch_shape(equation.definition, case.arrays):
        alone = _simplified(unbatched(case, equation))
        case = alone if still(alone) else case
    while case.description is not None and left[0] > 0:
        smaller = next((each for each in _smaller(equation, case.description, dtype, least) if still(each)), None)
        if smaller is None:
            break
        case = smaller
    return _simpler(equation, case, dtype, still)


def _smaller(
    equation: Equation[..., Any], description: Description, dtype: str, least: Callable[[str], int]
) -> Iterator[Case]:
    """Descriptions one step down, the boldest first."""
    sizes = dict(description.sizes)
    steps: list[Description] = []
    if description.layout != "contiguous":
        steps.append(replace(description, layout="contiguous"))
    if description.batch is not None:
        steps.append(replace(description, batch=None))
        if description.batch > 1:
            steps.append(replace(description, batch=1))
    ones = {name: max(least(name), 1) for name in sizes}
    if ones != sizes:
        steps.append(replace(description, sizes=tuple(ones.items())))
    for name, size in sizes.items():
        for new in dict.fromkeys((max(least(name), 1), max(least(name), 2), size // 2, size - 1)):
            if max(least(name), 1) <= new < size:
                steps.append(replace(description, sizes=tuple({**sizes, name: new}.items())))
    if description.regime != "ordinary":
        steps.append(replace(description, regime="ordinary"))
    for step in steps:
        yield make(equation, step, dtype)


def _simpler(equation: Equation[..., Any], case: Case, dtype: str, still: Fails) -> Case:
    """Arrays one by one to zero, else to one significant digit."""
    for name, array in case.arrays.items():
        if array.dtype.kind != "f" or not array.size:
            continue
        for simple in (np.zeros_like(array), np.ones_like(array), rounded(_one_digit(array), dtype)):
            if np.array_equal(simple, array):
                break
            changed = _simplified(replace(case, arrays={**case.arrays, name: simple}, description=None))
            if still(changed):
                case = changed
                break
    return case


def _simplified(case: Case) -> Case:
    """A recorded case that is no longer as it was recorded says so."""
    return replace(case, origin=f"{case.origin.removesuffix(SIMPLER)}{SIMPLER}") if case.origin else case


def _one_digit(array: Any) -> Any:
    """One significant decimal digit; never a power of two alone, which would make results exact and hide the error."""
    with np.errstate(divide="ignore"):
        power = 10.0 ** np.floor(np.log10(np.where(array == 0, 1.0, np.abs(array))))
    return np.round(array / power) * power
