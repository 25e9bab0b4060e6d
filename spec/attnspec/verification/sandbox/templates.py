"""Templates: processes that have imported NumPy or PyTorch, whose forks are workers without that wait.

The first worker of a process is started by itself. Each later one is the fork of a template, where that is possible:
on Linux, with the import path and the environment that the template was started with.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

from attnspec.verification.sandbox.targets import File, Module, Pickled, Target

BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from {room}.{module} import main; main()"
"""The program of a process that is started by itself. It takes over sys.path; the environment stays as it is, since
candidates may pass it on."""

START_LIMIT = 120.0
"""How long its imports may take, in seconds; a worker is started by itself after that."""

LONGEST_REPLY = 64
"""A reply is one number, in bytes."""

OF_EACH_TEST = "PYTEST_CURRENT_TEST"
"""A variable that changes all the time and that no import reads."""

Modules = tuple[str, ...]
ROOM = "attnspec.verification.sandbox.child"
PLAIN: Modules = (f"{ROOM}.arrays_numpy",)
WITH_TORCH: Modules = (*PLAIN, f"{ROOM}.arrays_torch", "torch")


def start(
    module: str, path: list[str], descriptors: Sequence[int], arguments: Sequence[object], output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Start a process of its own session with the program of a module of the child.

    Args:
        module: the module, whose `main` is called.
        path: where it looks for modules.
        descriptors: what it inherits, and gets as its first arguments.
        arguments: its other arguments.
        output: where what it prints goes.
    """
    boot = BOOT.format(room=ROOM, module=module)
    return subprocess.Popen(
        [sys.executable, "-u", "-P", "-c", boot, json.dumps(path), *map(str, (*descriptors, *arguments))],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=descriptors,
        start_new_session=True,
    )


class TemplateLost(Exception):
    """A template ended, or does not answer."""


@dataclass
class Forked:
    """A worker that a template has made, with what is used of `subprocess.Popen`."""

    template: Template
    pid: int

    def wait(self, timeout: float | None = None) -> int:
        """How it ended; without a limit, the process id is free from then on.

        Raises:
            subprocess.TimeoutExpired: it has not ended, or nobody can tell.
        """
        try:
            code: int | None = self.template.ask({"pid": self.pid, "seconds": timeout})
        except TemplateLost:
            code = None
        if code is None and timeout is not None:
            raise subprocess.TimeoutExpired("a worker", timeout)
        return code or 0


class Template:
    """A template's process.

    Args:
        path: where it looks for modules.
        modules: what it imports.
    """

    def __init__(self, path: list[str], modules: Modules) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_LIMIT)
        self._lock = threading.Lock()
        self._lost = False
        with theirs:
            self._process = start("template", path, [theirs.fileno()], modules, subprocess.DEVNULL)

    def fork(self, descriptors: list[int], memory_bytes: int) -> Forked:
        """Make a worker.

        Raises:
            TemplateLost: the template ended, or its imports take too long.
        """
        return Forked(self, self.ask({"folder": os.getcwd(), "memory_bytes": memory_bytes}, descriptors))

    def ask(self, command: dict[str, Any], descriptors: list[int] | None = None) -> Any:
        """The answer to a command.

        Raises:
            TemplateLost: there is none.
        """
        with self._lock:
            if self._lost:
                raise TemplateLost
            self._lost = True  # unless it answers: an interrupt may come between a command and its answer
            try:
                socket.send_fds(self._control, [json.dumps(command).encode()], descriptors or [])
                data = self._control.recv(LONGEST_REPLY)
            except OSError as error:
                raise TemplateLost from error
            if not data:
                raise TemplateLost
            self._lost = False
        return json.loads(data)

    def stop(self) -> None:
        """End it; its workers go on."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class Templates:
    """The templates of this process: one for each list of modules, for one import path and environment."""

    def __init__(self) -> None:
        self._started: dict[Modules, Template] = {}
        self._circumstances: object = None
        self._owner = 0
        self._count = 0

    @property
    def are_used(self) -> bool:
        """Whether the next worker is the fork of a template."""
        return sys.platform == "linux" and self._count > 0

    def fork(self, path: list[str], target: Target | None, descriptors: list[int], memory_bytes: int) -> Forked | None:
        """Make a worker for a target; None if it is to be started by itself, as one without a target always is."""
        are_used, self._count = self.are_used, self._count + 1
        if target is None or not are_used:
            return None
        self._renew(path)
        modules = modules_for(target)
        try:
            if modules not in self._started:
                self._started[modules] = Template(path, modules)
            return self._started[modules].fork(descriptors, memory_bytes)
        except (TemplateLost, OSError):
            lost = self._started.pop(modules, None)
            if lost is not None:
                lost.stop()
            return None

    def _renew(self, path: list[str]) -> None:
        """Drop templates that were started in other circumstances, or by the process that this one is a fork of."""
        environment = {name: value for name, value in os.environ.items() if name != OF_EACH_TEST}
        circumstances = (path, environment)
        if self._owner != os.getpid():
            self._started.clear()
        elif circumstances != self._circumstances:
            self.stop()
        self._circumstances, self._owner = circumstances, os.getpid()

    def stop(self) -> None:
        """End all templates."""
        if self._owner == os.getpid():
            for template in self._started.values():
                template.stop()
        self._started.clear()


TEMPLATES = Templates()
atexit.register(TEMPLATES.stop)


def modules_for(target: Target) -> Modules:
    """What a worker for a target is likely to need: PyTorch where the target imports it itself."""
    if isinstance(target, Pickled):
        needs_torch = b"torch" in target.data
    elif isinstance(target, Module):
        needs_torch = target.name.startswith("torch.") or _imports_torch(_text_of_module(target.name))
    else:
        needs_torch = isinstance(target, File) and not target.is_program and _imports_torch(_text_of(Path(target.path)))
    return WITH_TORCH if needs_torch else PLAIN


def _imports_torch(text: bytes) -> bool:
    return re.search(rb"^\s*(import|from)\s+torch\b", text, re.MULTILINE) is not None


def _text_of(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""


@cache
def _text_of_module(name: str) -> bytes:
    """The text of a module, which is found without importing the packages that it is in."""
    path: list[str] | None = None
    origin = None
    for full in accumulate(name.split("."), "{}.{}".format):
        spec = PathFinder.find_spec(full, path)
        if spec is None:
            return b""
        path, origin = [*(spec.submodule_search_locations or ())], spec.origin
    return _text_of(Path(origin)) if origin else b""
