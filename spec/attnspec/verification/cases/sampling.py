"""Axes whose places an equation compares, as with a causal mask: some rows are sampled, and what they read is pooled.

To a sampled row, all keys between two others are alike if no condition tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.conditions import conditions, indices_of, names, truths, with_masks
from attnspec.interpreters.pooling import ordered_sizes, reduced_sizes
from attnspec.language.tree import Definition, Node
from attnspec.thresholds import POOL_REDUCED, POOL_ROWS

EDGES = (16, 32, 64, 128, 256)
"""Sizes of tiles, at whose edges rows are sampled."""


@dataclass(frozen=True)
class Sampling:
    """Which rows are sampled, and which of what they read are alike.

    Attributes:
        conditions: what the equation compares.
        places: {named size: the place of each row of the small case}, or one of its places.
        entries: {named size: for each place, the row of the small case}.
        rows: the named sizes along which only `places` are judged.
        masks: {name of a mask: where its condition holds, in the small case}.
    """

    conditions: tuple[Node, ...]
    places: Mapping[str, NDArray[np.int64]]
    entries: Mapping[str, NDArray[np.int64]]
    rows: tuple[str, ...]
    masks: Mapping[str, NDArray[np.bool_]]

    def judged(self, size: str) -> NDArray[np.int64]:
        """For each place along an axis of rows, the row of the small case that it is; −1 if it is not judged."""
        found = np.full(len(self.entries[size]), -1)
        found[self.places[size]] = np.arange(len(self.places[size]))
        return found


def sampling(definition: Definition, sizes: Mapping[str, int], seed: int) -> Sampling | None:
    """What is sampled of an equation; None if it compares no places, or others than rows with what they read."""
    found = conditions(definition)
    compared = {str(definition.ranges[index]) for condition in found for index in indices_of(condition)}
    reduced = reduced_sizes(definition)
    rows = sorted(compared - reduced)
    in_two = any(len({str(definition.ranges[i]) for i in indices_of(c)} & reduced) > 1 for c in found)
    if not rows or in_two or compared & ordered_sizes(with_masks(definition, found)).keys():
        return None
    generator = np.random.Generator(np.random.Philox(seed))
    places = {size: _sampled(sizes[size], generator) for size in rows}
    entries = {size: generator.integers(0, len(places[size]), sizes[size]) for size in rows}
    for size in rows:
        entries[size][places[size]] = np.arange(len(places[size]))
    for size in sorted(compared & reduced):
        every = {**places, size: np.arange(sizes[size])}
        about = [c for c in found if size in {str(definition.ranges[i]) for i in indices_of(c)}]
        columns = [_columns(c, definition, size, truths(c, definition, every, sizes)) for c in about]
        entries[size], places[size] = _alike(np.concatenate(columns), generator)
    masks = {name: truths(c, definition, places, sizes) for name, c in zip(names(found), found, strict=True)}
    return Sampling(found, places, entries, tuple(rows), masks)


def _sampled(size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """The first and the last places, places at the edges of tiles, and others at random."""
    near = {0, 1, size - 1, size - 2, size // 2}
    for edge in EDGES:
        near |= {edge - 1, edge, size // edge * edge - 1, size // edge * edge}
    chosen = sorted(place for place in near if 0 <= place < size)
    rest = np.setdiff1d(generator.integers(0, size, POOL_ROWS), chosen)
    return np.sort(np.concatenate([chosen, rest[: max(0, POOL_ROWS - len(chosen))]]).astype(np.int64))


def _columns(condition: Node, definition: Definition, size: str, holds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a condition holds, with the places along one axis last and all others together."""
    axes = [str(definition.ranges[index]) for index in indices_of(condition)]
    return np.moveaxis(holds, axes.index(size), -1).reshape(-1, holds.shape[axes.index(size)])


def _alike(columns: NDArray[np.bool_], generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each column, the number of its row of the small case; and for each of these, one column.

    Equal columns get several rows in turn, at random, so that there are some `POOL_REDUCED` of them in all.
    """
    _, kind = np.unique(np.packbits(columns, axis=0), axis=1, return_inverse=True)
    kind, kinds = np.ravel(kind), int(np.max(kind)) + 1
    entries, first = np.zeros(columns.shape[1], np.int64), 0
    for each in range(kinds):
        members = np.flatnonzero(kind == each)
        number = min(len(members), max(1, POOL_REDUCED // kinds))
        entries[generator.permutation(members)] = first + np.arange(len(members)) % number
        first += number
    _, places = np.unique(entries, return_index=True)
    return entries, places
