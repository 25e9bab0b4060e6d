"""The tools for trees reach every node, once, also in what an equation calls; and they change what they say."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from attnspec import REGISTRY
from attnspec.language.dims import Dim
from attnspec.language.traversal import (
    call_by_name,
    callees,
    map_definition,
    map_node,
    map_throughout,
    node_at,
    nodes,
    nodes_throughout,
    reads,
    replace_callee,
    scans_around,
    substitute,
    walk,
    with_roots,
)
from attnspec.language.tree import Apply, Concat, Definition, Last, Name, Node, Number, Reshape, Scan, Zeros
from trees import read

EQUATIONS = [item.id for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]
STACKED = REGISTRY["recurrent.stacked_lstm"].definition
RESHAPED = replace(REGISTRY["multihead.split"].definition, returns=(Reshape(Name("x"), (1, 0), (Dim.parse("d*n"),)),))
"""No equation has a `Reshape`: only mutants do."""

DEFINITIONS = {**{id: REGISTRY[id].definition for id in EQUATIONS}, "reshaped": RESHAPED}
CALLING = {id: definition for id, definition in DEFINITIONS.items() if any(callees(definition))}
MARK = Name("mark")

of_all = pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
of_callers = pytest.mark.parametrize("definition", CALLING.values(), ids=CALLING)


def size(value: Any) -> int:
    """How many nodes a value holds, whatever its fields and tuples; a callee is not counted."""
    if isinstance(value, tuple):
        return sum(map(size, value))
    if isinstance(value, Node):
        return 1 + sum(size(getattr(value, item.name)) for item in fields(value))
    return 0


def test_the_equations_have_every_kind_of_node() -> None:
    """So what holds of them holds of every kind."""
    found = {type(node) for definition in DEFINITIONS.values() for node in nodes(definition)}

    assert found == set(get_args(Node))


@of_all
def test_walk_visits_each_node_once(definition: Definition) -> None:
    """Each by its own path, and a node before those below it."""
    for root in definition.roots:
        found = dict(walk(root))

        assert len(list(walk(root))) == len(found) == size(root)
        assert all(node_at(root, path) is node for path, node in found.items())
        assert all(not path or path[:-1] in list(found)[:place] for place, path in enumerate(found))


@of_all
def test_what_is_substituted_stands_there_and_nothing_else_changes(definition: Definition) -> None:
    """A node in its own place changes nothing; another one stands at the path until the first is put back."""
    for root in definition.roots:
        for path, node in walk(root):
            changed = substitute(root, path, MARK)

            assert substitute(root, path, node) == root != changed
            assert node_at(changed, path) == MARK
            assert substitute(changed, path, node) == root


def test_a_path_to_nowhere_is_an_error() -> None:
    root = Apply("neg", (Name("a"),))
    for path in ((("args", 1),), (("args", None),), (("term", None),), (("args", 0), ("args", 0))):
        with pytest.raises(LookupError):
            node_at(root, path)
        with pytest.raises(LookupError):
            substitute(root, path, MARK)


@of_all
def test_a_change_that_changes_nothing_gives_the_same_tree(definition: Definition) -> None:
    """The same object where every node is kept; an equal tree where each is copied."""
    assert all(map_node(root, lambda node: node) is root for root in definition.roots)
    assert with_roots(definition, definition.roots) == definition
    assert map_definition(definition, lambda node: replace(node)) == definition
    assert map_throughout(definition, lambda node, _: replace(node)) is definition


def test_fewer_roots_than_lines_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        with_roots(STACKED, ())


def test_a_change_sees_what_has_become_of_the_parts() -> None:
    """Sums are worked out from the inside, in one pass, and a change inside another is not lost."""

    def worked_out(node: Node) -> Node:
        match node:
            case Apply(op="+", args=(Number(value=a), Number(value=b))):
                return Number(a + b)
        return node

    one, x = Number(1.0), Name("x")
    sums = Apply("*", (Apply("+", (Apply("+", (one, one)), one)), x))

    assert map_node(sums, worked_out) == Apply("*", (Number(3.0), x))


def joined(node: Node, _: Definition) -> Node:
    return Concat(node.args) if isinstance(node, Apply) else node


@of_all
def test_a_change_throughout_reaches_every_callee(definition: Definition) -> None:
    """It leaves no node of the old kind anywhere below, as the text of the whole tree shows, and changes no other."""
    changed = map_throughout(definition, joined)
    kinds = [Concat if isinstance(node, Apply) else type(node) for node in nodes_throughout(definition)]

    assert "Apply(" not in repr(changed)
    assert [type(node) for node in nodes_throughout(changed)] == kinds


@of_all
def test_nodes_throughout_are_those_of_the_text(definition: Definition) -> None:
    """The text of an equation writes every callee out: each node as often as it is found."""
    kinds = "|".join(kind.__name__ for kind in get_args(Node))
    written = Counter(re.findall(rf"\b({kinds})\(", repr(definition)))

    assert Counter(type(node).__name__ for node in nodes_throughout(definition)) == written


def renamed(definition: Definition) -> Definition:
    return replace(definition, id=f"{definition.id}/changed")


def definitions(definition: Definition) -> list[Definition]:
    """An equation and all that it calls."""
    return [definition, *(below for callee in callees(definition) for below in definitions(callee))]


@of_callers
def test_only_what_is_changed_is_renamed(definition: Definition) -> None:
    """Ids stay, or are what `after` makes of them: in each equation with a change in it or below, and in no other."""

    def change(node: Node, _: Definition) -> Node:
        return replace(node, op="tanh") if isinstance(node, Apply) and node.op == "sigmoid" else node

    def has_sigmoid(tree: Definition) -> bool:
        return any(isinstance(node, Apply) and node.op == "sigmoid" for node in nodes_throughout(tree))

    below = definitions(definition)
    kept, suffixed = (definitions(map_throughout(definition, change, after)) for after in (lambda tree: tree, renamed))

    assert [tree.id for tree in kept] == [tree.id for tree in below]
    assert [tree.id for tree in suffixed] == [renamed(tree).id if has_sigmoid(tree) else tree.id for tree in below]
    assert all(new is old for new, old in zip(suffixed, below, strict=True) if not has_sigmoid(old))


def test_a_change_knows_the_equation_that_it_is_in() -> None:
    homes: dict[str, set[str]] = {}

    def change(node: Node, home: Definition) -> Node:
        homes.setdefault(type(node).__name__, set()).add(home.id)
        return node

    map_throughout(STACKED, change)

    assert homes["Through"] == {"recurrent.stacked_lstm"}
    assert homes["Scan"] == {"recurrent.lstm"}
    assert homes["Apply"] == {"recurrent.lstm_cell"}


@of_callers
def test_a_callee_is_replaced_wherever_it_is_called(definition: Definition) -> None:
    """By calls and through layers, and no other callee is."""
    called = list(callees(definition))
    for old in called:
        found = callees(replace_callee(definition, old, renamed(old)))

        assert list(found) == [renamed(each) if each == old else each for each in called]


def test_layers_call_their_equation() -> None:
    assert [callee.id for callee in callees(STACKED)] == ["recurrent.lstm"]


@of_all
def test_a_call_by_name_takes_what_the_caller_has(definition: Definition) -> None:
    """What is given by name stands in place of that name, be it an array or an option."""
    names = [*(each.name for each in definition.parameters), *(each.name for each in definition.options)]

    assert call_by_name(definition, {}).callee is definition
    assert list(reads(call_by_name(definition, {}))) == names
    for name in names:
        found = reads(call_by_name(definition, {name: MARK}))

        assert list(found) == ["mark" if each == name else each for each in names]


SCANNED = """def f(x: Float[Tensor, "t d"], h: Float[Tensor, " d"], W: Float[Tensor, "d d"]) -> Float[Tensor, " d"]:
    t = index("t")
    s = scan(t, lambda a: tanh(x[t] + a @ W + a), h @ W)
    return last(t, s)
