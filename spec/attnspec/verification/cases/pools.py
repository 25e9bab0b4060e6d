"""Cases of production sizes: large arrays whose rows are those of a small case, again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.interpreters.pooling import ordered_sizes, reduced_sizes
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.tree import Parameter
from attnspec.thresholds import POOL_REDUCED, POOL_ROWS
from attnspec.verification.cases.case import FEW, Case, Description, as_multiple, smallest, within
from attnspec.verification.cases.sampling import Sampling

USUAL_SIZE, FEW_SIZE = 64, 2
"""The sizes where none are given: of most axes, and of what there is never much of."""


@dataclass(frozen=True)
class Pooled:
    """A large case, as a small one and how often each of its rows is there.

    Attributes:
        case: the distinct rows.
        sizes: the named sizes of the large case.
        batch: its batch axes.
        entries: {axis with repeated rows: for each of its places, the place in the small case}; a batch axis is
            "batch0" or so, any other the name of its size.
        whole: the named sizes along which places are not alike, so that all of them are distinct.
        sampling: along which axes rows are sampled; None if all rows are judged.
    """

    case: Case
    sizes: Mapping[str, int]
    batch: tuple[int, ...]
    entries: Mapping[str, NDArray[np.int64]]
    whole: Sequence[str]
    sampling: Sampling | None = None

    @property
    def counts(self) -> dict[str, tuple[int, ...]]:
        """{axis with repeated rows: how often each of the small case is there}."""
        return {axis: tuple(map(int, np.bincount(entries))) for axis, entries in self.entries.items()}

    @property
    def few(self) -> dict[str, int]:
        """{axis with repeated rows: how many are distinct}."""
        return {axis: len(each) for axis, each in self.counts.items()}

    @property
    def judged(self) -> dict[str, NDArray[np.int64]]:
        """The entries of arguments, then those of outputs where only some rows are judged, with −1 for the others."""
        sampled = () if self.sampling is None else self.sampling.rows
        own = {} if self.sampling is None else {f"{size} sampled": self.sampling.judged(size) for size in sampled}
        return {**self.entries, **own}

    def output_axes(self, result: Parameter, batch: int) -> tuple[str, ...]:
        """The same as `axes` for a result, by the names of `judged`."""
        sampled = () if self.sampling is None else self.sampling.rows
        return tuple(f"{axis} sampled" if axis in sampled else axis for axis in self.axes(result, batch))

    def axes(self, array: Parameter, batch: int) -> tuple[str, ...]:
        """For each axis of an array with so many batch axes, the one of `entries` that it is; "" if it is none."""
        names = [*(f"batch{len(self.batch) - batch + place}" for place in range(batch)), *map(str, array.dims)]
        return tuple(name if name in self.entries else "" for name in names)

    def ranks(self, equation: Equation[..., Any]) -> list[int]:
        """How many axes each result has: the batch axes too, unless it is a gradient that is summed over them."""
        definition = equation.definition
        if not self.case.summed:
            return [len(self.batch) + len(result.dims) for result in definition.results]
        return [self.case.arrays[name].ndim for name in self.case.summed]

    def __str__(self) -> str:
        shown = [f"{name}={size}" for name, size in self.sizes.items()]
        return ", ".join([*shown, *([f"batch={'×'.join(map(str, self.batch))}"] if self.batch else [])])


def usual_sizes(equation: Equation[..., Any], least: Mapping[str, int], given: Mapping[str, int]) -> dict[str, int]:
    """All named sizes of an equation: those that are given, others 64, or 2 for what there is never much of.

    Args:
        least: {named size: the smallest that is claimed}.

    Raises:
        UnknownName: the equation has no such size.
        SpecError: it has no meaning at such a size.
    """
    definition = equation.definition
    known = sizes_of(definition)
    for name, size in given.items():
        if name not in known:
            expected = ", ".join(known) or "nothing: it has no sizes"
            raise UnknownName(
                f"{equation.id} has no size {name!r}", given=name, expected=expected, mend=nearest(name, known)
            )
        step = equation.multiple.get(name, 1)
        if not smallest(equation, name) <= size <= equation.largest.get(name, size) or size % step:
            most = f" to {equation.largest[name]}" if name in equation.largest else " or more"
            expected = f"{smallest(equation, name)}{most}"
            expected += f", a multiple of {step}" if step > 1 else ""
            raise SpecError(f"{equation.id} is not asked at this size", given=f"{name}={size}", expected=expected)
    usual = {name: FEW_SIZE if definition.role(name) in FEW else within(equation, name, USUAL_SIZE) for name in known}
    claimed = {name: as_multiple(equation, name, max(size, least.get(name, 0))) for name, size in usual.items()}
    return {**claimed, **{name: given[name] for name in known if name in given}}


def distinct(
    equation: Equation[..., Any], sizes: Mapping[str, int], batch: tuple[int, ...], most: int
) -> dict[str, int]:
    """{axis that can have repeated rows, and is longer: how many of its rows are distinct}.

    Args:
        most: so many examples of a batch are distinct at most.
    """
    definition = equation.definition
    ordered = {*sizes} if layers.of(definition) else ordered_sizes(definition)
    reduced = reduced_sizes(definition)
    limits = {name: POOL_REDUCED if name in reduced else POOL_ROWS for name in sizes if name not in ordered}
    pools = {name: limit for name, limit in limits.items() if sizes[name] > limit}
    return pools | {f"batch{place}": most for place, size in enumerate(batch) if size > most}


def pooled_case(
    equation: Equation[..., Any],
    sizes: Mapping[str, int],
    batch: tuple[int, ...],
    pools: Mapping[str, int],
    seed: int,
    make: Callable[[Description], Case],
    sampling: Sampling | None = None,
) -> Pooled:
    """A case of large sizes: the distinct rows are drawn, then each place of an axis gets one of them, in any order.

    Args:
        pools: {axis with repeated rows: how many are distinct}.
        make: draws the arrays of a description.
    """
    few = tuple(pools.get(f"batch{place}", size) for place, size in enumerate(batch))
    case = make(Description(tuple((name, pools.get(name, size)) for name, size in sizes.items()), batch=few, seed=seed))
    full = {**sizes, **{f"batch{place}": size for place, size in enumerate(batch)}}
    generator = np.random.Generator(np.random.Philox(seed))
    sampled = {} if sampling is None else sampling.entries
    entries = {
        axis: sampled[axis] if axis in sampled else generator.permutation(np.arange(full[axis]) % count)
        for axis, count in pools.items()
    }
    ordered = {*sizes} if layers.of(equation.definition) else ordered_sizes(equation.definition)
    return Pooled(case, sizes, batch, entries, [name for name in sizes if name in ordered], sampling)
