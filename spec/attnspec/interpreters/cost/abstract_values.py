"""What stands for arrays while an equation is counted: their axes, where their elements are, what they wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from attnspec.interpreters.cost.polynomials import MaxOf, product
from attnspec.language.check import Scope, Type, infer, replaced
from attnspec.language.dims import Dim
from attnspec.language.traversal import nodes, reads
from attnspec.language.tree import ConcatOver, Definition, Last, Name, Node, Reduce, Scan, Stack

AT_ONCE = MaxOf()
"""After no step at all."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis with a name: by the depth of the equation that names it and its index, its size, what is held of it."""

    depth: int
    index: str
    size: Dim
    held: Dim


@dataclass(frozen=True, slots=True)
class AbstractArray:
    """What a node gives.

    Attributes:
        type: in the words of the equation that it stands in.
        lifted: axes that callers name.
        places: where its elements are; a view shares them with what it shows.
        after: the steps that must come before it.
        is_data: it depends on an array that was given, or is computed at every position, such as an angle.
    """

    type: Type
    lifted: frozenset[Axis] = frozenset()
    places: frozenset[int] = frozenset()
    after: MaxOf = AT_ONCE
    is_data: bool = False


@dataclass
class Frame:
    """One equation while it is counted.

    Attributes:
        scope: what its names mean.
        depth: how many calls it stands in.
        sizes: its named sizes, in those of the equation that was asked about.
        names: what is known so far.
        unread: how often each name is still to be read.
        running: places of the largest and the sum so far, where a softmax is taken in blocks.
        in_blocks: the indices that are.
    """

    scope: Scope
    depth: int
    sizes: Mapping[str, Dim]
    names: dict[str, AbstractArray]
    unread: Counter[str]
    running: list[frozenset[int]]
    in_blocks: frozenset[str]

    @property
    def definition(self) -> Definition:
        """The equation."""
        return self.scope.definition

    def type_of(self, node: Node) -> Type:
        """The type of a part with one value."""
        (found,) = infer(node, self.scope)
        return found

    def axes(self, thing: AbstractArray) -> frozenset[Axis]:
        """The axes that the equation itself names."""
        return frozenset(Axis(self.depth, index, self.length(index), self.held_of(index)) for index in thing.type.names)

    def length(self, index: str) -> Dim:
        """The size that an index runs over."""
        return replaced(self.definition.ranges[index], self.sizes)

    def held_of(self, index: str) -> Dim:
        """How much of that is held at once."""
        size = self.length(index)
        return Dim((((block_of(size),), 1),)) if index in self.in_blocks else size

    def elements(self, thing: AbstractArray) -> Dim:
        """How many it has."""
        own = product(replaced(dim, self.sizes) for dim in thing.type.dims)
        return own * product(axis.size for axis in thing.lifted | self.axes(thing))

    def held(self, thing: AbstractArray) -> Dim:
        """How many of them are held at once."""
        own = product(replaced(dim, self.sizes) for dim in thing.type.dims)
        return own * product(axis.held for axis in thing.lifted | self.axes(thing))


def block_of(size: Dim) -> str:
    """What a block of an axis is called."""
    return f"min(block, {size})"


def joint(type: Type, args: list[AbstractArray]) -> AbstractArray:
    """A thing made of others, without a place yet."""
    lifted = frozenset[Axis]().union(*(arg.lifted for arg in args))
    return AbstractArray(
        type, lifted, after=MaxOf.among(arg.after for arg in args), is_data=any(arg.is_data for arg in args)
    )


def alike(left: AbstractArray, right: AbstractArray) -> bool:
    """Whether two factors have the same axes, so that no element of theirs is read twice."""
    return (left.type.names, left.type.dims, left.lifted) == (right.type.names, right.type.dims, right.lifted)


def blocks(definition: Definition) -> frozenset[str]:
    """The indices that can be taken in blocks: a softmax runs over them, and nothing that has them is kept whole."""
    found: set[str] = set()
    whole: set[str] = set()
    for node in nodes(definition):
        match node:
            case Reduce(op="softmax", index=index):
                found.add(index)
            case Stack(indices=indices):
                whole |= set(indices)
            case ConcatOver(index=index) | Scan(index=index):
                whole.add(index)
    return frozenset(found - whole)


def only_last(name: str, definition: Definition) -> bool:
    """Whether of a recurrence only the last state is read."""
    lasts = sum(isinstance(node, Last) and node.state == Name(name) for node in nodes(definition))
    return lasts == sum(read == name for root in definition.roots for read in reads(root))
