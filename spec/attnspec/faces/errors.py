"""The message and the exit code of a command that ends with an error."""

from __future__ import annotations

import os
import traceback

import click

from attnspec.errors import SpecError

BAD_INPUT, INTERNAL_ERROR, INTERRUPTED = 2, 3, 130
"""Exit codes: wrong input; an error in attnspec; interrupted by the user."""


def print_error(error: BaseException) -> int:
    """Print an error to the standard error, and return its exit code."""
    if isinstance(error, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, SpecError):
        click.echo(str(error), err=True)
        return BAD_INPUT
    if os.environ.get("ATTNSPEC_DEBUG"):
        click.echo("".join(traceback.format_exception(error)).rstrip(), err=True)
        return INTERNAL_ERROR
    click.echo(f"attnspec: internal error: {type(error).__name__}: {error}", err=True)
    for note in getattr(error, "__notes__", ()):
        click.echo(f"  given     {note}", err=True)
    click.echo("  to mend   ATTNSPEC_DEBUG=1 shows where it comes from", err=True)
    return INTERNAL_ERROR
