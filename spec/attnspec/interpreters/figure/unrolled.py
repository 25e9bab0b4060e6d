"""A recurrence written out: its first steps one after the other, in the place of a loop."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from attnspec.interpreters.figure.graph import GIVEN, LINE, OPERATION, WEIGHT, Edge, Graph, Vertex

STEPS = 3
"""The steps that are shown."""


def unrolled(graph: Graph) -> Graph | None:
    """The first steps of the recurrences of a figure: each step reads the one before and what is its own, such as x_t.

    Weights are left out, and so are what all steps read alike and what is made of the steps.

    Returns:
        None if the figure has no recurrence.
    """
    loops: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        if edge.is_loop:
            loops.setdefault(edge.source, []).append(edge)
    vertices, edges = dict[str, Vertex](), list[Edge]()
    for made, own in loops.items():
        for vertex, read in _steps(graph, made, own):
            vertices[vertex.id] = vertex
            edges += read
    return Graph(f"{graph.id}, step by step", tuple(vertices.values()), tuple(edges)) if loops else None


def _steps(graph: Graph, made: str, loops: Sequence[Edge]) -> Iterator[tuple[Vertex, list[Edge]]]:
    """The vertices of one recurrence, each with the edges of what it reads."""
    known = {vertex.id: vertex for vertex in graph.vertices}
    states, index = [loop.target for loop in loops], loops[0].index
    step, first = known[made], known[states[0]]
    key = step.key if step.key.startswith("n:") else first.key
    starts = []
    for state in states:
        begun = known[state].operation
        if begun:
            start = Vertex(f"{state}.start", GIVEN, known[state].key, names=(begun,))
            yield start, []
            starts.append(Edge(start.id, "", begun, ""))
        for edge in graph.edges:
            if edge.target == state and not edge.is_loop:
                yield replace(known[edge.source], kind=GIVEN, operation=""), []
                starts.append(edge)
    own = [edge for edge in _inputs(graph, made, states) if _at(edge.symbol, index, 0) != edge.symbol]
    symbols = [loop.symbol for loop in loops]
    for number in range(STEPS):
        id = f"{made}@{number}"
        before = [Edge(f"{made}@{number - 1}", id, ", ".join(_at(each, index, number - 1) for each in symbols), "")]
        read = before if number else [replace(edge, target=id) for edge in starts]
        for edge in own:
            source, symbol = known[edge.source], _at(edge.symbol, index, number)
            given = Vertex(f"{symbol}@{number}", GIVEN, source.key, names=(symbol,), shape="")
            yield given, []
            read = [*read, Edge(given.id, id, symbol, edge.shape)]
        names = tuple(_at(each, index, number) for each in symbols)
        yield Vertex(id, LINE, key, step.operation, names), read
    more = f"{made}@more"
    last = ", ".join(_at(each, index, STEPS - 1) for each in symbols)
    yield Vertex(more, OPERATION, key, "⋮", ("and so on",)), [Edge(f"{made}@{STEPS - 1}", more, last, "")]


def _inputs(graph: Graph, made: str, states: Collection[str]) -> list[Edge]:
    """What a step reads besides its states, each symbol once."""
    within = {made}
    for vertex in reversed(graph.vertices):  # a vertex comes after what it reads
        if any(edge.target in within for edge in graph.edges if edge.source == vertex.id and not edge.is_loop):
            within.add(vertex.id)
    inside = {*states}
    for vertex in graph.vertices:
        if any(edge.source in inside for edge in graph.edges if edge.target == vertex.id and not edge.is_loop):
            inside.add(vertex.id)
    step = within & inside
    found = [edge for edge in graph.edges if edge.target in step and edge.source not in step and not edge.is_loop]
    weights = {vertex.id for vertex in graph.vertices if vertex.kind == WEIGHT}
    found = [edge for edge in found if edge.target not in states and edge.source not in weights]
    return list({edge.symbol: edge for edge in found}.values())


def _at(symbol: str, index: str, number: int) -> str:
    """A symbol at one step: x_t at the first one is x_{t=0}, and x_{T−1−t} is "x_{T−1−t}, t=0"."""
    place, at = re.escape(index), f"{index}={number}"
    shown = re.sub(rf"(?<=_){place}(?!\w)", f"{{{at}}}", symbol)
    shown = re.sub(rf"(?<=[{{,]){place}(?=[,}}])", at, shown)
    if shown == symbol and re.search(rf"_{{[^}}]*(?<!\w){place}(?!\w)", symbol):
        return f"{symbol}, {at}"
    return shown
