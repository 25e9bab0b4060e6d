"""Kept cases asked again: whether the fault that they showed is still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from attnspec.errors import SpecError
from attnspec.verification.candidate.question import Question, Refused
from attnspec.verification.diagnosis.worst_case import worst_case
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.with_forms import judge_with_forms
from attnspec.verification.options import VerifyOptions
from attnspec.verification.sandbox.messages import Request
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.session import asked_of, load_questions, prepared, runner_of
from attnspec.verification.verdict import Verdict, VerdictKind, WorstElement


class ReplayStatus(StrEnum):
    """The result of a replay."""

    FIXED = "fixed"
    """Every answer to the cases is right, and their contract holds."""
    STILL_FAILING = "still failing"
    """It gives a wrong answer, none, or violates the contract."""
    CANNOT_RUN = "cannot run"
    """The cases could not be asked, or their answers could not be judged."""


@dataclass(frozen=True)
class Replayed:
    """The result of asking kept cases again.

    Attributes:
        status: fixed, still failing or cannot run.
        reason: why, in a line; "" if it is fixed.
        worst: the element that is furthest from its value; None if none is wrong.
        shown: the comparison that a script shows: of the smallest case with a wrong element, else of the first; None if
            no answer could be compared.
        request: how the candidate is called on that case; None if none could be compared.
        question: what was asked; None if nothing could be.
    """

    status: ReplayStatus
    reason: str = ""
    worst: WorstElement | None = None
    shown: tuple[Compared, ...] = ()
    request: Request | None = None
    question: Question | None = None


def replayed(target: str, options: VerifyOptions, *, one_dtype: bool = False) -> Replayed:
    """Ask recorded cases alone, and judge the answers and the contract on them. Nothing is explained or searched.

    Args:
        target: the target, as `attnspec.verify` takes it; it must raise one question.
        options: the options of `attnspec.verify`, with the recorded cases.
        one_dtype: whether of several dtypes the first one is asked.
    """
    asked = replace(options, only_inputs=True, examples=0, trace=False, function=False)
    try:
        shown, aim = prepared(target, asked)
        with runner_of(asked) as runner:
            questions = load_questions(shown, aim, asked, runner)
            return _answered(_of_one_dtype(questions) if one_dtype else questions, runner)
    except SpecError as error:
        return Replayed(ReplayStatus.CANNOT_RUN, str(error))


def _of_one_dtype(questions: Sequence[object]) -> list[object]:
    """The questions, of each callable and equation only the first."""
    first: dict[object, object] = {}
    for each in questions:
        key = (each.callable.name, each.equation.id) if isinstance(each, Question) else id(each)
        first.setdefault(key, each)
    return list(first.values())


def _answered(questions: Sequence[object], runner: Runner) -> Replayed:
    """Answer the one question that there is.

    Raises:
        SpecError: there is another number of questions, or the cases do not fit the equation.
    """
    refused = [each for each in questions if isinstance(each, Refused)]
    own = [each for each in questions if isinstance(each, Question)]
    if refused or len(own) != 1:
        raise refused[0].error if refused else _several(own, runner)
    verifier = asked_of(own[0], runner)
    if isinstance(verifier, Verdict):
        return Replayed(ReplayStatus.CANNOT_RUN, verifier.reason, question=own[0])
    return replace(_judged(verifier), question=verifier.question)


def _several(questions: Sequence[Question], runner: Runner) -> SpecError:
    if runner.failures:
        return runner.failures[0]
    names = ", ".join(each.implementation for each in questions)
    return SpecError(f"the cases are of one callable, and there are {len(questions)}", given=names, mend="--target")


def _judged(verifier: EquationVerifier) -> Replayed:
    """Call the candidate on the recorded cases, and judge."""
    verifier.bind()
    candidate = verifier.candidate
    recorded = candidate.recorded_cases()
    if not recorded.cases:
        return Replayed(ReplayStatus.CANNOT_RUN, "; ".join(recorded.notes) or "there are no cases")
    verifier.observations += candidate.observe(recorded.cases)
    unusable = verifier.unusable()
    if unusable is not None:
        status = {VerdictKind.NOT_RUN: ReplayStatus.CANNOT_RUN}.get(unusable.kind, ReplayStatus.STILL_FAILING)
        return Replayed(status, unusable.reason, unusable.worst)
    policy = verifier.policy_beside_first_cases(verifier.observations)
    judged = verifier.judged = judge_with_forms(verifier.judge, verifier.observations, policy)
    failing = [each for each in judged.compared if each.fails]
    case = min((each.case for each in failing or judged.compared), key=lambda case: case.elements)
    facts = Replayed(
        ReplayStatus.STILL_FAILING,
        shown=tuple(each for each in judged.compared if each.case is case),
        request=candidate.request(case),
    )
    if not judged.right:
        first = judged.findings[0]
        return replace(facts, reason=first.reason, worst=worst_case(first, judged, verifier.equation))
    conclusion = verifier.check_contract()
    if conclusion is not None:
        return replace(facts, reason=conclusion.reason)
    if not judged.decidable[0]:
        return replace(facts, status=ReplayStatus.CANNOT_RUN, reason="rounding noise exceeds the signal everywhere")
    return replace(facts, status=ReplayStatus.FIXED)
