"""Output to a terminal or a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.text import Text

LOG_WIDTH = 100
"""The width of output that is not a terminal, in columns, unless COLUMNS is set."""

MIN_WIDTH = 60
"""The smallest width that is used, in columns, however narrow the terminal is."""


class Screen:
    """The output of a command.

    Args:
        stderr: print to the standard error instead of the standard output.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        file = sys.stderr if stderr else sys.stdout
        width = None if file.isatty() or os.environ.get("COLUMNS", "").isdigit() else LOG_WIDTH
        self._console = Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
        self._console.width = max(self._console.width, MIN_WIDTH)
        self._is_live = file.isatty() and not os.environ.get("CI")

    @property
    def width(self) -> int:
        """The width, in columns."""
        return self._console.width

    def print(self, text: str, style: str = "", first: int | None = None) -> None:
        """Print a text as it is: without markup, and without breaking lines.

        Args:
            style: the style of its first characters.
            first: how many characters have that style; None for all.
        """
        styled = Text(text)
        styled.stylize(style, 0, first)
        self._console.print(styled, soft_wrap=True)

    def print_table(self, table: RenderableType) -> None:
        """Print a table, without the blanks at the end of its lines."""
        with self._console.capture() as captured:
            self._console.print(table)
        self._console.file.write("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")

    @contextmanager
    def progress(self, task: str) -> Iterator[Callable[[str], None]]:
        """Show a task that is running, on a terminal only; yield a function that shows its current stage."""
        if not self._is_live:
            yield lambda stage: None
            return
        with self._console.status(Text(task)) as status:
            yield lambda stage: status.update(Text(f"{task}: {stage}"))
