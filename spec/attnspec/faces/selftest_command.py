"""`attnspec selftest`: candidates that are right, wrong or dishonest on purpose must get their verdicts here too."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from textwrap import shorten

from rich.table import Table

from attnspec.faces.screen import Screen
from attnspec.implementation import FRAMEWORKS
from attnspec.selftest.planted import PLANTED, Planted
from attnspec.verification.candidate.question import Refused
from attnspec.verification.options import VerifyOptions, validate
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.session import answer, load_questions, prepared, runner_of
from attnspec.verification.verdict import Verdict

CANDIDATES = "attnspec.selftest.candidates"

EXAMPLES = 2
"""Random cases of each candidate, in addition to the fixed ones."""

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
    screen, started, rows = Screen(), time.monotonic(), list[Row]()
    with screen.progress("selftest") as show_stage:
        for framework in frameworks or FRAMEWORKS:
            for row in _rows(framework, device):
                rows.append(row)
                show_stage(f"{row.planted.name} in {row.framework}")
    screen.print_table(_table(rows))
    wrong, run = [row for row in rows if row.right is False], [row for row in rows if row.right is not None]
    screen.print(f"{len(run) - len(wrong)} of {len(run)} verdicts are right, in {time.monotonic() - started:.0f} s")
    return int(bool(wrong) or not run)


def _rows(framework: str, device: str | None) -> Iterator[Row]:
    """The rows of a framework."""
    planted = {each.name: each for each in PLANTED if framework in each.frameworks}
    if find_spec(framework) is None:
        yield from (Row(each, framework, "not run: not installed", 0.0, None) for each in planted.values())
        return
    options = VerifyOptions(
        framework=framework,
        dtypes=("float32",),
        device=None if framework in ON_THE_CPU else device,
        examples=EXAMPLES,
        trace=False,
        function=False,
    )
    shown, aim = prepared(CANDIDATES, options)
    with runner_of(options) as runner:
        for question in load_questions(shown, aim, options, runner):
            if not isinstance(question, Refused) and question.callable.name in planted:
                yield _row(planted[question.callable.name], framework, question, runner)


def _row(planted: Planted, framework: str, question: object, runner: Runner) -> Row:
    started = time.monotonic()
    answered = answer(question, runner)  # type: ignore[arg-type]  # any question but a refused one
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
