"""How the cost of judging grows: time and memory of the value and the noise along one axis, and of known mistakes.

    python benchmarks/growth.py [--only WORD] [--rounds N] [--folder FOLDER]

One axis is doubled again and again while the others stay, and so is the number of mistakes that are evaluated on one
case. All sizes take turns, and the smallest CPU time of the rounds counts; the memory is the most that NumPy has held.
An exponent is that of the last two doublings: 1 is linear, 2 is quadratic. It is compared with that of the design, by
which the operations of the equation grow; the exit code is 1 if one is larger by more than `SLACK`. A table goes to
FOLDER/growth.md; with matplotlib there is FOLDER/growth.png too.
"""

from __future__ import annotations

import argparse
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from attnspec import REGISTRY
from attnspec.faces.bench_command import threads, versions
from attnspec.interpreters.mutation.mutants import mutants
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values_of_each

SLACK = 0.25
"""An exponent may be larger by so much, as small sizes share costs that do not grow."""

MISTAKES = "known mistakes"
"""What grows where no axis does."""


@dataclass(frozen=True)
class Subject:
    """What grows.

    Attributes:
        equation: the equation.
        what: "value", "noise" or "mistakes": what is computed.
        axis: the size that grows, or `MISTAKES`.
        sizes: the smallest sizes.
        doublings: how often it is doubled.
        design: the exponent of the design.
    """

    equation: str
    what: str
    axis: str
    sizes: dict[str, int]
    doublings: int
    design: float = 1.0

    def __str__(self) -> str:
        return f"{self.equation}, {self.what} along {self.axis}"

    @property
    def counts(self) -> list[int]:
        """The sizes of the axis, or the numbers of mistakes."""
        first = self.sizes.get(self.axis, 8)
        return [first * 2**doubled for doubled in range(self.doublings + 1)]

    def run(self, count: int) -> Callable[[], object]:
        """What is measured at a size."""
        sizes = {**self.sizes, **({self.axis: count} if self.axis in self.sizes else {})}
        case = drawn(self.equation, sizes)
        equation, policy = REGISTRY[self.equation], preset("op-by-op", "float32")
        if self.what == "noise":
            return partial(Judge(equation, "float32").noise_of, case, policy)
        if self.what == "value":
            return partial(equation, **case.arrays, **case.options)
        trees = [each.definition for each in mutants(equation) if not each.in_storage]
        mixed = Random(1).sample(trees, len(trees))  # neighbours are alike, and are evaluated together
        return lambda: [*values_of_each(mixed[:count], case)]


ATTENTION = {"n": 256, "m": 256, "d": 32, "e": 32}
FEWER = {"n": 64, "m": 64, "d": 32, "e": 32}  # 48 simulated runs; more is judged in parts, and on distinct rows alone
GRU = {"t": 32, "d": 32, "u": 32}
SUBJECTS = (
    *(Subject("attention.scaled_dot_product", "value", axis, ATTENTION, 4) for axis in ("n", "m")),
    *(Subject("attention.scaled_dot_product", "noise", axis, FEWER, 3) for axis in ("n", "m")),
    Subject("attention.scaled_dot_product", "noise", "d", {**FEWER, "d": 256}, 3),
    Subject("attention.additive", "noise", "m", {"n": 8, "m": 32, "a": 16, "p": 16, "q": 16, "e": 16}, 3),
    *(Subject("recurrent.gru", what, "t", GRU, 3) for what in ("value", "noise")),
    Subject("recurrent.gru", "noise", "u", {**GRU, "t": 4, "u": 64}, 3, design=2.0),
    Subject("backward.gru", "noise", "t", {**GRU, "t": 16}, 3),
    Subject("recurrent.gru", "mistakes", MISTAKES, {"t": 5, "d": 4, "u": 7}, 4),
    Subject("attention_rnn.bahdanau_decode", "mistakes", MISTAKES, dict.fromkeys("ndmeualv", 4), 4),
)


