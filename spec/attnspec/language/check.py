"""What every part of an equation is: its kind, its named axes, its unnamed axes; and that they fit."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, assert_never

from attnspec.errors import NotationError
from attnspec.language.dims import Dim, parts
from attnspec.language.traversal import nodes
from attnspec.language.tree import (
    SOFTMAXES,
    Apply,
    At,
    Call,
    Concat,
    ConcatOver,
    Definition,
    Last,
    Layer,
    Name,
    Node,
    Number,
    Parameter,
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

COMPARISONS = ("<=", "<", ">=", ">", "==")
LOGIC = ("and", "or", "not")


@dataclass(frozen=True, slots=True)
class Type:
    """float, int or bool; the indices that name its axes; the sizes of the axes without a name."""

    kind: str
    names: frozenset[str] = frozenset()
    dims: tuple[Dim, ...] = ()

    def __str__(self) -> str:
        named = "".join(f"[{name}]" for name in sorted(self.names))
        return f"{self.kind}{named} ({', '.join(map(str, self.dims))})"


SCALAR = Type("float")
WHOLE = Type("int")

KEEPING = ("+", "-", "*", "//", "neg", "where")
"""Operations that make whole numbers of whole numbers."""


@dataclass
class Scope:
    """What names mean where an expression stands; `bound` are the indices that a scan steps through."""

    definition: Definition
    names: dict[str, Type]
    bound: frozenset[str] = frozenset()
    scanned: dict[str, str] = field(default_factory=dict)


def check(definition: Definition) -> dict[str, Type]:
    """The type of every named value of an equation.

    Raises:
        NotationError: two parts do not fit, or the result is not what the signature announces.
    """
    names = {parameter.name: Type(parameter.kind, dims=parameter.dims) for parameter in definition.parameters}
    names |= {option.name: Type(option.kind) for option in definition.options}
    scope = Scope(definition, names)
    for line in definition.lines:
        found = infer(line.value, scope)
        if len(found) != len(line.targets):
            refuse(scope, line.value, f"gives {len(found)} values to {len(line.targets)} names", "one name a value")
        scope.names |= dict(zip(line.targets, found, strict=True))
        if isinstance(line.value, Scan):
            scope.scanned |= dict.fromkeys(line.targets, line.value.index)
    found = tuple(part for value in definition.returns for part in infer(value, scope))
    announced = tuple(Type(result.kind, dims=result.dims) for result in definition.results)
    if len(found) != len(announced) or not all(map(_is_a, found, announced)):
        refuse(scope, definition.returns[0], f"returns {_shown(found)}", _shown(announced))
    return scope.names


def infer(node: Node, scope: Scope) -> tuple[Type, ...]:
    """The type of an expression; several where it is a scan or a call with several results."""
    match node:
        case Scan():
            return _scan(node, scope)
        case Call():
            return _call(node, scope)
        case Through():
            return _through(node, scope)
    return (single(node, scope),)


def single(node: Node, scope: Scope) -> Type:
    """The type of an expression with one value."""
    match node:
        case Name(id=name):
            if name not in scope.names:
                refuse(scope, node, f"uses {name} before it has a meaning", ", ".join(scope.names))
            return scope.names[name]
        case Zeros(dims=dims):
            return Type("float", dims=dims)
        case Number(value=value):
            return WHOLE if value.is_integer() else SCALAR
        case SizeOf():
            return WHOLE
        case Position(index=index):
            return Type("int", frozenset() if index in scope.bound else frozenset({index}))
        case Apply(op="@"):
            return _matmul(node, scope)
        case Apply(op="transpose", args=(array,)):
            found = single(array, scope)
            if len(found.dims) != 2:
                refuse(scope, node, f"transposes {found}", "a matrix")
            return Type(found.kind, found.names, found.dims[::-1])
        case Apply():
            return _elementwise(node, scope)
        case At():
            return _at(node, scope)
        case Reduce():
            return _reduce(node, scope)
        case Stack(array=array, indices=indices):
            found = single(array, scope)
            sizes = tuple(scope.definition.ranges[index] for index in indices)
            if not found.names >= set(indices) or len(set(indices)) < len(indices):
                refuse(scope, node, f"stacks {found}", "indices that it has, each once")
            return Type(found.kind, found.names - set(indices), sizes + found.dims)
        case Concat(parts=parts):
            return _concat([single(part, scope) for part in parts], node, scope)
        case ConcatOver(index=index, array=array):
            found = single(array, scope)
            if index not in found.names or not found.dims:
                refuse(scope, node, f"joins {found} over {index}", f"vectors named by {index}")
            *first, last = found.dims
            return Type(found.kind, found.names - {index}, (*first, scope.definition.ranges[index] * last))
        case Split(array=array, parts=parts):
            found, size = single(array, scope), _size(parts, scope)
            rest = found.dims[-1].over(size) if found.dims and size else None
            if rest is None or size is None:
                refuse(scope, node, f"cuts {found}", "a last axis of the form parts*d, and an option for the parts")
            return Type(found.kind, found.names, (*found.dims[:-1], Dim.parse(size), rest))
        case Reshape(array=array, order=order, dims=dims):
            found = single(array, scope)
            if sorted(order) != list(range(len(found.dims))) or _product(dims) != _product(found.dims):
                refuse(scope, node, f"cuts {found} anew", "as many elements as before")
            return Type(found.kind, found.names, dims)
        case Last(index=index, state=state):
            found = single(state, scope)
            if not isinstance(state, Name) or scope.scanned.get(state.id) != index:
                refuse(scope, node, "takes the last of what is not scanned", f"a name given by a scan over {index}")
            return Type(found.kind, found.names - {index}, found.dims)
        case Scan() | Call() | Through():
            several = infer(node, scope)
            if len(several) != 1:
                refuse(scope, node, f"uses {len(several)} values as one", "a line of its own: h, c = …")
            return several[0]
        case _:
            assert_never(node)


def _elementwise(node: Apply, scope: Scope) -> Type:
    parts = [single(arg, scope) for arg in node.args]
    dims = {part.dims for part in parts if part.dims}
    names = frozenset().union(*(part.names for part in parts))
    logical = node.op in LOGIC
    wrong = [part for part in (parts if logical else parts[:1] if node.op == "where" else []) if part.kind != "bool"]
    mixed = [part for part in parts if part.kind == "bool"] if node.op not in (*LOGIC, "where") else []
    if len(dims) > 1 or wrong or mixed:
        expected = "equal unnamed axes, or numbers; truth values only as conditions"
        refuse(scope, node, f"combines {_shown(parts)}", expected)
    whole = node.op in KEEPING and all(part.kind == "int" for part in parts if part.kind != "bool")
    if node.op == "//" and not whole:
        refuse(scope, node, f"divides {_shown(parts)} to a whole number", "whole numbers")
    kind = "bool" if logical or node.op in COMPARISONS else "int" if whole else "float"
    return Type(kind, names, next(iter(dims), ()))


def _matmul(node: Apply, scope: Scope) -> Type:
    left, right = (single(arg, scope) for arg in node.args)
    shapes = left.dims, right.dims
    match shapes:
        case (*rows, inner), (first, *columns) if inner == first and len(rows) < 2 and len(columns) < 2:
            return Type("float", left.names | right.names, (*rows, *columns))
    refuse(scope, node, f"multiplies {left} by {right}", "the last unnamed axis of one equal to the first of the other")


def _at(node: At, scope: Scope) -> Type:
    array = single(node.array, scope)
    names, dims = set(array.names), list(array.dims)
    for place in node.places:
        index = viewed(place, scope.bound)
        along = index is not None and bool(dims) and scope.definition.ranges[index] == dims[0]
        if not dims or (index is not None and not along and not _computed(place)):
            refuse(scope, node, f"subscripts {array}", "an index over the axis it stands at")
        dims.pop(0)
        if along and index in names:
            refuse(scope, node, f"names an axis {index} of {array} twice", "each index once")
        found = single(place, scope)
        if found.dims or found.kind != "int":
            expected = "whole numbers: an index, j + 1, m − 1 − j, or an array of them at an index"
            refuse(scope, node, f"subscripts {array} by {found}", expected)
        names |= found.names
    return Type(array.kind, frozenset(names), tuple(dims))


def viewed(place: Node, bound: Container[str]) -> str | None:
    """The index that a subscript such as j, j − 1 or m − 1 − j gives to the axis; None where it says a place."""
    if isinstance(place, Position):
        return None if place.index in bound else place.index
    index, parts = place_index(place), list(nodes(place))
    free = [part.index for part in parts if isinstance(part, Position) and part.index not in bound]
    return index if free == [index] and not any(isinstance(part, At | Reduce) for part in parts) else None


def positions(place: Node) -> bool:
    """Whether a subscript depends on an index."""
    return any(isinstance(part, Position) for part in nodes(place))


def _computed(place: Node) -> bool:
    """Whether a subscript is shifted by more than a number, as i + (t - w) is: it need not run over its axis."""
    return any(isinstance(part, SizeOf | Name) for part in nodes(place))


def place_index(place: Node) -> str | None:
    """The index in a subscript such as j, j − 1 or m − 1 − j; None for a fixed place."""
    match place:
        case Position(index=index) | Apply(op="+" | "-", args=(Position(index=index), _) | (_, Position(index=index))):
            return index
    return None


def _reduce(node: Reduce, scope: Scope) -> Type:
    term = single(node.term, scope)
    over = single(node.where, scope) if node.where is not None else Type("bool")
    if node.index not in term.names | over.names or over.kind != "bool" or over.dims:
        refuse(scope, node, f"takes the {node.op} of {term} over {node.index}", f"a term that depends on {node.index}")
    names = term.names | over.names
    if node.op in SOFTMAXES:
        return Type("float", names, term.dims)
    whole = node.op == "argmax" or term.kind == "int"
    return Type("int" if whole else "float", names - {node.index}, term.dims)


def _concat(parts: list[Type], node: Node, scope: Scope) -> Type:
    if not all(part.dims for part in parts) or len({part.dims[:-1] for part in parts}) > 1:
        refuse(scope, node, f"joins {_shown(parts)}", "vectors, or matrices with equal rows")
    last = parts[0].dims[-1]
    for part in parts[1:]:
        last = last + part.dims[-1]
    kind = "int" if all(part.kind == "int" for part in parts) else "float"
    return Type(kind, frozenset().union(*(part.names for part in parts)), (*parts[0].dims[:-1], last))


def _scan(node: Scan, scope: Scope) -> tuple[Type, ...]:
    states = [single(start, scope) for start in node.starts]
    for _ in range(2):  # the first step may bring names that the start lacks
        inner = Scope(
            scope.definition, scope.names | dict(zip(node.states, states, strict=True)), scope.bound | {node.index}
        )
        steps = infer(node.body, inner)
        if [step.dims for step in steps] != [state.dims for state in states]:
            refuse(scope, node, f"steps from {_shown(states)} to {_shown(steps)}", "a step that keeps the shape")
        states = [Type(b.kind, a.names | b.names, b.dims) for a, b in zip(states, steps, strict=True)]
    return tuple(Type(state.kind, state.names | {node.index}, state.dims) for state in states)


def _call(node: Call, scope: Scope) -> tuple[Type, ...]:
    args = [single(arg, scope) for arg in node.args]
    sizes = called_with(node, args, scope)
    names = frozenset().union(*(arg.names for arg in args))
    return tuple(
        Type(result.kind, names, tuple(replaced(dim, sizes) for dim in result.dims)) for result in node.callee.results
    )


def _through(node: Through, scope: Scope) -> tuple[Type, ...]:
    """What the top layer gives: its own sizes are called u_L where a single one would have u."""
    start = single(node.start, scope)
    layer = layer_of(node, scope)
    sizes = dict(layer.bottom) | {name: top(name) for name in layer.own}
    return tuple(
        Type(result.kind, start.names, tuple(replaced(dim, sizes) for dim in result.dims))
        for result in node.callee.results
    )


def top(name: str) -> Dim:
    """A size of the top layer's own: u_L for u."""
    return Dim.parse(f"{name}_L")


