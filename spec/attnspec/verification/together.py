"""Several targets verified together: the questions about one equation in one dtype follow each other.

Most of the work on them is the same, whichever targets they are of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnspec.errors import SpecError
from attnspec.verification.candidate.question import Refused
from attnspec.verification.parallel import Loaded, Targets, Task, answered_in_processes, in_groups
from attnspec.verification.questions import AnyQuestion
from attnspec.verification.session import Answer, OnProgress, OnVerdict, prepared, report_of, run
from attnspec.verification.verdict import Report, Verdict


def run_together(
    targets: Targets,
    *,
    jobs: int = 1,
    on_verdict: OnVerdict = lambda verdict: None,
    on_progress: OnProgress = lambda stage: None,
) -> list[Report | SpecError]:
    """The report on each target, or the error that `attnspec.verify` raises; they are those of each target alone.

    Args:
        targets: the targets with their options.
        jobs: how many processes answer.
        on_verdict: called with each verdict as soon as it is there, in any order.
        on_progress: called with how many questions are answered, and in one process with the stage of each.
    """
    loaded = Loaded(targets)
    reports: dict[int, Report | SpecError] = {}
    questions: dict[int, list[AnyQuestion | Refused]] = {}
    try:
        for place in range(len(targets)):
            on_progress("loading")
            try:
                asked = loaded.questions(place)
                failed = loaded.runner(place).failures
            except SpecError:
                asked, failed = [], ()
            if asked and not failed:
                questions[place] = asked
                continue
            try:  # it finds out again what is wrong, and says it
                reports[place] = run(*targets[place], on_verdict=on_verdict)
            except SpecError as error:
                reports[place] = error
        answers: dict[Task, Answer] = {}
        groups = in_groups(questions, [options.seed for _, options in targets])
        count = sum(map(len, groups))
        for task, answered in _answered(loaded, groups, min(jobs, len(groups)), on_progress):
            answers[task] = answered
            if isinstance(answered, Verdict):
                on_verdict(answered)
            on_progress(f"{len(answers)} of {count}")
    finally:
        loaded.close()
    for place, asked in questions.items():
        shown, options = prepared(*targets[place])[0], targets[place][1]
        given = [answers[place, number, options.seed] for number in range(len(asked))]
        try:
            reports[place] = report_of(shown, options, given, (), on_verdict)
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
    for task in (task for group in groups for task in group):
        yield task, loaded.answer(task, on_progress)
