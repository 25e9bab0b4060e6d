"""Axes of gradients: summed over, named, and moved back to where they were before a subscript or a concatenation."""

from __future__ import annotations

from collections.abc import Sequence

from attnspec.interpreters.gradient.draft import Draft
from attnspec.interpreters.gradient.flow import Flow
from attnspec.interpreters.gradient.simplify import negative, over, plus, product, times
from attnspec.language.check import Type, viewed
from attnspec.language.dims import Dim
from attnspec.language.tree import Apply, At, ConcatOver, Name, Node, Number, Position, Reshape, SizeOf, Split, Stack


def reduced(draft: Draft, flow: Flow, given: Type, wanted: Type) -> Flow:
    """A gradient summed over the axes of `given` that `wanted` lacks."""
    if given.dims and not wanted.dims:
        flow = Flow(summed(draft, flow.value), flow.where)
    for index in sorted(given.names - wanted.names):
        if flow.where is not None and index in draft.type(flow.where).names:
            flow = Flow(draft.sum(index, flow.value, flow.where))
        else:
            flow = Flow(draft.sum(index, flow.value), flow.where)
    return flow


def summed(draft: Draft, node: Node) -> Node:
    """The sum over all unnamed axes."""
    dims = draft.type(node).dims
    match node:
        case Apply(op="neg", args=(inner,)):
            return negative(summed(draft, inner))
        case Apply(op="/", args=(top, bottom)) if not draft.type(bottom).dims:
            return over(summed(draft, top), bottom)
        case Apply(op="*", args=(a, b)) if len(dims) == 1 and draft.type(a).dims and draft.type(b).dims:
            return product(a, b)
    indices = over_axes(draft, dims, node)
    node = draft.at(node, tuple(map(Position, indices)))
    for index in reversed(indices):
        node = draft.sum(index, node)
    return node


def over_axes(draft: Draft, dims: Sequence[Dim], *avoid: Node) -> tuple[str, ...]:
    """An index over each unnamed axis; they differ, and none occurs in the given expressions."""
    indices: list[str] = []
    for dim in dims:
        indices.append(draft.fresh_index(dim, *avoid, *map(Position, indices)))
    return tuple(indices)


def scattered(draft: Draft, array: Node, places: tuple[Node, ...], flow: Flow) -> Node:
    """The gradient of an array from that of `array[places]`."""
    inner = [At(array, places[:count]) if count else array for count in range(len(places))]
    given = draft.type(At(array, places))
    ranges = [draft.scope.definition.ranges[place.index] for place in places if isinstance(place, Position)]
    if ranges == list(draft.type(array).dims[: len(places)]):
        return draft.stacked(flow.node, tuple(place.index for place in places if isinstance(place, Position)))
    for part, place in reversed(list(zip(inner, places, strict=True))):
        wanted = draft.type(part)
        back = moved_back(draft, place, wanted.dims[0])
        if back is not None:
            (index,) = draft.type(back).names
            stacked = draft.stacked(flow.node, (index,))
            flow = Flow(stacked if isinstance(place, Position) else Stack(At(stacked, (back,)), (index,)))
        else:
            index = draft.fresh_index(wanted.dims[0], flow.node, place, part)
            flow = reduced(draft, flow.only(stands_at(draft, index, place, wanted.dims[0])), given, wanted)
            flow = Flow(draft.stacked(flow.node, (index,)))
        given = wanted
    return flow.node


def moved_back(draft: Draft, place: Node, size: Dim) -> Node | None:
    """The inverse of a subscript that views a whole axis, as t + 1 is that of t − 1; None for any other."""
    index = viewed(place, ())
    if index is None or draft.scope.definition.ranges[index] != size or draft.type(place).names != {index}:
        return None
    match place:
        case Position() | Apply(op="-", args=(_, Position())):
            return place
        case Apply(op="+", args=(Position() as position, by) | (by, Position() as position)):
            return Apply("-", (position, by))
        case Apply(op="-", args=(Position() as position, by)):
            return Apply("+", (position, by))
    return None


def stands_at(draft: Draft, index: str, place: Node, size: Dim) -> Node:
    """The condition that an index is at a place; a fixed place may be counted from the end."""
    match place:
        case Apply(op="neg", args=(by,)):
            return Apply("==", (Position(index), Apply("-", (SizeOf(size), by))))
    at = Apply("==", (Position(index), place))
    if not _may_be_negative(draft, place, size):
        return at
    return Apply("or", (at, Apply("==", (Position(index), plus(place, SizeOf(size))))))


def _may_be_negative(draft: Draft, place: Node, size: Dim) -> bool:
    """Whether a place is a number that may be below 0, and is then counted from the end; an array's numbers are not."""
    last = Apply("-", (SizeOf(size), Number(1.0)))
    if isinstance(place, SizeOf) or place == last or (isinstance(place, Number) and place.value >= 0):
        return False
    return _is_number(draft, place)


def _is_number(draft: Draft, node: Node) -> bool:
    """Whether a value is made of numbers, sizes and options alone."""
    lines = {line.targets[0]: line.value for line in draft.forward.lines if len(line.targets) == 1}
    options = {option.name for option in draft.forward.options}
    match node:
        case Number() | SizeOf():
            return True
        case Name(id=name):
            return name in options or (name in lines and _is_number(draft, lines[name]))
        case Apply(args=args):
            return all(_is_number(draft, arg) for arg in args)
    return False


def cut(draft: Draft, gradient: Node, index: str, width: Dim) -> Node:
    """The gradient of an array from that of its concatenation over an index."""
    size = draft.size(index)
    *rows, _ = draft.type(gradient).dims
    over_rows = over_axes(draft, rows, gradient, Position(index))
    if size.dim.only is not None:
        part = At(Split(gradient, size), (*map(Position, over_rows), Position(index)))
        return draft.stacked(part, over_rows) if rows else part
    column = draft.fresh_index(width, gradient, *map(Position, (*over_rows, index)))
    place = plus(times(Position(index), SizeOf(width)), Position(column))
    return draft.stacked(At(gradient, (*map(Position, over_rows), place)), (*over_rows, column))


def joined(draft: Draft, gradient: Node) -> Node:
    """The gradient of an array from that of its parts."""
    *axes, _ = draft.type(gradient).dims
    indices = over_axes(draft, axes, gradient)
    whole = ConcatOver(indices[-1], draft.at(gradient, tuple(map(Position, indices))))
    return draft.stacked(whole, indices[:-1]) if indices[:-1] else whole


def reshaped_back(draft: Draft, array: Node, order: tuple[int, ...], gradient: Node) -> Node:
    """The gradient of an array from that of its reshaped transpose."""
    dims = draft.type(array).dims
    moved = tuple(dims[place] for place in order)
    flat = Reshape(gradient, tuple(range(len(draft.type(gradient).dims))), moved)
    return Reshape(flat, tuple(order.index(place) for place in range(len(dims))), dims)
