"""The worker's process, seen from the parent: start it, exchange messages with it, end it."""

from __future__ import annotations

import fcntl
import math
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress

from attnspec.verification.sandbox import scratch
from attnspec.verification.sandbox.child.tracebacks import is_ours
from attnspec.verification.sandbox.messages import Command, Reply
from attnspec.verification.sandbox.protocol import to_frame, to_reply
from attnspec.verification.sandbox.targets import Target
from attnspec.verification.sandbox.templates import TEMPLATES, start
from attnspec.verification.sandbox.wire import Inbox, WireError, encode

LOG_LIMIT = 16 << 20
"""The size in bytes at which the output of a worker is deleted."""

TAIL = 4096
"""How much of a worker's last output is kept for an error, in characters."""


class ReplyTimeout(Exception):
    """No message arrived in time."""


class WorkerEnded(Exception):
    """The worker died, or sent something that is not a message.

    Attributes:
        cause: "SIGSEGV", "exit code 3", "a closed connection" or "a broken protocol: …".
        log: the end of what it printed.
    """

    def __init__(self, cause: str, log: str) -> None:
        super().__init__(cause)
        self.cause, self.log = cause, log


def import_path() -> list[str]:
    """Where modules are looked for, here and in a worker that starts now."""
    return [entry for entry in sys.path if isinstance(entry, str)]


class Process:
    """A worker in a process group of its own, which ends together with all that the candidate starts.

    Args:
        memory_bytes: the memory limit of the candidate, and of a message from it.
        show_output: whether what it prints is copied to the standard error.
        target: what it is to load; None if that is not known yet.

    Attributes:
        path: where it looks for modules.
    """

    def __init__(self, memory_bytes: int, show_output: bool = False, target: Target | None = None) -> None:
        self._show_output, self._shown = show_output, 0
        self._log = tempfile.TemporaryFile(prefix="attnspec-")  # noqa: SIM115  # closed by stop; nameless, so never left over
        fcntl.fcntl(self._log, fcntl.F_SETFL, fcntl.fcntl(self._log, fcntl.F_GETFL) | os.O_APPEND)
        self._log_start = 0
        self._link, workers_link = socket.socketpair()
        workers_lifeline, self._lifeline = os.pipe()
        self._link.setblocking(False)
        self._outbox = bytearray()
        self._inbox = Inbox(memory_bytes + (1 << 20))
        self._poll = select.poll()
        self.path = import_path()
        descriptors = [workers_link.fileno(), workers_lifeline]
        try:
            forked = TEMPLATES.fork(self.path, target, [*descriptors, self._log.fileno()], memory_bytes)
            self._child = forked or start("main", self.path, descriptors, [memory_bytes], self._log)
        except BaseException:
            self._close()
            raise
        finally:
            workers_link.close()
            os.close(workers_lifeline)

    def send(self, command: Command) -> None:
        """Queue a message and write as much as possible; `receive` writes the rest, so that neither side blocks."""
        self._outbox += encode(to_frame(command))
        self._write()

    def receive(self, limit: float) -> Reply:
        """Return the next message.

        Args:
            limit: how long to wait, in seconds.

        Raises:
            ReplyTimeout: it did not arrive in time.
            WorkerEnded: the worker died or sent something that is not a message.
        """
        deadline = time.monotonic() + limit
        try:
            while (frame := self._inbox.take()) is None:
                self._pump(deadline)
            return to_reply(frame)
        except WireError as error:
            raise WorkerEnded(f"a broken protocol: {error}", self.tail()) from error

    def _pump(self, deadline: float) -> None:
        """Wait until the connection is ready, then read and write once."""
        self._poll.register(self._link, select.POLLIN | (select.POLLOUT if self._outbox else 0))
        ready = self._poll.poll(max(0, math.ceil((deadline - time.monotonic()) * 1000)))
        if not ready:
            raise ReplyTimeout
        for _, event in ready:
            if event & select.POLLOUT:
                self._write()
            if event & ~select.POLLOUT:
                self._read()

    def _write(self) -> None:
        with suppress(BlockingIOError, ConnectionError):  # a lost connection is reported by the next read
            sent = self._link.send(self._outbox)
            del self._outbox[:sent]

    def _read(self) -> None:
        try:
            data = self._link.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            raise WorkerEnded(self._cause_of_death(), self.tail())
        self._inbox.feed(data)

    def _cause_of_death(self) -> str:
        """Say how a worker ended that closed the connection. Dying takes less than a second."""
        try:
            code = self._child.wait(1)
        except subprocess.TimeoutExpired:
            return "a closed connection"
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def forget_output(self) -> None:
        """Leave what was printed so far out of a later `tail`."""
        self._copy_output()
        self._log_start = self._log_size()
        if self._log_start > LOG_LIMIT:
            os.ftruncate(self._log.fileno(), 0)
            self._log_start = self._shown = 0

    def _copy_output(self) -> None:
        """Copy what was printed since the last time to the standard error, if that is wanted."""
        if self._show_output:
            text = os.pread(self._log.fileno(), self._log_size() - self._shown, self._shown)
            self._shown += len(text)
            sys.stderr.write(text.decode(errors="replace"))
            sys.stderr.flush()

    def tail(self) -> str:
        """Return the end of what was printed, without our own frames."""
        end = self._log_size()
        start = max(self._log_start, end - 2 * TAIL)
        text = os.pread(self._log.fileno(), max(0, end - start), start).decode(errors="replace")
        kept = [line for line in text.splitlines() if not _is_noise(line)]
        return "\n".join(kept).strip()[-TAIL:]

    def _log_size(self) -> int:
        return os.fstat(self._log.fileno()).st_size

    def stop(self) -> None:
        """Kill the process group, wait for the worker, and close all descriptors."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        scratch.remove(self._child.pid)
        self._copy_output()
        self._close()

    def _close(self) -> None:
        self._link.close()
        os.close(self._lifeline)
        self._log.close()


def _is_noise(line: str) -> bool:
    """Return whether a line of the fault handler is about us, or lists the extension modules that are loaded."""
    if not line.strip().startswith('File "'):
        return line.startswith("Extension modules:")
    file = line.strip().removeprefix('File "').partition('"')[0]
    return is_ours(file) or file == "<string>"
