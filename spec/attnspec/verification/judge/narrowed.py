"""A few places of a long axis, or examples of a large batch, in place of all, where each has its value by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.call import batch_shape, outputs
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.thresholds import NARROWED_PLACES, WIDE_ELEMENTS
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.parts import along, axis_of, examples, is_independent, part_of


def narrowed(observation: Observation, equation: Equation[..., Any]) -> Observation:
    """The places of the longest axis where the answers are furthest off, with their part of the case.

    The noise of so few takes a small part of the time. The observation itself is returned if its case is small, or if
    the places of the axis depend on each other.
    """
    observation = few_examples(observation, equation)
    case, definition = observation.case, equation.definition
    sizes = case.sizes
    if case.elements < WIDE_ELEMENTS or case.summed or not sizes:
        return observation
    name = max(sizes_of(definition), key=lambda each: sizes.get(each, 0))
    axes = [axis_of(definition, place, name) for place in range(len(definition.results))]
    if None in axes or sizes[name] <= NARROWED_PLACES:
        return observation
    behind = [axis or 0 for axis in axes]
    judged = [*zip(observation.answers, outputs(definition, case.arguments), behind, strict=True)]
    places = _furthest_off(judged)
    if not is_independent(case, equation, name, [places]):
        return observation
    answers = tuple(part_of(answer, places, axis) for answer, _, axis in judged)
    return Observation(along(case, equation, name, places), answers)


def few_examples(observation: Observation, equation: Equation[..., Any]) -> Observation:
    """The examples of a large case of many where the answers are furthest off, with their part of the case."""
    case, definition = observation.case, equation.definition
    if case.elements < WIDE_ELEMENTS or case.summed:
        return observation
    batch = batch_shape(definition, case.arrays)
    if not batch or batch[-1] < max(case.longest, NARROWED_PLACES + 1):
        return observation
    axes = [len(result.dims) for result in definition.results]
    judged = [*zip(observation.answers, outputs(definition, case.arguments), axes, strict=True)]
    places = _furthest_off(judged)
    answers = tuple(part_of(answer, places, axis) for answer, _, axis in judged)
    return Observation(examples(case, equation, places), answers)


def _furthest_off(judged: Sequence[tuple[Array, Array, int]]) -> NDArray[np.intp]:
    """The places of an axis where answers are furthest off from values; the axis has so many behind it in each."""
    off = np.max([_off(answer, value, axis) for answer, value, axis in judged], axis=0)
    return np.sort(np.argsort(-off, kind="stable")[:NARROWED_PLACES])


@np.errstate(all="ignore")
def _off(answer: Array, value: Array, behind: int) -> Array:
    """The largest relative error at each place of the axis that has so many behind it; infinite beside NaN."""
    error = np.where((answer == value) | (np.isnan(answer) & np.isnan(value)), 0.0, np.abs(answer - value))
    relative = np.where(error == 0, 0.0, error / np.abs(value))
    relative = np.where(np.isnan(relative), np.inf, relative)
    by_place = np.moveaxis(relative, -1 - behind, 0)
    return np.asarray(by_place.reshape(len(by_place), -1).max(axis=1, initial=0.0))
