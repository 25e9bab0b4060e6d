"""The figure shows the data flow that the equation has: nothing more, nothing less, and nothing on top of another."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from graphlib import TopologicalSorter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.errors import NotationError
from attnspec.interpreters.figure.graph import GIVEN, LINE, RESULT, STATE, WEIGHT, Graph, graph
from attnspec.interpreters.figure.layout import layered, spread
from attnspec.interpreters.figure.svg import columns, svg
from attnspec.interpreters.formula.formula import mathml
from attnspec.language.traversal import reads
from attnspec.language.tree import Definition
from generated import defined, written
from trees import changed, distinct, probe

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]


def named_reads(figure: Graph, vertex: str) -> set[str]:
    """The arrays and lines that a vertex is computed from, with only operations between; states count as their starts."""
    kinds = {each.id: each.kind for each in figure.vertices}
    found, seen, waiting = set[str](), set[str](), [vertex]
    while waiting:
        source = waiting.pop()
        if source != vertex and kinds[source] in (GIVEN, WEIGHT, LINE):
            found.add(source)
        elif source not in seen:
            seen.add(source)
            waiting += [edge.source for edge in figure.edges if edge.target == source and not edge.is_loop]
            waiting += [edge.target for edge in figure.edges if edge.source == source and edge.is_loop]
    return found


def check_graph(definition: Definition) -> None:
    """Each argument, line and result is one vertex, and reads what the equation reads there."""
    figure = graph(definition)
    ids = [vertex.id for vertex in figure.vertices]
    arrays = [item.name for item in definition.parameters]
    roots = [str(root) for root in range(len(definition.roots))]
    of_line = {name: str(root) for root, line in enumerate(definition.lines) for name in line.targets}

    assert len(ids) == len(set(ids))
    assert [vertex.id for vertex in figure.vertices if vertex.kind in (GIVEN, WEIGHT)] == arrays
    assert [vertex.id for vertex in figure.vertices if vertex.kind in (LINE, RESULT)] == roots
    assert {end for edge in figure.edges for end in (edge.source, edge.target)} <= set(ids)
    options = {option.name for option in definition.options}
    for root, node in zip(roots, definition.roots, strict=True):
        wanted = {of_line.get(name, name) for name in reads(node)} - options
        assert named_reads(figure, root) == wanted, f"{definition.id}, root {root}"
    TopologicalSorter(
        {each: [edge.source for edge in figure.edges if edge.target == each and not edge.is_loop] for each in ids}
    ).prepare()


def check_picture(definition: Definition) -> None:
    """The picture is well formed, and its parts have keys of the formula."""
    figure = graph(definition)
    drawn = ET.fromstring(svg(figure))
    keys = set(re.findall('data-key="([^"]*)"', mathml(definition)))
    shown = [item for item in drawn.iter() if item.get("data-vertex")]

    assert sorted(item.get("data-vertex", "") for item in shown) == sorted(vertex.id for vertex in figure.vertices)
    assert {item.get("data-key") for item in shown} <= keys
    operations = Counter(vertex.key for vertex in figure.vertices if vertex.key.startswith("t:"))
    assert set(operations.values()) <= {1}
    loops = [edge for edge in figure.edges if edge.is_loop]
    weights = sum("weight" in (item.get("class") or "") for group in shown for item in group if item in shown)
    assert len([item for item in drawn if item.tag.endswith("path")]) == len(figure.edges) - weights
    assert len([item for item in drawn if item.get("class") == "loop"]) == len(loops)


@pytest.mark.parametrize(
    "id",
    [pytest.param(item.id, marks=() if place % 6 == 0 else pytest.mark.broad) for place, item in enumerate(EQUATIONS)],
)
def test_figures_of_the_catalogue(id: str) -> None:
    check_graph(REGISTRY[id].definition)
    check_picture(REGISTRY[id].definition)


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.slow)])
def test_figures_of_equations_written_at_random(count: int) -> None:
    """The figure of any equation reads what the equation reads, and is well formed."""
    seen = []

    @settings(max_examples=count)
    @given(st.randoms(use_true_random=False).map(written))
    def check(source: str) -> None:
        try:
            definition = defined(source).definition
        except NotationError:
            return
        seen.append(definition)
        check_graph(definition)
        check_picture(definition)

    check()
    assert len(seen) > count // 4


def test_another_operation_is_another_figure() -> None:
    tree = REGISTRY["recurrent.gru_cell"].definition
    trees = distinct([tree, *changed(tree)])[::4]
    pictures = {str(graph(each).json()) for each in trees}

    assert len(pictures) > 0.95 * len(trees) > 20


def test_a_recurrence_is_a_loop() -> None:
    figure = graph(REGISTRY["recurrent.lstm"].definition)
    loops = [(edge.source, edge.symbol) for edge in figure.edges if edge.is_loop]

    assert loops == [("0", "h_t"), ("0", "c_t")]
    assert [vertex.names for vertex in figure.vertices if vertex.kind == STATE] == [("h_{t−1}",), ("c_{t−1}",)]


def test_in_words() -> None:
    said = {vertex.id: sentence for vertex, sentence in graph(REGISTRY["recurrent.gru_cell"].definition).text()}

    assert said["W_xz"] == "W_xz (d, u), a weight"
    assert said["0"] == "r (u) = σ of x W_xr + h W_hr + b_r"
    assert said["2.args0.args0.args1.args0"] == "r ⊙ h (u) = ⊙ of r, h"
    assert said["3"] == "result (u) = + of z ⊙ h, (1 − z) ⊙ h̃"


def test_a_number_is_written_in_its_operation() -> None:
    figure = graph(probe("sqrt(s / n) * a - 1 * b"))

    assert {"/ n", "1 ×", "√", "×", "−"} <= {vertex.operation for vertex in figure.vertices}
    assert "n" not in {vertex.id for vertex in figure.vertices}


def test_no_box_is_on_another() -> None:
    """In a row, boxes keep their distance; every edge goes down."""
    random = Random(1)
    for _ in range(60):
        names = [f"v{number}" for number in range(random.randint(1, 25))]
        edges = [(a, b) for place, b in enumerate(names) for a in random.sample(names[:place], min(place, 2))]
        widths = {name: random.uniform(10, 120) for name in names}
        layout = layered(widths, edges, gap=10)
        rows: dict[int, list[str]] = {}
        for name in sorted(names, key=lambda each: layout.x[each]):
            rows.setdefault(layout.row[name], []).append(name)
        for row in rows.values():
            for left, right in pairwise(row):
                assert layout.x[right] - layout.x[left] >= (widths[left] + widths[right]) / 2 + 10 - 1e-6
        assert all(layout.row[a] < layout.row[b] for a, b in edges)
        assert min(layout.x[name] - widths[name] / 2 for name in names) >= -1e-6
        assert max(layout.x[name] + widths[name] / 2 for name in names) <= layout.width + 1e-6


def test_places_are_as_near_as_can_be() -> None:
    """Two boxes that want one place lie on both sides of it; those that have room lie where they want."""
    widths = dict.fromkeys("abc", 10.0)

    assert spread([0.0, 0.0, 100.0], "abc", widths, 10.0) == {"a": -10.0, "b": 10.0, "c": 100.0}


def test_an_accent_has_no_width() -> None:
    assert columns("h̃") == 1
