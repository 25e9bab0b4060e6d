"""The child's side of a runner: load a target, call what is in it, report what came back and what was touched.

It sees inputs, never an expected output. What it is told comes from the parent and is trusted; what it answers is not.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from attnspec.errors import TargetError
from attnspec.language.layers import gathered
from attnspec.verification.sandbox.child import loading
from attnspec.verification.sandbox.child.autodiff import differentiate
from attnspec.verification.sandbox.child.frameworks import FRAMEWORKS, NumPy, taken_apart
from attnspec.verification.sandbox.child.global_state import GlobalState
from attnspec.verification.sandbox.child.tracebacks import describe_error
from attnspec.verification.sandbox.plain_values import Foreign, packed, unpacked
from attnspec.verification.sandbox.targets import failure_facts
from attnspec.verification.sandbox.wire import Array, Inbox, Message, encode

FILE_LIMIT = 1 << 30
"""An endless print stops here, not at a full disk."""

PATIENCE = 1.0
"""Seconds after which a call is not repeated any more."""

OUT_OF_MEMORY = re.compile(
    r"out of ?memory|not enough memory|can(?:'|no)t allocate memory|RESOURCE_EXHAUSTED|bad_alloc", re.IGNORECASE
)
BROKEN_DEVICE = re.compile(r"CUDA.*error|error.*CUDA", re.IGNORECASE)
"""After such an error no later call on the device means anything."""


def main() -> None:
    """Serve the parent until it hangs up."""
    link, lifeline, memory = map(int, sys.argv[1:4])
    for descriptor in (link, lifeline):
        os.set_inheritable(descriptor, False)
    _die_with_parent(lifeline)
    faulthandler.enable()
    _limit(resource.RLIMIT_FSIZE, FILE_LIMIT)
    Worker(socket.socket(fileno=link), memory).serve()


def _die_with_parent(lifeline: int) -> None:
    """Nobody ever writes to this pipe; when the parent's end closes, however it died, the kernel kills our group."""
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _data_in_use() -> int:
    """What counts against RLIMIT_DATA by now; 0 where the system does not tell."""
    with suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[5]) * resource.getpagesize()
    return 0


