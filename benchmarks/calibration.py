"""Does the noise fit? Error over σ of code that is right, pooled over ordinary cases, for every equation and dtype.

    python benchmarks/calibration.py [--cases N] [--way torch|numpy|tree|backward] [--dtype D …] [--equation ID …]

The root mean square should lie between 0.3 and 1.2, and no error beyond its bound. `torch` and `numpy` are the
project's implementations, under the policy that their first cases tell; `tree` is the formula by PyTorch, an operation
a call; `backward` rounds every operation of it and sums from the last term to the first.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before anything that counts its threads: there is a process for each core
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from attnspec import REGISTRY
from attnspec.implementation import DTYPES
from honest import Pooled, Way, backward, by_order, ordinary, pooled, ways

LOW, HIGH = 0.3, 1.2
EXACT = "exact"


@dataclass(frozen=True)
class Question:
    """One row of the table."""

    equation: str
    dtype: str
    way: str
    cases: int


def way_of(question: Question) -> Way | None:
    """The code that is asked; None where the equation has none, or not for this dtype."""
    found = [*ways(question.equation, question.dtype), by_order(question.equation, backward)]
    return next((way for way in found if way.name == question.way), None)


def answer(question: Question) -> tuple[Question, Pooled]:
    """A row, in a process of its own."""
    torch.set_num_threads(1)
    way = way_of(question)
    assert way is not None
    drawn = ordinary(question.equation, question.cases, batch=4)
    return question, pooled(question.equation, question.dtype, way, drawn)


def answers(questions: list[Question], workers: int) -> Iterator[tuple[Question, Pooled]]:
    """Every row, in order."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(answer, questions)


def low(dtype: str) -> float:
    """In float64 half of σ² is the oracle's own rounding, which does not show where the candidate rounds alike."""
    return LOW / 2**0.5 if dtype == "float64" else LOW


def row(question: Question, found: Pooled) -> tuple[str, ...]:
    """What is shown of it; what is not as it should be in red."""
    within = not found.elements or low(question.dtype) <= found.rms <= HIGH
    rms = f"{found.rms:.2f}" if found.elements else EXACT
    return (
        question.equation,
        question.dtype,
        str(found.policy),
        str(found.cases),
        f"{found.elements:,}",
        rms if within else f"[red]{rms}",
        f"{found.median:.2f}" if found.elements else "",
        f"{found.largest:.2f}" if found.largest <= 1 else f"[red]{found.largest:.2f}",
    )


def summary(results: list[tuple[Question, Pooled]]) -> Iterator[str]:
    """The range of each dtype, and how many rows leave the band or the bound."""
    for dtype in DTYPES:
        found = [pool for question, pool in results if question.dtype == dtype and pool.elements]
        if not found:
            continue
        sizes = [pool.rms for pool in found]
        out = sum(not low(dtype) <= size <= HIGH for size in sizes)
        beyond = sum(pool.largest > 1 for question, pool in results if question.dtype == dtype)
        yield (
            f"{dtype}: root mean square {min(sizes):.2f} to {max(sizes):.2f}, {out} outside "
            f"{low(dtype):.2f} to {HIGH}; largest {max(pool.largest for pool in found):.2f}, {beyond} beyond the bound"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="ordinary cases a row, each of 4 examples (1000)")
    parser.add_argument("--way", choices=("torch", "numpy", "tree", "backward"), default="torch")
    parser.add_argument("--dtype", action="append", choices=DTYPES)
    parser.add_argument("--equation", action="append", metavar="ID")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    console = Console(width=120)
    started = time.monotonic()
    asked = [
        Question(id, dtype, given.way, given.cases)
        for id in given.equation or list(REGISTRY)
        for dtype in given.dtype or DTYPES
        if REGISTRY[id].definition.dtype_is_given
    ]
    asked = [question for question in asked if way_of(question) is not None]
    table = Table("equation", "dtype", "policy", title=f"error / σ of right code, on ordinary cases: {given.way}")
    for name in ("cases", "elements", "rms", "median", "largest/bound"):
        table.add_column(name, justify="right")
    shown = track(answers(asked, given.workers), "calibrating", len(asked), console=console, transient=True)
    results = list(shown)
    for question, found in results:
        table.add_row(*row(question, found))
    console.print(table)
    for line in summary(results):
        console.print(line, highlight=False)
    versions = f"PyTorch {torch.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
    taken = f"{given.workers} processes of 1 thread, {time.monotonic() - started:.0f} s"
    console.print(f"{versions}, {platform.machine()}; {taken}", highlight=False)


if __name__ == "__main__":
    main()
