"""What the search for a mistake may still cost: counted, not timed, so that its result is the same on any machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from attnspec.thresholds import ELEMENTS_OF_NODE

Item = TypeVar("Item")


@dataclass
class Effort:
    """How much may still be searched.

    Attributes:
        left: how many nodes of formulas may still be evaluated; less than 0 once something was left out.
        missed: what was left out, in words.
    """

    left: float = math.inf
    missed: list[str] = field(default_factory=list)

    @property
    def is_spent(self) -> bool:
        """Whether something was left out."""
        return self.left < 0

    def afforded(self, tried: Sequence[Item], nodes: int, elements: int) -> Sequence[Item]:
        """The first of what is to be tried, as far as it may still be.

        Args:
            tried: what is to be tried, the likeliest first.
            nodes: the number of nodes of the formula that is evaluated for each.
            elements: the number of elements of its inputs.
        """
        each = nodes * (1 + elements / ELEMENTS_OF_NODE)
        count = len(tried) if each * len(tried) <= self.left else max(0, int(self.left // each))
        self.left -= each * len(tried)
        return tried[:count]

    def miss(self, what: str) -> None:
        """Note what was left out."""
        if what not in self.missed:
            self.missed.append(what)

    def __str__(self) -> str:
        *first, last = self.missed or [""]
        return f"{', '.join(first)} and {last}" if first else last
