"""Verdicts and reports as text, JSON, Markdown and HTML."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import attnspec
from attnspec.errors import indent
from attnspec.implementation import AUTODIFF
from attnspec.verification.verdict import WITH, Diagnosis, FunctionVerdict, Report, Verdict, WorstAnswer, WorstElement

SCHEMA = 1
"""The version of the JSON form; it grows when a field is removed or changes its meaning."""

SHOWN_ELEMENTS, SMALL_CASE = 64, 1024
"""JSON holds every array of a case of at most `SMALL_CASE` elements; of a larger one, arrays of more than
`SHOWN_ELEMENTS` are left out, and their shapes are there."""

SHOWN_SURVIVORS = 3
"""Known mistakes that the cases could not have caught, of which a text names so many."""

MANY_STATEMENTS = 3
"""From so many on that are shown with one, each has a line of its own."""


def headline(verdict: Verdict) -> str:
    """Verdict, equation and candidate in a line."""
    through = f" through {AUTODIFF.get(verdict.framework, verdict.framework)}" if verdict.backward_of else ""
    what = ", ".join(filter(None, (verdict.equation, verdict.implementation + through)))
    where = ", ".join(filter(None, (verdict.framework, verdict.dtype, verdict.device)))
    return f"{verdict.verdict}: {what} ({where})"


def verdict_text(verdict: Verdict) -> str:
    """All that is known, a labelled row for each fact."""
    worst = verdict.worst_case if not verdict.passed else None
    rows = (
        ("because", verdict.reason),
        ("given", worst.given if worst else ""),
        ("expected", worst.right if worst else ""),
        ("got", worst.wrong if worst else ""),
        ("diagnosis", "\n".join(map(_explanation, verdict.diagnosis))),
        ("findings", "\n".join(verdict.findings)),
        ("function", verdict.function.says if verdict.function is not None else ""),
        ("repeats", determinism_text(verdict)),
        ("precision", _precision(verdict)),
        ("strength", _strength(verdict)),
        ("claimed", verdict.domain),
        ("cached", f"computed on {verdict.cached}; nothing that it depends on has changed" if verdict.cached else ""),
        ("bound", verdict.bound),
        ("to mend", verdict.mend if not verdict.passed else ""),
    )
    return "\n".join([headline(verdict), *(f"  {label:<9} {indent(text)}" for label, text in rows if text)])


def _explanation(diagnosis: Diagnosis) -> str:
    departure = [diagnosis.departure.says] if diagnosis.departure is not None else []
    return "\n".join(map(_by_statement, ["\n  or ".join((diagnosis.says, *diagnosis.also)), *departure]))


def _by_statement(says: str) -> str:
    """A sentence that shows many statements of a candidate, with each on a line of its own."""
    if says.count(WITH) < MANY_STATEMENTS:
        return says
    return says.replace(WITH, f"\n  {WITH.removeprefix(', ')}").replace(", where ", "\n  where ")


def coverage_text(verdict: Verdict) -> str:
    """A table of what was asked: a row for each thing that varies, with the number of cases of each value."""
    rows: dict[str, list[str]] = {}
    for what, value, cases in verdict.coverage:
        rows.setdefault(what, []).append(f"{value} ({cases})")
    repeats = [(f"repeats over {over}", says) for over, says in verdict.determinism]
    gradients = [("gradients", f"of {verdict.backward_of}, each array given and asked for as above")]
    table = [
        *((what, ", ".join(values)) for what, values in rows.items()),
        *(gradients if verdict.backward_of and rows else []),
        *repeats,
        *([("properties", ", ".join(name for name, _ in verdict.properties))] if verdict.properties else []),
    ]
    width = max((len(what) for what, _ in table), default=0)
    head = f"asked: {cases_text(verdict)}; in brackets, how many have this value"
    return "\n".join([f"  {head}", *(f"    {what:<{width}}  {values}" for what, values in table)])


def determinism_text(verdict: Verdict) -> str:
    """How answers are equal from run to run, over batch sizes and over splits; what was not measured is left out."""
    measured = [(over, says) for over, says in verdict.determinism if not says.startswith("not measured")]
    return "; ".join(f"over {over}: {says}" for over, says in measured)


def cases_text(verdict: Verdict) -> str:
    """How many cases were judged, in words."""
    recorded = f", {verdict.recorded} of them recorded" if verdict.recorded else ""
    return f"{verdict.examples} case{'s' * (verdict.examples != 1)}{recorded}"


def time_text(verdict: Verdict) -> str:
    """How long a verdict took, or the day on which it was computed, in words."""
    return f"from the cache, of {verdict.cached}" if verdict.cached else f"{verdict.seconds:.1f} s"


def _precision(verdict: Verdict) -> str:
    if not verdict.policy:
        return ""
    if verdict.effective_bits is None:
        bits = "effective bits undecidable: the oracle rounds as much" if verdict.dtype == "float64" else ""
    else:
        site = f", lost at {verdict.bits_site}" if verdict.bits_site else ""
        bits = f"{verdict.effective_bits:.1f} effective bits{site}"
    return ", ".join(part for part in (f"policy {verdict.policy}", bits) if part)


def _strength(verdict: Verdict) -> str:
    if not verdict.of:
        return ""
    survived = "; not caught: " + "; ".join(verdict.survived[:SHOWN_SURVIVORS]) if verdict.survived else ""
    left = len(verdict.survived) - SHOWN_SURVIVORS
    more = f" and {left} more" if left > 0 else ""
    caught = f"would have caught {verdict.killed} of {verdict.of} known mistakes"
    return f"{caught}, on {cases_text(verdict)}{survived}{more}"


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain values."""
    return {
        "equation": verdict.equation,
        "backward_of": verdict.backward_of or None,
        "implementation": verdict.implementation,
        "framework": verdict.framework,
        "dtype": verdict.dtype,
        "device": verdict.device,
        "verdict": str(verdict.verdict),
        "reason": verdict.reason,
        "diagnosis": [_diagnosis_json(each) for each in verdict.diagnosis],
        "findings": list(verdict.findings),
        "policy": verdict.policy,
        "worst_case": _worst_json(verdict.worst_case) if verdict.worst_case else None,
        "effective_bits": verdict.effective_bits,
        "bits_lost_at": verdict.bits_site,
        "mutation_score": {"killed": verdict.killed, "of": verdict.of, "survived": list(verdict.survived)},
        "examples": verdict.examples,
        "recorded": verdict.recorded,
        "seconds": round(verdict.seconds, 3),
        "coverage": [{"what": what, "value": value, "cases": cases} for what, value, cases in verdict.coverage],
        "determinism": [{"over": over, "says": says} for over, says in verdict.determinism],
        "properties": [{"name": name, "holds": holds} for name, holds in verdict.properties],
        "claimed": verdict.domain,
        "bound": verdict.bound,
        "seed": verdict.seed,
        "function": _function_json(verdict.function) if verdict.function is not None else None,
        "cached": verdict.cached or None,
    }


