"""Arrays are recognised as the values of a line in any layout, and not by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import synthetic
from attnspec.verification.diagnosis.matching import Expected

SHAPE = (3, 4, 5)


def expected(value: Any, sigma: float = 1e-7) -> Expected:
    found = Expected.of(synthetic.noise(value, sigma))
    assert found is not None
    return found


def values(seed: int, shape: tuple[int, ...] = SHAPE) -> Any:
    return synthetic.generator(seed).normal(size=shape)


def test_a_few_different_values_above_the_noise_are_telling() -> None:
    assert expected(values(1)).is_telling
    assert expected(values(1, (4,))).is_telling


@pytest.mark.parametrize(
    ("value", "sigma"),
    [(np.ones(20), 1e-7), (np.zeros(20), 1e-7), (np.tile([0.1, 0.7, 1.3], 9), 1e-7), (values(1, (9,)), 0.1)],
    ids=["constant", "zero", "three values", "noise"],
)
def test_what_any_array_may_have_is_not_telling(value: Any, sigma: float) -> None:
    assert not expected(value, sigma).is_telling


def test_values_that_cannot_be_judged_are_left_out() -> None:
    assert Expected.of(synthetic.noise(values(1), undecidable=True)) is None
    assert Expected.of(synthetic.noise([1.0, np.inf])) is None


@given(st.permutations(range(3)), st.integers(0, 9))
def test_the_order_of_axes_and_the_shape_do_not_matter(order: list[int], seed: int) -> None:
    """A transposed array is recognised, also if it is reshaped, or has axes of size 1 besides."""
    array = values(seed).transpose(order)

    assert expected(values(seed)).equals(array)
    assert expected(values(seed)).equals(array.ravel())
    assert expected(values(seed)).equals(array[:, None, ..., None])


def test_split_heads_are_recognised() -> None:
    wide = values(1, (6, 8))

    assert expected(wide).equals(wide.reshape(6, 2, 4).transpose(1, 0, 2))


@given(st.integers(0, 2), st.integers(0, 2), st.integers(0, 9))
def test_a_slice_beside_others_is_recognised(axis: int, place: int, seed: int) -> None:
    """It is in an array that is packed along any axis, and in a stack."""
    parts = [values(seed + 100 * k) for k in range(3)]
    parts[place] = values(seed + 1000)

    assert expected(values(seed + 1000)).is_in(np.concatenate(parts, axis))
    assert expected(values(seed + 1000)).is_in(np.stack(parts, axis))


def test_other_values_are_not_recognised() -> None:
    array = values(1)
    array[1, 2, 3] += 1e-5

    assert not expected(values(1)).is_in(array)
    assert not expected(values(1)).is_in(np.stack([array, values(2)]))
    assert expected(values(1)).way(array) is None


def test_rounding_within_the_bound_is_allowed() -> None:
    line = expected(values(1))

    assert line.equals(values(1) + 0.9 * line.bound.max())
    assert not line.equals(values(1) + 2 * line.bound.max())


@pytest.mark.parametrize(
    ("change", "way"),
    [
        (lambda x: -x, "with the other sign"),
        (lambda x: 1 - x, "subtracted from 1"),
        (lambda x: 2.5 * x, "multiplied by 2.5"),
        (lambda x: -0.125 * x.T, "multiplied by -0.125"),
        (lambda x: x + 0.5, None),
        (lambda x: 0 * x, None),
    ],
)
def test_the_way_in_which_a_line_appears(change: Any, way: str | None) -> None:
    assert expected(values(1)).way(change(values(1))) == way
