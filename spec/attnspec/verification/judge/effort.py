"""What the search for a mistake may still cost: counted, not timed, so that its result is the same on any machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from attnspec.thresholds import ELEMENTS_OF_NODE

Item = TypeVar("Item")


@dataclass
class Effort:
    """How much may still be searched.

    Attributes:
        left: how many nodes of formulas may still be evaluated.
        is_short: whether something was left out since this was last set to False.
        missed: what was left out, in words.
    """

    left: float = math.inf
    is_short: bool = False
    missed: list[str] = field(default_factory=list)

    def afforded(self, tried: Iterable[Item], nodes: int, elements: int) -> list[Item]:
        """The first of what is to be tried, for at most half of what is left, so that later searches are made too.

        Args:
            tried: what is to be tried, the likeliest first. No more of it is made than one beyond those that are tried.
            nodes: the number of nodes that are evaluated for each.
            elements: the number of elements of its inputs.
        """
        if math.isinf(self.left):
            return [*tried]
        each = nodes * (1 + elements / ELEMENTS_OF_NODE)
        count = int(self.left / 2 // each)
        some = [*islice(tried, count + 1)]
        self.is_short = self.is_short or len(some) > count
        self.left -= each * min(len(some), count)
        return some[:count]

    def miss(self, what: str) -> None:
        """Note what was left out."""
        if what not in self.missed:
            self.missed.append(what)

    def __str__(self) -> str:
        *first, last = self.missed or [""]
        return f"{', '.join(first)} and {last}" if first else last


class Made(Generic[Item]):
    """Items that are made when they are first asked for, and kept.

    Attributes:
        waiting: makes those that nobody has asked for yet.
        made: those that are made.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self.waiting, self.made = iter(items), list[Item]()

    def __iter__(self) -> Iterator[Item]:
        yield from self.made
        for item in self.waiting:
            self.made.append(item)
            yield item
