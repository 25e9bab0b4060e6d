"""The syntax tree of an equation, which all interpreters read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TypeAlias

from attnspec.language.dims import Dim
from attnspec.language.symbols import Declared, Symbol


@dataclass(frozen=True, slots=True)
class Span:
    """The position of a node in its file: lines from 1, columns from 0, the end excluded."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spanned:
    """The base class of nodes, with their position, which equality ignores."""

    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Spanned):
    """The name of a parameter, an option, a line or a state of a scan."""

    id: str


@dataclass(frozen=True, slots=True)
class Number(Spanned):
    """A constant."""

    value: float


ZERO, ONE, TWO = Number(0.0), Number(1.0), Number(2.0)


@dataclass(frozen=True, slots=True)
class SizeOf(Spanned):
    """A size used as a number, such as the d in √d."""

    dim: Dim


@dataclass(frozen=True, slots=True)
class Zeros(Spanned):
    """An array of zeros, such as the start of a recurrence."""

    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Position(Spanned):
    """An index, as a number counted from 0 or in a subscript."""

    index: str


@dataclass(frozen=True, slots=True)
class Apply(Spanned):
    """An elementwise operation, `@` or `transpose`, applied to arguments."""

    op: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class At(Spanned):
    """`array[i, j]`: the indices name the leading axes; elements out of range are zero.

    A subscript may be shifted, as in `array[i - 1]`, or reversed, as in `array[n - 1 - i]`.
    """

    array: Node
    places: tuple[Node, ...]


SOFTMAXES = ("softmax", "log_softmax")
"""The reductions that keep their axis."""


@dataclass(frozen=True, slots=True)
class Reduce(Spanned):
    """sum, max, argmax, softmax or log_softmax over the values of an index for which `where` holds.

    Attributes:
        counts: how many equal elements each place of the index stands for; () if it is one each. Only `pooling` makes
            it; no word of the vocabulary does.
    """

    op: str
    index: str
    term: Node
    where: Node | None = None
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack(Spanned):
    """`array.stack(i, j)`: named axes become leading unnamed axes."""

    array: Node
    indices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concat(Spanned):
    """[a; b; …]: arrays concatenated along the last axis."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ConcatOver(Spanned):
    """[a_1; a_2; …]: an array concatenated over an index along the last axis."""

    index: str
    array: Node


@dataclass(frozen=True, slots=True)
class Split(Spanned):
    """The last axis split into equal parts; the parts are a new axis in front of it."""

    array: Node
    parts: Node


@dataclass(frozen=True, slots=True)
class Reshape(Spanned):
    """The unnamed axes transposed to `order`, then reshaped to `dims`.

    Only mutants have it; no word of the vocabulary makes it.
    """

    array: Node
    order: tuple[int, ...]
    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Scan(Spanned):
    """A recurrence over an index: the `states` begin with the values of `starts`, and each step computes `body`."""

    index: str
    states: tuple[str, ...]
    body: Node
    starts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Last(Spanned):
    """The last value of a scanned state; the start of the scan if it has no steps."""

    index: str
    state: Node


@dataclass(frozen=True, slots=True)
class Call(Spanned):
    """A call of another equation; named axes of the arguments are lifted over it."""

    callee: Definition
    args: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class Through(Spanned):
    """A stack of layers: `callee` is applied to `start`, then to its own first result, layer by layer.

    Attributes:
        callee: the equation of a layer.
        start: the input of the bottom layer.
        layers: the parameter that holds the other arguments of each layer.
        fault: a key of `layers.WIRING_ERRORS`, which only mutants have; "" if the layers are connected correctly.
    """

    callee: Definition
    start: Node
    layers: Name
    fault: str = ""


CallLike: TypeAlias = Call | Through
"""The nodes that call another equation, their `callee`."""

Node: TypeAlias = (
    Name | Number | SizeOf | Zeros | Position
    | Apply | At | Reduce | Stack | Concat | ConcatOver | Split | Reshape
    | Scan | Last | CallLike
)  # fmt: skip
"""A part of an equation.

