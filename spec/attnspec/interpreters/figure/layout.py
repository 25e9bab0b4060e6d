"""Places of the vertices of a layered graph: rows from top to bottom, few crossings, short edges.

The steps are those of Sugiyama, Tagawa and Toda (1981): rows by the longest path, order within a row by the barycentres
of the neighbours, and places within a row by least squares. They use no chance, so a graph has one picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

SWEEPS = 12
"""How often the rows are gone through, down and up; the order and the places hardly change after a few times."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Places.

    Attributes:
        row: {vertex: its row}.
        x: {vertex: the middle of it}; of a place where a long edge crosses a row too.
        routes: {(source, target): what an edge runs through, from the source to the target}.
        width: the width of all.
    """

    row: Mapping[str, int]
    x: Mapping[str, float]
    routes: Mapping[tuple[str, str], tuple[str, ...]]
    width: float


def layered(widths: Mapping[str, float], edges: Sequence[tuple[str, str]], gap: float = 18.0) -> Layout:
    """Place the vertices of a graph without circles.

    Args:
        widths: {vertex: its width}; their order decides where nothing else does.
        edges: pairs of a source and a target.
        gap: the smallest space between two vertices of a row.
    """
    row = _rows(list(widths), edges)
    routes, all_widths = {}, dict(widths)
    for source, target in dict.fromkeys(edges):
        bends = [f"{source} {target} {number}" for number in range(row[source] + 1, row[target])]
        row |= {bend: row[source] + 1 + place for place, bend in enumerate(bends)}
        all_widths |= dict.fromkeys(bends, 0.0)
        routes[source, target] = (source, *bends, target)
    rows: list[list[str]] = [[] for _ in range(max(row.values(), default=-1) + 1)]
    for vertex in all_widths:
        rows[row[vertex]].append(vertex)
    up, down = _neighbours(all_widths, routes.values())
    for sweep in range(SWEEPS):
        _order(rows, up if sweep % 2 == 0 else down, reverse=sweep % 2 == 1)
    x = _places(rows, all_widths, up, down, gap)
    least = min((x[vertex] - all_widths[vertex] / 2 for vertex in x), default=0.0)
    x = {vertex: place - least for vertex, place in x.items()}
    return Layout(row, x, routes, max((x[vertex] + all_widths[vertex] / 2 for vertex in x), default=0.0))


def _rows(vertices: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The row of each vertex: below all that it reads, and what reads nothing just above what reads it first."""
    reads: dict[str, list[str]] = {vertex: [] for vertex in vertices}
    for source, target in edges:
        reads[target].append(source)
    row: dict[str, int] = {}
    for vertex in TopologicalSorter(reads).static_order():
        row[vertex] = 1 + max((row[source] for source in reads[vertex]), default=-1)
    for vertex in vertices:
        if not reads[vertex]:
            row[vertex] = min((row[target] for source, target in edges if source == vertex), default=1) - 1
    return row


def _neighbours(
    vertices: Mapping[str, float], routes: Iterable[tuple[str, ...]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    up: dict[str, list[str]] = {vertex: [] for vertex in vertices}
    down: dict[str, list[str]] = {vertex: [] for vertex in vertices}
    for route in routes:
        for above, below in pairwise(route):
            up[below].append(above)
            down[above].append(below)
    return up, down


def _order(rows: list[list[str]], neighbours: Mapping[str, list[str]], reverse: bool) -> None:
    """Order each row by the mean of the positions of the neighbours in the row before."""
    for row in reversed(rows) if reverse else rows:
        position = {vertex: place for each in rows for place, vertex in enumerate(each)}
        own = {vertex: position[vertex] for vertex in row}

        def mean(vertex: str, position: Mapping[str, int] = position, own: Mapping[str, int] = own) -> float:
            others = [position[other] for other in neighbours[vertex]]
            return sum(others) / len(others) if others else own[vertex]

        row.sort(key=mean)


def _places(
    rows: Sequence[Sequence[str]],
    widths: Mapping[str, float],
    up: Mapping[str, list[str]],
    down: Mapping[str, list[str]],
    gap: float,
) -> dict[str, float]:
    x: dict[str, float] = {}
    for row in rows:
        x |= spread([0.0] * len(row), row, widths, gap)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for vertex in row:
                first = up[vertex] if sweep % 2 == 0 else down[vertex]
                others = first or up[vertex] or down[vertex]
                wanted.append(sum(x[other] for other in others) / len(others) if others else x[vertex])
            x |= spread(wanted, row, widths, gap)
    return x


def spread(wanted: Sequence[float], row: Sequence[str], widths: Mapping[str, float], gap: float) -> dict[str, float]:
    """The places nearest to the wanted ones, by least squares, at which the vertices of a row do not overlap.

    It is the isotonic regression of the wanted places after the needed spaces are taken off.
    """
    offsets, total = [], 0.0
    for place, vertex in enumerate(row):
        total += (widths[row[place - 1]] + widths[vertex]) / 2 + gap if place else 0.0
        offsets.append(total)
    blocks: list[tuple[float, int]] = []
    for target, offset in zip(wanted, offsets, strict=True):
        mean, count = target - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        blocks.append((mean, count))
    starts = [mean for mean, count in blocks for _ in range(count)]
    return {vertex: start + offset for vertex, start, offset in zip(row, starts, offsets, strict=True)}
