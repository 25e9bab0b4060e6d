"""Attention is computed in blocks: small ones give the equation's value, large ones hold little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec_numpy import _functions, attention, backward, scores
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
        patch.setattr(_functions, "CHUNK", 30)
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


def additive_case(lead: tuple[int, ...], n: int, m: int, seed: int) -> tuple[Array, ...]:
    """Queries, keys without batch axes, both matrices and v_a."""
    random = np.random.default_rng(seed)
    return tuple(random.normal(size=shape) for shape in ((*lead, n, 3), (m, 4), (3, 5), (4, 5), (5,)))


@given(LEADS, SIZES, SIZES, st.integers(0, 99))
@settings(max_examples=25)
def test_chunks_give_additive_scores_and_their_gradients(lead: tuple[int, ...], n: int, m: int, seed: int) -> None:
    """In NumPy, whatever the sizes, the batch axes, and the place where a chunk ends."""
    arrays = additive_case(lead, n, m, seed)
    s, h, *weights = arrays
    d_e = np.random.default_rng(seed + 1).normal(size=(*lead, n, m))

    np.testing.assert_allclose(scores.additive(*arrays), REGISTRY["scores.additive"](*arrays), rtol=1e-12, atol=1e-12)
    computed = backward.additive(d_e, s, np.broadcast_to(h, (*lead, m, 4)), *weights)
    expected = REGISTRY["backward.additive"](d_e, s, np.broadcast_to(h, (*lead, m, 4)), *weights)
    for own, each in zip(computed, expected, strict=True):
        np.testing.assert_allclose(own, each, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("chunk", [1, 30, 1 << 16])
def test_chunks_in_pytorch_give_the_gradients_of_the_whole_layer(
    lead: tuple[int, ...], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First and second gradients of additive scores, with respect to all arguments or to some; for any chunk."""
    torch = pytest.importorskip("torch")
    from attnspec_torch import scores as in_torch

    monkeypatch.setitem(in_torch.CHUNK, "cpu", chunk)
    for constant in ((), (1,), (0, 4)):
        arrays = [torch.tensor(array) for array in additive_case(lead, 4, 3, 0)]
        for place, array in enumerate(arrays):
            array.requires_grad_(place not in constant)

        assert torch.autograd.gradcheck(in_torch.additive, arrays)
        assert torch.autograd.gradgradcheck(in_torch.additive, arrays)
        with torch.no_grad():
            value = in_torch.additive(*arrays)
        expected = REGISTRY["scores.additive"](*(array.detach().numpy() for array in arrays))
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)


def test_memory_of_additive_scores_does_not_grow_with_the_hidden_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hidden layer of 256 queries and keys is 32 MiB; scores and their gradients hold less than a twentieth."""
    monkeypatch.setattr(_functions, "CHUNK", 1 << 14)
    x, W = np.ones((256, 128), np.float32), np.ones((128, 128), np.float32)
    tracemalloc.start()
    try:
        e = scores.additive(x, x, W, W, W[0])
        backward.additive(e, x, x, W, W, W[0])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < (32 << 20) / 20
