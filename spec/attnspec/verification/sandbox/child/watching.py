"""What a candidate computes on the way to its answer: the arrays that lines of its own files make, in one call."""

from __future__ import annotations

import math
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import attnspec
from attnspec.verification.sandbox.messages import MOST_RECORDED, MOST_RECORDED_BYTES, Recorded
from attnspec.verification.sandbox.wire import Array

MOST_EVENTS = 50_000
"""A call is not watched any more after so many lines and operations, whatever the speed of the machine."""

LARGEST, SMALLEST = 1 << 14, 2
"""Arrays of more or of fewer elements are not recorded."""

ITEMS = 8
"""Of a tuple, a list or an object among the local variables, so many items or attributes are recorded."""

CALLERS = 4
"""Of the calls that lead to an array, so many are recorded."""

Describe = Callable[[object], Array | None]
"""Returns the values of an array of the framework; None for any other value."""

Trace = Callable[[FrameType, str, Any], Any]
"""A trace function, as `sys.settrace` takes it."""


class Traced:
    """A trace function for the time of one call; a context manager around it."""

    _before: Any = None

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.settrace(self._before)

    def _called(self, frame: FrameType, event: str, result: Any) -> Trace | None:
        """The trace function of calls; it returns that of the lines of a function, or None."""
        raise NotImplementedError


class Watch(Traced):
    """Records the arrays of one call; a context manager around it.

    An error while an array is read is ignored, as the answer of the call does not count.

    Attributes:
        recorded: the arrays in the order in which they were made.
    """

    def __init__(self, describe: Describe) -> None:
        self.recorded: list[Recorded] = []
        self._describe = describe
        self._seen: set[tuple[str, int, str, bytes]] = set()
        self._bytes, self._events = 0, 0
        self._busy = False

    def operation(self, result: object) -> None:
        """Record the result of an operation, at the line of the candidate's own files that runs it."""
        if self._busy or self._is_over():
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not is_own(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is not None:
            for _, value in _parts("", result):
                self._record(frame, frame.f_lineno, "", value)

    def _called(self, frame: FrameType, event: str, result: Any) -> Trace | None:
        """The trace function of calls: it watches the lines of functions in the candidate's own files."""
        if self._is_over() or not is_own(frame.f_code.co_filename):
            return None
        caller = frame.f_back
        if caller is not None and is_own(caller.f_code.co_filename):  # the arguments may be made in the call
            for _, value in self._local(frame):
                self._record(caller, caller.f_lineno, "", value)
        values = {name: self._read(value) for name, value in self._local(frame)}
        return _Lines(self, frame, values).trace

    def lines(self, frame: FrameType, line: int, before: Mapping[str, Array | None]) -> dict[str, Array | None]:
        """Record the arrays that a line has bound or changed, and return all local ones."""
        if self._is_over():
            return {}
        after: dict[str, Array | None] = {}
        for name, value in self._local(frame):
            array = after[name] = self._read(value)
            old = before.get(name)
            if array is not None and (old is None or not _same(old, array)):
                self._keep(frame, line, name, array)
        return after

    def returned(self, frame: FrameType, result: Any) -> None:
        """Record what a function returns."""
        if not self._is_over():
            for _, value in _parts("", result):
                self._record(frame, frame.f_lineno, "", value)

    def _local(self, frame: FrameType) -> Iterator[tuple[str, Any]]:
        for name, value in [*frame.f_locals.items()]:
            yield from _parts(name, value)

    def _record(self, frame: FrameType, line: int, name: str, value: object) -> None:
        array = self._read(value)
        if array is not None:
            self._keep(frame, line, name, array)

    def _read(self, value: object) -> Array | None:
        """Copy an array, if it is one and not too large."""
        if self._busy:
            return None
        self._busy = True  # reading a tensor is an operation too
        try:
            array = self._describe(value) if SMALLEST <= _size(value) <= LARGEST else None
            return array.copy() if array is not None and array.dtype.kind == "f" else None  # it may be overwritten
        except Exception:  # an array that cannot be read is not recorded
            return None
        finally:
            self._busy = False

    def _keep(self, frame: FrameType, line: int, name: str, array: Array) -> None:
        file = frame.f_code.co_filename
        key = (file, line, name, array.tobytes())
        if key in self._seen:
            return
        self._seen.add(key)
        self._bytes += array.nbytes
        if len(self.recorded) < MOST_RECORDED and self._bytes <= MOST_RECORDED_BYTES:
            self.recorded.append(Recorded(file, line, frame.f_code.co_name, name, array, _callers(frame)))

    def _is_over(self) -> bool:
        """Whether there is enough; tracing ends with that."""
        self._events += 1
        enough = len(self.recorded) >= MOST_RECORDED or self._bytes > MOST_RECORDED_BYTES
        over = enough or self._events > MOST_EVENTS
        if over and sys.gettrace() is not None:
            sys.settrace(None)
        return over


class _Lines:
    """The trace function of one frame."""

    def __init__(self, watch: Watch, frame: FrameType, values: Mapping[str, Array | None]) -> None:
        self._watch, self._line, self._values = watch, frame.f_lineno, values

    def trace(self, frame: FrameType, event: str, result: Any) -> Trace:
        """Called before each line and at the end of the function."""
        if event in ("line", "return"):
            self._values = self._watch.lines(frame, self._line, self._values)
            self._line = frame.f_lineno
        if event == "return" and result is not None:
            self._watch.returned(frame, result)
        return self.trace


def _callers(frame: FrameType) -> tuple[tuple[str, int], ...]:
    """The file and line of the calls in own files that lead to a function, the innermost first."""
    found: list[tuple[str, int]] = []
    caller = frame.f_back
    while caller is not None and len(found) < CALLERS:
        if is_own(caller.f_code.co_filename):
            found.append((caller.f_code.co_filename, caller.f_lineno))
        caller = caller.f_back
    return tuple(found)


def _parts(name: str, value: object) -> Iterator[tuple[str, Any]]:
    """A value, or the items of a tuple or list, or the attributes of an object whose method is running."""
    if type(value) in (tuple, list):
        assert isinstance(value, tuple | list)
        yield from ((f"{name}[{place}]" if name else "", item) for place, item in enumerate(value[:ITEMS]))
    elif name == "self":
        attributes = getattr(value, "__dict__", {})
        yield from ((f"self.{key}", item) for key, item in [*attributes.items()][: 4 * ITEMS])
    else:
        yield name, value


def _size(value: Any) -> int:
    """The number of elements of an array; 0 for any other value."""
    return math.prod(map(int, value.shape)) if hasattr(value, "shape") else 0


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


@cache
def is_own(filename: str) -> bool:
    """Return whether a file is the candidate's own: it exists, and is neither installed nor a part of attnspec."""
    path = os.path.abspath(filename)
    inside = (path, os.path.realpath(path))
    return os.path.isfile(path) and not any(each.startswith(folder) for each in inside for folder in _foreign())


@cache
def _foreign() -> tuple[str, ...]:
    """The folders of the standard library, of installed packages and of attnspec, each with a separator at its end."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [sysconfig.get_path(name) for name in names] + [*site.getsitepackages(), site.getusersitepackages()]
    folders.append(str(Path(attnspec.__file__).parent))
    return tuple(each + os.sep for folder in folders for each in {folder, os.path.realpath(folder)})
