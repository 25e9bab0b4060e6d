"""How running out of memory is recognised, in the parent and in the worker."""

from __future__ import annotations

import re

PHRASES = re.compile(
    r"out of ?memory|not enough memory|can(?:'|no)t allocate memory|memory allocation (?:still )?failed"
    r"|RESOURCE_EXHAUSTED|bad_alloc|MemoryError\s*\Z",
    re.IGNORECASE,
)
"""The messages of the system, C++, OpenBLAS, CUDA, XLA and PyTorch; and Python's error at the end of a traceback."""


def mentions_out_of_memory(text: str) -> bool:
    """Return whether an error message, or the last output of a process, reports a failed allocation."""
    return PHRASES.search(text) is not None
