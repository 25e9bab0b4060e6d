"""The candidates of this folder: what each tries, and whether a verdict is to see through it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Hostile:
    """A candidate: its file, its name, whether a verdict must see through it, and its author's line on it."""

    file: str
    name: str
    within: bool
    words: str

    @property
    def key(self) -> str:
        """File and name."""
        return f"{self.file.removesuffix('.py')}:{self.name}"

    @property
    def target(self) -> str:
        """As `attnspec.verify` takes it."""
        return f"{HERE / self.file}:{self.name}"


def hostile() -> list[Hostile]:
    """All candidates, in the order of the files."""
    found = []
    for path in sorted(HERE.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            words = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if words and words.startswith(("Within: ", "Beyond: ")):
                assert isinstance(node, ast.FunctionDef)
                found.append(Hostile(path.name, node.name, words.startswith("Within"), " ".join(words[8:].split())))
    return found
