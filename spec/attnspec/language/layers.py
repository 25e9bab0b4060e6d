"""Layers written out: how many there are is known once arrays are given, and then each is a call as any other.

The arrays of a layer have names of their own, `layers.0.W_xr`, the bottom one being 0; a size that each layer has for
itself is u_1 at the bottom, then u_2, …, and u_L at the top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from attnspec.errors import BindingError, NotationError
from attnspec.language.check import Scope, check, layer_of, replaced, top
from attnspec.language.dims import Dim
from attnspec.language.symbols import symbol
from attnspec.language.tree import Call, Definition, Layer, Line, Name, Node, Parameter, Through

COUNT = "L"
"""The size that says how many layers there are."""

SLIPS = {
    "input": "every layer reads the input, not the layer below it",
    "reversed": "the layers run from the top down",
    "short": "the last layer is left out",
    "first": "only the first layer is run",
    "shared": "every layer has the weights of the first",
    "begun": "every layer begins as the first does",
    "rest": "what is returned besides is the first layer's",
}
"""What may be wrong with layers, in words."""


def of(definition: Definition) -> tuple[Parameter, Layer] | None:
    """The parameter that holds layers, and what each takes; None where an equation has none."""
    return next(((each, each.layer) for each in definition.parameters if each.layer is not None), None)


def known(definition: Definition) -> Definition:
    """The equation, its parameters saying what each layer takes.

    Raises:
        NotationError: it takes layers, and goes through them more or less than once.
    """
    scope = Scope(definition, check(definition))
    found = [node for node in definition.roots if isinstance(node, Through)]
    taken = [each.name for each in definition.parameters if each.kind == "layers"]
    if [node.layers.id for node in found] != taken:
        raise NotationError(
            f"{definition.id}: {taken[0]} is read {len(found)} times",
            expected="through(layers, equation, x), once",
            mend="go through the layers in one line; what has none needs no parameter of the type Layers",
        )
    told = {node.layers.id: layer_of(node, scope) for node in found}
    parameters = tuple(replace(each, layer=told.get(each.name)) for each in definition.parameters)
    return replace(definition, parameters=parameters)


def sizes_at(layer: Layer, place: int, count: int) -> dict[str, Dim]:
    """What the sizes of a layer are called, that at the bottom being 0."""
    own = {name: top(name) if place == count - 1 else Dim.parse(f"{name}_{place + 1}") for name in layer.own}
    if place == 0:
        return dict(layer.bottom) | own
    below = sizes_at(layer, place - 1, count)
    return {name: replaced(dim, below) for name, dim in layer.above} | own


def at_top(layer: Layer) -> dict[str, str]:
    """What the sizes of a layer are called where it is the only one."""
    return {name: str(dim) for name, dim in sizes_at(layer, 0, 1).items()}


def alike(layer: Layer) -> list[tuple[Dim, Dim]]:
    """Sizes of what the bottom layer reads, and of what the top one hands up: equal where all layers can be alike."""
    sizes = sizes_at(layer, 0, 1)
    return [(sizes[name], replaced(dim, sizes)) for name, dim in layer.above]


def below_top(layer: Layer, count: int) -> list[str]:
    """The sizes that layers below the top one have for themselves."""
    return [f"{name}_{place}" for place in range(1, count) for name in layer.own]


def sizes_of(definition: Definition) -> list[str]:
    """The named sizes of an equation, in the order of its signature."""
    found = {option.size: None for option in definition.options if option.size}
    for parameter in definition.parameters:
        if parameter.layer is not None:
            found |= dict.fromkeys([COUNT, *at_top(parameter.layer).values()])
        for dim in parameter.dims:
            found |= dict.fromkeys(sorted(dim.names))
    return list(found)


def flat(parameter: Parameter, place: int) -> list[str]:
    """The names of a layer's arrays."""
    assert parameter.layer is not None
    return [f"{parameter.name}.{place}.{each.name}" for each in parameter.layer.takes]


def arrays(definition: Definition) -> list[Parameter]:
    """Every array that an equation takes, those of a layer once, under the names that these have in it."""
    parts = ((each,) if each.layer is None else each.layer.takes for each in definition.parameters)
    return [each for part in parts for each in part]


def counted(parameter: Parameter, names: Iterable[str]) -> int:
    """How many layers there are arrays of."""
    places = [name.split(".")[1] for name in names if name.startswith(f"{parameter.name}.") and name.count(".") == 2]
    return 1 + max((int(place) for place in places if place.isdecimal()), default=0)


def counts(definition: Definition, names: Iterable[str]) -> dict[str, int]:
    """How many layers there are, as a size; nothing where an equation has none."""
    found = of(definition)
    return {} if found is None else {COUNT: counted(found[0], names)}


