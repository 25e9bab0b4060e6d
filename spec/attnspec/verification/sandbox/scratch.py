"""The folder of a worker for files of a candidate's program. Its parent removes it, since a worker may be killed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path


def folder_of(pid: int) -> Path:
    """The folder of the worker with a process id."""
    return Path(tempfile.gettempdir()) / f"attnspec-worker-{pid}"


def make(pid: int) -> Path:
    """Make the folder anew, for this user alone.

    Raises:
        OSError: it cannot be made.
    """
    remove(pid)
    path = folder_of(pid)
    path.mkdir(mode=0o700)
    return path


def remove(pid: int) -> None:
    """Remove the folder with all its files, if there is one."""
    shutil.rmtree(folder_of(pid), ignore_errors=True)
