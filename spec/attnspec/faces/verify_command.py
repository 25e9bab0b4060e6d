"""`attnspec verify TARGET`: each verdict as it falls, in a line where it conforms, else with all that is known."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from hypothesis.configuration import set_hypothesis_home_dir

from attnspec.errors import SpecError, indent
from attnspec.faces.errors import NOT_ASKED
from attnspec.faces.json_file import Document
from attnspec.faces.known_departures import Departure, Known, read
from attnspec.faces.screen import Screen
from attnspec.verification.options import VerifyOptions
from attnspec.verification.rendering import cases_text, headline, report_json
from attnspec.verification.session import run
from attnspec.verification.verdict import Report, Verdict, VerdictKind

STYLES = {"conforms": "green", "inconclusive": "yellow", "not run": "yellow"}
STORAGE = "HYPOTHESIS_STORAGE_DIRECTORY"


def answer(
    targets: Sequence[str],
    options: VerifyOptions,
    to_json: str | None,
    *,
    quiet: bool,
    known: str | None,
    jobs: int,
) -> int:
    """Verify targets one after the other; the exit code.

    Args:
        options: as `attnspec.verify` takes them.
        known: a file of known departures.
        jobs: in how many processes.
    """
    listed = Known() if known is None else read(known)
    run = Run(options, Screen(stderr=to_json == "-"), Document(to_json), quiet, listed, jobs)
    run.document.write(run.json())
    try:
        with storing_elsewhere():
            for target in targets:
                run.ask(target)
        run.complete = True
    finally:
        run.finish()
    return run.exit_code


@contextmanager
def storing_elsewhere() -> Iterator[None]:
    """What Hypothesis writes down goes to a folder that is soon gone, unless the user has named one."""
    if os.environ.get(STORAGE):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="attnspec-", ignore_cleanup_errors=True) as folder:
        os.environ[STORAGE] = folder
        try:
            yield
        finally:
            del os.environ[STORAGE]
            set_hypothesis_home_dir(None)  # it remembers the folder


@dataclass
class Run:
    """What is asked, and what fell so far.

    Attributes:
        options: as `attnspec.verify` takes them.
        known: verdicts that are expected.
        jobs: in how many processes.
        refused: targets that could not be asked, and why.
        complete: whether everything was asked that was to be.
    """

    options: VerifyOptions
    screen: Screen
    document: Document
    quiet: bool = False
    known: Known = field(default_factory=Known)
    jobs: int = 1
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[tuple[str, SpecError]] = field(default_factory=list)
    complete: bool = False
    started: float = field(default_factory=time.monotonic)

    def ask(self, target: str) -> None:
        """One target; one that cannot be asked leaves the others their verdicts."""
        fallen = len(self.verdicts)
        try:
            with self.screen.working(target) as tick:
                report = run(target, self.options, jobs=self.jobs, on_verdict=self.fell, on_progress=tick)
                self.verdicts[fallen:] = report.verdicts  # they fall in any order
            self.notes += report.notes
        except SpecError as error:
            if str(error) not in [str(earlier) for _, earlier in self.refused]:  # an option is wrong for every target
                click.echo(str(error), err=True)
            self.refused.append((target, error))
            self.document.write(self.json())

    def fell(self, verdict: Verdict) -> None:
        """Print a verdict, and keep it at once."""
        self.verdicts.append(verdict)
        self.document.write(self.json())
        departure = self.known.of(verdict)
        if (verdict.passed or departure) and self.quiet:
            return
        if departure is not None:
            self.screen.say(expected(verdict, departure), "green", len("known"))
            return
        text = compact(verdict) if verdict.passed else str(verdict)
        self.screen.say(text, STYLES.get(verdict.verdict, "red"), len(verdict.verdict))

    def finish(self) -> None:
        """What is listed and no longer so, the last line, and the JSON where it could not be written before."""
        for departure, fell in self.known.gone(self.verdicts):
            self.screen.say(gone(departure, fell, self.known.path), "red", len("gone"))
        if not self.quiet and (self.verdicts or not self.refused):
            self.screen.say(self.summary)
        self.document.finish(self.json())

    @property
    def summary(self) -> str:
        """How many verdicts of each kind."""
        counts = Counter("known" if self.known.of(verdict) else verdict.verdict for verdict in self.verdicts)
        told = ", ".join(f"{counts[name]} {name}" for name in (*VerdictKind, "known") if counts[name])
        total = sum(counts.values())
        parts = [f"{total} verdict{'s' * (total != 1)} in {time.monotonic() - self.started:.1f} s: {told or 'none'}"]
        missed = self.known.gone(self.verdicts)
        parts += [f"{len(missed)} listed and gone"] if missed else []
        parts += [f"{len(self.refused)} not asked"] if self.refused else []
        parts += [] if self.complete else ["not all was asked"]
        return "; ".join(parts)

    @property
    def exit_code(self) -> int:
        """2 where a target could not be asked; 0 where all conform or are known, and no known one is gone; else 1."""
        if self.refused:
            return NOT_ASKED
        others = [verdict for verdict in self.verdicts if not self.known.of(verdict)]
        right = Report(tuple(others)).exit_code if others or not self.verdicts else 0
        return 1 if self.known.gone(self.verdicts) else right

    def json(self) -> dict[str, Any]:
        """The documented form, with what could not be asked."""
        return {
            **report_json(Report(tuple(self.verdicts))),
            "known": self.known.json(self.verdicts),
            "notes": list(self.notes),
            "not_asked": [_refusal(target, error) for target, error in self.refused],
            "complete": self.complete,
        }


def compact(verdict: Verdict) -> str:
    """A pass in a line; what was found besides, and what the cases could not have caught, below it."""
    bits = f", {verdict.effective_bits:.1f} bits" if verdict.effective_bits is not None else ""
    score = f"caught {verdict.killed} of {verdict.of} on {cases_text(verdict)}"
    domain = f"for {verdict.domain}" if verdict.domain else ""
    parts = [headline(verdict), f"{verdict.policy}{bits}", score, f"{verdict.seconds:.1f} s", domain]
    missed = [f"would not have caught: {says}" for says in verdict.survived]
    return "\n".join(["; ".join(filter(None, parts)), *(f"  {line}" for line in (*verdict.findings, *missed))])


def expected(verdict: Verdict, departure: Departure) -> str:
    """A verdict that is listed: what is seen of it now, and why it is so."""
    rows = (("because", verdict.reason), ("known", f"{departure.reason}\n{departure.link}"))
    body = [f"  {label:<9} {indent(text)}" for label, text in rows if text]
    return "\n".join([f"known: {headline(verdict)}; {verdict.seconds:.1f} s", *body])


def gone(departure: Departure, fell: str, path: str) -> str:
    """An entry that no longer occurs, by its own name."""
    given = f"  given     listed as {departure.verdict}, and the verdict is: {fell}"
    return f"gone: {departure}\n{given}\n  to mend   take it off {path}, if that is right"


def _refusal(target: str, error: SpecError) -> dict[str, str]:
    facts = {"given": error.given, "expected": error.expected, "mend": error.mend}
    return {"target": target, "error": type(error).__name__, "headline": error.headline, **facts}
