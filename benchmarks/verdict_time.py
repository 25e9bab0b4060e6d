"""How long a verdict takes from the shell, on functions in NumPy: the medians of five runs, with the start of Python.

    python benchmarks/verdict_time.py

The seconds of the processor are those of the verifier and of the candidate's process together; on a busy machine they
vary less than the time that passes.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

RUNS = 5
CANDIDATES = {
    "a cell": "attnspec_numpy.recurrent:gru_cell",
    "a sequence": "attnspec_numpy.recurrent:gru",
    "attention": "attnspec_numpy.attention:scaled_dot_product",
}


def seconds(target: str) -> tuple[float, float]:
    """The time of one run, and the time of the processor."""
    started, before = time.perf_counter(), _of_the_processor()
    command = [sys.executable, "-m", "attnspec", "verify", target, "--dtype", "float32"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started, _of_the_processor() - before


def _of_the_processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    for name, target in CANDIDATES.items():
        passed, used = zip(*(seconds(target) for _ in range(RUNS)), strict=True)
        print(f"{statistics.median(passed):.2f} s, {statistics.median(used):.2f} s of the processor: {name}, {target}")


if __name__ == "__main__":
    main()