def layer_of(node: Through, scope: Scope) -> Layer:
    """What each layer takes.

    Raises:
        NotationError: the bottom layer cannot read the start, or no layer what the one below it gives.
    """
    reads, *takes = node.callee.parameters
    gives, start = node.callee.results[0], single(node.start, scope)
    shape = f"{reads.kind} ({', '.join(map(str, reads.dims))})"
    bottom: dict[str, Dim] = {}
    above: dict[str, Dim] = {}
    if not _reads(reads, start.kind, start.dims, bottom):
        refuse(scope, node, f"gives {start} to {reads.name} of {node.callee.id}", shape)
    if not _reads(reads, gives.kind, gives.dims, above):
        given = Type(gives.kind, dims=gives.dims)
        refuse(scope, node, f"hands {given} up to {reads.name} of {node.callee.id}", shape)
    changed = {name for name, dim in above.items() if dim != Dim.parse(name)}
    if any(dim.names & changed for result in node.callee.results for dim in result.dims):
        refuse(scope, node, f"goes through layers of {node.callee.id}", "results in sizes that a layer has for itself")
    own = dict.fromkeys(name for each in takes for dim in each.dims for name in sorted(dim.names) if name not in bottom)
    return Layer(tuple(takes), tuple(own), tuple(bottom.items()), tuple(above.items()))


