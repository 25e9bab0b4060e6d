"""The one walk over an equation's tree that gives values and noise alike.

An interpretation says what its things are (`T`: an array, or an array with a variance) and how they are added,
multiplied and contracted; the walk knows indices, scans and calls, and hands it things whose axes already line up.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

from attnspec.language.check import place_index
from attnspec.language.dims import Dim
from attnspec.language.symbols import OPTION_SIZES
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    Concat,
    ConcatOver,
    Definition,
    Last,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Reshape,
    Scan,
    SizeOf,
    Split,
    Stack,
)  # fmt: skip

T = TypeVar("T")
Array = Any
Axis = tuple[int, int]
"""A named axis at run time: the depth of the equation that named it, and its place there; sorted, so that axes
lifted over from outside come first."""


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """A thing whose leading axes are named by `axes`, sorted; the axes after them are the unnamed ones."""

    data: T
    axes: tuple[Axis, ...]


Value = Named[T] | float
"""What a node gives: a thing, or a number, which is exact until it meets one."""


@dataclass
class Frame(Generic[T]):
    """One equation while it is walked."""

    definition: Definition
    depth: int
    sizes: dict[str, int]
    names: dict[str, Value[T]]
    bound: dict[str, int] = field(default_factory=dict)
    starts: dict[str, Value[T]] = field(default_factory=dict)

    def axis(self, index: str) -> Axis:
        return self.depth, [name for name, _ in self.definition.indices].index(index)

    def length(self, index: str) -> int:
        return self.definition.range_of(index).value(self.sizes)


FOLD: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "**": lambda a, b: a**b,
    "/": lambda a, b: a / b if b else math.nan if a == 0 or a != a else math.copysign(math.inf, a),
    "neg": lambda a: -a, "sqrt": lambda a: math.sqrt(a) if a >= 0 else math.nan, "exp": math.exp, "log": math.log,
    "sin": math.sin, "cos": math.cos, "tanh": math.tanh, "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "relu": lambda a: a if a > 0 else 0.0, "gelu": lambda a: a * (1 + math.erf(a / math.sqrt(2))) / 2,
}  # fmt: skip


class Interpreter(ABC, Generic[T]):
    """Walks trees; a subclass says what is made at each node."""

    # What an interpretation is: things, and arithmetic on things whose axes line up.

    @abstractmethod
    def source(self, array: Array) -> T:
        """An input."""

    @abstractmethod
    def constant(self, value: float, like: T) -> T:
        """A number that meets a thing."""

    @abstractmethod
    def positions(self, count: int) -> T:
        """0, 1, … count−1, along one axis."""

    @abstractmethod
    def shape(self, thing: T) -> tuple[int, ...]:
        """Its axes' sizes."""

    @abstractmethod
    def rearrange(self, move: Callable[..., Array], *things: T) -> T:
        """The same move of elements, without arithmetic, for every array that things are made of."""

    @abstractmethod
    def apply(self, op: str, *things: T) -> T:
        """An elementwise operation."""

    @abstractmethod
    def contract(self, a: T, b: T) -> T:
        """(…, l, k) by (…, k, r): products summed over k."""

    @abstractmethod
    def reduce(self, op: str, axis: int, term: T, where: T | None) -> T:
        """sum, max, argmax, softmax or log_softmax along an axis, where the condition holds."""

    @abstractmethod
    def masked(self, thing: T, where: T) -> T | None:
        """The thing with 0 where the condition fails; None where a value is not finite, and 0·∞ would show."""

    @abstractmethod
    def finite(self, thing: T) -> bool:
        """No NaN or infinity in it."""

    def line(self, name: str) -> None:
        """A line begins; "" when it has ended."""

    def state(self, value: Value[T], before: Value[T]) -> Value[T]:
        """A state that a recurrence carries to its next step."""
        return value

    @property
    @abstractmethod
    def xp(self) -> Any:
        """The array namespace."""

    # The walk.

    def run(
        self, definition: Definition, arrays: Mapping[str, Array], options: Mapping[str, float], sizes: dict[str, int],
        batch: int = 0,
    ) -> tuple[tuple[T, ...], Frame[T]]:
        """Evaluate an equation; every array has its own axes last and up to `batch` batch axes before them."""
        names: dict[str, Value[T]] = {name: float(value) for name, value in options.items()}
        for parameter in definition.parameters:
            array = arrays[parameter.name]
            extra = array.ndim - len(parameter.dims)
            names[parameter.name] = self.enter(array, tuple((-1, batch - extra + k) for k in range(extra)))
        frame = Frame(definition, 0, sizes, names)
        return tuple(self.leave(value) for value in self.body(frame)), frame

    def enter(self, array: Array, axes: tuple[Axis, ...]) -> Named[T]:
        """An input with its batch axes named."""
        return Named(self.source(array), axes)

    def leave(self, value: Value[T]) -> T:
        """A result, as a thing."""
        return value.data if isinstance(value, Named) else self.positions(1)

    def body(self, frame: Frame[T]) -> list[Value[T]]:
        """The lines, then what is returned."""
        for line in frame.definition.lines:
            self.line(line.targets[0])
            values = self.several(line.value, frame)
            self.line("")
            frame.names |= dict(zip(line.targets, values, strict=True))
            if isinstance(line.value, Scan):
                starts = [self.visit(start, frame) for start in line.value.starts]
                frame.starts |= dict(zip(line.targets, starts, strict=True))
        return [value for node in frame.definition.returns for value in self.several(node, frame)]

    def several(self, node: Node, frame: Frame[T]) -> list[Value[T]]:
        match node:
            case Scan():
                return self.scan(node, frame)
            case Call():
                return self.call(node, frame)
        return [self.visit(node, frame)]

    def visit(self, node: Node, frame: Frame[T]) -> Value[T]:
        match node:
            case Name(id=name):
                return frame.names[name]
            case Number(value=number):
                return number
            case SizeOf(dim=dim):
                return float(dim.value(frame.sizes))
            case Position(index=index):
                if index in frame.bound:
                    return float(frame.bound[index])
                return Named(self.positions(frame.length(index)), (frame.axis(index),))
            case Apply(op="@", args=(left, right)):
                return self.matmul(self.thing(left, frame), self.thing(right, frame))
            case Apply(op="transpose", args=(array,)):
                value = self.thing(array, frame)
                return replace(value, data=self.rearrange(lambda a: self.xp.matrix_transpose(a), value.data))
            case Apply(op=op, args=args):
                return self.elementwise(op, [self.visit(arg, frame) for arg in args])
            case At():
                return self.at(node, frame)
            case Reduce():
                return self.reduction(node, frame)
            case Stack(array=array, indices=indices):
                value = self.thing(array, frame)
                for index in reversed(indices):
                    value = self.unname(value, frame.axis(index), frame.length(index))
                return value
            case Concat(parts=parts):
                things = self.lined_up([self.thing(part, frame) for part in parts])
                return Named(self.rearrange(lambda *a: self.joined(a), *(x.data for x in things)), things[0].axes)
            case ConcatOver(index=index, array=array):
                return self.concat_over(self.thing(array, frame), frame.axis(index), frame.length(index))
            case Split(array=array, parts=parts):
                value, count = self.thing(array, frame), int(cast(float, self.visit(parts, frame)))
                *rows, width = self.shape(value.data)
                shape = (*rows, count, width // count)
                return replace(value, data=self.rearrange(lambda a: self.xp.reshape(a, shape), value.data))
            case Reshape(array=array, order=order, dims=dims):
                return self.recut(self.thing(array, frame), order, tuple(dim.value(frame.sizes) for dim in dims))
            case Last(index=index, state=Name(id=name)):
                return self.last(frame.names[name], frame.starts[name], frame.axis(index), frame.length(index))
            case Scan() | Call():
                (only,) = self.several(node, frame)
                return only
        raise TypeError(f"no rule for {type(node).__name__}")

    def thing(self, node: Node, frame: Frame[T]) -> Named[T]:
        value = self.visit(node, frame)
        assert isinstance(value, Named), "the check of the tree lets no bare number stand here"
        return value

    # Elementwise operations.

    def elementwise(self, op: str, values: Sequence[Value[T]]) -> Value[T]:
        """Line axes up by name; numbers among themselves are folded, exactly."""
        things = [value for value in values if isinstance(value, Named)]
        if not things:
            return FOLD[op](*values)
        filled = [
            value if isinstance(value, Named) else Named(self.constant(value, things[0].data), ()) for value in values
        ]
        lined = self.lined_up(filled)
        return Named(self.apply(op, *(x.data for x in lined)), lined[0].axes)

    def rank(self, value: Named[T]) -> int:
        """How many unnamed axes."""
        return len(self.shape(value.data)) - len(value.axes)

    def lined_up(self, values: Sequence[Named[T]]) -> list[Named[T]]:
        """The same things with the same axes, of size 1 where one lacks them."""
        first = values[0]
        if all(value.axes == first.axes and self.rank(value) == self.rank(first) for value in values[1:]):
            return list(values)
        axes = tuple(sorted({axis for value in values for axis in value.axes}))
        rank = max(self.rank(value) for value in values)
        return [self.widened(value, axes, rank) for value in values]

    def widened(self, value: Named[T], axes: tuple[Axis, ...], rank: int) -> Named[T]:
        """A thing with more named axes, or more unnamed ones where it had none, each of size 1."""
        if value.axes == axes and self.rank(value) == rank:
            return value
        shape = self.shape(value.data)
        own = dict(zip(value.axes, shape, strict=False))
        tail = shape[len(value.axes) :] if self.rank(value) else (1,) * rank
        wider = (*(own.get(axis, 1) for axis in axes), *tail)
        return Named(self.rearrange(lambda a: self.xp.reshape(a, wider), value.data), axes)

    # Contractions.

    def matmul(self, a: Named[T], b: Named[T]) -> Named[T]:
        if not b.axes and self.rank(a) == 1 and self.rank(b) == 2:
            return Named(self.contract(a.data, b.data), a.axes)  # as it stands: vectors by one matrix
        left = ("k",) if self.rank(a) == 1 else ("r", "k")
        right = ("k",) if self.rank(b) == 1 else ("k", "s")
        return self.contraction(a, left, b, right, "k", (*left[:-1], *right[1:]))

    def contraction(
        self, a: Named[T], a_tail: tuple[str, ...], b: Named[T], b_tail: tuple[str, ...], over: Axis | str,
        tail: tuple[str, ...],
    ) -> Named[T]:  # fmt: skip
        """Σ over one label of the products, as one product of (batches of) matrices."""
        labels_a, labels_b = (*a.axes, *a_tail), (*b.axes, *b_tail)
        shared = [label for label in labels_a if label in labels_b and label != over]
        only_a = [label for label in labels_a if label not in labels_b]
        only_b = [label for label in labels_b if label not in labels_a]
        size = dict(zip(labels_a, self.shape(a.data), strict=True)) | dict(zip(labels_b, self.shape(b.data), strict=True))
        flat_a = self.arranged(a.data, labels_a, [*shared, *only_a, over], len(shared), len(only_a))
        flat_b = self.arranged(b.data, labels_b, [*shared, over, *only_b], len(shared), 1)
        product = self.contract(flat_a, flat_b)
        found = [*shared, *only_a, *only_b]
        axes = tuple(sorted(label for label in found if isinstance(label, tuple)))
        shape = tuple(size[label] for label in found)
        order = [found.index(label) for label in (*axes, *tail)]
        return Named(self.rearrange(lambda x: self.permuted(self.xp.reshape(x, shape), order), product), axes)

    def arranged(self, data: T, labels: Sequence[object], order: Sequence[object], batch: int, left: int) -> T:
        """Axes in the order asked for, flattened to (batch…, left, right)."""
        places = [labels.index(label) for label in order]
        shape = [self.shape(data)[place] for place in places]
        flat = (*shape[:batch], math.prod(shape[batch : batch + left]), math.prod(shape[batch + left :]))
        return self.rearrange(lambda x: self.xp.reshape(self.permuted(x, places), flat), data)

    def permuted(self, array: Array, order: Sequence[int]) -> Array:
        return array if list(order) == sorted(order) else self.xp.permute_dims(array, tuple(order))

    # Reductions.

    def reduction(self, node: Reduce, frame: Frame[T]) -> Named[T]:
        axis = frame.axis(node.index)
        where = self.thing(node.where, frame) if node.where is not None else None
        if node.op == "sum" and isinstance(node.term, Apply) and node.term.op == "*":
            a, b = (self.visit(arg, frame) for arg in node.term.args)
            if isinstance(a, Named) and isinstance(b, Named):
                fused = self.fused(a, b, where, axis) if axis in a.axes and axis in b.axes else None
                return fused or self.reduced(node.op, self.elementwise("*", [a, b]), where, axis, frame.length(node.index))
        return self.reduced(node.op, self.visit(node.term, frame), where, axis, frame.length(node.index))

    def fused(self, a: Named[T], b: Named[T], where: Named[T] | None, axis: Axis) -> Named[T] | None:
        """Σ a·b as a contraction; None where a condition must keep 0·∞ from showing."""
        if where is not None:
            first, condition = self.lined_up([a, where])
            masked = self.masked(first.data, condition.data)
            if masked is None or not self.finite(b.data):
                return None
            a = Named(masked, first.axes)
        rank = max(self.rank(a), self.rank(b))
        tail = tuple(f"p{k}" for k in range(rank))
        return self.contraction(a, tail[: self.rank(a)], b, tail[: self.rank(b)], axis, tail)

    def reduced(self, op: str, term: Value[T], where: Named[T] | None, axis: Axis, length: int) -> Named[T]:
        assert isinstance(term, Named), "the check of the tree asks for a term that depends on the index"
        term = self.spread(term, axis, length)
        condition = None
        if where is not None:
            term, lined = self.lined_up([term, where])
            condition = self.spread(lined, axis, length).data
        place = term.axes.index(axis)
        data = self.reduce(op, place, term.data, condition)
        kept = op in ("softmax", "log_softmax")
        return Named(data, term.axes if kept else tuple(name for name in term.axes if name != axis))

    # Named axes, and back.

    def spread(self, value: Named[T], axis: Axis, length: int) -> Named[T]:
        """A thing that has the axis at its full length, repeated where it did not depend on it."""
        axes = tuple(sorted({*value.axes, axis}))
        wide = self.widened(value, axes, self.rank(value))
        shape = list(self.shape(wide.data))
        place = axes.index(axis)
        if shape[place] == length:
            return wide
        shape[place] = length
        return Named(self.rearrange(lambda a: self.xp.broadcast_to(a, tuple(shape)), wide.data), axes)

    def unname(self, value: Named[T], axis: Axis, length: int) -> Named[T]:
        """A named axis becomes the first unnamed one."""
        value = self.spread(value, axis, length)
        source, target = value.axes.index(axis), len(value.axes) - 1
        moved = self.rearrange(lambda a: self.xp.moveaxis(a, source, target), value.data)
        return Named(moved, tuple(name for name in value.axes if name != axis))

    def name(self, value: Named[T], axis: Axis) -> Named[T]:
        """The first unnamed axis takes a name."""
        axes = tuple(sorted((*value.axes, axis)))
        source, target = len(value.axes), axes.index(axis)
        return Named(self.rearrange(lambda a: self.xp.moveaxis(a, source, target), value.data), axes)

    def at(self, node: At, frame: Frame[T]) -> Named[T]:
        """Subscripts, one unnamed axis after the other."""
        value = self.thing(node.array, frame)
        for place in node.places:
            index = place_index(place)
            if index is None or index in frame.bound:
                value = self.taken(value, int(cast(float, self.visit(place, frame))), wraps=index is None)
                continue
            shift = 0
            if isinstance(place, Apply):
                offset = int(cast(float, self.visit(place.args[1], frame)))
                shift = offset if place.op == "+" else -offset
            value = self.name(self.shifted(value, shift), frame.axis(index))
        return value

    def taken(self, value: Named[T], place: int, wraps: bool = True) -> Named[T]:
        """One slice of the first unnamed axis; zero beyond its ends, where negative places do not count from the end."""
        lead = (slice(None),) * len(value.axes)
        size = self.shape(value.data)[len(value.axes)]
        if wraps and -size <= place < 0:
            place += size
        if 0 <= place < size:
            return replace(value, data=self.rearrange(lambda a: a[(*lead, place)], value.data))
        shape = self.shape(value.data)
        rest = shape[: len(lead)] + shape[len(lead) + 1 :]
        return replace(value, data=self.rearrange(lambda a: self.zeros(a, rest), value.data))

    def zeros(self, like: Array, shape: tuple[int, ...]) -> Array:
        return self.xp.zeros(shape, dtype=like.dtype, device=like.device)

    def shifted(self, value: Named[T], shift: int) -> Named[T]:
        """The first unnamed axis read `shift` further on, zero beyond its ends."""
        if not shift:
            return value
        place = len(value.axes)
        lead = (slice(None),) * place
        size = self.shape(value.data)[place]

        def move(array: Array) -> Array:
            kept = array[(*lead, slice(max(shift, 0), max(size + min(shift, 0), 0)))]
            shape = list(array.shape)
            shape[place] = size - kept.shape[place]
            gap = self.zeros(array, tuple(shape))
            return self.xp.concat([kept, gap] if shift > 0 else [gap, kept], axis=place)

        return replace(value, data=self.rearrange(move, value.data))

    def joined(self, parts: Sequence[Array]) -> Array:
        """End to end along the last axis, the leading ones broadcast."""
        lead = tuple(max(sizes) if min(sizes) else 0 for sizes in zip(*(part.shape[:-1] for part in parts), strict=True))
        wide = [self.xp.broadcast_to(part, (*lead, part.shape[-1])) for part in parts]
        return self.xp.concat(wide, axis=-1)

    def concat_over(self, value: Named[T], axis: Axis, length: int) -> Named[T]:
        """[a_1; a_2; …]: the named axis moves in front of the last one, and both become one."""
        value = self.spread(value, axis, length)
        source = value.axes.index(axis)
        shape = self.shape(value.data)
        rest = shape[:source] + shape[source + 1 :]
        flat = (*rest[:-1], length * rest[-1])
        moved = self.rearrange(lambda a: self.xp.reshape(self.xp.moveaxis(a, source, -2), flat), value.data)
        return Named(moved, tuple(name for name in value.axes if name != axis))

    def recut(self, value: Named[T], order: tuple[int, ...], dims: tuple[int, ...]) -> Named[T]:
        """The unnamed axes in another order, their elements cut anew."""
        lead = len(value.axes)
        places = (*range(lead), *(lead + place for place in order))
        shape = (*self.shape(value.data)[:lead], *dims)
        return replace(
            value, data=self.rearrange(lambda a: self.xp.reshape(self.permuted(a, places), shape), value.data)
        )

    # Recurrences and other equations.

    def scan(self, node: Scan, frame: Frame[T]) -> list[Value[T]]:
        starts = [self.thing(start, frame) for start in node.starts]
        states: list[Value[T]] = list(starts)
        history: list[list[Named[T]]] = [[] for _ in states]
        inner = replace(frame, names=dict(frame.names), bound=dict(frame.bound))
        for step in range(frame.length(node.index)):
            inner.bound[node.index] = step
            inner.names |= dict(zip(node.states, states, strict=True))
            after = self.several(node.body, inner)
            states = [self.state(new, old) for new, old in zip(after, states, strict=True)]
            for past, state in zip(history, states, strict=True):
                past.append(cast(Named[T], state))
        axis = frame.axis(node.index)
        return [self.sequence(past, start, axis) for past, start in zip(history, starts, strict=True)]

    def sequence(self, past: list[Named[T]], start: Named[T], axis: Axis) -> Named[T]:
        """The states of a scan along a named axis; where there are none, an empty axis."""
        lined = self.lined_up(past or [start])
        axes = tuple(sorted((*lined[0].axes, axis)))
        place = axes.index(axis)

        def stacked(*arrays: Array) -> Array:
            shape = tuple(max(sizes) if min(sizes) else 0 for sizes in zip(*(a.shape for a in arrays), strict=True))
            found = self.xp.stack([self.xp.broadcast_to(a, shape) for a in arrays], axis=place)
            return found if past else found[(*(slice(None),) * place, slice(0, 0))]

        return Named(self.rearrange(stacked, *(state.data for state in lined)), axes)

    def last(self, value: Value[T], start: Value[T], axis: Axis, length: int) -> Value[T]:
        if not length:
            return start
        assert isinstance(value, Named)
        place = value.axes.index(axis)
        data = self.rearrange(lambda a: a[(*(slice(None),) * place, -1)], value.data)
        return Named(data, tuple(name for name in value.axes if name != axis))

    def call(self, node: Call, frame: Frame[T]) -> list[Value[T]]:
        args = [self.thing(arg, frame) for arg in node.args]
        options = {name: cast(float, self.visit(value, frame)) for name, value in node.options}
        sizes = {OPTION_SIZES[name]: int(value) for name, value in options.items() if name in OPTION_SIZES}
        for parameter, arg in zip(node.callee.parameters, args, strict=True):
            learn(parameter.dims, self.shape(arg.data)[len(arg.axes) :], sizes)
        names: dict[str, Value[T]] = dict(zip([p.name for p in node.callee.parameters], args, strict=True))
        names |= options
        return self.body(Frame(node.callee, frame.depth + 1, sizes, names))


def learn(dims: Sequence[Dim], shape: Sequence[int], sizes: dict[str, int]) -> None:
    """Sizes from a shape that the check has found to fit, as far as they can be told yet."""
    for dim, size in zip(dims, shape, strict=True):
        if not sizes.keys() >= dim.names:
            dim.solve(size, sizes)
