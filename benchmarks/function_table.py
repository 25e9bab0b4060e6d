"""Which of the implementations here are traced, and whether they are the functions of their equations.

    python benchmarks/function_table.py --run FILE.jsonl [MODULE ...]    trace what the file lacks
    python benchmarks/function_table.py --write FILE.jsonl               write docs/functions.md

A run may be stopped and goes on where it was. Each implementation is traced on the first cases of the fixed suite, at
two points at most and in float32 (or the first dtype that it claims), and not judged otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.verification.candidate.question import Question
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.function.verdict import points, traced, verdict_of
from attnspec.verification.options import VerifyOptions
from attnspec.verification.session import asked_of, load_questions, prepared, runner_of

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("attnspec_numpy", "attnspec_torch", "attnspec_peers")
CASES, POINTS = 40, 2
"""So many of the first cases are looked through for so many points."""


MISSING = "not traced: the package"
"""How it is said that a package is not installed."""


@dataclass(frozen=True)
class Row:
    """The function of one implementation: "same", "another", "not traced" or "not installed"."""

    module: str
    name: str
    equation: str
    framework: str
    backward: bool
    kind: str
    says: str
    digits: int | None
    seconds: float


def modules() -> Iterator[str]:
    for package in PACKAGES:
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if not found.name.startswith("_"):
                yield f"{package}.{found.name}"


def rows(module: str) -> Iterator[Row]:
    """The rows of a module: of every implementation of an equation, in the first dtype, once."""
    options, seen = VerifyOptions(), set[tuple[str, str, bool]]()
    with runner_of(options) as runner:
        shown, aim = prepared(module, options)
        try:
            questions = load_questions(shown, aim, options, runner)
        except SpecError as error:
            print(f"{module}: {error.headline}")
            return
        for question in questions:
            if not isinstance(question, Question):
                continue
            key = (question.callable.name, question.equation.id, question.forward is not None)
            verifier = asked_of(question, runner) if key not in seen else None
            seen.add(key)
            if isinstance(verifier, EquationVerifier):
                yield row(module, verifier)


def row(module: str, verifier: EquationVerifier) -> Row:
    verifier.bind()
    candidate, question = verifier.candidate, verifier.candidate.question
    cases = list(islice(points(candidate, islice(candidate.standard_cases(), CASES)), POINTS))
    started = time.perf_counter()
    function = verdict_of(question.equation, traced(candidate, cases)[0])
    return Row(
        module,
        question.callable.name,
        question.equation.id,
        question.framework,
        question.forward is not None,
        "not installed" if function.says.startswith(MISSING) else function.kind,
        function.says,
        function.digits,
        time.perf_counter() - started,
    )


def run(file: Path, wanted: list[str]) -> None:
    done = {json.loads(line)["module"] for line in lines(file)}
    for module in wanted or modules():
        if module in done:
            continue
        started, found = time.perf_counter(), list(rows(module))
        with file.open("a", encoding="utf-8") as kept:
            kept.writelines(json.dumps(asdict(each)) + "\n" for each in found)
        print(f"{module}: {len(found)} in {time.perf_counter() - started:.0f} s", flush=True)


def lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.exists() else []


def write(file: Path) -> None:
    """Write the page: a line for each module and framework, then what is not traced, and why."""
    found = [Row(**json.loads(line)) for line in lines(file)]
    groups = defaultdict[tuple[str, str], list[Row]](list)
    for each in found:
        groups[each.module, each.framework].append(each)
    kinds = ("same", "another", "not traced", "not installed")
    text = [
        "# Functions",
        "",
        "Which function each implementation computes, [without rounding](verdict.md#the-function): the same one as its",
        "equation, another one, proved, or not traced. At two points each, in float32 or the first dtype that it",
        "claims; gradients by automatic differentiation count as implementations of their own.",
        "`benchmarks/function_table.py` wrote this page.",
        "",
        "| module | arrays of | all | the same | another one | not traced | not installed | least digits | median s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (module, framework), group in [*groups.items(), (("all", ""), found)]:
        counts = [sum(each.kind == kind for each in group) for kind in kinds]
        digits = min((each.digits for each in group if each.digits is not None), default="")
        seconds = sorted(each.seconds for each in group)[len(group) // 2]
        cells = [f"`{module}`" if framework else module, framework, len(group), *counts, digits, f"{seconds:.2f}"]
        text.append("| " + " | ".join(map(str, cells)) + " |")
    for kind, title in (
        ("another", "Another function"),
        ("not traced", "Not traced"),
        ("not installed", "Not installed"),
    ):
        listed = defaultdict[str, list[str]](list)
        for each in found:
            if each.kind == kind:
                how = ", backward" if each.backward else ""
                listed[each.says.removeprefix("not traced: ")].append(
                    f"`{each.module}:{each.name}` ({each.equation}{how})"
                )
        if listed:
            text += ["", f"## {title}", *(f"- {says}: {', '.join(names)}" for says, names in listed.items())]
    (ROOT / "docs/functions.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, metavar="FILE")
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    given = parser.parse_args()
    if given.run:
        run(given.run, given.modules)
    if given.write:
        write(given.write)


if __name__ == "__main__":
    main()