@dataclass(frozen=True)
class Row:
    """What was measured of a subject.

    Attributes:
        subject: what grows.
        counts: the sizes.
        seconds: the CPU time at each.
        peaks: the highest memory at each, in bytes.
    """

    subject: Subject
    counts: Sequence[int]
    seconds: Sequence[float]
    peaks: Sequence[int]

    @property
    def exponents(self) -> tuple[float, float]:
        """Those of time and of memory."""
        return exponent(self.seconds), exponent(self.peaks)

    @property
    def is_worse(self) -> bool:
        return max(self.exponents) > self.subject.design + SLACK


def drawn(equation: str, sizes: dict[str, int]) -> Case:
    """An ordinary case of these sizes."""
    return make(REGISTRY[equation], Description(tuple(sizes.items()), seed=1), "float32")


def exponent(costs: Sequence[float]) -> float:
    """By which power costs have grown over the last two doublings."""
    return math.log2(costs[-1] / costs[-3]) / 2


def measured(subject: Subject, rounds: int) -> Row:
    """Measure a subject: all sizes in turn, as often as there are rounds, and their memory once."""
    runs = [subject.run(count) for count in subject.counts]
    seconds = [math.inf] * len(runs)
    for _ in range(rounds):
        for place, run in enumerate(runs):
            before = time.process_time()
            run()
            seconds[place] = min(seconds[place], time.process_time() - before)
    return Row(subject, subject.counts, seconds, [peak(run) for run in runs])


def peak(run: Callable[[], object]) -> int:
    """The highest memory during a run, in bytes."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def cells(row: Row) -> Iterator[str]:
    """A line of the table."""
    yield str(row.subject)
    yield f"{row.counts[0]} … {row.counts[-1]}"
    yield f"{1e3 * row.seconds[0]:.1f} … {1e3 * row.seconds[-1]:.1f}"
    yield f"{row.peaks[0] / 2**20:.1f} … {row.peaks[-1] / 2**20:.1f}"
    yield from (f"{each:.2f}" for each in row.exponents)
    yield f"{row.subject.design:.0f}{', more' if row.is_worse else ''}"


HEADING = ("", "sizes", "CPU time, ms", "peak, MiB", "exponent of time", "of memory", "by design")


def write(found: Sequence[Row], folder: Path) -> None:
    """Write the table and, with matplotlib, the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [HEADING, ("---",) * len(HEADING), *(tuple(cells(row)) for row in found)]
    below = f"{threads()}; {', '.join(versions())}"
    text = "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", below, ""])
    (folder / "growth.md").write_text(text, encoding="utf-8")
    if find_spec("matplotlib") is not None:
        plot(found, folder / "growth.png")


def plot(found: Sequence[Row], file: Path) -> None:
    """Time and memory against size, both over those of the smallest, with a line for what is linear."""
    import matplotlib as mpl  # late: it need not be installed

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, both = plt.subplots(1, 2, figsize=(13, 8), layout="constrained", sharex=True)
    for axes, name in zip(both, ("CPU time", "memory"), strict=True):
        axes.set_prop_cycle(color=mpl.color_sequences["tab20"])
        for row in found:
            costs = row.seconds if name == "CPU time" else row.peaks
            times = [count / row.counts[0] for count in row.counts]
            axes.plot(times, [cost / costs[0] for cost in costs], marker="o", label=str(row.subject))
        axes.plot([1, 16], [1, 16], color="black", linestyle="dashed", label="linear")
        axes.set(xscale="log", yscale="log", xlabel="size over the smallest", ylabel=f"{name} over the smallest's")
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    figure.savefig(file)
    plt.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="subjects with this word")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks"))
    given = parser.parse_args()
    console, table = Console(width=150, highlight=False), Table(*HEADING)
    found = []
    for subject in SUBJECTS:
        if given.only in str(subject):
            found.append(measured(subject, given.rounds))
            table.add_row(*cells(found[-1]))
    console.print(table)
    console.print(f"{threads()}; {', '.join(versions())}")
    write(found, given.folder)
    return 1 if any(row.is_worse for row in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
