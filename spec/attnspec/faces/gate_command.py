"""`attnspec gate`: verify what the settings of a project list, for continuous integration."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.faces import gate_lanes, gate_lock, gate_parts, gate_reports, known_entries
from attnspec.faces.gate_outputs import Outputs, check_place
from attnspec.faces.gate_parts import Answered, Share
from attnspec.faces.gate_settings import Gate, read
from attnspec.faces.gate_targets import placed
from attnspec.faces.json_file import Document
from attnspec.faces.known_departures import Departure, KnownDepartures
from attnspec.faces.known_departures import read as read_known
from attnspec.faces.screen import Screen
from attnspec.faces.verdict_cache import VerdictCache, cache_folder
from attnspec.faces.verify_command import Run
from attnspec.verification.cluster import Cluster
from attnspec.verification.options import VerifyOptions

NOTHING = Outputs()

GRACE_DAYS = 14
"""Days after its review date in which a known departure is only warned of."""


def run_gate(
    *,
    to_json: str | None = None,
    outputs: Outputs = NOTHING,
    github: bool = False,
    quiet: bool = False,
    jobs: int = 1,
    fail_overdue: bool = False,
    known_from: str = "",
    accept: bool = False,
    lock: bool = False,
    cache: bool = True,
    equations: Sequence[str] = (),
    parts: Sequence[str] = (),
    minutes: float = 0.0,
    dask: str = "",
    today: date | None = None,
) -> int:
    """Verify the implementations of the settings.

    Args:
        to_json: the file to write JSON to; "-" is the standard output, None writes none.
        outputs: the other files to write.
        github: print an annotation for each verdict that fails, as GitHub's workflows read them.
        quiet: print only verdicts that are neither "conforms" nor known.
        jobs: the number of worker processes.
        fail_overdue: fail if a review date passed more than `GRACE_DAYS` ago.
        known_from: the revision of git whose list of known departures counts; "" for the list as it is.
        accept: write an entry of the known departures for each verdict that fails, to be filled in.
        lock: write the lock file anew.
        cache: take verdicts of earlier runs, where nothing has changed that they depend on.
        equations: the files and modules that define equations of the project.
        minutes: how long to search with other seeds; such a run takes no verdict from the cache, and fails if a review
            date passed more than `GRACE_DAYS` ago.
        parts: the files of all shares, which are taken instead of verifying.
        dask: the address of a scheduler of dask.distributed, whose workers verify; "" verifies here.
        today: the date; by default, today's.

    Returns:
        The exit code.

    Raises:
        SpecError: the settings or the known departures cannot be read, or something in them is wrong.
    """
    outputs.check()
    gate = read(Path.cwd(), known_may_be_new=accept)
    known, touched = _known(gate, known_from)
    if not lock:
        gate_lock.check(gate.file.parent / gate_lock.NAME)
    screen, until = Screen(stderr=to_json == "-"), time.monotonic() + 60 * minutes
    today, fail_overdue = today or date.today(), fail_overdue or minutes > 0
    kept = VerdictCache(cache_folder(), equations) if cache and not (parts or minutes or dask) else None
    run = Run(VerifyOptions(), screen, Document(to_json), quiet, known, jobs, cache=kept)
    run.document.write(run.json)
    failures: list[str] = []
    try:
        if parts:
            answered, failures = gate_parts.merged(parts, gate)
            gate_parts.take(run, gate, answered)
        else:
            failures = gate_lanes.still_failing(gate, known)
            targets = [(job.target, job.options) for job in gate.jobs]
            if dask:
                verify_on_cluster(run, targets, dask, equations)
            else:
                run.verify_together(targets)
        if minutes:
            gate_lanes.hunt(gate, run, until, today=today)
        run.complete = True
    finally:
        run.finish()
        _print_not_cached(run, quiet)
        late = _overdue(known.departures, touched, today)
        failures += _unjudged(gate, run) + _locked(gate, run, lock)
        failures += [text for days, text, counts in late if days > GRACE_DAYS and (fail_overdue or counts)]
        warnings = [text for _, text, _ in late if text not in failures]
        for text in (*warnings, *failures):
            screen.print(text, "red" if text in failures else "yellow", text.index(":"))
        passed = run.complete and run.exit_code == 0 and not failures
        outputs.write(run, failures, passed, gate.file.parent)
    for line in gate_reports.workflow_commands(run, failures, warnings) if github else ():
        screen.print(line)
    for line in known_entries.accept(run.verdicts, known, gate.known, gate.file.parent) if accept else ():
        screen.print(line)
    return run.exit_code or int(bool(failures))


def verify_on_cluster(
    run: Run, targets: Sequence[tuple[str, VerifyOptions]], address: str, equations: Sequence[str]
) -> None:
    """Verify targets on the workers of a cluster, and add the verdicts to a run in the order of the targets.

    Raises:
        SpecError: the package distributed is not installed, or there is no scheduler at the address.
    """
    with Cluster(address, run.screen.print) as cluster:
        reports = cluster.reports(targets, equations)
        for (target, _), report in zip(targets, reports, strict=True):
            if isinstance(report, SpecError):
                run.refuse(target, report)
                continue
            for verdict in report.verdicts:
                run.add(verdict)
            run.notes += report.notes


def run_share(
    share: Share,
    part: str,
    *,
    quiet: bool = False,
    jobs: int = 1,
    cache: bool = True,
    known_from: str = "",
    equations: Sequence[str] = (),
) -> int:
    """Verify one share of a gate, and write it for `attnspec merge`.

    Args:
        share: the share.
        part: the file to write.
        quiet, jobs, cache, known_from, equations: as of `run_gate`.

    Returns:
        The exit code; what is required, gone or overdue is left to `attnspec merge`.

    Raises:
        SpecError: as `run_gate` does; or the part cannot be written.
    """
    check_place(part)
    gate = read(Path.cwd())
    known, _ = _known(gate, known_from)
    kept = VerdictCache(cache_folder(), equations) if cache else None
    run = Run(VerifyOptions(), Screen(), Document(None), quiet, known, jobs, cache=kept, partial=True)
    answered, failures = [], list[str]()
    try:
        failures += gate_lanes.still_failing(gate, known, (share.number - 1, share.of))
        for report in run.verify_together([(job.target, job.options) for job in share.of_gate(gate).jobs]):
            if isinstance(report, SpecError):
                answered.append(Answered(refused=(_facts(report),)))
            else:
                answered.append(Answered(report.verdicts, report.notes))
        run.complete = True
    finally:
        run.finish()
        _print_not_cached(run, quiet)
    for text in failures:
        run.screen.print(text, "red", text.index(":"))
    gate_parts.write(part, share, gate, answered, failures)
    return run.exit_code or int(bool(failures))


def _facts(error: SpecError) -> dict[str, str]:
    return {"headline": error.headline, "given": error.given, "expected": error.expected, "mend": error.mend}


def _locked(gate: Gate, run: Run, anew: bool) -> list[str]:
    """A text for each equation that differs from the lock file, which is written anew if asked.

    Raises:
        SpecError: the lock file cannot be read or written.
    """
    path = gate.file.parent / gate_lock.NAME
    if not (anew or path.exists()):
        return []  # without reading the catalogue
    ids = gate_lock.judged_by(run.verdicts, gate.required)
    if anew and run.complete:
        gate_lock.write(path, ids)
        run.screen.print(f"locked: {len(ids)} equation{'s' * (len(ids) != 1)} in {os.path.relpath(path)}")
    return gate_lock.changes(path, ids)


def _print_not_cached(run: Run, quiet: bool) -> None:
    """Print why verdicts are not cached, and delete entries that are no longer used."""
    if run.cache is None:
        return
    run.cache.prune()
    for target, why in run.cache.not_kept.items() if not quiet else ():
        run.screen.print(f"not cached: {target}: {why}")


def _known(gate: Gate, revision: str) -> tuple[KnownDepartures, tuple[Departure, ...]]:
    """The known departures of a gate at a revision, and those entries that have changed since.

    Raises:
        TargetError: the file of an implementation does not exist.
        SpecError: they cannot be read, there or now; or one has no owner or review date.
    """
    if not gate.known and revision:
        mend = 'known = "departures.toml"'
        raise SpecError(f"{gate.file} names no known departures", given=f"--known-from {revision}", mend=mend)
    if not (gate.known and (revision or Path(gate.known).exists())):
        return KnownDepartures(gate.known), ()
    now = _complete(gate, "")
    if not revision:
        return now, ()
    base = _complete(gate, revision)
    return base, tuple(each for each in now.departures if each not in base.departures)


def _complete(gate: Gate, revision: str) -> KnownDepartures:
    """The known departures at a revision, each with an owner and a review date."""
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
    here = [replace(each, implementation=_placed(each, gate)) for each in known.departures]
    return KnownDepartures(known.path, tuple(here))


def _placed(departure: Departure, gate: Gate) -> str:
    """The implementation of a known departure, from the current folder.

    Raises:
        TargetError: there is no such file.
    """
    try:
        return placed(departure.implementation, gate.file)
    except SpecError as error:
        error.headline = error.headline.replace(str(gate.file), gate.known)
        raise


def _unjudged(gate: Gate, run: Run) -> list[str]:
    """A text for each required equation that has no verdict, or only "not run"; none of a run that was ended early."""
    if not run.complete:
        return []
    judged = {
        id for verdict in run.verdicts if verdict.verdict != "not run" for id in (verdict.equation, verdict.backward_of)
    }
    mend = f"add an implementation of it to {gate.file}, or narrow `required`"
    return [f"required: {id} has no verdict\n  to mend   {mend}" for id in gate.required if id not in judged]


def _overdue(departures: Sequence[Departure], touched: Sequence[Departure], today: date) -> list[tuple[int, str, bool]]:
    """Of each departure that is overdue: the days, a text, and whether the change under review touches its entry."""
    found = []
    for departure in (*departures, *touched):
        days = (today - date.fromisoformat(departure.review)).days
        if days > 0:
            by = f"{departure.owner} was to review it by {departure.review}, {days} days ago"
            found.append((days, f"overdue: {departure}; {by}", departure in touched))
    return found
