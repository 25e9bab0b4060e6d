"""The smallest case that still shows the fault: fewer elements first, then zeros, then round numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import batch_shape
from attnspec.language.equation import Equation
from attnspec.verification.cases.case import Case, Description, make, unbatched
from attnspec.verification.cases.distributions import in_range, rounded

Fails = Callable[[Case], bool]
SIMPLER = ", made simpler"


def shrink(
    equation: Equation[..., Any],
    case: Case,
    dtype: str,
    least: Callable[[str], int],
    fails: Fails,
    tries: int = 120,
    batches: Sequence[int] = (0, 1),
) -> Case:
    """A smaller case for which `fails` still holds.

    A recorded case keeps its values and sizes as far as they matter: examples of its batch are left out, then arrays.

    Args:
        least: the smallest size of an axis that is claimed; "batch" is every batch axis.
        tries: bounds the calls of the candidate.
        batches: the numbers of batch axes that are claimed.
    """
    left = [tries]

    def still(candidate: Case) -> bool:
        left[0] -= 1
        return left[0] >= 0 and fails(candidate)

    if case.origin:
        axes = len(batch_shape(equation.definition, case.arrays))
        examples = (_simplified(unbatched(case, equation, kept)) for kept in _fewer(batches, axes))
        case = next(filter(still, examples), case)
    while case.description is not None and left[0] > 0:
        steps = _smaller(equation, case.description, dtype, least, batches)
        smaller = next(filter(still, steps), None)
        if smaller is None:
            break
        case = smaller
    return _simpler(equation, case, dtype, still)


def _smaller(
    equation: Equation[..., Any],
    description: Description,
    dtype: str,
    least: Callable[[str], int],
    batches: Sequence[int],
) -> Iterator[Case]:
    """Descriptions one step down, the boldest first."""
    sizes, one = dict(description.sizes), max(least("batch"), 1)
    steps: list[Description] = []
    if description.layout != "contiguous":
        steps.append(replace(description, layout="contiguous"))
    steps += [replace(description, batch=batch) for batch in _fewer_examples(description.batch, one, batches)]
    ones = {name: max(least(name), 1) for name in sizes}
    if ones != sizes:
        steps.append(replace(description, sizes=tuple(ones.items())))
    for name, size in sizes.items():
        for new in dict.fromkeys((max(least(name), 1), max(least(name), 2), size // 2, size - 1)):
            if max(least(name), 1) <= new < size:
                steps.append(replace(description, sizes=tuple({**sizes, name: new}.items())))
    steps += [replace(description, batch=batch) for batch in _one_smaller(description.batch, one)]
    if description.regime != "ordinary":
        steps.append(replace(description, regime="ordinary"))
    for step in steps:
        yield make(equation, step, dtype)


def _fewer_examples(batch: tuple[int, ...], one: int, claimed: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The last batch axes alone, or all of them of the smallest size."""
    for axes in _fewer(claimed, len(batch)):
        yield batch[len(batch) - axes :]
    if max(batch, default=one) > one:
        yield (one,) * len(batch)


def _one_smaller(batch: tuple[int, ...], one: int) -> Iterator[tuple[int, ...]]:
    """One batch axis smaller."""
    for place, size in enumerate(batch):
        for new in dict.fromkeys((one, size // 2, size - 1)):
            if one <= new < size:
                yield (*batch[:place], new, *batch[place + 1 :])


def _fewer(claimed: Sequence[int], axes: int) -> list[int]:
    """The claimed numbers of batch axes that are smaller."""
    return sorted(each for each in {*claimed} if each < axes)


def _simpler(equation: Equation[..., Any], case: Case, dtype: str, still: Fails) -> Case:
    """Arrays one by one to zero, else to one significant digit."""
    for name, array in case.arrays.items():
        if array.dtype.kind != "f" or not array.size:
            continue
        for simple in (np.zeros_like(array), np.ones_like(array), rounded(_one_digit(array), dtype)):
            if np.array_equal(simple, array):
                break
            if not np.array_equal(simple, in_range(simple, equation.definition.symbol(name))):
                continue
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
