"""Wrong numbers: the number that would explain wrong answers is fitted at each place and given a closed form.

A closed form is only proposed here, as a mutant. `recognise` compares the answers with the noise of this mutant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.free_numbers import (
    CONSTANT,
    FACTOR,
    SHARE,
    TERM,
    THROUGHOUT,
    FreeNumber,
    Quantity,
    free_numbers,
    number_of,
)
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.traversal import walk
from attnspec.language.tree import Apply, Definition, Name, Node, Number
from attnspec.thresholds import (
    FIT_CASES,
    FIT_SIGMAS,
    FIT_STEPS,
    FITTED_RMS,
    FORM_SIZES,
    NODES_OF_NUMBER,
    RELATED,
    TELLING_ELEMENTS,
)
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.work import work
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values

KINDS = (CONSTANT, FACTOR, TERM, SHARE, THROUGHOUT)

STARTS = (1.0, 0.0, -1.0, 0.5, 2.0, 0.1, 10.0, 0.25, 0.06)
"""Start values of a fit; the best of them is taken."""

QUARTERS = (1.0, 1 / 4, 1 / 16, 1 / 64)
"""Parts of a move that are tried at once if the whole one leads too far."""

COMMON_CONSTANTS = (
    Apply("log", (Number(2.0),)), Apply("exp", (Number(1.0),)), Apply("sqrt", (Number(2.0),)), Number(math.pi),
)  # fmt: skip
"""Constants that are tried in addition to numbers of few digits."""


Residuals = Callable[[Sequence[float]], list[Array | None]]
"""The weighted errors that are left with each of several numbers; None where they are not finite."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A number fitted to the answers of one case.

    Attributes:
        value: the number; at the place of a constant, the one that replaces it.
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


def wrong_numbers(
    judge: Judge,
    observations: Sequence[Observation],
    policy: Policy,
    within: Definition | None = None,
    places: Iterable[FreeNumber] | None = None,
) -> list[Mutant]:
    """Propose mutants with another number that may explain the failing cases: simple numbers first, then constants.

    Args:
        observations: all answers, right ones included.
        within: the formula that has the number, if it is a mutant and not the equation.
        places: the places where a number may be wrong; all places of the formula by default.
    """
    definition = judge.equation.definition if within is None else within
    cases = _cases_to_fit(judge, observations, policy)
    if not cases:
        return []
    first, *others = cases
    proposed: list[tuple[int, Mutant]] = []
    tried = free_numbers(definition) if places is None else places
    places = sorted(tried, key=lambda place: (KINDS.index(place.kind), place.times != ""))
    for place in judge.effort.afforded(places, NODES_OF_NUMBER * judge.nodes_on(first.case), first.case.elements):
        fitted = [_fitted(judge, place, first, policy, screen=True)]
        if fitted[0] is None:
            continue
        for other in others:
            fitted.append(_fitted(judge, place, other, policy))
            if fitted[-1] is None:
                break
        numbers = [number for number in fitted if number is not None]
        if len(numbers) == len(fitted):
            proposed += _mutants(place, numbers, definition)
    return [mutant for _, mutant in sorted(proposed, key=lambda item: item[0])]


def _cases_to_fit(judge: Judge, observations: Sequence[Observation], policy: Policy) -> list[Observation]:
    """The smallest failing cases of ordinary values, different sizes and enough elements; the quickest first.

    Those with few elements come last: most places are given up after the first case, and of few elements a slope that
    is not straight has little in common with its error.
    """
    failing = judge.ordinary(judge.failing(observations, policy), len(observations))
    enough = [item for item in failing if item.elements >= TELLING_ELEMENTS]
    finite = [item for item in enough if all(np.isfinite(answer).any() for answer in item.answers)]
    chosen: dict[object, Observation] = {}
    for observation in sorted(finite, key=lambda item: item.case.elements):
        chosen.setdefault(tuple(sorted(observation.case.sizes.items())), observation)
    fitted = [*chosen.values()][:FIT_CASES]
    return sorted(fitted, key=lambda item: (item.elements < 2 * TELLING_ELEMENTS, _work(judge, item)))


def _work(judge: Judge, observation: Observation) -> int:
    """About how long an evaluation of the equation takes: of equal sizes, the fewer steps the better."""
    sizes = observation.case.sizes
    return work(judge.equation.definition, sizes) if sizes else observation.case.elements


def _fitted(
    judge: Judge, place: FreeNumber, observation: Observation, policy: Policy, screen: bool = False
) -> Fitted | None:
    """Fit the number that explains the answers of a case, by Gauss-Newton steps; None if none does.

    Args:
        screen: whether places are skipped whose number has nothing to do with the error.
    """
    case, residuals = observation.case, _residuals(judge, place, observation, policy)
    related, error = True, None
    if screen:
        error, moved = residuals((place.neutral, place.neutral + 1e-3))
        related = error is not None and moved is not None and _is_along(moved - error, error)
    best = _best_start(residuals) if related or place.kind == CONSTANT else None
    if best is None or not (related or _is_better(error, best[1])):
        return None
    found = _descended(residuals, *best)
    if found is None:
        return None
    number, spread = found
    sizes = fit(judge.equation.definition, {name: a.shape for name, a in case.arrays.items()}, case.options)[0]
    if place.old is not None:
        old = number_of(place.old, sizes, case.options)
        number, spread = number * old, spread * abs(old)
    return Fitted(number, max(spread, 1e-12 * abs(number)), sizes, case.options)


