"""Mistakes of kernels that process the axis of a softmax in tiles, with a running maximum and running sums.

They are not mutants of an equation, as an implementation without tiles cannot make them, and the cases need not detect
them. They are tried as explanations of wrong answers that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.language.traversal import map_throughout
from attnspec.language.tree import (
    ONE,
    SOFTMAXES,
    TWO,
    ZERO,
    Apply,
    At,
    Definition,
    Node,
    Number,
    Position,
    Reduce,
    SizeOf,
    Stack,
)

TILES = (8, 16, 32, 64, 128)
"""The sizes of a tile."""

SMALL_RISES = (1, 8)
"""Rises of the largest score that kernels take for small; a tile's sums may wait for a larger one, up to exp(8)."""


def tiling_errors(definition: Definition, further: Iterable[int] = ()) -> Iterator[Mutant]:
    """The variants of an equation with each mistake, made in every softmax of it and of the equations that it calls.

    Args:
        further: sizes of tiles that are tried besides the usual ones.
    """
    tiles = dict.fromkeys((*TILES, *further))
    for name, (sentence, error) in TILING_ERRORS.items():
        for tile in tiles:
            tree = map_throughout(definition, _in_reductions(error, tile), with_second_names)
            if tree is not definition and is_well_formed(tree):
                yield Mutant(f"tile/{name}/{tile}", sentence.format(tile=tile), tree)


TilingError = Callable[[Reduce, Node, Node, int], Node]
"""Replaces a softmax or a sum, given the length of its axis, a second index of that axis, and the size of a tile."""


def _in_reductions(error: TilingError, tile: int) -> Callable[[Node, Definition], Node]:
    """The mistake as a function of nodes, which leaves other nodes as they are."""

    def change(node: Node, definition: Definition) -> Node:
        if not isinstance(node, Reduce):
            return node
        return error(node, SizeOf(definition.ranges[node.index]), Position(second_name(node.index)), tile)

    return change


def with_second_names(definition: Definition) -> Definition:
    """The equation with a second index for every axis, as a mistake may depend on two positions."""
    second = tuple((second_name(name), dim) for name, dim in definition.indices)
    return replace(definition, indices=(*definition.indices, *second))


def second_name(index: str) -> str:
    """The second name of an index."""
    return f"{index}'"


def at_second(part: Node, index: str) -> Node:
    """A part of a formula at the second index of an axis instead of the first one."""
    return At(Stack(part, (index,)), (Position(second_name(index)),))


