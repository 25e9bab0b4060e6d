"""An equation of which two arguments are one array or two sizes are equal, such as self-attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from attnspec.errors import SpecError, nearest
from attnspec.language.check import check, replaced
from attnspec.language.dims import Dim
from attnspec.language.layers import sizes_of
from attnspec.language.traversal import map_definition
from attnspec.language.tree import Definition, Name, Node, Parameter


def merged(definition: Definition, same: Mapping[str, str]) -> Definition:
    """An equation in which some arguments are replaced by others.

    Args:
        definition: the equation.
        same: {argument that is left out: argument that is read in its place}, whose sizes become those of the second;
            or {size: what it is equal to}, such as {"c": "H*d"}.

    Returns:
        The equation without the arguments that are left out.

    Raises:
        SpecError: there is no such argument, or two arguments cannot be one array.
    """
    for dropped, kept in same.items():
        size = _size(kept, sizes_of(definition))
        if size is not None and dropped in sizes_of(definition) and dropped not in size.names:
            definition = _renamed(definition, "", "", {dropped: size})
            continue
        arrays = {parameter.name: parameter for parameter in definition.parameters}
        for name in (dropped, kept):
            if name not in arrays:
                raise SpecError(
                    f"{definition.id} does not have the argument or size {name}",
                    given=f"{dropped}={kept}",
                    expected=", ".join([*arrays, *sizes_of(definition)]),
                    mend=nearest(name, arrays),
                )
        sizes = _sizes(arrays[dropped], arrays[kept])
        if dropped == kept or sizes is None:
            raise SpecError(
                f"{dropped} and {kept} of {definition.id} cannot be one array",
                given=f"{dropped}={kept}",
                expected=", ".join(mergeable(definition)) or "nothing: no two arguments can",
            )
        definition = _renamed(definition, dropped, kept, sizes)
    check(definition)
    return definition


def _size(text: str, known: Sequence[str]) -> Dim | None:
    """The size that a text means; None if it is not one of these or a polynomial in them."""
    try:
        size = Dim.parse(text)
    except (ValueError, SyntaxError):
        return None
    return size if size.names <= {*known} else None


def mergeable(definition: Definition) -> dict[str, str]:
    """{argument: an earlier argument that may be the same array}, of arguments that are not weights."""
    found: dict[str, str] = {}
    inputs = [each for each in definition.parameters if not each.symbol.weight]
    for place, each in enumerate(inputs):
        earlier = (other.name for other in inputs[:place] if each.dims and _sizes(each, other) is not None)
        name = next(earlier, "")
        if name:
            found[each.name] = name
    return found


def _sizes(dropped: Parameter, kept: Parameter) -> dict[str, Dim] | None:
    """{size of one array: size of the other}, so that their shapes are equal; None if they cannot be."""
    if dropped.kind != kept.kind or len(dropped.dims) != len(kept.dims):
        return None
    sizes: dict[str, Dim] = {}
    for old, new in zip(dropped.dims, kept.dims, strict=True):
        if old != new:
            if old.only is None or old.only in new.names or sizes.get(old.only, new) != new:
                return None
            sizes[old.only] = new
    return sizes


def _renamed(definition: Definition, dropped: str, kept: str, sizes: Mapping[str, Dim]) -> Definition:
    def change(node: Node) -> Node:
        if isinstance(node, Name):
            return replace(node, id=kept) if node.id == dropped else node
        changed = {item.name: _with_sizes(getattr(node, item.name), sizes) for item in fields(node)}
        return replace(node, **{name: value for name, value in changed.items() if value != getattr(node, name)})

    def shaped(parameter: Parameter) -> Parameter:
        return replace(parameter, dims=_with_sizes(parameter.dims, sizes))

    changed = map_definition(definition, change)
    return replace(
        changed,
        parameters=tuple(shaped(each) for each in definition.parameters if each.name != dropped),
        indices=tuple((name, replaced(dim, sizes)) for name, dim in definition.indices),
        results=tuple(shaped(each) for each in definition.results),
    )


def _with_sizes(value: Any, sizes: Mapping[str, Dim]) -> Any:
    """The value of a field of a node, with its sizes replaced."""
    if isinstance(value, Dim):
        return replaced(value, sizes)
    if isinstance(value, tuple) and value and all(isinstance(part, Dim) for part in value):
        return tuple(replaced(part, sizes) for part in value)
    return value
