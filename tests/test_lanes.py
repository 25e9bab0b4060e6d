"""Which cases of long tests are asked in which run."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest
from benchmarks.lanes import LONGEST, SHARE, lanes

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("cases", "seconds", "asked"),
    [
        (1, [0.1], None),
        (1, [LONGEST["default"] + 1], (0, 1)),
        (1, [LONGEST["ci"] + 1], (0, 0)),
        (100, [SHARE["ci"] / 10] * 3, (math.ceil(10 * SHARE["ci"] / SHARE["default"]), 10)),
        (3, [LONGEST["default"]], (3, 2)),  # one case at least, where one alone is not too long
    ],
)
def test_so_many_cases_are_asked_as_take_not_too_long(
    cases: int, seconds: list[float], asked: tuple[int, int] | None
) -> None:
    assert lanes({"test": cases}, {"test": seconds}).get("test") == asked


def test_every_test_in_the_file_exists() -> None:
    """A test that was renamed or moved would be asked whole."""
    lost = [
        test
        for test in tomllib.loads((HERE / "lanes.toml").read_text(encoding="utf-8"))
        for path, _, name in [test.partition("::")]
        if not (HERE.parent / path).exists()
        or f"def {name.rpartition('::')[2]}(" not in (HERE.parent / path).read_text(encoding="utf-8")
    ]
    assert not lost
