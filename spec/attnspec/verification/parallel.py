"""Questions shared out among processes, each with a worker of its own for the candidates.

What is shared out are single questions, one claim in one dtype, so that the last ones to finish are short.
"""

from __future__ import annotations

import atexit
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

from attnspec.verification.api import Tick, verify
from attnspec.verification.options import VerifyOptions, _dtypes, check
from attnspec.verification.questions import AnyQuestion, questions
from attnspec.verification.sandbox.runner import MissingPackage, Runner
from attnspec.verification.session import Refused, _answer
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Report, Verdict

LIMITS = ("time_limit", "memory_bytes")


Task = tuple[int, int]
"""The number of a question, and a seed."""


def verify_shared(
    target: str, options: Mapping[str, Any], jobs: int, *, on_verdict: Callable[[Verdict], None], tick: Tick
) -> Report:
    """As `attnspec.verify` does it, in several processes: the same verdicts, in the same order in the report.

    Args:
        options: as `attnspec.verify` takes them.
        on_verdict: called with each verdict as it falls, in no particular order.

    Raises:
        TargetError, UnknownName, BindingError: as `attnspec.verify` does.
    """
    count = counted(target, options) if jobs > 1 else 1
    if count < 2:
        return verify(target, **options, on_verdict=on_verdict, tick=tick)
    answers: dict[Task, Verdict | Refused] = {}
    tasks = [(number, options["seed"]) for number in range(count)]
    for task, answer in shared_out(target, options, min(jobs, count), tasks):
        answers[task] = answer
        if isinstance(answer, Verdict):
            on_verdict(answer)
        tick(f"{len(answers)} of {count}")
    return _report([answers[task] for task in tasks], on_verdict)


def _report(answers: Sequence[Verdict | Refused], on_verdict: Callable[[Verdict], None]) -> Report:
    """What could not be asked comes last; where that is all, for one reason, the reason is raised."""
    verdicts = [each for each in answers if isinstance(each, Verdict)]
    refused = [each for each in answers if isinstance(each, Refused)]
    if not verdicts and len({str(each.error) for each in refused}) == 1:
        raise refused[0].error
    for each in refused:
        on_verdict(each.verdict)
    notes = tuple(f"not asked: {each.error.headline}" for each in refused)
    return Report((*verdicts, *(each.verdict for each in refused)), notes)


def counted(target: str, options: Mapping[str, Any]) -> int:
    """How many questions there are; 0 where a part of the target cannot be imported, which one process tells."""
    check(_wanted(options))
    with _runner(options) as runner:
        try:
            asked = _questions(target, options, runner)
        except MissingPackage:
            return 0
        return 0 if runner.failures else len(asked)


def shared_out(
    target: str, options: Mapping[str, Any], jobs: int, tasks: Sequence[Task], fresh: int | None = None
) -> Iterator[tuple[Task, Verdict | Refused]]:
    """Each question of a target with the seed that goes with it, answered in one of several processes.

    The processes are new ones, for this one may have threads; they end with the last answer, or when it is not wanted.

    Args:
        fresh: after so many answers a process loads the target anew, where candidates keep what they have compiled.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(target, dict(options), fresh))
    try:
        waiting = {pool.submit(_answered, task): task for task in tasks}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class Session:
    """A target, loaded when it is first asked about, and anew after so many answers."""

    target: str
    options: Mapping[str, Any]
    fresh: int | None
    runner: Runner = field(init=False)
    asked: list[AnyQuestion | Refused] = field(default_factory=list)
    answered: int = 0

    def __post_init__(self) -> None:
        self.runner = _runner(self.options)
        atexit.register(self.runner.close)

    def answer(self, task: Task) -> Verdict | Refused:
        """One question."""
        if not self.asked or (self.fresh and self.answered % self.fresh == 0):
            check(_wanted(self.options))
            self.asked = _questions(self.target, self.options, self.runner)
        self.answered += 1
        number, seed = task
        question = self.asked[number]
        return _answer(question if isinstance(question, Refused) else replace(question, seed=seed), self.runner, None)


_session: Session | None = None


def _start(target: str, options: Mapping[str, Any], fresh: int | None) -> None:
    """Load nothing yet: what fails here would have no message. An interruption is the parent's business."""
    global _session
    _session = Session(target, options, fresh)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answered(task: Task) -> Verdict | Refused:
    assert _session is not None
    return _session.answer(task)


def _wanted(options: Mapping[str, Any]) -> VerifyOptions:
    rest = {name: value for name, value in options.items() if name not in (*LIMITS, "dtype")}
    return VerifyOptions(**rest, dtypes=_dtypes(options.get("dtype")))


def _runner(options: Mapping[str, Any]) -> Runner:
    return Runner(**{name: options[name] for name in LIMITS if name in options})


def _questions(target: str, options: Mapping[str, Any], runner: Runner) -> list[AnyQuestion | Refused]:
    shown, aim = parse_target(target)
    found = runner.load(aim)
    return [] if runner.failures and not found else list(questions(found, shown, _wanted(options)))
