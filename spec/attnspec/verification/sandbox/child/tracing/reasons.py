"""Why a call could not be traced, where the candidate or a library raised something of its own."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from attnspec.verification.sandbox.child.tracebacks import is_ours


def unexpected(error: Exception, framework: str) -> str:
    """The reason for an exception that does not say it itself, in words.

    NumPy code is given arrays of balls. A library that wants numbers raises something that only its authors understand,
    so its name and the line that calls it are given instead.
    """
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the package {error.name} is not installed"
    if whole := re.search(r"HigherOrderOperator (\w+)", str(error)):  # what PyTorch says besides has an address in it
        return f"{whole[1]} is not taken apart into operations"
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    lines = {id(frame): line for frame, line in traceback.walk_tb(error.__traceback__)}
    packages = [str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame in frames]
    raised = f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.200}"
    names = [frame.f_code.co_filename for frame in frames]
    own = [place for place, name in enumerate(names) if packages[place] != "attnspec" and not is_ours(name)]
    if not own:
        return raised
    library = packages[own[-1]] if _is_installed(names[own[-1]]) else ""
    caller = next((place for place in reversed(own) if not library or packages[place] != library), own[-1])
    where = f"{Path(names[caller]).name} line {lines[id(frames[caller])]}"
    if framework == "numpy" and library not in ("", "numpy"):
        return f"{library} takes nothing but floating-point arrays ({where})"
    return f"{raised} ({where})"


def _is_installed(filename: str) -> bool:
    return "site-packages" in Path(filename).parts
