"""Say of which long tests the default run and `make test` ask a sample, by how long they took: writes tests/lanes.toml.

Run `make test` with `PYTEST_ADDOPTS=--junitxml=build/tests.xml`, then `python benchmarks/lanes.py build/tests.xml`.
"""

from __future__ import annotations

import argparse
import collections
import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).parents[1]
LANES = ROOT / "tests" / "lanes.toml"

LONGEST = {"default": 2.0, "ci": 120.0}
"""Seconds: a test whose cases take longer on average is not asked in this run."""

SHARE = {"default": 1.5, "ci": 4.0}
"""Seconds: of a test whose cases take longer together, so many are asked in this run that they take about this long."""

HEAD = """\
# Of tests that take long, one case in so many is asked by the default run of pytest, and one in so many by `make test`;
# 0 asks none. All others are marked slow. Written by benchmarks/lanes.py from the seconds that the cases took.

"""


def one_in(cases: int, seconds: float, run: str) -> int:
    """One of how many cases of a test is asked in a run; 0 if none is.

    Args:
        cases: how many cases the test has.
        seconds: how long a case takes, on average.
        run: "default" or "ci".
    """
    if seconds > LONGEST[run]:
        return 0
    return min(cases, max(1, math.ceil(cases * seconds / SHARE[run])))


def lanes(cases: Mapping[str, int], seconds: Mapping[str, Sequence[float]]) -> dict[str, tuple[int, int]]:
    """{test: one of how many cases the default run asks, and `make test`}, of those of which not all are asked.

    Args:
        cases: {test: number of its cases}.
        seconds: {test: how long the cases took that ran}.
    """
    found = {
        test: (one_in(cases[test], mean(each), "default"), one_in(cases[test], mean(each), "ci"))
        for test, each in seconds.items()
        if test in cases
    }
    return {test: asked for test, asked in sorted(found.items()) if asked != (1, 1)}


def seconds_of(report: Path) -> dict[str, list[float]]:
    """{test: how long its cases took} by a report in JUnit's format."""
    found = collections.defaultdict[str, list[float]](list)
    for case in ET.parse(report).iter("testcase"):
        path = case.get("classname", "").replace(".", "/") + ".py"
        found[f"{path}::{case.get('name', '').partition('[')[0]}"].append(float(case.get("time", 0)))
    return found


def collected() -> dict[str, int]:
    """{test: number of its cases that are not marked slow}."""
    pytest = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "--every-case"]
    command = [*pytest, "--collect-only", "-q", "-m", "not slow and not gpu"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return collections.Counter(line.partition("[")[0] for line in shown.splitlines() if "::" in line)


def main() -> None:
    """Write the lanes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, help="the report of `make test` in JUnit's format")
    found = lanes(collected(), seconds_of(parser.parse_args().report))
    lines = [f'"{test}" = [{default}, {ci}]\n' for test, (default, ci) in found.items()]
    LANES.write_text(HEAD + "".join(lines), encoding="utf-8")
    print(f"{len(found)} tests of which not all cases are asked, in {LANES}")


if __name__ == "__main__":
    main()
