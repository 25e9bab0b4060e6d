"""Known mistakes that were tried, in the schema of reports on mutation testing of Stryker.

Its web component shows the source of each family of equations, with the mistakes at the terms that they change, and
which verdict would have caught each.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attnspec.faces.places import repository
from attnspec.interpreters.mutation.differing import differing
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.tree import Span
from attnspec.verification.verdict import Verdict

THRESHOLDS = {"high": 95, "low": 80}
"""The shares of caught mistakes above which the report is green, and below which it is red, in percent."""


def mutation_report(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The mistakes that each verdict tried. A mistake is survived if no verdict would have caught it.

    Verdicts on procedures and on derived gradients are left out: they have no source in the notation.
    """
    judged: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.tried and verdict.equation in REGISTRY and not REGISTRY[verdict.equation].is_changed:
            judged.setdefault(verdict.equation, []).append(verdict)
    files: dict[str, Any] = {}
    for id, of_equation in judged.items():
        path, source = _source(REGISTRY[id])
        entry = files.setdefault(path, {"language": "python", "source": source, "mutants": []})
        entry["mutants"] += _mutants(REGISTRY[id], of_equation)
    tests = [{"id": _test(each), "name": _test(each)} for of_equation in judged.values() for each in of_equation]
    return {
        "schemaVersion": "2",
        "thresholds": THRESHOLDS,
        "files": files,
        "testFiles": {"attnspec gate": {"tests": tests}},
        "framework": {"name": "attnspec"},
    }


def _mutants(equation: Equation[..., Any], verdicts: Iterable[Verdict]) -> Iterator[dict[str, Any]]:
    by_id = {mutant.id: mutant for mutant in equation.mutants()}
    tried: dict[str, dict[str, bool]] = {}
    for verdict in verdicts:
        for id, caught in verdict.tried:
            if id in by_id:
                tried.setdefault(id, {})[_test(verdict)] = caught
    for id, by_test in tried.items():
        killers = [test for test, caught in by_test.items() if caught]
        yield {
            "id": f"{equation.id}: {id}",
            "mutatorName": _operator(by_id[id]),
            "description": by_id[id].says,
            "location": _location(equation, by_id[id]),
            "status": "Killed" if killers else "Survived",
            "coveredBy": list(by_test),
            "killedBy": killers,
        }


def _test(verdict: Verdict) -> str:
    return ", ".join([verdict.equation, verdict.implementation, verdict.dtype, verdict.device])


def _operator(mutant: Mutant) -> str:
    """The kind of a mistake: "drop" of "e/drop/√d", or "curated" or "convention"."""
    parts = mutant.id.split("/")
    return parts[1] if mutant.kind == "generated" and len(parts) > 1 else mutant.kind


def _location(equation: Equation[..., Any], mutant: Mutant) -> dict[str, Any]:
    """The first term that a mistake changes; the whole function if it changes several lines."""
    spans = [node.span for node in differing(equation.definition, mutant.definition) if node.span is not None]
    first, last = _lines(equation)
    span = spans[0] if spans and first <= spans[0].line <= last else Span(first, 0, last, 1)
    return {
        "start": {"line": span.line, "column": span.column + 1},
        "end": {"line": span.end_line, "column": span.end_column + 1},
    }


def _lines(equation: Equation[..., Any]) -> tuple[int, int]:
    """The first and the last line of the function of an equation."""
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(equation.function))
    except (OSError, TypeError):
        return 1, 1
    return max(first, 1), max(first, 1) + len(lines) - 1


def _source(equation: Equation[..., Any]) -> tuple[str, str]:
    """The file of an equation, from the root of the repository if it is there, and its text."""
    file = Path(inspect.unwrap(equation.function).__code__.co_filename)
    root = repository(Path.cwd())
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else f"{equation.family}.py"
    return name, file.read_text(encoding="utf-8") if file.is_file() else equation.text()
