"""How long a verdict takes from the shell, on functions in NumPy, with the start of Python.

    python benchmarks/verdict_time.py                      right candidates: the medians of five runs
    python benchmarks/verdict_time.py --wrong [NAME ...]   wrong ones of wrong_large.py, one run each

The seconds of the processor are those of the verifier and of the candidate's process together; on a busy machine they
vary less than the time that passes.
"""

from __future__ import annotations

import argparse
import ast
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 5
RIGHT = {
    "a cell": "attnspec_numpy.recurrent:gru_cell",
    "a sequence": "attnspec_numpy.recurrent:gru",
    "attention": "attnspec_numpy.attention:scaled_dot_product",
}
WRONG = Path(__file__).with_name("wrong_large.py")


def wrong() -> dict[str, str]:
    """{the name of each wrong candidate: its target}: the decorated functions of the file."""
    nodes = ast.parse(WRONG.read_text(encoding="utf-8")).body
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.decorator_list]
    return {name: f"{WRONG}:{name}" for name in names}


def seconds(target: str, expected: int) -> tuple[float, float]:
    """The time of one run, and the time of the processor.

    Args:
        target: the candidate.
        expected: the exit code of the command: 0 of a right candidate, 1 of a wrong one.
    """
    started, before = time.perf_counter(), _of_the_processor()
    command = [sys.executable, "-m", "attnspec", "verify", target, "--dtype", "float32"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != expected:
        raise SystemExit(f"{target}: exit code {run.returncode} and not {expected}\n{run.stdout}{run.stderr}")
    return time.perf_counter() - started, _of_the_processor() - before


def _of_the_processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a verdict takes.")
    parser.add_argument(
        "--wrong", nargs="*", metavar="NAME", help="wrong candidates of large equations, all by default"
    )
    names = parser.parse_args().wrong
    targets, expected, runs = (RIGHT, 0, RUNS) if names is None else (wrong(), 1, 1)
    if unknown := {*(names or ())} - {*targets}:
        parser.error(f"there is no {', '.join(sorted(unknown))} in {WRONG.name}")
    all_used = []
    for name in names or targets:
        passed, used = zip(*(seconds(targets[name], expected) for _ in range(runs)), strict=True)
        all_used.append(statistics.median(used))
        print(f"{statistics.median(passed):.2f} s, {all_used[-1]:.2f} s of the processor: {name}", flush=True)
    print(f"the median of {len(all_used)}: {statistics.median(all_used):.2f} s of the processor")


if __name__ == "__main__":
    main()
