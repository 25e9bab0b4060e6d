"""The smallest case that still shows the fault: fewer elements first, then zeros, then round numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import batch_shape
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import Case, Description, as_multiple, make, unbatched
from attnspec.verification.cases.distributions import in_range, rounded

Fails = Callable[[Case], bool]
SIMPLER = ", made simpler"

ELEMENTS_OF_TRY = 10_000
"""A try with a case of so many elements counts twice, so that those with large cases alone do not take minutes."""


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
        tries: bounds the calls of the candidate, of which those with large cases count for more.
        batches: the numbers of batch axes that are claimed.
    """
    left = float(tries)

    def still(candidate: Case) -> bool:
        nonlocal left
        price = 1 + candidate.elements / ELEMENTS_OF_TRY
        if price > left:
            return False
        left -= price
        return fails(candidate)

    if case.origin:
        axes = len(batch_shape(equation.definition, case.arrays))
        examples = (_simplified(unbatched(case, equation, kept)) for kept in _fewer(batches, axes))
        case = next(filter(still, examples), case)
    before, bisected = None, dict[str, int]()
    while case is not before and case.description is not None:  # what is smaller may let something else be so
        before, case = case, _smaller(equation, case, dtype, least, batches, still, bisected)
    case = _halved(equation, case, least, still)
    return _simpler(equation, case, dtype, still)


def _smaller(
    equation: Equation[..., Any],
    case: Case,
    dtype: str,
    least: Callable[[str], int],
    batches: Sequence[int],
    still: Fails,
    bisected: dict[str, int],
) -> Case:
    """One way to be smaller after the other, each as far as it leads, the boldest first.

    Args:
        bisected: the least size of each axis that was found before; it is then only tried whether one less shows too.
    """
    assert case.description is not None
    description = case.description

    def taken(step: Description) -> bool:
        """Whether the fault shows in a case of this description; it is then the one to go on from."""
        nonlocal case, description
        step = replace(step, sizes=tuple((name, as_multiple(equation, name, size)) for name, size in step.sizes))
        if step == description or not still(made := make(equation, step, dtype)):
            return False
        case, description = made, step
        return True

    one = max(least("batch"), 1)
    lowest = {name: max(least(name), 1) for name, _ in description.sizes}
    taken(replace(description, layout="contiguous"))
    any(taken(replace(description, batch=batch)) for batch in _fewer_examples(description.batch, one, batches))
    taken(replace(description, sizes=tuple(lowest.items())))
    for name in lowest:
        sizes = dict(description.sizes)

        def of_size(new: int, name: str = name, sizes: dict[str, int] = sizes) -> bool:
            return taken(replace(description, sizes=tuple({**sizes, name: new}.items())))

        _least(sizes[name], lowest[name], of_size, again=bisected.get(name) == sizes[name])
        bisected[name] = dict(description.sizes)[name]
    for place, size in enumerate(description.batch):
        batch = description.batch

        def of_axis(new: int, place: int = place, batch: tuple[int, ...] = batch) -> bool:
            return taken(replace(description, batch=(*batch[:place], new, *batch[place + 1 :])))

        _least(size, one, of_axis)
    taken(replace(description, regime="ordinary"))
    return case


def _least(size: int, lowest: int, shows: Callable[[int], bool], again: bool = False) -> None:
    """Look for the least size at which a fault shows: the two lowest ones, then by bisection.

    Args:
        again: whether bisection has led to this size before; it goes on only where one less shows too.
    """
    for few in (lowest, lowest + 1):
        if few >= size or shows(few):
            return
    if again and not shows(size := size - 1):
        return
    without = lowest + 1
    while size - without > 1:
        half = (without + size) // 2
        without, size = (without, half) if shows(half) else (half, size)


def _halved(equation: Equation[..., Any], case: Case, least: Callable[[str], int], still: Fails) -> Case:
    """A part of the arrays as they are: a case of smaller sizes has other values, in which a fault may not show.

    Indices count places of an axis, weights sum to 1 along one, and a size may follow from others or from an option:
    such equations are left alone. So are recorded cases, whose sizes tell where they come from.
    """
    definition = equation.definition
    names = {str(dim) for parameter in definition.parameters for dim in parameter.dims}
    whole = any(each.kind not in ("float", "bool") or each.symbol.draw == "weights" for each in definition.parameters)
    related = definition.size_options or definition.differences
    if case.origin or whole or related or not names <= {*sizes_of(definition)}:
        return case
    for name in sorted(names):
        axes = {
            parameter.name: [axis - len(parameter.dims) for axis, dim in enumerate(parameter.dims) if str(dim) == name]
            for parameter in definition.parameters
        }
        size = max(case.arrays[array].shape[axis] for array, places in axes.items() for axis in places)
        halves = True
        while halves and size // 2 >= max(least(name), 1) and as_multiple(equation, name, size // 2) == size // 2:
            halves = False
            for half in (slice(0, size // 2), slice(size - size // 2, size)):
                arrays = {array: _kept(case.arrays[array], places, half) for array, places in axes.items()}
                part = replace(case, arrays={**case.arrays, **arrays}, description=None)
                if still(part):
                    case, size, halves = part, size // 2, True
                    break
    return case


def _kept(array: Any, axes: Sequence[int], places: slice) -> Any:
    """Some places along several axes of an array."""
    for axis in axes:
        index = [slice(None)] * array.ndim
        index[axis] = places
        array = array[tuple(index)]
    return array


def _fewer_examples(batch: tuple[int, ...], one: int, claimed: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The last batch axes alone, or all of them of the smallest size."""
    for axes in _fewer(claimed, len(batch)):
        yield batch[len(batch) - axes :]
    if max(batch, default=one) > one:
        yield (one,) * len(batch)


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
    plain = np.isfinite(array) & (array != 0)
    power = 10.0 ** np.floor(np.log10(np.where(plain, np.abs(array), 1.0)))
    return np.round(array / power) * power
