"""The text of an exception that a candidate raised, with the candidate's own frames alone."""

from __future__ import annotations

import traceback
from pathlib import Path

from attnspec.language import definitions
from attnspec.verification.sandbox.messages import Trouble

OURS = (str(Path(__file__).parents[2]), definitions.__file__)
"""The folder of `attnspec.verification` and the module that imports files; their frames tell an author nothing."""


def describe_error(error: BaseException) -> Trouble:
    """Return the type, the message and the traceback of an exception.

    Local variables are dropped first: when memory has run out, they are what holds it, and the text needs some.
    """
    traceback.clear_frames(error.__traceback__)
    whole = traceback.TracebackException.from_exception(error)
    _remove_our_frames(whole, set())
    return Trouble(type(error).__qualname__, _message(error), "".join(whole.format()).rstrip())


def is_ours(filename: str) -> bool:
    """Return whether a frame belongs to the runner, to the import system or to what runs a backward pass."""
    if filename.startswith((*OURS, "<frozen importlib")) or filename.endswith("importlib/__init__.py"):
        return True
    return Path(filename).parent.parts[-2:] == ("torch", "autograd")


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _remove_our_frames(error: traceback.TracebackException | None, seen: set[int]) -> None:
    """Remove our frames from an error, from its causes and from the members of an exception group."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.stack = traceback.StackSummary.from_list([frame for frame in error.stack if not is_ours(frame.filename)])
    for other in (error.__cause__, error.__context__, *(error.exceptions or ())):
        _remove_our_frames(other, seen)
