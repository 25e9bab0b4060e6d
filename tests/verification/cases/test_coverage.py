"""Coverage: cases are counted by what varies between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from click.testing import CliRunner

import attnspec
from attnspec import REGISTRY
from attnspec.cli import main
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.coverage import coverage

NORM = REGISTRY["transformer.layer_norm"]


def cell(found: tuple[tuple[str, str, int], ...], what: str) -> dict[str, int]:
    return {value: count for each, value, count in found if each == what}


def test_cases_are_counted_by_what_varies() -> None:
    plain = Description((("d", 8),), seed=3, options=(("eps", 1e-5),))
    cases = [
        make(NORM, each, "float32")
        for each in (
            plain,
            replace(plain, batch=(4, 2), layout="strided"),
            replace(plain, sizes=(("d", 33),), regime="huge"),
            replace(plain, patterns=(("gamma", "zero"),)),
        )
    ]
    found = coverage(cases, NORM)

    assert cell(found, "batch axes") == {"0": 3, "2": 1}
    assert cell(found, "size of a batch axis") == {"2": 1, "4": 1}
    assert cell(found, "size d") == {"8": 3, "33": 1}
    assert cell(found, "memory") == {"contiguous inputs": 3, "with a stride along the last axis": 1}
    assert cell(found, "values") == {"huge": 1, "ordinary": 3}
    assert cell(found, "values of gamma") == {"zero": 1}
    assert cell(found, "option eps") == {"1e-05": 4}


def test_recorded_cases_are_counted_by_their_shapes() -> None:
    arrays: dict[str, Any] = {"x": np.ones((5, 3, 7)), "gamma": np.ones(7), "beta": np.ones(7)}
    found = coverage([Case(arrays, {"eps": 1e-5}, origin="a.npz")], NORM)

    assert cell(found, "batch axes") == {"2": 1}
    assert cell(found, "size d") == {"7": 1}
    assert cell(found, "values") == {"recorded": 1}


def test_the_command_prints_what_was_asked() -> None:
    how = ["verify", "attnspec_numpy.scores:dot", "--dtype", "float32", "--examples", "0", "--no-function"]
    done = CliRunner().invoke(main, [*how, "--coverage"])
    rows = {line[4:].partition("  ")[0]: line for line in done.output.splitlines() if line.startswith("    ")}

    assert done.exit_code == 0, done.output
    assert {"batch axes", "size n", "size m", "size d", "memory", "values", "values of q", "repeats over runs"} <= {
        *rows
    }
    assert "transposed inputs (2)" in rows["memory"]
    assert "zero (1)" in rows["values of q"]


def test_every_case_of_a_verdict_is_counted() -> None:
    (verdict,) = attnspec.verify("attnspec_numpy.scores:dot", dtype="float32", examples=0, function=False).verdicts

    for what in ("batch axes", "size n", "memory", "values"):
        assert sum(cell(verdict.coverage, what).values()) == verdict.examples
    assert [each["what"] for each in verdict.json()["coverage"]] == [what for what, _, _ in verdict.coverage]
