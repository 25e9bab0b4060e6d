"""Liveness of buffers: which arrays are in memory at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from attnspec.language.dims import Dim


class Memory:
    """Buffers with reference counts; a buffer without references is free."""

    def __init__(self) -> None:
        self._sizes: list[Dim] = []
        self._holders: Counter[int] = Counter()
        self._moments: dict[frozenset[int], None] = {}
        self._inputs: set[int] = set()

    def add_input(self) -> int:
        """A buffer of an input, which is never freed and does not count."""
        buffer = self._new(Dim(()), 2)
        self._inputs.add(buffer)
        return buffer

    def keep(self, buffers: Iterable[int]) -> None:
        """Add a reference to each buffer."""
        self._holders.update(buffers)

    def drop(self, buffers: Iterable[int]) -> None:
        """Remove a reference from each buffer."""
        self._holders.subtract(buffers)

    def allocate(self, size: Dim, args: Sequence[frozenset[int]]) -> frozenset[int]:
        """A new buffer for a result, allocated before references to its arguments are removed.

        Args:
            size: number of elements.
            args: the buffers of each argument.
        """
        buffer = self._new(size, 1)
        self._moments[frozenset(p for p, count in self._holders.items() if count > 0) - self._inputs] = None
        for buffers in args:
            self.drop(buffers)
        return frozenset({buffer})

    def allocate_in_place(self, size: Dim, args: Sequence[frozenset[int]]) -> frozenset[int]:
        """The buffer of an argument, if it has the same size and no other reference; else a new one."""
        for buffers in args:
            if len(buffers) == 1:
                (buffer,) = buffers
                readers = sum(buffer in other for other in args)
                if buffer not in self._inputs and self._sizes[buffer] == size and self._holders[buffer] == readers:
                    self.keep(buffers)
                    for other in args:
                        self.drop(other)
                    return buffers
        return self.allocate(size, args)

    def largest(self, excluded: frozenset[int]) -> list[Dim]:
        """The number of elements in memory at each allocation, without the buffers in `excluded`."""
        totals = []
        for moment in self._moments:
            total = Dim(())
            for buffer in moment - excluded:
                total = total + self._sizes[buffer]
            totals.append(total)
        return totals

    def _new(self, size: Dim, holders: int) -> int:
        self._sizes.append(size)
        self._holders[len(self._sizes) - 1] = holders
        return len(self._sizes) - 1
