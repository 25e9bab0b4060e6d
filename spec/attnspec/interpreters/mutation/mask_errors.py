"""Mistakes with a condition of sums: unless it hides everything, along another axis, read in part, at ends of tiles.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import permutations, product

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed, parts
from attnspec.interpreters.mutation.operators import Site, dropped, mismasked
from attnspec.interpreters.mutation.tiling_errors import TILES, at_second, second_name, with_second_names
from attnspec.language.check import check
from attnspec.language.traversal import equations_throughout, map_throughout, nodes, substitute, walk
from attnspec.language.tree import (
    ONE,
    SOFTMAXES,
    ZERO,
    Apply,
    At,
    Call,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    SizeOf,
)

MOST_TILES = 4
"""Convention: of so many sizes of tiles in the code any two are tried together."""

STAND_IN = -1e9
"""A large negative number, in place of masked scores."""


def mask_errors(definition: Definition, further: Iterable[int] = ()) -> Iterator[Mutant]:
    """The variants of an equation with one of these mistakes in all reductions of one condition.

    Args:
        further: how many places of a mask may be read, and sizes of tiles that are tried besides the usual ones.
    """
    for owner in equations_throughout(definition):
        conditions = [node.where for node in nodes(owner) if isinstance(node, Reduce)]
        for where in dict.fromkeys(each for each in conditions if each is not None):
            for name, says, change in (
                *_unless_all_are_hidden(owner, where),
                *_along_another_axis(owner, where),
                *_read_in_part(owner, where, further),
                *_up_to_the_tile_of_the_first(owner, where, further),
            ):
                tree = map_throughout(definition, _within(owner.id, where, change))
                if is_well_formed(tree):
                    yield Mutant(f"mask/{name}", says, tree)
            for tile in dict.fromkeys((*further, *TILES)):
                for name, says, change in _from_each_tile(owner, where, tile):
                    tree = map_throughout(definition, _within(owner.id, where, change))
                    if is_well_formed(tree):
                        yield Mutant(f"mask/{name}", says, tree)
                for name, says, change in _where_a_tile_ends(owner, where, tile):
                    tree = map_throughout(definition, _within(owner.id, where, change), with_second_names)
                    if is_well_formed(tree):
                        yield Mutant(f"mask/{name}", says, tree)

    yield from _in_some_calls(definition)
    yield from _without_one_condition(definition)
    yield from _with_condition_of_others(definition)


def _with_condition_of_others(definition: Definition) -> Iterator[Mutant]:
    """A sum or a softmax over all places has the condition of another one, as of the experts that are chosen."""
    of_others = [node.where for node in nodes(definition) if isinstance(node, Reduce) and node.where is not None]
    for place in everywhere(definition):
        node = place.node
        if not isinstance(node, Reduce) or node.op not in ("sum", *SOFTMAXES) or node.where is not None:
            continue
        for where in dict.fromkeys(of_others):
            tree = place.put(replace(node, where=where)) if Position(node.index) in nodes(where) else None
            if tree is not None and is_well_formed(tree):
                shown, condition = place.site.show(node), place.site.show(where)
                says = f"in {place.line}: only terms of {shown} with {condition} count"
                yield Mutant(f"{place.label}/{condition} in {shown}", says, tree)


def _without_one_condition(definition: Definition) -> Iterator[Mutant]:
    """Of two conditions, such as those of a window that is causal too, one is not asked."""
    for label, root, build in parts(definition):
        for path, node in walk(root):
            match node:
                case Apply(op="and", args=(a, b)):
                    for kept, lost in ((a, b), (b, a)):
                        tree, shown = build(substitute(root, path, kept)), text_of(lost, definition)
                        if is_well_formed(tree):
                            yield Mutant(f"{label}/unasked/{shown}", f"in {label}: {shown} is not asked", tree)


def _in_some_calls(definition: Definition) -> Iterator[Mutant]:
    """Of the calls at an index, such as those of the heads, the first alone has the mask, or all but the first."""
    for place in everywhere(definition):
        if not isinstance(call := place.node, Call):
            continue
        without = _unmasked(call.callee)
        if without == call.callee or len(call.callee.results) > 1:
            continue
        indices = {
            subscript.index
            for argument in call.args
            if isinstance(argument, At)
            for subscript in argument.places
            if isinstance(subscript, Position)
        }
        for index in sorted(indices - place.site.bound):
            first = Apply("==", (Position(index), ZERO))
            plain = replace(call, callee=without)
            for word, new in (
                (f"only at the first {index}", Apply("where", (first, call, plain))),
                (f"not at the first {index}", Apply("where", (first, plain, call))),
            ):
                tree = place.put(new)
                if is_well_formed(tree):
                    yield Mutant(f"{place.label}/mask/{word}", f"in {place.line}: the mask is applied {word}", tree)


def _unmasked(definition: Definition) -> Definition:
    """An equation without conditions of sums."""

    def change(node: Node, _: Definition) -> Node:
        return replace(node, where=None) if isinstance(node, Reduce) else node

    return map_throughout(definition, change)


Change = Callable[[Reduce], Node]
"""Replaces a reduction with the condition."""


def _within(owner: str, where: Node, change: Change) -> Callable[[Node, Definition], Node]:
    """The change of all reductions of an equation with a condition."""

    def changed(node: Node, definition: Definition) -> Node:
        if isinstance(node, Reduce) and definition.id == owner and node.where == where:
            return change(node)
        return node

    return changed


def _unless_all_are_hidden(owner: Definition, where: Node) -> Iterator[tuple[str, str, Change]]:
    """Another condition, and the right one where the other hides everything."""
    shown = text_of(where, owner)
    site = Site(owner, {}, check(owner), where)
    for path, node in walk(where):
        for name, sentence, new, equal in (*mismasked(node, site), *dropped(node, site)):
            if not equal:
                other = substitute(where, path, new)
                says = f"in the mask {shown}: {sentence}, unless that hides everything"
                yield f"{name}/unless-all", says, _or_if_empty(other)


def _or_if_empty(other: Node) -> Change:
    def change(node: Reduce) -> Node:
        nothing = Apply("<", (Reduce("sum", node.index, ONE, other), ONE))
        return replace(node, where=Apply("or", (other, Apply("and", (nothing, node.where or other)))))

    return change


def _along_another_axis(owner: Definition, where: Node) -> Iterator[tuple[str, str, Change]]:
    """A mask that belongs to one axis hides whole rows of another, as far as it reaches."""
    match where:
        case At(array=Name(id=mask) as array, places=(Position(index=index),)):
            symbol, size = text_of(Name(mask), owner), SizeOf(owner.ranges[index])
        case _:
            return
    for other in owner.ranges:
        if other != index:
            place = Apply("*", (ONE, Position(other)))
            moved = Apply("or", (At(array, (place,)), Apply("<=", (size, place))))
            says = f"{symbol} is applied along {other}, not along {index}"
            yield f"{mask}/along-{other}/0", f"{says}: rows are 0 where it is false", _with_condition(moved)
            yield f"{mask}/along-{other}/mean", f"{says}: rows are averages where it is false", _averaged(moved)


def _read_in_part(owner: Definition, where: Node, further: Iterable[int]) -> Iterator[tuple[str, str, Change]]:
    """A mask is read up to some place; all behind it is seen, or hidden."""
    match where:
        case At(array=Name(id=mask), places=(*_, Position(index=index))):
            symbol, place = text_of(Name(mask), owner), Apply("*", (ONE, Position(index)))
        case _:
            return
    for count in further:
        before, behind = Apply("<", (place, Number(float(count)))), Apply("<=", (Number(float(count)), place))
        says = f"{symbol} is read at the first {count} places along {index} alone: all behind them"
        yield f"{mask}/first-{count}/seen", f"{says} are seen", _with_condition(Apply("or", (where, behind)))
        yield f"{mask}/first-{count}/hidden", f"{says} are hidden", _with_condition(Apply("and", (where, before)))


def _from_each_tile(owner: Definition, where: Node, tile: int) -> Iterator[tuple[str, str, Change]]:
    """A condition on the places of an index counts them from the beginning of their tile."""
    for index in owner.ranges:
        again = Apply("%", (Position(index), Number(float(tile))))
        moved = _with_place(where, Position(index), again)
        if moved != where:
            says = f"in the mask {text_of(where, owner)}: {index} begins again in each tile of {tile}"
            yield f"{index}-from-tile-{tile}", says, _with_condition(moved)


def _up_to_the_tile_of_the_first(
    owner: Definition, where: Node, further: Iterable[int]
) -> Iterator[tuple[str, str, Change]]:
    """Where a place is compared with another, as in a causal mask, nothing is read behind the tile at which the first
    of a tile of the other ones ends; tiles of the two have sizes of their own.
    """
    for node in nodes(where):
        match node:
            case Apply(op="<=", args=(Position(index=index) as place, end)):
                others = [each for each in dict.fromkeys(nodes(end)) if isinstance(each, Position)]
            case _:
                continue
        for other, (outer, inner) in product(others, permutations(list(further)[:MOST_TILES], 2)):
            first = Apply("*", (Apply("//", (other, Number(float(outer)))), Number(float(outer))))
            tile = Apply("//", (_with_place(end, other, first), Number(float(inner))))
            read = Apply("<", (place, Apply("*", (Apply("+", (tile, ONE)), Number(float(inner))))))
            words = f"{index} is read up to the end of the tile of {inner} that its first place sees"
            says = f"for all of a tile of {outer} along {other.index}, {words}"
            yield f"{index}-first-{outer}-{inner}", says, _with_condition(Apply("and", (where, read)))


def _with_place(where: Node, place: Position, new: Node) -> Node:
    """A condition with another number for a place in its comparisons; what arrays are read at stays."""
    match where:
        case Position():
            return new if where == place else where
        case Apply(args=args):
            return replace(where, args=tuple(_with_place(each, place, new) for each in args))
        case _:
            return where


def _where_a_tile_ends(owner: Definition, where: Node, tile: int) -> Iterator[tuple[str, str, Change]]:
    """Where the last place that a given mask shows ends a tile, one tile more is visible, or one less."""
    match where:
        case At(array=Name(id=mask), places=(*_, Position(index=index))):
            place, number = Apply("*", (ONE, Position(index))), Number(float(tile))
        case _:
            return
    counted = Apply("+", (Position(second_name(index)), ONE))
    end = Reduce("max", second_name(index), Apply("where", (at_second(where, index), counted, ZERO)))
    whole = Apply("==", (Apply("%", (end, number)), ZERO))
    next_ = Apply("and", (Apply("<=", (end, place)), Apply("<", (place, Apply("+", (end, number))))))
    more = Apply("and", (Apply("and", (Apply("<", (ZERO, end)), whole)), next_))
    last = Apply("and", (whole, Apply("<=", (Apply("-", (end, number)), place))))
    says = f"where the last true place of {text_of(Name(mask), owner)} along {index} ends a tile of {tile}"
    yield f"{mask}/next-{tile}", f"{says}, the next tile is seen too", _with_condition(Apply("or", (where, more)))
    kept = Apply("and", (where, Apply("not", (last,))))
    yield f"{mask}/without-{tile}", f"{says}, this tile is hidden", _with_condition(kept)


def _with_condition(where: Node) -> Change:
    return lambda node: replace(node, where=where)


def _averaged(where: Node) -> Change:
    """A large negative number stands for hidden scores, so that a row of these alone has equal weights."""

    def change(node: Reduce) -> Node:
        if node.op not in SOFTMAXES:
            return replace(node, where=None)
        return replace(node, term=Apply("where", (where, node.term, Number(STAND_IN))), where=None)

    return change
