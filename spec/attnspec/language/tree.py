"""The syntax tree of an equation: what every interpretation reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

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
class Spanned:
    """The base of every node: where it stands. Two nodes are equal when they say the same, wherever they stand."""

    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Spanned):
    """A parameter, an option, a line's name or a state carried by a scan."""

    id: str


@dataclass(frozen=True, slots=True)
class Number(Spanned):
    """A constant as written."""

    value: float


@dataclass(frozen=True, slots=True)
class SizeOf(Spanned):
    """A size, read as a number: the d in √d."""

    dim: Dim


@dataclass(frozen=True, slots=True)
class Zeros(Spanned):
    """An array of zeros: what a recurrence begins with where nothing is given."""

    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Position(Spanned):
    """An index, read as a number counted from 0, or standing in a subscript."""

    index: str


@dataclass(frozen=True, slots=True)
class Apply(Spanned):
    """An elementwise operation, or `@`, or `transpose`, of its arguments."""

    op: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class At(Spanned):
    """`array[i, j]`: its leading axes take the names of indices; an index that leaves its range reads zero.

    A subscript may be shifted, `array[i - 1]`, or run backwards, `array[n - 1 - i]`.
    """

    array: Node
    places: tuple[Node, ...]


SOFTMAXES = ("softmax", "log_softmax")
"""Reductions that keep their axis."""


@dataclass(frozen=True, slots=True)
class Reduce(Spanned):
    """sum, max, argmax, softmax or log_softmax over an index, over those values of it for which `where` holds."""

    op: str
    index: str
    term: Node
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Stack(Spanned):
    """`array.stack(i, j)`: named axes become leading axes again."""

    array: Node
    indices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concat(Spanned):
    """[a; b; …], end to end along the last axis."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ConcatOver(Spanned):
    """[a_1; a_2; …] over an index, end to end along the last axis."""

    index: str
    array: Node


@dataclass(frozen=True, slots=True)
class Split(Spanned):
    """The last axis cut into equal parts, which become the axis before it."""

    array: Node
    parts: Node


@dataclass(frozen=True, slots=True)
class Reshape(Spanned):
    """The unnamed axes in another order, then their elements cut anew into `dims`.

    No word of the vocabulary makes it: it is what a slip with memory does.
    """

    array: Node
    order: tuple[int, ...]
    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Scan(Spanned):
    """A recurrence over an index: `states` begin at `starts`, and each step they become `body`."""

    index: str
    states: tuple[str, ...]
    body: Node
    starts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Last(Spanned):
    """The last value of a scanned state; where the index has no values, what the scan started from."""

    index: str
    state: Node


@dataclass(frozen=True, slots=True)
class Call(Spanned):
    """Another equation, at these arguments. Named axes of the arguments are lifted over."""

    callee: Definition
    args: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class Through(Spanned):
    """What goes through layers: `callee` of `start` at the bottom, then of its own first result, layer by layer.

    Attributes:
        layers: the parameter that holds what else each layer takes.
        slip: what is wrong with it, one of `layers.SLIPS`; "" where nothing is. No word of the vocabulary makes one.
    """

    callee: Definition
    start: Node
    layers: Name
    fault: str = ""


CallLike: TypeAlias = Call | Through
"""The nodes that call another equation: their `callee`."""

Node: TypeAlias = (
    Name | Number | SizeOf | Zeros | Position
    | Apply | At | Reduce | Stack | Concat | ConcatOver | Split | Reshape
    | Scan | Last | CallLike
)  # fmt: skip
"""A part of an equation.

The kinds are these and no others: a `match` that treats all of them ends in `assert_never`, and mypy names the kind
that one forgets.
"""


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
