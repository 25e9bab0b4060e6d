"""What is said when a command ends otherwise than by its answer, and its exit code."""

from __future__ import annotations

import os
import traceback

import click

from attnspec.errors import SpecError

NOT_ASKED, OURS, INTERRUPTED = 2, 3, 130


def print_error(error: BaseException) -> int:
    """Say on the standard error what went wrong; the exit code that goes with it."""
    if isinstance(error, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, SpecError):
        click.echo(str(error), err=True)
        return NOT_ASKED
    if os.environ.get("ATTNSPEC_DEBUG"):
        click.echo("".join(traceback.format_exception(error)).rstrip(), err=True)
        return OURS
    click.echo(f"attnspec: our own trouble: {type(error).__name__}: {error}", err=True)
    click.echo("  to mend   ATTNSPEC_DEBUG=1 shows where it comes from", err=True)
    return OURS
