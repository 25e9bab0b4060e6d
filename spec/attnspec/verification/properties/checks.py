"""Checks of the properties of an equation on a candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.layers import sizes_of
from attnspec.properties import PROPERTIES
from attnspec.properties.property import Property
from attnspec.verification.cases.case import FEW, Case, Description, make
from attnspec.verification.properties.relations import NoiseOf, applies, broken_relations, nearest_sizes

DEFAULT_SIZES = (3, 4, 5, 6, 2, 3, 4, 5)
"""Sizes of the cases on which properties are checked, in the order of the signature, and over again."""


@dataclass(frozen=True, slots=True)
class PropertyResults:
    """The results of checking properties.

    Attributes:
        results: the name of each property that was checked, with whether it holds.
        violation: the first property that does not hold, in words; "" if all hold.
        calls: the cases on which that property calls the candidate; empty if all hold.
        skipped: a sentence for each property that was not checked, with the reason.
    """

    results: tuple[tuple[str, bool], ...]
    violation: str
    calls: tuple[Case, ...]
    skipped: tuple[str, ...]


class Unanswered(Exception):
    """A call within a property has no answer that can be judged."""


def check_properties(
    equation: Equation[..., Any],
    dtype: str,
    noise_of: NoiseOf,
    least: Callable[[str], int],
    axes: int,
    call: Callable[[Case], tuple[np.ndarray[Any, Any], ...] | str],
    seed: int,
    cases: Sequence[Case] | None = None,
) -> PropertyResults:
    """Check every property of an equation on one case.

    Args:
        dtype: the dtype of the inputs.
        noise_of: the noise of the equation, or of the form by which the candidate was judged.
        least: the smallest size of an axis that is claimed.
        axes: the number of batch axes, each of size 1, that the arrays get: the fewest that are claimed.
        call: returns the candidate's answers to a case, or the reason why there are none.
        seed: the random seed of drawn cases.
        cases: the cases to choose from; each property is checked on the first to which it applies. None draws a case.
    """
    named = [option.name for option in equation.definition.options]

    def function(**arguments: Any) -> Any:
        arrays = {name: np.asarray(value) for name, value in arguments.items() if name not in named}
        options = {name: arguments[name] for name in named}
        calls.append(Case(_with_batch_axes(arrays, equation, axes), options))
        answers = call(calls[-1])
        if isinstance(answers, str):
            raise Unanswered(answers)
        pairs = zip(answers, equation.definition.results, strict=True)  # a gradient that is summed has no batch axes
        answers = tuple(np.asarray(answer[(0,) * (answer.ndim - len(result.dims))]) for answer, result in pairs)
        return answers if len(answers) > 1 else answers[0]

    results: list[tuple[str, bool]] = []
    calls: list[Case] = []
    skipped, violation = [], ""
    broken: tuple[Case, ...] = ()
    for prop in PROPERTIES.get(equation.id, ()) if _is_whole(equation) else ():
        among = [_drawn(equation, prop, least, dtype, seed)] if cases is None else cases
        case = next(filter(partial(applies, prop), among), None)
        if case is None:
            skipped.append(f"the property {prop.name} was not checked: it applies to none of the recorded cases")
            continue
        calls.clear()
        try:
            violations = broken_relations(prop, function, case, noise_of)
        except Unanswered as error:
            skipped.append(f"the property {prop.name} was not checked: {error}")
            continue
        results.append((prop.name, not violations))
        if violations and not violation:
            violation, broken = f"the property {violations[0]}", tuple(calls)
    return PropertyResults(tuple(results), violation, broken, tuple(skipped))


def _is_whole(equation: Equation[..., Any]) -> bool:
    """Whether an equation takes all arguments of its properties: none that is the same as another is left out."""
    return equation.id not in REGISTRY or REGISTRY[equation.id].definition.parameters == equation.definition.parameters


def _drawn(equation: Equation[..., Any], prop: Property, least: Callable[[str], int], dtype: str, seed: int) -> Case:
    """Draw a case of the default sizes, or of the nearest ones to which a property applies."""
    usual = zip(sizes_of(equation.definition), cycle(DEFAULT_SIZES), strict=False)
    pairs = [(name, min(size, equation.largest.get(name, size))) for name, size in usual]
    default = {
        name: max(min(size, 3) if equation.definition.role(name) in FEW else size, least(name)) for name, size in pairs
    }
    return make(equation, Description(tuple(nearest_sizes(prop, default).items()), seed=seed + 7), dtype)


def _with_batch_axes(arrays: dict[str, Any], equation: Equation[..., Any], axes: int) -> dict[str, Any]:
    """Add batch axes of size 1 to the arguments that vary per example."""
    lead = (None,) * axes
    weights = {name for name in arrays if equation.definition.symbol(name).weight}
    return {name: array if name in weights else np.asarray(array[lead]) for name, array in arrays.items()}
