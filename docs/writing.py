"""Markdown, and folders of pages that are made from the code: written, or compared with what they should be."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Texts = dict[str, str]
"""The text of each page, by the name of its file."""


@dataclass(frozen=True)
class Folder:
    """A folder of generated pages, beside which there may be others.

    Attributes:
        path: the folder.
        mark: the first line of every generated page.
    """

    path: Path
    mark: str

    def stale(self, wanted: Texts) -> list[str]:
        """Pages that differ from what they should be, each with the reason."""
        found = []
        for name, text in wanted.items():
            file = self.path / name
            if not file.is_file():
                found.append(f"{name} is missing")
            elif file.read_text(encoding="utf-8") != text:
                found.append(f"{name} differs from the code")
        return found + [f"{file.name} is no longer generated" for file in self._left_over(wanted)]

    def write(self, wanted: Texts) -> None:
        """Write every page, and remove generated ones that are no longer wanted."""
        self.path.mkdir(exist_ok=True)
        for name, text in wanted.items():
            (self.path / name).write_text(text, encoding="utf-8")
        for file in self._left_over(wanted):
            file.unlink()

    def _left_over(self, wanted: Iterable[str]) -> list[Path]:
        others = [file for file in sorted(self.path.glob("*.md")) if file.name not in wanted]
        return [file for file in others if file.read_text(encoding="utf-8").startswith(self.mark)]

    def main(self, pages: Callable[[], Texts], description: str, arguments: Sequence[str] | None = None) -> int:
        """Write the pages, or check them with ``--check``; the exit code."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is stale")
        if not parser.parse_args(arguments).check:
            self.write(pages())
            return 0
        found = self.stale(pages())
        for line in found:
            print(line, file=sys.stderr)
        if found:
            print("  to mend   make pages", file=sys.stderr)
        return 1 if found else 0


def copy(file: Path, to: Path) -> None:
    """Copy a file that has changed; the time of an equal one stays."""
    if not to.is_file() or to.read_bytes() != file.read_bytes():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)


def prose(text: str) -> str:
    """A sentence as Markdown: signs outside backticks are escaped."""
    pieces = text.replace("``", "`").split("`")
    for k in range(0, len(pieces), 2):
        for sign in ("\\", "*", "<", "["):
            pieces[k] = pieces[k].replace(sign, f"\\{sign}")
    return "`".join(pieces)


def block(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line of headings."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return heading.lower().replace(".", "")


def joined(parts: Iterable[str]) -> str:
    """A page, from its paragraphs."""
    return "\n\n".join(part for part in parts if part) + "\n"
