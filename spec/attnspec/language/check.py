"""The type check: the kind, named axes and unnamed axes of every part of an equation."""

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
    """The type of a value.

    Attributes:
        kind: "float", "int" or "bool".
        names: the indices that name its axes.
        dims: the sizes of its unnamed axes.
    """

    kind: str
    names: frozenset[str] = frozenset()
    dims: tuple[Dim, ...] = ()

    def __str__(self) -> str:
        named = "".join(f"[{name}]" for name in sorted(self.names))
        return f"{self.kind}{named} ({', '.join(map(str, self.dims))})"


SCALAR = Type("float")
INTEGER = Type("int")

INTEGER_PRESERVING = ("+", "-", "*", "//", "%", "neg", "abs", "where")
"""Operations whose result is an integer for integers."""


@dataclass
class Scope:
    """The types of names at an expression.

    Attributes:
        definition: the equation.
        names: {name: type} of parameters, options, and lines so far.
        bound: the indices of the scans around the expression.
        scanned: {state of an earlier scan: its index}.
    """

    definition: Definition
    names: dict[str, Type]
    bound: frozenset[str] = frozenset()
    scanned: dict[str, str] = field(default_factory=dict)


def scope_of(definition: Definition) -> Scope:
    """The types of names behind the lines of an equation.

    Raises:
        NotationError: as `check` does.
    """
    return Scope(definition, check(definition))


def check(definition: Definition) -> dict[str, Type]:
    """Check an equation.

    Returns:
        {name: type} of parameters, options and lines.

    Raises:
        NotationError: two types do not fit, or the results do not have the annotated types.
    """
    names = {parameter.name: Type(parameter.kind, dims=parameter.dims) for parameter in definition.parameters}
    names |= {option.name: Type(option.kind) for option in definition.options}
    scope = Scope(definition, names)
    for line in definition.lines:
        types = infer(line.value, scope)
        if len(types) != len(line.targets):
            refuse(scope, line.value, f"gives {len(types)} values to {len(line.targets)} names", "one name a value")
        scope.names |= dict(zip(line.targets, types, strict=True))
        if isinstance(line.value, Scan):
            scope.scanned |= dict.fromkeys(line.targets, line.value.index)
    returned = tuple(type_ for value in definition.returns for type_ in infer(value, scope))
    annotated = tuple(Type(result.kind, dims=result.dims) for result in definition.results)
    if len(returned) != len(annotated) or not all(map(_is_a, returned, annotated)):
        refuse(scope, definition.returns[0], f"returns {_as_text(returned)}", _as_text(annotated))
    return scope.names


def infer(node: Node, scope: Scope) -> tuple[Type, ...]:
    """The types of an expression: one, or several for a scan or a call with several results."""
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
                refuse(scope, node, f"uses {name} before it is defined", ", ".join(scope.names))
            known = scope.names[name]
            if known.names.isdisjoint(scope.bound):
                return known
            return Type(known.kind, known.names - scope.bound, known.dims)  # at the step of a scan
        case Zeros(dims=dims):
            return Type("float", dims=dims)
        case Number(value=number):
            return INTEGER if number.is_integer() else SCALAR
        case SizeOf():
            return INTEGER
        case Position(index=index):
            return Type("int", frozenset() if index in scope.bound else frozenset({index}))
        case Apply(op="@"):
            return _matmul(node, scope)
        case Apply(op="transpose", args=(array,)):
            value = single(array, scope)
            if len(value.dims) != 2:
                refuse(scope, node, f"transposes {value}", "a matrix")
            return Type(value.kind, value.names, value.dims[::-1])
        case Apply():
            return _elementwise(node, scope)
        case At():
            return _at(node, scope)
        case Reduce():
            return _reduce(node, scope)
        case Stack(array=array, indices=indices):
            value = single(array, scope)
            sizes = tuple(scope.definition.ranges[index] for index in indices)
            if not value.names >= set(indices) or len(set(indices)) < len(indices):
                refuse(scope, node, f"stacks {value}", "indices that it has, each once")
            return Type(value.kind, value.names - set(indices), sizes + value.dims)
        case Concat(parts=parts):
            return _concat([single(part, scope) for part in parts], node, scope)
        case ConcatOver(index=index, array=array):
            value = single(array, scope)
            if index not in value.names or not value.dims:
                refuse(scope, node, f"concatenates {value} over {index}", f"vectors named by {index}")
            *first, last = value.dims
            return Type(value.kind, value.names - {index}, (*first, scope.definition.ranges[index] * last))
        case Split(array=array, parts=parts):
            value, size = single(array, scope), _size(parts, scope)
            rest = value.dims[-1].over(size) if value.dims and size else None
            if rest is None or size is None:
                refuse(scope, node, f"splits {value}", "a last axis of the form parts*d, and an option for the parts")
            return Type(value.kind, value.names, (*value.dims[:-1], Dim.parse(size), rest))
        case Reshape(array=array, order=order, dims=dims):
            value = single(array, scope)
            if sorted(order) != list(range(len(value.dims))) or _product(dims) != _product(value.dims):
                refuse(scope, node, f"reshapes {value}", "as many elements as before")
            return Type(value.kind, value.names, dims)
        case Last(index=index, state=state):
            value = single(state, scope)
            if not isinstance(state, Name) or scope.scanned.get(state.id) != index:
                refuse(scope, node, "takes the last of a value that is not scanned", f"a state of a scan over {index}")
            return Type(value.kind, value.names - {index}, value.dims)
        case Scan() | Call() | Through():
            types = infer(node, scope)
            if len(types) != 1:
                refuse(scope, node, f"uses {len(types)} values as one", "a line of its own: h, c = …")
            return types[0]
        case _:
            assert_never(node)


