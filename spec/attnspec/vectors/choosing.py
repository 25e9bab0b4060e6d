"""Choose the cases of a set of vectors: few small ones that catch all known mistakes that cases of this kind catch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.noise import Noise
from attnspec.interpreters.rounding.policy import declared_only, policies, preset
from attnspec.language.equation import Equation
from attnspec.thresholds import CLEARLY
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, make, smallest
from attnspec.verification.cases.suite import ROUND_SEEDS, standard_suite
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import fits, mutant_values, non_equivalent_mutants
from attnspec.verification.judge.residuals import Compared

Array = NDArray[Any]

MOST_ELEMENTS = 2_000
"""The inputs of a case have at most so many elements together, so that files stay small."""

ROUNDS = 3
"""So many times the cases of the suite are drawn, each time with other seeds."""

TIMES = 2
"""Each mistake is caught by so many cases, where so many catch it."""

WITNESSES = 3
"""On so many cases a mistake is described by the value that it gives."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The element at which a mistake is furthest from the value, in bounds.

    Attributes:
        case: the position of the case.
        output: the position of the output.
        index: the position of the element in the flattened output.
        value: what the mistake gives there.
    """

    case: int
    output: int
    index: int
    value: float


@dataclass(frozen=True)
class Vectors:
    """A set of vectors of one equation in one dtype.

    Attributes:
        equation: the equation.
        dtype: the dtype of the inputs.
        cases: the cases.
        noises: for each policy, the noise of each output of each case.
        caught: the mistakes that the cases catch, each with witnesses.
        missed: the mistakes that no case catches.
        killable: how many mistakes some case of the pool catches.
    """

    equation: Equation[..., Any]
    dtype: str
    cases: tuple[Case, ...]
    noises: dict[str, list[tuple[Noise, ...]]]
    caught: tuple[tuple[Mutant, tuple[Witness, ...]], ...]
    missed: tuple[Mutant, ...]
    killable: int

    @property
    def policy(self) -> str:
        """The loosest policy that is inferred, by whose bounds the mistakes are caught."""
        return policies(self.dtype)[-1]

    @cached_property
    def of(self) -> int:
        """How many mistakes there are."""
        return len(self.caught) + len(self.missed)


def choose(equation: Equation[..., Any], dtype: str, seed: int = 0) -> Vectors:
    """Choose cases by greedy cover: always the one that catches most of what is left, per element of its inputs.

    Raises:
        SpecError: it has no small cases.
    """
    judge = Judge(equation, dtype, seed)
    policy = preset(policies(dtype)[-1], dtype)
    mutants = non_equivalent_mutants(equation)
    pool = [*_pool(equation, dtype)]
    compared = [judge.compare([_right(case, equation, judge, policy)], policy) for case in pool]
    caught = [_caught(mutants, outputs, dtype) for outputs in compared]
    killable = set().union(*(found.keys() for found in caught))
    if not pool:
        raise SpecError(f"{equation.id} has no small cases", given=f"at most {MOST_ELEMENTS} elements of input")
    chosen = _cover(pool, [set(found) for found in caught])
    cases = tuple(pool[place] for place in chosen)
    known = {
        number: tuple(
            replace(caught[place][number], case=position)
            for position, place in enumerate(chosen)
            if number in caught[place]
        )[:WITNESSES]
        for number in sorted(killable)
    }
    named = [*policies(dtype), *declared_only(dtype)]
    noises = {name: [judge.noise(case, preset(name, dtype)) for case in cases] for name in named}
    return Vectors(
        equation,
        dtype,
        cases,
        noises,
        tuple((mutants[number], witnesses) for number, witnesses in known.items()),
        tuple(mutant for number, mutant in enumerate(mutants) if number not in killable),
        len(killable),
    )


def _pool(equation: Equation[..., Any], dtype: str) -> Iterator[Case]:
    """Small finite cases of one example each, the smallest first."""
    least = lambda name: 1 if name == "batch" else max(smallest(equation, name), 1)  # noqa: E731  # as the suite takes it
    descriptions = [each for each in standard_suite(equation, least, (0,)) if each.layout == "contiguous"]
    cases = [
        make(equation, replace(each, seed=each.seed + ROUND_SEEDS * round_), dtype)
        for round_ in range(ROUNDS)
        for each in descriptions
    ]
    yield from sorted((case for case in cases if case.finite and case.elements <= MOST_ELEMENTS), key=_size)


def _size(case: Case) -> int:
    return case.elements


def _seed(case: Case) -> int:
    return case.description.seed if case.description is not None else 0


def _right(case: Case, equation: Equation[..., Any], judge: Judge, policy: Any) -> Observation:
    return Observation(case, tuple(noise.value for noise in judge.noise(case, policy)))


def _caught(mutants: Sequence[Mutant], outputs: Sequence[Compared], dtype: str) -> dict[int, Witness]:
    """The mutants that a case catches, each with a witness; cases are numbered later."""
    found = {}
    for number, mutant in enumerate(mutants):
        wrong = mutant_values(mutant, outputs[0].case, dtype) if fits(mutant, outputs[0].case) else None
        witnesses = [] if wrong is None else [_witness(wrong[each.output], each) for each in outputs]
        best = max((pair for pair in witnesses if pair is not None), key=lambda pair: pair[0], default=None)
        if best is not None and best[0] > CLEARLY:
            found[number] = best[1]
    return found


def _witness(wrong: Array, compared: Compared) -> tuple[float, Witness] | None:
    """The distance, in bounds, and the element at which a mistake is furthest; None if it has another shape."""
    if wrong.shape != compared.noise.value.shape or not wrong.size:
        return None
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        off = np.abs(wrong - compared.noise.value)
        distance = np.where(np.isfinite(wrong), np.where(off == 0, 0.0, off / compared.noise.bound), np.inf)
    judged = compared.decidable & np.isfinite(compared.noise.value)
    distance = np.where(judged, distance, 0.0).ravel()
    index = int(np.argmax(distance))
    return float(distance[index]), Witness(0, compared.output, index, float(wrong.ravel()[index]))


def _cover(pool: Sequence[Case], caught: Sequence[set[int]]) -> list[int]:
    """The positions of the chosen cases, in the order of the pool: each mistake is caught twice, where it can be.

    The first case of the suite, with sizes that all differ, is always among them.
    """
    left = Counter(number for found in caught for number in found)
    left = Counter({number: min(count, TIMES) for number, count in left.items()})
    chosen: list[int] = []
    usual = min(range(len(pool)), key=lambda place: _seed(pool[place]))
    while +left or not chosen:
        gain = [
            0
            if place in chosen
            else len([number for number in found if left[number] > 0]) / (pool[place].elements + 20)
            for place, found in enumerate(caught)
        ]
        chosen.append(int(np.argmax(gain)) if chosen else usual)
        left -= Counter(dict.fromkeys(caught[chosen[-1]], 1))
    return sorted(chosen)
