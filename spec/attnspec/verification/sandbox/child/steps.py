"""Which way a candidate goes through its own files in one call: the steps from line to line."""

from __future__ import annotations

from types import FrameType
from typing import Any

from attnspec.verification.sandbox.child.watching import MOST_EVENTS, Trace, Traced, is_own
from attnspec.verification.sandbox.messages import Step


class Steps(Traced):
    """Collects the steps of one call; a context manager around it.

    Attributes:
        taken: the steps.
    """

    def __init__(self) -> None:
        self.taken: set[Step] = set()
        self._left = MOST_EVENTS

    def _called(self, frame: FrameType, event: str, result: Any) -> Trace | None:
        """The trace function of calls: it follows the lines of functions in the candidate's own files."""
        file, last = frame.f_code.co_filename, 0
        if not is_own(file):
            return None

        def follow(frame: FrameType, event: str, result: Any) -> Trace | None:
            nonlocal last
            if event == "line":
                self.taken.add((file, last, frame.f_lineno))
                last = frame.f_lineno
                self._left -= 1
            return follow if self._left > 0 else None

        return follow if self._left > 0 else None
