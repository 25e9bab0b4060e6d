"""Layers: once the number of layers is known, an equation is written out with one call for each layer.

The arrays of a layer have names such as `layers.0.W_xr`, where 0 is the bottom layer. A size that may differ between
layers is u_1 at the bottom, then u_2, …, and u_L at the top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from attnspec.errors import BindingError, NotationError
from attnspec.language.check import layer_of, replaced, scope_of, top
from attnspec.language.dims import Dim
from attnspec.language.tree import Call, Definition, Layer, Line, Name, Node, Parameter, Scan, Stack, Through

COUNT = "L"
"""The named size that is the number of layers."""

WIRING_ERRORS = {
    "input": "every layer reads the input, not the layer below it",
    "reversed": "the layers are applied from the top down",
    "short": "the last layer is left out",
    "first": "only the first layer is run",
    "shared": "every layer has the weights of the first",
    "begun": "every layer starts from the initial state of the first",
    "rest": "the other results are those of the first layer",
}
"""{fault of a `Through` node: sentence}: mistakes in how layers are connected."""

HANDS_UP = "up/"
"""The beginning of the fault that each layer hands another state of its recurrence up, which is named behind it."""


def of(definition: Definition) -> tuple[Parameter, Layer] | None:
    """The parameter of an equation that holds layers, and its layer; None if it has none."""
    parameters = definition.parameters
    return next(((parameter, parameter.layer) for parameter in parameters if parameter.layer is not None), None)


def known(definition: Definition) -> Definition:
    """The equation with the layers of its parameters filled in.

    Raises:
        NotationError: the equation takes layers, and does not use them exactly once.
    """
    scope = scope_of(definition)
    uses = [node for node in definition.roots if isinstance(node, Through)]
    names = [parameter.name for parameter in definition.parameters if parameter.kind == "layers"]
    if [node.layers.id for node in uses] != names:
        raise NotationError(
            f"{definition.id}: {names[0]} is read {len(uses)} times",
            expected="through(layers, equation, x), once",
            mend="use the layers in one line; an equation without layers needs no parameter of the type Layers",
        )
    layers = {node.layers.id: layer_of(node, scope) for node in uses}
    parameters = tuple(replace(parameter, layer=layers.get(parameter.name)) for parameter in definition.parameters)
    return replace(definition, parameters=parameters)


def sizes_at(layer: Layer, place: int, count: int) -> dict[str, Dim]:
    """The sizes of one layer, in the names of the equation that takes the layers.

    Args:
        layer: the layer.
        place: its position, 0 at the bottom.
        count: number of layers.
    """
    varying = {name: top(name) if place == count - 1 else Dim.parse(f"{name}_{place + 1}") for name in layer.varying}
    if place == 0:
        return dict(layer.bottom) | varying
    below = sizes_at(layer, place - 1, count)
    return {name: replaced(dim, below) for name, dim in layer.above} | varying


def at_top(layer: Layer) -> dict[str, str]:
    """The names of the sizes of a layer if it is the only one."""
    return {name: str(dim) for name, dim in sizes_at(layer, 0, 1).items()}


def same_sizes(layer: Layer) -> list[tuple[Dim, Dim]]:
    """Pairs of sizes of the input and the output of a layer, which are equal if all layers have the same shapes."""
    sizes = sizes_at(layer, 0, 1)
    return [(sizes[name], replaced(dim, sizes)) for name, dim in layer.above]


def below_top(layer: Layer, count: int) -> list[str]:
    """The names of the sizes of the layers below the top one."""
    return [f"{name}_{place}" for place in range(1, count) for name in layer.varying]


def sizes_of(definition: Definition) -> list[str]:
    """The named sizes of an equation, in the order of its signature."""
    names = {option.size: None for option in definition.options if option.size}
    for parameter in definition.parameters:
        if parameter.layer is not None:
            names |= dict.fromkeys([COUNT, *at_top(parameter.layer).values()])
        for dim in parameter.dims:
            names |= dict.fromkeys(sorted(dim.names))
    return list(names)


def of_role(definition: Definition, role: str) -> list[str]:
    """The named sizes of an equation that have a role, in the order of its signature."""
    return [name for name in sizes_of(definition) if definition.role(name) == role]


def flat(parameter: Parameter, place: int) -> list[str]:
    """The names of the arrays of the layer at a position."""
    assert parameter.layer is not None
    return [f"{parameter.name}.{place}.{array.name}" for array in parameter.layer.takes]


def arrays(definition: Definition) -> list[Parameter]:
    """The arrays that an equation takes; those of a layer are listed once, with their names in the layer."""
    groups = ((p,) if p.layer is None else p.layer.takes for p in definition.parameters)
    return [array for group in groups for array in group]


def counted(parameter: Parameter, names: Iterable[str]) -> int:
    """The number of layers that arrays belong to, by their names."""
    places = [name.split(".")[1] for name in names if name.startswith(f"{parameter.name}.") and name.count(".") == 2]
    return 1 + max((int(place) for place in places if place.isdecimal()), default=0)


def counts(definition: Definition, names: Iterable[str]) -> dict[str, int]:
    """{`COUNT`: number of layers}; empty if the equation has no layers."""
    layered = of(definition)
    return {} if layered is None else {COUNT: counted(layered[0], names)}


def written_out(definition: Definition, names: Iterable[str]) -> Definition:
    """The equation written out for the layers of the named arrays; itself if it takes none."""
    layered = of(definition)
    return definition if layered is None else of_count(definition, counted(layered[0], names))


def of_count(definition: Definition, count: int) -> Definition:
    """The equation written out for a number of layers; itself if it takes none."""
    layered = of(definition)
    return definition if layered is None else _written_out(definition, layered[0], count)


@lru_cache(maxsize=256)
def _arrays(parameter: Parameter, count: int) -> tuple[Parameter, ...]:
    """The arrays of all layers."""
    assert parameter.layer is not None
    return tuple(
        replace(array, name=name, dims=tuple(replaced(dim, sizes) for dim in array.dims))
        for place in range(count)
        for sizes in [sizes_at(parameter.layer, place, count)]
        for name, array in zip(flat(parameter, place), parameter.layer.takes, strict=True)
    )


def _written_out(definition: Definition, parameter: Parameter, count: int) -> Definition:
    lines: list[Line] = []
    for line in definition.lines:
        if isinstance(line.value, Through):
            lines += _calls(line.value, line.targets, parameter, count)
        else:
            lines.append(line)
    returns: list[Node] = []
    for node in definition.returns:
        if isinstance(node, Through):
            targets = tuple(f"{parameter.name}.{place}" for place in range(len(node.callee.results)))
            lines += _calls(node, targets, parameter, count)
            returns += map(Name, targets)
        else:
            returns.append(node)
    at = definition.parameters.index(parameter)
    parameters = (*definition.parameters[:at], *_arrays(parameter, count), *definition.parameters[at + 1 :])
    return replace(definition, parameters=parameters, lines=tuple(lines), returns=tuple(returns))


def _calls(node: Through, targets: Sequence[str], parameter: Parameter, count: int) -> Iterator[Line]:
    """A line for each layer, then one for each result."""
    read = node.start
    order = _order(node.fault, count)
    for step, place in enumerate(order):
        pairs = zip(flat(parameter, place), flat(parameter, 0), strict=True)
        same_start = node.fault == "begun"
        takes = zip(pairs, parameter.layer.takes if parameter.layer else (), strict=True)
        args = [Name(first if same_start and not array.symbol.weight else name) for (name, first), array in takes]
        callee = node.callee
        if node.fault.startswith(HANDS_UP) and step < len(order) - 1:
            callee = _handing_up(callee, node.fault.removeprefix(HANDS_UP))
        yield Line(tuple(f"{target}.{step}" for target in targets), Call(callee, (read, *args)))
        if node.fault != "input":
            read = Name(f"{targets[0]}.{step}")
    for target in targets:
        step = 0 if node.fault == "rest" and target != targets[0] else len(order) - 1
        yield Line((target,), Name(f"{target}.{step}"))


def other_states(layer: Definition) -> list[str]:
    """The states of the recurrence of a layer that it could hand up instead of the one that it does."""
    match layer.returns[0]:
        case Stack(array=Name(id=own)):
            scanned = [line.targets for line in layer.lines if isinstance(line.value, Scan) and own in line.targets]
            return [name for targets in scanned for name in targets if name != own]
    return []


def _handing_up(layer: Definition, state: str) -> Definition:
    """A layer whose first result is another state of its recurrence."""
    first, *rest = layer.returns
    assert isinstance(first, Stack)
    return replace(layer, returns=(replace(first, array=Name(state)), *rest))


def _order(fault: str, count: int) -> list[int]:
    """The positions of the layers, in the order in which they are applied."""
    places = list(range(count))
    match fault:
        case "reversed":
            return places[::-1]
        case "short":
            return places[: max(count - 1, 1)]
        case "first":
            return places[:1]
        case "shared":
            return [0] * count
    return places


# Conversion of a tuple of layers to named arrays, and back.


def spread(definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, with a name for each array of a layer.

    Raises:
        BindingError: a layer has another number of arrays than its equation takes.
    """
    given = dict(zip([parameter.name for parameter in definition.parameters], args, strict=False)) | dict(kwargs)
    layered = of(definition)
    if layered is None or layered[0].name not in given:
        return given
    parameter, layer = layered
    arrays: dict[str, Any] = {}
    for place, values in enumerate(given[parameter.name]):
        if len(values) != len(layer.takes):
            raise BindingError(
                f"{definition.id}: {parameter.name}[{place}] is not a layer",
                given=f"{len(values)} arrays",
                expected=", ".join(array.name for array in layer.takes),
                mend="a tuple for each layer, the bottom one first, in the order of its equation",
            )
        arrays |= zip(flat(parameter, place), values, strict=True)
    if not arrays:
        raise BindingError(f"{definition.id}: {parameter.name} is empty", given="no layer", expected="one or more")
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        arguments |= arrays if name == parameter.name else {name: value}
    return arguments


def gathered(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the arrays of layers gathered in a tuple of tuples, in the order of their positions."""
    gathered: dict[str, Any] = {}
    for name, array in arguments.items():
        head, *rest = name.split(".")
        if len(rest) == 2:
            gathered.setdefault(head, {}).setdefault(int(rest[0]), []).append(array)
        else:
            gathered[name] = array
    return {
        name: tuple(tuple(value[place]) for place in sorted(value)) if name not in arguments else value
        for name, value in gathered.items()
    }


__all__ = [
    "COUNT",
    "HANDS_UP",
    "WIRING_ERRORS",
    "arrays",
    "at_top",
    "below_top",
    "counted",
    "counts",
    "flat",
    "gathered",
    "known",
    "of",
    "of_count",
    "of_role",
    "other_states",
    "same_sizes",
    "sizes_at",
    "sizes_of",
    "spread",
    "written_out",
]  # fmt: skip
