"""Questions of one target answered in several processes, each with a sandbox of its own for the candidates.

What a process takes is one question, one claim in one dtype, so that the last ones to finish are short.
"""

from __future__ import annotations

import atexit
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

from attnspec.verification.candidate.question import Refused
from attnspec.verification.options import VerifyOptions, validate
from attnspec.verification.questions import AnyQuestion
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import Target
from attnspec.verification.session import Answer, answer, asked_of, runner_of
from attnspec.verification.targeting import parse_target

Task = tuple[int, int]
"""The number of a question, and a seed."""


def count_questions(target: Callable[..., Any] | str | Target, options: VerifyOptions) -> int:
    """How many questions a target raises; 0 where some part of it cannot be imported."""
    validate(options)
    shown, aim = parse_target(target)
    with runner_of(options) as runner:
        asked = asked_of(shown, aim, options, runner)
        return 0 if runner.failures else len(asked)


def answered_in_processes(
    target: Callable[..., Any] | str | Target,
    options: VerifyOptions,
    jobs: int,
    tasks: Sequence[Task],
    fresh: int | None = None,
) -> Iterator[tuple[Task, Answer]]:
    """Answer each task in one of several processes, in no particular order.

    The processes are spawned, for this one may have threads; they end with the last answer, or when it is not wanted.

    Args:
        jobs: how many processes.
        fresh: after so many answers a process loads the target anew, for candidates that keep what they have compiled.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    aim = parse_target(target)
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(aim, options, fresh))
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


# In each process.


@dataclass
class _Worker:
    """A target, loaded when its first question comes, and anew after so many answers."""

    aim: tuple[str, Target]
    options: VerifyOptions
    fresh: int | None
    runner: Runner = field(init=False)
    asked: list[AnyQuestion | Refused] = field(default_factory=list)
    answered: int = 0

    def __post_init__(self) -> None:
        self.runner = runner_of(self.options)
        atexit.register(self.runner.close)

    def answer(self, task: Task) -> Answer:
        """One question."""
        if not self.asked or (self.fresh and self.answered % self.fresh == 0):
            validate(self.options)
            self.asked = asked_of(*self.aim, self.options, self.runner)
        self.answered += 1
        number, seed = task
        question = self.asked[number]
        return answer(question if isinstance(question, Refused) else replace(question, seed=seed), self.runner)


_worker: _Worker | None = None


def _start(aim: tuple[str, Target], options: VerifyOptions, fresh: int | None) -> None:
    """Load nothing yet: what fails here would have no message. An interruption is the parent's business."""
    global _worker
    _worker = _Worker(aim, options, fresh)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answered(task: Task) -> Answer:
    assert _worker is not None
    return _worker.answer(task)
