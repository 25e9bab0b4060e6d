"""From a conclusion to a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnspec.thresholds import ENOUGH_CAUGHT, MOST_DECIDABLE
from attnspec.verification.candidate.advice import advice
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.coverage import coverage
from attnspec.verification.diagnosis import locate, precision
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Conclusion, Judged
from attnspec.verification.judge.mutation_score import MutationScore
from attnspec.verification.verdict import Verdict, VerdictKind

SHOWN = 5
"""How many recorded cases that are wrong are named."""


def to_verdict(candidate: Candidate, conclusion: Conclusion, findings: Sequence[str], seconds: float) -> Verdict:
    """Return the verdict of a conclusion.

    Args:
        findings: other observations, in sentences.
        seconds: the time that it took.
    """
    question, judged, strength = candidate.question, conclusion.judged, conclusion.strength
    effective = precision.effective_bits(judged, question.dtype) if judged is not None and judged.right else None
    bits = conclusion.bits or effective
    recorded = _recorded_wrong(judged) if judged is not None else ()
    mend = conclusion.mend or locate.mend(question.equation, conclusion.diagnosis)
    return Verdict(
        equation=question.equation.id,
        implementation=question.implementation,
        framework=question.framework,
        dtype=question.dtype,
        device=question.device,
        verdict=conclusion.kind,
        reason=conclusion.reason,
        diagnosis=(conclusion.diagnosis,) if conclusion.diagnosis is not None else (),
        findings=(*findings, *recorded),
        policy=str(judged.policy) if judged is not None and conclusion.kind is not VerdictKind.DIFFERS else "",
        effective_bits=bits.bits if bits is not None else None,
        bits_site=bits.site if bits is not None else "",
        worst_case=conclusion.worst,
        killed=len(strength.killed) if strength else 0,
        of=strength.of if strength else 0,
        survived=tuple(mutant.says for mutant in strength.survived) if strength else (),
        examples=len(candidate.calls),
        seconds=seconds,
        properties=conclusion.properties,
        domain=question.domain(),
        mend="\n".join(filter(None, [mend, advice(candidate, conclusion.kind)])),
        seed=question.seed,
        recorded=sum(bool(case.origin) for case, _ in candidate.calls),
        backward_of=question.forward.id if question.forward is not None else "",
        bound=candidate.bound,
        coverage=coverage([case for case, _ in candidate.calls], question.equation),
        tried=strength.tried if strength else (),
        cases=_shown_by(conclusion),
        judged_under=str(judged.policy) if judged is not None else "",
        shown_alone=_shown_alone(conclusion),
    )


def _shown_by(conclusion: Conclusion) -> tuple[Case, ...]:
    """The case that is shown, and the one with the largest error if that is another."""
    shown = [conclusion.worst.case] if conclusion.worst is not None else []
    largest = statistics.worst(conclusion.judged.compared) if conclusion.judged is not None else None
    if largest is not None and conclusion.kind is not VerdictKind.CONFORMS and (largest.fails or not shown):
        shown += [largest.case] if not any(largest.case is case for case in shown) else []
    return tuple(shown)


def _shown_alone(conclusion: Conclusion) -> bool:
    """Whether one answer is enough to show it: a wrong element, or what is no matter of values."""
    if conclusion.kind not in (VerdictKind.DIFFERS, VerdictKind.IMPRECISE) or conclusion.judged is None:
        return True
    return any(comparison.fails for comparison in conclusion.judged.compared)


def weakness(judged: Judged, strength: MutationScore, unread: Sequence[str]) -> str:
    """Why right values are not enough to conform, in a sentence; "" if they are.

    Args:
        unread: what the equation reads of which no case shows whether it is read, in words.
    """
    decidable, of = judged.decidable
    if not decidable:
        return "no element could be judged: rounding noise exceeds the signal in every element"
    if strength.of and len(strength.killed) < ENOUGH_CAUGHT * strength.of:
        return f"these cases would have caught only {strength} known mistakes"
    if decidable < MOST_DECIDABLE * of and judged.decidable_of_outputs < MOST_DECIDABLE:
        return f"rounding noise exceeds the signal in {of - decidable} of {of} elements"
    if unread:
        return f"no case shows whether {', '.join(unread)} is read: another one gives the same values, within the noise"
    return ""


def _recorded_wrong(judged: Judged) -> Iterator[str]:
    """Sentences on recorded cases that are wrong, each with the name of its file."""
    wrong = [each for each in judged.compared if each.case.origin and each.fails]
    for each in wrong[:SHOWN]:
        count, of = int((each.ratio > 1).sum()), int(each.decidable.sum())
        yield f"{each.case.origin}: {count} of {of} elements are further from the value than rounding explains"
    if len(wrong) > SHOWN:
        yield f"{len(wrong) - SHOWN} more recorded answers are wrong"
