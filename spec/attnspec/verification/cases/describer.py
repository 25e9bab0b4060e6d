"""Descriptions of cases within a claim, each with a seed of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from attnspec.language.equation import Equation
from attnspec.language.layers import of_role, sizes_of
from attnspec.verification.cases.case import MOST_BLOCKS, Description, few, within
from attnspec.verification.cases.distributions import leading


@dataclass
class Describer:
    """Makes descriptions of cases of one equation.

    Attributes:
        least: returns the smallest size of an axis that is asked; "batch" is every batch axis.
        batches: the numbers of leading batch axes that are asked, at least one.
        seeds: of the cases, one after the other.
        special: whether the cases are.
    """

    equation: Equation[..., Any]
    least: Callable[[str], int]
    batches: tuple[int, ...]
    seeds: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))
    special: bool = False

    @cached_property
    def names(self) -> list[str]:
        """The sizes of the equation."""
        return sizes_of(self.equation.definition)

    def of_role(self, role: str) -> list[str]:
        """The sizes of the equation that have a role."""
        return of_role(self.equation.definition, role)

    @property
    def plain(self) -> tuple[int, ...]:
        """The fewest batch axes: none if that is claimed, else of two examples."""
        return (*(1,) * (min(self.batches) - 1), 2) if min(self.batches) else ()

    @property
    def batch(self) -> tuple[int, ...]:
        """The fewest batch axes of several examples; none if they are not claimed."""
        return leading(min(filter(None, self.batches), default=0))

    @cached_property
    def usual(self) -> dict[str, int]:
        """Sizes that are small and differ from one another."""
        return self.sized((5, 4, 7, 3, 6, 8, 9, 10), 2)

    def sized(self, sizes: tuple[int, ...], few: int) -> dict[str, int]:
        """The names with these sizes in order, over and over; `few` is the size of axes that are never long."""
        return dict(zip(self.names, itertools.cycle(sizes), strict=False)) | self.few(few)

    def few(self, size: int) -> dict[str, int]:
        """One size for all axes that are never long, such as heads."""
        return dict.fromkeys(few(self.equation.definition), size)

    def alike(self, size: int, few: int) -> dict[str, int]:
        """One size for all axes, and another one for those that are never long."""
        return dict.fromkeys(self.names, size) | self.few(few)

    def all_sizes(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """These sizes and the usual ones of the others, as far as they are claimed and fit together."""
        wanted = {**self.usual, **sizes}
        for block, keys in itertools.product(*map(self.of_role, ("block", "keys"))):
            wanted[block] = max(wanted[block], wanted[keys] // MOST_BLOCKS)
        return {name: max(within(self.equation, name, size), self.least(name)) for name, size in wanted.items()}

    def at(
        self, why: str, batch: tuple[int, ...], sizes: Mapping[str, int] | None = None, **changes: Any
    ) -> Description:
        """The description of a case; sizes that are not given are the usual ones."""
        pairs = tuple(self.all_sizes(sizes or {}).items())
        lead = tuple(max(size, self.least("batch")) for size in batch)
        return Description(pairs, batch=lead, seed=next(self.seeds), why=why, special=self.special, **changes)
