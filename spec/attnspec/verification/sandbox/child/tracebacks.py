"""What a candidate raised, with its own frames alone: ours and the import system's tell its author nothing."""

from __future__ import annotations

import traceback
from pathlib import Path

OURS = str(Path(__file__).parents[2])


def describe_error(error: BaseException) -> dict[str, str]:
    """The type, the message and the traceback, as text.

    Locals are dropped first: when memory has run out, they are what holds it, and the text needs a little.
    """
    traceback.clear_frames(error.__traceback__)
    whole = traceback.TracebackException.from_exception(error)
    _strip(whole, set())
    kind = type(error).__qualname__
    return {"type": kind, "message": _message(error), "traceback": "".join(whole.format()).rstrip()}


def is_ours(filename: str) -> bool:
    """Whether a frame of this file belongs to the runner, to the import system or to what runs a backward pass."""
    if filename.startswith((OURS, "<frozen importlib")) or filename.endswith("importlib/__init__.py"):
        return True
    return Path(filename).parent.parts[-2:] == ("torch", "autograd")


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _strip(told: traceback.TracebackException | None, seen: set[int]) -> None:
    """Take our frames out of an error, of its causes and of those of a group."""
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if not is_ours(frame.filename)])
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        _strip(other, seen)
