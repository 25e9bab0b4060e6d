"""Large arguments made of small ones, and what is said of large outputs in small ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from attnspec.verification.sandbox.child.arrays import Argument, Arrays
from attnspec.verification.sandbox.messages import Output, Pools
from attnspec.verification.sandbox.wire import Array

BLOCK = 4 << 20
"""So many elements of an output are looked at together."""


def spread(arguments: Mapping[str, Argument], pools: Pools, arrays: Arrays) -> dict[str, Argument]:
    """The large arguments, each row of which is one of a small argument."""
    large = {}
    for name, argument in arguments.items():
        view = argument.view
        for place, axis in enumerate(pools.arguments.get(name, ())):
            if axis:
                view = arrays.taken(view, place, pools.entries[axis])
        large[name] = argument if view is argument.view else Argument(view, view)
    return large


def extremes(outputs: Sequence[Output], pools: Pools) -> list[Output]:
    """The least and the greatest values among equal rows of each output, then the numbers of these rows.

    Every element is looked at; NaN is the least and the greatest of all. A number of a row counts the places along all
    axes of `pools.entries` that the output has, in their order.

    Returns:
        The least of all outputs, the greatest of all, then the rows of both; or if some output has no values or another
        shape, the outputs without their values.
    """
    if len(outputs) != len(pools.outputs) or not all(map(_fits, outputs, pools.outputs, [pools] * len(outputs))):
        return [replace(output, value=None) for output in outputs]
    found = [
        _extremes(np.asarray(output.value), axes, pools) for output, axes in zip(outputs, pools.outputs, strict=True)
    ]
    values = [
        replace(output, value=each[place], shape=each[place].shape)
        for place in (0, 1)
        for output, each in zip(outputs, found, strict=True)
    ]
    rows = [each[place] for place in (2, 3) for each in found]
    return [*values, *(Output("array of numpy", row, "int64", row.shape, "cpu") for row in rows)]


def _fits(output: Output, axes: Sequence[str], pools: Pools) -> bool:
    """Whether an output has values, and the size of each axis that is known."""
    if output.value is None or output.value.ndim != len(axes):
        return False
    sizes = zip(output.value.shape, axes, strict=True)
    return all(not axis or size == len(pools.entries[axis]) for size, axis in sizes)


def _extremes(values: Array, axes: Sequence[str], pools: Pools) -> tuple[Array, Array, Array, Array]:
    """The least and the greatest values among equal rows of one output, and the rows where they are."""
    order = list(pools.entries)
    pooled = sorted((place for place, axis in enumerate(axes) if axis), key=lambda place: order.index(axes[place]))
    entries = [pools.entries[axes[place]] for place in pooled]
    moved = np.moveaxis(values, pooled, range(len(pooled)))
    rest, number = moved.shape[len(pooled) :], [int(each.max(initial=-1)) + 1 for each in entries]
    least = np.zeros((*number, *rest), values.dtype)
    most, where_least, where_most = least.copy(), np.zeros(least.shape, np.int64), np.zeros(least.shape, np.int64)
    for entry in product(*map(range, number)):
        places = [np.flatnonzero(each == one) for each, one in zip(entries, entry, strict=True)]
        for part, sign in ((least, 1), (most, -1)):
            where = where_least if sign > 0 else where_most
            part[entry], where[entry] = _extreme(moved, places, sign)
    back = [np.moveaxis(each, range(len(pooled)), pooled) for each in (least, most, where_least, where_most)]
    return tuple(map(np.ascontiguousarray, back))  # type: ignore[return-value]  # four of them


def _extreme(moved: Array, places: Sequence[NDArray[np.int64]], sign: int) -> tuple[Array, Array]:
    """The least of some rows in each element, or with the sign −1 the greatest, and the numbers of these rows."""
    lead, rest = moved.shape[: len(places)], moved.shape[len(places) :]
    best = at = None
    for block in _blocks(places, max(1, BLOCK // max(1, prod(rest)))):
        rows = moved[np.ix_(*block)].reshape(-1, *rest) if block else moved[None]
        numbers = np.ravel_multi_index(np.ix_(*block), lead).reshape(-1) if block else np.zeros(1, np.int64)
        place = np.argmin(rows, axis=0) if sign > 0 else np.argmax(rows, axis=0)
        found, number = np.take_along_axis(rows, place[None], 0)[0], numbers[place]
        if best is None or at is None:
            best, at = found, number
            continue
        further = (found < best if sign > 0 else found > best) | ((found != found) & (best == best))
        best, at = np.where(further, found, best), np.where(further, number, at)
    assert best is not None
    assert at is not None
    return best, at


def _blocks(places: Sequence[NDArray[np.int64]], rows: int) -> Iterator[list[NDArray[np.int64]]]:
    """The places in blocks of at most so many rows, as far as the first axis alone can be cut."""
    if not places:
        yield []
        return
    first, *others = places
    step = max(1, rows // max(1, prod(map(len, others))))
    for start in range(0, len(first), step):
        yield [first[start : start + step], *others]
