"""Programs in any language that answer calls, a line of JSON each, with arrays in a shared folder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from attnspec.errors import TargetError
from attnspec.implementation import DTYPES
from attnspec.verification.sandbox import scratch
from attnspec.verification.sandbox.child.programs.program import Inputs, Program, Shape
from attnspec.verification.sandbox.wire import CARRIED

PROTOCOL = 1
"""The version of the protocol."""

HELLO = '{"attnspec":1,"parameters":["q","k"],"dtype":"float32"}'
"""The first line of a program."""


class CommandProgram(Program):
    """A program that is started once and answers many calls.

    Raises:
        TargetError: it cannot be started, or does not speak the protocol.
    """

    untraced = "it is a program of its own"

    def __init__(self, words: Sequence[str]) -> None:
        self._words, self._calls = tuple(words), 0
        self._folder = scratch.make(os.getpid())
        self._start()

    def _start(self) -> None:
        shown = shlex.join(self._words)
        try:
            self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            mend = "name it by a path, as in command:./kernel, and make it executable"
            raise TargetError(f"{shown} cannot be started", given=str(error), mend=mend) from error
        line = self._line()
        try:
            hello = json.loads(line)
            known = hello["attnspec"] == PROTOCOL and hello["dtype"] in DTYPES
            self._parameters = [str(name) for name in hello["parameters"]]
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise TargetError(
                f"{shown} does not begin with its parameters",
                given=line.decode("utf-8", "replace").strip()[:200] or "nothing",
                expected=HELLO,
                mend="print this line first, end it, and flush it; docs/any-language.md has the protocol",
            )
        self._dtype = str(hello["dtype"])

    def close(self) -> None:
        """End the program, and remove the folder."""
        self._end()
        scratch.remove(os.getpid())

    def _end(self) -> None:
        self._process.kill()
        with suppress(OSError):  # what was not written yet has no reader
            self._process.communicate()

    def _line(self) -> bytes:
        """The next line; empty if the program has ended."""
        assert self._process.stdout is not None
        return bytes(self._process.stdout.readline())

    @property
    def inputs(self) -> Mapping[str, Shape | None]:
        """The parameters that it has named."""
        return dict.fromkeys(self._parameters)

    @property
    def dtype(self) -> str:
        """The dtype that it has named."""
        return self._dtype

    def run(self, inputs: Inputs, weights: Inputs) -> Sequence[Any]:
        """Make a call.

        Raises:
            RuntimeError: it ended, or answered with an error or with something else.
        """
        if self._process.poll() is not None:
            self._end()
            self._start()
        self._calls += 1
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(self._request(inputs))
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, as the next line tells
        line = self._line()
        if not line:
            raise RuntimeError(f"the program ended with exit code {self._process.wait()}")
        return self._outputs(line)

    def _request(self, inputs: Inputs) -> bytes:
        folder, arrays, options = self._folder, [], {}
        for place, (name, value) in enumerate(inputs.items()):
            if not isinstance(value, np.ndarray):
                options[name] = value
                continue
            file = f"in{place}"
            (folder / file).write_bytes(value.astype(CARRIED[value.dtype.name]).tobytes())
            arrays.append({"name": name, "dtype": value.dtype.name, "shape": list(value.shape), "file": file})
        call = {"call": self._calls, "folder": str(folder), "inputs": arrays, "options": options}
        return (json.dumps(call, separators=(",", ":")) + "\n").encode()

    def _outputs(self, line: bytes) -> list[Any]:
        try:
            reply = json.loads(line)
            if "error" in reply:
                raise RuntimeError(str(reply["error"]))
            if reply["call"] != self._calls:
                raise ValueError(f"an answer to call {reply['call']}, expected {self._calls}")
            return [self._read(each) for each in reply["outputs"]]
        except (ValueError, KeyError, TypeError, OSError) as error:
            text = line.decode("utf-8", "replace").strip()[:200]
            raise RuntimeError(f"not an answer of the protocol: {text} ({type(error).__name__}: {error})") from error

    def _read(self, output: Mapping[str, Any]) -> Any:
        data = (self._folder / str(output["file"])).read_bytes()
        array = np.frombuffer(data, CARRIED[output["dtype"]]).reshape(output["shape"])
        return array.astype(output["dtype"])
