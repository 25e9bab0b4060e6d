"""The walk that counts what an equation costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from attnspec.interpreters.cost.abstract_values import (
    AT_ONCE,
    AbstractArray,
    Axis,
    Frame,
    alike,
    block_of,
    blocks,
    joint,
    only_last,
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
"""Operations for each element: the largest, the difference from it, the exponential, the sum, the quotient."""


class Counting:
    """Counts as it walks; the step of a recurrence is walked once and counted as often as it runs.

    Attributes:
        products: operations in products of matrices and vectors.
        elementwise: all other operations.
        blocked: what stands for the sizes that are taken in blocks.
        recurs: there is a recurrence.
        memory: who held what.
    """

    def __init__(self, in_blocks: bool) -> None:
        self.products = self.elementwise = NONE
        self.blocked: dict[str, Dim] = {}
        self.recurs = False
        self.memory = Memory()
        self._in_blocks = in_blocks
        self._times = ONE

    def whole(self, definition: Definition) -> list[AbstractArray]:
        """What an equation returns."""
        given = {
            each.name: AbstractArray(
                Type(each.kind, dims=each.dims), places=frozenset({self.memory.given()}), is_data=True
            )
            for each in definition.parameters
        }
        names = {name for each in definition.parameters for dim in each.dims for name in dim.names}
        return self.body(definition, 0, {name: Dim.parse(name) for name in names}, given)

    def body(
        self, definition: Definition, depth: int, sizes: Mapping[str, Dim], given: Mapping[str, AbstractArray]
    ) -> list[AbstractArray]:
        """The lines, then what is returned; what is given is its own to give up."""
        names = {**given, **{option.name: AbstractArray(Type(option.kind)) for option in definition.options}}
        frame = Frame(
            Scope(definition, {name: thing.type for name, thing in names.items()}),
            depth,
            sizes,
            names,
            Counter(name for root in definition.roots for name in reads(root)),
            [],
            blocks(definition) if self._in_blocks else frozenset(),
        )
        self.blocked |= {block_of(frame.length(index)): frame.length(index) for index in frame.in_blocks}
        self.give_up(frame, given)
        for line in definition.lines:
            things = self.several(line.value, frame, line.targets)
            frame.names |= dict(zip(line.targets, things, strict=True))
            frame.scope.names |= {name: thing.type for name, thing in zip(line.targets, things, strict=True)}
            if isinstance(line.value, Scan):
                frame.scope.scanned |= dict.fromkeys(line.targets, line.value.index)
            self.give_up(frame, line.targets)
        results = [thing for node in definition.returns for thing in self.several(node, frame)]
        for places in frame.running:
            self.memory.drop(places)
        return results

    def give_up(self, frame: Frame, names: Iterable[str]) -> None:
        """What nobody reads."""
        for name in names:
            if not frame.unread[name]:
                self.memory.drop(frame.names[name].places)

    # Nodes.

    def several(self, node: Node, frame: Frame, targets: tuple[str, ...] = ()) -> list[AbstractArray]:
        match node:
            case Scan():
                return self.scan(node, frame, targets)
            case Call():
                return self.call(node, frame)
        return [self.visit(node, frame)]

    def visit(self, node: Node, frame: Frame) -> AbstractArray:
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
                return self.each(node, frame, [self.visit(arg, frame) for arg in args])
            case At(array=array, places=places):
                return self.at(node, frame, self.visit(array, frame), [self.visit(place, frame) for place in places])
            case Reduce():
                return self.reduction(node, frame)
            case Concat(parts=parts):
                return self.copied(node, frame, [self.visit(part, frame) for part in parts])
            case ConcatOver(array=array):
                return self.copied(node, frame, [self.visit(array, frame)])
            case Scan() | Call():
                (only,) = self.several(node, frame)
                return only
            case Through():  # `cost` refuses layers, since how many there are is not known
                raise TypeError(f"{type(node).__name__} has no cost here")
            case _:
                assert_never(node)

    def read(self, name: str, frame: Frame) -> AbstractArray:
        """A name; who reads it last has it for himself."""
        thing = frame.names[name]
        frame.unread[name] -= 1
        if frame.unread[name]:
            self.memory.keep(thing.places)
        return thing

    def made(self, thing: AbstractArray, frame: Frame, args: Sequence[AbstractArray]) -> AbstractArray:
        """A result in a place of its own."""
        return replace(thing, places=self.memory.make(frame.held(thing), [arg.places for arg in args]))

    def copied(self, node: Node, frame: Frame, args: list[AbstractArray]) -> AbstractArray:
        """The elements of several, brought together."""
        return self.made(joint(frame.type_of(node), args), frame, args)

    def each(self, node: Node, frame: Frame, args: list[AbstractArray], operations: Dim = ONE) -> AbstractArray:
        """So many operations for each element of the result, which may take the place of an argument."""
        found = joint(frame.type_of(node), args)
        if not (found.is_data or (found.type.kind == "float" and (found.type.names or found.type.dims))):
            return found
        found = replace(found, is_data=True)
        self.elementwise = self.elementwise + self._times * operations * frame.elements(found)
        return replace(found, places=self.memory.overwrite(frame.held(found), [arg.places for arg in args]))

    def product(self, node: Node, frame: Frame, left: AbstractArray, right: AbstractArray) -> AbstractArray:
        """Sums of products over the last unnamed axis of one and the first of the other."""
        found = joint(frame.type_of(node), [left, right])
        terms = self._times * frame.elements(found) * replaced(left.type.dims[-1], frame.sizes)
        self.multiplied(terms, by_rows=len(left.type.dims) == 1 and alike(left, right))
        return self.made(found, frame, [left, right])

    def multiplied(self, terms: Dim, *, by_rows: bool) -> None:
        """A multiplication and an addition for each term; by rows, nothing that is read is read twice."""
        if by_rows:
            self.elementwise = self.elementwise + TWO * terms
        else:
            self.products = self.products + TWO * terms

    def at(self, node: At, frame: Frame, array: AbstractArray, places: list[AbstractArray]) -> AbstractArray:
        """A view, unless the places are data themselves: then what stands there is brought together."""
        if any(place.is_data for place in places):
            return self.copied(node, frame, [array, *places])
        return replace(array, type=frame.type_of(node))

    def reduction(self, node: Reduce, frame: Frame) -> AbstractArray:
        over = [node.where] if node.where is not None else []
        match node:
            case Reduce(op="sum", index=index, term=Apply(op="*", args=(left, right))) if all(
                index in frame.type_of(factor).names for factor in (left, right)
            ):
                args = [self.visit(part, frame) for part in (left, right, *over)]
                terms = self._times * frame.elements(joint(frame.type_of(node.term), args))
                self.multiplied(terms, by_rows=alike(*args[:2]))
                return self.made(joint(frame.type_of(node), args), frame, args)
        args = [self.visit(part, frame) for part in (node.term, *over)]
        if node.op in SOFTMAXES:
            return self.softmax(node, frame, args)
        found = joint(frame.type_of(node), args)
        if not found.is_data:
            return found
        terms = frame.elements(replace(found, type=_with(node.index, found.type)))
        self.elementwise = self.elementwise + self._times * terms
        return self.made(found, frame, args)

    def softmax(self, node: Reduce, frame: Frame, args: list[AbstractArray]) -> AbstractArray:
        found = self.each(node, frame, args, SOFTMAX)
        rows = replace(found, type=_without(node.index, found.type))
        if node.op == "log_softmax":
            self.elementwise = self.elementwise + self._times * frame.elements(rows)
        if node.index in frame.in_blocks:
            frame.running.append(self.memory.make(TWO * frame.held(rows), []))
        return found

    # Recurrences and other equations.

    def scan(self, node: Scan, frame: Frame, targets: tuple[str, ...]) -> list[AbstractArray]:
        """A step, as often as it runs. Of states of which only the last is read, no others are kept."""
        self.recurs = True
        types = infer(node, frame.scope)
        length = frame.length(node.index)
        starts = [self.visit(start, frame) for start in node.starts]
        outer = {name: frame.names[name] for name in reads(node.body) if name not in node.states}
        around = joint(SCALAR, [*starts, *outer.values()])
        states: dict[str, AbstractArray] = {}
        for k, name in enumerate(node.states):
            state = AbstractArray(_without(node.index, types[k]), around.lifted, is_data=True)
            count = ONE if targets and only_last(targets[k], frame.definition) else length
            place = self.memory.make(count * frame.held(state), [starts[k].places])
            states[name] = replace(state, places=place)
        steps = self.step(node, frame, states, outer, length)
        waits = MaxOf.among(step.after for step in steps)
        after = around.after + (waits if waits != AT_ONCE else MaxOf((ONE,))) * length
        return [replace(state, type=type, after=after) for state, type in zip(states.values(), types, strict=True)]

    def step(
        self,
        node: Scan,
        frame: Frame,
        states: Mapping[str, AbstractArray],
        outer: Mapping[str, AbstractArray],
        length: Dim,
    ) -> list[AbstractArray]:
        """What a step gives; what it reads from outside stays, for the other steps read it too."""
        scope = frame.scope
        names = {**scope.names, **{name: state.type for name, state in states.items()}}
        at_once = {name: replace(thing, after=AT_ONCE) for name, thing in frame.names.items()}
        inner = replace(
            frame,
            scope=Scope(scope.definition, names, scope.bound | {node.index}, scope.scanned),
            names={**at_once, **states},
            unread=Counter({**frame.unread, **dict.fromkeys(states, 1)}) + Counter(reads(node.body)),
        )
        for thing in outer.values():
            self.memory.keep(thing.places)
        self._times, times = self._times * length, self._times
        steps = self.several(node.body, inner)
        self._times = times
        for name, thing in outer.items():
            read = sum(each == name for each in reads(node.body))
            frame.unread[name] -= read
            self.memory.drop(thing.places)
            if not frame.unread[name]:
                self.memory.drop(thing.places)
        for step in steps:
            self.memory.drop(step.places)
        return steps

    def call(self, node: Call, frame: Frame) -> list[AbstractArray]:
        """Another equation; what the arguments' axes are called here is lifted over."""
        args = [self.visit(arg, frame) for arg in node.args]
        local = called_with(node, [arg.type for arg in args], frame.scope)
        own = frozenset[Axis]().union(*(frame.axes(arg) for arg in args))
        given = {
            each.name: replace(arg, type=Type(each.kind, dims=each.dims), lifted=arg.lifted | frame.axes(arg))
            for each, arg in zip(node.callee.parameters, args, strict=True)
        }
        sizes = {name: replaced(dim, frame.sizes) for name, dim in local.items()}
        results = self.body(node.callee, frame.depth + 1, sizes, given)
        types = infer(node, frame.scope)
        found = zip(results, types, strict=True)
        return [replace(result, type=type, lifted=result.lifted - own) for result, type in found]


def _with(index: str, type: Type) -> Type:
    return replace(type, names=type.names | {index})


def _without(index: str, type: Type) -> Type:
    return replace(type, names=type.names - {index})
