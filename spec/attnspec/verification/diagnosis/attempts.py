"""Searches for an explanation of wrong answers, whose own errors do not change the verdict."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from attnspec.verification.sandbox.runner import WorkerError
from attnspec.verification.verdict import Diagnosis

raises = "ATTNSPEC_DEBUG" in os.environ
"""Whether an error of a search is raised, for those who work on attnspec; otherwise it is noted."""


def first_found(searches: Iterable[Callable[[], Diagnosis | None]], note: Callable[[str], None]) -> Diagnosis | None:
    """What the first successful search finds; None if none finds anything.

    The answers are wrong whether or not they can be explained. A search that ends with an error of attnspec is noted,
    and the next one is tried.

    Args:
        searches: the searches, in the order in which they are tried.
        note: called with a sentence about each search that ends with an error.

    Raises:
        WorkerError: the process in which the candidate runs cannot go on.
    """
    for search in searches:
        try:
            found = search()
        except WorkerError:
            raise
        except Exception as error:
            if raises:
                raise
            what = f"{type(error).__name__}: {error}"
            note(f"a search for the mistake ended with {what}; this is a bug of attnspec, please report it")
            continue
        if found:
            return found
    return None
