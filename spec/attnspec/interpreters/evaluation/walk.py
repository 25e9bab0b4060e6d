"""The one walk over an equation's tree that gives values and noise alike.

An interpretation says what its things are (`T`: an array, or an array with a variance) and how they are added,
multiplied and contracted; the walk knows indices, scans and calls, and hands it things whose axes already line up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, assert_never, cast

from attnspec.interpreters.evaluation.algebra import Array, Axis, Named, T, Value
from attnspec.interpreters.evaluation.named_axes import NamedAxes
from attnspec.language.check import positions, viewed
from attnspec.language.dims import Dim
from attnspec.language.layers import written_out
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
    Through,
    Zeros,
)

__all__ = ["Array", "Axis", "Frame", "Interpreter", "Named", "Value", "learn"]


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
        return self.depth, self.definition.places[index]

    def length(self, index: str) -> int:
        return self.definition.ranges[index].value(self.sizes)


class Interpreter(NamedAxes[T]):
    """Walks trees; a subclass says what is made at each node."""

    def line(self, name: str) -> None:
        """A line begins; "" when it has ended."""

    def state(self, value: Value[T], before: Value[T]) -> Value[T]:
        """A state that a recurrence carries to its next step."""
        return value

    def run(
        self,
        definition: Definition,
        arrays: Mapping[str, Array],
        options: Mapping[str, float],
        sizes: dict[str, int],
        batch: int = 0,
    ) -> tuple[tuple[T, ...], Frame[T]]:
        """Evaluate an equation; every array has its own axes last and up to `batch` batch axes before them."""
        definition = written_out(definition, arrays)
        names: dict[str, Value[T]] = {name: _number(value) for name, value in options.items()}
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
        return value.data if isinstance(value, Named) else self.constant(value, self.positions(1))

    def body(self, frame: Frame[T]) -> list[Value[T]]:
        """The lines, then what is returned."""
        for line in frame.definition.lines:
            self.line(line.targets[0])
            values = self.several(line.value, frame)
            self.line("")
            frame.names |= dict(zip(line.targets, values, strict=True))
            if isinstance(line.value, Scan):
                begun = [self.thing(start, frame) for start in line.value.starts]
                frame.starts |= dict(zip(line.targets, begun, strict=True))
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
                return _number(number)
            case SizeOf(dim=dim):
                return float(dim.value(frame.sizes))
            case Zeros(dims=dims):
                return Named(self.blank(tuple(dim.value(frame.sizes) for dim in dims)), ())
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
            case Last() | Through():  # `check` refuses the last of what has no name; layers are written out by now
                raise TypeError(f"{type(node).__name__} has no value here")
            case _:
                assert_never(node)

    def thing(self, node: Node, frame: Frame[T]) -> Named[T]:
        """What a node gives, as a thing also where it is a number: a start, a condition, what a slip left over."""
        return self.as_thing(self.visit(node, frame))

    def reduction(self, node: Reduce, frame: Frame[T]) -> Named[T]:
        axis, length = frame.axis(node.index), frame.length(node.index)
        where = self.thing(node.where, frame) if node.where is not None else None
        if node.op == "sum" and isinstance(node.term, Apply) and node.term.op == "*":
            a, b = (self.visit(arg, frame) for arg in node.term.args)
            if isinstance(a, Named) and isinstance(b, Named):
                fused = self.fused(a, b, where, axis) if axis in a.axes and axis in b.axes else None
                return fused or self.reduced(node.op, self.elementwise("*", [a, b]), where, axis, length)
        return self.reduced(node.op, self.visit(node.term, frame), where, axis, length)

    def at(self, node: At, frame: Frame[T]) -> Named[T]:
        """Subscripts, one unnamed axis after the other."""
        value = self.thing(node.array, frame)
        for place in node.places:
            index = viewed(place, frame.bound)
            if index is not None and frame.length(index) == self.shape(value.data)[len(value.axes)]:
                moved = self.moved_to(value, place, frame)
                if moved is not None:
                    value = self.name(moved, frame.axis(index))
                    continue
            found = self.visit(place, frame)
            if isinstance(found, Named):
                value = self.looked_up(value, found)
            else:
                value = self.taken(value, int(found), wraps=not positions(place))
        return value

    def moved_to(self, value: Named[T], place: Node, frame: Frame[T]) -> Named[T] | None:
        """The first unnamed axis as it is, shifted, or backwards; None where an array tells how far."""
        match place:
            case Apply(op="-", args=(end, Position())):
                by = self.visit(end, frame)
                return None if isinstance(by, Named) else self.backwards(value, int(by))
            case Apply(op=op, args=(Position(), offset) | (offset, Position())):
                by = self.visit(offset, frame)
                return None if isinstance(by, Named) else self.shifted(value, int(by) if op == "+" else -int(by))
        return value

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

    def as_thing(self, value: Value[T]) -> Named[T]:
        """A thing also where it is a number."""
        return value if isinstance(value, Named) else Named(self.constant(value, self.positions(1)), ())

    def call(self, node: Call, frame: Frame[T]) -> list[Value[T]]:
        args = [self.thing(arg, frame) for arg in node.args]
        options = {name: cast(float, self.visit(value, frame)) for name, value in node.options}
        sizes = {size: int(options[name]) for name, size in node.callee.size_options.items()}
        for parameter, arg in zip(node.callee.parameters, args, strict=True):
            learn(parameter.dims, self.shape(arg.data)[len(arg.axes) :], sizes)
        names: dict[str, Value[T]] = dict(zip([p.name for p in node.callee.parameters], args, strict=True))
        names |= options
        return self.body(Frame(node.callee, frame.depth + 1, sizes, names))


def _number(value: float) -> float:
    """A number, which is a whole one in Python too where it is: so counts are exact, however large."""
    return int(value) if float(value).is_integer() else float(value)


def learn(dims: Sequence[Dim], shape: Sequence[int], sizes: dict[str, int]) -> None:
    """Sizes from a shape that the check has found to fit, as far as they can be told yet."""
    for dim, size in zip(dims, shape, strict=True):
        if not sizes.keys() >= dim.names:
            dim.solve(size, sizes)
