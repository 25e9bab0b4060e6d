"""Where the weights of an equation are in a candidate: by its caller, by a known layout, or by their own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attnspec.errors import UnknownName, nearest
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.layouts import LAYOUTS, Layout, Part, parts_of
from attnspec.language.symbols import common_names
from attnspec.language.tree import Definition
from attnspec.verification.sandbox.targets import CallableInfo


def known_layout(callable_: CallableInfo, equation: Equation[..., Any]) -> tuple[Layout, dict[str, str]] | None:
    """The layout that a callable has, and where each argument is; None if it has none that is known."""
    network = callable_.network
    names = [parameter.name for parameter in callable_.parameters]
    if {parameter.name for parameter in equation.definition.parameters} <= {*names}:
        return None
    kinds = network.kinds if network is not None else ()
    known = [*names, *(network.state if network is not None else ())]
    layouts = sorted(LAYOUTS.get(equation.id, []), key=lambda each: each.of not in kinds)
    for layout in layouts:
        if layout.of in kinds or layout.by_name:
            places = layout.renamed(known)
            if places is not None and (layout.of in kinds or not _takes_apart(callable_, equation, places)):
                return layout, places
    return None


def _takes_apart(callable_: CallableInfo, equation: Equation[..., Any], places: Mapping[str, str]) -> bool:
    """Whether a callable has a parameter of its own for each item of what a layout has in a tuple."""
    targets = [part.target for text in places.values() for part in parts_of(text)]
    tuples = {target.rpartition(".")[0] for target in targets if target.rpartition(".")[2].isdecimal()}
    required = [each.name for each in callable_.parameters if not each.has_default and each.name not in targets]
    left = len(equation.definition.parameters) - len(places)
    return bool(tuples) and len([name for name in required if name not in tuples]) > left


def places_of(callable_: CallableInfo, definition: Definition, given: Mapping[str, str]) -> dict[str, str]:
    """Where arguments are, by the caller and by their own names.

    Raises:
        UnknownName: the equation lacks an argument or a size, or the callable an array.
        SpecError: a text is not a place.
    """
    arguments = [parameter.name for parameter in definition.parameters]
    state = callable_.network.state if callable_.network is not None else {}
    names = [parameter.name for parameter in callable_.parameters]
    unread = callable_.network is not None and callable_.network.makes is not None and not state
    open_ended = unread or any(parameter.kind.startswith("VAR_") for parameter in callable_.parameters)
    for argument, text in given.items():
        if argument not in arguments:
            raise UnknownName(
                f"{definition.id} does not have the argument {argument}",
                given=f"{argument}={text}",
                expected=", ".join(arguments),
                mend=nearest(argument, arguments),
            )
        for part in parts_of(text):
            _check_rows(part, definition, f"{argument}={text}")
            if part.target not in (*state, *names) and part.target.rpartition(".")[0] not in names and not open_ended:
                raise UnknownName(
                    f"{callable_.name} does not have {part.target}",
                    given=f"{argument}={text}",
                    expected=", ".join([*names, *state]),
                    mend=nearest(part.target, [*names, *state]),
                )
    own = {name: name for name in arguments if name in state and name not in names}
    return {**own, **given}


def _check_rows(part: Part, definition: Definition, given: str) -> None:
    """Check that the rows of a part are counted in sizes of the equation.

    Raises:
        UnknownName: one is not.
    """
    sizes = [*sizes_of(definition)]
    for name in sorted(part.rows[0].names | part.rows[1].names if part.rows is not None else ()):
        if name not in sizes:
            raise UnknownName(
                f"{definition.id} does not have the size {name}",
                given=given,
                expected=f"rows in {', '.join(sizes)}" if sizes else "rows in whole numbers: it has no sizes",
                mend=nearest(name, sizes),
            )


def sizes_of_weights(
    callable_: CallableInfo, definition: Definition, places: Mapping[str, str], given: Mapping[str, Any]
) -> dict[str, float]:
    """The sizes and options that a module has, by the shapes of its weights and its attributes.

    Args:
        given: values of options, by the caller.

    Raises:
        SpecError: a text is not a place.
    """
    network = callable_.network
    if network is None or network.makes is not None or not places:
        return {}
    fixed: dict[str, float] = {}
    sizes: dict[str, int] = {}
    numbers = {**network.numbers, **{name: int(text) for name, text in given.items() if str(text).isdecimal()}}
    for option in definition.options:
        names = [name for name in (option.name, *common_names(option.name, definition.id)) if name in numbers]
        if option.size and names:
            fixed[option.name] = sizes[option.size] = numbers[names[0]]
    of_options = {*sizes}
    dims = [pair for target, shape in network.state.items() for pair in _dims(definition, places, target, shape)]
    for _ in dims:
        for dim, total in dims:
            if len(dim.names - sizes.keys()) == 1:
                dim.solve(total, sizes)
    return {**fixed, **{name: size for name, size in sizes.items() if name not in of_options}}


def _dims(
    definition: Definition, places: Mapping[str, str], target: str, shape: tuple[int, ...]
) -> list[tuple[Dim, int]]:
    """Pairs of a size as a polynomial and its value, of one array of a module."""
    found: list[tuple[Part, tuple[Dim, ...]]] = []
    for parameter in definition.parameters:
        for part in parts_of(places[parameter.name]) if parameter.name in places else ():
            if part.target == target:
                found.append((part, parameter.dims[::-1] if part.transposed else parameter.dims))
    if not found:
        return []
    part, dims = max(found, key=lambda pair: _stop(pair[0]))
    dims = (part.rows[1], *dims[1:]) if part.rows is not None else dims
    return list(zip(dims, shape, strict=False))


def _stop(part: Part) -> int:
    """Where the rows of a part end if every size is 1, to order the parts."""
    return part.rows[1].value(dict.fromkeys(part.rows[1].names, 1)) if part.rows is not None else 0