def _reads(parameter: Parameter, kind: str, dims: tuple[Dim, ...], sizes: dict[str, Dim]) -> bool:
    """Whether a parameter takes this; learns what its sizes then are."""
    pairs = zip(parameter.dims, dims, strict=False)
    return (
        len(parameter.dims) == len(dims)
        and _may_be(kind, parameter.kind)
        and all(_unify(dim, given, sizes) for dim, given in pairs)
    )


def called_with(node: Call, args: list[Type], scope: Scope) -> dict[str, Dim]:
    """What the named sizes of a called equation are, by the caller's names for them.

    Raises:
        NotationError: an argument does not fit.
    """
    sizes: dict[str, Dim] = {}
    for name, value in node.options:
        own, given = node.callee.size_options.get(name), _size(value, scope)
        if own and given:
            sizes[own] = Dim.parse(given)
    for parameter, arg in zip(node.callee.parameters, args, strict=True):
        if not _reads(parameter, arg.kind, arg.dims, sizes):
            shape = f"({', '.join(map(str, parameter.dims))})"
            refuse(scope, node, f"gives {arg} to {parameter.name} of {node.callee.id}", f"{parameter.kind} {shape}")
    return sizes


def _is_a(found: Type, announced: Type) -> bool:
    return (found.names, found.dims) == (announced.names, announced.dims) and _may_be(found.kind, announced.kind)


