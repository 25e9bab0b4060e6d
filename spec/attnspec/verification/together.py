"""Several targets verified together: the questions about one equation in one dtype follow each other.

Most of the work on them is the same, whichever targets they are of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from attnspec.errors import SpecError, TargetError
from attnspec.verification.candidate.question import Refused
from attnspec.verification.parallel import HeldError, Loaded, Targets, Task, answered_in_processes, in_groups
from attnspec.verification.questions import AnyQuestion
from attnspec.verification.sandbox.targets import MissingPackage
from attnspec.verification.session import (
    Answer,
    OnProgress,
    OnVerdict,
    Record,
    prepared,
    report_of,
    report_of_missing,
)
from attnspec.verification.verdict import Report, Verdict


def run_together(
    targets: Targets,
    *,
    jobs: int = 1,
    records: Sequence[Record] = (),
    on_verdict: OnVerdict = lambda verdict: None,
    on_progress: OnProgress = lambda stage: None,
) -> list[Report | SpecError]:
    """The report on each target, or the error that `attnspec.verify` raises; they are those of each target alone.

    Args:
        targets: the targets with their options.
        jobs: how many processes answer.
        records: where the verdicts on each target are kept; those that it has are not reached again.
        on_verdict: called with each verdict as soon as it is there, in any order.
        on_progress: called with how many questions are answered, and in one process with the stage of each.
    """
    loaded = Loaded(targets)
    reports: dict[int, Report | SpecError] = {}
    questions: dict[int, list[AnyQuestion | Refused]] = {}
    failures: dict[int, Sequence[TargetError]] = {}
    answers: dict[Task, Answer] = {}
    try:
        for place, (target, options) in enumerate(targets):
            on_progress("loading")
            started = time.monotonic()
            try:
                questions[place] = loaded.questions(place)
                failures[place] = loaded.runner(place).failures
            except MissingPackage as error:
                shown = prepared(target, options)[0]
                reports[place] = report_of_missing(shown, options, error, time.monotonic() - started, on_verdict)
            except SpecError as error:
                reports[place] = error
        for place, asked in questions.items():
            for number, verdict in records[place].earlier.items() if records else ():
                if number < len(asked):
                    answers[place, number, targets[place][1].seed] = verdict
                    on_verdict(verdict)
        tasks = in_groups(questions, [options.seed for _, options in targets])
        groups = [left for group in tasks if (left := [task for task in group if task not in answers])]
        count = sum(map(len, tasks))
        for task, answered in _answered(loaded, groups, min(jobs, len(groups)), on_progress):
            answers[task] = answered
            if isinstance(answered, Verdict):
                if records:
                    records[task[0]].keep(task[1], answered)
                on_verdict(answered)
            on_progress(f"{len(answers)} of {count}")
    finally:
        loaded.close()
    for place, asked in questions.items():
        shown, options = prepared(*targets[place])[0], targets[place][1]
        given = [answers[place, number, options.seed] for number in range(len(asked))]
        try:
            reports[place] = report_of(shown, options, given, failures[place], on_verdict)
        except SpecError as error:
            reports[place] = error
    return [reports[place] for place in range(len(targets))]


def _answered(
    loaded: Loaded, groups: Sequence[Sequence[Task]], jobs: int, on_progress: OnProgress
) -> Iterator[tuple[Task, Answer]]:
    if jobs > 1:
        loaded.close()
        yield from answered_in_processes(loaded.targets, jobs, groups)
        return
    held = HeldError()
    for task in (task for group in groups for task in group):
        with held:
            answer = loaded.answer(task, on_progress)
            yield task, answer
    held.throw()
