"""Verdicts on the package of other equations, tests/strangers: right candidates with 20 seeds, wrong ones with one.

    python benchmarks/strangers_table.py --run /tmp/strangers.jsonl [--wrong] [--minutes 30]   judge what the file lacks
    python benchmarks/strangers_table.py --write /tmp/strangers.jsonl                          write the table

A run may be stopped and goes on where it was. Right candidates are judged in every dtype, forward and, of PyTorch,
backward; the order is drawn once, so that a part of a run is a sample of it. The table is tests/strangers/README.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

STRANGERS = Path(__file__).resolve().parents[1] / "tests/strangers"
sys.path.insert(0, str(STRANGERS))
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # candidates run in processes of their own

import attnspec  # noqa: E402  # the paths come first
from attnspec.implementation import ATTRIBUTE  # noqa: E402  # likewise

MODULES = ("norms", "rotations", "attention", "feed_forward", "recurrences", "properties")
DTYPES = {"in_torch": ("float32", "float64", "float16", "bfloat16"), "in_numpy": ("float32", "float64", "float16")}
WRONG = {"wrong": False, "wrong_in_numpy": False, "wrong_gradients": True}
"""{module of wrong candidates: whether their gradients are judged}."""

SEEDS = 20


class Asked(NamedTuple):
    """One verdict that is wanted."""

    target: str
    dtype: str
    backward: bool
    seed: int

    @property
    def key(self) -> str:
        return " ".join([self.target, self.dtype, "backward" if self.backward else "forward", str(self.seed)])


def names(module: str) -> list[str]:
    """The candidates of a module."""
    return [name for name, item in vars(importlib.import_module(module)).items() if hasattr(item, ATTRIBUTE)]


def right() -> Iterator[Asked]:
    for where, dtypes in DTYPES.items():
        for name in names(f"strangers.{where}"):
            for dtype in dtypes:
                for backward in (False, True) if where == "in_torch" else (False,):
                    for seed in range(SEEDS):
                        yield Asked(f"strangers.{where}:{name}", dtype, backward, seed)


def wrong() -> Iterator[Asked]:
    for file, backward in WRONG.items():
        for name in names(file):
            yield Asked(f"{file}.py:{name}", "float32", backward, 0)


def verdict_on(one: Asked) -> dict[str, Any]:
    start = time.perf_counter()
    target = str(STRANGERS / one.target) if ".py" in one.target else one.target
    how = {"dtype": one.dtype, "backward": one.backward, "seed": one.seed}
    modules = [f"strangers.{name}" for name in MODULES]
    try:
        (verdict,) = attnspec.verify(target, equations=modules, **how).verdicts
    except Exception as error:  # no verdict at all, whatever the reason is; it stands in the table
        return {"key": one.key, "verdict": "no verdict", "reason": f"{type(error).__name__}: {error}", "said": ""}
    said = "; ".join(each.says for each in verdict.diagnosis)
    seconds = round(time.perf_counter() - start, 1)
    kind = verdict.verdict.value
    return {"key": one.key, "verdict": kind, "reason": verdict.reason, "said": said, "seconds": seconds}


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The verdicts of a file, by key."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {row["key"]: row for row in map(json.loads, lines)}


def run(path: Path, wanted: list[Asked], minutes: float) -> None:
    done, end = read(path), time.monotonic() + 60 * minutes
    random.Random(0).shuffle(wanted)
    for one in wanted:
        if time.monotonic() > end:
            break
        if one.key not in done:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(verdict_on(one), ensure_ascii=False) + "\n")


def table(path: Path) -> str:
    """Right candidates, counted by module, direction and dtype; wrong ones, each with its diagnosis."""
    said = read(path)
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for one in right():
        row = (one.target.partition(":")[0], "backward" if one.backward else "forward", one.dtype)
        counts.setdefault(row, Counter())[said[one.key]["verdict"] if one.key in said else "not asked"] += 1
    lines = ["## Right candidates", "", "| module | direction | dtype | verdicts |", "|---|---|---|---|"]
    for row, found in counts.items():
        lines.append(f"| {' | '.join(row)} | {', '.join(f'{count} {kind}' for kind, count in found.most_common())} |")
    lines += [
        "",
        "## Wrong candidates",
        "",
        "| candidate | in its author's words | verdict | diagnosis |",
        "|---|---|---|---|",
    ]
    for one in wrong():
        row = said.get(one.key, {"verdict": "not asked", "said": ""})
        file, _, name = one.target.partition(".py:")
        words = " ".join((getattr(importlib.import_module(file), name).__doc__ or "").split())
        text = row["said"].replace("|", "\\|")
        lines.append(f"| {file}:{name} | {words} | {row['verdict']} | {text} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Verdicts on the package of other equations.")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--wrong", action="store_true", help="judge the wrong candidates")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no verdict after so many minutes")
    options = parser.parse_args()
    if options.run:
        run(options.run, [*(wrong() if options.wrong else right())], options.minutes)
    if options.write:
        page = STRANGERS / "README.md"
        head, _, _ = page.read_text(encoding="utf-8").partition("\n## Right candidates")
        page.write_text(f"{head.rstrip()}\n\n{table(options.write)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
