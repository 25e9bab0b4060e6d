"""Plain values: what is not one, of which type one is, and which are simpler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec.verification.sandbox.plain_values import MAX_DEPTH, not_plain, smaller, type_mismatch


@pytest.mark.parametrize(
    ("value", "kind", "says"),
    [
        ((1, 2), tuple[int, ...], ""),
        ((), tuple[int, ...], ""),
        ((1, "b"), tuple[int, ...], "a str at [1] where an int belongs"),
        (((("a",),)), tuple[tuple[str, ...], ...], ""),
        ((("a", None),), tuple[tuple[str, ...], ...], "None at [0][1] where a str belongs"),
        ({"a": 1}, Mapping[str, int], ""),
        ({1: 1}, dict[str, int], "an int at a key where a str belongs"),
        (({1: 1},), tuple[dict[str, int], ...], "an int at a key of [0] where a str belongs"),
        ({"a": True}, dict[str, int], "a bool at ['a'] where an int belongs"),
    ],
)
def test_a_value_of_another_type_is_described_with_its_place(value: Any, kind: Any, says: str) -> None:
    assert type_mismatch(value, kind) == says


def nested(depth: int) -> Any:
    return (nested(depth - 1),) if depth else 0


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": ("b", 1, True, None), (1, 2): {}}, ""),
        (["a", ["b"]], ""),
        (nested(MAX_DEPTH), ""),
        (nested(MAX_DEPTH + 1), f"a value nested deeper than {MAX_DEPTH} levels"),
        (1.0, "a float"),
        ({1: {2}}, "a set at [1]"),
        ([b""], "a bytes at [0]"),
        ({1.5: 0}, "a float at a key"),
        (np.int64(1), "a numpy.int64"),
        (iter(()), "a tuple_iterator"),
    ],
)
def test_what_is_not_plain_is_described_with_its_place(value: Any, says: str) -> None:
    assert not_plain(value) == says


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("ab", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_simpler_values_have_the_same_type_and_less_in_them(value: Any) -> None:
    """So that taking a simpler value again and again ends."""
    for simpler in smaller(value):
        assert type(simpler) is type(value)
        assert simpler != value
        assert weight(simpler) < weight(value)


def weight(value: Any) -> int:
    """What `smaller` makes less of: integers, and the numbers of characters and items. Keys and values of mappings
    stay as they are."""
    if isinstance(value, bool | int | None):
        return int(value or 0)
    if isinstance(value, tuple):
        return len(value) + sum(map(weight, value))
    return len(value)


def test_simpler_values_come_simplest_first() -> None:
    assert [*smaller(8)] == [0, 4, 7]
    assert [*smaller("abcd")][:2] == ["ab", "cd"]
    assert not [*smaller(0), *smaller(False), *smaller(()), *smaller(""), *smaller({})]
