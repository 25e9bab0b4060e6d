"""What a candidate reads wrongly is said, for candidates in a process of their own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from attnspec import VerdictKind, verify

PLANTED = Path(__file__).parents[2] / "planted/reading.py"
SAYS = {
    node.name: ast.get_docstring(node)
    for node in ast.parse(PLANTED.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.decorator_list
}


@pytest.mark.parametrize("name", SAYS)
def test_the_diagnosis_is_what_the_author_says(name: str) -> None:
    (verdict,) = verify(f"{PLANTED}:{name}")
    author = SAYS[name]

    assert author is not None
    assert verdict.verdict is VerdictKind.DIFFERS
    said = verdict.diagnosis[0].says
    assert author.rstrip(".").lower() in said.lower()


def test_what_larger_cases_read_is_not_said_to_be_unread(tmp_path: Path) -> None:
    """e is added from the 17th row on: no small case reads it, and it is read all the same."""
    file = tmp_path / "late.py"
    file.write_text("def late(a, e):\n    y = a.copy()\n    y[..., 16:, :] += e[..., 16:, :]\n    return y\n", "utf-8")
    (verdict,) = verify(f"{file}:late", "position.add", framework="numpy")

    assert verdict.verdict is VerdictKind.DIFFERS
    assert "e is not read" not in str(verdict)
