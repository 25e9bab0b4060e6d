"""From the options of a caller to the adaptation of one callable to one equation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attnspec.errors import BindingError, SpecError, UnknownName, nearest
from attnspec.interpreters.formula.formula import text_of
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.layouts import Layout, parts_of
from attnspec.language.merging import merged
from attnspec.language.registry import conventions
from attnspec.language.symbols import common_names
from attnspec.language.tree import Definition, Name
from attnspec.verification.candidate.adaptation import BATCH_LETTERS, Adaptation, paths
from attnspec.verification.candidate.settings import evaluated, names_in
from attnspec.verification.options import VerifyOptions
from attnspec.verification.programs import inputs_of, layout_of_weights
from attnspec.verification.sandbox.targets import CallableInfo
from attnspec.verification.weights import known_layout, places_of, sizes_of_weights


def adaptation(wanted: VerifyOptions, callable_: CallableInfo, equation: Equation[..., Any]) -> Adaptation:
    """How a callable is called for an equation.

    A name of `wanted.settings` is a parameter of a constructor, else an option of the equation, else a parameter of the
    callable, else a size. Options and arguments may be written as in the formula, such as β_1.

    Raises:
        UnknownName: a setting is none of these.
        SpecError: the letters of the axes, or a value of an option or size, make no sense.
    """
    found = known_layout(callable_, equation)
    layout, known_places = found if found is not None else (None, {})
    if callable_.program is not None or (found is None and callable_.network is not None):
        layout, known_places = None, layout_of_weights(callable_, equation.definition) or {}
    same = {**(layout.same if layout is not None else {}), **(wanted.same or {})}
    definition = merged(equation.definition, same)
    written = _as_written(definition)
    weights = {written.get(name, name): place for name, place in (wanted.weights or {}).items()}
    given = {written.get(name, name): value for name, value in (wanted.settings or {}).items()}
    places = {**known_places, **places_of(callable_, definition, weights)}
    inputs = inputs_of(callable_, definition, [*places], wanted.bind or {}, _letters(wanted.axes or ""))
    places |= inputs.places
    network = callable_.network
    state = network.state if network is not None else {}
    targets = [part.target for text in places.values() for part in parts_of(text)]
    names = [parameter.name for parameter in callable_.parameters]
    others = [name for name in dict.fromkeys(targets) if name.partition(".")[0] not in names]
    entries = [name for name in others if network is not None] + [name for name in state if name in targets]
    fixed = {**inputs.fixed, **sizes_of_weights(callable_, definition, places, given)}
    made = _constructor(callable_, definition, layout)
    settings = dict(_common_settings(callable_, equation, dict(wanted.bind or {}))) if layout is None else {}
    for name, value in given.items():
        _set(name, value, callable_, definition, settings, fixed, made)
    _check_made(callable_, definition, made)
    returns = paths(wanted.returns if wanted.returns is not None else layout.returns if layout is not None else "")
    return Adaptation(
        tuple(settings.items()),
        tuple(fixed.items()),
        tuple(same.items()),
        _letters(wanted.axes or ""),
        returns,
        tuple(places.items()),
        tuple(dict.fromkeys(entries)),
        None if network is None or network.makes is None else tuple(made.items()),
        inputs.batch,
        tuple(inputs.bind.items()),
    )


def _as_written(definition: Definition) -> dict[str, str]:
    """{argument or option as the formula writes it: its name}."""
    names = [*(each.name for each in definition.parameters), *(each.name for each in definition.options)]
    return {text_of(Name(name), definition): name for name in names}


def _constructor(callable_: CallableInfo, definition: Definition, layout: Layout | None) -> dict[str, Any]:
    """The arguments of the constructor of a class: those of its layout, and the sizes and options of the equation."""
    network = callable_.network
    if network is None or network.makes is None:
        return {}
    known = {*sizes_of(definition), *(option.name for option in definition.options)}
    given = layout.settings if layout is not None else {}
    takes_any = any(parameter.kind == "VAR_KEYWORD" for parameter in network.makes)
    made: dict[str, Any] = dict(given) if takes_any else {}
    for parameter in network.makes:
        usual = [text for text in conventions().COMMON_SETTINGS.get(parameter.name, ()) if names_in(text) <= known]
        if parameter.name in given:
            made[parameter.name] = given[parameter.name]
        elif parameter.name in known or usual:
            made[parameter.name] = parameter.name if parameter.name in known else usual[0]
    return made


def _check_made(callable_: CallableInfo, definition: Definition, made: Mapping[str, Any]) -> None:
    """Check that the constructor of a class is given what it needs.

    Raises:
        BindingError: a parameter without a default has no value.
    """
    makes = (callable_.network.makes or ()) if callable_.network is not None else ()
    needed = [each.name for each in makes if not (each.has_default or each.kind.startswith("VAR_"))]
    unset = [name for name in needed if name not in made]
    if unset:
        known = [*(option.name for option in definition.options), *sizes_of(definition)]
        raise BindingError(
            f"{callable_.name}: its constructor needs {', '.join(unset)} too",
            given=f"{callable_.name}({', '.join(each.name for each in makes)})",
            expected=f"for each a size or an option of {definition.id}, one of {', '.join(known)}, or a number",
            mend=" ".join(f"--set {name}=…" for name in unset),
        )


def _set(
    name: str,
    value: Any,
    callable_: CallableInfo,
    definition: Definition,
    settings: dict[str, Any],
    fixed: dict[str, float],
    made: dict[str, Any],
) -> None:
    """Set a parameter of the constructor or of the call, or an option or size of the equation.

    Raises:
        UnknownName: there is none of this name.
        SpecError: the value of an option or size is not a number.
    """
    options = {option.name: option for option in definition.options}
    sizes = sizes_of(definition)
    taken = [parameter.name for parameter in callable_.parameters if not parameter.kind.startswith("VAR_")]
    makes = [parameter.name for parameter in (callable_.network.makes or () if callable_.network else ())]
    takes_any = any(parameter.kind.startswith("VAR_") for parameter in callable_.parameters)
    if name in makes or ("kwargs" in makes and name not in (*options, *sizes, *taken)):
        made[name] = value
    elif name in options or (name in sizes and name not in taken):
        fixed[name] = _number(name, value, whole=name in sizes or options[name].kind == "int")
    elif name in taken or takes_any:
        settings[name] = value
    else:
        known = [*makes, *taken, *options, *sizes]
        raise UnknownName(
            f"{callable_.name} does not have the parameter {name}, nor {definition.id} such an option or size",
            given=f"{name}={value}",
            expected=", ".join(known),
            mend=nearest(name, known),
        )


def _common_settings(
    callable_: CallableInfo, equation: Equation[..., Any], bound: dict[str, str]
) -> list[tuple[str, str]]:
    """Pairs of a required parameter and its value, where software commonly has a parameter of that name for it."""
    definition = equation.definition
    options = [option.name for option in definition.options]
    arguments = [*(parameter.name for parameter in definition.parameters), *options]
    meant = {name for argument in arguments for name in (argument, *common_names(argument, equation.id))}
    known = {*sizes_of(definition), *options}
    usual = conventions().COMMON_SETTINGS
    return [
        (parameter.name, value)
        for parameter in callable_.parameters
        if not parameter.has_default and parameter.name not in meant and parameter.name not in bound
        for value in [next((text for text in usual.get(parameter.name, ()) if names_in(text) <= known), "")]
        if value
    ]


def _number(name: str, value: Any, *, whole: bool) -> float:
    number = evaluated(value, {})
    if isinstance(number, bool) or not isinstance(number, int if whole else int | float):
        kind = "a whole number" if whole else "a number"
        raise SpecError(f"{name} is {kind} of the equation", given=f"{name}={value}", expected=kind)
    return number


def _letters(axes: str) -> str:
    letters = axes.strip().upper()
    own = [letter for letter in letters if letter not in BATCH_LETTERS]
    if letters and (not letters.isalpha() or len({*letters}) < len(letters) or not own):
        raise SpecError(
            f"{axes!r} is not an order of axes",
            given=f"axes {axes}",
            expected=f"one letter for each axis: {' and '.join(BATCH_LETTERS)} for batch axes, others in order",
            mend="--axes BNHD",
        )
    return letters
