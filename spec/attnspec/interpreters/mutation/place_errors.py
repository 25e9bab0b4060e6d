"""Mistakes with the places along an axis: counted from 1, paired with the one half of the axis away, numbered as pairs
are in another order, read in tiles, or taken for those along another axis.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import combinations

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.free_numbers import is_compared, is_float, leads_to_value
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.mutation.operators import must_equal
from attnspec.language.check import infer
from attnspec.language.dims import Dim
from attnspec.language.traversal import Path, map_node, nodes, replace_node, substitute, walk, with_roots
from attnspec.language.tree import (
    ONE,
    TWO,
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

TILES = (4, 8, 16, 32, 64, 128)
"""The sizes of a tile."""

THREADS = (32, 64, 128, 256)
"""How many threads take turns along an axis."""


def place_errors(definition: Definition, tiles: Iterable[int] = ()) -> Iterator[Mutant]:
    """The variants of an equation with one of these mistakes, made wherever an index is used as a number.

    Args:
        tiles: sizes of tiles that are tried besides the usual ones, and after which places may begin again.
    """
    tiles = [*tiles]
    for index, _ in definition.indices:
        for mutant in (
            *_from_one(definition, index),
            *_other_pairs(definition, index),
            *_last_of_threads(definition, index, [*dict.fromkeys((*tiles, *THREADS))]),
            *_first_of_tiles(definition, index, [*dict.fromkeys((*tiles, *TILES))]),
        ):
            if is_well_formed(mutant.definition):
                yield mutant
    yield from wrapped_places(definition, tiles)
    yield from _other_numbers(definition)
    yield from _from_their_end(definition)
    yield from _of_other_axes(definition)
    yield from _of_numbers_of_rows(definition)
    yield from _beyond_the_ends(definition)
    yield from _mirrored(definition)
    yield from _exchanged(definition)


def wrapped_places(definition: Definition, lengths: Iterable[int]) -> Iterator[Mutant]:
    """The places of an index begin again after so many, as those of a table that is read round its end."""
    for index, _ in definition.indices:
        for length in lengths:
            again = Apply("%", (Position(index), Number(float(length))))
            tree = _with_numbers(definition, index, again)
            if tree != definition and is_well_formed(tree):
                yield Mutant(f"{index}/wrapped-{length}", f"the places of {index} begin again after {length}", tree)


def _of_other_axes(definition: Definition) -> Iterator[Mutant]:
    """An array is read at the place of another index, as broadcasting does where two axes are as long."""
    for place in everywhere(definition):
        match place.node:
            case At(array=array, places=places) if "/" not in place.label:
                own = [each.index for each in places if isinstance(each, Position)]
                for index in own:
                    for other, range_ in definition.ranges.items():
                        if other in own or {index, other} & place.site.bound:
                            continue
                        number = Apply("*", (ONE, Position(other)))  # its range is that of another axis
                        moved = tuple(number if each == Position(index) else each for each in places)
                        at_all = Apply(">=", (Position(index), ZERO))  # the index stays an axis
                        tree = place.put(Apply("where", (at_all, At(array, moved), place.node)))
                        if is_well_formed(tree):
                            shown = At(array, tuple(Position(other) if each == number else each for each in moved))
                            equal = must_equal(definition.ranges[index], range_)
                            where = "".join(f" where {one} = {two}" for one, two in equal)
                            words = f"{place.site.show(shown)} is read instead of {place.site.show(place.node)}{where}"
                            id = f"{place.label}/{other} for {index} of {place.site.show(place.node)}"
                            yield Mutant(id, f"in {place.line}: {words}", tree, equal_sizes=equal)


def _of_numbers_of_rows(definition: Definition) -> Iterator[Mutant]:
    """An array is read at the remainder or the quotient of the number of a row, as if rows were laid out otherwise."""
    for place in everywhere(definition):
        match place.node:
            case At(array=Name() as array, places=(Position(index=own),)) if "/" not in place.label:
                for other, number in _numbers_of_rows(place, own):
                    at_all = Apply(">=", (Position(own), ZERO))  # the index stays an axis
                    tree = place.put(Apply("where", (at_all, At(array, (number,)), place.node)))
                    if is_well_formed(tree):
                        shown, also = place.site.show(place.node), place.site.show(At(array, (number,)))
                        says = f"in {place.line}: {also} is read instead of {shown}"
                        yield Mutant(f"{place.label}/row of {own} and {other}/{also}", says, tree)


def _numbers_of_rows(place: Occurrence, own: str) -> Iterator[tuple[str, Node]]:
    """The other index of rows that are numbered through, and what is taken for the place along the own one."""
    ranges, root = place.site.definition.ranges, place.site.root
    types = infer(root.array if isinstance(root, Stack) else root, place.site.scope)
    named = {name for each in types for name in each.names}
    for other in ranges:
        if other == own or other not in named or {own, other} & place.site.bound:
            continue
        size, others = SizeOf(ranges[own]), SizeOf(ranges[other])
        for op, first, then, width, divisor in (
            ("%", own, other, others, size),
            ("//", other, own, size, others),
        ):
            row = Apply("+", (Apply("*", (Position(first), width)), Position(then)))
            yield other, Apply(op, (row, divisor))


def _beyond_the_ends(definition: Definition) -> Iterator[Mutant]:
    """Beyond the ends of an axis, where zeros belong, an array goes on at its other end, backwards, or with its end."""
    for place in everywhere(definition):
        match place.node:
            case At(array=array, places=places) if "/" not in place.label:
                dims, shown = place.site.type_of(array).dims, place.site.show(place.node)
                for k, at in enumerate(places):
                    if not isinstance(at, Apply) or not any(isinstance(part, Position) for part in nodes(at)):
                        continue
                    for words, inside in _inside(at, SizeOf(dims[k])).items():
                        tree = place.put(At(array, (*places[:k], inside, *places[k + 1 :])))
                        if is_well_formed(tree):
                            says = f"in {place.line}: where {shown} is beyond an end, {words}"
                            yield Mutant(f"{place.label}/beyond-{words}/{shown}", says, tree)


def _inside(at: Node, size: Node) -> dict[str, Node]:
    """{what is read where a place is beyond an end: the place that is read}."""
    last, from_zero = Apply("-", (size, ONE)), Apply("abs", (at,))
    back = Apply("-", (Apply("*", (TWO, last)), from_zero))
    up_to_last = Apply("where", (Apply("<", (at, size)), at, last))
    return {
        "it goes on at the other end": Apply("%", (at, size)),
        "it is read backwards": Apply("where", (Apply("<", (from_zero, size)), from_zero, back)),
        "the end is repeated": Apply("where", (Apply("<", (at, ZERO)), ZERO, up_to_last)),
    }


def _mirrored(definition: Definition) -> Iterator[Mutant]:
    """Of what is computed for all pairs of places, those on one side of the diagonal are mirrored to the other."""
    for place in everywhere(definition):
        is_computed = place.node == place.site.root and isinstance(place.node, Apply | Reduce)
        if not is_computed or not is_float(place.node, place.site):
            continue
        named = place.site.type_of(place.node).names
        for i, j in combinations([index for index in place.site.definition.ranges if index in named], 2):
            ranges = place.site.definition.ranges
            swapped = map_node(place.node, _exchanging(i, j))
            for low, high in ((i, j), (j, i)):
                tree = place.put(Apply("where", (Apply("<=", (Position(low), Position(high))), place.node, swapped)))
                equal = must_equal(ranges[i], ranges[j]) if "/" not in place.label else ()
                if tree != definition and is_well_formed(tree):
                    first, second = (text_of(Position(each), place.site.definition) for each in (low, high))
                    words = f"where {first} > {second}, {i} and {j} are exchanged, as if it were symmetric"
                    says = f"in {place.line}: {words}"
                    yield Mutant(f"{place.label}/mirrored-{low}-{high}", says, tree, equal_sizes=equal)


def _exchanged(definition: Definition) -> Iterator[Mutant]:
    """A line of all pairs of places is read with its axes exchanged, as a matrix that is turned once too often."""
    for place in everywhere(definition):
        own = place.site.definition
        if not isinstance(place.node, Name) or not any(place.node.id in line.targets for line in own.lines):
            continue
        kind, ranges, shown = place.site.type_of(place.node), own.ranges, place.site.show(place.node)
        for i, j in combinations([index for index in ranges if index in kind.names], 2) if not kind.dims else ():
            turned = At(Stack(place.node, (i, j)), tuple(Apply("*", (ONE, Position(each))) for each in (j, i)))
            tree = place.put(turned)
            if is_well_formed(tree):
                sizes = must_equal(ranges[i], ranges[j])
                where = "".join(f" where {one} = {two}" for one, two in sizes)
                says = f"in {place.line}: {i} and {j} of {shown} are exchanged{where}"
                equal = sizes if "/" not in place.label else ()
                yield Mutant(f"{place.label}/exchanged-{i}-{j} of {shown}", says, tree, equal_sizes=equal)


def _exchanging(one: str, other: str) -> Callable[[Node], Node]:
    """Two indices exchanged, as numbers: the range of each is that of another axis."""
    numbers = {one: Apply("*", (ONE, Position(other))), other: Apply("*", (ONE, Position(one)))}

    def change(node: Node) -> Node:
        match node:
            case At(array=array, places=places):
                return At(
                    array,
                    tuple(numbers.get(each.index, each) if isinstance(each, Position) else each for each in places),
                )
        return node

    return change


def _first_of_tiles(definition: Definition, index: str, tiles: Sequence[int]) -> Iterator[Mutant]:
    """The places of a tile read the group of its first place, which may be another group than their own."""
    divided = [node for root in definition.roots for node in nodes(root) if _is_group(node, index)]
    for group in dict.fromkeys(divided):
        assert isinstance(group, Apply)
        place, length = group.args
        for tile in tiles:
            number = Number(float(tile))
            shorter = Apply("where", (Apply("<", (length, number)), length, number))
            for word, words, width in (
                ("", f"of {tile}", number),
                ("-within", f"of {tile}, or of the size of a group if that is smaller,", shorter),
            ):
                first = Apply("*", (Apply("//", (place, width)), width))
                roots = [replace_node(root, group, replace(group, args=(first, length))) for root in definition.roots]
                says = f"all places of a tile {words} along {index} read the group of the first one"
                yield Mutant(f"{index}/tile{word}/{tile}", says, with_roots(definition, roots))


def _last_of_threads(definition: Definition, index: str, threads: Sequence[int]) -> Iterator[Mutant]:
    """A thread that reads every so many places keeps the last of them for all, from some line on."""
    place, end = Position(index), Apply("-", (SizeOf(definition.ranges[index]), ONE))
    labels = [*(", ".join(line.targets) for line in definition.lines), *("the result",) * len(definition.returns)]
    for parameter in definition.parameters:
        read = {
            node
            for root in definition.roots
            for node in nodes(root)
            if isinstance(node, At) and node.array == Name(parameter.name) and place in node.places
        }
        lines = [k for k, root in enumerate(definition.roots) if read & {*nodes(root)}]
        for number in threads if parameter.kind == "float" else ():
            count = Number(float(number))
            rounds = Apply("//", (Apply("-", (end, place)), count))
            last = Apply("+", (place, Apply("*", (rounds, count))))

            def change(node: Node, read: set[At] = read, last: Node = last) -> Node:
                if node not in read or not isinstance(node, At):
                    return node
                return replace(node, places=tuple(last if each == place else each for each in node.places))

            for first in lines:
                roots = [map_node(root, change) if k >= first else root for k, root in enumerate(definition.roots)]
                since = "" if first == lines[0] else f", from {labels[first]} on"
                shown = text_of(Name(parameter.name), definition)
                says = f"each of {number} threads that take turns along {index} keeps its last {shown} for all"
                yield Mutant(f"{index}/last-of-{number}/{first}", f"{says}{since}", with_roots(definition, roots))


def _is_group(node: Node, index: str) -> bool:
    """Whether an expression is the number of the group that a place is in."""
    return isinstance(node, Apply) and node.op == "//" and node.args[0] == Position(index)


def _from_one(definition: Definition, index: str) -> Iterator[Mutant]:
    """The places of an index are counted from 1 in values, not in subscripts and conditions."""
    tree = _with_numbers(definition, index, Apply("+", (Position(index), ONE)))
    if tree != definition:
        yield Mutant(f"{index}/from-one", f"the places of {index} are counted from 1", tree)


def _with_numbers(definition: Definition, index: str, number: Node) -> Definition:
    """The equation with another number wherever an index is one."""
    roots = [
        reduce(lambda tree, path: substitute(tree, path, number), _as_numbers(root, index), root)
        for root in definition.roots
    ]
    return with_roots(definition, roots)


def _as_numbers(root: Node, index: str) -> Iterator[Path]:
    """Where an expression has an index as a number, outside of subscripts and conditions."""
    for path, node in walk(root):
        if node == Position(index) and leads_to_value(path) and not is_compared(root, path):
            yield path


def _other_pairs(definition: Definition, index: str) -> Iterator[Mutant]:
    """Halves of an axis of even size where the equation has pairs of neighbours, and neighbours where it has halves."""
    half = definition.ranges[index].share(2)
    uses = [node for root in definition.roots for node in nodes(root) if isinstance(node, Apply | At)]
    if half is None or not any(_is_arithmetic_on(node, index) for node in uses):
        return
    for name, one, other, words in (
        ("halves", TWO, SizeOf(half), "half of the axis apart instead of neighbours"),
        ("neighbours", SizeOf(half), TWO, "neighbours instead of half of the axis apart"),
    ):
        roots = [_laid_out(definition, root, index, one, other) for root in definition.roots]
        if roots != [*definition.roots]:
            says = f"the pairs along {index} are {words}"
            yield Mutant(f"{index}/{name}", says, with_roots(definition, roots))


def _other_numbers(definition: Definition) -> Iterator[Mutant]:
    """The number of a pair or a group along an axis of two factors is that of another order, in one place alone."""
    for place in everywhere(definition):
        match place.node:
            case Apply(op="//" | "%", args=(Position(index=index) as at, _)) if not place.compared:
                dim = place.site.definition.ranges[index]
                sizes: list[Node] = (
                    [SizeOf(Dim.parse(name)) for name in sorted(dim.names)] if len(dim.names) > 1 else []
                )
                half = dim.share(2)
                sizes += [TWO, SizeOf(half)] if half is not None else []
                for other in (Apply(op, (at, size)) for size in sizes for op in ("//", "%")):
                    tree = place.put(other)
                    if other != place.node and is_well_formed(tree):
                        says = f"{place.site.show(other)} is used instead of {place.site.show(place.node)}"
                        id = f"{place.label}/{place.site.show(other)} for {place.site.show(place.node)}"
                        yield Mutant(id, f"in {place.line}: {says}", tree)


def _from_their_end(definition: Definition) -> Iterator[Mutant]:
    """One of two indices of a place is counted from its end, as in a convolution in place of a correlation."""
    for place in everywhere(definition):
        match place.node:
            case At(array=array, places=places) if "/" not in place.label:
                for k, at in enumerate(places):
                    within = [*dict.fromkeys(part.index for part in nodes(at) if isinstance(part, Position))]
                    for index in within if len(within) > 1 else ():
                        last = Apply("-", (SizeOf(definition.ranges[index]), ONE))
                        turned = replace_node(at, Position(index), Apply("-", (last, Position(index))))
                        other = At(array, (*places[:k], turned, *places[k + 1 :]))
                        tree = place.put(other)
                        if is_well_formed(tree):
                            says = f"in {place.line}: {index} of {place.site.show(place.node)} is counted from its end"
                            yield Mutant(f"{place.label}/from-end-{index}/{place.site.show(place.node)}", says, tree)


def _is_arithmetic_on(node: Apply | At, index: str) -> bool:
    """Whether a node computes with an index: divides it, or reads an array at a shifted place."""
    if isinstance(node, At):
        return any(place != Position(index) and Position(index) in nodes(place) for place in node.places)
    return node.op in ("//", "%") and Position(index) in nodes(node)


def _laid_out(definition: Definition, root: Node, index: str, one: Node, other: Node) -> Node:
    """An expression of places in another order: the k-th is the old place one · (k mod other) + k // other.

    Each line has the value of the old place, and arrays along this axis are read at the new one.
    """
    width = definition.ranges[index]
    arrays = {parameter.name: parameter.dims for parameter in definition.parameters}

    def change(node: Node) -> Node:
        match node:
            case Position(index=found) if found == index:
                return _moved(node, one, other)
            case At(array=Name(id=name), places=places) if name in arrays:
                along = [dim == width for dim in arrays[name][: len(places)]]
                both = zip(places, along, strict=True)
                return replace(node, places=tuple(_back(place, index, one, other) if a else place for place, a in both))
        return node

    return map_node(root, change)


def _moved(place: Node, one: Node, other: Node) -> Node:
    return Apply("+", (Apply("*", (one, Apply("%", (place, other)))), Apply("//", (place, other))))


def _back(place: Node, index: str, one: Node, other: Node) -> Node:
    """The new place of an old one."""
    if place == _moved(Position(index), one, other):
        return Position(index)
    return _moved(place, other, one) if Position(index) in nodes(place) else place
