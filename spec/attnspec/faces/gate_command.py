"""`attnspec gate`: verify what the settings of a project list, for continuous integration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.faces import gate_reports
from attnspec.faces.gate_settings import Gate, placed, read
from attnspec.faces.json_file import Document
from attnspec.faces.known_departures import Departure, KnownDepartures
from attnspec.faces.known_departures import read as read_known
from attnspec.faces.screen import Screen
from attnspec.faces.verdict_cache import VerdictCache, cache_folder
from attnspec.faces.verify_command import Run
from attnspec.verification.options import VerifyOptions

GRACE_DAYS = 14
"""Days after its review date in which a known departure is only warned of."""


def run_gate(
    *,
    to_json: str | None = None,
    to_junit: str | None = None,
    github: bool = False,
    quiet: bool = False,
    jobs: int = 1,
    fail_overdue: bool = False,
    known_from: str = "",
    cache: bool = True,
    equations: Sequence[str] = (),
    today: date | None = None,
) -> int:
    """Verify the implementations of the settings.

    Args:
        to_json: the file to write JSON to; "-" is the standard output, None writes none.
        to_junit: the file to write JUnit XML to; None writes none.
        github: print an annotation for each verdict that fails, as GitHub's workflows read them.
        quiet: print only verdicts that are neither "conforms" nor known.
        jobs: the number of worker processes.
        fail_overdue: fail if a review date passed more than `GRACE_DAYS` ago.
        known_from: the revision of git whose list of known departures counts; "" for the list as it is.
        cache: take verdicts of earlier runs, where nothing has changed that they depend on.
        equations: the files and modules that define equations of the project.
        today: the date; by default, today's.

    Returns:
        The exit code.

    Raises:
        SpecError: the settings or the known departures cannot be read, or something in them is wrong.
    """
    gate = read(Path.cwd())
    known = _known(gate, known_from)
    screen = Screen(stderr=to_json == "-")
    kept = VerdictCache(cache_folder(), equations) if cache else None
    run = Run(VerifyOptions(), screen, Document(to_json), quiet, known, jobs, cache=kept)
    run.document.write(run.json())
    try:
        for job in gate.jobs:
            run.verify(job.target, job.options)
        run.complete = True
    finally:
        run.finish()
        _print_not_cached(run, quiet)
        late = _overdue(known.departures, today or date.today())
        failures = _unjudged(gate, run) + [text for days, text in late if fail_overdue and days > GRACE_DAYS]
        warnings = [text for _, text in late if text not in failures]
        for text in (*warnings, *failures):
            screen.print(text, "red" if text in failures else "yellow", text.index(":"))
        if to_junit is not None:
            gate_reports.write_junit(to_junit, run, failures)
    for line in gate_reports.workflow_commands(run, failures, warnings) if github else ():
        screen.print(line)
    return run.exit_code or int(bool(failures))


def _print_not_cached(run: Run, quiet: bool) -> None:
    """Print why verdicts are not cached, and delete entries that are no longer used."""
    if run.cache is None:
        return
    run.cache.prune()
    for target, why in run.cache.not_kept.items() if not quiet else ():
        run.screen.print(f"not cached: {target}: {why}")


def _known(gate: Gate, revision: str) -> KnownDepartures:
    """The known departures of a gate at a revision, each with an owner and a review date.

    Raises:
        TargetError: the file of an implementation does not exist.
        SpecError: they cannot be read, or one has none.
    """
    if not gate.known and revision:
        mend = 'known = "departures.toml"'
        raise SpecError(f"{gate.file} names no known departures", given=f"--known-from {revision}", mend=mend)
    if not gate.known:
        return KnownDepartures()
    known = read_known(gate.known, revision)
    for departure in known.departures:
        for name in ("owner", "review"):
            if not getattr(departure, name):
                raise SpecError(
                    f"{gate.known}: {departure} has no {name}",
                    given=f"a departure without {name}",
                    expected="owner, and review as a date: who looks at it again, and when",
                    mend=f"{name} = {'2027-01-31' if name == 'review' else chr(34) + 'name' + chr(34)}",
                )
    here = [replace(each, implementation=placed(each.implementation, gate.file)) for each in known.departures]
    return KnownDepartures(known.path, tuple(here))


def _unjudged(gate: Gate, run: Run) -> list[str]:
    """A text for each required equation that has no verdict, or only "not run"."""
    judged = {
        id for verdict in run.verdicts if verdict.verdict != "not run" for id in (verdict.equation, verdict.backward_of)
    }
    mend = f"add an implementation of it to {gate.file}, or narrow `required`"
    return [f"required: {id} has no verdict\n  to mend   {mend}" for id in gate.required if id not in judged]


def _overdue(departures: Sequence[Departure], today: date) -> list[tuple[int, str]]:
    """The days that each departure is overdue, if it is, with a text."""
    late = [
        (departure, (today - date.fromisoformat(departure.review)).days) for departure in departures if departure.review
    ]
    return [
        (days, f"overdue: {departure}; {departure.owner} was to review it by {departure.review}, {days} days ago")
        for departure, days in late
        if days > 0
    ]
