"""How long help takes, from the shell: the median of five runs of each command. It should stay below 0.4 s."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 5
COMMANDS: tuple[list[str], ...] = ([], ["list"], ["show"], ["verify"], ["new"])


def seconds(command: list[str]) -> float:
    """One run, with the start of Python."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "attnspec", *command, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    for command in COMMANDS:
        median = statistics.median(seconds(command) for _ in range(RUNS))
        print(f"{median:.2f} s  attnspec {' '.join([*command, '--help'])}")


if __name__ == "__main__":
    main()
