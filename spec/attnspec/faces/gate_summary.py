"""A summary in Markdown, for a pull request: what is wrong, the formula with the term marked, the smallest case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from attnspec.errors import SpecError, indent
from attnspec.faces.gate_reports import headline
from attnspec.faces.known_entries import entry_text
from attnspec.faces.places import place_of
from attnspec.faces.verify_command import Run
from attnspec.interpreters.formula.formula import marked_rows
from attnspec.interpreters.mutation.differing import differing
from attnspec.interpreters.tags import fresh
from attnspec.language.equation import REGISTRY
from attnspec.verification.verdict import Verdict

MOST = 60_000
"""The length of a summary in characters, below the 65,536 of a comment on GitHub; more verdicts are only counted."""

SPECIAL = re.compile(r"([\\`*_<>|\[\]#~])")


def summary(run: Run, failures: Sequence[str], passed: bool, folder: Path) -> str:
    """The summary of a run.

    Args:
        run: the verdicts.
        failures: other reasons why the gate fails, as texts of which the first line is a headline.
        passed: whether the gate passes.
        folder: the folder of the settings.
    """
    failing = [each for each in run.verdicts if not each.passed and run.known.expecting(each) is None]
    known = [each for each in run.verdicts if run.known.expecting(each) is not None]
    others = [f"**{_escaped(target)} cannot be judged**\n\n{_fenced(str(error))}" for target, error in run.refused]
    gone = [
        f"**gone: {_escaped(str(departure))}** is listed as {departure.verdict}, and the verdict is: {now}"
        for departure, now in run.gone
    ]
    texts = [f"**{_escaped(text.partition(chr(10))[0])}**" for text in failures]
    parts = [f"## {'✅' if passed else '❌'} attnspec: {_escaped(run.summary)}", *gone, *texts, *others]
    for place, verdict in enumerate(failing):
        section = "\n\n".join(_section(verdict, folder))
        if sum(map(len, parts)) + len(section) > MOST:
            parts.append(f"{len(failing) - place} more verdicts fail.")
            break
        parts.append(section)
    parts += [_known_table(run, known[:50])] if known else []
    return "\n\n".join(parts) + "\n"


def _section(verdict: Verdict, folder: Path) -> Iterator[str]:
    where = ", ".join(filter(None, (verdict.dtype, verdict.device)))
    yield f"### {verdict.verdict}: {_escaped(verdict.equation)}, {_escaped(verdict.implementation)} ({where})"
    place = place_of(verdict)
    at = f" — {_escaped(place.file)}, line {place.line}" if place is not None else ""
    yield f"**{_escaped(headline(verdict).partition(': ')[2])}**{at}"
    yield from _formula(verdict)
    worst = verdict.worst_case
    if worst is not None:
        rows = (("given", worst.given), ("expected", worst.right), ("got", worst.wrong), ("to mend", verdict.mend))
        yield _fenced("\n".join(f"{label:<11} {indent(text)}" for label, text in rows if text))
    yield _folded("The whole report", _fenced(str(verdict)))
    yield _folded(
        "If it is accepted for now: an entry for the known failures", _fenced(entry_text(verdict, folder), "toml")
    )


def _formula(verdict: Verdict) -> Iterator[str]:
    """The lines of the formula in which recognised mistakes are, with the terms that they change in red."""
    if not verdict.diagnosis or verdict.equation not in REGISTRY:
        return
    equation = REGISTRY[verdict.equation]
    definition = fresh(equation.definition)
    known = {mutant.id: mutant for mutant in equation.mutants()}
    ids = [id for id in verdict.diagnosis[0].id.split(" and ") if id in known]
    try:
        rows = marked_rows(definition, [node for id in ids for node in differing(definition, known[id].definition)])
    except SpecError:
        return
    if rows:
        text = " \\\\\n".join(row.replace(" = ", " &= ", 1) for row in rows)
        text = text.replace(r"\operatorname{", r"\mathrm{")  # GitHub refuses \operatorname
        yield f"```math\n\\begin{{aligned}}\n{text}\n\\end{{aligned}}\n```"


def _known_table(run: Run, verdicts: Sequence[Verdict]) -> str:
    rows = []
    for verdict in verdicts:
        departure = run.known.expecting(verdict)
        assert departure is not None
        cells = (verdict.verdict, verdict.implementation, verdict.dtype, departure.reason, departure.review_text)
        rows.append("| " + " | ".join(_escaped(cell) for cell in cells) + " |")
    head = "| verdict | implementation | dtype | reason | review |\n|---|---|---|---|---|\n"
    return _folded("Known failures", head + "\n".join(rows))


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _fenced(text: str, language: str = "") -> str:
    """A text as it is, in a fence that it cannot end."""
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _escaped(text: str) -> str:
    """A text in one line of which no character is markup."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
