"""Implementations of one equation, measured beside each other: verdict, time and memory of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median

from attnspec.errors import SpecError, TargetError
from attnspec.verification.candidate.question import Question, Refused
from attnspec.verification.cases.case import Case, Description
from attnspec.verification.cases.pools import usual_sizes
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.options import VerifyOptions
from attnspec.verification.sandbox.messages import Outcome
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import MissingPackage
from attnspec.verification.session import OnProgress, asked_of, load_questions, prepared, runner_of
from attnspec.verification.verdict import Verdict, VerdictKind

USUAL_BATCH = 8
"""How many examples of a batch are measured where no number is given."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One implementation, judged and measured.

    Attributes:
        verdict: the verdict on it.
        seconds: the time of one call in each round; empty if it was not measured.
        peak_bytes: the memory that a call needed at most above what was in use before, the median of the rounds; None
            if that is not known.
        trouble: why it was not measured; "" if it was.
    """

    verdict: Verdict
    seconds: tuple[float, ...] = ()
    peak_bytes: int | None = None
    trouble: str = ""

    @property
    def median(self) -> float:
        """The median of the times, in seconds; infinity without any."""
        return median(self.seconds) if self.seconds else float("inf")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Implementations of one equation on one case.

    Attributes:
        case: what the case was made from.
        measured: the implementations: those of the target first, then the others.
        notes: a sentence for each that could not be judged.
    """

    case: Description
    measured: tuple[Measured, ...]
    notes: tuple[str, ...]


def compare(
    target: str,
    beside: Callable[[str], Sequence[str]],
    options: VerifyOptions,
    *,
    sizes: Mapping[str, int] | None = None,
    batch: tuple[int, ...] | None = None,
    rounds: int = 7,
    judge: bool = True,
    on_progress: OnProgress = lambda stage: None,
) -> Comparison:
    """Judge the callable of a target and other implementations of its equation, then measure them in turn.

    All are measured in every round, one after the other, so that whatever else the machine does meets all of them. Each
    has a process of its own.

    Args:
        target: the target, as `attnspec.verify` takes it; it raises questions about one equation.
        beside: returns the targets of other implementations, given the id of the equation.
        options: the options of `attnspec.verify`; of several dtypes, the first one is measured.
        sizes: {named size: its value}; others are 64, or 2 for what there is never much of, such as heads.
        batch: the batch axes; by default one of size 8, where that is claimed.
        rounds: how often each is measured.
        judge: whether they are judged; if not, their verdicts are "not run".
        on_progress: called with the name of each stage that begins.

    Raises:
        TargetError, BindingError: the target cannot be loaded or called.
        UnknownName: the equation has no such size.
        SpecError: the target is about several equations, or about a procedure.
    """
    notes: list[str] = []
    with ExitStack() as stack:
        runner = stack.enter_context(runner_of(options))
        question = _only(_questions(target, options, runner))
        description = _described(question, sizes or {}, batch)
        judged = [_judged(question, runner, judge)]
        wanted = VerifyOptions(dtypes=(question.dtype,), device=question.device, seed=question.seed, function=False)
        for other in beside(question.equation.id):
            on_progress(other)
            runner = stack.enter_context(runner_of(wanted))
            try:
                same = [each for each in _questions(other, wanted, runner) if each.equation.id == question.equation.id]
                judged += [_judged(each, runner, judge) for each in same]
            except SpecError as error:
                notes.append(f"{other}: {error.headline}")
        on_progress("measuring")
        return Comparison(description, tuple(_measured(judged, description, rounds)), tuple(notes))


def _questions(target: str, options: VerifyOptions, runner: Runner) -> list[Question]:
    """The questions about equations that a target raises.

    Raises:
        TargetError: it cannot be imported here.
        SpecError: a question is refused.
    """
    shown, aim = prepared(target, options)
    try:
        questions = load_questions(shown, aim, options, runner)
    except MissingPackage as error:
        raise TargetError(f"the package {error.missing} is not installed", given=target) from error
    for question in questions:
        if isinstance(question, Refused):
            raise question.error
    return [question for question in questions if isinstance(question, Question)]


def _only(questions: Sequence[Question]) -> Question:
    """The question about the one equation that is measured, in the first dtype.

    Raises:
        SpecError: there are several equations or callables, or none.
    """
    about = dict.fromkeys(f"{each.callable.name} ({each.equation.id})" for each in questions)
    if len(about) != 1:
        given = ", ".join(about) or "no equation"
        raise SpecError("one equation is measured at a time", given=given, mend="name one callable, FILE.py:callable")
    return questions[0]


Judged = tuple[EquationVerifier, Verdict]
"""A verdict, and the verifier that reached it, whose candidate can still be called."""


def _judged(question: Question, runner: Runner, judge: bool) -> Judged:
    """The verdict on a candidate, or one that says that it is not judged.

    Raises:
        SpecError: it is not run.
    """
    verifier = asked_of(question, runner)
    if isinstance(verifier, Verdict):
        raise SpecError(verifier.reason, given=question.implementation)
    if judge:
        return verifier, verifier.verdict()
    verifier.bind()
    return verifier, verifier.question.without_judging(VerdictKind.NOT_RUN, "it is measured, not judged")


def _described(question: Question, sizes: Mapping[str, int], batch: tuple[int, ...] | None) -> Description:
    """What the measured case is made from.

    Raises:
        UnknownName: the equation has no such size.
    """
    chosen = usual_sizes(question.equation, question.claim.smallest, sizes or {})
    if batch is None:
        batch = (USUAL_BATCH,) if 1 in question.claim.batch else (1,) * min(question.claim.batch)
    return Description(tuple(chosen.items()), batch=batch, seed=question.seed)


def _measured(judged: Sequence[Judged], description: Description, rounds: int) -> Iterator[Measured]:
    """Measure in turn: every implementation once in each round."""
    cases = [_case(verifier, description) for verifier, _ in judged]
    outcomes: list[list[Outcome]] = [[] for _ in judged]
    for _ in range(rounds):
        for (verifier, _), case, seen in zip(judged, cases, outcomes, strict=True):
            if isinstance(case, Case) and all(outcome.status == "ok" for outcome in seen):
                request = replace(verifier.candidate.request(case), measured=True)
                seen += verifier.runner.call_many([request])
    for (_, verdict), case, seen in zip(judged, cases, outcomes, strict=True):
        failed = next((outcome for outcome in seen if outcome.status != "ok"), None)
        if not isinstance(case, Case) or failed is not None:
            yield Measured(verdict, trouble=case if isinstance(case, str) else f"{failed and failed.trouble}")
            continue
        peaks = [outcome.peak_bytes for outcome in seen if outcome.peak_bytes is not None]
        peak = int(median(peaks)) if peaks else None  # not the largest: the first call also loads what all calls use
        yield Measured(verdict, tuple(outcome.seconds for outcome in seen), peak)


def _case(verifier: EquationVerifier, description: Description) -> Case | str:
    """The case for an implementation, or why it is not for it."""
    question = verifier.question
    if len(description.batch) not in question.claim.batch:
        return f"{len(description.batch)} batch axes are not claimed"
    case = verifier.candidate.make_case(description)
    other = [name for name, value in question.adaptation.fixed if case.options.get(name, value) != value]
    return f"it needs other values of {', '.join(other)}" if other else case
