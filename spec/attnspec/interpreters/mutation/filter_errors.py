"""Of two filters of the same elements, one comes first, and the other sees only what that one leaves.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.language.traversal import map_node, nodes
from attnspec.language.tree import Apply, At, Definition, Line, Name, Node, Number, Position, Reduce, Stack

LEFT = "_left"
"""What follows the name of an array in that of what a filter leaves of it."""


def filter_errors(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation that keeps elements under two conditions, with one of these asked first."""
    for root in definition.roots:
        for node in nodes(root):
            match node:
                case Apply(
                    op="where", args=(Apply(op="and") as both, At(array=Name(), places=(Position(),)) as kept, _)
                ):
                    for asked in _parts(both):
                        yield from _asked_first(definition, asked, kept)


def _parts(condition: Node) -> Iterator[Node]:
    """The conditions that are asked together."""
    if isinstance(condition, Apply) and condition.op == "and":
        for each in condition.args:
            yield from _parts(each)
    else:
        yield condition


def _asked_first(definition: Definition, asked: Node, kept: At) -> Iterator[Mutant]:
    """A line that sums over elements sums over those that a condition leaves; the others are 0."""
    array, (place,) = kept.array, kept.places
    assert isinstance(array, Name)
    assert isinstance(place, Position)
    left = Stack(Apply("where", (asked, kept, Number(0.0))), (place.index,))
    name = array.id + LEFT
    for k, line in enumerate(definition.lines):
        summed = {node.index for node in nodes(line.value) if isinstance(node, Reduce)}

        def change(node: Node, summed: set[str] = summed) -> Node:
            match node:
                case At(array=found, places=(Position(index=index),)) if found == array and index in summed:
                    return At(Name(name), node.places)
            return node

        changed = map_node(line.value, change)
        lines = (*definition.lines[:k], Line((name,), left), replace(line, value=changed), *definition.lines[k + 1 :])
        tree = replace(definition, lines=lines)
        if changed != line.value and is_well_formed(tree):
            target, condition = ", ".join(line.targets), text_of(asked, definition)
            says = f"in {target}: {text_of(array, definition)} is 0 already where {condition} does not hold"
            yield Mutant(f"{target}/asked-first/{condition}", says, tree)
