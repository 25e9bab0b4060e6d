"""`attnspec verify TARGET`: print verdicts as they are reached, those that conform on one line."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import click

from attnspec.errors import SpecError, indent
from attnspec.faces.errors import BAD_INPUT
from attnspec.faces.json_file import Document
from attnspec.faces.kept_cases import check_name, keep_in_corpus, kept_text
from attnspec.faces.known_departures import Departure, KnownDepartures, read
from attnspec.faces.run_file import RunFile, RunFileError
from attnspec.faces.screen import Screen
from attnspec.faces.verdict_cache import VerdictCache
from attnspec.verification.options import VerifyOptions
from attnspec.verification.rendering import (
    cases_text,
    coverage_text,
    determinism_text,
    headline,
    report_json,
    time_text,
)
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.session import run
from attnspec.verification.together import run_together
from attnspec.verification.verdict import Report, Verdict, VerdictKind

FEW = 3
"""So many targets are named in a line on progress."""

STYLES = {"conforms": "green", "inconclusive": "yellow", "not run": "yellow"}


def verify_targets(
    targets: Sequence[str],
    options: VerifyOptions,
    to_json: str | None,
    *,
    quiet: bool,
    known: str | None,
    jobs: int,
    keep_case: str | None = None,
    coverage: bool = False,
    resume: str | None = None,
    runner: Runner | None = None,
) -> int:
    """Verify targets one after the other.

    Args:
        targets: the targets, as `attnspec.verify` takes them.
        options: the options of `attnspec.verify`.
        to_json: the file to write JSON to; "-" is the standard output, None writes none.
        quiet: print only verdicts that are neither "conforms" nor known.
        known: a file of known departures; None if there is none.
        jobs: the number of worker processes.
        keep_case: the .npz file to write the cases of the gravest verdict to; None writes none.
        coverage: print a table of what was asked after each verdict.
        resume: the file to which verdicts are appended, and whose verdicts are not reached again; None for none.
        runner: runs all targets; by default each has one of its own.

    Returns:
        The exit code.

    Raises:
        SpecError: the file of known departures cannot be read, the JSON cannot be written, `keep_case` does not name
            an .npz file, or `resume` names the file of another run.
    """
    if keep_case is not None:
        check_name(keep_case)
    departures = KnownDepartures() if known is None else read(known)
    with nullcontext() if resume is None else RunFile(resume) as file:
        screen = Screen(stderr=to_json == "-")
        run = Run(
            options,
            screen,
            Document(to_json),
            quiet,
            departures,
            jobs,
            keep_case,
            coverage=coverage,
            file=file,
            runner=runner,
        )
        run.document.write(run.json)
        try:
            for target in targets:
                run.verify(target)
            run.complete = True
        finally:
            run.finish()
    return run.exit_code


@dataclass
class Run:
    """One run of the command: its options, and the verdicts so far.

    Attributes:
        options: the options of `attnspec.verify`.
        screen: where verdicts are printed.
        document: the JSON document.
        quiet: print only verdicts that are neither "conforms" nor known.
        known: the expected verdicts.
        jobs: the number of worker processes.
        keep_case: the .npz file to write the cases of the gravest verdict to; None writes none.
        cache: verdicts of earlier runs; None if none are kept.
        coverage: print a table of what was asked after each verdict.
        file: the file to which verdicts are appended; None for none.
        runner: runs all targets, one after the other; None for one of its own for each target.
        partial: whether other processes reach the other verdicts, so that nothing is said of what is missing.
        verdicts: the verdicts so far.
        notes: a sentence for each callable that could not be imported or judged.
        refused: the targets that could not be judged at all, each with the error.
        complete: whether all targets were verified.
        started: when the run began, by `time.monotonic`.
        asked: the number of targets so far.
    """

    options: VerifyOptions
    screen: Screen
    document: Document
    quiet: bool = False
    known: KnownDepartures = field(default_factory=KnownDepartures)
    jobs: int = 1
    keep_case: str | None = None
    cache: VerdictCache | None = None
    coverage: bool = False
    file: RunFile | None = None
    runner: Runner | None = None
    partial: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[tuple[str, SpecError]] = field(default_factory=list)
    complete: bool = False
    started: float = field(default_factory=time.monotonic)
    asked: int = 0

    def verify(self, target: str, options: VerifyOptions | None = None) -> None:
        """Verify one target. A target that cannot be judged is reported, and does not stop the run.

        Args:
            target: the target, as `attnspec.verify` takes it.
            options: its options, if they are not those of the run.
        """
        before, number, options = len(self.verdicts), self.asked, options or self.options
        self.asked += 1
        record = None if self.file is None else self.file.of(number, target, options)
        try:
            with self.screen.progress(target) as show_stage:
                report = run(
                    target,
                    options,
                    jobs=self.jobs,
                    on_verdict=self.add,
                    on_progress=show_stage,
                    record=record,
                    runner=self.runner,
                )
            self.verdicts[before:] = report.verdicts  # worker processes finish in any order
            self.notes += report.notes
        except RunFileError:
            raise
        except SpecError as error:
            self.refuse(target, error)

    def verify_together(self, targets: Sequence[tuple[str, VerifyOptions]]) -> list[Report | SpecError]:
        """Verify targets, those that ask about one equation together; the report or the error of each.

        Verdicts are printed as they fall, and are kept in the order of the targets.
        """
        before = len(self.verdicts)
        kept = [self.cache.of(target, options) for target, options in targets] if self.cache is not None else []
        reports: dict[int, Report | SpecError] = {
            place: each.report for place, each in enumerate(kept) if each.report is not None
        }
        for report in reports.values():
            for verdict in getattr(report, "verdicts", ()):
                self.add(verdict)
        left = [place for place in range(len(targets)) if place not in reports]
        asked, records = [targets[place] for place in left], [kept[place] for place in left if kept]
        try:
            with self.screen.progress(_few([target for target, _ in asked])) as show_stage:
                found = run_together(
                    asked, jobs=self.jobs, records=records, on_verdict=self.add, on_progress=show_stage
                )
        finally:
            for record in records:
                record.write()
        reports |= zip(left, found, strict=True)
        in_order = [reports[place] for place in range(len(targets))]
        self.verdicts[before:] = [each for report in in_order for each in getattr(report, "verdicts", ())]
        for place, report in enumerate(in_order):
            if isinstance(report, SpecError):
                self.refuse(targets[place][0], report)
                continue
            self.notes += report.notes
            if kept and place in left:
                kept[place].finish(report)
        return in_order

    def refuse(self, target: str, error: SpecError) -> None:
        """Report a target that could not be judged at all."""
        if str(error) not in [str(earlier) for _, earlier in self.refused]:  # an option is wrong for every target
            click.echo(str(error), err=True)
        self.refused.append((target, error))
        self.document.write(self.json)

    def add(self, verdict: Verdict) -> None:
        """Print a verdict, and add it to the JSON document."""
        self.verdicts.append(verdict)
        keep_in_corpus(verdict, self.options)
        self.document.write(self.json)
        departure = self.known.expecting(verdict)
        if (verdict.passed or departure) and self.quiet:
            return
        if departure is not None:
            self.screen.print(known_text(verdict, departure), "green", len("known"))
            return
        text = passed_text(verdict) if verdict.passed else str(verdict)
        self.screen.print(text, STYLES.get(verdict.verdict, "red"), len(verdict.verdict))
        if self.coverage and verdict.coverage:
            self.screen.print(coverage_text(verdict))

    def finish(self) -> None:
        """Print the known departures that no longer occur and the summary, and complete the JSON document."""
        for departure, verdict in self.gone:
            self.screen.print(gone_text(departure, verdict, self.known.path), "red", len("gone"))
        if self.keep_case is not None:
            others = [verdict for verdict in self.verdicts if not self.known.expecting(verdict)]
            self.screen.print(kept_text(Report(tuple(others)).gravest, self.keep_case, self.options))
        if not self.quiet and (self.verdicts or not self.refused):
            self.screen.print(self.summary)
        self.document.finish(self.json())

    @property
    def gone(self) -> tuple[tuple[Departure, str], ...]:
        """The known departures that no longer occur, each with the verdict instead."""
        return () if self.partial else self.known.gone(self.verdicts)

    @property
    def summary(self) -> str:
        """The last line: how many verdicts of each kind there are, and what is missing."""
        counts = Counter("known" if self.known.expecting(verdict) else verdict.verdict for verdict in self.verdicts)
        kinds = ", ".join(f"{counts[name]} {name}" for name in (*VerdictKind, "known") if counts[name])
        total = sum(counts.values())
        parts = [f"{total} verdict{'s' * (total != 1)} in {time.monotonic() - self.started:.1f} s: {kinds or 'none'}"]
        cached = sum(bool(verdict.cached) for verdict in self.verdicts)
        parts += [f"{cached} from the cache"] if cached else []
        parts += [f"{len(self.gone)} listed and gone"] if self.gone else []
        parts += [f"{len(self.refused)} not judged"] if self.refused else []
        on = "" if self.file is None else f"; the same command goes on from {self.file.path}"
        parts += [] if self.complete else [f"the run was ended early{on}"]
        return "; ".join(parts)

    @property
    def exit_code(self) -> int:
        """2 if a target could not be judged; 1 if a verdict neither conforms nor is known, or a known one is gone."""
        if self.refused:
            return BAD_INPUT
        others = [verdict for verdict in self.verdicts if not self.known.expecting(verdict)]
        is_empty = not self.verdicts and not self.partial
        exit_code = Report(tuple(others)).exit_code if others or is_empty else 0
        return 1 if self.gone else exit_code

    def json(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            **report_json(Report(tuple(self.verdicts))),
            "known": self.known.json(self.verdicts),
            "notes": list(self.notes),
            "not_asked": [_refusal(target, error) for target, error in self.refused],
            "complete": self.complete,
        }


def passed_text(verdict: Verdict) -> str:
    """Return a passed verdict on one line, then what else is known of it, and the mistakes that it misses."""
    bits = f", {verdict.effective_bits:.1f} bits" if verdict.effective_bits is not None else ""
    score = f"caught {verdict.killed} of {verdict.of} on {cases_text(verdict)}"
    domain = f"for {verdict.domain}" if verdict.domain else ""
    parts = [headline(verdict), f"{verdict.policy}{bits}", score, time_text(verdict), domain]
    bound = [f"bound: {verdict.bound}"] if verdict.bound else []
    uncaught = [f"would not have caught: {mistake}" for mistake in verdict.survived]
    function = [f"function: {verdict.function.says}"] if verdict.function is not None else []
    repeats = [f"repeats: {determinism_text(verdict)}"] if verdict.determinism else []
    lines = [*function, *repeats, *bound, *verdict.findings, *uncaught]
    return "\n".join(["; ".join(filter(None, parts)), *(f"  {line}" for line in lines)])


def known_text(verdict: Verdict, departure: Departure) -> str:
    """Return the text of a known departure: the verdict, and the reason why it is expected."""
    rows = (
        ("because", verdict.reason),
        ("known", "\n".join(filter(None, [departure.reason, departure.link, departure.review_text]))),
    )
    body = [f"  {label:<9} {indent(text)}" for label, text in rows if text]
    return "\n".join([f"known: {headline(verdict)}; {time_text(verdict)}", *body])


def gone_text(departure: Departure, verdict: str, path: str) -> str:
    """Return the text of a known departure that no longer occurs, with the verdict instead."""
    given = f"  given     listed as {departure.verdict}, and the verdict is: {verdict}"
    return f"gone: {departure}\n{given}\n  to mend   take it off {path}, if that is right"


def _few(targets: Sequence[str]) -> str:
    """The names of targets, as far as there are few of them."""
    names = list(dict.fromkeys(targets))
    return ", ".join(names) if len(names) <= FEW else f"{', '.join(names[:FEW])} and {len(names) - FEW} others"


def _refusal(target: str, error: SpecError) -> dict[str, str]:
    facts = {"given": error.given, "expected": error.expected, "mend": error.mend}
    return {"target": target, "error": type(error).__name__, "headline": error.headline, **facts}