A `match` on a node covers all of these classes and ends in `assert_never`; mypy names the class that is missing.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an equation: the names that it assigns, their value, and its comment."""

    targets: tuple[str, ...]
    value: Node
    comment: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Layer:
    """The arguments of each layer in addition to its input.

    Attributes:
        takes: its arrays, as parameters of the equation of the layer.
        varying: the named sizes that can differ between layers.
        bottom: {size of the bottom layer: its value in sizes of the equation that has the layers}, as pairs.
        above: {size of any other layer: its value in sizes of the layer below it}, as pairs.
    """

    takes: tuple[Parameter, ...]
    varying: tuple[str, ...]
    bottom: tuple[tuple[str, Dim], ...]
    above: tuple[tuple[str, Dim], ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array that an equation takes or returns.

    Attributes:
        name: its name.
        kind: "float", "int" or "bool"; or "layers" for a tuple with a tuple of arrays for each layer.
        dims: the sizes of its axes for one example.
        layer: for the kind "layers", the arrays of one layer; else None.
        symbol: what it stands for, and how test values of it are drawn.
    """

    name: str
    kind: str
    dims: tuple[Dim, ...]
    layer: Layer | None = None
    symbol: Symbol = field(default=Symbol(), compare=False)


@dataclass(frozen=True, slots=True)
class Option:
    """A keyword argument of an equation that is a number.

    Attributes:
        name: its name.
        kind: "int" or "float".
        size: the named size that it sets, such as H for heads; "" if it does not set one.
    """

    name: str
    kind: str
    size: str = ""


@dataclass(frozen=True)
class Definition:
    """An equation as a tree.

    Attributes:
        id: "family.name".
        parameters: its arrays, in order.
        options: its keyword arguments that are numbers.
        indices: pairs of an index and the size that it runs over.
        lines: its lines, in order.
        returns: the returned expressions.
        results: the returned arrays; one that is the value of a line has its name.
        roles: {size: role} of the sizes that have another role than "width".
    """

    id: str
    parameters: tuple[Parameter, ...]
    options: tuple[Option, ...]
    indices: tuple[tuple[str, Dim], ...]
    lines: tuple[Line, ...]
    returns: tuple[Node, ...]
    results: tuple[Parameter, ...]
    roles: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Computed once: each mutant of an equation has the equations that it calls in its tree."""
        return hash(tuple(getattr(self, name) for name in _COMPARED))

    def __getstate__(self) -> dict[str, object]:
        """Without the hash, which another process computes otherwise."""
        return {name: value for name, value in vars(self).items() if name != "_hash"}

    @property
    def declared(self) -> Declared:
        """What it declares of its names, for variants of it."""
        return Declared(self.symbols, self.roles, self.size_options)

    def role(self, size: str) -> str:
        """The role of a size, one of `ROLES`."""
        return self.roles.get(size, "width")

    @cached_property
    def differences(self) -> tuple[Dim, ...]:
        """The sizes of its axes that are differences, such as n−9, and negative if other sizes are too small."""
        axes = [dim for item in (*self.parameters, *self.results) for dim in item.dims]
        every = dict.fromkeys([*axes, *(dim for _, dim in self.indices)])
        return tuple(dim for dim in every if any(count < 0 for _, count in dim.terms))

    @property
    def dtype_is_given(self) -> bool:
        """Whether a parameter is floating-point, which determines the dtype of the results."""
        return any(parameter.kind == "float" for parameter in self.parameters)

    @property
    def roots(self) -> tuple[Node, ...]:
        """The values of the lines, then the returned expressions."""
        return (*(line.value for line in self.lines), *self.returns)

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """{name: symbol} of the results, the arrays, and the arrays of a layer by their names in the layer."""
        within = (array for item in self.parameters if item.layer is not None for array in item.layer.takes)
        return {item.name: item.symbol for item in (*self.results, *within, *self.parameters)}

    def symbol(self, name: str) -> Symbol:
        """The symbol of an array or a result; of an array of a layer also by its full name, layers.0.W_xr."""
        return self.symbols.get(name) or self.symbols.get(name.rpartition(".")[2]) or Symbol()

    @cached_property
    def size_options(self) -> dict[str, str]:
        """{option that sets a size: that size}."""
        return {option.name: option.size for option in self.options if option.size}

    @cached_property
    def ranges(self) -> dict[str, Dim]:
        """{index: the size that it runs over}."""
        return dict(self.indices)

    @cached_property
    def places(self) -> dict[str, int]:
        """{index: its position among the indices}."""
        return {name: place for place, (name, _) in enumerate(self.indices)}


_COMPARED = tuple(item.name for item in fields(Definition) if item.compare)
