"""`attnspec verify TARGET`: each verdict as it falls, in a line where it conforms, else with all that is known."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from attnspec.errors import SpecError
from attnspec.faces.document import Document
from attnspec.faces.screen import Screen
from attnspec.faces.trouble import NOT_ASKED
from attnspec.verify.api import verify
from attnspec.verify.report import VERDICTS, Report, Verdict

STYLES = {"conforms": "green", "inconclusive": "yellow", "not run": "yellow"}


def answer(targets: Sequence[str], options: Mapping[str, Any], to_json: str | None, *, quiet: bool) -> int:
    """Verify targets one after the other; the exit code."""
    run = Run(options, Screen(stderr=to_json == "-"), Document(to_json), quiet)
    run.document.write(run.json())
    try:
        for target in targets:
            run.ask(target)
        run.complete = True
    finally:
        run.finish()
    return run.exit_code


@dataclass
class Run:
    """What is asked, and what fell so far.

    Attributes:
        options: as `attnspec.verify` takes them.
        refused: targets that could not be asked, and why.
        complete: whether everything was asked that was to be.
    """

    options: Mapping[str, Any]
    screen: Screen
    document: Document
    quiet: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[tuple[str, SpecError]] = field(default_factory=list)
    complete: bool = False
    started: float = field(default_factory=time.monotonic)

    def ask(self, target: str) -> None:
        """One target; one that cannot be asked leaves the others their verdicts."""
        try:
            with self.screen.working(target) as tick:
                report = verify(target, **self.options, on_verdict=self.fell, tick=tick)
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
        if verdict.passed and self.quiet:
            return
        text = compact(verdict) if verdict.passed else str(verdict)
        self.screen.say(text, STYLES.get(verdict.verdict, "red"), len(verdict.verdict))

    def finish(self) -> None:
        """The last line, and the JSON where it could not be written before."""
        if not self.quiet and (self.verdicts or not self.refused):
            self.screen.say(self.summary)
        self.document.finish(self.json())

    @property
    def summary(self) -> str:
        """How many verdicts of each kind."""
        counts = Counter(verdict.verdict for verdict in self.verdicts)
        told = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts[name])
        total = sum(counts.values())
        parts = [f"{total} verdict{'s' * (total != 1)} in {time.monotonic() - self.started:.1f} s: {told or 'none'}"]
        parts += [f"{len(self.refused)} not asked"] if self.refused else []
        parts += [] if self.complete else ["not all was asked"]
        return "; ".join(parts)

    @property
    def exit_code(self) -> int:
        """2 where a target could not be asked, else 0 where all conform, else 1."""
        return NOT_ASKED if self.refused else Report(tuple(self.verdicts)).exit_code

    def json(self) -> dict[str, Any]:
        """The documented form, with what could not be asked."""
        return {
            **Report(tuple(self.verdicts)).json(),
            "notes": list(self.notes),
            "not_asked": [_refusal(target, error) for target, error in self.refused],
            "complete": self.complete,
        }


def compact(verdict: Verdict) -> str:
    """A pass in a line; what was found besides, and what the cases could not have caught, below it."""
    bits = f", {verdict.effective_bits:.1f} bits" if verdict.effective_bits is not None else ""
    score = f"caught {verdict.killed} of {verdict.of} on {verdict.examples} cases"
    domain = f"for {verdict.domain}" if verdict.domain else ""
    parts = [verdict.headline, f"{verdict.policy}{bits}", score, f"{verdict.seconds:.1f} s", domain]
    missed = [f"would not have caught: {says}" for says in verdict.survived]
    return "\n".join(["; ".join(filter(None, parts)), *(f"  {line}" for line in (*verdict.findings, *missed))])


def _refusal(target: str, error: SpecError) -> dict[str, str]:
    facts = {"given": error.given, "expected": error.expected, "mend": error.mend}
    return {"target": target, "error": type(error).__name__, "headline": error.headline, **facts}