def _elementwise(node: Apply, scope: Scope) -> Type:
    parts = [single(arg, scope) for arg in node.args]
    dims = {part.dims for part in parts if part.dims}
    names = frozenset().union(*(part.names for part in parts))
    logical = node.op in LOGIC
    not_bool = [part for part in (parts if logical else parts[:1] if node.op == "where" else []) if part.kind != "bool"]
    mixed = [part for part in parts if part.kind == "bool"] if node.op not in (*LOGIC, "where") else []
    if len(dims) > 1 or not_bool or mixed:
        expected = "equal unnamed axes, or numbers; truth values only as conditions"
        refuse(scope, node, f"combines {_as_text(parts)}", expected)
    integer = node.op in INTEGER_PRESERVING and all(part.kind == "int" for part in parts if part.kind != "bool")
    if node.op in ("//", "%") and not integer:
        refuse(scope, node, f"divides {_as_text(parts)} with {node.op}", "whole numbers")
    kind = "bool" if logical or node.op in COMPARISONS else "int" if integer else "float"
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
        names_axis = index is not None and bool(dims) and runs_over(scope.definition.ranges[index], dims[0])
        if not dims or (index is not None and not names_axis and not _computed(place)):
            refuse(scope, node, f"subscripts {array}", "an index that runs over this axis")
        dims.pop(0)
        if names_axis and index in names:
            refuse(scope, node, f"names an axis {index} of {array} twice", "each index once")
        subscript = single(place, scope)
        if subscript.dims or subscript.kind != "int":
            expected = "whole numbers: an index, j + 1, m − 1 − j, or an array of them at an index"
            refuse(scope, node, f"subscripts {array} by {subscript}", expected)
        names |= subscript.names
    return Type(array.kind, frozenset(names), tuple(dims))


def runs_over(range_: Dim, axis: Dim) -> bool:
    """Whether an index over a range runs over an axis, or over the first part of it: over d of d + u."""
    return all(count > 0 for _, count in (axis - range_).terms)


def viewed(place: Node, bound: Container[str]) -> str | None:
    """The index that names an axis by a subscript such as j, j − 1 or m − 1 − j; None if it selects a position."""
    if isinstance(place, Position):
        return None if place.index in bound else place.index
    index, parts = place_index(place), list(nodes(place))
    free = [part.index for part in parts if isinstance(part, Position) and part.index not in bound]
    return index if free == [index] and not any(isinstance(part, At | Reduce) for part in parts) else None


def positions(place: Node) -> bool:
    """Whether a subscript depends on an index."""
    return any(isinstance(part, Position) for part in nodes(place))


def _computed(place: Node) -> bool:
    """Whether a subscript is shifted by a size or a value, as i + (t - w) is; it need not run over its axis."""
    return any(isinstance(part, SizeOf | Name) for part in nodes(place))


