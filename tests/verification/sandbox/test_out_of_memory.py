"""Which texts say that memory has run out."""

from __future__ import annotations

import pytest

from attnspec.verification.sandbox.out_of_memory import mentions_out_of_memory


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OutOfMemoryError CUDA out of memory. Tried to allocate 4.00 TiB", True),
        ("RuntimeError [enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes", True),
        ("terminate called after throwing an instance of 'std::bad_alloc'", True),
        ("XlaRuntimeError RESOURCE_EXHAUSTED: Out of memory allocating 16 bytes", True),
        ("OSError [Errno 12] Cannot allocate memory", True),
        ("Traceback (most recent call last):\n  ...\nMemoryError\n", True),
        ("MemoryError is what I expected", False),
        ("ValueError the memory of an LSTM has 4 sizes", False),
        ("", False),
    ],
)
def test_what_says_that_memory_has_run_out(text: str, expected: bool) -> None:
    assert mentions_out_of_memory(text) is expected