def _residuals(judge: Judge, place: FreeNumber, observation: Observation, policy: Policy) -> Residuals:
    """The errors of a case that are left with numbers at a place, in standard deviations of its noise."""
    noises = judge.noise(observation.case, policy)
    scale = max(float(np.abs(noise.value[np.isfinite(noise.value)]).max(initial=0.0)) for noise in noises)
    weights = [
        np.where(noise.undecidable, 0.0, 1 / np.maximum(noise.sigma, 1e-9 * max(scale, 1e-100)))
        / max(1.0, _size(answer) / max(_size(noise.value), 1e-100))  # what is larger has been rounded by more
        for noise, answer in zip(noises, observation.answers, strict=True)
    ]

    def residuals(numbers: Sequence[float]) -> list[Array | None]:
        outputs = values(place.insert_each(numbers), observation.case, len(numbers))
        if outputs is None:
            return [None] * len(numbers)
        with np.errstate(invalid="ignore", over="ignore"):
            parts = [
                ((answer - value) * weight).reshape(len(numbers), -1)
                for answer, value, weight in zip(observation.answers, outputs, weights, strict=True)
            ]
        return [rest if np.isfinite(rest).all() else None for rest in np.concatenate(parts, axis=1)]

    return residuals


def _size(values: Array) -> float:
    """The root mean square of what is finite."""
    finite = values[np.isfinite(values)]
    return _rms(finite.astype(np.float64)) if finite.size else 0.0


def _descended(residuals: Residuals, number: float, rest: Array) -> tuple[float, float] | None:
    """The number that leaves no more than noise, with its standard deviation; None if none does near a start.

    Args:
        number: the start.
        rest: the errors that it leaves.
    """
    spread, around = math.inf, residuals(_beside(number))
    for steps in range(FIT_STEPS):
        ahead, behind = around
        if ahead is None or behind is None:
            return None
        slope = (ahead - behind) / (2 * _step(number))
        square = float(slope @ slope)
        if not square > 0 or (steps and _rms(rest) > FITTED_RMS and not _is_along(slope, rest)):
            return None  # the number does nothing, or the least that it leaves is more than noise
        # r(x + s) ≈ r(x) + s·r′, so that s = −r′·r / r′·r′, with a standard deviation of 1 / |r′|.
        spread = square**-0.5
        move, moved, around = _downhill(residuals, number, -float(slope @ rest) / square, rest, spread)
        if moved is None or moved @ moved >= rest @ rest:
            break
        number, rest = number + move, moved
        if abs(move) <= 0.01 * spread:
            break
    return None if _rms(rest) > FITTED_RMS else (number, spread)


def _step(number: float) -> float:
    """The step of a difference that stands for the slope at a number."""
    return 1e-4 * max(abs(number), 1e-2)


def _beside(number: float) -> tuple[float, float]:
    """The numbers a step ahead of a number and behind it."""
    return number + _step(number), number - _step(number)


def _downhill(
    residuals: Residuals, number: float, move: float, rest: Array, spread: float
) -> tuple[float, Array | None, list[Array | None]]:
    """A move, or a quarter of it, or of that, until the errors become less.

    Returns:
        The move, the errors that it leaves, and those that the numbers beside its end leave.
    """

    def ends(moved: Array | None) -> bool:
        return moved is None or bool(moved @ moved <= rest @ rest) or abs(move) <= spread

    moved, *around = residuals([number + move, *_beside(number + move)])  # at once: most moves are taken as they are
    while not ends(moved):
        whole = move / 4
        for share, left in zip(QUARTERS, residuals([number + whole * share for share in QUARTERS]), strict=True):
            move, moved = whole * share, left
            if ends(moved):
                return move, moved, residuals(_beside(number + move))
    return move, moved, around


def _rms(rest: Array) -> float:
    return float(np.sqrt(np.mean(rest**2)))


def _is_along(slope: Array, error: Array) -> bool:
    """Whether an error lies along the slope of a number."""
    lengths = float(np.linalg.norm(slope) * np.linalg.norm(error))
    return lengths > 0 and abs(float(slope @ error)) >= RELATED * lengths


def _is_better(error: Array | None, rest: Array) -> bool:
    """Whether a start value leaves much less of the error than the neutral one: a constant may be far off."""
    return error is None or float(np.linalg.norm(rest)) < RELATED * float(np.linalg.norm(error))


def _best_start(residuals: Residuals) -> tuple[float, Array] | None:
    usable = [(start, rest) for start, rest in zip(STARTS, residuals(STARTS), strict=True) if rest is not None]
    with np.errstate(over="ignore"):
        return min(usable, key=lambda pair: float(pair[1] @ pair[1]), default=None)