def _function_json(function: FunctionVerdict) -> dict[str, Any]:
    facts = {"kind": function.kind, "says": function.says, "digits": function.digits, "points": function.points}
    if function.case is None:
        return {**facts, "witness": None}
    witness = _worst_json(
        WorstElement(function.case, function.output, function.index, function.expected, 0.0, function.got)
    )
    return {**facts, "witness": {name: value for name, value in witness.items() if name != "noise"}}


def _diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    departure = None
    if (found := diagnosis.departure) is not None:
        right, wrong = ([{"line": line, "place": place} for line, place in each] for each in (found.right, found.wrong))
        departure = {"right": right, "wrong": wrong, "missing": list(found.missing), "says": found.says}
    return {"id": diagnosis.id, "says": diagnosis.says, "also": list(diagnosis.also), "departure": departure}


def _worst_json(worst: WorstElement | WorstAnswer) -> dict[str, Any]:
    if isinstance(worst, WorstAnswer):
        described, shapes, arrays, options = "shrunk", {}, {}, dict(worst.arguments)
        element: dict[str, Any] = {"output": "", "index": [], "expected": worst.expected, "noise": 0.0}
    else:
        case = worst.case
        described = str(case.description) if case.description is not None else case.origin or "shrunk"
        most = SMALL_CASE if case.elements <= SMALL_CASE else SHOWN_ELEMENTS
        arrays = {name: array.tolist() for name, array in case.arrays.items() if array.size <= most}
        shapes, options = {name: list(array.shape) for name, array in case.arrays.items()}, dict(case.options)
        element = {"output": worst.output, "index": worst.index, "expected": worst.expected, "noise": worst.sigma}
    facts = {"case": described, "shapes": shapes, "arrays": arrays, "options": options, **element, "got": worst.got}
    return {name: plain(value) for name, value in facts.items()}


def plain(value: Any) -> Any:
    """A value as JSON has it: NaN and infinity become words, tuples lists."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return (value if np.isfinite(value) else str(value)) if isinstance(value, float) else value


def report_json(report: Report) -> dict[str, Any]:
    """A report as plain values."""
    verdicts = [verdict_json(each) for each in report.verdicts]
    return {"attnspec": attnspec.__version__, "schema": SCHEMA, "verdicts": verdicts}


def write_json(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report as JSON."""
    text = json.dumps(report_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


COLUMNS = ("verdict", "equation", "implementation", "dtype", "device", "because")


def _rows(report: Report) -> list[tuple[str, ...]]:
    """The cells of a table; the diagnosis is the reason where there is one."""
    return [
        (
            str(each.verdict),
            each.equation,
            each.implementation,
            each.dtype,
            each.device,
            each.diagnosis[0].says if each.diagnosis else each.reason.partition("\n")[0],
        )
        for each in report.verdicts
    ]


def report_markdown(report: Report) -> str:
    """A table of the verdicts."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *_rows(report)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def report_html(report: Report) -> str:
    """A table of the verdicts, the whole text of each behind its row."""
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
        + f"</tr><tr><td colspan={len(COLUMNS)}><details><summary>all</summary><pre>{html.escape(str(verdict))}</pre>"
        "</details></td></tr>"
        for row, verdict in zip(_rows(report), report.verdicts, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
