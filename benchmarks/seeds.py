"""False alarms: everybody's software in many seeds. How often did each candidate conform, or depart as is known?

    python benchmarks/seeds.py [--seeds N] [--first N] [--targets T …] [--known FILE] [--jobs N] [--examples N]

Each question is asked once in every seed. What is neither "conforms" nor listed is printed whole as it falls.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version

import numpy as np
from rich.console import Console
from rich.table import Table

from attnspec.faces.known_departures import KnownDepartures, read
from attnspec.verification.options import VerifyOptions
from attnspec.verification.parallel import answered_in_processes, count_questions
from attnspec.verification.verdict import Verdict

FRESH = 12
"""Answers after which a candidate's process is a new one: JAX keeps all that it compiled, 200 MB a verdict."""

KNOWN = "impls/attnspec_peers/departures.toml"

Candidate = tuple[str, str, str]
"""Equation, implementation and dtype."""


def asked(targets: Sequence[str], seeds: Sequence[int], jobs: int, options: VerifyOptions) -> Iterator[Verdict]:
    """Every verdict, as it falls; what could not be asked is one too. A candidate's seeds follow each other."""
    for target in targets:
        tasks = [[(0, number, seed)] for number in range(count_questions(target, options)) for seed in seeds]
        if not tasks:
            raise SystemExit(f"{target} cannot be imported whole: attnspec verify {target} says why")
        for _, answer in answered_in_processes([(target, options)], jobs, tasks, FRESH):
            yield answer if isinstance(answer, Verdict) else answer.verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--targets", nargs="+", default=["attnspec_peers"])
    parser.add_argument("--known", default=KNOWN)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--examples", type=int, default=20)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    seeds = range(given.first, given.first + given.seeds)
    known: KnownDepartures = read(given.known)
    console = Console(width=120, highlight=False)
    started = time.monotonic()
    right: Counter[Candidate] = Counter()
    seen: Counter[Candidate] = Counter()
    try:
        for verdict in asked(given.targets, seeds, given.jobs, VerifyOptions(examples=given.examples)):
            candidate = verdict.equation, verdict.implementation, verdict.dtype
            seen[candidate] += 1
            if verdict.passed or known.expecting(verdict):
                right[candidate] += 1
            else:
                console.print(f"seed {verdict.seed}: {verdict}\n", markup=False, soft_wrap=True)
    finally:
        table = Table("equation", "candidate", "dtype", "as they should")
        for candidate, total in sorted(seen.items()):
            table.add_row(*candidate, f"{right[candidate]} of {total}")
        console.print(table)
    alarms = seen.total() - right.total()
    console.print(f"{alarms} false alarms in {seen.total()} verdicts, {len(seeds)} seeds from {given.first}")
    console.print(f"{time.monotonic() - started:.0f} s in {given.jobs} jobs; {versions()}")
    return 1 if alarms else 0


def versions() -> str:
    """What was judged with what."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "onnxruntime", "jax"))
    return f"{packages}, NumPy {np.__version__}, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main())
