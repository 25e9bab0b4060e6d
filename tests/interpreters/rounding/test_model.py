"""The model of one rounding, of a sum and of a softmax, held against what it stands for."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from attnspec.interpreters.rounding.model import Rounding
from attnspec.interpreters.rounding.policy import FORMATS, preset
from attnspec.thresholds import SIGMA_BOUND

FLOAT32 = preset("op-by-op", "float32")


@pytest.mark.parametrize("products", [(1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (1.0, -2.0, 3.0, -4.0, 5.0, -3.0), (1.0,) * 6])
def test_a_sum_has_the_mean_variance_over_all_orders(products: tuple[float, ...]) -> None:
    """u²/3 Σ S_j² over the partial sums that are rounded, averaged over every order, but for k in place of k + 1."""
    u, k = FORMATS["float32"].u, len(products)
    partial = [np.cumsum(order)[1:] for order in permutations(products)]
    exact = u**2 / 3 * float(np.mean([(sums**2).sum() for sums in partial]))
    squares, value = np.float64(sum(p**2 for p in products)), np.float64(sum(products))

    found = float(Rounding(FLOAT32, np).contraction(k, squares, value, exact_products=True))

    assert found == pytest.approx(exact, rel=1.5 / k)


@pytest.mark.parametrize("kinds", [1, 2, 5, 40])
@pytest.mark.parametrize("terms", [65, 200, 1023, 4097])
@pytest.mark.parametrize("positive", [True, False])
def test_equal_terms_round_alike(kinds: int, terms: int, positive: bool) -> None:
    """Float32 sums, one term after the other, of numbers of a few kinds are within the bound, which is not far off."""
    rng = np.random.Generator(np.random.Philox(terms + kinds))
    values = rng.normal(size=(300, kinds)).astype(np.float32)
    values = np.abs(values) if positive else values
    products = np.take_along_axis(values, rng.integers(0, kinds, (300, terms)), axis=1)
    exact = products.astype(np.float64)
    squares, value = (exact**2).sum(1), exact.sum(1)

    model = Rounding(FLOAT32, np)
    repeated = model.repeated(exact, 1)
    assert not isinstance(repeated, float)
    variance = model.contraction(terms, squares, value, exact_products=True, repeated=repeated[:, 0])
    errors = np.cumsum(products, 1, dtype=np.float32)[:, -1] - value  # NumPy adds cumulatively one after the other

    deviations = np.abs(errors) / np.sqrt(variance)
    assert deviations.max() < SIGMA_BOUND
    assert np.sqrt(np.mean(deviations**2)) > 0.15


@pytest.mark.parametrize("counts", [(1,) * 100, (100,), (30, 70), (1, 99), (60, 30, 10)])
def test_pairs_of_equal_terms_are_counted(counts: tuple[int, ...]) -> None:
    """Σc²/(5k), at most twice, and at least 1; zeros are added without rounding."""
    terms = np.repeat(np.arange(1.0, len(counts) + 1), counts)
    (found,) = np.ravel(Rounding(FLOAT32, np).repeated(np.append(terms, np.zeros(40)), 0))

    due = max(1.0, sum(c * c for c in counts) / (5 * 140))
    assert due <= found <= 2 * due


def test_a_few_terms_are_not_compared() -> None:
    """The bound of different terms covers the largest error of as many equal ones."""
    assert Rounding(FLOAT32, np).repeated(np.ones((2, 64)), 1) == 1.0


def test_one_rounding_is_uniform() -> None:
    """The variance of rounding many values to float32 is that of the model, on average over a binade."""
    values = np.random.Generator(np.random.Philox(0)).uniform(1, 2, 100_000)
    errors = values.astype(np.float32).astype(np.float64) - values
    u = FORMATS["float32"].u

    modelled = float(np.mean(Rounding(FLOAT32, np).one_rounding(FORMATS["float32"], values)))

    assert 1 < modelled / float(np.mean(errors**2)) < 4  # ±u|v|, where half a unit is u up to the end of a binade
    assert float(np.abs(errors).max()) <= u * 2


def test_a_sum_of_zeros_has_no_error() -> None:
    assert not Rounding(FLOAT32, np).contraction(9, np.zeros(3), np.zeros(3), exact_products=False).any()


def test_one_visible_key_has_weight_one_exactly() -> None:
    weights, shifted = np.array([[1.0, 0.0]]), np.array([[0.0, -np.inf]])

    assert not Rounding(FLOAT32, np).softmax(weights, shifted, -1).any()