class Worker:
    """One candidate's process: at most one target, and the frameworks that its calls have asked for."""

    def __init__(self, link: socket.socket, memory_bytes: int) -> None:
        self._link, self._memory_bytes = link, memory_bytes
        self._inbox = Inbox(1 << 62)
        self._callables: loading.Callables = {}
        self._frameworks: dict[str, NumPy] = {}

    def serve(self) -> None:
        """Answer until there is no parent."""
        self._limit_memory()
        self._send({"kind": "ready"})
        while True:
            message = self._receive()
            (self._load if message.kind == "load" else self._call)(message)

    def _limit_memory(self) -> None:
        """So much above what is in use now: what a framework needs for itself is no candidate's fault.

        RLIMIT_DATA and not RLIMIT_AS, because CUDA and XLA reserve address space by the terabyte and never touch it.
        """
        _limit(resource.RLIMIT_DATA, _data_in_use() + self._memory_bytes)

    def _receive(self) -> Message:
        while (message := self._inbox.take()) is None:
            data = self._link.recv(1 << 20)
            if not data:
                os._exit(0)  # whatever the candidate left running must not keep us
            self._inbox.feed(data)
        return message

    def _send(self, header: Mapping[str, Any], arrays: Iterable[Array] = ()) -> None:
        self._link.sendall(encode(header, arrays))

    def _load(self, message: Message) -> None:
        pickled = message.arrays[0].tobytes() if message.arrays else b""
        try:
            self._callables, found, failures = loading.load(message.header, pickled)
        except TargetError as error:
            self._send({"kind": "failed", "failure": failure_facts(error)})
        else:
            self._limit_memory()
            self._send({"kind": "loaded", "found": found, "failures": [failure_facts(each) for each in failures]})

    def _call(self, message: Message) -> None:
        arrays: list[Array] = []
        try:
            if "plain" in message.header:
                header = self._plain_answer(message.header)
            else:
                header, arrays = self._answer(message.header, message.arrays)
        except BaseException as error:  # no memory for the inputs, or a candidate that broke what reads its results
            header, arrays = _raised(error), []
        self._send({"kind": "outcome", **header}, arrays)

    def _framework(self, name: str) -> NumPy:
        if name not in self._frameworks:
            self._frameworks[name] = FRAMEWORKS[name]()
            self._limit_memory()
        return self._frameworks[name]

    def _answer(self, request: Mapping[str, Any], arrays: tuple[Array, ...]) -> tuple[dict[str, Any], list[Array]]:
        """Make the arguments, call, and look at what came back and at what should have stayed as it was."""
        dtype, device = request["dtype"], request["device"]
        try:
            framework = self._framework(request["framework"])
        except ImportError as error:
            return _unavailable(f"{request['framework']} cannot be imported: {error}"), []
        if reason := framework.unavailable(device, dtype):
            return _unavailable(reason), []
        count = len(request["names"])
        with framework.mode(dtype):
            pairs = zip(request["names"], arrays[:count], strict=True)
            placed = {name: framework.place(array, dtype, device, request["layout"]) for name, array in pairs}
            state = GlobalState()
            self._send({"kind": "begun"})
            held, marks = [], {name: framework.mark(buffer) for name, (_, buffer) in placed.items()}
            if request["twice"]:
                result, told = self._run(framework, request, placed)
                if told["status"] != "ok":
                    return told, []
                held.append(framework.apart(result, [buffer for _, buffer in placed.values()]))
                for name, array in zip(request["names"], arrays[count:], strict=True):
                    placed[name] = framework.overwritten(*placed[name], array, dtype, device)
                marks = {name: framework.mark(buffer) for name, (_, buffer) in placed.items()}
            result, told = self._run(framework, request, placed)
            told["global_state"] = state.changes()
            told["changed_inputs"] = [n for n, (_, buffer) in placed.items() if framework.changed(buffer, marks[n])]
            expected = len(request["gradients"]["given"]) if "during" in told else request["outputs"]
            return _with_outputs(framework, told, [*held, result], expected, count)

    def _plain_answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call with plain values, and look at what came back and at what should have stayed as it was."""
        function, (given, earlier) = self._callables[request["name"]], unpacked(request["plain"])
        state, results = GlobalState(), []
        self._send({"kind": "begun"})
        started = time.perf_counter()
        try:
            if earlier is not None:
                results.append(_called(function, request["call_by"], earlier))
                given = {name: _refilled(earlier[name], value) for name, value in given.items()}
            for _ in range(request["times"]):
                result = _called(function, request["call_by"], given)
                if time.perf_counter() - started > PATIENCE:
                    break
            results.append(result)
        except BaseException as error:
            return _raised(error)
        told = {"status": "ok", "seconds": time.perf_counter() - started, "global_state": state.changes()}
        asked = unpacked(request["plain"])[0]
        told["changed_inputs"] = [name for name, value in given.items() if value != asked[name]]
        try:
            return {**told, "answers": [packed(each) for each in results]}
        except Foreign as what:
            return {**told, "foreign": str(what)}

    def _run(
        self, framework: NumPy, request: Mapping[str, Any], placed: Mapping[str, tuple[Any, Any]]
    ) -> tuple[Any, dict[str, Any]]:
        """Call as often as asked; the last result, and how it went."""
        given = request["options"] | {name: view for name, (view, _) in placed.items()}
        given = gathered(given) | {"dtype": framework.dtype(request["dtype"])}
        function, result = self._callables[request["name"]], None
        facts: dict[str, Any] = {}

        def call(values: Mapping[str, Any]) -> Any:
            return _called(function, request["call_by"], values)

        started = time.perf_counter()
        try:
            for _ in range(request["times"]):
                asked = request["gradients"]
                result = call(given) if asked is None else differentiate(framework, call, given, asked, facts)
                framework.settle(result, request["device"])
                if time.perf_counter() - started > PATIENCE:
                    break
            told: dict[str, Any] = {"status": "ok"}
        except BaseException as error:
            told = _raised(error)
        told["seconds"] = time.perf_counter() - started
        return result, told | facts


def _called(function: Callable[..., Any], call_by: Iterable[Sequence[Any]], values: Mapping[str, Any]) -> Any:
    """Call as the plan says: what has no parameter goes by position."""
    plan = list(call_by)
    positional = [values[argument] for parameter, argument in plan if parameter is None]
    named = {parameter: values[argument] for parameter, argument in plan if parameter is not None}
    return function(*positional, **named)


def _refilled(held: Any, value: Any) -> Any:
    """The same mapping with other contents; what cannot change is replaced."""
    if not isinstance(held, dict):
        return value
    held.clear()
    held.update(value)
    return held


def _raised(error: BaseException) -> dict[str, Any]:
    """What an error means; "broken" says that this process is of no more use."""
    trouble = describe_error(error)
    memory = isinstance(error, MemoryError) or bool(OUT_OF_MEMORY.search(f"{trouble['type']} {trouble['message']}"))
    missing = isinstance(error, ModuleNotFoundError)
    status = "memory" if memory else "unavailable" if missing else "raised"
    return {"status": status, "trouble": trouble, "broken": memory or bool(BROKEN_DEVICE.search(trouble["message"]))}


def _unavailable(reason: str) -> dict[str, Any]:
    return {"status": "unavailable", "trouble": {"type": "", "message": reason, "traceback": ""}}


def _with_outputs(
    framework: NumPy, told: dict[str, Any], results: list[Any], expected: int, sent: int
) -> tuple[dict[str, Any], list[Array]]:
    """What the results are, and the values that travel; who was sent no array may answer with a number."""
    if told["status"] != "ok":
        return told, []
    described = [
        framework.describe(value) if sent or type(value) not in (int, float) else NumPy().describe(np.asarray(value))
        for result in results
        for value in taken_apart(result, expected)
    ]
    facts = [{**fact, "carried": values is not None} for fact, values in described]
    return {**told, "outputs": facts}, [values for _, values in described if values is not None]
