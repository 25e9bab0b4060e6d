"""Candidates of a folder whose docstrings begin with a word that says what a verdict is to be, then their author's.

"Wrong, in float16: …" is asked in float16, and a word alone in float32.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authored:
    """A candidate: its file, its name, the first word of its docstring, its author's line on it, and its dtype."""

    path: Path
    name: str
    kind: str
    words: str
    dtype: str = "float32"

    @property
    def key(self) -> str:
        """File and name."""
        return f"{self.path.stem}:{self.name}"

    @property
    def target(self) -> str:
        """As `attnspec.verify` takes it."""
        return f"{self.path}:{self.name}"


def authored(folder: Path, *kinds: str) -> list[Authored]:
    """All candidates whose docstring begins with one of these words and a colon, in the order of the files."""
    found = []
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            docstring = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            head, separator, words = (docstring or "").partition(": ")
            kind, _, dtype = head.partition(", in ")
            if separator and kind in kinds:
                assert isinstance(node, ast.FunctionDef)
                found.append(Authored(path, node.name, kind, " ".join(words.split()), dtype or "float32"))
    return found
