"""Mutation score: how many known mistakes the cases would have caught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.thresholds import CLEARLY, SCORED_CASES
from attnspec.verification.judge.mutant_values import each_mutants_values, fits, mutant_values
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.statistics import project


@dataclass(frozen=True, slots=True)
class MutationScore:
    """The mutation score of a set of cases.

    Attributes:
        killed: mutants that these cases would have caught.
        seen_in_aggregate: those of them that no single element shows, only the projection on their direction.
        survived: mutants that these cases could not have caught.
    """

    killed: tuple[Mutant, ...]
    seen_in_aggregate: tuple[Mutant, ...]
    survived: tuple[Mutant, ...]

    @property
    def of(self) -> int:
        """How many mutants were tried."""
        return len(self.killed) + len(self.survived)

    @property
    def tried(self) -> tuple[tuple[str, bool], ...]:
        """Pairs of the id of a mutant and whether it would have been caught."""
        return (*((mutant.id, True) for mutant in self.killed), *((mutant.id, False) for mutant in self.survived))

    def extended(self, after: MutationScore) -> MutationScore:
        """This score, updated by the score of its survivors on more cases."""
        seen_in_aggregate = (*self.seen_in_aggregate, *after.seen_in_aggregate)
        return MutationScore((*self.killed, *after.killed), seen_in_aggregate, after.survived)

    def __str__(self) -> str:
        return f"{len(self.killed)} of {self.of}"


def mutation_score(compared: Sequence[Compared], mutants: Sequence[Mutant], dtype: str) -> MutationScore:
    """Try mutants on the cases of a judgement; a mutant that one case catches is not tried on the next."""
    remaining = list(mutants)
    by_case = grouped_by_case(compared)
    for outputs in sorted(by_case, key=lambda outputs: outputs[0].case.elements):  # small cases catch most
        shown = _shown(remaining, outputs, dtype)
        remaining = [mutant for mutant in remaining if id(mutant) not in shown]
        if not remaining:
            break
    seen_in_aggregate = [mutant for mutant in remaining if _visible(mutant, by_case[:SCORED_CASES], dtype)]
    survived = [mutant for mutant in remaining if mutant not in seen_in_aggregate]
    killed = [mutant for mutant in mutants if mutant not in survived]
    return MutationScore(tuple(killed), tuple(seen_in_aggregate), tuple(survived))


def grouped_by_case(compared: Sequence[Compared]) -> list[list[Compared]]:
    """Group comparisons by case, small cases first."""
    groups: dict[int, list[Compared]] = {}
    for comparison in compared:
        groups.setdefault(id(comparison.case), []).append(comparison)
    return sorted(groups.values(), key=lambda outputs: outputs[0].noise.members.size > 4_000)


def shows(mutant: Mutant, outputs: Sequence[Compared], dtype: str) -> bool:
    """Whether a mutant differs from the equation on a case by more than the noise.

    Args:
        outputs: the comparisons of one case.
    """
    return bool(_shown([mutant], outputs, dtype))


def _shown(mutants: Sequence[Mutant], outputs: Sequence[Compared], dtype: str) -> set[int]:
    """The ids of the mutants that differ from the equation on a case by more than the noise."""
    case = outputs[0].case
    fitting = [mutant for mutant in mutants if fits(mutant, case)]
    return {
        id(mutant)
        for mutant, wrong in zip(fitting, each_mutants_values(fitting, case, dtype), strict=True)
        if wrong is not None and any(differs(wrong[comparison.output], comparison) for comparison in outputs)
    }


def differs(wrong: NDArray[Any], comparison: Compared) -> bool:
    """Whether other values differ clearly from those of the equation in an element that can be judged."""
    with np.errstate(invalid="ignore"):
        far = np.abs(wrong - comparison.noise.value) > CLEARLY * comparison.noise.bound
    other_pattern = np.isfinite(wrong) != np.isfinite(comparison.noise.value)
    return bool(((far | other_pattern) & comparison.decidable).any())


def _visible(mutant: Mutant, by_case: Sequence[Sequence[Compared]], dtype: str) -> bool:
    """Whether a candidate with this mistake would have a significant error along the mistake's direction."""
    cache: dict[int, tuple[NDArray[Any], ...] | None] = {}

    def along(comparison: Compared) -> NDArray[Any] | None:
        if not fits(mutant, comparison.case):
            return None
        if id(comparison.case) not in cache:
            cache[id(comparison.case)] = mutant_values(mutant, comparison.case, dtype)
        wrong = cache[id(comparison.case)]
        return None if wrong is None else comparison.deviation(wrong[comparison.output])

    coefficient = project([comparison for outputs in by_case for comparison in outputs], along)
    return coefficient is not None and coefficient.visible
