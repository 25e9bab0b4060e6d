"""The JSON document of a command. A file is complete at any time; the standard output receives it once, at the end."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError

FREE_S, SHARE = 1.0, 0.05
"""How long writing a document may take in all, in seconds, and as a share of the time of the run besides: one of
thousands of verdicts is not written with each of them."""


class Document:
    """A JSON document that is replaced as more is known.

    Args:
        path: the file; "-" stands for the standard output, None for no document.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path in (None, "-") else Path(str(path)).resolve()
        self._is_stdout = path == "-"
        self._started, self._spent = time.monotonic(), 0.0

    @property
    def is_file(self) -> bool:
        """Whether there is a file, which is to be written as more is known."""
        return self._path is not None

    def write(self, content: Callable[[], Mapping[str, Any]]) -> None:
        """Write the content so far to the file, unless that takes too much of the run, by `SHARE`.

        Pipes and the standard output only get the complete document.

        Args:
            content: makes the document; it is called only if the document is written.

        Raises:
            SpecError: the path is a folder, or no file can be written there.
        """
        before = time.monotonic()
        if self._spent <= FREE_S + SHARE * (before - self._started):
            self._write_file(content)
            self._spent += time.monotonic() - before

    def _write_file(self, content: Callable[[], Mapping[str, Any]]) -> None:
        if self._path is not None and (self._path.is_file() or not self._path.exists()):
            self._replace(_text(content()))
        elif self._path is not None and self._path.is_dir():
            raise SpecError(f"{self._path} is a folder", given=str(self._path), expected="a file to write JSON to")

    def finish(self, content: Mapping[str, Any]) -> None:
        """Write the complete document.

        Raises:
            SpecError: the path is a folder, or no file can be written there.
        """
        self._write_file(lambda: content)
        if self._is_stdout:
            sys.stdout.write(_text(content))
            sys.stdout.flush()
        elif self._path is not None and not self._path.is_file():
            try:
                self._path.write_text(_text(content), encoding="utf-8")
            except OSError as error:
                raise SpecError(f"cannot write JSON: {error.strerror}", given=str(self._path)) from error

    def _replace(self, text: str) -> None:
        """Write to a temporary file and rename it, so that a reader sees the old content or the new."""
        assert self._path is not None
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            mend = "name a file in a folder that exists and can be written to"
            raise SpecError(f"cannot write JSON: {error.strerror}", given=str(self._path), mend=mend) from error
        finally:
            with suppress(OSError):
                temporary.unlink()


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