"""


def test_a_state_of_a_recurrence_is_not_read_from_outside() -> None:
    """Starts are read first, names as often as they are written."""
    tree = read(SCANNED)

    assert list(reads(tree.roots[0])) == ["h", "W", "x", "W"]
    assert list(reads(tree.roots[1])) == ["s"]


@of_all
def test_what_is_read_has_a_meaning_outside(definition: Definition) -> None:
    """It is a parameter, an option or the name of a line."""
    given = {*(each.name for each in definition.parameters), *(each.name for each in definition.options)}
    given |= {name for line in definition.lines for name in line.targets}

    assert {name for root in definition.roots for name in reads(root)} <= given


def test_a_path_into_a_step_is_inside_its_recurrence() -> None:
    """A start is not, and inside a recurrence in another's step there are two."""
    inner = Scan("j", ("b",), Apply("+", (Name("a"), Name("b"))), (Zeros((Dim.parse("d"),)),))
    outer = Scan("i", ("a",), Apply("neg", (Last("j", inner),)), (Name("x"),))
    found = {node: list(scans_around(outer, path)) for path, node in walk(outer)}

    assert found[outer] == found[Name("x")] == []
    assert found[inner] == found[inner.starts[0]] == [outer]
    assert found[Name("a")] == found[Name("b")] == found[inner.body] == [outer, inner]
