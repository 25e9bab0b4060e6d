"""Attention in NumPy is computed in blocks: small ones give the equation's value, large ones hold little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec_numpy import _functions, attention, backward
from attnspec_numpy._functions import Array, blocks

COMPUTED = {
    "attention.dot_product": attention.dot_product,
    "attention.scaled_dot_product": attention.scaled_dot_product,
    "attention.causal": attention.causal,
    "attention.causal_top_left": attention.causal_top_left,
    "attention.with_lse": attention.with_lse,
}


def drawn(lead: tuple[int, ...], n: int, m: int, seed: int) -> tuple[Array, Array, Array]:
    """Queries, keys and values; the keys have no batch axes, so that they broadcast."""
    random = np.random.default_rng(seed)
    return random.normal(size=(*lead, n, 3)), random.normal(size=(m, 3)), random.normal(size=(*lead, m, 2))


def as_tuple(value: Any) -> tuple[Array, ...]:
    """One result, or several."""
    return value if isinstance(value, tuple) else (value,)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> object:
    """Blocks of two rows, or of a few scores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_functions, "CELLS", 12)
        patch.setattr(_functions, "FEWEST_ROWS", 2)
        yield


LEADS, SIZES = st.sampled_from([(), (2,), (2, 1)]), st.integers(1, 9)


@pytest.mark.parametrize("id", COMPUTED)
@given(LEADS, SIZES, SIZES, st.integers(0, 99))
@settings(max_examples=25)
def test_blocks_give_the_value_of_the_equation(id: str, lead: tuple[int, ...], n: int, m: int, seed: int) -> None:
    """Whatever the sizes, the batch axes, and the place where a block ends."""
    arrays = drawn(lead, n, m, seed)

    computed = as_tuple(COMPUTED[id](*arrays))

    for own, expected in zip(computed, as_tuple(REGISTRY[id](*arrays)), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-12, atol=1e-12)


@given(SIZES, SIZES, st.integers(0, 99))
@settings(max_examples=25)
def test_blocks_give_the_gradients_of_the_equation(n: int, m: int, seed: int) -> None:
    """Those of keys and values are sums over blocks."""
    q, k, v = drawn((), n, m, seed)
    d_o = np.random.default_rng(seed + 1).normal(size=(n, 2))

    computed = backward.scaled_dot_product(d_o, q, k, v)

    for own, expected in zip(computed, REGISTRY["backward.scaled_dot_product"](d_o, q, k, v), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-11, atol=1e-12)


@given(LEADS, SIZES, SIZES)
def test_every_score_is_in_one_block(lead: tuple[int, ...], n: int, m: int) -> None:
    """None is left out, none is computed twice, and no block is larger than it may be."""
    counts = np.zeros((*lead, n, m), int)
    for at, rows in blocks(lead, n, m):
        counts[at][..., rows, :] += 1
        assert counts[at][..., rows, :].size <= max(_functions.CELLS, _functions.FEWEST_ROWS * m)

    assert (counts == 1).all()


@pytest.mark.parametrize("name", ["scaled_dot_product", "causal", "with_lse"])
def test_memory_does_not_grow_with_queries_times_keys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores of 2,048 queries and keys are 16 MiB; beside its output a call holds less than a quarter of that."""
    monkeypatch.setattr(_functions, "CELLS", 1 << 18)
    x = np.ones((2048, 4), np.float32)
    tracemalloc.start()
    try:
        getattr(attention, name)(x, x, x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < (4 << 20)


@pytest.mark.parametrize("function", [attention.scaled_dot_product, attention.dot_product, attention.causal])
def test_a_mean_of_the_largest_values_is_finite(function: Callable[..., Array]) -> None:
    """The sum of the values overflows; the weights are divided before it."""
    q, v = np.zeros((40, 4), np.float32), np.full((40, 3), 3e38, np.float32)

    np.testing.assert_allclose(function(q, q, v), v, rtol=1e-6)


@pytest.mark.parametrize("stray", [np.nan, np.inf])
def test_hidden_keys_and_values_do_not_show(stray: float) -> None:
    draw = np.random.Generator(np.random.Philox(0))
    q, k, v = draw.standard_normal((3, 6, 4))
    expected = attention.causal(q, k, v)[:-1]
    k[-1], v[-1] = stray, stray

    np.testing.assert_allclose(attention.causal(q, k, v)[:-1], expected, rtol=1e-12)
