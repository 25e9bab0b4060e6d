"""Sums that run on beyond the end of a row, up to a whole tile, into the rows behind it; behind the last row are zeros.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.mutation.size_errors import PADDED
from attnspec.interpreters.mutation.tiling_errors import second_name, with_second_names
from attnspec.language.traversal import map_node, nodes, with_roots
from attnspec.language.tree import Apply, At, Definition, Name, Node, Position, Reduce, SizeOf, Stack


def sums_beyond(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation whose sums over an argument run on, for each pair of axes that lie side by side."""
    second = with_second_names(definition)
    for parameter in definition.parameters:
        if parameter.kind != "float":
            continue
        read = [node for root in definition.roots for node in nodes(root) if _is_of(node, parameter.name)]
        pairs = [pair for node in read if isinstance(node, At) for pair in pairwise(node.places)]
        for row, place in dict.fromkeys(pairs):
            if not (isinstance(row, Position) and isinstance(place, Position)):
                continue
            for words, padded in PADDED.items():
                size = SizeOf(definition.ranges[place.index])
                beyond = Beyond(definition, parameter.name, row.index, place.index, size, padded(size))
                roots = [map_node(root, beyond.sum) for root in definition.roots]
                tree = with_roots(second, roots)
                if tree != second and is_well_formed(tree):
                    shown = text_of(Name(parameter.name), definition)
                    says = (
                        f"sums over {place.index} of {shown} run on up to {words}, into the next places of {row.index}"
                    )
                    yield Mutant(f"{row.index}-{place.index}/beyond/{words}", says, tree)


def _is_of(node: Node, name: str) -> bool:
    return isinstance(node, At) and node.array == Name(name)


class Beyond:
    """A sum over the places of a row, with what is beyond its end.

    Args:
        definition: the equation.
        name: the argument.
        row: the index of its rows.
        place: the index along a row.
        size: the length of a row.
        padded: up to where sums run.
    """

    def __init__(self, definition: Definition, name: str, row: str, place: str, size: Node, padded: Node) -> None:
        self.name, self.row, self.place = name, row, place
        self.lines = {line.targets[0]: line.value for line in definition.lines if len(line.targets) == 1}
        own, other = Position(row), Position(second_name(row))
        ahead = Apply("+", (Apply("*", (Apply("-", (other, own)), size)), Position(place)))
        self.where = Apply("and", (Apply("<", (own, other)), Apply("<", (ahead, padded))))

    def sum(self, node: Node) -> Node:
        """A sum over the places, and what it reads beyond; any other node as it is."""
        if not isinstance(node, Reduce) or (node.op, node.index, node.where) != ("sum", self.place, None):
            return node
        term = map_node(node.term, self._written_out)
        other = map_node(term, self._of_other_row)
        if other == term:
            return node
        inner = Reduce("sum", self.place, other, self.where)
        return Apply("+", (node, Reduce("sum", second_name(self.row), inner)))

    def _written_out(self, node: Node) -> Node:
        """What a line has at its own places, if it reads the argument."""
        if isinstance(node, At) and isinstance(node.array, Name):
            value = self.lines.get(node.array.id)
            if isinstance(value, Stack) and node.places == tuple(map(Position, value.indices)):
                return value.array if any(_is_of(part, self.name) for part in nodes(value.array)) else node
        return node

    def _of_other_row(self, node: Node) -> Node:
        if isinstance(node, At) and _is_of(node, self.name):
            own, other = Position(self.row), Position(second_name(self.row))
            return replace(node, places=tuple(other if each == own else each for each in node.places))
        return node
