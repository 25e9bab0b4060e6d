"""The properties of an equation, checked on a candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.symbols import symbol
from attnspec.properties import PROPERTIES
from attnspec.properties.property import Property
from attnspec.verification.cases.case import FEW, Case, Description, make
from attnspec.verification.properties.relations import NoiseOf, applies, broken_relations, fitted

USUAL_SIZES = (3, 4, 5, 6, 2, 3, 4, 5)
"""Sizes of the cases on which properties are asked, in the order of the signature."""


@dataclass(frozen=True, slots=True)
class PropertyResults:
    """The results of checking the properties.

    Attributes:
        each: pairs of a property's name and whether it held.
        violation: the first that did not hold, in a sentence; "" if all held.
        skipped: those that could not be checked, each with the reason.
    """

    each: tuple[tuple[str, bool], ...]
    violation: str
    skipped: tuple[str, ...]


class Unanswered(Exception):
    """A call within a property got no answer that can be judged."""


def check_properties(
    equation: Equation[..., Any],
    dtype: str,
    noise_of: NoiseOf,
    least: Callable[[str], int],
    axes: int,
    call: Callable[[Case], tuple[np.ndarray[Any, Any], ...] | str],
    seed: int,
    only: Sequence[Case] | None = None,
) -> PropertyResults:
    """Check every property of an equation, each on one case.

    Args:
        noise_of: the noise of the equation, or of the form that the candidate matched.
        least: the smallest size of an axis that is claimed.
        axes: the fewest batch axes that are claimed: the candidate is given so many, each of size 1.
        call: the candidate's answers to a case; or why there are none, in words.
        only: the cases to ask on, each property on the first that it speaks of; None draws one.
    """
    named = [option.name for option in equation.definition.options]

    def function(**arguments: Any) -> Any:
        arrays = {name: np.asarray(value) for name, value in arguments.items() if name not in named}
        options = {name: arguments[name] for name in named}
        answers = call(Case(_lifted(arrays, equation, axes), options))
        if isinstance(answers, str):
            raise Unanswered(answers)
        pairs = zip(answers, equation.definition.results, strict=True)  # what a batch shares has one gradient for all
        answers = tuple(np.asarray(answer[(0,) * (answer.ndim - len(result.dims))]) for answer, result in pairs)
        return answers if len(answers) > 1 else answers[0]

    each: list[tuple[str, bool]] = []
    skipped, violation = [], ""
    for law in PROPERTIES.get(equation.id, ()):
        drawn = [_drawn(equation, law, least, dtype, seed)] if only is None else only
        case = next(filter(partial(applies, law), drawn), None)
        if case is None:
            skipped.append(f"the property {law.name} was not checked: it applies to none of the recorded cases")
            continue
        try:
            broken = broken_relations(law, function, case, noise_of)
        except Unanswered as error:
            skipped.append(f"the property {law.name} was not checked: {error}")
            continue
        each.append((law.name, not broken))
        violation = violation or (f"the property {broken[0]}" if broken else "")
    return PropertyResults(tuple(each), violation, tuple(skipped))


def _drawn(equation: Equation[..., Any], law: Property, least: Callable[[str], int], dtype: str, seed: int) -> Case:
    """A case of usual sizes to which a property applies."""
    pairs = zip(sizes_of(equation.definition), USUAL_SIZES, strict=False)
    usual = {name: max(min(size, 3) if name in FEW else size, least(name)) for name, size in pairs}
    return make(equation, Description(tuple(fitted(law, usual).items()), seed=seed + 7), dtype)


def _lifted(arrays: dict[str, Any], equation: Equation[..., Any], axes: int) -> dict[str, Any]:
    """Give the arguments that vary by example this many batch axes of size 1."""
    lead = (None,) * axes
    return {name: array if symbol(name, equation.id).weight else array[lead] for name, array in arrays.items()}
