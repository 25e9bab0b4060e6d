"""A run: from a target and options to a report, in this process or in several."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Protocol

from attnspec.errors import SpecError, TargetError
from attnspec.language import definitions
from attnspec.verification.candidate.inferred import with_framework_that_runs, with_output_dtype
from attnspec.verification.candidate.question import Question, Refused, reason_of
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.options import VerifyOptions, validate
from attnspec.verification.procedures.question import ProceduralQuestion
from attnspec.verification.questions import AnyQuestion, not_run, questions
from attnspec.verification.sandbox import child
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import MissingPackage, Target
from attnspec.verification.targeting import load_own_equations, parse_target
from attnspec.verification.verdict import Report, Verdict, VerdictKind

OnVerdict = Callable[[Verdict], None]
"""Called with each verdict as soon as it is there."""

OnProgress = Callable[[str], None]
"""Called with the name of the stage that begins."""

Answer = Verdict | Refused


class Record(Protocol):
    """Where verdicts on the questions of a target are kept, so that a run can go on after it was ended.

    Attributes:
        earlier: {number of a question: its verdict}, which is not asked again.
    """

    @property
    def earlier(self) -> Mapping[int, Verdict]: ...

    def keep(self, question: int, verdict: Verdict) -> None:
        """Keep a verdict."""


class _NoRecord:
    """Keeps nothing."""

    earlier: Mapping[int, Verdict] = {}

    def keep(self, question: int, verdict: Verdict) -> None:
        pass


def run(
    target: Callable[..., Any] | str | Target,
    options: VerifyOptions,
    *,
    jobs: int = 1,
    on_verdict: OnVerdict = lambda verdict: None,
    on_progress: OnProgress = lambda stage: None,
    record: Record | None = None,
    runner: Runner | None = None,
) -> Report:
    """Answer every question that a target raises. The order of the report does not depend on the number of processes.

    Args:
        record: where verdicts are kept; those that it has are not reached again.
        runner: runs the target, and is left open for the next one; by default one is made and closed.

    Raises:
        TargetError, UnknownName, BindingError, SpecError: as `attnspec.verify` does.
    """
    if child.serving:  # each process would start another one
        raise SpecError(
            "a verdict is asked for while a candidate is imported",
            given=f"verify({getattr(target, '__name__', target)}, …)",
            expected="a module that can be imported without asking for verdicts",
            mend='put the call under if __name__ == "__main__":',
        )
    record = record or _NoRecord()
    with runner_of(options) if runner is None else nullcontext(runner) as runner:
        runner.start_ahead()
        shown, aim = prepared(target, options)
        started = time.monotonic()
        try:
            to_answer = load_questions(shown, aim, options, runner)
        except MissingPackage as error:
            return report_of_missing(shown, options, error, time.monotonic() - started, on_verdict)
        shared = min(jobs, len(to_answer)) if not runner.failures else 1
        if shared < 2:
            answers = _in_turn(to_answer, runner, on_verdict, on_progress, record)
            return report_of(shown, options, answers, runner.failures, on_verdict)
        runner.close()
    answers = _in_processes(target, options, to_answer, shared, on_verdict, on_progress, record)
    return report_of(shown, options, answers, (), on_verdict)


def prepared(target: Callable[..., Any] | str | Target, options: VerifyOptions) -> tuple[str, Target]:
    """The display name of a target, and the target in parsed form, after equations are loaded and options checked.

    Raises:
        TargetError, UnknownName, SpecError: as `attnspec.verify` does.
    """
    shown, aim = parse_target(target)
    definitions.load(options.equations)
    if options.equation is not None and not options.equations:
        load_own_equations(aim, [options.equation])
    validate(options)
    return shown, aim


def runner_of(options: VerifyOptions) -> Runner:
    """A runner within the limits that the options set."""
    return Runner(time_limit=options.time_limit, memory_bytes=options.memory_bytes, show_output=options.show_output)


def load_questions(shown: str, target: Target, options: VerifyOptions, runner: Runner) -> list[AnyQuestion | Refused]:
    """Load a target and return the questions that it raises; none if it cannot be imported."""
    found = runner.load(target)
    if options.equation is None and not options.equations:
        load_own_equations(target, [item.equation for each in found for item in each.implementations])
    raised = list(questions(found, shown, options)) if found or not runner.failures else []
    first, step = options.share or (0, 1)
    return raised[first::step]


def _in_turn(
    to_answer: Iterable[AnyQuestion | Refused],
    runner: Runner,
    on_verdict: OnVerdict,
    on_progress: OnProgress,
    record: Record,
) -> list[Answer]:
    answers: list[Answer] = []
    for number, question in enumerate(to_answer):
        earlier = record.earlier.get(number)
        answered = earlier or answer(question, runner, on_progress)
        answers.append(answered)
        if isinstance(answered, Verdict):
            if earlier is None:
                record.keep(number, answered)
            on_verdict(answered)
    return answers


def _in_processes(
    target: Callable[..., Any] | str | Target,
    options: VerifyOptions,
    to_answer: Sequence[AnyQuestion | Refused],
    jobs: int,
    on_verdict: OnVerdict,
    on_progress: OnProgress,
    record: Record,
) -> list[Answer]:
    from attnspec.verification.parallel import answered_in_processes, in_groups  # late: it imports this module

    count = len(to_answer)
    answers: dict[int, Answer] = {number: verdict for number, verdict in record.earlier.items() if number < count}
    for verdict in record.earlier.values():
        on_verdict(verdict)
    left = [[task for task in group if task[1] not in answers] for group in in_groups({0: to_answer}, [options.seed])]
    for (_, number, _), answered in answered_in_processes(
        [(target, options)], jobs, [group for group in left if group]
    ):
        answers[number] = answered
        if isinstance(answered, Verdict):
            record.keep(number, answered)
            on_verdict(answered)
        on_progress(f"{len(answers)} of {count}")
    return [answers[number] for number in range(count)]


def answer(question: AnyQuestion | Refused, runner: Runner, on_progress: OnProgress = lambda stage: None) -> Answer:
    """Answer one question. A question that cannot be answered is refused and does not stop the others."""
    if isinstance(question, Refused):
        return question
    try:
        if isinstance(question, ProceduralQuestion):
            from attnspec.verification.procedures.verifier import ProceduralVerifier  # late: it loads Hypothesis

            verdict = ProceduralVerifier(question, runner, on_progress).verdict()
        else:
            verdict = _judged(question, runner, on_progress)
    except SpecError as error:
        verdict = question.without_judging(VerdictKind.NOT_RUN, reason_of(error))
        return Refused(error, replace(verdict, mend=error.mend))
    if verdict.verdict is VerdictKind.MISBEHAVES:
        runner.close()  # what it left behind in its process would be blamed on the next candidate
    return verdict


def _judged(question: Question, runner: Runner, on_progress: OnProgress) -> Verdict:
    asked = asked_of(question, runner, on_progress)
    return asked if isinstance(asked, Verdict) else asked.verdict()


def asked_of(
    question: Question, runner: Runner, on_progress: OnProgress = lambda stage: None
) -> EquationVerifier | Verdict:
    """What answers a question, with the framework and the dtype that the candidate takes; or why it is not run."""
    claim = question.claim
    if claim.dtypes is not None and question.dtype not in claim.dtypes:
        reason = f"{question.dtype} is not claimed; claimed are {', '.join(claim.dtypes)}"
        return question.without_judging(VerdictKind.NOT_RUN, reason)
    if question.device.split(":")[0] not in claim.devices:
        reason = f"{question.device} is not claimed; claimed are {', '.join(claim.devices)}"
        return question.without_judging(VerdictKind.NOT_RUN, reason)
    if question.any_framework:
        question = with_framework_that_runs(question, runner)
    if question.any_dtype:
        question = with_output_dtype(question, runner)
    return EquationVerifier(question, runner, on_progress)


def report_of(
    shown: str,
    options: VerifyOptions,
    answers: Sequence[Answer],
    failures: Sequence[TargetError],
    on_verdict: OnVerdict,
) -> Report:
    """Verdicts in order, refused questions last. If all of a target are refused for one reason, its error is raised."""
    verdicts = [each for each in answers if isinstance(each, Verdict)]
    refused = [each for each in answers if isinstance(each, Refused)]
    if not (verdicts or failures or options.share) and len({str(each.error) for each in refused}) == 1:
        raise refused[0].error
    failures = failures if _is_first(options) else ()
    notes = [f"not imported: {failure.headline}" for failure in failures]
    notes += [f"not judged: {each.error.headline}" for each in refused]
    missing = [not_run(shown, options, f"{failure.headline}: {failure.given}") for failure in failures]
    return _complete(verdicts, notes, [*(each.verdict for each in refused), *missing], on_verdict)


def report_of_missing(
    shown: str, options: VerifyOptions, error: MissingPackage, seconds: float, on_verdict: OnVerdict
) -> Report:
    """The report on a target that needs a package which is not installed."""
    reason = f"the package {error.missing} is not installed"
    missing = [not_run(shown, options, reason, seconds)] if _is_first(options) else []
    return _complete([], [], missing, on_verdict)


def _complete(verdicts: list[Verdict], notes: list[str], last: list[Verdict], on_verdict: OnVerdict) -> Report:
    for verdict in last:
        on_verdict(verdict)
    return Report((*verdicts, *last), tuple(notes))


def _is_first(options: VerifyOptions) -> bool:
    """Whether what is not about a single question is reported here: of several shares, by the one that begins."""
    return options.share is None or options.share[0] == 0