def _mutants(place: FreeNumber, fitted: Sequence[Fitted], definition: Definition) -> Iterator[tuple[int, Mutant]]:
    """Mutants with the simplest closed forms that agree with the fitted numbers, each with the length of the form."""
    neutral = place.neutral if place.kind != CONSTANT else None
    agreeing: dict[tuple[float, ...], Node] = {}
    for form, outside in _closed_forms(place, fitted):
        numbers = [number_of(outside, fit_.sizes, fit_.options) for fit_ in fitted]
        if all(fit_.is_near(number) for fit_, number in zip(fitted, numbers, strict=True)):
            agreeing.setdefault(tuple(float(f"{number:.12g}") for number in numbers), form)
    for form in [*agreeing.values()][:3] or [Number(number) for number in _digits(fitted)]:
        if neutral is not None and form == Number(neutral):
            continue
        id = f"{place.line or place.shown}/number/{place.kind}/{text_of(form, definition)}"
        mutant = Mutant(id, _sentence(place, form, definition), place.become(form))
        yield sum(1 for _ in walk(form)), mutant
    yield from _limited(place, fitted)


def _limited(place: FreeNumber, fitted: Sequence[Fitted]) -> Iterator[tuple[int, Mutant]]:
    """An option that is no smaller, or no larger, than a number: the same number is fitted wherever it is wrong."""
    option = next((each.node for each in place.quantities if each.outside == place.old), None)
    if place.kind != CONSTANT or not isinstance(option, Name):
        return
    for number in _digits(fitted):
        for op, word in (("<", "least"), (">", "most")):
            limited = Apply("where", (Apply(op, (option, Number(number))), Number(number), option))
            where = f"in {place.line}: " if place.line else ""
            says = f"{where}{place.shown} is at {word} {number:g}"
            yield 2, Mutant(f"{place.line or place.shown}/limit/{word}/{number:g}", says, place.become(limited))


def _closed_forms(place: FreeNumber, fitted: Sequence[Fitted]) -> Iterator[tuple[Node, Node]]:
    """Closed forms, simple ones first, as written at the place and in the whole equation."""
    for number in _digits(fitted, most=2):
        yield Number(number), Number(number)
    singles: list[tuple[Node, Node]] = []
    for quantity in place.quantities:
        singles += [*_powers(quantity)]
    yield from singles
    for node in COMMON_CONSTANTS:
        yield node, node
        yield _over(Number(1.0), node), _over(Number(1.0), node)
    for a, b in permutations(place.quantities, 2):
        yield _over(a.node, b.node), _over(a.outside, b.outside)
        yield _root(_over(a.node, b.node)), _root(_over(a.outside, b.outside))
    for a, b in combinations(place.quantities, 2):
        yield _times(a.node, b.node), _times(a.outside, b.outside)
        yield _over(Number(1.0), _times(a.node, b.node)), _over(Number(1.0), _times(a.outside, b.outside))
        yield _less(Number(1.0), _times(a.node, b.node)), _less(Number(1.0), _times(a.outside, b.outside))
    if len({tuple(fit_.sizes.items()) for fit_ in fitted}) < FORM_SIZES:
        return  # one of so many forms agrees by chance
    for node in (Number(2.0), Number(0.5), *COMMON_CONSTANTS):
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
    """The number of the fewest digits that agrees with every fitted number, if there is one; 0 has none."""
    if all(fit_.is_near(0.0) for fit_ in fitted):
        yield 0.0
        return
    best = min(fitted, key=lambda fit_: fit_.spread)
    for digits in range(1, most + 1):
        number = float(f"{best.value:.{digits - 1}e}")
        if all(fit_.is_near(number) for fit_ in fitted):
            yield number
            return


def _sentence(place: FreeNumber, form: Node, definition: Definition) -> str:
    """Describe the mistake of using another number."""
    number, where = text_of(form, definition), f"in {place.line}: " if place.line else ""
    times = f" {place.times}" if place.times else ""
    match place.kind, form:
        case "constant", _:
            return f"{where}{number} is used instead of {place.shown}"
        case "share", _ if place.times:
            return f"{number} of {place.shown} is replaced by {place.times}"
        case "share", _:
            return f"{where}{number} of {place.shown} is replaced by the mean over its axis, as labels are smoothed"
        case "term", Number(value=value) if value < 0:
            return f"{where}{-value:g}{times} is subtracted from {place.shown}"
        case "term", _:
            return f"{where}{number}{times} is added to {place.shown}"
    are, have = ("are", "have") if " and " in place.shown and place.kind == THROUGHOUT else ("is", "has")
    match form:
        case Number(value=-1.0):
            return f"{where}{place.shown} {have} the other sign"
        case Number(value=0.0):
            return f"{where}0 is used instead of {place.shown}"
        case Apply(op="/", args=(Number(value=1.0), divisor)):
            return f"{where}{place.shown} {are} divided by {text_of(divisor, definition)}"
        case _:
            return f"{where}{place.shown} {are} multiplied by {number}"
