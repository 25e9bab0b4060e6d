"""Verdicts as texts."""

from __future__ import annotations

import pytest

from attnspec.verification.rendering import verdict_text
from attnspec.verification.verdict import Diagnosis, Verdict, VerdictKind


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("y = a, with a = 2 * b", ["mine.py line 3: y = a, with a = 2 * b, where y = b belongs"]),
        (
            "y = a, with a = 2 * b, with b = c, with c = x",
            ["mine.py line 3: y = a", "  with a = 2 * b", "  with b = c", "  with c = x", "  where y = b belongs"],
        ),
    ],
)
def test_many_statements_have_a_line_each(code: str, shown: list[str]) -> None:
    diagnosis = Diagnosis("y/code", f"mine.py line 3: {code}, where y = b belongs")
    verdict = Verdict("scores.dot", "mine.py", "numpy", "float32", "cpu", VerdictKind.DIFFERS, diagnosis=(diagnosis,))

    lines = verdict_text(verdict).splitlines()

    assert [line[12:].rstrip() for line in lines[1 : 1 + len(shown)]] == shown
