"""Where Hypothesis keeps its files during a run: nowhere that lasts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.configuration import set_hypothesis_home_dir

STORAGE = "HYPOTHESIS_STORAGE_DIRECTORY"
"""The environment variable that names the folder in which Hypothesis stores examples."""


@contextmanager
def temporary_storage() -> Iterator[None]:
    """Let Hypothesis store examples in a temporary folder, unless the user has named a folder for them."""
    if os.environ.get(STORAGE):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="attnspec-", ignore_cleanup_errors=True) as folder:
        os.environ[STORAGE] = folder
        try:
            yield
        finally:
            del os.environ[STORAGE]
            set_hypothesis_home_dir(None)  # otherwise Hypothesis would keep using the folder
