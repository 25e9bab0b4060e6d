"""Answering questions one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attnspec.errors import SpecError
from attnspec.verification.api import Tick
from attnspec.verification.candidate import in_answered_dtype
from attnspec.verification.options import VerifyOptions
from attnspec.verification.procedures.verifier import ProceduralQuestion, ProceduralVerifier
from attnspec.verification.question import Question
from attnspec.verification.questions import AnyQuestion
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.verdict import Verdict
from attnspec.verification.verifier import Verifier


@dataclass(frozen=True, slots=True)
class Refused:
    """A question that could not be asked: why, and the verdict that says so where others could be."""

    error: SpecError
    verdict: Verdict


def _answer(question: AnyQuestion | Refused, runner: Runner, tick: Tick | None) -> Verdict | Refused:
    """One verdict; what cannot be asked of one candidate does not stop the others."""
    if isinstance(question, Refused):
        return question
    tick = tick or (lambda step: None)
    try:
        if isinstance(question, ProceduralQuestion):
            return ProceduralVerifier(question, runner, tick).verdict()
        return _asked(question, runner, tick)
    except SpecError as error:
        verdict = replace(_nothing(question, "not run", _why(error)), mend=error.mend)
        return Refused(error, verdict)


def _why(error: SpecError) -> str:
    """The facts of an error, as a verdict's reason; how to mend it has a line of its own there."""
    facts = (("given   ", error.given), ("expected", error.expected))
    return "\n".join([error.headline, *(f"{label}  {fact}" for label, fact in facts if fact)])


def _asked(question: Question, runner: Runner, tick: Tick) -> Verdict:
    declared = question.claim.dtypes
    if declared is not None and question.dtype not in declared:
        reason = f"{question.dtype} is not claimed; claimed are {', '.join(declared)}"
        return _nothing(question, "not run", reason)
    if question.device.split(":")[0] not in question.claim.devices:
        reason = f"{question.device} is not claimed; claimed are {', '.join(question.claim.devices)}"
        return _nothing(question, "not run", reason)
    if question.any_dtype:
        question = in_answered_dtype(question, runner)
    return Verifier(question, runner, tick).verdict()


def _nothing(question: AnyQuestion, verdict: str, reason: str) -> Verdict:
    if isinstance(question, ProceduralQuestion):
        return question.answered(verdict, reason)
    return Verdict(
        question.equation.id,
        question.shown or question.found.name,
        question.framework,
        question.dtype,
        question.device,
        verdict,
        reason,
        seed=question.seed,
        backward_of=question.forward.id if question.forward is not None else "",
    )


def _not_run(shown: str, wanted: VerifyOptions, reason: str, seconds: float) -> Verdict:
    return Verdict(
        wanted.equation or "",
        shown,
        wanted.framework or "",
        ", ".join(wanted.dtypes or ()),
        wanted.device or "cpu",
        "not run",
        reason,
        seconds=seconds,
        seed=wanted.seed,
    )
