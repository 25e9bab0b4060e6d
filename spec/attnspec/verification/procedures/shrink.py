"""Smaller cases that still show a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attnspec.verification.procedures.candidate import ProceduralCandidate
from attnspec.verification.procedures.cases import Case
from attnspec.verification.sandbox.messages import Outcome
from attnspec.verification.sandbox.plain_values import smaller

SHRINK_CALLS = 400
"""How many calls are spent on making a case smaller."""


def shrink(candidate: ProceduralCandidate, case: Case, shows: Callable[[Case, Outcome], bool]) -> Case:
    """Return a smaller case whose outcome still shows the fault, within `SHRINK_CALLS` calls."""
    calls = 0
    smallest: Case | None = case
    while smallest is not None:
        case, smallest = smallest, None
        for simpler in _simpler_cases(case):
            calls += 1
            if calls > SHRINK_CALLS:
                return case
            if shows(simpler, candidate.call(simpler)):
                smallest = simpler
                break
    return case


def _simpler_cases(case: Case) -> Iterator[Case]:
    for name, value in case.items():
        for simpler in smaller(value):
            yield {**case, name: simpler}
