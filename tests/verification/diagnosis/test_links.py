"""Code is linked with a part of an equation where its arrays have the values of the part, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnspec.verification.mapping import Mapped, mapped
from attnspec.verification.options import VerifyOptions

PACKED = """
import numpy as np

def sigmoid(a):
    return 1 / (1 + np.exp(-a))

def cell(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    sides = x @ np.concatenate([W_xr, W_xz, W_xh], axis=1)
    u = h.shape[-1]
    other = np.cos(h)
    reset = sigmoid(sides[..., :u] + h @ W_hr + b_r)
    keep = sigmoid(sides[..., u:2 * u] + h @ W_hz + b_z)
    gone = 1 - keep
    fresh = np.tanh(sides[..., 2 * u:] + (reset * h) @ W_hh + b_h)
    return fresh + keep * (h - fresh)
"""


def the_map(folder: Path, source: str, **options: object) -> Mapped:
    file = folder / "cells.py"
    file.write_text(source, encoding="utf-8")
    given = {"equation": "recurrent.gru_cell", "framework": "numpy", "examples": 2, **options}
    [one], _ = mapped(f"{file}:cell", VerifyOptions(**given))  # type: ignore[arg-type]  # options of several types
    return one


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    return the_map(tmp_path_factory.mktemp("packed"), PACKED)


def of(mapped: Mapped, variable: str) -> set[tuple[str, str]]:
    return {(link.shown, link.way) for link in mapped.links if link.variable == variable}


def test_variables_of_other_names_are_linked_by_their_values(packed: Mapped) -> None:
    assert packed.verdict.passed
    assert of(packed, "reset") == {("r", "")}
    assert of(packed, "keep") == {("z", "")}
    assert of(packed, "fresh") == {("h̃", "")}
    assert of(packed, "sides") == {("x W_xr", ""), ("x W_xz", ""), ("x W_xh", "")}
    assert of(packed, "gone") == {("1 − z", "")}
    assert of(packed, "other") == set()


def test_operations_and_results_are_linked_with_lines(packed: Mapped) -> None:
    shown = {link.shown for link in packed.links if link.line == 14}

    assert {"r ⊙ h", "(r ⊙ h) W_hh", "h̃"} <= shown
    assert [(link.line, link.key) for link in packed.links if link.shown == "the result"] == [(15, "t:3")]


def test_keys_are_those_of_the_formula(packed: Mapped) -> None:
    shown = packed.equation.mathml()

    assert all(f'data-key="{link.key}"' in shown for link in packed.links)
    assert dict(packed.arguments)["W_xz"] == "W_xz"
    assert packed.largest is not None
    assert 0 < packed.largest < 1


@pytest.mark.parametrize(
    ("right", "wrong", "lost"),
    [
        ("(reset * h) @ W_hh", "reset * (h @ W_hh)", {"h̃", "(r ⊙ h) W_hh"}),
        pytest.param("u:2 * u] + h @ W_hz", "u:2 * u] - h @ W_hz", {"z"}, marks=pytest.mark.broad),
    ],
)
def test_a_line_that_is_wrong_is_not_linked(tmp_path: Path, right: str, wrong: str, lost: set[str]) -> None:
    """What agrees is linked in wrong code too; what is wrong, and what is computed from it, is not."""
    changed = the_map(tmp_path, PACKED.replace(right, wrong))
    shown = {link.shown for link in changed.links}

    assert changed.verdict.verdict == "differs"
    assert not shown & {*lost, "the result"}
    assert "r" in shown


@pytest.mark.broad
def test_another_equation_has_other_links(tmp_path: Path) -> None:
    """If the equation is another one, links are lost: they are not made by names."""
    update = the_map(tmp_path, PACKED, equation="recurrent.gru_cell_update_writes")

    assert update.verdict.verdict == "differs"
    assert "the result" not in {link.shown for link in update.links}
    assert of(update, "fresh") == {("h̃", "")}


@pytest.mark.broad
def test_without_files_of_its_own_there_are_no_links() -> None:
    found, notes = mapped(
        "torch.nn.functional:scaled_dot_product_attention",
        VerifyOptions(equation="attention.scaled_dot_product", examples=0),
    )

    assert not notes
    assert found[0].links == ()
    assert "installed and compiled code is not watched" in found[0].unlinked
