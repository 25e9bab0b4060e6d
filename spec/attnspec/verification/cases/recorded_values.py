"""The values of recorded arrays: their kinds, their ranges, and what rounding them to a storage dtype loses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.language.draws import Place
from attnspec.language.equation import Equation
from attnspec.language.tree import Option, Parameter
from attnspec.verification.cases.distributions import bound, distribution_of, int_range
from attnspec.verification.cases.recordings import Arrays


def to_kind(parameter: Parameter, array: NDArray[Any], source: str) -> NDArray[Any]:
    """Return an array in float64, int64 or bool, as the equation declares its argument.

    Raises:
        SpecError: its values are of another kind.
    """
    kind, recorded = parameter.kind, array.dtype.kind
    if kind == "float" and recorded in "fiu":
        return array.astype(np.float64)
    if kind == "int" and recorded in "iu":
        return array.astype(np.int64)
    if kind == "bool" and (recorded == "b" or (recorded in "iu" and bool(((array == 0) | (array == 1)).all()))):
        return array.astype(np.bool_)
    raise SpecError(f"{source}: {parameter.name} holds values of another kind", given=str(array.dtype), expected=kind)


def to_number(option: Option, array: NDArray[Any], source: str) -> int | float:
    """Return an option, which is recorded as an array of one number.

    Raises:
        SpecError: it is not one number of the right kind.
    """
    is_int = option.kind == "int"
    if array.size != 1 or array.dtype.kind not in ("iu" if is_int else "fiu"):
        raise SpecError(
            f"{source}: {option.name} is an option",
            given=f"{array.dtype} of shape {array.shape}",
            expected=f"one number, {'whole' if is_int else 'real'}",
        )
    return int(array.item()) if is_int else float(array.item())


def check_finite(arrays: Arrays, source: str) -> None:
    """Check that there is no NaN or infinity.

    Raises:
        SpecError: there is one.
    """
    for name, array in arrays.items():
        places = np.argwhere(~np.isfinite(array))
        if len(places):
            place = list(map(int, places[0]))
            more = f", and {len(places) - 1} more" if len(places) > 1 else ""
            raise SpecError(
                f"{source}: {name} is not finite, and only finite inputs are claimed",
                given=f"{name}{place if place else ''} = {array[tuple(place)]}{more}",
                expected="finite values",
                mend="claim finite=False, or record finite values",
            )


def check_integers(equation: Equation[..., Any], arrays: Arrays, sizes: Mapping[str, int], source: str) -> None:
    """Check that tokens are words of the vocabulary, and lengths not longer than the sequence.

    Raises:
        SpecError: one is not.
    """
    for name, array in arrays.items():
        distribution = distribution_of(equation, name)
        size = bound(equation.definition, distribution)
        if array.dtype.kind == "i" and size in sizes:
            least, most = int_range(equation.definition, distribution, sizes)
            _check_range(array, least, most, f"{source}: {name}", f"{size} = {sizes[size]}")


def check_ranges(equation: Equation[..., Any], arrays: Arrays, source: str) -> None:
    """Check that values are within the range that the equation declares.

    Raises:
        SpecError: one is not.
    """
    for name, array in arrays.items():
        within = equation.definition.symbol(name).within
        if within is not None:
            _check_range(array, *within, f"{source}: {name}", f"{equation.id} declares a range")


def check_places(
    equation: Equation[..., Any], options: Mapping[str, Any], sizes: Mapping[str, int], source: str
) -> None:
    """Check that options that are places along an axis lie on it.

    Raises:
        SpecError: one does not.
    """
    for name, draw in equation.options.items():
        if isinstance(draw, Place) and name in options:
            size = sizes[draw.size]
            _check_range(np.asarray(options[name]), 0, size - 1, f"{source}: {name}", f"{draw.size} = {size}")


def _check_range(array: NDArray[Any], least: float, most: float, subject: str, bound: str) -> None:
    outside = array[(array < least) | (array > most)]
    if outside.size:
        given = f"{outside[0]}, where {bound}"
        raise SpecError(f"{subject} is out of range", given=given, expected=f"{least:g} to {most:g}")


def loses_bits(recorded: NDArray[Any], rounded: NDArray[Any]) -> bool:
    """Return whether rounded values differ from the recorded ones."""
    back = rounded.astype(recorded.dtype)
    return not np.array_equal(back, recorded, equal_nan=recorded.dtype.kind == "f")


def overflow(array: NDArray[Any], rounded: NDArray[Any]) -> float | None:
    """Return the largest finite value that rounding makes infinite; None if there is none."""
    lost = np.isfinite(array) & ~np.isfinite(rounded)
    return float(array[lost][np.abs(array[lost]).argmax()]) if lost.any() else None
