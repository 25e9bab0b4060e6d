"""Values of mutants on cases that are kept, since one mutant is tried on the same case several times in a verdict."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Case

Outputs = tuple[NDArray[Any], ...] | None
"""The values of a mutant; None if it cannot be evaluated for the sizes of a case."""

MOST_VALUES, MOST_ELEMENTS = 60_000, 8_000_000
"""So many values are kept, and so many elements of them and of their cases; then all are forgotten. Speed alone depends
on it."""


class Kept(NamedTuple):
    """The outputs of a mutant on a case. Both are kept, so that no other object gets their ids."""

    definition: Definition
    case: Case
    outputs: Outputs


class KeptValues:
    """The values of mutants on cases, found by the identity of both: neither is changed meanwhile."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], Kept] = {}
        self._cases: set[int] = set()
        self._elements = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, definition: Definition, case: Case) -> Kept | None:
        """What is kept of a mutant on a case; None if nothing is."""
        return self._kept.get((id(definition), id(case)))

    def keep(self, definition: Definition, case: Case, outputs: Outputs) -> Outputs:
        """Keep the outputs of a mutant on a case, and return them."""
        if len(self._kept) >= MOST_VALUES or self._elements > MOST_ELEMENTS:
            self._kept.clear()
            self._cases.clear()
            self._elements = 0
        self._kept[id(definition), id(case)] = Kept(definition, case, outputs)
        self._elements += sum(output.size for output in outputs or ()) + case.elements * (id(case) not in self._cases)
        self._cases.add(id(case))
        return outputs
