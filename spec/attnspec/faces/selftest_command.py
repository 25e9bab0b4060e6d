"""`attnspec selftest`: candidates that are right, wrong or dishonest on purpose must get their verdicts here too."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from textwrap import shorten

from rich.table import Table

from attnspec.faces.screen import Screen
from attnspec.implementation import FRAMEWORKS
from attnspec.selftest.planted import PLANTED, Planted
from attnspec.verification.candidate.question import Refused
from attnspec.verification.options import VerifyOptions, validate
from attnspec.verification.parallel import Loaded, done_in_processes
from attnspec.verification.questions import AnyQuestion
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.session import answer
from attnspec.verification.verdict import Verdict

CANDIDATES = "attnspec.selftest.candidates"

EXAMPLES = 2
"""Random cases of each candidate, in addition to the fixed ones."""

MOST_JOBS = 2
"""Frameworks that are asked at a time, so that it takes less than two minutes on two cores."""

MOST_SHOWN = 38
"""So much is shown of a verdict that is right, in columns."""

ON_THE_CPU = ("numpy",)
"""Frameworks that have no other device."""


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate in one framework.

    Attributes:
        planted: what it is.
        framework: the framework.
        verdict: its verdict, and the reason if it could not be judged.
        seconds: the time that it took.
        right: whether this is the verdict that it must get; None if it was not run.
    """

    planted: Planted
    framework: str
    verdict: str
    seconds: float
    right: bool | None


def print_selftest(frameworks: Sequence[str], device: str | None) -> int:
    """Judge the planted candidates, and print a table.

    Args:
        frameworks: the frameworks; empty for all.
        device: the device for PyTorch and JAX; None for the CPU.

    Returns:
        The exit code: 0 if all that were run got their verdicts, else 1.

    Raises:
        UnknownName: there is no such framework or device.
    """
    for framework in frameworks or (None,):
        validate(VerifyOptions(framework=framework, device=device))
    screen, started, asked = Screen(), time.monotonic(), frameworks or tuple(FRAMEWORKS)
    with screen.progress("selftest") as show_stage:
        found = dict(_all_rows(asked, device, show_stage))
    rows = [row for framework in asked for row in found[framework]]
    screen.print_table(_table(rows))
    wrong, run = [row for row in rows if row.right is False], [row for row in rows if row.right is not None]
    screen.print(f"{len(run) - len(wrong)} of {len(run)} verdicts are right, in {time.monotonic() - started:.0f} s")
    return int(bool(wrong) or not run)


def _all_rows(
    frameworks: Sequence[str], device: str | None, show_stage: Callable[[str], None]
) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each framework: of several, in two processes, the slowest framework first."""
    here = [each for each in frameworks if find_spec(each) is not None]
    for framework in set(frameworks) - set(here):
        missing = (each for each in PLANTED if framework in each.frameworks)
        yield framework, [Row(each, framework, "not run: not installed", 0.0, None) for each in missing]
    targets = [(CANDIDATES, _options(framework, device)) for framework in here]
    jobs = min(MOST_JOBS, len(here), os.cpu_count() or 1)
    if jobs == 1:
        loaded = Loaded(targets)
        for place, framework in enumerate(here):
            yield framework, _rows(loaded, place, show_stage)
        loaded.close()
    elif here:
        for place, rows in done_in_processes(targets, jobs, range(len(here))[::-1], _rows):
            show_stage(here[place])
            yield here[place], rows


def _options(framework: str, device: str | None) -> VerifyOptions:
    return VerifyOptions(
        framework=framework,
        dtypes=("float32",),
        device=None if framework in ON_THE_CPU else device,
        examples=EXAMPLES,
        trace=False,
        function=False,
    )


def _rows(loaded: Loaded, place: int, show_stage: Callable[[str], None] = lambda stage: None) -> list[Row]:
    """The rows of the framework of one of the targets."""
    framework, rows = loaded.targets[place][1].framework or "", list[Row]()
    planted = {each.name: each for each in PLANTED if framework in each.frameworks}
    for question in loaded.questions(place):
        if not isinstance(question, Refused) and question.callable.name in planted:
            rows.append(_row(planted[question.callable.name], framework, question, loaded.runner(place)))
            show_stage(f"{rows[-1].planted.name} in {framework}")
    return rows


def _row(planted: Planted, framework: str, question: AnyQuestion, runner: Runner) -> Row:
    started = time.monotonic()
    answered = answer(question, runner)
    verdict = answered if isinstance(answered, Verdict) else answered.verdict
    says = [each for diagnosis in verdict.diagnosis for each in (diagnosis.says, *diagnosis.also)]
    right = verdict.verdict in planted.verdicts and any(planted.says in each for each in says or [""])
    text = f"{verdict.verdict}: {says[0]}" if says else str(verdict.verdict)
    if verdict.verdict == "not run":
        return Row(planted, framework, f"{text}: {verdict.reason}", 0.0, None)
    return Row(planted, framework, text, time.monotonic() - started, right)


def _table(rows: Sequence[Row]) -> Table:
    table = Table("planted", "framework", "verdict", box=None, header_style="bold", pad_edge=False)
    table.add_column("s", justify="right")
    table.add_column("")
    for row in rows:
        must = f"WRONG: must be {' or '.join(row.planted.verdicts)} {row.planted.says}".strip()
        words = {True: "right", False: must, None: ""}
        seconds = f"{row.seconds:.1f}" if row.right is not None else ""
        verdict = shorten(row.verdict, MOST_SHOWN, placeholder=" …") if row.right is not False else row.verdict
        style = "red" if row.right is False else ""
        table.add_row(row.planted.what, row.framework, verdict, seconds, words[row.right], style=style)
    return table
