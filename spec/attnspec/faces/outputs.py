"""Places that a command writes to, which are checked before the work begins."""

from __future__ import annotations

import os
from pathlib import Path

from attnspec.errors import SpecError


def check_folder(folder: Path) -> None:
    """Check that a folder can be written to, or made.

    Raises:
        SpecError: it is a file, lies below one, or must not be written to.
    """
    path = folder.absolute()
    there = next(each for each in (path, *path.parents) if each.exists())
    if not there.is_dir():
        raise _refused(folder, f"{there} is a file", "a folder, or the name of a new one", "another folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _refused(folder, f"{there} is read-only", "a folder that may be written to", "another folder")


def check_file(file: Path) -> None:
    """Check that a file can be written.

    Raises:
        SpecError: it is a folder, lies in none, or must not be written.
    """
    folder = file.absolute().parent
    expected, mend = "a file in a folder that exists", "another file"
    if file.is_dir():
        raise _refused(file, "a folder", expected, mend)
    if not folder.is_dir():
        raise _refused(file, f"{folder} is no folder", expected, mend)
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise _refused(file, "it is read-only", "a file that may be written", mend)


def _refused(path: Path, given: str, expected: str, other: str) -> SpecError:
    return SpecError(f"{path} cannot be written", given=given, expected=expected, mend=f"--out with {other}")