def _may_be(kind: str, expected: str) -> bool:
    """Whether something of a kind may stand where another is expected: a whole number is a number."""
    return kind == expected or (kind, expected) == ("int", "float")


def _unify(dim: Dim, given: Dim, sizes: dict[str, Dim]) -> bool:
    """Make a callee's size mean the caller's, learning at most one name."""
    unknown = [name for name in dim.names if name not in sizes]
    if len(unknown) > 1:
        return False
    for name in unknown:
        if dim == Dim.parse(name):
            sizes[name] = given
        else:
            (names, count), *_ = dim.terms
            rest = given.share(count)
            for other in set(names) - {name}:
                size = sizes[other]
                rest = rest.over(next(iter(size.names))) if rest is not None and len(size.names) == 1 else None
            if rest is None:
                return False
            sizes[name] = rest
    return replaced(dim, sizes) == given


def replaced(dim: Dim, sizes: Mapping[str, Dim]) -> Dim:
    """A size with its names replaced by other sizes."""
    total = Dim(())
    for names, count in dim.terms:
        product = Dim.of({(): count})
        for name in names:
            if name.startswith("⌈"):
                top, bottom = parts(name)
                product = product * replaced(top, sizes).steps(replaced(bottom, sizes))
            else:
                product = product * sizes.get(name, Dim.parse(name))
        total = total + product
    return total


def _product(dims: tuple[Dim, ...]) -> Dim:
    total = Dim.of({(): 1})
    for dim in dims:
        total = total * dim
    return total


def _size(node: Node, scope: Scope) -> str | None:
    """The size that an option stands for: heads is H."""
    match node:
        case Name(id=name):
            return scope.definition.size_options.get(name)
        case SizeOf(dim=dim) if len(dim.names) == 1:
            return str(dim)
    return None


def _shown(types: tuple[Type, ...] | list[Type]) -> str:
    return ", ".join(map(str, types))


def refuse(scope: Scope, node: Node, given: str, expected: str) -> NoReturn:
    """Say which equation and line does not fit."""
    line = f":{node.span.line}" if node.span else ""
    raise NotationError(
        f"{scope.definition.id}{line}: shapes do not fit",
        given=given,
        expected=expected,
        mend="the sizes in the signature say what fits",
    )
