"""Which number would make wrong answers right: fitted at each place of the formula, then recognised in closed form.

A closed form is only proposed here. It is made a mutant, and `recognise` holds the answers against the mutant's own
noise before anything is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.free_numbers import (
    CONSTANT,
    FACTOR,
    TERM,
    THROUGHOUT,
    FreeNumber,
    Quantity,
    free_numbers,
    number_of,
)
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import Equation
from attnspec.language.tree import Apply, Definition, Node, Number
from attnspec.thresholds import FIT_CASES, FIT_SIGMAS, FIT_STEPS, FITTED_RMS, TELLING_ELEMENTS
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values

KINDS = (CONSTANT, FACTOR, TERM, THROUGHOUT)

STARTS = (1.0, 0.0, -1.0, 0.5, 2.0, 0.1, 10.0)
"""From where a number is fitted: the best of these."""

USUAL = (
    Apply("log", (Number(2.0),)), Apply("exp", (Number(1.0),)), Apply("sqrt", (Number(2.0),)), Number(math.pi),
)  # fmt: skip
"""Usual constants, beside numbers of few digits."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A number fitted to the answers of one case.

    Attributes:
        value: the number; for a constant, what stands in its place.
        spread: its standard deviation, from the noise.
        sizes: the sizes of the case.
        options: the options of the case.
    """

    value: float
    spread: float
    sizes: Mapping[str, int]
    options: Mapping[str, float]

    def is_near(self, value: float) -> bool:
        """Whether a value agrees with the fitted one within its spread."""
        return abs(value - self.value) <= FIT_SIGMAS * self.spread


def wrong_numbers(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Iterator[Mutant]:
    """Mutants with another number somewhere that explain the failing cases: first those with another constant.

    Args:
        observations: the answers, those that are right among them.
    """
    cases = _telling(judge, observations, policy)
    if not cases:
        return
    first, *others = cases
    for place in sorted(free_numbers(judge.equation.definition), key=lambda place: KINDS.index(place.kind)):
        fitted = [_fitted(judge, place, first, policy)]
        if fitted[0] is None:
            continue
        for other in others:
            fitted.append(_fitted(judge, place, other, policy))
            if fitted[-1] is None:
                break
        found = [each for each in fitted if each is not None]
        if len(found) == len(fitted):
            yield from _named(place, found, judge.equation)


def _telling(judge: Judge, observations: Sequence[Observation], policy: Policy) -> list[Observation]:
    """Failing cases to fit on: ordinary ones of different sizes, the cheapest that say enough first."""
    failing = judge.ordinary(judge.failing(observations, policy), len(observations))
    enough = [each for each in failing if sum(answer.size for answer in each.answers) >= TELLING_ELEMENTS]
    finite = [each for each in enough if all(np.isfinite(answer).any() for answer in each.answers)]
    chosen: dict[object, Observation] = {}
    for each in sorted(finite, key=lambda each: each.case.elements):
        chosen.setdefault(tuple(sorted(_sizes(each).items())), each)
    return [*chosen.values()][:FIT_CASES]


def _sizes(observation: Observation) -> dict[str, int]:
    case = observation.case
    return dict(case.description.sizes) if case.description is not None else {}


def _fitted(judge: Judge, place: FreeNumber, observation: Observation, policy: Policy) -> Fitted | None:
    """The number that makes the answers of a case right; None where none does."""
    case = observation.case
    noises = judge.noise(case, policy)
    scale = max(float(np.abs(noise.value[np.isfinite(noise.value)]).max(initial=0.0)) for noise in noises)
    weights = [
        np.where(noise.undecidable, 0.0, 1 / np.maximum(noise.sigma, 1e-9 * max(scale, 1e-300))) for noise in noises
    ]

    def residual(number: float) -> Array | None:
        found = values(place.insert(number), case)
        if found is None:
            return None
        with np.errstate(invalid="ignore", over="ignore"):
            parts = [
                ((answer - value) * weight).ravel()
                for answer, value, weight in zip(observation.answers, found, weights, strict=True)
            ]
        joined = np.concatenate(parts)
        return joined if np.isfinite(joined).all() else None

    best = _best_start(residual)
    if best is None:
        return None
    number, rest = best
    spread = math.inf
    for _ in range(FIT_STEPS):
        step = 1e-4 * max(abs(number), 1e-2)
        ahead, behind = residual(number + step), residual(number - step)
        if ahead is None or behind is None:
            return None
        slope = (ahead - behind) / (2 * step)
        square = float(slope @ slope)
        if not square > 0:
            return None
        spread = square**-0.5
        move = -float(slope @ rest) / square
        moved = residual(number + move)
        while moved is not None and moved @ moved > rest @ rest and abs(move) > spread:
            move /= 4
            moved = residual(number + move)
        if moved is None or moved @ moved >= rest @ rest:
            break
        number, rest = number + move, moved
        if abs(move) <= 0.01 * spread:
            break
    if float(np.sqrt(np.mean(rest**2))) > FITTED_RMS:
        return None
    sizes = fit(judge.equation.definition, {name: a.shape for name, a in case.arrays.items()}, case.options)[0]
    if place.old is not None:
        old = number_of(place.old, sizes, case.options)
        number, spread = number * old, spread * abs(old)
    return Fitted(number, max(spread, 1e-12 * abs(number)), sizes, case.options)


def _best_start(residual: object) -> tuple[float, Array] | None:
    assert callable(residual)
    tried = ((start, residual(start)) for start in STARTS)
    usable = [(start, rest) for start, rest in tried if rest is not None]
    return min(usable, key=lambda pair: float(pair[1] @ pair[1]), default=None)


def _named(place: FreeNumber, fitted: Sequence[Fitted], equation: Equation[..., object]) -> Iterator[Mutant]:
    """Mutants for the closed forms that agree with the fitted numbers, the simplest ones."""
    neutral = place.neutral if place.kind != CONSTANT else None
    agreeing: dict[tuple[float, ...], Node] = {}
    for form, outside in _closed_forms(place, fitted):
        numbers = [number_of(outside, each.sizes, each.options) for each in fitted]
        if all(each.is_near(number) for each, number in zip(fitted, numbers, strict=True)):
            agreeing.setdefault(tuple(float(f"{number:.12g}") for number in numbers), form)
    for form in [*agreeing.values()][:3] or [Number(number) for number in _digits(fitted)]:
        if neutral is not None and form == Number(neutral):
            continue
        says = _sentence(place, form, equation.definition)
        yield Mutant(
            f"{place.line or place.shown}/number/{place.kind}/{text_of(form, equation.definition)}",
            says,
            place.become(form),
        )


def _closed_forms(place: FreeNumber, fitted: Sequence[Fitted]) -> Iterator[tuple[Node, Node]]:
    """Closed forms, simple ones first, as written at the place and in the whole equation."""
    for number in _digits(fitted, most=2):
        yield Number(number), Number(number)
    singles: list[tuple[Node, Node]] = []
    for quantity in place.quantities:
        singles += [*_powers(quantity)]
    yield from singles
    for node in USUAL:
        yield node, node
        yield _over(Number(1.0), node), _over(Number(1.0), node)
    for a, b in permutations(place.quantities, 2):
        yield _over(a.node, b.node), _over(a.outside, b.outside)
        yield _root(_over(a.node, b.node)), _root(_over(a.outside, b.outside))
    for a, b in combinations(place.quantities, 2):
        yield _times(a.node, b.node), _times(a.outside, b.outside)
        yield _over(Number(1.0), _times(a.node, b.node)), _over(Number(1.0), _times(a.outside, b.outside))
    for node in (Number(2.0), Number(0.5), *USUAL):
        for form, outside in singles:
            yield _times(node, form), _times(node, outside)


def _powers(quantity: Quantity) -> Iterator[tuple[Node, Node]]:
    a, b, one = quantity.node, quantity.outside, Number(1.0)
    yield a, b
    yield _root(a), _root(b)
    yield _over(one, a), _over(one, b)
    yield _over(one, _root(a)), _over(one, _root(b))
    yield _square(a), _square(b)
    yield _over(one, _square(a)), _over(one, _square(b))
    yield _less(a, one), _less(b, one)
    yield _over(_less(a, one), a), _over(_less(b, one), b)
    yield _over(a, _less(a, one)), _over(b, _less(b, one))
    yield _root(_over(a, _less(a, one))), _root(_over(b, _less(b, one)))
    yield _less(one, a), _less(one, b)


def _over(a: Node, b: Node) -> Node:
    return Apply("/", (a, b))


def _times(a: Node, b: Node) -> Node:
    return Apply("*", (a, b))


def _less(a: Node, b: Node) -> Node:
    return Apply("-", (a, b))


def _square(a: Node) -> Node:
    return Apply("**", (a, Number(2.0)))


def _root(a: Node) -> Node:
    return Apply("sqrt", (a,))


def _digits(fitted: Sequence[Fitted], most: int = 6) -> Iterator[float]:
    """The number of the fewest digits that agrees with every fitted one, if they agree with each other."""
    best = min(fitted, key=lambda each: each.spread)
    for digits in range(1, most + 1):
        number = float(f"{best.value:.{digits - 1}e}")
        if all(each.is_near(number) for each in fitted):
            yield number
            return


def _sentence(place: FreeNumber, form: Node, definition: Definition) -> str:
    """What is wrong, in words."""
    number, where = text_of(form, definition), f"in {place.line}: " if place.line else ""
    match place.kind, form:
        case "constant", _:
            return f"{where}{number} stands where {place.shown} belongs"
        case "term", Number(value=value) if value < 0:
            return f"{where}{-value:g} is subtracted from {place.shown}"
        case "term", _:
            return f"{where}{number} is added to {place.shown}"
    are, have = ("are", "have") if " and " in place.shown and place.kind == THROUGHOUT else ("is", "has")
    match form:
        case Number(value=-1.0):
            return f"{where}{place.shown} {have} the other sign"
        case Apply(op="/", args=(Number(value=1.0), divisor)):
            return f"{where}{place.shown} {are} divided by {text_of(divisor, definition)}"
        case _:
            return f"{where}{place.shown} {are} multiplied by {number}"
