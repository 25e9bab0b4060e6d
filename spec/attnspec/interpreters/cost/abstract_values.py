"""The abstract arrays that the cost is counted with: they have axes, buffers and a depth, but no elements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from attnspec.interpreters.cost.polynomials import MaxOf, product
from attnspec.language.check import Scope, Type, infer, replaced
from attnspec.language.dims import Dim
from attnspec.language.traversal import nodes, reads
from attnspec.language.tree import ConcatOver, Definition, Last, Name, Node, Reduce, Scan, Stack

NO_STEPS = MaxOf()
"""The depth of an array that depends on no step of a recurrence."""


@dataclass(frozen=True, slots=True)
class SizedAxis:
    """A named axis.

    Attributes:
        depth: number of calls around the equation that names it.
        index: the index that names it.
        size: its size.
        at_once: how much of it is in memory at once: its size, or that of a block.
    """

    depth: int
    index: str
    size: Dim
    at_once: Dim


@dataclass(frozen=True, slots=True)
class AbstractArray:
    """The value of a node, without its elements.

    Attributes:
        type: its type in the equation that it belongs to.
        lifted: named axes of callers.
        buffers: the buffers of its elements; a view shares those of its base.
        after: number of steps that it depends on.
        is_data: whether it depends on an input array, or has a floating-point value for each position.
    """

    type: Type
    lifted: frozenset[SizedAxis] = frozenset()
    buffers: frozenset[int] = frozenset()
    after: MaxOf = NO_STEPS
    is_data: bool = False


@dataclass
class CountingFrame:
    """The state of the count in one equation.

    Attributes:
        scope: the types of its names.
        depth: number of calls around it.
        sizes: its named sizes, as polynomials in those of the outermost equation.
        names: {name: value} of parameters, options and lines so far.
        unread: number of reads of each name that are still to come.
        running_sums: buffers for the running maximum and sum of each softmax that is computed in blocks.
        in_blocks: the indices that are processed in blocks.
    """

    scope: Scope
    depth: int
    sizes: Mapping[str, Dim]
    names: dict[str, AbstractArray]
    unread: Counter[str]
    running_sums: list[frozenset[int]]
    in_blocks: frozenset[str]

    @property
    def definition(self) -> Definition:
        """The equation."""
        return self.scope.definition

    def type_of(self, node: Node) -> Type:
        """The type of a node that has one value."""
        (type_,) = infer(node, self.scope)
        return type_

    def axes(self, array: AbstractArray) -> frozenset[SizedAxis]:
        """The named axes of an array that belong to this equation."""
        return frozenset(
            SizedAxis(self.depth, index, self.length(index), self.block_length(index)) for index in array.type.names
        )

    def length(self, index: str) -> Dim:
        """The size that an index runs over."""
        return replaced(self.definition.ranges[index], self.sizes)

    def block_length(self, index: str) -> Dim:
        """The part of that size that is in memory at once: all of it, or a block."""
        size = self.length(index)
        return Dim((((block_of(size),), 1),)) if index in self.in_blocks else size

    def elements(self, array: AbstractArray) -> Dim:
        """The number of elements of an array."""
        unnamed = product(replaced(dim, self.sizes) for dim in array.type.dims)
        return unnamed * product(axis.size for axis in array.lifted | self.axes(array))

    def elements_at_once(self, array: AbstractArray) -> Dim:
        """The number of elements that are in memory at once."""
        unnamed = product(replaced(dim, self.sizes) for dim in array.type.dims)
        return unnamed * product(axis.at_once for axis in array.lifted | self.axes(array))


def block_of(size: Dim) -> str:
    """The name of the size of a block."""
    return f"min(block, {size})"


def combined(type: Type, args: list[AbstractArray]) -> AbstractArray:
    """The result of an operation on other arrays, without a buffer yet."""
    lifted = frozenset[SizedAxis]().union(*(arg.lifted for arg in args))
    return AbstractArray(
        type, lifted, after=MaxOf.among(arg.after for arg in args), is_data=any(arg.is_data for arg in args)
    )


def same_axes(left: AbstractArray, right: AbstractArray) -> bool:
    """Whether two factors have the same axes, so that no element is read twice."""
    return (left.type.names, left.type.dims, left.lifted) == (right.type.names, right.type.dims, right.lifted)


def blocks(definition: Definition) -> frozenset[str]:
    """The indices that can be processed in blocks: those of a softmax, unless an array is needed whole along them."""
    reduced: set[str] = set()
    whole: set[str] = set()
    for node in nodes(definition):
        match node:
            case Reduce(op="softmax", index=index):
                reduced.add(index)
            case Stack(indices=indices):
                whole |= set(indices)
            case ConcatOver(index=index) | Scan(index=index):
                whole.add(index)
    return frozenset(reduced - whole)


def only_last(name: str, definition: Definition) -> bool:
    """Whether only the last state of a recurrence is read."""
    lasts = sum(isinstance(node, Last) and node.state == Name(name) for node in nodes(definition))
    return lasts == sum(read == name for root in definition.roots for read in reads(root))
