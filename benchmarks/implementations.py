"""How fast the implementations are, beside PyTorch's and other software: ratios of times in one run, and peak memory.

    python benchmarks/implementations.py [--only WORD] [--rounds N] [--folder FOLDER] [--worse RATIO]

All implementations of an equation are measured in turn, round after round, each in a process of its own; a ratio is the
median of the ratios of the rounds, so that what else the machine does meets both sides. Times are not kept: they say
more about the machine than about the code. The ratios of each run go to FOLDER/history.jsonl with threads and versions,
and a table to FOLDER/table.md; with matplotlib there is FOLDER/ratios.png too. A ratio that is worse than the median of
earlier runs on this kind of machine by more than --worse is listed at the end, and the exit code is 1.

pytest-benchmark is not used: it measures one function after the other, each for itself, in the process of the tests.
Ratios of such times drift with the machine, and the peak of the memory cannot be told.

`attnspec bench` does the same for one candidate, and judges it.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from attnspec.errors import SpecError
from attnspec.faces.bench_command import installed, threads, versions
from attnspec.verification.measuring import Measured, compare
from attnspec.verification.options import VerifyOptions

NAIVE = str(Path(__file__).with_name("naive.py"))
"""Naive forms, measured beside the others."""

REFERENCES = ("attnspec_peers", "attnspec_torch")
"""The packages that ratios refer to: the first implementation in PyTorch of the first of them."""


@dataclass(frozen=True)
class Subject:
    """What is measured: an equation at some sizes in some dtype."""

    equation: str
    sizes: dict[str, int]
    batch: tuple[int, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={size}" for name, size in self.sizes.items())
        return f"{self.equation} {self.dtype}, {shown}, batch {'×'.join(map(str, self.batch)) or 'none'}"


SMALL, MEDIUM = {"t": 32, "d": 64, "u": 64}, {"t": 256, "d": 256, "u": 256}
LONG = {"n": 2048, "m": 2048, "d": 64, "e": 64}
SUBJECTS = (
    *(Subject(f"recurrent.{name}", SMALL, (4,)) for name in ("gru", "gru_reset_after", "lstm")),
    *(Subject(f"recurrent.{name}", MEDIUM, (16,)) for name in ("gru", "gru_reset_after", "lstm")),
    Subject("attention.scaled_dot_product", {**LONG, "n": 32, "m": 32}, (16,)),
    Subject("attention.scaled_dot_product", LONG, (8,)),
    Subject("attention.scaled_dot_product", LONG, (8,), "float64"),
    Subject("attention.causal", LONG, (8,)),
    Subject("attention.additive", {"n": 256, "m": 256, "a": 128, "p": 128, "q": 128, "e": 128}, (1,)),
    Subject("backward.scaled_dot_product", LONG, (8,)),
    Subject("backward.gru_reset_after", MEDIUM, (16,)),
    Subject("backward.lstm", MEDIUM, (16,)),
)


@dataclass(frozen=True)
class Row:
    """One implementation of a subject, beside the one that it is compared with."""

    subject: str
    implementation: str
    reference: str
    ratio: float
    peak_mib: float | None


def rows(subject: Subject, rounds: int) -> Iterator[Row]:
    """Measure a subject."""
    first, *others = installed(subject.equation)
    options = VerifyOptions(dtypes=(subject.dtype,), function=False)
    found = compare(
        first,
        lambda _: [*others, NAIVE],
        options,
        sizes=subject.sizes,
        batch=subject.batch,
        rounds=rounds,
        judge=False,
    )
    measured = [each for each in found.measured if each.seconds]
    reference = reference_of(measured)
    for each in measured:
        ratio = median(own / other for own, other in zip(each.seconds, reference.seconds, strict=True))
        peak = None if each.peak_bytes is None else round(each.peak_bytes / 2**20, 1)
        yield Row(str(subject), name_of(each), name_of(reference), round(ratio, 3), peak)


def reference_of(measured: list[Measured]) -> Measured:
    """PyTorch's own implementation where there is one, else ours in PyTorch, else the first."""
    for package in REFERENCES:
        for each in measured:
            if each.verdict.framework == "torch" and each.verdict.implementation.startswith(package):
                return each
    return measured[0]


def name_of(each: Measured) -> str:
    return f"{each.verdict.implementation} ({each.verdict.framework})"


def machine() -> dict[str, Any]:
    """What ratios depend on besides the code."""
    return {"machine": platform.machine(), "threads": threads(), "versions": [*versions()]}


def worse_than_before(found: Iterable[Row], history: Path, factor: float) -> Iterator[str]:
    """The ratios that are worse than the median of earlier runs, on the same kind of machine with as many threads."""
    kept = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()] if history.exists() else []
    alike = [run for run in kept if all(run[key] == machine()[key] for key in ("machine", "threads"))]
    for row in found:
        key = (row.subject, row.implementation, row.reference)
        earlier = [
            each["ratio"]
            for run in alike
            for each in run["rows"]
            if (each["subject"], each["implementation"], each["reference"]) == key
        ]
        if earlier and row.ratio > factor * median(earlier):
            yield f"{row.subject}: {row.implementation} is at {row.ratio:.2f}, and was at {median(earlier):.2f}"


def write(found: list[Row], folder: Path) -> None:
    """Append to the history, and write the table and, with matplotlib, the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    run = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", **machine(), "rows": [asdict(row) for row in found]}
    with (folder / "history.jsonl").open("a", encoding="utf-8") as file:
        print(json.dumps(run, ensure_ascii=False), file=file)
    heading = "| subject | implementation | time / reference | peak, MiB | reference |\n|---|---|---|---|---|"
    lines = (f"| {r.subject} | {r.implementation} | {r.ratio:.2f} | {r.peak_mib} | {r.reference} |" for r in found)
    below = f"{threads()}; {', '.join(versions())}"
    (folder / "table.md").write_text("\n".join([heading, *lines, "", below, ""]), encoding="utf-8")
    if find_spec("matplotlib") is not None:
        plot(found, folder / "ratios.png")


def plot(found: list[Row], file: Path) -> None:
    """One bar for each ratio, on a logarithmic axis; shorter is faster."""
    import matplotlib as mpl  # late: it need not be installed

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 0.28 * len(found) + 1), layout="constrained")
    axes.barh([f"{row.subject}: {row.implementation}" for row in found], [row.ratio for row in found])
    axes.axvline(1.0, color="black")
    axes.set_xscale("log")
    axes.set_xlabel("time over the reference's")
    axes.invert_yaxis()
    figure.savefig(file)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="subjects with this word in their equation")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks"))
    parser.add_argument("--worse", type=float, default=1.3, help="how much worse a ratio may be than before")
    given = parser.parse_args()
    console, found = Console(width=150, highlight=False), []
    for subject in SUBJECTS:
        if given.only not in subject.equation:
            continue
        table = Table("implementation", "time / reference", "peak, MiB", title=str(subject), title_justify="left")
        try:
            own = [*rows(subject, given.rounds)]
        except SpecError as error:
            console.print(f"{subject}: not measured: {error.headline}")
            continue
        for row in sorted(own, key=lambda row: row.ratio):
            table.add_row(row.implementation, f"{row.ratio:.2f}", "–" if row.peak_mib is None else f"{row.peak_mib}")
        console.print(table)
        found += own
    console.print(f"{threads()}; {', '.join(versions())}")
    worse = [*worse_than_before(found, given.folder / "history.jsonl", given.worse)]
    write(found, given.folder)
    for line in worse:
        console.print(f"worse: {line}")
    return 1 if worse else 0


if __name__ == "__main__":
    raise SystemExit(main())
