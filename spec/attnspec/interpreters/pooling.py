"""Equations over axes of repeated places, evaluated at the distinct ones alone.

Along some axes the places of an equation are alike: which of them comes first says nothing, as of the queries and the
keys of attention, or of the examples of a batch. If an input has only few distinct rows along such an axis, its outputs
have too, and a sum over the axis is one over the distinct rows, each counted as often as it is there. So an axis of
100,000 places can be judged whole at the cost of a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod

from attnspec.language.check import Scope, Type, called_with, infer, replaced, single
from attnspec.language.dims import Dim
from attnspec.language.traversal import children, substitute
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    ConcatOver,
    Definition,
    Last,
    Name,
    Node,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Stack,
)

WHOLE = (Name, At, Stack, Call)
"""Nodes that take an unnamed axis as it is; all others combine what is along it, or order it."""

Site = tuple[Node, Scope, Node | None]
"""A node, the types of names there, and the node that it is a part of; None for the value of a line or a result."""


def ordered_sizes(definition: Definition) -> dict[str, str]:
    """The sizes of an equation along which places are not alike, each with the reason in words."""
    reasons: dict[str, str] = {}
    layers = [item.layer for item in definition.parameters if item.layer is not None]
    axes = [dim for item in (*definition.parameters, *definition.results) for dim in item.dims]
    for dim in [*axes, *definition.ranges.values()]:
        _add(reasons, dim, "it is a part of another size", unless=_is_name(dim))
    for layer in layers:
        for dim in (*(dim for item in layer.takes for dim in item.dims), *(dim for _, dim in layer.bottom)):
            _add(reasons, dim, "layers have it")
    for option, size in definition.size_options.items():
        _add(reasons, Dim.parse(size), f"the option {option} sets it")
    for site in _sites(definition):
        for dim, reason in _uses(definition, *site):
            _add(reasons, dim, reason)
    return reasons


def reduced_sizes(definition: Definition) -> set[str]:
    """The sizes over which an equation reduces, so that what is at one place along them shows at others."""
    found: set[str] = set()
    for node, scope, _ in _sites(definition):
        match node:
            case Reduce(index=index):
                found |= definition.ranges[index].names
            case Call(callee=callee):
                sizes = _sizes(node, scope)
                found |= {name for size in reduced_sizes(callee) if size in sizes for name in sizes[size].names}
    return found


def pooled(definition: Definition, counts: Mapping[str, tuple[int, ...]]) -> Definition:
    """An equation over repeated places, to be evaluated on the distinct ones.

    Args:
        definition: an equation, along whose sizes in `counts` all places are alike.
        counts: {named size: how often each distinct place is there}.
    """
    scopes = {id(node): scope for node, scope, _ in _sites(definition)}
    whole = {name: Dim.of({(): sum(each)}) for name, each in counts.items()}

    def changed(node: Node) -> Node:
        match node:
            case Reduce(index=index):
                node = replace(node, counts=counts.get(str(definition.ranges[index]), ()))
            case SizeOf(dim=dim):
                return replace(node, dim=replaced(dim, whole))
            case Call(callee=callee):
                sizes = _sizes(node, scopes[id(node)])
                inner = {name: counts[str(dim)] for name, dim in sizes.items() if str(dim) in counts}
                node = replace(node, callee=pooled(callee, inner)) if inner else node
        for step, child in children(node):
            node = substitute(node, (step,), changed(child))
        return node

    lines = tuple(replace(line, value=changed(line.value)) for line in definition.lines)
    return replace(definition, lines=lines, returns=tuple(map(changed, definition.returns)))


def largest_array(definition: Definition, sizes: Mapping[str, int]) -> int:
    """How many elements the largest array of an evaluation has, for one example; weights are left out."""
    weights = {parameter.name for parameter in definition.parameters if parameter.symbol.weight}
    largest = 0
    for node, scope, parent in _sites(definition):
        summed = isinstance(parent, Reduce) and parent.op == "sum" and isinstance(node, Apply) and node.op == "*"
        if summed or (isinstance(node, Name) and node.id in weights):  # a sum of products is a product of matrices
            continue
        for type_ in infer(node, scope):
            named = prod(definition.ranges[name].value(sizes) for name in type_.names)
            largest = max(largest, named * prod(dim.value(sizes) for dim in type_.dims))
        if isinstance(node, Call):
            args = [single(arg, scope) for arg in node.args]
            named = prod(definition.ranges[name].value(sizes) for name in frozenset().union(*(a.names for a in args)))
            inner = {name: dim.value(sizes) for name, dim in called_with(node, args, scope).items()}
            largest = max(largest, named * largest_array(node.callee, inner))
    return largest


def _add(reasons: dict[str, str], dim: Dim, reason: str, unless: bool = False) -> None:
    if not unless:
        for name in sorted(dim.names):
            reasons.setdefault(name, reason)


def _is_name(dim: Dim) -> bool:
    return len(dim.names) == 1 and dim == Dim.parse(next(iter(dim.names)))


def _sites(definition: Definition) -> Iterator[Site]:
    """Every node of an equation, without those that it calls."""
    names = {parameter.name: Type(parameter.kind, dims=parameter.dims) for parameter in definition.parameters}
    scope = Scope(definition, names | {option.name: Type(option.kind) for option in definition.options})
    for line in definition.lines:
        yield from _below(line.value, scope)
        scope.names |= dict(zip(line.targets, infer(line.value, scope), strict=True))
        if isinstance(line.value, Scan):
            scope.scanned |= dict.fromkeys(line.targets, line.value.index)
    for value in definition.returns:
        yield from _below(value, scope)


def _below(node: Node, scope: Scope, parent: Node | None = None) -> Iterator[Site]:
    """A node and what is below it."""
    yield node, scope, parent
    for (field, _), child in children(node):
        inner = scope
        if isinstance(node, Scan) and field == "body":
            states = dict(zip(node.states, infer(node, scope), strict=True))
            inner = Scope(scope.definition, scope.names | states, scope.bound | {node.index})
        yield from _below(child, inner, node)


def _uses(definition: Definition, node: Node, scope: Scope, parent: Node | None) -> Iterator[tuple[Dim, str]]:
    """The sizes along which a node tells one place from another, and how."""
    ranges = definition.ranges
    match node:
        case Position(index=index):
            if not (isinstance(parent, At) and any(node is place for place in parent.places)):
                yield ranges[index], f"{index} is a number in it"
        case Scan(index=index) | Last(index=index):
            yield ranges[index], f"{index} is a step in it"
        case ConcatOver(index=index):
            yield ranges[index], "it is a part of another size"
        case Reduce(op="argmax", index=index):
            yield ranges[index], f"a place of {index} is a result in it"
        case At(array=array, places=places):
            for dim, place in zip(single(array, scope).dims, places, strict=False):
                named = isinstance(place, Position) and place.index not in scope.bound and ranges[place.index] == dim
                if not named:
                    yield dim, "it is read at certain places"
        case Call(callee=callee):
            ordered = ordered_sizes(callee)
            for name, dim in _sizes(node, scope).items():
                if name in ordered or not _is_name(dim):
                    yield dim, ordered.get(name, "it is a part of another size")
    if parent is not None and not isinstance(parent, WHOLE) and not isinstance(node, Position):
        for dim in (dim for type_ in infer(node, scope) for dim in type_.dims):
            yield dim, "what is along it is taken together"


def _sizes(node: Call, scope: Scope) -> dict[str, Dim]:
    """The sizes of a called equation in those of the caller."""
    return called_with(node, [single(arg, scope) for arg in node.args], scope)
