"""The terminal, or the log: plain text, as wide as it is told to be."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.text import Text

WIDTH = 100
"""Of what is no terminal, where COLUMNS does not say."""

NARROWEST = 60


class Screen:
    """Where a command prints. Text is printed as it is: no markup is read in it, and no line is broken."""

    def __init__(self, *, stderr: bool = False) -> None:
        file = sys.stderr if stderr else sys.stdout
        width = None if file.isatty() or os.environ.get("COLUMNS", "").isdigit() else WIDTH
        self._console = Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
        self._console.width = max(self._console.width, NARROWEST)
        self._is_live = file.isatty() and not os.environ.get("CI")

    @property
    def width(self) -> int:
        """In columns."""
        return self._console.width

    def say(self, text: str, style: str = "", first: int | None = None) -> None:
        """Print a text, its first characters in a style."""
        shown = Text(text)
        shown.stylize(style, 0, first)
        self._console.print(shown, soft_wrap=True)

    def lay_out(self, shown: RenderableType) -> None:
        """Print a table, without the blanks that fill its lines."""
        with self._console.capture() as captured:
            self._console.print(shown)
        self._console.file.write("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")

    @contextmanager
    def working(self, on: str) -> Iterator[Callable[[str], None]]:
        """Show that work goes on, and at what: on a terminal only, for a log has no use for it."""
        if not self._is_live:
            yield lambda step: None
            return
        with self._console.status(Text(on)) as status:
            yield lambda step: status.update(Text(f"{on}: {step}"))