def _filled(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """The sum Σ exp e_j has an additional exp 0 = 1 for each missing element of the last tile."""
    if node.where is not None or node.op not in SOFTMAXES:
        return node
    tiles = Apply("//", (Apply("+", (size, Number(tile - 1.0))), Number(float(tile))))
    more = Apply("-", (Apply("*", (tiles, Number(float(tile)))), size))
    top, largest = Reduce("max", node.index, node.term), Reduce("max", node.index, node)
    if node.op == "softmax":
        additional = Apply("*", (more, Apply("*", (largest, Apply("exp", (Apply("neg", (top,)),))))))
        return Apply("/", (node, Apply("+", (ONE, additional))))
    additional = Apply("*", (more, Apply("exp", (Apply("-", (largest, top)),))))
    return Apply("-", (node, Apply("log", (Apply("+", (ONE, additional)),))))


def _cut(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """Only full tiles are read."""
    full = Apply("*", (Apply("//", (size, Number(float(tile)))), Number(float(tile))))
    return restricted(node, Apply("<", (Position(node.index), full)))


def _first(node: Reduce, _: Node, __: Node, tile: int) -> Node:
    """Only the first tile is read."""
    return restricted(node, Apply("<", (Position(node.index), Number(float(tile)))))


def _window(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """Only the last elements are read, as in a sliding window or in a ring; where a mask ends, the last before it."""
    place, length = Apply("*", (ONE, Position(node.index))), Number(float(tile))
    match node.where:
        case None:
            return restricted(node, Apply(">=", (place, Apply("-", (size, length)))))
        case Apply(op="<=", args=(left, right)) if left == Position(node.index):
            return restricted(node, Apply(">", (place, Apply("-", (right, length)))))
    return node


def restricted(node: Reduce, seen: Node) -> Node:
    """The softmax over the visible elements; without a mask in the equation, a softmax over none of them is 0/0."""
    if node.op not in SOFTMAXES:
        return node
    if node.where is not None or node.op != "softmax":
        return replace(node, where=seen if node.where is None else Apply("and", (node.where, seen)))
    shifted = Apply("-", (node.term, Reduce("max", node.index, node.term, seen)))
    return _divided(node, _masked(Apply("exp", (shifted,)), seen), None)


def _divided(node: Reduce, parts: Node, whole: Node | None) -> Node:
    """Parts divided by their sum, or by the sum of others."""
    return Apply("/", (parts, Reduce("sum", node.index, parts if whole is None else whole)))


def _masked(parts: Node, where: Node | None) -> Node:
    return parts if where is None else Apply("where", (where, parts, ZERO))


def _unscaled(values: bool, total: bool) -> TilingError:
    """The running sums are not rescaled when a later tile has a larger score.

    Args:
        values: whether the weighted sum of values is not rescaled.
        total: whether the sum of weights is not rescaled.
    """

    def error(node: Reduce, _: Node, other: Node, tile: int) -> Node:
        if node.op != "softmax":
            return node
        index, where = node.index, node.where

        def tile_of(place: Node) -> Node:
            return Apply("//", (place, Number(float(tile))))

        so_far: Node = Apply("<=", (tile_of(other), tile_of(Position(index))))
        if where is not None:
            so_far = Apply("and", (so_far, at_second(where, index)))
        tops = (
            Reduce("max", second_name(index), at_second(node.term, index), so_far),
            Reduce("max", index, node.term, where),
        )
        early, late = (_masked(Apply("exp", (Apply("-", (node.term, top)),)), where) for top in tops)
        return _divided(node, early if values else late, early if total else late)

    return error


def _apart(lanes: bool, values: bool) -> TilingError:
    """Parts of an axis have sums relative to their own largest scores, which are added as they are.

    Args:
        lanes: whether a part is a lane, which reads every so many places, and not a tile.
        values: whether the weighted sums of values are added so too.
    """

    def error(node: Reduce, _: Node, other: Node, tile: int) -> Node:
        if node.op != "softmax":
            return node
        index, where, op = node.index, node.where, "%" if lanes else "//"
        own, its = (Apply(op, (place, Number(float(tile)))) for place in (other, Position(index)))
        same: Node = Apply("==", (own, its))
        if where is not None:
            same = Apply("and", (same, at_second(where, index)))
        tops = (
            Reduce("max", second_name(index), at_second(node.term, index), same),
            Reduce("max", index, node.term, where),
        )
        early, late = (_masked(Apply("exp", (Apply("-", (node.term, top)),)), where) for top in tops)
        return _divided(node, early if values else late, early)

    return error


def _without_last(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """The sum leaves out a last, partial tile, unless it is the only one."""
    if node.op != "softmax":
        return node
    shifted = Apply("-", (node.term, Reduce("max", node.index, node.term, node.where)))
    parts = _masked(Apply("exp", (shifted,)), node.where)
    return _divided(node, parts, _masked(parts, in_whole_tiles(node.index, size, tile)))


def in_whole_tiles(index: str, size: Node, tile: int) -> Node:
    """The condition that a place is not in a last, partial tile, unless that is the only one."""
    number = Number(float(tile))
    whole = Apply("*", (Apply("//", (size, number)), number))
    end = Apply("where", (Apply("<", (size, number)), size, whole))
    return Apply("<", (Apply("*", (ONE, Position(index))), end))


def _rescaled_back(node: Reduce, _: Node, other: Node, tile: int) -> Node:
    """The running sums are divided by the factor that they should be multiplied by."""
    if node.op != "softmax":
        return node
    index, where = node.index, node.where

    def tile_of(place: Node) -> Node:
        return Apply("//", (place, Number(float(tile))))

    so_far: Node = Apply("<=", (tile_of(other), tile_of(Position(index))))
    if where is not None:
        so_far = Apply("and", (so_far, at_second(where, index)))
    top = Reduce("max", second_name(index), at_second(node.term, index), so_far)
    rise = Apply("-", (Reduce("max", index, node.term, where), top))
    weight = Apply("exp", (Apply("+", (Apply("-", (node.term, top)), rise)),))
    return _divided(node, _masked(weight, where), None)


def _stale(node: Reduce, _: Node, other: Node, tile: int) -> Node:
    """The exponentials of a tile are relative to the largest score before it; those of the first tile, to its own."""
    if node.op != "softmax" or node.where is not None:
        return node

    def tile_of(place: Node) -> Node:
        return Apply("//", (place, Number(float(tile))))

    own, scores = tile_of(Position(node.index)), at_second(node.term, node.index)
    earlier = Apply("where", (Apply("<", (ZERO, own)), Apply("-", (own, ONE)), ZERO))
    before, now = (
        Reduce("max", second_name(node.index), scores, Apply("<=", (tile_of(other), last))) for last in (earlier, own)
    )
    rise = Apply("-", (now, Reduce("max", node.index, node.term)))
    return _divided(node, Apply("exp", (Apply("+", (Apply("-", (node.term, before)), rise)),)), None)


def _from_zero(last: bool) -> TilingError:
    """Where the tile that is read first is wholly hidden, the largest score of the others is searched from 0.

    Args:
        last: whether the last tile is read first.
    """

    def error(node: Reduce, size: Node, other: Node, tile: int) -> Node:
        if node.op != "softmax" or node.where is None:
            return node
        number, index = Number(float(tile)), second_name(node.index)
        place: Node = Apply("*", (ONE, other))
        begin = Apply("*", (Apply("//", (Apply("-", (size, ONE)), number)), number))
        first = Apply("<=", (begin, place)) if last else Apply("<", (place, number))
        count = Reduce("sum", index, ONE, Apply("and", (at_second(node.where, node.index), first)))
        largest = replace(node, op="max")
        top = Apply("where", (Apply("==", (count, ZERO)), Apply("relu", (largest,)), largest))
        weights = _masked(Apply("exp", (Apply("-", (node.term, top)),)), node.where)
        total = Reduce("sum", node.index, weights)
        return Apply("/", (weights, Apply("where", (Apply("==", (total, ZERO)), ONE, total))))

    return error


def _small_rises(least: int) -> TilingError:
    """The running sums are not rescaled where the largest score rises by less than `least`, which is yet taken off."""

    def error(node: Reduce, _: Node, other: Node, tile: int) -> Node:
        if node.op != "softmax":
            return node
        index, where, number = node.index, node.where, Number(float(tile))
        own, its = (Apply("//", (place, number)) for place in (Position(index), other))
        so_far: Node = Apply("<=", (its, own))
        if where is not None:
            so_far = Apply("and", (so_far, at_second(where, index)))
        tops = Stack(Reduce("max", second_name(index), at_second(node.term, index), so_far), (index,))
        now, before = At(tops, (other,)), At(tops, (Apply("-", (other, ONE)),))
        rise = Apply("-", (now, before))
        is_later = Apply("<", (own, its))
        begins = Apply("==", (Apply("%", (other, number)), ZERO))
        rises = Apply("<=", (Number(float(least)), rise))
        shrinks = Reduce("sum", second_name(index), rise, Apply("and", (Apply("and", (is_later, begins)), rises)))
        top = At(tops, (Position(index),))
        weights = Apply("exp", (Apply("-", (Apply("-", (node.term, top)), shrinks)),))
        return _divided(node, _masked(weights, where), None)

    return error


def _unshifted(parts: bool) -> TilingError:
    """The exponentials of the last tile are summed without the largest score taken off.

    Args:
        parts: whether the weights of that tile are made of these exponentials too, and not their sum alone.
    """

    def error(node: Reduce, size: Node, _: Node, tile: int) -> Node:
        if node.op != "softmax":
            return node
        number = Number(float(tile))
        last = Apply("//", (Apply("-", (size, ONE)), number))
        is_last = Apply("<=", (last, Apply("//", (Position(node.index), number))))
        shifted = Apply("-", (node.term, Reduce("max", node.index, node.term, node.where)))
        whole = _masked(Apply("exp", (Apply("where", (is_last, node.term, shifted)),)), node.where)
        return _divided(node, whole if parts else _masked(Apply("exp", (shifted,)), node.where), whole)

    return error


def _averaged(rest: bool) -> TilingError:
    """The weights of each tile add up to 1, and the tiles are averaged.

    Args:
        rest: whether there are two tiles, the first one and all that is behind it.
    """

    def error(node: Reduce, size: Node, other: Node, tile: int) -> Node:
        if node.op != "softmax" or node.where is not None:
            return node
        number, place = Number(float(tile)), Position(node.index)
        tiles = Apply("//", (Apply("+", (size, Number(tile - 1.0))), number))
        count = Apply("where", (Apply("<", (number, size)), TWO, ONE)) if rest else tiles

        def tile_of(place: Node) -> Node:
            if rest:
                return Apply("where", (Apply("<", (place, number)), ZERO, ONE))
            return Apply("//", (place, number))

        same = Apply("==", (tile_of(other), tile_of(place)))
        scores = at_second(node.term, node.index)
        top = Reduce("max", second_name(node.index), scores, same)
        total = Reduce("sum", second_name(node.index), Apply("exp", (Apply("-", (scores, top)),)), same)
        return Apply("/", (Apply("exp", (Apply("-", (node.term, top)),)), Apply("*", (total, count))))

    return error


def _overlapping(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """The last element of each tile but the last is read again with the next one."""
    if node.op != "softmax" or node.where is not None:
        return node
    place, next_ = Apply("*", (ONE, Position(node.index))), Apply("+", (Position(node.index), ONE))
    at_end = Apply("==", (Apply("%", (next_, Number(float(tile)))), ZERO))
    twice = Apply("and", (at_end, Apply("<", (Apply("+", (place, ONE)), size))))
    weight = Apply("*", (Apply("where", (twice, TWO, ONE)), node))
    return Apply("/", (weight, Reduce("sum", node.index, weight)))


def _whole_tiles(node: Reduce, _: Node, __: Node, tile: int) -> Node:
    """A causal mask, also that of a sum, shows all of a tile that is partly visible."""
    match node.where:
        case Apply(op="<=" | ">=" as op, args=args):
            sides = tuple(Apply("//", (side, Number(float(tile)))) for side in args)
            return replace(node, where=Apply(op, sides))
    return node


def _before_diagonal(node: Reduce, _: Node, __: Node, tile: int) -> Node:
    """Under a causal mask the tile at its edge is not read, unless it is the first one."""
    match node.where:
        case Apply(op="<=", args=(left, right)) if left == Position(node.index):
            own, edge = (Apply("//", (side, Number(float(tile)))) for side in (left, right))
            earlier = Apply("or", (Apply("<", (own, edge)), Apply("<", (edge, ONE))))
            return replace(node, where=Apply("and", (node.where, earlier)))
    return node


def _from_end(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """In tiles wholly behind the edge of a causal mask, the first hidden place is negative, and counts from the end."""
    match node.where:
        case Apply(op="<=", args=(left, right)) if left == Position(node.index):
            number = Number(float(tile))
            begin = Apply("*", (Apply("//", (left, number)), number))
            rest = Apply("-", (size, begin))
            width = Apply("where", (Apply("<", (rest, number)), rest, number))
            first = Apply("-", (Apply("+", (right, ONE)), begin))
            hidden = Apply("where", (Apply("<", (first, ZERO)), Apply("+", (first, width)), first))
            return replace(node, where=Apply("<", (Apply("-", (left, begin)), hidden)))
    return node


TILING_ERRORS: dict[str, tuple[str, TilingError]] = {
    "filled": ("softmax includes zeros after the last score, up to a multiple of {tile}", _filled),
    "cut": ("the elements after the last full tile of {tile} are not read", _cut),
    "first": ("only the first tile of {tile} is read", _first),
    "unscaled": ("the running sums are not rescaled when a tile of {tile} has a larger score", _unscaled(True, True)),
    "values": ("the running values are not rescaled when a tile of {tile} has a larger score", _unscaled(True, False)),
    "total": ("the running sum is not rescaled when a tile of {tile} has a larger score", _unscaled(False, True)),
    "lanes": (
        "each of {tile} lanes sums relative to its own largest score, and the sums are added without being rescaled",
        _apart(lanes=True, values=True),
    ),
    "lanes-total": (
        "each of {tile} lanes sums the weights relative to its own largest score, and these sums are added without "
        "being rescaled",
        _apart(lanes=True, values=False),
    ),
    "tiles": (
        "each tile of {tile} sums relative to its own largest score, and the sums are added without being rescaled",
        _apart(lanes=False, values=True),
    ),
    "tiles-total": (
        "each tile of {tile} sums the weights relative to its own largest score, and these sums are added without "
        "being rescaled",
        _apart(lanes=False, values=False),
    ),
    "without-last": (
        "the sum leaves out the exponentials of a last tile of {tile} that is not full, unless it is the only one",
        _without_last,
    ),
    "back": ("the running sums are rescaled by exp(new − old), not exp(old − new), in tiles of {tile}", _rescaled_back),
    "stale": ("the exponentials of a tile of {tile} are relative to the largest score before it", _stale),
    "hidden-first": (
        "where the first {tile} elements are all hidden, the search for the largest of the others starts from 0: "
        "scores far below 0 underflow",
        _from_zero(last=False),
    ),
    "hidden-last": (
        "where the last tile of {tile} is wholly hidden and read first, the search for the largest of the others "
        "starts from 0: scores far below 0 underflow",
        _from_zero(last=True),
    ),
    **{
        f"small-rises-{least}": (
            "in tiles of {tile} the running sums are not rescaled where the largest score rises by less than "
            f"{least}, and yet the new one is taken off",
            _small_rises(least),
        )
        for least in SMALL_RISES
    },
    "unshifted": (
        "the sum has the exponentials of the last tile of {tile} without the largest score taken off",
        _unshifted(parts=False),
    ),
    "unshifted-parts": (
        "the exponentials of the last tile of {tile} are taken without the largest score taken off",
        _unshifted(parts=True),
    ),
    "window": ("only the last {tile} elements are read", _window),
    "averaged": ("each tile of {tile} is normalised by itself, and the tiles are averaged", _averaged(rest=False)),
    "rest": (
        "the first {tile} elements and those behind are each normalised by themselves, and the two are averaged",
        _averaged(rest=True),
    ),
    "overlap": ("tiles of {tile} overlap by one: the last element of each but the last counts twice", _overlapping),
    "diagonal": ("the tile of {tile} at the edge of the mask is not read, unless it is the first", _before_diagonal),
    "causal": ("the mask shows whole tiles of {tile}", _whole_tiles),
    "negative": (
        "in tiles of {tile} that the mask hides, the first hidden place is negative and is counted from the end",
        _from_end,
    ),
}
"""{name: (sentence, replacement of a softmax or a sum)}."""
