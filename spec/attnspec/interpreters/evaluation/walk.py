"""The walk over an equation's syntax tree that computes values and noise.

The walk resolves indices, scans and calls. A subclass defines the type `T` of its arrays (a plain array, or an array
with a variance) and the operations on arrays whose axes are aligned.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, assert_never, cast

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

__all__ = ["Array", "Axis", "Frame", "Interpreter", "Named", "Value", "solve_sizes"]

NOWHERE = 2**62
"""A place that is outside of every array."""


@dataclass
class Frame(Generic[T]):
    """The state of the walk in one equation.

    Attributes:
        definition: the equation.
        depth: number of calls around it, 0 for the equation that was called first.
        sizes: {named size: its value}.
        names: {name: value} of parameters, options and lines so far.
        bound: {index: step} of the scans around the current node.
        starts: {name: start} of the states of scans so far.
        context: a number for the depth, the sizes and the indices, of a walk that remembers values; else None.
    """

    definition: Definition
    depth: int
    sizes: dict[str, int]
    names: dict[str, Value[T]]
    bound: dict[str, int] = field(default_factory=dict)
    starts: dict[str, Value[T]] = field(default_factory=dict)
    context: int | None = None

    def axis(self, index: str) -> Axis:
        """The key of the axis that an index names."""
        return self.depth, self.definition.places[index]

    def length(self, index: str) -> int:
        """The number of values of an index."""
        return self.definition.ranges[index].value(self.sizes)


class Interpreter(NamedAxes[T]):
    """Walks the syntax tree of an equation; subclasses implement the operations of `Algebra`."""

    def begin_line(self, name: str) -> None:
        """Called with the name of a line before it is computed, and with "" afterwards."""

    def state(self, value: Value[T], before: Value[T]) -> Value[T]:
        """The state that a recurrence carries to its next step, such as `value` in another format.

        Args:
            value: the state after the step.
            before: the state before the step.
        """
        return value

    def run(
        self,
        definition: Definition,
        arrays: Mapping[str, Array],
        options: Mapping[str, float],
        sizes: dict[str, int],
        batch: int = 0,
    ) -> tuple[tuple[T, ...], Frame[T]]:
        """Interpret an equation.

        Args:
            definition: the equation.
            arrays: {name: array}; the axes of the parameter come last, up to `batch` batch axes come first.
            options: {name: value} of the options.
            sizes: {named size: its value}.
            batch: the largest number of batch axes.

        Returns:
            The results, and the state of the walk at the end.
        """
        definition = written_out(definition, arrays)
        names: dict[str, Value[T]] = {name: _number(value) for name, value in options.items()}
        for parameter in definition.parameters:
            array = arrays[parameter.name]
            extra = array.ndim - len(parameter.dims)
            names[parameter.name] = self.enter(array, tuple((-1, batch - extra + k) for k in range(extra)))
        frame = Frame(definition, 0, sizes, names)
        return tuple(self.leave(value) for value in self.body(frame)), frame

    def enter(self, array: Array, axes: tuple[Axis, ...]) -> Named[T]:
        """An input, whose batch axes are named by `axes`."""
        return Named(self.source(array), axes)

    def leave(self, value: Value[T]) -> T:
        """A result of the equation as a `T`."""
        return value.data if isinstance(value, Named) else self.constant(value, self.positions(1))

    def body(self, frame: Frame[T]) -> list[Value[T]]:
        """The values of the lines, then of the results."""
        for line in frame.definition.lines:
            self.begin_line(line.targets[0])
            values = self.results(line.value, frame)
            self.begin_line("")
            frame.names |= dict(zip(line.targets, values, strict=True))
            if isinstance(line.value, Scan):
                starts = [self.named_value(start, frame) for start in line.value.starts]
                frame.starts |= dict(zip(line.targets, starts, strict=True))
        return [value for node in frame.definition.returns for value in self.results(node, frame)]

    def results(self, node: Node, frame: Frame[T]) -> list[Value[T]]:
        """The values of a node, which may be a scan or a call with several results."""
        match node:
            case Scan():
                return self.scan(node, frame)
            case Call():
                return self.call(node, frame)
        return [self.visit(node, frame)]

    def visit(self, node: Node, frame: Frame[T]) -> Value[T]:
        """The value of a node that has one."""
        match node:
            case Name(id=name):
                return self.at_step(frame.names[name], frame)
            case Number(value=number):
                return self.literal(number)
            case SizeOf(dim=dim):
                return float(dim.value(frame.sizes))
            case Zeros(dims=dims):
                return Named(self.blank(tuple(dim.value(frame.sizes) for dim in dims)), ())
            case Position(index=index):
                if index in frame.bound:
                    return float(frame.bound[index])
                return Named(self.positions(frame.length(index)), (frame.axis(index),))
            case Apply(op="@", args=(left, right)):
                return self.matmul(self.named_value(left, frame), self.named_value(right, frame))
            case Apply(op="transpose", args=(array,)):
                value = self.named_value(array, frame)
                return Named(self.rearrange(lambda a: self.xp.matrix_transpose(a), value.data), value.axes)
            case Apply():
                return self.operation(node, frame)
            case At():
                return self.at(node, frame)
            case Reduce():
                return self.reduction(node, frame)
            case Stack(array=array, indices=indices):
                value = self.named_value(array, frame)
                for index in reversed(indices):
                    value = self.unname(value, frame.axis(index), frame.length(index))
                return value
            case Concat(parts=parts):
                operands = self.aligned([self.named_value(part, frame) for part in parts])
                return Named(
                    self.rearrange(lambda *a: self.concatenated(a), *(x.data for x in operands)), operands[0].axes
                )
            case ConcatOver(index=index, array=array):
                return self.concat_over(self.named_value(array, frame), frame.axis(index), frame.length(index))
            case Split(array=array, parts=parts):
                value, count = self.named_value(array, frame), int(cast(float, self.visit(parts, frame)))
                *rows, width = self.shape(value.data)
                shape = (*rows, count, width // count)
                return Named(self.rearrange(lambda a: self.xp.reshape(a, shape), value.data), value.axes)
            case Reshape(array=array, order=order, dims=dims):
                return self.reshaped(
                    self.named_value(array, frame), order, tuple(dim.value(frame.sizes) for dim in dims)
                )
            case Last(index=index, state=Name(id=name)):
                return self.last(frame.names[name], frame.starts[name], frame.axis(index), frame.length(index))
            case Scan() | Call():
                (only,) = self.results(node, frame)
                return only
            case Last() | Through():  # `check` refuses `last` of an unnamed state, and layers have been written out
                raise TypeError(f"{type(node).__name__} has no value here")
            case _:
                assert_never(node)

    def literal(self, number: float) -> Value[T]:
        """The value of a number in the formula."""
        return _number(number)

    def operation(self, node: Apply, frame: Frame[T]) -> Value[T]:
        """The value of an elementwise operation."""
        return self.elementwise(node.op, [self.visit(arg, frame) for arg in node.args])

    def named_value(self, node: Node, frame: Frame[T]) -> Named[T]:
        """The value of a node as an array, also if it is a number."""
        return self.as_named(self.visit(node, frame))

    def reduction(self, node: Reduce, frame: Frame[T]) -> Named[T]:
        """The value of a reduction; a sum of products is computed as a contraction."""
        axis, length = frame.axis(node.index), frame.length(node.index)
        where = self.named_value(node.where, frame) if node.where is not None else None
        if node.op == "sum" and isinstance(node.term, Apply) and node.term.op == "*":
            a, b = (self.visit(arg, frame) for arg in node.term.args)
            if isinstance(a, Named) and isinstance(b, Named) and axis in a.axes and axis in b.axes:
                with self.counting(node):
                    fused = self.fused(a, b, where, axis)
                if fused is not None:
                    return fused
                a, b = (Named(self.round_operand(each.data), each.axes) for each in (a, b))
            term = self.elementwise("*", [a, b])
        else:
            term = self.visit(node.term, frame)
        with self.counting(node):
            return self.reduced(node.op, term, where, axis, length)

    @contextmanager
    def counting(self, node: Reduce) -> Iterator[None]:
        """A context in which the places along the axis of a reduction stand for as many elements as it says."""
        before = self.counts
        self.counts = self.xp.asarray(node.counts, dtype=self.xp.float64) if node.counts else None
        try:
            yield
        finally:
            self.counts = before

    def at_step(self, value: Value[T], frame: Frame[T]) -> Value[T]:
        """A value at the steps of the scans around it, if it has axes of their indices."""
        for index, step in frame.bound.items():
            if isinstance(value, Named) and (axis := frame.axis(index)) in value.axes:
                value = self.slice_at(self.unname(value, axis, frame.length(index)), step, wraps=False)
        return value

    def at(self, node: At, frame: Frame[T]) -> Named[T]:
        """The value of an array with subscripts, which name one unnamed axis after the other."""
        value = self.named_value(node.array, frame)
        for place in node.places:
            index = viewed(place, frame.bound)
            if index is not None and frame.length(index) == self.shape(value.data)[len(value.axes)]:
                moved = self.moved_to(value, place, frame)
                if moved is not None:
                    value = self.name(moved, frame.axis(index))
                    continue
            position = self.visit(place, frame)
            if isinstance(position, Named):
                value = self.gathered(value, position)
            else:
                value = self.slice_at(value, _place(position), wraps=not positions(place))
        return value

    def moved_to(self, value: Named[T], place: Node, frame: Frame[T]) -> Named[T] | None:
        """The first unnamed axis as it is, shifted, or backwards; None where an array tells how far."""
        match place:
            case Apply(op="-", args=(end, Position())):
                by = self.visit(end, frame)
                return None if isinstance(by, Named) else self.reversed_from(value, _place(by))
            case Apply(op=op, args=(Position(), offset) | (offset, Position())):
                by = self.visit(offset, frame)
                return None if isinstance(by, Named) else self.shifted(value, _place(by) if op == "+" else -_place(by))
        return value

    # Recurrences and other equations.

    def scan(self, node: Scan, frame: Frame[T]) -> list[Value[T]]:
        """The states of a recurrence, each with its values at all steps along the axis of the scan."""
        starts = [self.named_value(start, frame) for start in node.starts]
        states: list[Value[T]] = list(starts)
        history: list[list[Named[T]]] = [[] for _ in states]
        inner = replace(frame, names=dict(frame.names), bound=dict(frame.bound))
        for step in range(frame.length(node.index)):
            inner.bound[node.index] = step
            inner.names |= dict(zip(node.states, states, strict=True))
            after = self.results(node.body, inner)
            states = [self.state(self.as_named(new), old) for new, old in zip(after, states, strict=True)]
            for past, state in zip(history, states, strict=True):
                past.append(self.as_named(state))
        axis = frame.axis(node.index)
        return [self.sequence(past, start, axis) for past, start in zip(history, starts, strict=True)]

    def as_named(self, value: Value[T]) -> Named[T]:
        """A value as an array, also if it is a number."""
        return value if isinstance(value, Named) else Named(self.constant(value, self.positions(1)), ())

    def call(self, node: Call, frame: Frame[T]) -> list[Value[T]]:
        """The results of a called equation; named axes of the arguments are lifted over the call."""
        args = [self.as_named(*self.results(arg, frame)) for arg in node.args]
        options = {name: cast(float, self.visit(value, frame)) for name, value in node.options}
        sizes = {size: int(options[name]) for name, size in node.callee.size_options.items()}
        unsolved = [
            (parameter.dims, self.shape(arg.data)[len(arg.axes) :])
            for parameter, arg in zip(node.callee.parameters, args, strict=True)
        ]
        while unsolved:  # a product of sizes is solved after its factors, whatever comes first
            before = len(unsolved)
            unsolved = [each for each in unsolved if not solve_sizes(*each, sizes)]
            if len(unsolved) == before:
                break
        names: dict[str, Value[T]] = dict(zip([p.name for p in node.callee.parameters], args, strict=True))
        names |= options
        return self.body(Frame(node.callee, frame.depth + 1, sizes, names))


def _number(value: float) -> float:
    """An integral number as an int, so that large counts stay exact."""
    return int(value) if float(value).is_integer() else float(value)


def _place(number: Value[Any]) -> int:
    """A whole number as a place along an axis; what a division by 0 gives is outside of every array."""
    value = cast(float, number)
    return int(value) if math.isfinite(value) else NOWHERE


def solve_sizes(dims: Sequence[Dim], shape: Sequence[int], sizes: dict[str, int]) -> bool:
    """Add the sizes that can be solved from a shape, which `check` has found to fit, to `sizes`.

    Returns:
        Whether every size of the shape is known now.
    """
    reasons = [dim.solve(size, sizes) for dim, size in zip(dims, shape, strict=True) if not sizes.keys() >= dim.names]
    return not any(reasons)
