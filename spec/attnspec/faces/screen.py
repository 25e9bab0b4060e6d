"""Output to a terminal or a log."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.text import Text

LOG_WIDTH = 100
"""The width of output that is not a terminal, in columns, unless COLUMNS is set."""

MIN_WIDTH = 60
"""The smallest width that is used, in columns, however narrow the terminal is."""


PROGRESS_SECONDS = 15.0
"""The time between two lines on progress where there is no terminal, in seconds."""


@contextmanager
def logged(task: str) -> Iterator[Callable[[str], None]]:
    """Write a line on a task every `PROGRESS_SECONDS` while it runs; yield a function that sets its current stage."""
    stage, ended, begun = [""], threading.Event(), time.monotonic()

    def write() -> None:
        while not ended.wait(PROGRESS_SECONDS):
            at = f": {stage[0]}" if stage[0] else ""
            print(f"{task}{at}, after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

    def show(name: str) -> None:
        stage[0] = name

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield show
    finally:
        ended.set()
        writer.join()


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
        """Show a task that is running; yield a function that shows its current stage.

        Where there is no terminal, a line is written to the standard error from time to time.
        """
        if not self._is_live:
            with logged(task) as show_stage:
                yield show_stage
            return
        with self._console.status(Text(task)) as status:
            yield lambda stage: status.update(Text(f"{task}: {stage}"))
