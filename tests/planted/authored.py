"""Candidates of a folder whose docstrings begin with a word that says what a verdict is to be, then their author's."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authored:
    """A candidate: its file, its name, the first word of its docstring, and its author's line on it."""

    path: Path
    name: str
    kind: str
    words: str

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
            kind, separator, words = (docstring or "").partition(": ")
            if separator and kind in kinds:
                assert isinstance(node, ast.FunctionDef)
                found.append(Authored(path, node.name, kind, " ".join(words.split())))
    return found
