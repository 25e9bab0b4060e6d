"""The worker: load a target, make the calls that the parent sends, and report their outcomes.

The worker receives inputs, never an expected output. The parent trusts nothing that it sends.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import resource
import signal
import socket
import sys
from contextlib import suppress

from attnspec.errors import TargetError
from attnspec.verification.sandbox import child
from attnspec.verification.sandbox.child import array_calls, loading, plain_calls
from attnspec.verification.sandbox.child.arrays import Arrays
from attnspec.verification.sandbox.child.calls import failure, unavailable
from attnspec.verification.sandbox.messages import (
    Begun,
    Command,
    Load,
    Loaded,
    LoadFailure,
    Outcome,
    PlainRequest,
    Ready,
    Reply,
    Request,
)
from attnspec.verification.sandbox.protocol import to_command, to_frame
from attnspec.verification.sandbox.targets import Target
from attnspec.verification.sandbox.wire import Inbox, encode

FILE_LIMIT = 1 << 30
"""The largest file that a candidate may write, in bytes, so that an endless print does not fill the disk."""


def main() -> None:
    """Serve the parent that has started this process."""
    serve(*map(int, sys.argv[1:4]))


def serve(link: int, lifeline: int, memory_bytes: int) -> None:
    """Serve the parent until it closes the connection.

    Args:
        link: the descriptor of the connection.
        lifeline: the descriptor of a pipe that the parent holds open while it lives.
        memory_bytes: the memory that the candidate may hold above what its imports took.
    """
    for descriptor in (link, lifeline):
        os.set_inheritable(descriptor, False)
    _die_with_parent(lifeline)
    faulthandler.enable()
    child.serving = True
    _limit(resource.RLIMIT_FSIZE, FILE_LIMIT)
    Worker(socket.socket(fileno=link), memory_bytes).serve()


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel kill our process group when the parent's end of this pipe closes, however the parent died.

    Nobody ever writes to the pipe.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _limit(kind: int, size: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))


def _data_in_use() -> int:
    """Return the bytes that count against RLIMIT_DATA by now; 0 on a system that does not say."""
    with suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[5]) * resource.getpagesize()
    return 0


class Worker:
    """The candidate's process, with at most one target and the frameworks that its calls have needed so far.

    Args:
        link: the connection to the parent.
        memory_bytes: the memory that the candidate may hold above what its imports took.
    """

    def __init__(self, link: socket.socket, memory_bytes: int) -> None:
        self._link, self._memory_bytes = link, memory_bytes
        self._inbox = Inbox(1 << 62)
        self._callables: loading.Callables = {}
        self._frameworks: dict[str, Arrays] = {}
        self._kept: dict[str, array_calls.Kept] = {}  # of each framework

    def serve(self) -> None:
        """Execute commands until the parent closes the connection."""
        self._limit_memory()
        self._send(Ready())
        while True:
            command = self._receive()
            if isinstance(command, Load):
                self._load(command.target)
            else:
                self._call(command)

    def _limit_memory(self) -> None:
        """Limit the memory to so much above what is in use now: what a framework needs for itself does not count.

        The limit is RLIMIT_DATA and not RLIMIT_AS, because CUDA and XLA reserve address space by the terabyte and never
        touch it.
        """
        _limit(resource.RLIMIT_DATA, _data_in_use() + self._memory_bytes)

    def _receive(self) -> Command:
        while (frame := self._inbox.take()) is None:
            data = self._link.recv(1 << 20)
            if not data:
                os._exit(0)  # a thread that the candidate left running must not keep us
            self._inbox.feed(data)
        return to_command(frame)

    def _send(self, reply: Reply) -> None:
        self._link.sendall(encode(to_frame(reply)))

    def _load(self, target: Target) -> None:
        try:
            self._callables, infos, failures = loading.load(target)
        except TargetError as error:
            self._send(LoadFailure.of(error))
        else:
            self._limit_memory()
            self._send(Loaded(tuple(infos), tuple(map(LoadFailure.of, failures))))

    def _call(self, request: Request | PlainRequest) -> None:
        try:
            data = encode(to_frame(self._answer(request)))
        except BaseException as error:  # no memory for the inputs, or a candidate that broke what reads its results
            data = encode(to_frame(failure(error)))
        self._link.sendall(data)

    def _answer(self, request: Request | PlainRequest) -> Outcome:
        function = self._callables[request.name]
        if isinstance(request, PlainRequest):
            return plain_calls.answer(request, function, self._begin)
        try:
            arrays = self._arrays(request.framework)
        except ImportError as error:
            return unavailable(f"{request.framework} cannot be imported: {error}")
        kept = self._kept.setdefault(request.framework, {})
        return array_calls.answer(request, function, arrays, self._begin, kept)

    def _begin(self) -> None:
        self._send(Begun())

    def _arrays(self, framework: str) -> Arrays:
        """Return the arrays of a framework, which is imported at its first use."""
        if framework not in self._frameworks:
            self._frameworks[framework] = array_calls.ARRAYS[framework]()
            self._limit_memory()
        return self._frameworks[framework]
