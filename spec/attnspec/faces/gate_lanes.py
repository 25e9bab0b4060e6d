"""The long lane of a gate, which searches with other seeds, and the corpus of cases that it keeps for the quick one."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.faces.gate_settings import Gate, Job
from attnspec.faces.gate_targets import placed, placed_from
from attnspec.faces.kept_cases import facts_in, facts_of, write_cases
from attnspec.faces.known_departures import KnownDepartures
from attnspec.faces.replay_command import ask_again
from attnspec.faces.verify_command import Run
from attnspec.verification.replaying import ReplayStatus
from attnspec.verification.session import run as verify
from attnspec.verification.stored import to_stored
from attnspec.verification.verdict import Verdict, VerdictKind

WRONG = (VerdictKind.DIFFERS, VerdictKind.FAILS, VerdictKind.MISBEHAVES, VerdictKind.IMPRECISE)
"""The verdicts that a search with another seed may find. Any other only shows that the seed was not a good one."""

SEEDS_A_DAY = 10_000
"""How many seeds a day has to itself, so that each night searches elsewhere, and the same night in the same place."""


def still_failing(gate: Gate, known: KnownDepartures, share: tuple[int, int] = (0, 1)) -> list[str]:
    """Ask the cases of the corpus again.

    Args:
        gate: the gate.
        known: the known departures.
        share: (first, step): every step-th file from the first one is asked.

    Returns:
        A text for each one that still fails and is not of a known departure, and for each one that cannot be asked.
    """
    texts = []
    files = sorted(Path(gate.corpus).glob("*.npz")) if gate.corpus else []
    for file in files[share[0] :: share[1]]:
        try:
            facts = facts_in(str(file))
            target = placed(facts["implementation"], gate.file)
            found = ask_again(str(file), facts, target)
        except SpecError as error:
            texts.append(f"corpus: {file} cannot be asked\n{error}")
            continue
        verdict = Verdict(
            facts["equation"], target, facts["framework"], facts["dtype"], facts["device"], VerdictKind.DIFFERS
        )
        is_known = any(departure.covers(verdict) for departure in known.departures)
        if found.status is ReplayStatus.FIXED or (is_known and found.status is ReplayStatus.STILL_FAILING):
            continue
        mend = f"attnspec replay {file}; delete the file if the case is no longer meant"
        what = f"{target} as {facts['equation']} in {facts['dtype']}"
        texts.append(f"corpus: {file} {_words(found.status)}: {what}: {found.reason}\n  to mend   {mend}")
    return texts


def hunt(
    gate: Gate,
    run: Run,
    until: float,
    *,
    today: date,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Verify each implementation again with other seeds until a time; one that is found wrong is not verified again.

    What is found is added to the verdicts of the run, and its cases are kept in the corpus, if there is one.

    Args:
        gate: the gate.
        run: the run, with a verdict on each implementation.
        until: when to stop, by the clock; the verdict that is being reached then is finished.
        today: the day, which chooses the seeds.
        clock: a clock in seconds.
    """
    left = list(gate.jobs)
    first, count, passes = today.toordinal() * SEEDS_A_DAY, 0, 0
    while left and clock() < until:
        passes += 1
        for job in list(left):
            if clock() >= until:
                break
            again = replace(job, options=replace(job.options, seed=job.options.seed + first + passes))
            found = _wrong(again, run)
            count += 1
            for verdict in found:
                run.add(verdict)
                _keep(gate, run, again, verdict)
            if found:
                left.remove(job)
    places = f"seeds {first + 1} to {first + passes}" if passes else "no time was left"
    run.screen.print(f"hunted: {count} time{'s' * (count != 1)} more, {places}")


def _wrong(job: Job, run: Run) -> list[Verdict]:
    """The verdicts on an implementation that are wrong and neither known nor reached before."""
    before = {
        (each.implementation, each.equation, each.dtype, each.device) for each in run.verdicts if each.verdict in WRONG
    }
    with run.screen.progress(f"{job.target}, seed {job.options.seed}"):
        try:
            report = verify(job.target, job.options, jobs=run.jobs)
        except SpecError:
            return []  # the quick lane has reported it
    return [
        each
        for each in report.verdicts
        if each.verdict in WRONG
        and run.known.expecting(each) is None
        and (each.implementation, each.equation, each.dtype, each.device) not in before
    ]


def _keep(gate: Gate, run: Run, job: Job, verdict: Verdict) -> None:
    """Write the cases of a verdict to the corpus."""
    if not (gate.corpus and verdict.cases):
        return
    content = json.dumps([to_stored(case) for case in verdict.cases])
    name = f"{verdict.equation}-{verdict.dtype}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.npz"
    file = Path(gate.corpus) / name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError(f"cannot make the corpus: {error.strerror}", given=gate.corpus) from error
    facts = facts_of(verdict, job.options)
    facts["implementation"] = placed_from(verdict.implementation, gate.file.parent)
    write_cases(str(file), verdict.cases, facts)
    run.screen.print(f"kept: {file}, which the quick lane asks first; commit it")


def _words(status: ReplayStatus) -> str:
    return "still fails" if status is ReplayStatus.STILL_FAILING else "cannot run"
