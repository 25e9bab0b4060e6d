"""The syntax tree of an equation: what every interpretation reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from attnspec.language.dims import Dim
from attnspec.language.symbols import OPTION_SIZES


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands in its file: lines from 1, columns from 0, the end excluded."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of an equation. Two nodes are equal when they say the same, wherever they stand."""

    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A parameter, an option, a line's name or a state carried by a scan."""

    id: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A constant as written."""

    value: float


@dataclass(frozen=True, slots=True)
class SizeOf(Node):
    """A size, read as a number: the d in √d."""

    dim: Dim


@dataclass(frozen=True, slots=True)
class Zeros(Node):
    """An array of zeros: what a recurrence begins with where nothing is given."""

    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Position(Node):
    """An index, read as a number counted from 0, or standing in a subscript."""

    index: str


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """An elementwise operation, or `@`, or `transpose`, of its arguments."""

    op: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class At(Node):
    """`array[i, j]`: its leading axes take the names of indices; an index that leaves its range reads zero.

    A subscript may be shifted, `array[i - 1]`, or run backwards, `array[n - 1 - i]`.
    """

    array: Node
    places: tuple[Node, ...]


SOFTMAXES = ("softmax", "log_softmax")
"""Reductions that keep their axis."""


@dataclass(frozen=True, slots=True)
class Reduce(Node):
    """sum, max, argmax, softmax or log_softmax over an index, over those values of it for which `where` holds."""

    op: str
    index: str
    term: Node
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Stack(Node):
    """`array.stack(i, j)`: named axes become leading axes again."""

    array: Node
    indices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concat(Node):
    """[a; b; …], end to end along the last axis."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ConcatOver(Node):
    """[a_1; a_2; …] over an index, end to end along the last axis."""

    index: str
    array: Node


@dataclass(frozen=True, slots=True)
class Split(Node):
    """The last axis cut into equal parts, which become the axis before it."""

    array: Node
    parts: Node


@dataclass(frozen=True, slots=True)
class Reshape(Node):
    """The unnamed axes in another order, then their elements cut anew into `dims`.

    No word of the vocabulary makes it: it is what a slip with memory does.
    """

    array: Node
    order: tuple[int, ...]
    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Scan(Node):
    """A recurrence over an index: `states` begin at `starts`, and each step they become `body`."""

    index: str
    states: tuple[str, ...]
    body: Node
    starts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Last(Node):
    """The last value of a scanned state; where the index has no values, what the scan started from."""

    index: str
    state: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """Another equation, at these arguments. Named axes of the arguments are lifted over."""

    callee: Definition
    args: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class Through(Node):
    """What goes through layers: `callee` of `start` at the bottom, then of its own first result, layer by layer.

    Attributes:
        layers: the parameter that holds what else each layer takes.
        slip: what is wrong with it, one of `layers.SLIPS`; "" where nothing is. No word of the vocabulary makes one.
    """

    callee: Definition
    start: Node
    layers: Name
    slip: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an equation: names, what they are, and the comment beside it."""

    targets: tuple[str, ...]
    value: Node
    comment: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Layer:
    """What each of several layers takes besides what it reads, in the words of the equation that it is.

    Attributes:
        takes: its arrays.
        own: the sizes that each layer has for itself.
        bottom: the sizes of what the bottom layer reads, in those of the equation that it stands in.
        above: the sizes of what every other layer reads, in those of the layer below it.
    """

    takes: tuple[Parameter, ...]
    own: tuple[str, ...]
    bottom: tuple[tuple[str, Dim], ...]
    above: tuple[tuple[str, Dim], ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array that an equation takes or returns: float, int or bool, and its axes for one example.

    Attributes:
        layer: where the kind is "layers", a tuple of tuples of arrays, what each of these holds.
    """

    name: str
    kind: str
    dims: tuple[Dim, ...]
    layer: Layer | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A keyword of an equation that is not an array: "int" or "float"."""

    name: str
    kind: str

    @property
    def size(self) -> str:
        """The size that it sets: H for heads. "" where it is a number like another."""
        return OPTION_SIZES.get(self.name, "") if self.kind == "int" else ""


@dataclass(frozen=True)
class Definition:
    """An equation as a tree.

    Attributes:
        id: "family.name".
        indices: index names, each with the size it runs over.
        results: what is returned, in order, named by the line that made it where a name was returned.
    """

    id: str
    parameters: tuple[Parameter, ...]
    options: tuple[Option, ...]
    indices: tuple[tuple[str, Dim], ...]
    lines: tuple[Line, ...]
    returns: tuple[Node, ...]
    results: tuple[Parameter, ...]

    @property
    def dtype_is_given(self) -> bool:
        """Whether an input has a dtype of floats, which the outputs then have too."""
        return any(parameter.kind == "float" for parameter in self.parameters)

    @property
    def roots(self) -> tuple[Node, ...]:
        """The lines' values, and what is returned."""
        return (*(line.value for line in self.lines), *self.returns)

    @cached_property
    def size_options(self) -> dict[str, str]:
        """The options that are sizes, with the size that each sets."""
        return {option.name: option.size for option in self.options if option.size}

    @cached_property
    def ranges(self) -> dict[str, Dim]:
        """The size that each index runs over."""
        return dict(self.indices)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each index stands among the indices."""
        return {name: place for place, (name, _) in enumerate(self.indices)}


Path = tuple[tuple[str, int | None], ...]


def children(node: Node) -> Iterator[tuple[str, int | None, Node]]:
    """The nodes directly below, each with its field and its place in that field."""
    for item in fields(node):
        value: Any = getattr(node, item.name)
        if isinstance(value, Node):
            yield item.name, None, value
        elif isinstance(value, tuple):
            for place, part in enumerate(value):
                if isinstance(part, Node):
                    yield item.name, place, part
                elif isinstance(part, tuple) and len(part) == 2 and isinstance(part[1], Node):
                    yield item.name, place, part[1]


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node at or below `node`, outermost first, with its path."""
    yield path, node
    for name, place, child in children(node):
        yield from walk(child, (*path, (name, place)))


def reads(node: Node) -> Iterator[str]:
    """The names that are read, each as often as it is written; the states of a recurrence are its own."""
    match node:
        case Name(id=name):
            yield name
        case Scan(states=states, body=body, starts=starts):
            for start in starts:
                yield from reads(start)
            yield from (name for name in reads(body) if name not in states)
        case _:
            for _, _, child in children(node):
                yield from reads(child)


def substitute(node: Node, path: Path, new: Node) -> Node:
    """`node` with what stands at `path` replaced."""
    if not path:
        return new
    (name, place), rest = path[0], path[1:]
    value = getattr(node, name)
    if place is None:
        field_: dict[str, Any] = {name: substitute(value, rest, new)}
        return replace(node, **field_)
    part = value[place]
    changed = substitute(part, rest, new) if isinstance(part, Node) else (part[0], substitute(part[1], rest, new))
    fields_: dict[str, Any] = {name: (*value[:place], changed, *value[place + 1 :])}
    return replace(node, **fields_)
