"""Sums of which a part alone counts, as in kernels that run through tiles, and sums over another axis.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains. No two positions of an axis are related, so that long axes cost little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.mutation.reduction_errors import along_row, with_row_indices
from attnspec.interpreters.mutation.tiling_errors import in_whole_tiles, restricted
from attnspec.language.traversal import map_definition, map_node, nodes, with_roots
from attnspec.language.tree import (
    ONE,
    SOFTMAXES,
    ZERO,
    Apply,
    At,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    SizeOf,
    Stack,
)

TILES = (16, 32, 64, 128)
"""Sizes of a tile that are tried besides those of the candidate's code."""

FIRSTS = (64, 128, 256, 512, 1024)
"""So many terms may count, besides the numbers of the candidate's code."""


def partial_sums(definition: Definition, further: Iterable[int] = ()) -> Iterator[Mutant]:
    """The variants of an equation with one sum, mean, softmax or product that reads only a part of its axis.

    Args:
        further: sizes that are tried besides the usual ones.
    """
    further = [*further]
    parts = [*_parts(dict.fromkeys((*further, *TILES)), dict.fromkeys((*further, *FIRSTS)))]
    yield from _throughout(definition, dict.fromkeys((*further, *FIRSTS)))
    yield from _of_all_rows(definition, dict.fromkeys((*further, *FIRSTS)))
    for place in everywhere(definition):
        if isinstance(place.node, Reduce):
            yield from _variants(place, _of_reduction(place, place.node, parts))
    for place in everywhere(with_row_indices(definition)):
        if isinstance(place.node, Apply) and place.node.op == "@":
            yield from _variants(place, _of_product(place, place.node, parts))


def _throughout(definition: Definition, firsts: Iterable[int]) -> Iterator[Mutant]:
    """The same in all sums over an index that has several, whose means may be over the terms that count."""
    counts = Counter(node.index for root in definition.roots for node in nodes(root) if isinstance(node, Reduce))
    for index, size in ((index, SizeOf(definition.ranges[index])) for index, count in counts.items() if count > 1):
        for first in firsts:
            number = Number(float(first))
            short = Apply("where", (Apply("<", (size, number)), size, number))
            for words, length in ((", also in means", short), ("", size)):

                def change(node: Node, number: Number = number, length: Node = length, index: str = index) -> Node:
                    if node == size:  # noqa: B023  # called at once
                        return length
                    if not isinstance(node, Reduce) or node.index != index or node.op in SOFTMAXES:
                        return node
                    seen = Apply("<", (Apply("*", (ONE, Position(index))), number))
                    return replace(node, where=seen if node.where is None else Apply("and", (node.where, seen)))

                tree = with_roots(definition, [map_node(root, change) for root in definition.roots])
                if is_well_formed(tree):
                    says = f"only the first {first:,} terms of each sum over {index} count{words}"
                    yield Mutant(f"every sum over {index}/first/{first}{words}", says, tree)


def _of_all_rows(definition: Definition, firsts: Iterable[int]) -> Iterator[Mutant]:
    """Only the first places of all rows are read, as of a width that is written into a kernel; the others are 0."""
    with_rows = with_row_indices(definition)
    arrays = {each.name: each.dims for each in definition.parameters if each.kind == "float" and each.dims}
    for first in firsts:
        number = Number(float(first))

        def change(node: Node, number: Number = number) -> Node:
            if not isinstance(node, Name) or node.id not in arrays:
                return node
            along = tuple(along_row(dim) for dim in arrays[node.id])
            seen = Apply("<", (Apply("*", (ONE, Position(along[-1]))), number))
            return Stack(Apply("where", (seen, At(node, tuple(map(Position, along))), ZERO)), along)

        tree = map_definition(with_rows, change)
        if arrays and is_well_formed(tree):
            says = f"only the first {first:,} places of the rows of all arguments are read, the others are 0"
            yield Mutant(f"every row/first/{first}", says, tree)


def other_axes(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with one sum, mean or maximum over another axis of its terms."""
    for place in everywhere(definition):
        match place.node:
            case Reduce(op="sum" | "max" | "argmax", index=index) as node:
                names = place.site.type_of(node).names - {*place.site.bound}
                shown = place.site.show(node)
                changes = ((f"over/{other}", f"{shown} is over {other}, not over {index}", replace(node, index=other))
                           for other in sorted(names - {index}))  # fmt: skip
                yield from _variants(place, changes)


def _variants(place: Occurrence, changes: Iterable[tuple[str, str, Node]]) -> Iterator[Mutant]:
    for name, sentence, new in changes:
        tree = place.put(new)
        if is_well_formed(tree):
            yield Mutant(f"{place.label}/{name}", f"in {place.line}: {sentence}", tree)


Part = tuple[str, str, str, Number]
"""Of an axis: id, sentence, and "last" tile, "whole" tiles, "first" places or those "from" one on, with the number."""


def _parts(tiles: Collection[int], firsts: Iterable[int]) -> Iterator[Part]:
    for tile in tiles:
        says = f"only the terms of the last tile of {tile} count, as if each tile overwrote the one before"
        yield f"last-tile/{tile}", says, "last", Number(float(tile))
    for first in firsts:
        yield f"first/{first}", f"only the first {first:,} terms count", "first", Number(float(first))
    for tile in tiles:
        says = f"the terms of a last tile of {tile} that is not full do not count, unless it is the only one"
        yield f"whole-tiles/{tile}", says, "whole", Number(float(tile))
    yield "from/1", "the first term does not count", "from", ONE


def _within(index: str, size: Node, which: str, number: Number) -> Node:
    """The condition that a place is in a part."""
    place = Apply("*", (ONE, Position(index)))
    if which == "first":
        return Apply("<", (place, number))
    if which == "from":
        return Apply(">=", (place, number))
    if which == "whole":
        return in_whole_tiles(index, size, int(number.value))
    start = Apply("*", (Apply("//", (Apply("-", (size, ONE)), number)), number))
    return Apply(">=", (place, start))


def _of_reduction(place: Occurrence, node: Reduce, parts: Iterable[Part]) -> Iterator[tuple[str, str, Node]]:
    size, shown = SizeOf(place.site.definition.ranges[node.index]), place.site.show(node)
    for name, sentence, which, number in parts:
        seen = _within(node.index, size, which, number)
        if node.op in SOFTMAXES:
            yield f"{name}/{node.index}", f"of {shown} {sentence}", restricted(node, seen)
        elif not isinstance(node.term, Number) or (which == "from" and node.where is not None):
            where = seen if node.where is None else Apply("and", (node.where, seen))
            yield f"{name}/{node.index}", f"of {shown} {sentence}", replace(node, where=where)


def _of_product(place: Occurrence, node: Apply, parts: Iterable[Part]) -> Iterator[tuple[str, str, Node]]:
    row, array = node.args
    dims = place.site.type_of(row).dims
    along = along_row(dims[0]) if len(dims) == 1 else ""
    if along not in place.site.definition.ranges:
        return
    for name, sentence, which, number in parts:
        seen = _within(along, SizeOf(dims[0]), which, number)
        kept = Apply("where", (seen, At(row, (Position(along),)), ZERO))
        yield name, f"of {place.site.show(node)} {sentence}", Apply("@", (Stack(kept, (along,)), array))