def place_index(place: Node) -> str | None:
    """The index in a subscript such as j, j − 1 or m − 1 − j; None for a fixed position."""
    match place:
        case Position(index=index) | Apply(op="+" | "-", args=(Position(index=index), _) | (_, Position(index=index))):
            return index
    return None


def _reduce(node: Reduce, scope: Scope) -> Type:
    term = single(node.term, scope)
    over = single(node.where, scope) if node.where is not None else Type("bool")
    if node.index not in term.names | over.names or over.kind != "bool" or over.dims:
        refuse(scope, node, f"takes the {node.op} of {term} over {node.index}", f"a term that depends on {node.index}")
    if term.kind == "bool":
        refuse(scope, node, f"takes the {node.op} of truth values, {term}", "numbers: where(condition, 1, 0)")
    names = term.names | over.names
    if node.op in SOFTMAXES:
        return Type("float", names, term.dims)
    integer = node.op == "argmax" or term.kind == "int"
    return Type("int" if integer else "float", names - {node.index}, term.dims)


def _concat(parts: list[Type], node: Node, scope: Scope) -> Type:
    if not all(part.dims for part in parts) or len({part.dims[:-1] for part in parts}) > 1:
        refuse(scope, node, f"concatenates {_as_text(parts)}", "vectors, or matrices with equally many rows")
    last = parts[0].dims[-1]
    for part in parts[1:]:
        last = last + part.dims[-1]
    kind = "int" if all(part.kind == "int" for part in parts) else "float"
    return Type(kind, frozenset().union(*(part.names for part in parts)), (*parts[0].dims[:-1], last))


def _scan(node: Scan, scope: Scope) -> tuple[Type, ...]:
    states = [single(start, scope) for start in node.starts]
    if any(node.index in state.names for state in states):
        refuse(scope, node, f"starts from {_as_text(states)}", f"a start that does not depend on {node.index}")
    for _ in range(2):  # the first step may add named axes that the start lacks
        inner = Scope(
            scope.definition, scope.names | dict(zip(node.states, states, strict=True)), scope.bound | {node.index}
        )
        steps = infer(node.body, inner)
        if [step.dims for step in steps] != [state.dims for state in states]:
            refuse(scope, node, f"steps from {_as_text(states)} to {_as_text(steps)}", "a step that keeps the shape")
        states = [Type(b.kind, a.names | b.names, b.dims) for a, b in zip(states, steps, strict=True)]
    return tuple(Type(state.kind, state.names | {node.index}, state.dims) for state in states)


def _call(node: Call, scope: Scope) -> tuple[Type, ...]:
    args = [single(arg, scope) for arg in node.args]
    sizes = called_with(node, args, scope)
    _check_options(node, scope)
    names = frozenset().union(*(arg.names for arg in args))
    return tuple(
        Type(result.kind, names, tuple(replaced(dim, sizes) for dim in result.dims)) for result in node.callee.results
    )


def _check_options(node: Call, scope: Scope) -> None:
    """Check the options of a call: numbers of their kinds, and for sizes numbers that no array has.

    Raises:
        NotationError: one is not.
    """
    kinds = {option.name: option.kind for option in node.callee.options}
    arrays = {parameter.name for parameter in scope.definition.parameters}
    for name, value in node.options:
        given = single(value, scope)
        is_fixed = not given.names and not any(isinstance(part, Name) and part.id in arrays for part in nodes(value))
        fits = not given.dims and _may_be(given.kind, kinds[name])
        if not fits or (name in node.callee.size_options and not is_fixed):
            expected = "a whole number" if kinds[name] == "int" else "a number"
            refuse(scope, node, f"gives {given} to the option {name} of {node.callee.id}", f"{expected}, not an array")


def _through(node: Through, scope: Scope) -> tuple[Type, ...]:
    """The types of the results of the top layer, whose varying size u is called u_L."""
    start = single(node.start, scope)
    layer = layer_of(node, scope)
    sizes = dict(layer.bottom) | {name: top(name) for name in layer.varying}
    return tuple(
        Type(result.kind, start.names, tuple(replaced(dim, sizes) for dim in result.dims))
        for result in node.callee.results
    )


def top(name: str) -> Dim:
    """The name of a varying size in the top layer: u_L for u."""
    return Dim.parse(f"{name}_L")


