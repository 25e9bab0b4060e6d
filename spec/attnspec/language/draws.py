"""What an equation declares of how its arguments are drawn; what it has no such argument or word for is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from attnspec.errors import SpecError, nearest
from attnspec.language import layers
from attnspec.language.symbols import WAYS
from attnspec.language.tree import Definition, Option


@dataclass(frozen=True, slots=True)
class Place:
    """How an option that is a place along an axis is drawn: a whole number from 0 to the size of the axis − 1.

    Attributes:
        size: named size of the axis.
        step: distance from the place of one case to that of the next. Two places along one axis need two steps.

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


OptionDraw = Sequence[float] | Place
"""How an option is drawn: values that are taken in turn from case to case, or a place along an axis."""


def check_sizes(definition: Definition, argument: str, given: Mapping[str, int]) -> None:
    """Refuse a bound of a size that an equation does not have.

    Raises:
        SpecError: there is one.
    """
    for name in given:
        _known(definition, argument, "size", name, layers.sizes_of(definition))


def check_scales(definition: Definition, given: Mapping[str, str]) -> None:
    """Refuse a way of drawing that does not exist, or for what is not an array of the equation.

    Raises:
        SpecError: there is one.
    """
    kinds = {parameter.name: parameter.kind for parameter in layers.arrays(definition)}
    for name, way in given.items():
        if any(option.name == name for option in definition.options):
            headline = f"{definition.id}: scales are of arrays, and {name} is an option"
            mend = f"options={{{name!r}: (…)}} lists its values"
            raise SpecError(headline, given=f"scales={{{name!r}: {way!r}}}", expected=", ".join(kinds), mend=mend)
        _known(definition, "scales", "array", name, kinds)
        ways = WAYS[kinds[name]]
        if way not in ways:
            raise SpecError(
                f"{definition.id}: scales does not know how to draw {name}",
                given=f"{way!r}",
                expected=", ".join(map(repr, ways)),
                mend=nearest(way, ways),
            )


def option_draws(definition: Definition, given: Mapping[str, OptionDraw]) -> dict[str, tuple[float, ...] | Place]:
    """How the options of an equation are drawn, as it declares it.

    Raises:
        SpecError: there is no such option, it is a size, or it cannot take these values.
    """
    options = {option.name: option for option in definition.options}
    for name in given:
        _known(definition, "options", "option", name, options)
    return {name: _draw(definition, options[name], draw) for name, draw in given.items()}


def _draw(definition: Definition, option: Option, draw: object) -> tuple[float, ...] | Place:
    headline, given = f"{definition.id}: the option {option.name} is not drawn so", f"{{{option.name!r}: {draw!r}}}"
    if option.size:
        mend = f"largest={{{option.size!r}: …}} bounds it"
        raise SpecError(headline, given=given, expected=f"nothing: it is drawn as the size {option.size}", mend=mend)
    whole = option.kind == "int"
    if isinstance(draw, Place) and whole:
        _known(definition, given, "size", draw.size, layers.sizes_of(definition))
        return draw
    values = tuple(draw) if isinstance(draw, Sequence) else ()
    if values and all(isinstance(v, int if whole else (int, float)) and not isinstance(v, bool) for v in values):
        return values if whole else tuple(map(float, values))
    expected = "whole numbers, as (0, 1, 5), or a Place along an axis" if whole else "numbers, as (0.5, 30.0)"
    raise SpecError(headline, given=given, expected=f"{expected}; they are taken in turn")


def _known(definition: Definition, argument: str, what: str, name: str, known: Iterable[str]) -> None:
    if name not in (names := list(known)):
        raise SpecError(
            f"{definition.id} does not have the {what} {name}",
            given=f"{name!r} in {argument}",
            expected=", ".join(names) or f"nothing: it does not have any {what}",
            mend=nearest(name, names),
        )
