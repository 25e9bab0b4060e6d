"""Equations of which a candidate computes a part: with options or sizes of one value, or with two arguments in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from attnspec.language.equation import Curated, Equation
from attnspec.language.merging import merged


def restricted(
    equation: Equation[..., Any],
    values: Mapping[str, float],
    same: Mapping[str, str],
    multiple: Mapping[str, int] = MappingProxyType({}),
) -> Equation[..., Any]:
    """The equation as it is asked: itself where nothing is restricted.

    Args:
        values: {option or size: the only value that is asked}.
        same: {argument that is left out: argument that is read in its place}.
        multiple: {size: a number that all are multiples of}.

    Raises:
        SpecError: two arguments cannot be one array.
    """
    if same:
        equation = replace(
            equation,
            definition=merged(equation.definition, same),
            own_mutants=_merged(equation.curated, same),
            own_forms=_merged(equation.forms, same),
        )
    if multiple:
        equation = replace(equation, multiple=multiple)
    if not values:
        return equation
    of_options = equation.definition.size_options
    options = {option.name: values[option.name] for option in equation.definition.options if option.name in values}
    sizes = {of_options.get(name, name): int(value) for name, value in values.items()}
    sizes = {name: value for name, value in sizes.items() if name not in options}
    free = {name: (value,) for name, value in options.items() if name not in of_options}
    return replace(
        equation,
        options={**equation.options, **free},
        smallest={**equation.smallest, **sizes},
        largest={**equation.largest, **sizes},
    )


def of_any_size(equation: Equation[..., Any]) -> Equation[..., Any]:
    """The equation without what is claimed of sizes: those of which one value is asked, or multiples alone."""
    one = {name for name, size in equation.largest.items() if equation.smallest.get(name) == size}
    left = {name: size for name, size in equation.largest.items() if name not in one}
    least = {name: size for name, size in equation.smallest.items() if name not in one}
    return replace(equation, largest=left, smallest=least, multiple={})


def _merged(variants: Sequence[Curated], same: Mapping[str, str]) -> list[Curated]:
    return [
        replace(each, equation=replace(each.equation, definition=merged(each.equation.definition, same)))
        for each in variants
    ]