def written_out(definition: Definition, names: Iterable[str]) -> Definition:
    """The equation for so many layers as these are the arrays of; itself where it takes none."""
    found = of(definition)
    return definition if found is None else of_count(definition, counted(found[0], names))


def of_count(definition: Definition, count: int) -> Definition:
    """The equation for so many layers; itself where it takes none."""
    found = of(definition)
    return definition if found is None else _written_out(definition, found[0], count)


@lru_cache(maxsize=256)
def _arrays(parameter: Parameter, count: int) -> tuple[Parameter, ...]:
    """The arrays of all layers."""
    assert parameter.layer is not None
    return tuple(
        replace(each, name=name, dims=tuple(replaced(dim, sizes) for dim in each.dims))
        for place in range(count)
        for sizes in [sizes_at(parameter.layer, place, count)]
        for name, each in zip(flat(parameter, place), parameter.layer.takes, strict=True)
    )


def _written_out(definition: Definition, parameter: Parameter, count: int) -> Definition:
    lines: list[Line] = []
    for line in definition.lines:
        if isinstance(line.value, Through):
            lines += _calls(line.value, line.targets, parameter, count, definition.id)
        else:
            lines.append(line)
    returns: list[Node] = []
    for node in definition.returns:
        if isinstance(node, Through):
            targets = tuple(f"{parameter.name}.{place}" for place in range(len(node.callee.results)))
            lines += _calls(node, targets, parameter, count, definition.id)
            returns += map(Name, targets)
        else:
            returns.append(node)
    at = definition.parameters.index(parameter)
    whole = (*definition.parameters[:at], *_arrays(parameter, count), *definition.parameters[at + 1 :])
    return replace(definition, parameters=whole, lines=tuple(lines), returns=tuple(returns))


def _calls(node: Through, targets: Sequence[str], parameter: Parameter, count: int, id: str) -> Iterator[Line]:
    """A line for each layer, then one for each result."""
    read = node.start
    order = _order(node.slip, count)
    for step, place in enumerate(order):
        pairs = zip(flat(parameter, place), flat(parameter, 0), strict=True)
        begun = node.slip == "begun"
        taken = [Name(first if begun and not symbol(first, id).weight else own) for own, first in pairs]
        yield Line(tuple(f"{target}.{step}" for target in targets), Call(node.callee, (read, *taken)))
        if node.slip != "input":
            read = Name(f"{targets[0]}.{step}")
    for target in targets:
        step = 0 if node.slip == "rest" and target != targets[0] else len(order) - 1
        yield Line((target,), Name(f"{target}.{step}"))


def _order(slip: str, count: int) -> list[int]:
    """Whose arrays each layer takes, from the bottom up."""
    places = list(range(count))
    match slip:
        case "reversed":
            return places[::-1]
        case "short":
            return places[: max(count - 1, 1)]
        case "first":
            return places[:1]
        case "shared":
            return [0] * count
    return places


# From a tuple of layers to names, and back.


def spread(definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, layers as arrays of their own.

    Raises:
        BindingError: a layer has other arrays than it takes.
    """
    given = dict(zip([each.name for each in definition.parameters], args, strict=False)) | dict(kwargs)
    found = of(definition)
    if found is None or found[0].name not in given:
        return given
    parameter, layer = found
    arrays: dict[str, Any] = {}
    for place, taken in enumerate(given[parameter.name]):
        if len(taken) != len(layer.takes):
            raise BindingError(
                f"{definition.id}: {parameter.name}[{place}] is no layer",
                given=f"{len(taken)} arrays",
                expected=", ".join(each.name for each in layer.takes),
                mend="a tuple for each layer, the bottom one first, in the order of its equation",
            )
        arrays |= zip(flat(parameter, place), taken, strict=True)
    if not arrays:
        raise BindingError(f"{definition.id}: {parameter.name} is empty", given="no layer", expected="one or more")
    whole: dict[str, Any] = {}
    for name, value in given.items():
        whole |= arrays if name == parameter.name else {name: value}
    return whole


def gathered(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments in which layers are one again: a tuple of tuples, in the order in which their arrays stand."""
    found: dict[str, Any] = {}
    for name, array in arguments.items():
        head, *rest = name.split(".")
        if len(rest) == 2:
            found.setdefault(head, {}).setdefault(int(rest[0]), []).append(array)
        else:
            found[name] = array
    return {
        name: tuple(tuple(each[place]) for place in sorted(each)) if name not in arguments else each
        for name, each in found.items()
    }


__all__ = [
    "COUNT", "SLIPS", "alike", "arrays", "at_top", "below_top", "counted", "counts", "flat", "gathered", "known", "of",
    "of_count", "sizes_at", "sizes_of", "spread", "written_out",
]  # fmt: skip
