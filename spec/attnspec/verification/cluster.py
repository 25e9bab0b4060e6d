"""Questions answered on the workers of a cluster of dask.distributed.

A question is answered by the same code as here, so an answer does not depend on where it was reached. Each is kept
under its number, so that one which is reached twice counts once. What a worker that ends was doing is given to another
one; what nobody answers is answered here. A worker keeps the target of its last question loaded.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from attnspec.errors import SpecError
from attnspec.language import definitions
from attnspec.verification.candidate.sources import sources_of
from attnspec.verification.environment import own_source_digest, software
from attnspec.verification.options import VerifyOptions
from attnspec.verification.parallel import Loaded
from attnspec.verification.session import Answer, report_of, run
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Report, Verdict

CONNECT_S = 20.0
"""How long a scheduler may take to reply."""

NO_WORKERS_S = 60.0
"""How long a cluster may be without workers, before the other questions are answered here."""

STRAGGLER_S, STRAGGLER_TIMES = 120.0, 4.0
"""The last questions are given to a second worker if none was answered for this long, and for this many times as long
as the longest one took."""

MOST_LOSSES = 10
"""How many workers may end with a question before it is taken for the cause."""

POLL_S = 0.1

IDLE_S = 60.0
"""How long a worker keeps a target loaded that it is not asked about."""

SURVEY = -1
"""In place of the number of a question: how many there are."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker needs to answer the questions of a target.

    Attributes:
        target: the target, relative to the folder.
        options: the options of `attnspec.verify`.
        definitions: the files and modules that define equations of the project.
        folder: the folder in which the gate runs; a worker without it stays in its own.
        software: the versions here, and a digest of attnspec.
        sources: {file of the candidate, from the folder: digest of its content}.
        run: a name of the run; what is loaded is of use to it alone.
    """

    target: str
    options: VerifyOptions
    definitions: tuple[str, ...]
    folder: str
    software: Mapping[str, str]
    sources: Mapping[str, str]
    run: str = ""

    @classmethod
    def of(cls, target: str, options: VerifyOptions, places: Sequence[str], run: str = "") -> Work:
        """The work of a target in the current folder."""
        here = os.getcwd()
        found = _from(here, _sources(target, [*places, *options.equations]))
        return cls(target, options, tuple(places), here, _software(), found, run)


@cache
def _software() -> Mapping[str, str]:
    """The versions here, and a digest of attnspec, as they are when this process first asks: what it has imported."""
    return {**software(), "source of attnspec": own_source_digest()[:12]}


def _sources(target: str, places: Sequence[str]) -> dict[str, str]:
    return sources_of(parse_target(target)[1], places).files


def _from(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {os.path.relpath(file, folder): digest for file, digest in files.items()}


# On a worker.

_alone = threading.Lock()
"""Candidates are loaded in the current folder, which belongs to the process: one question at a time."""

_imported: dict[str, str] = {}
"""{file of equations that this process has imported: its digest then}; a file is imported once in a process."""

_kept: tuple[Work, Loaded] | None = None
"""What is loaded."""

_asked = 0
"""How many questions were asked here."""


def _done(work: Work, number: int) -> Answer | int | Report | SpecError:
    """Answer a question; for `SURVEY`, say how many there are, or give the report if it has no two questions."""
    try:
        with _alone, _at_home(work):
            try:
                return _surveyed(work) if number == SURVEY else _loaded(work).answer((0, number, work.options.seed))
            finally:
                _let_go_later()
    except SpecError as error:
        return error


def _loaded(work: Work) -> Loaded:
    """The target of a work, which stays loaded for other questions about it, in any seed."""
    global _kept
    alike = replace(work, options=replace(work.options, seed=0))
    if _kept is None or _kept[0] != alike:
        _let_go()
        _kept = alike, Loaded([(work.target, work.options)])
    return _kept[1]


def _let_go_later() -> None:
    """End what is loaded when no other question has come for a while."""
    global _asked
    _asked += 1
    timer = threading.Timer(IDLE_S, _let_go_since, [_asked])
    timer.daemon = True
    timer.start()


def _let_go_since(asked: int) -> None:
    """End what is loaded, unless there was another question."""
    with _alone:
        if asked == _asked:
            _let_go()


def _let_go() -> None:
    global _kept
    if _kept is not None:
        _kept[1].close()
        _kept = None


def _surveyed(work: Work) -> int | Report:
    """How many questions there are; the report, if there are fewer than two or a part cannot be imported."""
    try:
        loaded = _loaded(work)
        count = len(loaded.questions(0))
        count = 0 if loaded.runner(0).failures else count
    except SpecError:
        count = 0  # `run` makes a verdict of it, or raises it
    return count if count > 1 else run(work.target, work.options)


@contextmanager
def _at_home(work: Work) -> Iterator[None]:
    """The folder of the gate, with the equations of the project, if all is as it is there.

    Raises:
        SpecError: the software or a file is another one.
    """
    before = os.getcwd()
    if Path(work.folder).is_dir():
        os.chdir(work.folder)
    files: dict[str, str] = {}
    try:
        files = _sources(work.target, [*work.definitions, *work.options.equations])
        as_read = {file: _imported.get(file, digest) for file, digest in files.items()}
        here = {**_software(), **_from(os.getcwd(), as_read)}
        there = {**work.software, **work.sources}
        others = [name for name in {**there, **here} if there.get(name) != here.get(name)]
        if others:
            raise SpecError(
                f"a worker of the cluster has other {', '.join(others[:5])}",
                given=", ".join(f"{name}: {here.get(name, 'none')[:12]}" for name in others[:5]),
                expected=", ".join(f"{name}: {there.get(name, 'none')[:12]}" for name in others[:5]),
                mend="start the workers in the same environment, and in the same checkout; after a change of equations "
                "or of attnspec, start them anew",
            )
        definitions.load(work.definitions)
        yield
    finally:
        known = {getattr(module, "__file__", None) for module in [*sys.modules.values()]}
        _imported.update({file: digest for file, digest in files.items() if file in known and file not in _imported})
        os.chdir(before)


# Here.

Key = tuple[int, int]
"""The place of a target, and the number of a question or `SURVEY`."""


@dataclass
class Cluster:
    """A cluster of dask.distributed.

    Attributes:
        address: the address of its scheduler, such as tcp://host:8786.
        notice: called with a line on what was lost.
    """

    address: str
    notice: Callable[[str], None] = lambda line: None
    client: Any = None

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            SpecError: the package distributed is not installed, or there is no scheduler.
        """
        try:
            from distributed import Client
        except ImportError as error:
            mend = "pip install attnspec[dask]"
            raise SpecError("the package distributed is not installed", given=str(error), mend=mend) from error
        try:
            self.client = Client(self.address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            mend = "dask scheduler prints its address when it starts"
            raise SpecError("no scheduler of dask at this address", given=self.address, mend=mend) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.client.close(timeout=2)

    def reports(
        self, targets: Sequence[tuple[str, VerifyOptions]], places: Sequence[str] = ()
    ) -> Iterator[Report | SpecError]:
        """The report on each target, or the error that `attnspec.verify` raises, in order.

        Args:
            targets: the targets with their options.
            places: files and modules that define equations of the project.
        """
        run = uuid4().hex
        works = [Work.of(target, options, places, run) for target, options in targets]
        asked = _Asked(self, works)
        for place in range(len(works)):
            asked.submit((place, SURVEY))
        for place in range(len(works)):
            yield asked.report(place)


@dataclass
class _Asked:
    """The questions of a run: what was submitted, and what is answered."""

    cluster: Cluster
    works: Sequence[Work]
    results: dict[Key, Any] = field(default_factory=dict)
    futures: dict[Any, Key] = field(default_factory=dict)
    losses: Counter[Key] = field(default_factory=Counter)
    doubled: set[Key] = field(default_factory=set)
    longest: float = 0.0
    changed: float = field(default_factory=time.monotonic)
    worked: float = field(default_factory=time.monotonic)
    is_lost: bool = False

    def report(self, place: int) -> Report | SpecError:
        """The report on a target, as soon as all of its questions are answered."""
        count = self.result((place, SURVEY))
        if not isinstance(count, int):
            found: Report | SpecError = count
            return found
        answers = [self.result((place, number)) for number in range(count)]
        error = next((each for each in answers if isinstance(each, SpecError)), None)
        if error is not None:
            return error
        work = self.works[place]
        try:
            return report_of(work.target, work.options, answers, (), lambda verdict: None)
        except SpecError as refused:
            return refused

    def result(self, key: Key) -> Any:
        """The result of a question, waited for; reached here if the cluster is lost."""
        while key not in self.results:
            if self.is_lost:
                self.take(key, _done(self.works[key[0]], key[1]))
            elif not self.collect():
                self.look_after()
                time.sleep(POLL_S)
        return self.results[key]

    def submit(self, key: Key) -> None:
        """Give a question to the cluster; one for a GPU to a worker that has one."""
        work = self.works[key[0]]
        needs = {"GPU": 1} if (work.options.device or "").startswith("cuda") and self.has_gpus() else None
        name = f"attnspec-{id(self)}-{key[0]}-{key[1]}-{time.monotonic_ns()}"
        future = self.cluster.client.submit(_done, work, key[1], key=name, pure=False, resources=needs)
        self.futures[future] = key

    def collect(self) -> bool:
        """Take what is done; whether anything was."""
        done = [future for future in self.futures if future.done()]
        for future in done:
            key = self.futures.pop(future)
            if key not in self.results and not self.is_lost:
                self.settle(key, future)
        return bool(done)

    def settle(self, key: Key, future: Any) -> None:
        """Take a result, or give the question to another worker if its worker has ended.

        Raises:
            SpecError: a worker has no attnspec.
        """
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            self.take(key, future.result(timeout=CONNECT_S))
        except (KilledWorker, FutureCancelledError, TimeoutError, OSError) as error:
            self.losses[key] += 1
            if self.cluster.client.status != "running":
                self.lose("the scheduler is lost")
            elif self.losses[key] < MOST_LOSSES:
                self.submit(key)
            else:
                why = f"{self.losses[key]} times its workers ended: {type(error).__name__}"
                self.take(key, SpecError(f"{self.works[key[0]].target} is not answered on the cluster", given=why))
        except ModuleNotFoundError as error:
            mend = "install the same attnspec there"
            raise SpecError("a worker of the cluster cannot import attnspec", given=str(error), mend=mend) from error

    def take(self, key: Key, result: Any) -> None:
        """Keep a result. The number of questions of a target brings these questions."""
        self.changed = time.monotonic()
        self.results[key] = result
        if isinstance(result, Verdict):
            self.longest = max(self.longest, result.seconds)
        if key[1] == SURVEY and isinstance(result, int) and not self.is_lost:
            for number in range(result):
                self.submit((key[0], number))

    def look_after(self) -> None:
        """Notice a scheduler that is lost, a cluster without workers, and the last questions if they take too long."""
        now, client = time.monotonic(), self.cluster.client
        if client.status != "running":
            self.lose("the scheduler is lost")
            return
        workers = client.scheduler_info()["workers"]
        self.worked = now if workers else self.worked
        if now - self.worked > NO_WORKERS_S:
            self.lose(f"no worker for {NO_WORKERS_S:.0f} s")
            return
        left = set(self.futures.values()) - self.doubled
        patience = max(STRAGGLER_S, STRAGGLER_TIMES * self.longest)
        if len(left) <= sum(worker["nthreads"] for worker in workers.values()) and now - self.changed > patience:
            for key in left:
                self.submit(key)
            self.doubled |= left

    def lose(self, why: str) -> None:
        """Answer here what is not answered yet."""
        if not self.is_lost:
            self.is_lost = True
            self.cluster.notice(f"{self.cluster.address}: {why}; what is not answered yet is answered here")

    def has_gpus(self) -> bool:
        """Whether a worker has the resource GPU."""
        workers = self.cluster.client.scheduler_info()["workers"].values()
        return any(worker.get("resources", {}).get("GPU") for worker in workers)
