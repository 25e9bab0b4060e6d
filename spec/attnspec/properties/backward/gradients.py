"""What must hold of every gradient, whatever it is the gradient of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.language.equation import REGISTRY, Equation
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation
from attnspec.properties.shared import negated, of_each, several, value

Of = Equation[..., Any]
Floats = NDArray[np.float64]

STEPS = np.array([2.0**-5, 2.0**-6, 2.0**-7])
"""How far an element is moved to either side."""

CALM = 2.0
"""The largest input, so that the third step is small beside what the function bends by."""

SOME = 24
"""How many elements of an array are asked, spread over it."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """Difference quotients of a loss by some elements of one array, and how far each may be off."""

    places: NDArray[np.intp]
    slope: Floats
    doubt: Floats


def gradients(kills: Mapping[Of, tuple[str, ...]]) -> None:
    """Give gradients the properties that all have.

    Args:
        kills: the gradients, each with the ids of its mutants that its difference quotients catch.
    """
    of_each(kills)(difference_quotients_agree)
    of_each(dict.fromkeys(kills, ()))(gradients_are_linear)


def difference_quotients_agree(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the slope of what the equation gives: of (L(x + h) − L(x − h)) / 2h, extrapolated to h = 0."""
    calm = {**a, **{name: np.clip(a[name], -CALM, CALM) for name in learners(of)}}
    if "eps" in calm:  # a kink as narrow as √eps must not be narrower than the steps
        calm["eps"] = max(calm["eps"], 1e-2)
    for name, found in zip(learners(of), several(f(**calm)), strict=True):
        by = slopes(of, calm, name)
        yield AtMost(np.abs(found.reshape(-1)[by.places] - by.slope), by.doubt)


def gradients_are_linear(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the gradients of the results negated all are negated, and with 0 for them all are 0."""
    given = received(of)
    yield from starmap(Equal, zip(several(f(**negated(a, *given))), (-g for g in several(f(**a))), strict=True))
    silent = {**a, **{name: np.zeros_like(a[name]) for name in given}}
    yield from (Equal(found, np.zeros_like(found)) for found in several(f(**silent)))


def forward(of: Of) -> Of:
    """What an equation is the gradient of."""
    return REGISTRY[of.gradient_of]


def learners(of: Of) -> list[str]:
    """The arrays that a gradient gives the gradients of."""
    return [parameter.name for parameter in forward(of).definition.parameters if parameter.kind == "float"]


def received(of: Of) -> list[str]:
    """The gradients that a gradient is given."""
    whole, own = of.definition.parameters, forward(of).definition.parameters
    return [parameter.name for parameter in whole[: len(whole) - len(own)]]


def slopes(of: Of, a: Arguments, name: str) -> Slopes:
    """Of the loss whose gradients by the results are the given ones, by some elements of one array.

    Two extrapolations of the three quotients, of which the last is doubted by what it differs from the one before.
    """
    size, shape = a[name].size, a[name].shape
    places = np.unique(np.linspace(0, size - 1, min(size, SOME)).round().astype(np.intp)) if size else np.arange(0)
    moved = np.zeros((2, len(STEPS), len(places), size))
    moved[0, :, np.arange(len(places)), places], moved[1, :, np.arange(len(places)), places] = STEPS, -STEPS
    given = {key: array for key, array in a.items() if key not in received(of)}
    given[name] = a[name] + moved.reshape(*moved.shape[:-1], *shape)
    results = [result for result in several(value(forward(of), **given)) if result.dtype.kind == "f"]
    terms = [weight * result for weight, result in zip((a[d] for d in received(of)), results, strict=True)]
    above, below = np.sum([_losses(each) for each in terms], axis=0)
    reach = sum(_losses(np.abs(each)).max(initial=0.0) for each in terms)
    first = (above - below) / (2 * STEPS[:, None])
    second = (4 * first[1:] - first[:-1]) / 3
    third = (16 * second[1] - second[0]) / 15
    return Slopes(places, third, np.abs(third - second[1]) + 2.0**-36 * reach)


def _losses(terms: Floats) -> Floats:
    """One loss for each side, step and place, which are the leading axes."""
    return np.asarray(terms.sum(axis=tuple(range(3, terms.ndim))))
