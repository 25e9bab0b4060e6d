"""Run candidates in a process of their own, and survive whatever they do there.

    with Runner(time_limit=10) as runner:
        [found] = runner.load(File("my_gru.py", "gru"))
        plan = bind(found.parameters, ["x", "h"])
        outcome = runner.call(found.name, {"x": x, "h": h}, {}, dtype="float32", framework="torch", call_by=plan)

The parent imports nothing of the candidate's and reads only JSON and raw numbers from its process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

import numpy as np

from attnspec.errors import TargetError
from attnspec.verification.sandbox.messages import Layout, Outcome, Output, Request, Status, Trouble, decode_outcome
from attnspec.verification.sandbox.process import Ended, Late, Process
from attnspec.verification.sandbox.targets import File, Found, MissingPackage, Module, Pickled, Target, decode_failure
from attnspec.verification.sandbox.wire import Array, Message, WireError

__all__ = [
    "File",
    "Found",
    "Layout",
    "MissingPackage",
    "Module",
    "Outcome",
    "Output",
    "Pickled",
    "Request",
    "Runner",
    "Status",
    "Target",
    "Trouble",
    "WorkerError",
]

AHEAD = 2
"""Calls under way at once: the worker computes one while the parent judges the one before."""


class WorkerError(Exception):
    """The process for the candidate could not be started. The candidate is not at fault.

    The commands end with exit code 3.

    Examples:
        >>> import attnspec
        >>> issubclass(attnspec.WorkerError, attnspec.SpecError)
        False
    """


class Runner:
    """A session with the callables of one target.

    Attributes:
        failures: of a package, why submodules could not be imported; the rest of it can be called all the same.
    """

    def __init__(
        self, *, memory_bytes: int | None = None, time_limit: float = 30.0, start_limit: float = 120.0
    ) -> None:
        """Say what a candidate may use.

        Args:
            memory_bytes: what it may hold above what its imports took; by default 8 GiB, or half of the machine's
                memory where that is less.
            time_limit: seconds for one call.
            start_limit: seconds for importing it, and for starting a framework and a device.
        """
        self.failures: tuple[TargetError, ...] = ()
        self._memory_bytes = memory_bytes if memory_bytes is not None else _default_memory()
        self._time_limit, self._start_limit = time_limit, start_limit
        self._target: Target | None = None
        self._process: Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and all that it started; a later call has a fresh one, with the same target."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def load(self, target: Target) -> list[Found]:
        """Import a target in a fresh worker; what was loaded before is forgotten.

        Returns:
            the callable that was named; or all that are declared and the public functions that are not, a package's
            submodules included.

        Raises:
            TargetError: no such file, module or callable, or its import fails; `given` is its own traceback.
            MissingPackage: its import needs a package that is not here.
            WorkerError: no worker could be started.
        """
        self.close()
        self._target, self.failures = target, ()
        reply = self._start(target)
        try:
            self.failures = tuple(decode_failure(each) for each in reply.header["failures"])
            return [Found.told(each) for each in reply.header["found"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.close()
            raise TargetError(f"importing {target} broke the protocol", given=repr(error)) from error

    def call(
        self,
        name: str,
        arrays: Mapping[str, Array],
        options: Mapping[str, Any],
        *,
        dtype: str,
        device: str = "cpu",
        framework: str,
        call_by: Sequence[tuple[str | None, str]],
        layout: Layout = "contiguous",
        outputs: int = 1,
    ) -> Outcome:
        """Call once; see `Request` for the arguments."""
        request = Request(name, arrays, options, dtype, device, framework, call_by, layout, outputs)
        [outcome] = self.call_many([request])
        return outcome

    def call_many(self, requests: Iterable[Request]) -> Generator[Outcome, None, None]:
        """Call many times, one outcome for each, in order; a worker that is lost is replaced on the way."""
        waiting, flying = deque(requests), deque[Request]()
        try:
            while waiting or flying:
                process = self._ready()
                while waiting and len(flying) < AHEAD:
                    flying.append(waiting.popleft())
                    process.send(flying[-1].header(), flying[-1].travelling())
                flying.popleft()
                outcome = self._outcome(process)
                if self._process is None:
                    waiting.extendleft(reversed(flying))
                    flying.clear()
                yield outcome
        except GeneratorExit:
            while flying and self._process is not None:
                flying.popleft()
                self._outcome(self._process)
            raise
        except BaseException:
            self.close()
            raise

    def _ready(self) -> Process:
        if self._target is None:
            raise TargetError("nothing is loaded", expected="Runner.load(target) before a call")
        if self._process is None:
            self._start(self._target)
        if self._process is None:
            raise WorkerError("the worker ended as soon as it had started")
        return self._process

    def _start(self, target: Target) -> Message:
        """A worker with the target loaded; whatever goes wrong here leaves none behind."""
        described = target.described()
        pickled = [np.frombuffer(target.data, np.uint8)] if isinstance(target, Pickled) else []
        try:
            process = self._process = Process(self._memory_bytes)
            self._await_ready(process)
            process.send({"kind": "load", **described}, pickled)
            reply = self._await_load(process, target)
            process.printed()  # what the import said belongs to no call
        except BaseException:
            self.close()
            raise
        return reply

    def _await_ready(self, process: Process) -> None:
        try:
            process.receive(self._start_limit)
        except Late as late:
            raise WorkerError(f"the worker did not start in {self._start_limit:g} s") from late
        except Ended as ended:
            raise WorkerError(f"the worker did not start: {ended.how}\n{ended.log}".rstrip()) from ended

    def _await_load(self, process: Process, target: Target) -> Message:
        try:
            reply = process.receive(self._start_limit)
        except Late as late:
            headline = f"{target} was not imported in {self._start_limit:g} s"
            raise TargetError(headline, given=process.tail(), mend="move what takes long out of the import") from late
        except Ended as ended:
            raise TargetError(f"importing {target} ended the process: {ended.how}", given=ended.log) from ended
        if reply.kind == "failed":
            _refuse(reply)
        return reply

    def _outcome(self, process: Process) -> Outcome:
        """The next call's; a worker that is stuck, dead or spoilt is let go."""
        begun = False
        try:
            message = process.receive(self._start_limit)
            if message.kind == "begun":
                begun = True
                message = process.receive(self._time_limit)
            outcome = decode_outcome(message, process.printed())
        except Late:
            limit = self._time_limit if begun else self._start_limit
            what = "the call" if begun else "the start of the framework and the device"
            trouble = Trouble("timeout", f"{what} took longer than {limit:g} s", process.tail())
            outcome, message = Outcome("timeout", trouble=trouble, printed=process.printed()), None
        except (Ended, WireError) as error:
            outcome, message = _crashed(error, process), None
        if message is None or message.header.get("broken"):
            self.close()
        return outcome


def _crashed(error: Ended | WireError, process: Process) -> Outcome:
    """An allocation that fails may end the process; its last words still say that it was memory."""
    how = error.how if isinstance(error, Ended) else f"a broken protocol: {error}"
    log = error.log if isinstance(error, Ended) else process.tail()
    memory = (
        "bad_alloc" in log
        or "RESOURCE_EXHAUSTED" in log
        or "out of memory" in log.lower()
        or (log.rstrip().endswith("MemoryError"))
    )
    trouble = Trouble(how, f"the candidate's process ended in {how}", log)
    return Outcome("memory" if memory else "crashed", trouble=trouble, printed=process.printed())


def _refuse(reply: Message) -> NoReturn:
    raise decode_failure(reply.header["failure"])


def _default_memory() -> int:
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(8 << 30, installed // 2)
