"""Verdicts are stored as plain values without loss."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import attnspec
from attnspec.verification.stored import restored, stored
from attnspec.verification.verdict import Verdict

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(list(attnspec.VerdictKind))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(LEAVES, inner, max_size=3),
    max_leaves=8,
)


def through_json(value: Any) -> Any:
    return restored(json.loads(json.dumps(stored(value), allow_nan=False)))


@given(VALUES)
def test_values_come_back_with_their_types(value: Any) -> None:
    """restored(stored(x)) is x, with the same types all the way down."""
    back = through_json(value)

    assert back == value
    assert repr(back) == repr(value)


@given(arrays.arrays(st.sampled_from([np.float64, np.int64, np.bool_]), arrays.array_shapes(min_dims=0, min_side=0)))
def test_arrays_come_back_bit_for_bit(array: np.ndarray) -> None:
    """NaN, infinity, −0 and empty arrays too."""
    back = np.asarray(through_json(array))

    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def wrong(q: Any, k: Any) -> Any:
    return q @ np.swapaxes(k, -1, -2)


def test_a_verdict_comes_back_whole() -> None:
    (verdict,) = attnspec.verify(wrong, "scores.scaled_dot", examples=0)
    back = through_json(verdict)

    assert isinstance(back, Verdict)
    assert str(back) == str(verdict)
    assert back.json() == verdict.json()
    assert len(back.cases) == len(verdict.cases) > 0
    for mine, other in zip(back.cases, verdict.cases, strict=True):
        assert mine.description == other.description
        assert {name: array.tobytes() for name, array in mine.arrays.items()} == {
            name: np.ascontiguousarray(array).tobytes() for name, array in other.arrays.items()
        }
    scalars = [each.name for each in fields(verdict) if each.name not in ("worst_case", "cases", "function")]
    assert all(getattr(back, name) == getattr(verdict, name) for name in scalars)
    assert back.verdict is verdict.verdict


def test_what_no_verdict_has_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        stored(object())
    with pytest.raises((ValueError, KeyError)):
        restored({"class": "Popen", "fields": {}})
