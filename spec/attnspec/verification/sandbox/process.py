"""In the parent: the worker's process, what is said to it and heard from it, and its end."""

from __future__ import annotations

import fcntl
import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from attnspec.verification.sandbox.child.tracebacks import is_ours
from attnspec.verification.sandbox.wire import Array, Inbox, Message, WireError, encode

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from attnspec.verification.sandbox.child.main import main; main()"
)
"""The child sees the modules that the parent sees, by no change of its environment, which candidates may pass on."""

LOG_LIMIT = 16 << 20
"""What a candidate has printed is forgotten beyond this many bytes."""


class Late(Exception):
    """Nothing came in time."""


class Ended(Exception):
    """The worker is gone, or talks nonsense.

    Attributes:
        how: "SIGSEGV", "exit code 3", or what else became of it.
        log: the end of what it printed.
    """

    def __init__(self, how: str, log: str) -> None:
        super().__init__(how)
        self.how, self.log = how, log


class Process:
    """A worker in a process group of its own, so that whatever a candidate starts goes with it."""

    def __init__(self, memory_bytes: int) -> None:
        self._log = tempfile.TemporaryFile(prefix="attnspec-")  # noqa: SIM115  # closed by stop; nameless, so never left over
        fcntl.fcntl(self._log, fcntl.F_SETFL, fcntl.fcntl(self._log, fcntl.F_GETFL) | os.O_APPEND)
        self._read = 0
        self._link, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        self._link.setblocking(False)
        self._outbox = bytearray()
        self._inbox = Inbox(memory_bytes + (1 << 20))
        self._poll = select.poll()
        arguments = [json.dumps([p for p in sys.path if isinstance(p, str)]), theirs.fileno(), lifeline, memory_bytes]
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-u", "-P", "-c", BOOT, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno(), lifeline],
                start_new_session=True,
            )
        except BaseException:
            self._close()
            raise
        finally:
            theirs.close()
            os.close(lifeline)

    def send(self, header: Mapping[str, Any], arrays: Iterable[Array] = ()) -> None:
        """Queue a message and write what goes at once; `receive` writes the rest, so that neither side blocks."""
        self._outbox += encode(header, arrays)
        self._write()

    def receive(self, limit: float) -> Message:
        """The next message.

        Raises:
            Late: it is not here after so many seconds.
            Ended: it will never be.
        """
        deadline = time.monotonic() + limit
        try:
            while (message := self._inbox.take()) is None:
                self._pump(deadline)
        except WireError as error:
            raise Ended(f"a broken protocol: {error}", self.tail()) from error
        return message

    def _pump(self, deadline: float) -> None:
        self._poll.register(self._link, select.POLLIN | (select.POLLOUT if self._outbox else 0))
        ready = self._poll.poll(max(0, math.ceil((deadline - time.monotonic()) * 1000)))
        if not ready:
            raise Late
        for _, event in ready:
            if event & select.POLLOUT:
                self._write()
            if event & ~select.POLLOUT:
                self._hear()

    def _write(self) -> None:
        with suppress(BlockingIOError, ConnectionError):  # a lost connection shows when we listen
            sent = self._link.send(self._outbox)
            del self._outbox[:sent]

    def _hear(self) -> None:
        try:
            data = self._link.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            raise Ended(self._how(), self.tail())
        self._inbox.feed(data)

    def _how(self) -> str:
        """What became of a child that hung up; a second is more than dying takes."""
        try:
            code = self._child.wait(1)
        except subprocess.TimeoutExpired:
            return "a closed connection"
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def printed(self) -> str:
        """The end of what was printed since this was last asked."""
        start, end = self._read, os.fstat(self._log.fileno()).st_size
        self._read = end
        text = self._text(max(start, end - 4096), end)
        if end > LOG_LIMIT:
            os.ftruncate(self._log.fileno(), 0)
            self._read = 0
        return text

    def tail(self) -> str:
        """The end of what was printed, without our own frames in it."""
        end = os.fstat(self._log.fileno()).st_size
        lines = self._text(max(self._read, end - 8192), end).splitlines()
        kept = [line for line in lines if not _is_noise(line)]
        return "\n".join(kept).strip()[-4096:]

    def _text(self, start: int, end: int) -> str:
        return os.pread(self._log.fileno(), max(0, end - start), start).decode(errors="replace") if end > start else ""

    def stop(self) -> None:
        """Kill the group, take the child's last word from the system, and close everything."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._close()

    def _close(self) -> None:
        self._link.close()
        os.close(self._lifeline)
        self._log.close()


def _is_noise(line: str) -> bool:
    """What the fault handler adds about us, and the list of every extension module that is loaded."""
    if not line.strip().startswith('File "'):
        return line.startswith("Extension modules:")
    file = line.strip().removeprefix('File "').partition('"')[0]
    return is_ours(file) or file == "<string>"
