"""Slips of kernels that cut the axis of a softmax into tiles and run through them, carrying a maximum and sums.

Nobody makes them who writes the formula down, so they are no mutants of it, and no case has to catch each of them: they
are thought of where something is wrong and no mutant explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from attnspec.interpreters.mutation.mutants import Mutant, sound
from attnspec.language.traversal import map_throughout
from attnspec.language.tree import SOFTMAXES, Apply, At, Definition, Node, Number, Position, Reduce, SizeOf, Stack

TILES = (16, 32, 64, 128)
"""Sizes of a tile."""

ZERO, ONE = Number(0.0), Number(1.0)


def tiling_errors(definition: Definition) -> Iterator[Mutant]:
    """What an equation becomes by each slip, made in every softmax of it and of the equations that it calls."""
    for name, (says, slip) in SLIPS.items():
        for tile in TILES:
            tree = map_throughout(definition, _made(slip, tile), _named_twice)
            if tree is not definition and sound(tree):
                yield Mutant(f"tile/{name}/{tile}", says.format(tile=tile), tree)


Slip = Callable[[Reduce, Node, Node, int], Node]
"""What a softmax or a sum becomes, given its axis's length, the place on it named a second time, and a tile."""


def _made(slip: Slip, tile: int) -> Callable[[Node, Definition], Node]:
    """A slip in a softmax or a sum of an equation; every other node stays."""

    def change(node: Node, own: Definition) -> Node:
        if not isinstance(node, Reduce):
            return node
        return slip(node, SizeOf(own.ranges[node.index]), Position(_second(node.index)), tile)

    return change


def _named_twice(definition: Definition) -> Definition:
    """Every axis gets a second name, for what depends on two places along it."""
    twice = tuple((_second(name), dim) for name, dim in definition.indices)
    return replace(definition, indices=(*definition.indices, *twice))


def _second(index: str) -> str:
    return f"{index}'"


def _filled(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """Σ exp e_j has a 1 besides for every place that the last tile lacks: exp 0."""
    if node.where is not None or node.op not in SOFTMAXES:
        return node
    tiles = Apply("//", (Apply("+", (size, Number(tile - 1.0))), Number(float(tile))))
    more = Apply("-", (Apply("*", (tiles, Number(float(tile)))), size))
    top, largest = Reduce("max", node.index, node.term), Reduce("max", node.index, node)
    if node.op == "softmax":
        besides = Apply("*", (more, Apply("*", (largest, Apply("exp", (Apply("neg", (top,)),))))))
        return Apply("/", (node, Apply("+", (ONE, besides))))
    besides = Apply("*", (more, Apply("exp", (Apply("-", (largest, top)),))))
    return Apply("-", (node, Apply("log", (Apply("+", (ONE, besides)),))))


def _cut(node: Reduce, size: Node, _: Node, tile: int) -> Node:
    """What full tiles hold, and nothing of the last, where that is not full."""
    full = Apply("*", (Apply("//", (size, Number(float(tile)))), Number(float(tile))))
    return _only(node, Apply("<", (Position(node.index), full)))


def _first(node: Reduce, _: Node, __: Node, tile: int) -> Node:
    """What the first tile holds."""
    return _only(node, Apply("<", (Position(node.index), Number(float(tile)))))


def _only(node: Reduce, seen: Node) -> Node:
    """The softmax over what is seen; where that is nothing, 0/0 if there is no mask that would be thought of."""
    if node.op not in SOFTMAXES:
        return node
    if node.where is not None or node.op != "softmax":
        return replace(node, where=seen if node.where is None else Apply("and", (node.where, seen)))
    shifted = Apply("-", (node.term, Reduce("max", node.index, node.term, seen)))
    return _over(node, _shown(Apply("exp", (shifted,)), seen), None)


def _over(node: Reduce, parts: Node, whole: Node | None) -> Node:
    """Parts over their own sum, or that of others."""
    return Apply("/", (parts, Reduce("sum", node.index, parts if whole is None else whole)))


def _shown(parts: Node, where: Node | None) -> Node:
    return parts if where is None else Apply("where", (where, parts, ZERO))


def _unscaled(values: bool, total: bool) -> Slip:
    """What is summed under the maximum so far stays as it is when a larger score comes."""

    def slip(node: Reduce, _: Node, other: Node, tile: int) -> Node:
        if node.op != "softmax":
            return node
        index, where = node.index, node.where

        def there(part: Node) -> Node:
            return At(Stack(part, (index,)), (other,))

        def tile_of(place: Node) -> Node:
            return Apply("//", (place, Number(float(tile))))

        so_far: Node = Apply("<=", (tile_of(other), tile_of(Position(index))))
        if where is not None:
            so_far = Apply("and", (so_far, there(where)))
        tops = Reduce("max", _second(index), there(node.term), so_far), Reduce("max", index, node.term, where)
        early, late = (_shown(Apply("exp", (Apply("-", (node.term, top)),)), where) for top in tops)
        return _over(node, early if values else late, early if total else late)

    return slip


def _whole_tiles(node: Reduce, _: Node, __: Node, tile: int) -> Node:
    """A causal mask, in sums too, that shows the whole of a tile of which a part is seen."""
    match node.where:
        case Apply(op="<=" | ">=" as op, args=args):
            sides = tuple(Apply("//", (side, Number(float(tile)))) for side in args)
            return replace(node, where=Apply(op, sides))
    return node


SLIPS: dict[str, tuple[str, Slip]] = {
    "filled": ("softmax runs on over zeros behind the last score, to a multiple of {tile}", _filled),
    "cut": ("what is left over behind the last full tile of {tile} is not read", _cut),
    "first": ("only the first tile of {tile} is read", _first),
    "unscaled": ("the sums so far are not rescaled when a tile of {tile} has a larger score", _unscaled(True, True)),
    "values": ("the values so far are not rescaled when a tile of {tile} has a larger score", _unscaled(True, False)),
    "total": ("the sum so far is not rescaled when a tile of {tile} has a larger score", _unscaled(False, True)),
    "causal": ("the mask shows whole tiles of {tile}", _whole_tiles),
}
"""By name: the sentence, and what stands in place of a softmax or a sum."""