def layer_of(node: Through, scope: Scope) -> Layer:
    """The layer of a stack.

    Raises:
        NotationError: the start does not fit the input of the bottom layer, or the output of a layer that of the next.
    """
    input_, *takes = node.callee.parameters
    output, start = node.callee.results[0], single(node.start, scope)
    shape = f"{input_.kind} ({', '.join(map(str, input_.dims))})"
    bottom: dict[str, Dim] = {}
    above: dict[str, Dim] = {}
    if not _accepts(input_, start.kind, start.dims, bottom):
        refuse(scope, node, f"gives {start} to {input_.name} of {node.callee.id}", shape)
    if not _accepts(input_, output.kind, output.dims, above):
        given = Type(output.kind, dims=output.dims)
        refuse(scope, node, f"passes {given} to {input_.name} of {node.callee.id} in the next layer", shape)
    changed = {name for name, dim in above.items() if dim != Dim.parse(name)}
    if any(dim.names & changed for result in node.callee.results for dim in result.dims):
        refuse(scope, node, f"goes through layers of {node.callee.id}", "results in other sizes than its input")
    sizes = (name for parameter in takes for dim in parameter.dims for name in sorted(dim.names))
    varying = dict.fromkeys(name for name in sizes if name not in bottom)
    return Layer(tuple(takes), tuple(varying), tuple(bottom.items()), tuple(above.items()))


def _accepts(parameter: Parameter, kind: str, dims: tuple[Dim, ...], sizes: dict[str, Dim]) -> bool:
    """Whether a parameter accepts an array of this kind and shape; the sizes that it implies are added to `sizes`."""
    pairs = zip(parameter.dims, dims, strict=False)
    return (
        len(parameter.dims) == len(dims)
        and _may_be(kind, parameter.kind)
        and all(_unify(dim, given, sizes) for dim, given in pairs)
    )


def called_with(node: Call, args: list[Type], scope: Scope) -> dict[str, Dim]:
    """The named sizes of a called equation, in sizes of the caller.

    Raises:
        NotationError: an argument does not fit.
    """
    sizes: dict[str, Dim] = {}
    for name, value in node.options:
        inner, outer = node.callee.size_options.get(name), _size(value, scope)
        if inner and outer:
            sizes[inner] = Dim.parse(outer)
    for parameter, arg in zip(node.callee.parameters, args, strict=True):
        if not _accepts(parameter, arg.kind, arg.dims, sizes):
            shape = f"({', '.join(map(str, parameter.dims))})"
            refuse(scope, node, f"gives {arg} to {parameter.name} of {node.callee.id}", f"{parameter.kind} {shape}")
    return sizes


def _is_a(found: Type, expected: Type) -> bool:
    """Whether a value has the expected type."""
    return (found.names, found.dims) == (expected.names, expected.dims) and _may_be(found.kind, expected.kind)


def _may_be(kind: str, expected: str) -> bool:
    """Whether a value of a kind is accepted where another kind is expected: an int is accepted as a float."""
    return kind == expected or (kind, expected) == ("int", "float")


def _unify(dim: Dim, given: Dim, sizes: dict[str, Dim]) -> bool:
    """Whether a size of a callee can equal one of the caller; one unknown name is solved and added to `sizes`."""
    unknown = [name for name in dim.names if name not in sizes]
    if len(unknown) > 1:
        return False
    for name in unknown:
        if dim.only == name:
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
    if dim.only is not None:
        return sizes.get(dim.only, dim)
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
    """The named size that an argument gives: H for the option heads."""
    match node:
        case Name(id=name):
            return scope.definition.size_options.get(name)
        case SizeOf(dim=dim) if len(dim.names) == 1:
            return str(dim)
    return None


def _as_text(types: tuple[Type, ...] | list[Type]) -> str:
    return ", ".join(map(str, types))


def refuse(scope: Scope, node: Node, given: str, expected: str) -> NoReturn:
    """Raise a `NotationError` with the equation and the line of a node whose types do not fit."""
    line = f":{node.span.line}" if node.span else ""
    raise NotationError(
        f"{scope.definition.id}{line}: shapes do not fit",
        given=given,
        expected=expected,
        mend="the sizes in the signature say what fits",
    )
