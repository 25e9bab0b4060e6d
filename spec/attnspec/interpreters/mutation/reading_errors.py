"""Mistakes with where arrays are read: at the first place alone, or without the offset that places of them have.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.language.traversal import map_node, nodes, with_roots
from attnspec.language.tree import ZERO, Apply, At, Definition, Name, Node, Number, Position, SizeOf

MOST_ARRAYS = 4
"""Of lines that read more arrays at one offset, none is read without it."""


def reading_errors(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with one of these mistakes."""
    yield from first_places(definition)
    yield from without_offsets(definition)


def first_places(definition: Definition) -> Iterator[Mutant]:
    """An array is read at its first place for all, in one reading, as where a number is expected."""
    for place in everywhere(definition):
        match place.node:
            case At(array=Name(), places=places) if "/" not in place.label:
                for k, at in enumerate(places):
                    if not isinstance(at, Position) or at.index in place.site.bound:
                        continue
                    first = (*places[:k], Apply("*", (ZERO, at)), *places[k + 1 :])
                    tree = place.put(At(place.node.array, first))
                    if is_well_formed(tree):
                        shown = place.site.show(place.node)
                        says = f"in {place.line}: {shown} is read at the first {at.index} for all"
                        yield Mutant(f"{place.label}/first/{at.index} of {shown}", says, tree)


def without_offsets(definition: Definition) -> Iterator[Mutant]:
    """Several arrays that a line reads at an offset are read without it."""
    for k, root in enumerate(definition.roots):
        read = [node for node in nodes(root) if isinstance(node, At) and isinstance(node.array, Name)]
        for offset in dict.fromkeys(place for node in read for place in node.places if _is_offset(place)):
            arrays = [*dict.fromkeys(node.array for node in read if offset in node.places)]
            for count in range(2, len(arrays) + 1) if len(arrays) <= MOST_ARRAYS else ():
                for chosen in combinations(arrays, count):
                    yield from _without(definition, k, offset, chosen)


def _without(definition: Definition, root: int, offset: Node, arrays: Sequence[Node]) -> Iterator[Mutant]:
    plain = next(part for part in nodes(offset) if isinstance(part, Position))

    def change(node: Node) -> Node:
        if isinstance(node, At) and node.array in arrays:
            return At(node.array, tuple(plain if place == offset else place for place in node.places))
        return node

    roots = [map_node(each, change) if k == root else each for k, each in enumerate(definition.roots)]
    tree = with_roots(definition, roots)
    if is_well_formed(tree):
        lines = [*(", ".join(line.targets) for line in definition.lines), *("the result",) * len(definition.returns)]
        names = " and ".join(text_of(each, definition) for each in arrays)
        at, instead = text_of(plain, definition), text_of(offset, definition)
        says = f"in {lines[root]}: {names} are read at {at} instead of {instead}"
        yield Mutant(f"{lines[root]}/without-offset/{names}", says, tree)


def _is_offset(place: Node) -> bool:
    """Whether a place is an index and a size or a number that is added."""
    match place:
        case Apply(op="+", args=(one, other)):
            parts = {type(one), type(other)}
            return Position in parts and bool(parts & {SizeOf, Number, Name})
    return False
