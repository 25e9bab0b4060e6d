"""`attnspec verify --watch`: after a verdict, another one whenever a file of the candidates changes.

What was computed for one verdict serves the next: the noise of the cases, and the values of known mistakes on them. The
process of the next candidate starts while nothing changes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import click

from attnspec.errors import SpecError
from attnspec.faces.errors import BAD_INPUT
from attnspec.verification.candidate.sources import is_installed, sources_of
from attnspec.verification.cases.recordings import as_tuple
from attnspec.verification.options import VerifyOptions
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import Command, Module, Target
from attnspec.verification.targeting import parse_target

POLL_S = 0.1
"""The time between two looks at the files, in seconds."""

Stamps = Mapping[str, tuple[int, int] | None]
"""{file: when it was last written, in ns, and its size in bytes; None if it is not there}."""


@dataclass
class Watch:
    """The files of targets, as they are when it is made.

    Attributes:
        targets: the targets, as `attnspec.verify` takes them.
        options: the options of `attnspec.verify`.
        before: the files before the last verdict.

    Raises:
        SpecError: there is no file to watch.
    """

    targets: Sequence[str]
    options: VerifyOptions
    before: Stamps = field(init=False)

    def __post_init__(self) -> None:
        self.before = stamps(self.files())
        if not self.before:
            expected = "a file, or a module that is not installed"
            raise SpecError("there is no file to watch", given=" ".join(self.targets), expected=expected)

    def judge_again(self, judge: Callable[[Runner], int], new_runner: Callable[[], Runner], exit_code: int) -> int:
        """Judge again after each change, until Ctrl-C.

        A file that this process has imported, since it defines equations, is imported by a new process in its place.

        Args:
            judge: judges all targets, and returns the exit code.
            new_runner: makes what runs the candidates.
            exit_code: that of the first verdicts.

        Returns:
            The exit code of the last verdicts.
        """
        try:
            while True:
                with new_runner() as runner:
                    runner.start_ahead()
                    click.echo("waiting for a change; Ctrl-C ends it")
                    changed = self.wait()
                    click.echo(f"\n{time.strftime('%H:%M:%S')}  {', '.join(map(_short, changed))} changed")
                    if not _imported_here().isdisjoint(changed):
                        _begin_anew()
                    exit_code = _judged(judge, runner)
        except KeyboardInterrupt:
            return exit_code

    def files(self) -> list[str]:
        """The files of the candidates, of what they import, of equations of one's own, and of recorded cases."""
        found: list[str] = []
        for target in self.targets:
            _, parsed = parse_target(target)
            if isinstance(parsed, Command):
                found += [word for word in parsed.words if Path(word).is_file()]
            elif not _is_of_a_library(parsed):
                found += sources_of(parsed, self.options.equations).files
        found += [str(each) for each in as_tuple(self.options.inputs) if isinstance(each, str | os.PathLike)]
        return [*dict.fromkeys(map(os.path.realpath, found))]

    def wait(self) -> list[str]:
        """Wait until files have changed and are as they were a moment before, and return them."""
        now = self.before
        while True:
            time.sleep(POLL_S)
            earlier, now = now, stamps(self.before)
            changed = [file for file, stamp in now.items() if stamp != self.before[file]]
            if changed and now == earlier:  # no editor is still writing
                self.before = {**now, **stamps(self.files())}
                return changed


def stamps(files: Iterable[str]) -> Stamps:
    """What tells whether files have changed."""
    return {file: _stamp(file) for file in files}


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _is_of_a_library(target: Target) -> bool:
    """Whether a target is a module of an installed package, which nobody edits."""
    if not isinstance(target, Module):
        return False
    package = find_spec(target.name.partition(".")[0])
    return package is not None and package.origin is not None and is_installed(package.name, package.origin)


def _judged(judge: Callable[[Runner], int], runner: Runner) -> int:
    """The exit code of one round; what is refused is printed, since the next change may mend it."""
    try:
        return judge(runner)
    except SpecError as error:
        click.echo(str(error), err=True)
        return BAD_INPUT


def _short(file: str) -> str:
    """A file by its path from the current folder, where it is within it."""
    path, here = Path(file), Path.cwd().resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


def _imported_here() -> set[str]:
    """The files that this process has imported."""
    found = (getattr(module, "__file__", None) for module in [*sys.modules.values()])
    return {os.path.realpath(file) for file in found if file}


def _begin_anew() -> NoReturn:
    """Run the same command in a new process, in place of this one."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)
