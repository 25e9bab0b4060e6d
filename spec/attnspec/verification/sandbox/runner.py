"""Run candidates in a process of their own, and survive whatever they do there.

    with Runner(time_limit=10) as runner:
        [gru] = runner.load(File("my_gru.py", "gru"))
        plan = bind(gru.parameters, ["x", "h"])
        [outcome] = runner.call_many([Request(gru.name, {"x": x, "h": h}, framework="torch", call_by=plan)])

The parent imports nothing of the candidate's, and reads only JSON and raw numbers from its process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Self

from attnspec.errors import TargetError
from attnspec.verification.sandbox.messages import (
    Begun,
    Load,
    Loaded,
    LoadFailure,
    Outcome,
    PlainRequest,
    Ready,
    Reply,
    Request,
    Status,
    Trouble,
)
from attnspec.verification.sandbox.out_of_memory import mentions_out_of_memory
from attnspec.verification.sandbox.process import Process, ReplyTimeout, WorkerEnded, import_path
from attnspec.verification.sandbox.targets import CallableInfo, File, Target
from attnspec.verification.sandbox.templates import TEMPLATES

MAX_IN_FLIGHT = 2
"""How many calls a worker has at once: it computes one while the parent judges the one before."""


class WorkerError(Exception):
    """The process for the candidate could not be started. The candidate is not at fault.

    The commands end with exit code 3.

    Examples:
        >>> import attnspec
        >>> issubclass(attnspec.WorkerError, attnspec.SpecError)
        False
    """


class Runner:
    """A worker process with one target loaded; a context manager that ends the process.

    Args:
        memory_bytes: the memory that a candidate may hold above what its imports took; None stands for 8 GiB, or half
            of the machine's memory if that is less.
        time_limit: how long one call may take, in seconds.
        start_limit: how long importing a target may take, and starting a framework and a device, in seconds.
        show_output: whether what the candidate prints is shown on the standard error.

    Attributes:
        time_limit: how long one call may take, in seconds.
        failures: the submodules of a loaded package that could not be imported; the rest of it can be called.
    """

    def __init__(
        self,
        *,
        memory_bytes: int | None = None,
        time_limit: float = 30.0,
        start_limit: float = 120.0,
        show_output: bool = False,
    ) -> None:
        self._show_output = show_output
        self.failures: tuple[TargetError, ...] = ()
        self._memory_bytes = memory_bytes if memory_bytes is not None else _default_memory()
        self.time_limit, self._start_limit = time_limit, start_limit
        self._target: Target | None = None
        self._started: Target | None = None
        self._process: Process | None = None
        self._ahead: Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and all that it started. A later call starts a new one with the same target."""
        self._end()
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.stop()

    def _end(self) -> None:
        """End the worker that has a target."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def start_ahead(self) -> None:
        """Start a worker before its target is known, so that it starts while the parent does something else.

        Nothing is started beside a worker that is there, or where workers start at once.
        """
        if self._process is None and self._ahead is None and not TEMPLATES.are_used:
            self._ahead = Process(self._memory_bytes, show_output=self._show_output)

    def load(self, target: Target) -> list[CallableInfo]:
        """Import a target in a new worker, in place of the one before.

        A worker is kept for another callable of the file that it has imported. The same target is imported anew.

        Returns:
            The callable that the target names; or every callable that is declared and every public function, those of
            a package's submodules included.

        Raises:
            TargetError: there is no such file, module or callable, or importing it fails; `given` is its traceback.
            MissingPackage: importing it needs a package that is not installed.
            WorkerError: no worker could be started.
        """
        if self._target == target or not _same_file(self._target, target):
            self._end()
        self._target, self.failures = target, ()
        loaded = self._start(target)
        self.failures = tuple(failure.error() for failure in loaded.failures)
        return list(loaded.callables)

    def call_many(self, requests: Iterable[Request | PlainRequest]) -> Generator[Outcome, None, None]:
        """Make each call and yield its outcome, in order. A worker that is lost is replaced.

        Raises:
            TargetError: no target is loaded, or a new worker cannot import it again.
            WorkerError: no new worker could be started.
        """
        waiting, in_flight = deque(requests), deque[Request | PlainRequest]()
        try:
            while waiting or in_flight:
                process = self._running()
                while waiting and len(in_flight) < MAX_IN_FLIGHT:
                    in_flight.append(waiting.popleft())
                    process.send(in_flight[-1])
                outcome = self._next_outcome(process, in_flight.popleft())
                if self._process is None:
                    waiting.extendleft(reversed(in_flight))
                    in_flight.clear()
                yield outcome
        except GeneratorExit:
            while in_flight and self._process is not None:
                self._next_outcome(self._process, in_flight.popleft())
            raise
        except BaseException:
            self.close()
            raise

    def _running(self) -> Process:
        if self._target is None:
            raise TargetError("nothing is loaded", expected="Runner.load(target) before a call")
        if self._process is None:
            self._start(self._target)
        if self._process is None:
            raise WorkerError("the worker ended as soon as it had started")
        return self._process

    def _start(self, target: Target) -> Loaded:
        """Load the target, in a worker that is started if there is none; on any error no worker is left.

        One that takes the place of another with the same target is no fork of a template: it differs in what Python
        draws at its start, such as the order of a set of strings.
        """
        try:
            if isinstance(target, File):
                target.require()
            if self._process is None:
                forked = target if target != self._started else None
                self._process = self._started_ahead() or Process(self._memory_bytes, self._show_output, forked)
                self._await_ready(self._process)
            process, self._started = self._process, target
            process.send(Load(target))
            loaded = self._await_loaded(process, target)
            process.forget_output()  # what the import printed belongs to no call
        except BaseException:
            self.close()
            raise
        return loaded

    def _started_ahead(self) -> Process | None:
        """Take the worker that was started ahead; None if there is none, or what can be imported has changed since."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.path != import_path():
            ahead.stop()
            return None
        return ahead

    def _await_ready(self, process: Process) -> None:
        try:
            reply = process.receive(self._start_limit)
        except ReplyTimeout as error:
            raise WorkerError(f"the worker did not start in {self._start_limit:g} s") from error
        except WorkerEnded as error:
            raise WorkerError(f"the worker did not start: {error.cause}\n{error.log}".rstrip()) from error
        if not isinstance(reply, Ready):
            raise WorkerError(f"the worker did not start: it sent {type(reply).__name__}")

    def _await_loaded(self, process: Process, target: Target) -> Loaded:
        try:
            reply = process.receive(self._start_limit)
            if isinstance(reply, LoadFailure):
                raise reply.error()
            if not isinstance(reply, Loaded):
                raise _out_of_turn(reply, process)
        except ReplyTimeout as error:
            headline = f"{target} was not imported in {self._start_limit:g} s"
            raise TargetError(headline, given=process.tail(), mend="move what takes long out of the import") from error
        except WorkerEnded as error:
            if mentions_out_of_memory(error.log):
                headline = f"importing {target} runs out of memory"
                given = f"{error.log.splitlines()[-1]}, in {self._memory_bytes:,} bytes"
                raise TargetError(headline, given=given, mend="a higher --memory-limit") from error
            raise TargetError(f"importing {target} ended the process: {error.cause}", given=error.log) from error
        return reply

    def _next_outcome(self, process: Process, request: Request | PlainRequest) -> Outcome:
        """Wait for the outcome of a call; a worker that hangs, died or is broken is ended."""
        begun = False
        try:
            reply = process.receive(self._start_limit)
            if isinstance(reply, Begun):
                begun = True
                reply = process.receive(self._limit(request))
            if not isinstance(reply, Outcome) or not _answers(reply, request):
                raise _out_of_turn(reply, process)
            outcome = reply
        except ReplyTimeout:
            outcome = self._timeout(process, self._limit(request) if begun else None)
        except WorkerEnded as error:
            outcome = _crash(error)
        if outcome.broken:
            self.close()
        else:
            process.forget_output()
        return outcome

    def _limit(self, request: Request | PlainRequest) -> float:
        """How long a call may take, in seconds."""
        own = request.limit if isinstance(request, Request) else None
        return self.time_limit if own is None else own

    def _timeout(self, process: Process, limit: float | None) -> Outcome:
        """The outcome of a call that took longer than its limit, or of one that did not begin in time if it is None."""
        subject = "the start of the framework and the device" if limit is None else "the call"
        seconds = self._start_limit if limit is None else limit
        trouble = Trouble("timeout", f"{subject} took longer than {seconds:g} s", process.tail())
        return Outcome("timeout", trouble=trouble, broken=True)


def _same_file(a: Target | None, b: Target) -> bool:
    """Whether two targets are callables of one Python file."""
    return isinstance(a, File) and isinstance(b, File) and a.path == b.path and not b.is_program


def _answers(outcome: Outcome, request: Request | PlainRequest) -> bool:
    """Return whether an outcome can be that of a request: a plain call returned a value, or one that is not plain."""
    if outcome.status != "ok" or isinstance(request, Request) or outcome.not_plain:
        return True
    return len(outcome.answers) == (1 if request.earlier is None else 2)


def _out_of_turn(reply: Reply, process: Process) -> WorkerEnded:
    return WorkerEnded(f"a broken protocol: {type(reply).__name__} out of turn", process.tail())


def _crash(error: WorkerEnded) -> Outcome:
    """Return the outcome of a call that ended the process. A failed allocation may do so; the last output tells."""
    trouble = Trouble(error.cause, f"the candidate's process ended in {error.cause}", error.log)
    status: Status = "memory" if mentions_out_of_memory(error.log) else "crashed"
    return Outcome(status, trouble=trouble, broken=True)


def _default_memory() -> int:
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(8 << 30, installed // 2)
