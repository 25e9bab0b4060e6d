"""The figure shows the data flow that the equation has: nothing more, nothing less, and nothing on top of another."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable
from graphlib import TopologicalSorter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.errors import NotationError
from attnspec.interpreters.figure.graph import GIVEN, LINE, RESULT, STATE, WEIGHT, Graph, graph
from attnspec.interpreters.figure.layout import layered, spread
from attnspec.interpreters.figure.svg import columns, svg
from attnspec.interpreters.figure.unrolled import STEPS, unrolled
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


def used(node: ast.AST) -> set[str]:
    """The names that Python reads in an expression, without the parameters of its lambdas."""
    own = {argument.arg for argument in node.args.args} if isinstance(node, ast.Lambda) else set()
    name = {node.id} if isinstance(node, ast.Name) else set()
    return (name | {each for child in ast.iter_child_nodes(node) for each in used(child)}) - own


def uses(function: Callable[..., Any]) -> tuple[list[str], dict[str, set[str]]]:
    """The arguments of a function, and {name that its body assigns: the arguments and assigned names that it reads}, as
    Python's own parser has them; the results are called "return 0" and so on."""
    [body] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(body, ast.FunctionDef)
    given = [argument.arg for argument in body.args.args]
    read: dict[str, set[str]] = {}
    for statement in body.body:
        assigned: list[tuple[Iterable[str], ast.expr]] = []
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                assigned = [([*used(target)], value) for target, value in zip(targets, values, strict=True)]
            case ast.Assign(targets=[target], value=value):
                assigned = [(sorted(used(target)), value)]
            case ast.Return(value=ast.Tuple(elts=values)):
                assigned = [([f"return {place}"], value) for place, value in enumerate(values)]
            case ast.Return(value=ast.expr() as value):
                assigned = [(["return 0"], value)]
        for names, value in assigned:
            match value:
                case ast.Call(func=ast.Name(id="index" | "indices" | "size")):  # they are no arrays
                    continue
            read |= dict.fromkeys(names, used(value) & {*given, *read})
    return given, read


@pytest.mark.parametrize("id", [item.id for item in EQUATIONS])
def test_the_figure_is_the_graph_of_definitions_and_uses(id: str) -> None:
    """Python's own parser finds the same names in the body of the function, and the same reads from name to name: each
    argument and each assigned name is one vertex."""
    equation = REGISTRY[id]
    figure, definition = graph(equation.definition), equation.definition
    named = [line.targets for line in definition.lines] + [(f"return {k}",) for k in range(len(definition.returns))]
    kinds = {vertex.id: vertex.kind for vertex in figure.vertices}
    of_vertex = {name: {name} for name in kinds if kinds[name] in (GIVEN, WEIGHT)}
    of_vertex |= {str(root): {*names} for root, names in enumerate(named)}
    found = {
        name: {each for source in named_reads(figure, str(root)) for each in of_vertex[source]}
        for root, names in enumerate(named)
        for name in names
    }
    given, read = uses(equation.function)

    assert [name for name in kinds if kinds[name] in (GIVEN, WEIGHT)] == given
    assert sorted(found) == sorted(read)
    together = {name: {*names} for names in named for name in names}  # states of one recurrence are one vertex
    assert found == {name: {each for one in names for each in together.get(one, {one})} for name, names in read.items()}


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


RECURRENCES = [item.id for item in EQUATIONS if any(edge.is_loop for edge in graph(item.definition).edges)]


@pytest.mark.parametrize("id", RECURRENCES)
def test_a_recurrence_is_written_out_step_by_step(id: str) -> None:
    """Each step reads the one before it, the first one the starts; what a step has for itself, such as x_t, is another
    vertex in each step. Every vertex is drawn, with a key of the formula."""
    definition = REGISTRY[id].definition
    steps = unrolled(graph(definition))
    assert steps is not None
    sources = {vertex.id: [e.source for e in steps.edges if e.target == vertex.id] for vertex in steps.vertices}
    keys = set(re.findall('data-key="([^"]*)"', mathml(definition)))
    drawn = [item.attrib["data-vertex"] for item in ET.fromstring(svg(steps)).iter() if "data-vertex" in item.attrib]

    for made in {edge.source for edge in graph(definition).edges if edge.is_loop}:
        own = [{*sources[f"{made}@{number}"]} for number in range(STEPS)]
        for number in range(1, STEPS):
            assert f"{made}@{number - 1}" in own[number]
            assert not own[number] & own[number - 1], "weights and other constants are left out"
        assert own[0]
        assert sources[f"{made}@more"] == [f"{made}@{STEPS - 1}"]
    assert {vertex.key for vertex in steps.vertices} <= keys
    assert sorted(drawn) == sorted(sources)


def test_the_first_steps_of_a_gru_in_words() -> None:
    steps = unrolled(graph(REGISTRY["recurrent.gru"].definition))

    assert steps is not None
    assert [sentence for _, sentence in steps.text()] == [
        "h_0 (u), given",
        "x_{t=0}, given",
        "h_{t=0} = gru_cell of h_0, x_{t=0}",
        "x_{t=1}, given",
        "h_{t=1} = gru_cell of h_{t=0}, x_{t=1}",
        "x_{t=2}, given",
        "h_{t=2} = gru_cell of h_{t=1}, x_{t=2}",
        "and so on = ⋮ of h_{t=2}",
    ]
    assert unrolled(graph(REGISTRY["recurrent.gru_cell"].definition)) is None


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
