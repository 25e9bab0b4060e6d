"""Questions answered in several processes, each with its own sandboxes for candidates.

A process takes a group of questions at a time: those about one equation in one dtype, whichever targets they are of,
since most of the work on them is the same.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, TypeVar

from attnspec.verification import session
from attnspec.verification.candidate.question import Question, Refused
from attnspec.verification.options import VerifyOptions
from attnspec.verification.questions import AnyQuestion
from attnspec.verification.sandbox.runner import Runner, WorkerError
from attnspec.verification.sandbox.targets import Target
from attnspec.verification.session import Answer, OnProgress, load_questions, prepared, runner_of
from attnspec.verification.targeting import parse_target

Task = tuple[int, int, int]
"""The place of a target, the number of a question of it, and a seed."""

Group = TypeVar("Group")
Result = TypeVar("Result")

Targets = Sequence[tuple[Callable[..., Any] | str | Target, VerifyOptions]]

MOST_OPEN = 4
"""So many targets have a process for their candidates at a time; another one ends that which was not used longest."""


def count_questions(target: Callable[..., Any] | str | Target, options: VerifyOptions) -> int:
    """How many questions a target raises; 0 if a part of it cannot be imported."""
    shown, aim = prepared(target, options)
    with runner_of(options) as runner:
        to_answer = load_questions(shown, aim, options, runner)
        return 0 if runner.failures else len(to_answer)


@dataclass
class Loaded:
    """Targets that are loaded in this process, each when its first question is asked.

    Attributes:
        targets: the targets with their options.
        fresh: after so many answers a target is loaded anew, for candidates that keep what they have compiled.
    """

    targets: Targets
    fresh: int | None = None
    _runners: dict[int, Runner] = field(default_factory=dict)
    _questions: dict[int, list[AnyQuestion | Refused]] = field(default_factory=dict)
    _answered: int = 0

    def __post_init__(self) -> None:
        atexit.register(self.close)

    def close(self) -> None:
        """End the processes of all candidates."""
        for runner in self._runners.values():
            runner.close()
        atexit.unregister(self.close)

    def runner(self, place: int) -> Runner:
        """The runner of a target; the ones that were not used lately are closed, until they are used again."""
        found = self._runners.pop(place, None) or runner_of(self.targets[place][1])
        self._runners[place] = found  # the last one
        for early in [*self._runners.values()][:-MOST_OPEN]:
            early.close()
        return found

    def aim(self, place: int) -> Target:
        """A target in parsed form."""
        return parse_target(self.targets[place][0])[1]

    def questions(self, place: int) -> list[AnyQuestion | Refused]:
        """The questions of a target.

        Raises:
            TargetError, UnknownName, BindingError, SpecError: as `attnspec.verify` does.
        """
        if place not in self._questions:
            shown, aim = prepared(*self.targets[place])
            self._questions[place] = load_questions(shown, aim, self.targets[place][1], self.runner(place))
        return self._questions[place]

    def answer(self, task: Task, on_progress: OnProgress = lambda stage: None) -> Answer:
        """Answer one question."""
        place, number, seed = task
        if self.fresh and self._answered and self._answered % self.fresh == 0:
            self._questions.clear()
        self._answered += 1
        question = self.questions(place)[number]
        if isinstance(question, Refused):
            return question
        try:
            return session.answer(replace(question, seed=seed), self.runner(place), on_progress)
        except Exception as error:  # ours: it would be hard to find again
            error.add_note(f"{_id(question)}, {question.implementation}, seed {seed}")
            raise


def _id(question: AnyQuestion) -> str:
    """What a question is about."""
    return f"{question.equation.id} in {question.dtype}" if isinstance(question, Question) else question.procedure.id


def in_groups(questions: Mapping[int, Sequence[AnyQuestion | Refused]], seeds: Sequence[int]) -> list[list[Task]]:
    """Tasks of all questions, in groups that are about one equation in one dtype.

    Args:
        questions: {place of a target: its questions}.
        seeds: the seed of each target.
    """
    groups: dict[object, list[Task]] = {}
    for place, asked in questions.items():
        for number, question in enumerate(asked):
            alike = (question.equation.id, question.dtype) if isinstance(question, Question) else (place, number)
            groups.setdefault(alike, []).append((place, number, seeds[place]))
    return [*groups.values()]


def answered_in_processes(
    targets: Targets, jobs: int, groups: Sequence[Sequence[Task]], fresh: int | None = None
) -> Iterator[tuple[Task, Answer]]:
    """Answer each task in one of several processes; a group in one of them, the groups in any order.

    Args:
        targets: the targets with their options.
        jobs: how many processes.
        groups: the tasks.
        fresh: after so many answers a process loads its targets anew, for candidates that keep what they have compiled.
    """
    for group, answers in done_in_processes(targets, jobs, groups, _answers, fresh):
        yield from zip(group, answers, strict=True)


def done_in_processes(
    targets: Targets,
    jobs: int,
    groups: Sequence[Group],
    work: Callable[[Loaded, Group], Result],
    fresh: int | None = None,
) -> Iterator[tuple[Group, Result]]:
    """Do some work on each group in one of several processes, which keep their targets loaded; in any order.

    The processes are spawned, since this process may have threads. They end with the last result, or when
    the iterator is closed. An error in one group is raised after the others are done, unless no worker can start.

    Args:
        targets: the targets with their options.
        jobs: how many processes.
        groups: what the work is done on.
        work: a function that can be pickled.
        fresh: after so many answers a process loads its targets anew.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    aims = [(parse_target(target)[1], options) for target, options in targets]
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(aims, fresh))
    try:
        waiting = {pool.submit(_done, work, group): group for group in groups}
        held = HeldError()
        for future in as_completed(waiting):
            with held:
                result = future.result()
                yield waiting[future], result
        held.throw()
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class HeldError:
    """Holds the first error of several independent steps, each in a `with`, until all are done."""

    error: Exception | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if not isinstance(error, Exception) or isinstance(error, WorkerError | BrokenExecutor):
            return False  # the next step would not end otherwise
        self.error = self.error or error
        return True

    def throw(self) -> None:
        """Raise the error, if there is one."""
        if self.error is not None:
            raise self.error


# In each process.

_loaded: Loaded | None = None


def _start(targets: Targets, fresh: int | None) -> None:
    """Prepare a worker process. Nothing is loaded yet, since an error here would have no message."""
    global _loaded
    _loaded = Loaded(targets, fresh)
    threading.Thread(target=_end_with_parent, args=(_loaded,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with_parent(loaded: Loaded) -> None:
    """End this process, and its candidates, when the one that started it was killed: nobody waits for an answer."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    loaded.close()
    os._exit(1)


def _done(work: Callable[[Loaded, Group], Result], group: Group) -> Result:
    assert _loaded is not None
    return work(_loaded, group)


def _answers(loaded: Loaded, group: Sequence[Task]) -> list[Answer]:
    return [loaded.answer(task) for task in group]
