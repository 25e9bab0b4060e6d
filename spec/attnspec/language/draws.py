"""Declarations of how the arguments of an equation are drawn, and checks that they name existing arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from attnspec.errors import SpecError, nearest
from attnspec.language import layers
from attnspec.language.symbols import ROLES, SCALES, Symbol
from attnspec.language.tree import Definition, Option


@dataclass(frozen=True, slots=True)
class Place:
    """How an option that is a position along an axis is drawn: an integer from 0 to the size of the axis − 1.

    Attributes:
        size: named size of the axis.
        step: distance between the positions of consecutive cases. Two positions along one axis need different steps.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor
        >>> @attnspec.equation(options={"start": attnspec.Place("t")})
        ... def row(x: Float[Tensor, "t d"], *, start: int) -> Float[Tensor, " d"]:
        ...     return x[start]
        >>> row.options
        {'start': Place(size='t', step=1)}
    """

    size: str
    step: int = 1


@dataclass(frozen=True, slots=True)
class Size:
    """An option that is the size of an axis.

    Attributes:
        name: the named size.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index, split
        >>> @attnspec.equation(options={"parts": attnspec.Size("p")}, sizes={"p": "heads"})
        ... def cut(x: Float[Tensor, " p*d"], *, parts: int) -> Float[Tensor, "p d"]:
        ...     return split(x, parts)
        >>> cut.definition.size_options
        {'parts': 'p'}
    """

    name: str


OptionDraw = Sequence[float] | Place | Size
"""How an option is drawn: values that the cases take in turn, a position along an axis, or the size of one."""


def set_sizes(given: Mapping[str, OptionDraw]) -> dict[str, str]:
    """{option that is declared to be a size: that size}."""
    return {name: draw.name for name, draw in given.items() if isinstance(draw, Size)}


def check_sizes(definition: Definition, argument: str, given: Mapping[str, int]) -> None:
    """Check that all sizes are named sizes of an equation.

    Raises:
        SpecError: one is not.
    """
    for name in given:
        _check_known(definition, argument, "size", name, layers.sizes_of(definition))


def check_roles(definition: Definition, given: Mapping[str, str]) -> None:
    """Check that roles are of sizes of an equation, and exist.

    Raises:
        SpecError: one is not, or does not.
    """
    check_sizes(definition, "sizes", dict.fromkeys(given, 0))
    for name, role in given.items():
        if role not in ROLES:
            raise SpecError(
                f"{definition.id}: the role of the size {name} does not exist",
                given=f"{role!r}",
                expected=", ".join(map(repr, ROLES)),
                mend=nearest(role, ROLES),
            )


def check_scales(definition: Definition, given: Mapping[str, str]) -> None:
    """Check that all scales are distributions of arrays of an equation.

    Raises:
        SpecError: a distribution does not exist, or a name is not that of an array.
    """
    kinds = {parameter.name: parameter.kind for parameter in layers.arrays(definition)}
    for name, distribution in given.items():
        if any(option.name == name for option in definition.options):
            headline = f"{definition.id}: scales are of arrays, and {name} is an option"
            scale = f"scales={{{name!r}: {distribution!r}}}"
            mend = f"options={{{name!r}: (…)}} lists its values"
            raise SpecError(headline, given=scale, expected=", ".join(kinds), mend=mend)
        _check_known(definition, "scales", "array", name, kinds)
        distributions = SCALES[kinds[name]]
        if distribution not in distributions:
            raise SpecError(
                f"{definition.id}: the scale of {name} is not a distribution",
                given=f"{distribution!r}",
                expected=", ".join(map(repr, distributions)),
                mend=nearest(distribution, distributions),
            )


def check_symbols(definition: Definition, given: Mapping[str, Symbol]) -> None:
    """Check that declared symbols are of arrays of an equation, and that their distributions and ranges exist.

    Raises:
        SpecError: one is not, or does not.
    """
    arrays = {parameter.name: parameter.kind for parameter in layers.arrays(definition)}
    kinds = {**{result.name: result.kind for result in definition.results}, **arrays}
    for name, symbol in given.items():
        _check_known(definition, "symbols", "array", name, kinds)
        if symbol.draw != Symbol().draw and name in arrays:
            check_scales(definition, {name: symbol.draw})
        if symbol.within is not None and (kinds[name] != "float" or not symbol.within[0] < symbol.within[1]):
            raise SpecError(
                f"{definition.id}: {name} cannot be within that range",
                given=f"within={symbol.within!r} for an array of the kind {kinds[name]}",
                expected="the smallest and the largest value of a float array, as within=(-80, 80)",
            )


def option_draws(definition: Definition, given: Mapping[str, OptionDraw]) -> dict[str, tuple[float, ...] | Place]:
    """The declared draws of the options of an equation.

    Raises:
        SpecError: there is no such option, it is a size, or it cannot have these values.
    """
    options = {option.name: option for option in definition.options}
    for name in given:
        _check_known(definition, "options", "option", name, options)
    free = {name: draw for name, draw in given.items() if not (isinstance(draw, Size) and options[name].kind == "int")}
    return {name: _draw(definition, options[name], draw) for name, draw in free.items()}


def _draw(definition: Definition, option: Option, draw: object) -> tuple[float, ...] | Place:
    """The draw of one option, with its values in a tuple."""
    headline, given = f"{definition.id}: the option {option.name} cannot be drawn so", f"{{{option.name!r}: {draw!r}}}"
    if option.size:
        mend = f"largest={{{option.size!r}: …}} bounds it"
        raise SpecError(headline, given=given, expected=f"nothing: it is drawn as the size {option.size}", mend=mend)
    integer = option.kind == "int"
    if isinstance(draw, Place) and integer:
        _check_known(definition, given, "size", draw.size, layers.sizes_of(definition))
        return draw
    values = tuple(draw) if isinstance(draw, Sequence) else ()
    if values and all(isinstance(v, int if integer else (int, float)) and not isinstance(v, bool) for v in values):
        return values if integer else tuple(map(float, values))
    expected = "whole numbers, as (0, 1, 5), or a Place along an axis" if integer else "numbers, as (0.5, 30.0)"
    raise SpecError(headline, given=given, expected=f"{expected}; they are taken in turn")


def _check_known(definition: Definition, argument: str, what: str, name: str, known: Iterable[str]) -> None:
    """Check that a name in an argument of `equation` is known.

    Raises:
        SpecError: it is not.
    """
    if name not in (names := list(known)):
        raise SpecError(
            f"{definition.id} does not have the {what} {name}",
            given=f"{name!r} in {argument}",
            expected=", ".join(names) or f"nothing: it does not have any {what}",
            mend=nearest(name, names),
        )
