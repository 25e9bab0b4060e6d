"""Claims of multiples alone: even widths, whole tiles. No other size is asked, by any way that leads to a case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.language.equation import REGISTRY
from attnspec.verification.cases.case import Case, as_multiple, make, smallest
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.pools import usual_sizes
from attnspec.verification.cases.shrink import shrink
from attnspec.verification.cases.suite import standard_suite

MULTIPLE = {"n": 16, "m": 16, "d": 8}
TILED = replace(REGISTRY["attention.scaled_dot_product"], multiple=MULTIPLE)


def least(name: str) -> int:
    return 0 if name == "batch" else smallest(TILED, name)


def made() -> Iterator[Case]:
    for description in (*standard_suite(TILED, least, (0, 1)), *grid(TILED, least, (0, 1), half=True)):
        yield make(TILED, description, "float32")


def sizes(case: Case) -> dict[str, int]:
    *_, n, d = case.arrays["q"].shape
    return {"n": n, "m": case.arrays["k"].shape[-2], "d": d}


def is_claimed(case: Case) -> bool:
    return all(size % MULTIPLE[name] == 0 for name, size in sizes(case).items())


def test_every_case_has_such_sizes_and_says_so() -> None:
    found = list(made())

    assert all(is_claimed(case) for case in found)
    assert all(sizes(each).items() <= dict(each.description.sizes).items() for each in found if each.description)
    assert {sizes(case)["n"] for case in found} >= {0, 16, 32, 48}


def test_a_case_shrinks_to_such_sizes() -> None:
    """A fault of all sizes above some shows at the least claimed ones above those."""
    case = next(case for case in made() if sizes(case)["m"] > 64)
    found = shrink(TILED, case, "float32", least, lambda each: is_claimed(each) and sizes(each)["m"] > 20, 200)

    assert sizes(found) == {"n": 16, "m": 32, "d": 8}


def test_a_size_is_raised_to_the_next_multiple_or_lowered_where_that_is_too_large() -> None:
    bounded = replace(TILED, largest={"n": 40})

    assert [as_multiple(bounded, "n", size) for size in (0, 1, 16, 17, 40)] == [0, 16, 16, 32, 32]
    assert as_multiple(bounded, "e", 3) == 3


def test_given_sizes_must_be_claimed() -> None:
    assert usual_sizes(TILED, {"n": 70}, {"m": 160}) == {"n": 80, "d": 64, "m": 160, "e": 64}
    with pytest.raises(attnspec.SpecError, match="a multiple of 16"):
        usual_sizes(TILED, {}, {"m": 100})


def positions(t: int, d: int) -> Any:
    """A table of sines and cosines for even widths, as most software has it; it raises for others."""
    angle = np.arange(t)[:, None] / 10000 ** (np.arange(0, d, 2) / d)
    table = np.empty((t, d))
    table[:, 0::2], table[:, 1::2] = np.sin(angle), np.cos(angle)
    return table


def test_software_for_even_widths_alone_conforms_where_these_are_claimed() -> None:
    [undeclared] = attnspec.verify(positions, "position.sinusoidal")
    assert undeclared.verdict == "fails"
    assert undeclared.mend == "if it is for multiples of 2 alone: --claim multiple.d=2"

    [even] = attnspec.verify(positions, "position.sinusoidal", claim={"multiple": {"d": 2}})
    assert even.verdict == "conforms", str(even)
    assert "d a multiple of 2" in str(even)


def test_recorded_inputs_of_other_sizes_are_left_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "seen.npz", q=np.ones((3, 8)), k=np.ones((4, 8)))

    def dot(q: Any, k: Any) -> Any:
        return q @ np.swapaxes(k, -1, -2)

    [verdict] = attnspec.verify(dot, "scores.dot", inputs=[tmp_path / "seen.npz"], claim={"multiple": {"n": 2}})
    assert "n = 3 is not claimed" in str(verdict)


@pytest.mark.parametrize(
    ("multiple", "words"),
    [({"z": 2}, ("no size z", "multiple.z=2", "n, d, m")), ({"d": 0}, ("from 1 on", "multiple.d=0", "multiple.d=2"))],
)
def test_what_cannot_be_claimed_is_refused(multiple: dict[str, int], words: tuple[str, ...]) -> None:
    with pytest.raises(attnspec.SpecError) as error:
        attnspec.verify(lambda q, k: q, "scores.dot", claim={"multiple": multiple})

    assert all(word in str(error.value) for word in words)
