"""What a candidate does outside of its claim: observations that never change a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge


def beyond_one_batch_axis(candidate: Candidate, judge: Judge, judged: Judged) -> Iterator[str]:
    """Describe wrong answers with two batch axes if one is claimed and two are not. An exception is right."""
    case = candidate.with_unclaimed_axes()
    if case is None:
        return
    question, axes = candidate.question, "with 2 batch axes, which are not claimed,"
    outcome, answers = candidate.call(case)
    if outcome.status not in ("ok", "raised"):
        yield f"{axes} {answer_form.describe_status(outcome)}"
    elif outcome.status == "ok" and answers is None:
        yield f"{axes} {answer_form.fault(outcome, case, question.equation, question.dtype)}"
    elif answers is not None and not judge.holds(Observation(case, answers), judged.policy, judged.form):
        yield f"{axes} it gives other values"


def beyond_finite_inputs(candidate: Candidate, judge: Judge, judged: Judged) -> Iterator[str]:
    """Describe wrong answers with NaN and infinity at masked places if only finite inputs are claimed."""
    for case in candidate.hidden_cases():
        outcome, answers = candidate.call(case)
        if answers is None:
            yield f"with NaN at masked places {answer_form.describe_status(outcome)}"
        elif not judge.holds(Observation(case, answers), judged.policy, judged.form):
            yield "NaN or infinity at masked places shows elsewhere; only finite inputs are claimed"
