"""A process that has imported what workers need, and makes each worker by a fork of itself.

It never loads a target, so that what one candidate does is not seen by the next.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import sys
import time
import traceback
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from attnspec.verification.sandbox.child.main import serve

LONGEST_MESSAGE = 1 << 16
POLL = 0.002
"""How long it sleeps between two looks at a worker that is to end, in seconds."""


def main() -> None:
    """Import modules, then do what the parent asks for until it closes the connection."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        with suppress(ImportError):  # a worker that needs it says so
            importlib.import_module(name)
    gc.freeze()  # what is there is never collected in a worker, so that its pages stay shared
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, LONGEST_MESSAGE, 3)
        if not data:
            os._exit(0)
        command: dict[str, Any] = json.loads(data)
        reply = _fork(control, descriptors, **command) if descriptors else _wait(**command)
        control.send(json.dumps(reply).encode())


def _fork(control: socket.socket, descriptors: list[int], folder: str, memory_bytes: int) -> int:
    """Make a worker, which leads a process group of its own; its process id.

    Args:
        descriptors: its connection to the parent, its lifeline, and the file that takes what it prints.
        folder: where it works.
        memory_bytes: the memory limit of the candidate.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which no worker uses
        pid = os.fork()
    if pid == 0:
        control.close()
        _become_worker(descriptors, folder, memory_bytes)
    with suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)  # as the worker does, perhaps later than the parent's first signal to the group
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _become_worker(descriptors: list[int], folder: str, memory_bytes: int) -> NoReturn:
    """Serve the parent as a worker does that was started by itself."""
    try:
        link, lifeline, log = descriptors
        os.setpgid(0, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.chdir(folder)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            numpy.random.seed()  # otherwise every worker would draw the same numbers
        serve(link, lifeline, memory_bytes)
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def _wait(pid: int, seconds: float | None) -> int | None:
    """How a worker ended, as `subprocess.Popen.returncode` says it; None if it did not in this time.

    Args:
        pid: its process id, which stays taken until it is waited for without a limit.
        seconds: how long to wait; None waits until it has ended.
    """
    if seconds is None:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    deadline = time.monotonic() + seconds
    while (ended := os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL)
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
