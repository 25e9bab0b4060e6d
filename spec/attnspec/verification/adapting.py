"""From the options of a caller to the adaptation of one callable to one equation."""

from __future__ import annotations

from typing import Any

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.symbols import COMMON_SETTINGS, common_names
from attnspec.verification.candidate.adaptation import BATCH_LETTERS, Adaptation, paths
from attnspec.verification.candidate.settings import evaluated, names_in
from attnspec.verification.options import VerifyOptions
from attnspec.verification.sandbox.targets import CallableInfo


def adaptation(wanted: VerifyOptions, callable_: CallableInfo, equation: Equation[..., Any]) -> Adaptation:
    """How a callable is called for an equation.

    A name of `wanted.settings` is an option of the equation, else a parameter of the callable, else a size.

    Raises:
        UnknownName: a setting is none of these.
        SpecError: the letters of the axes, or a value of an option or size, make no sense.
    """
    options = {option.name: option for option in equation.definition.options}
    sizes = sizes_of(equation.definition)
    taken = [parameter.name for parameter in callable_.parameters if not parameter.kind.startswith("VAR_")]
    takes_any = any(parameter.kind.startswith("VAR_") for parameter in callable_.parameters)
    settings, fixed = dict(_common_settings(callable_, equation, dict(wanted.bind or {}))), {}
    for name, value in (wanted.settings or {}).items():
        if name in options or (name in sizes and name not in taken):
            fixed[name] = _number(name, value, whole=name in sizes or options[name].kind == "int")
        elif name in taken or takes_any:
            settings[name] = value
        else:
            known = [*taken, *options, *sizes]
            raise UnknownName(
                f"{callable_.name} does not have the parameter {name}, nor {equation.id} such an option or size",
                given=f"{name}={value}",
                expected=", ".join(known),
                mend=nearest(name, known),
            )
    axes = _letters(wanted.axes or "")
    same = tuple((wanted.same or {}).items())
    returns = paths(wanted.returns) if wanted.returns is not None else ()
    return Adaptation(tuple(settings.items()), tuple(fixed.items()), same, axes, returns)


def _common_settings(
    callable_: CallableInfo, equation: Equation[..., Any], bound: dict[str, str]
) -> list[tuple[str, str]]:
    """Pairs of a required parameter and its value, where software commonly has a parameter of that name for it."""
    definition = equation.definition
    options = [option.name for option in definition.options]
    arguments = [*(parameter.name for parameter in definition.parameters), *options]
    meant = {name for argument in arguments for name in (argument, *common_names(argument, equation.id))}
    known = {*sizes_of(definition), *options}
    return [
        (parameter.name, value)
        for parameter in callable_.parameters
        if not parameter.has_default and parameter.name not in meant and parameter.name not in bound
        for value in [next((text for text in COMMON_SETTINGS.get(parameter.name, ()) if names_in(text) <= known), "")]
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
