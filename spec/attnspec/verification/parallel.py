"""Questions of one target answered in several processes, each with its own sandbox for candidates.

A process takes one question at a time, so that the last ones to finish are short.
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
from attnspec.verification.options import VerifyOptions
from attnspec.verification.questions import AnyQuestion
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import Target
from attnspec.verification.session import Answer, answer, load_questions, prepared, runner_of
from attnspec.verification.targeting import parse_target

Task = tuple[int, int]
"""The number of a question, and a seed."""


def count_questions(target: Callable[..., Any] | str | Target, options: VerifyOptions) -> int:
    """How many questions a target raises; 0 if a part of it cannot be imported."""
    shown, aim = prepared(target, options)
    with runner_of(options) as runner:
        to_answer = load_questions(shown, aim, options, runner)
        return 0 if runner.failures else len(to_answer)


def answered_in_processes(
    target: Callable[..., Any] | str | Target,
    options: VerifyOptions,
    jobs: int,
    tasks: Sequence[Task],
    fresh: int | None = None,
) -> Iterator[tuple[Task, Answer]]:
    """Answer each task in one of several processes, in any order.

    The processes are spawned, since this process may have threads. They end with the last answer, or when
    the iterator is closed.

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
    """A target in a worker process: loaded for its first question, and again after a number of answers."""

    aim: tuple[str, Target]
    options: VerifyOptions
    fresh: int | None
    runner: Runner = field(init=False)
    to_answer: list[AnyQuestion | Refused] = field(default_factory=list)
    answered: int = 0

    def __post_init__(self) -> None:
        self.runner = runner_of(self.options)
        atexit.register(self.runner.close)

    def answer(self, task: Task) -> Answer:
        """Answer one question."""
        if not self.to_answer or (self.fresh and self.answered % self.fresh == 0):
            prepared(self.aim[1], self.options)
            self.to_answer = load_questions(*self.aim, self.options, self.runner)
        self.answered += 1
        number, seed = task
        question = self.to_answer[number]
        return answer(question if isinstance(question, Refused) else replace(question, seed=seed), self.runner)


_worker: _Worker | None = None


def _start(aim: tuple[str, Target], options: VerifyOptions, fresh: int | None) -> None:
    """Prepare a worker process. Nothing is loaded yet, since an error here would have no message."""
    global _worker
    _worker = _Worker(aim, options, fresh)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answered(task: Task) -> Answer:
    assert _worker is not None
    return _worker.answer(task)
