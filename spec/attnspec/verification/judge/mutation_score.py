"""The mutation score: how many known mistakes the cases of a verdict would have caught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.thresholds import CLEARLY, SCORED_CASES
from attnspec.verification.judge.mutant_values import fits, mutant_values
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.statistics import project


@dataclass(frozen=True, slots=True)
class MutationScore:
    """The mutation score of a set of cases.

    Attributes:
        killed: mutants that these cases would have caught.
        faint: those of them that only show as a direction of error, in no single element.
        survived: mutants that these cases could not have caught.
    """

    killed: tuple[Mutant, ...]
    faint: tuple[Mutant, ...]
    survived: tuple[Mutant, ...]

    @property
    def of(self) -> int:
        """How many mutants were tried."""
        return len(self.killed) + len(self.survived)

    def joined(self, after: MutationScore) -> MutationScore:
        """This score, with the score of its survivors on further cases."""
        return MutationScore((*self.killed, *after.killed), (*self.faint, *after.faint), after.survived)

    def __str__(self) -> str:
        return f"{len(self.killed)} of {self.of}"


def mutation_score(compared: Sequence[Compared], mutants: Sequence[Mutant], dtype: str) -> MutationScore:
    """Try mutants on the cases of a judgement. A mutant that one case catches is not tried on the next."""
    open_ = list(mutants)
    by_case = _by_case(compared)
    for outputs in sorted(by_case, key=lambda outputs: outputs[0].case.elements):  # most show where it costs least
        open_ = [mutant for mutant in open_ if not shows(mutant, outputs, dtype)]
        if not open_:
            break
    faint = [mutant for mutant in open_ if _visible(mutant, by_case[:SCORED_CASES], dtype)]
    survived = [mutant for mutant in open_ if mutant not in faint]
    killed = [mutant for mutant in mutants if mutant not in survived]
    return MutationScore(tuple(killed), tuple(faint), tuple(survived))


def _by_case(compared: Sequence[Compared]) -> list[list[Compared]]:
    """The comparisons of each case, cheap cases first."""
    found: dict[int, list[Compared]] = {}
    for each in compared:
        found.setdefault(id(each.case), []).append(each)
    return sorted(found.values(), key=lambda outputs: outputs[0].noise.members.size > 4_000)


def shows(mutant: Mutant, outputs: Sequence[Compared], dtype: str) -> bool:
    """Whether a mutant differs on a case by more than noise can hide."""
    case = outputs[0].case
    if not fits(mutant, case):
        return False
    found = mutant_values(mutant, case, dtype)
    if found is None:
        return False
    return any(_departs(found[each.output], each) for each in outputs)


def _departs(wrong: NDArray[Any], each: Compared) -> bool:
    with np.errstate(invalid="ignore"):
        apart = np.abs(wrong - each.noise.value) > CLEARLY * each.noise.bound
    odd = np.isfinite(wrong) != np.isfinite(each.noise.value)
    return bool(((apart | odd) & each.decidable).any())


def _visible(mutant: Mutant, by_case: Sequence[Sequence[Compared]], dtype: str) -> bool:
    """Whether a candidate with this mistake would be caught by its direction of error."""
    cache: dict[int, tuple[NDArray[Any], ...] | None] = {}

    def along(each: Compared) -> NDArray[Any] | None:
        if not fits(mutant, each.case):
            return None
        if id(each.case) not in cache:
            cache[id(each.case)] = mutant_values(mutant, each.case, dtype)
        found = cache[id(each.case)]
        return None if found is None else found[each.output] - each.noise.value

    seen = project([each for outputs in by_case for each in outputs], along)
    return seen is not None and seen.visible
