"""The candidates of this folder: which are right, and what is wrong with the others in their author's words."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Planted:
    """A candidate: its file, its name, whether it is right, and its author's line on it."""

    file: str
    name: str
    right: bool
    words: str

    @property
    def key(self) -> str:
        """File and name."""
        return f"{self.file.removesuffix('.py')}:{self.name}"

    @property
    def target(self) -> str:
        """As `attnspec.verify` takes it."""
        return f"{HERE / self.file}:{self.name}"


def planted() -> list[Planted]:
    """All candidates, in the order of the files."""
    found = []
    for path in sorted(HERE.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            words = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if words and words.startswith(("Right: ", "Wrong: ")):
                assert isinstance(node, ast.FunctionDef)
                found.append(Planted(path.name, node.name, words.startswith("Right"), " ".join(words[7:].split())))
    return found
