"""The walk that counts what an equation costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from attnspec.interpreters.cost.abstract_values import (
    NO_STEPS,
    AbstractArray,
    CountingFrame,
    SizedAxis,
    block_of,
    blocks,
    combined,
    only_last,
    same_axes,
)
from attnspec.interpreters.cost.liveness import Memory
from attnspec.interpreters.cost.polynomials import NONE, ONE, TWO, MaxOf
from attnspec.language.check import SCALAR, Scope, Type, called_with, infer, replaced
from attnspec.language.dims import Dim
from attnspec.language.traversal import reads
from attnspec.language.tree import (
    SOFTMAXES,
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

SOFTMAX = Dim.of({(): 5})
"""Operations for each element of a softmax: maximum, difference, exponential, sum, quotient."""


class Counting:
    """Walks an equation and counts. The step of a recurrence is walked once, and its counts times the number of steps.

    Attributes:
        products: operations in products of matrices and vectors.
        elementwise: all other operations.
        blocked: {name of a block size: the full size}.
        recurs: whether there is a recurrence.
        memory: the buffers.
    """

    def __init__(self, in_blocks: bool) -> None:
        self.products = self.elementwise = NONE
        self.blocked: dict[str, Dim] = {}
        self.recurs = False
        self.memory = Memory()
        self._in_blocks = in_blocks
        self._times = ONE

    def count(self, definition: Definition) -> list[AbstractArray]:
        """Count an equation, and return its results."""
        inputs = {
            parameter.name: AbstractArray(
                Type(parameter.kind, dims=parameter.dims), buffers=frozenset({self.memory.add_input()}), is_data=True
            )
            for parameter in definition.parameters
        }
        names = {name for parameter in definition.parameters for dim in parameter.dims for name in dim.names}
        return self.body(definition, 0, {name: Dim.parse(name) for name in names}, inputs)

    def body(
        self, definition: Definition, depth: int, sizes: Mapping[str, Dim], given: Mapping[str, AbstractArray]
    ) -> list[AbstractArray]:
        """Count the lines, then the results.

        Args:
            definition: the equation.
            depth: number of calls around it.
            sizes: its named sizes, as polynomials in those of the outermost equation.
            given: {name: argument}; the buffers of arguments may be released.

        Returns:
            The results.
        """
        names = {**given, **{option.name: AbstractArray(Type(option.kind)) for option in definition.options}}
        frame = CountingFrame(
            Scope(definition, {name: array.type for name, array in names.items()}),
            depth,
            sizes,
            names,
            Counter(name for root in definition.roots for name in reads(root)),
            [],
            blocks(definition) if self._in_blocks else frozenset(),
        )
        self.blocked |= {block_of(frame.length(index)): frame.length(index) for index in frame.in_blocks}
        self.release_unread(frame, given)
        for line in definition.lines:
            arrays = self.results(line.value, frame, line.targets)
            frame.names |= dict(zip(line.targets, arrays, strict=True))
            frame.scope.names |= {name: array.type for name, array in zip(line.targets, arrays, strict=True)}
            if isinstance(line.value, Scan):
                frame.scope.scanned |= dict.fromkeys(line.targets, line.value.index)
            self.release_unread(frame, line.targets)
        results = [array for node in definition.returns for array in self.results(node, frame)]
        for buffers in frame.running_sums:
            self.memory.drop(buffers)
        return results

    def release_unread(self, frame: CountingFrame, names: Iterable[str]) -> None:
        """Release the buffers of names that are not read any more."""
        for name in names:
            if not frame.unread[name]:
                self.memory.drop(frame.names[name].buffers)

    # Nodes.

    def results(self, node: Node, frame: CountingFrame, targets: tuple[str, ...] = ()) -> list[AbstractArray]:
        """The values of a node, which may be a scan or a call with several results."""
        match node:
            case Scan():
                return self.scan(node, frame, targets)
            case Call():
                return self.call(node, frame)
        return [self.visit(node, frame)]

    def visit(self, node: Node, frame: CountingFrame) -> AbstractArray:
        """The value of a node that has one."""
        match node:
            case Name(id=name):
                return self.read(name, frame)
            case Number() | SizeOf() | Position() | Zeros():
                return AbstractArray(frame.type_of(node))
            case Apply(op="@", args=(left, right)):
                return self.product(node, frame, self.visit(left, frame), self.visit(right, frame))
            case (
                Apply(op="transpose", args=(array,))
                | Stack(array=array)
                | Split(array=array)
                | Reshape(array=array)
                | Last(state=array)
            ):
                return replace(self.visit(array, frame), type=frame.type_of(node))
            case Apply(args=args):
                return self.elementwise_operation(node, frame, [self.visit(arg, frame) for arg in args])
            case At(array=array, places=places):
                return self.at(node, frame, self.visit(array, frame), [self.visit(place, frame) for place in places])
            case Reduce():
                return self.reduction(node, frame)
            case Concat(parts=parts):
                return self.copied(node, frame, [self.visit(part, frame) for part in parts])
            case ConcatOver(array=array):
                return self.copied(node, frame, [self.visit(array, frame)])
            case Scan() | Call():
                (only,) = self.results(node, frame)
                return only
            case Through():  # `cost` refuses layers, as their number is not known
                raise TypeError(f"{type(node).__name__} has no cost here")
            case _:
                assert_never(node)

    def read(self, name: str, frame: CountingFrame) -> AbstractArray:
        """The value of a name. All reads but the last keep its buffers."""
        array = frame.names[name]
        frame.unread[name] -= 1
        if frame.unread[name]:
            self.memory.keep(array.buffers)
        return array

    def allocated(self, array: AbstractArray, frame: CountingFrame, args: Sequence[AbstractArray]) -> AbstractArray:
        """A result with a new buffer."""
        return replace(
            array, buffers=self.memory.allocate(frame.elements_at_once(array), [arg.buffers for arg in args])
        )

    def copied(self, node: Node, frame: CountingFrame, args: list[AbstractArray]) -> AbstractArray:
        """A result that copies the elements of its arguments."""
        return self.allocated(combined(frame.type_of(node), args), frame, args)

    def elementwise_operation(
        self, node: Node, frame: CountingFrame, args: list[AbstractArray], operations: Dim = ONE
    ) -> AbstractArray:
        """The result of an elementwise operation, which may reuse the buffer of an argument.

        Args:
            operations: number of operations for each element.
        """
        result = combined(frame.type_of(node), args)
        if not (result.is_data or (result.type.kind == "float" and (result.type.names or result.type.dims))):
            return result
        result = replace(result, is_data=True)
        self.elementwise = self.elementwise + self._times * operations * frame.elements(result)
        return replace(
            result, buffers=self.memory.allocate_in_place(frame.elements_at_once(result), [arg.buffers for arg in args])
        )

    def product(self, node: Node, frame: CountingFrame, left: AbstractArray, right: AbstractArray) -> AbstractArray:
        """The result of a product of matrices or vectors."""
        result = combined(frame.type_of(node), [left, right])
        terms = self._times * frame.elements(result) * replaced(left.type.dims[-1], frame.sizes)
        self.count_products(terms, by_rows=len(left.type.dims) == 1 and same_axes(left, right))
        return self.allocated(result, frame, [left, right])

    def count_products(self, terms: Dim, *, by_rows: bool) -> None:
        """Count a multiplication and an addition for each term.

        Args:
            terms: number of products that are summed.
            by_rows: whether each element is read once, as in a row-wise inner product, which counts as elementwise.
        """
        if by_rows:
            self.elementwise = self.elementwise + TWO * terms
        else:
            self.products = self.products + TWO * terms

    def at(self, node: At, frame: CountingFrame, array: AbstractArray, places: list[AbstractArray]) -> AbstractArray:
        """The value of an array with subscripts: a view, or a copy if the subscripts are data."""
        if any(place.is_data for place in places):
            return self.copied(node, frame, [array, *places])
        return replace(array, type=frame.type_of(node))

    def reduction(self, node: Reduce, frame: CountingFrame) -> AbstractArray:
        """The result of a reduction; a sum of products counts as a product of matrices."""
        over = [node.where] if node.where is not None else []
        match node:
            case Reduce(op="sum", index=index, term=Apply(op="*", args=(left, right))) if all(
                index in frame.type_of(factor).names for factor in (left, right)
            ):
                args = [self.visit(part, frame) for part in (left, right, *over)]
                terms = self._times * frame.elements(combined(frame.type_of(node.term), args))
                self.count_products(terms, by_rows=same_axes(*args[:2]))
                return self.allocated(combined(frame.type_of(node), args), frame, args)
        args = [self.visit(part, frame) for part in (node.term, *over)]
        if node.op in SOFTMAXES:
            return self.softmax(node, frame, args)
        result = combined(frame.type_of(node), args)
        if not result.is_data:
            return result
        terms = frame.elements(replace(result, type=_with(node.index, result.type)))
        self.elementwise = self.elementwise + self._times * terms
        return self.allocated(result, frame, args)

    def softmax(self, node: Reduce, frame: CountingFrame, args: list[AbstractArray]) -> AbstractArray:
        """The result of a softmax; in blocks, it keeps a running maximum and a running sum for each row."""
        result = self.elementwise_operation(node, frame, args, SOFTMAX)
        rows = replace(result, type=_without(node.index, result.type))
        if node.op == "log_softmax":
            self.elementwise = self.elementwise + self._times * frame.elements(rows)
        if node.index in frame.in_blocks:
            frame.running_sums.append(self.memory.allocate(TWO * frame.elements_at_once(rows), []))
        return result

    # Recurrences and other equations.

    def scan(self, node: Scan, frame: CountingFrame, targets: tuple[str, ...]) -> list[AbstractArray]:
        """The states of a recurrence; only the last one is stored if no other is read."""
        self.recurs = True
        types = infer(node, frame.scope)
        length = frame.length(node.index)
        starts = [self.visit(start, frame) for start in node.starts]
        outer = {name: frame.names[name] for name in reads(node.body) if name not in node.states}
        around = combined(SCALAR, [*starts, *outer.values()])
        states: dict[str, AbstractArray] = {}
        for k, name in enumerate(node.states):
            state = AbstractArray(_without(node.index, types[k]), around.lifted, is_data=True)
            count = ONE if targets and only_last(targets[k], frame.definition) else length
            buffer = self.memory.allocate(count * frame.elements_at_once(state), [starts[k].buffers])
            states[name] = replace(state, buffers=buffer)
        steps = self.step(node, frame, states, outer, length)
        waits = MaxOf.among(step.after for step in steps)
        after = around.after + (waits if waits != NO_STEPS else MaxOf((ONE,))) * length
        return [replace(state, type=type, after=after) for state, type in zip(states.values(), types, strict=True)]

    def step(
        self,
        node: Scan,
        frame: CountingFrame,
        states: Mapping[str, AbstractArray],
        outer: Mapping[str, AbstractArray],
        length: Dim,
    ) -> list[AbstractArray]:
        """The states after a step. Arrays from outside are kept during all steps.

        Args:
            states: {name: state} before the step.
            outer: {name: array} of what the step reads from outside.
            length: number of steps.
        """
        scope = frame.scope
        names = {**scope.names, **{name: state.type for name, state in states.items()}}
        at_once = {
            name: replace(array, type=_without(node.index, array.type), after=NO_STEPS)
            for name, array in frame.names.items()
        }
        inner = replace(
            frame,
            scope=Scope(scope.definition, names, scope.bound | {node.index}, scope.scanned),
            names={**at_once, **states},
            unread=Counter({**frame.unread, **dict.fromkeys(states, 1)}) + Counter(reads(node.body)),
        )
        for array in outer.values():
            self.memory.keep(array.buffers)
        self._times, times = self._times * length, self._times
        steps = self.results(node.body, inner)
        self._times = times
        for name, array in outer.items():
            frame.unread[name] -= sum(read == name for read in reads(node.body))
            self.memory.drop(array.buffers)
            if not frame.unread[name]:
                self.memory.drop(array.buffers)
        for step in steps:
            self.memory.drop(step.buffers)
        return steps

    def call(self, node: Call, frame: CountingFrame) -> list[AbstractArray]:
        """The results of a called equation; named axes of the arguments are lifted over the call."""
        args = [self.visit(arg, frame) for arg in node.args]
        local = called_with(node, [arg.type for arg in args], frame.scope)
        named = frozenset[SizedAxis]().union(*(frame.axes(arg) for arg in args))
        given = {
            parameter.name: replace(
                arg, type=Type(parameter.kind, dims=parameter.dims), lifted=arg.lifted | frame.axes(arg)
            )
            for parameter, arg in zip(node.callee.parameters, args, strict=True)
        }
        sizes = {name: replaced(dim, frame.sizes) for name, dim in local.items()}
        results = self.body(node.callee, frame.depth + 1, sizes, given)
        types = infer(node, frame.scope)
        pairs = zip(results, types, strict=True)
        return [replace(result, type=type, lifted=result.lifted - named) for result, type in pairs]


def _with(index: str, type: Type) -> Type:
    return replace(type, names=type.names | {index})


def _without(index: str, type: Type) -> Type:
    return replace(type, names=type.names - {index})
