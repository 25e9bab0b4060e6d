"""Known mistakes of a procedure: which explains all answers, and which no case would have caught."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attnspec.language.procedure import Mistake
from attnspec.verification.procedures.candidate import ProceduralCandidate
from attnspec.verification.procedures.cases import Case


def matching_mistakes(candidate: ProceduralCandidate) -> list[Mistake]:
    """Return the known mistakes that give every answer of the candidate."""
    return [
        mistake
        for mistake in candidate.procedure.mistakes
        if all(_answer(mistake, case) == outcome.answers[-1] for case, outcome in candidate.calls)
    ]


def uncaught_mistakes(
    candidate: ProceduralCandidate, cases: Sequence[Case], mistakes: Sequence[Mistake]
) -> list[Mistake]:
    """Return the mistakes that give the procedure's answer in all of some cases."""
    return [
        mistake for mistake in mistakes if all(_answer(mistake, case) == candidate.expected(case) for case in cases)
    ]


def _answer(mistake: Mistake, case: Case) -> Any:
    """Return the answer of a known mistake; the exception that it raises equals no answer."""
    try:
        return mistake.function(**case)
    except Exception as error:
        return error
