"""Further calls of a candidate on telling cases, in which the arrays that it makes are recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import TELLING_ELEMENTS, WATCHED_CASES
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.judge.judge import Judge
from attnspec.verification.sandbox.messages import Recorded, Watched

WATCHED: tuple[Watched, ...] = ("operations", "lines")
"""The ways in which a candidate is watched, the most telling first."""

MOST_EXAMPLES = 9
"""A batch of more examples is not better."""

LARGEST_CASE = 4_000
"""Cases of more elements are not watched."""


@dataclass(frozen=True)
class WatchedCall:
    """One call that was watched.

    Attributes:
        observation: the case, and the answers, which were the same as in the call before.
        recorded: the arrays of the candidate's own files, in the order in which they were made.
    """

    observation: Observation
    recorded: tuple[Recorded, ...]


def watched_calls(
    candidate: Candidate,
    judge: Judge,
    observations: Sequence[Observation],
    policy: Policy,
    only_failing: bool = True,
) -> list[WatchedCall]:
    """Call a candidate again on telling cases, and record its arrays.

    A candidate that gives other answers than before when its operations are watched is watched line by line; if it does
    so again, it is not watched.

    Args:
        observations: all answers, right ones included.
        only_failing: whether only cases that it gets wrong are telling.

    Returns:
        The calls; none if a call records nothing, as of compiled code.
    """

    def is_wanted(observation: Observation) -> bool:
        return not only_failing or not judge.holds(observation, policy)

    telling = telling_cases(candidate, judge, observations, is_wanted)
    for watched in WATCHED:
        seen = [candidate.watch(each.case, watched) for each in telling]
        calls = [
            WatchedCall(each, call[1])
            for each, call in zip(telling, seen, strict=True)
            if call is not None and all(map(_equal, call[0], each.answers))
        ]
        if len(calls) == len(telling):
            return calls if all(call.recorded for call in calls) else []
    return []


def telling_cases(
    candidate: Candidate, judge: Judge, observations: Sequence[Observation], is_wanted: Callable[[Observation], bool]
) -> list[Observation]:
    """Small cases of ordinary values, with different sizes, among those that are wanted."""
    ordinary = judge.ordinary([*filter(is_wanted, observations)], len(observations))
    definition = judge.equation.definition
    usable = [
        each
        for each in ordinary
        if each.case.elements <= LARGEST_CASE
        and lift_over_batch(definition, each.case) is definition
        and each.elements >= TELLING_ELEMENTS
        and all(np.isfinite(answer).all() for answer in each.answers)
    ]
    usable.sort(key=lambda each: (*_ambiguity(each), each.case.elements))
    chosen: dict[object, Observation] = {}
    for each in usable:
        chosen.setdefault(each.case.description.sizes if each.case.description is not None else None, each)
    first, others = [*chosen.values()][:1], [*chosen.values()][1:WATCHED_CASES]
    return [*first, *(_with_batch_of(first[0], other, candidate, is_wanted) for other in others)]


def _with_batch_of(
    first: Observation, other: Observation, candidate: Candidate, is_wanted: Callable[[Observation], bool]
) -> Observation:
    """Another case with as many examples as the first one, if it is wanted too."""
    of, made = first.case.description, other.case.description
    if of is None or made is None or len(of.batch) != len(made.batch) or of.batch == made.batch:
        return other
    case = candidate.make_case(replace(made, batch=of.batch))
    _, answers = candidate.call(case)
    observation = Observation(case, answers) if answers is not None else other
    return observation if is_wanted(observation) else other


def _ambiguity(observation: Observation) -> tuple[int, int, int]:
    """How easily arrays are mistaken for each other: few different sizes, small ones, few examples."""
    description = observation.case.description
    if description is None:
        return 0, 0, 0
    sizes = [*(size for _, size in description.sizes), *description.batch]
    several = [size for size in sizes if size > 1]
    return -len({*several}), -min(several, default=0), -min(prod(description.batch), MOST_EXAMPLES)


def _equal(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=True))
