"""Who holds which elements while an equation is counted: places that are shared, passed on and given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from attnspec.language.dims import Dim


class Memory:
    """Places for elements, each with its holders; what nobody holds any more is free again."""

    def __init__(self) -> None:
        self._sizes: list[Dim] = []
        self._holders: Counter[int] = Counter()
        self._moments: dict[frozenset[int], None] = {}
        self._given: set[int] = set()

    def given(self) -> int:
        """A place that was there before and stays; it is not counted."""
        place = self._new(Dim(()), 2)
        self._given.add(place)
        return place

    def keep(self, places: Iterable[int]) -> None:
        """One more holder."""
        self._holders.update(places)

    def drop(self, places: Iterable[int]) -> None:
        """One holder fewer."""
        self._holders.subtract(places)

    def make(self, size: Dim, args: Sequence[frozenset[int]]) -> frozenset[int]:
        """A place for a result, made while its arguments are there; these have been read then."""
        place = self._new(size, 1)
        self._moments[frozenset(p for p, count in self._holders.items() if count > 0) - self._given] = None
        for places in args:
            self.drop(places)
        return frozenset({place})

    def overwrite(self, size: Dim, args: Sequence[frozenset[int]]) -> frozenset[int]:
        """The same, in the place of an argument of that size which nobody else reads."""
        for places in args:
            if len(places) == 1:
                (place,) = places
                readers = sum(place in other for other in args)
                if place not in self._given and self._sizes[place] == size and self._holders[place] == readers:
                    self.keep(places)
                    for other in args:
                        self.drop(other)
                    return places
        return self.make(size, args)

    def largest(self, besides: frozenset[int]) -> list[Dim]:
        """What was held at every moment, without some places."""
        found = []
        for moment in self._moments:
            total = Dim(())
            for place in moment - besides:
                total = total + self._sizes[place]
            found.append(total)
        return found

    def _new(self, size: Dim, holders: int) -> int:
        self._sizes.append(size)
        self._holders[len(self._sizes) - 1] = holders
        return len(self._sizes) - 1
