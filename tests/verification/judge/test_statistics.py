"""What is measured of errors: over all elements, over rows and columns, and along directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from attnspec.thresholds import (
    CLEARLY,
    CONTRAST,
    HONEST_RMS,
    MIN_SHARE,
    NOT_ROUNDING,
    POLICY_TOO_TIGHT,
    SAMPLES,
    SLICE_MODEL,
    SLICE_SAMPLES,
    SLICE_SPREAD,
    SPREADS,
    whole_limit,
)
from attnspec.verification.judge import statistics
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.statistics import (
    Coefficient,
    contrast,
    negative_log_likelihood,
    pooled_rms,
    project,
    share_explained,
    slices,
)
from synthetic import MANY, NO_CASE, Floats, along_value, compared, generator, noise, random_comparison

SEEDS = st.integers(0, 2**32)
MENU = st.sampled_from([(1,), (7,), (3, 4), (2, 3, 5), (20, 6)])
"""Shapes of outputs."""


# The largest, the median, the likelihood.


def test_the_worst_comparison_has_the_largest_ratio() -> None:
    near, far, empty = compared([1.0, 2.0], noise([0.0, 0.0])), compared([-3.0], noise([0.0])), compared([], noise([]))

    assert statistics.worst([near, far, empty]) is far
    assert statistics.largest([near, far, empty]) == 3 / 8
    assert statistics.worst([empty]) is None
    assert statistics.largest([]) == 0


def test_the_median_leaves_out_values_of_zero() -> None:
    """Where a value is 0 there is often nothing to round, so that many zeros would hide how large the others are."""
    under = noise([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])

    assert statistics.median([compared([0, 0, 0, 1, 2, 30], under)]) == 2
    assert np.isnan(statistics.median([compared([0, 0], noise([0.0, 0.0]))]))
    assert np.isnan(statistics.median([]))


def with_sigma(error: Floats, sigma: Floats | float) -> list[Compared]:
    """Errors beside a σ that is said to be theirs."""
    return [compared(error, noise(np.ones(error.shape), sigma))]


@given(seed=SEEDS, factor=st.sampled_from([0.25, 0.8, 1.25, 4.0]))
@MANY
def test_errors_surprise_least_under_their_own_sigma(seed: int, factor: float) -> None:
    """Of σ, and of a quarter less or more of it, that σ is the most likely by which the errors were drawn."""
    draw = generator(seed)
    sigma = draw.uniform(0.1, 10, 4000)
    error = HONEST_RMS * sigma * draw.standard_normal(4000)

    assert negative_log_likelihood(with_sigma(error, sigma)) < negative_log_likelihood(
        with_sigma(error, factor * sigma)
    )


@given(SEEDS)
@MANY
def test_a_bad_row_does_not_make_a_looser_sigma_likely(seed: int) -> None:
    """An element counts for so much at most."""
    draw = generator(seed)
    error = HONEST_RMS * draw.standard_normal((20, 20))
    error[3] = 1e6

    assert negative_log_likelihood(with_sigma(error, 1.0)) < negative_log_likelihood(with_sigma(error, 4.0))


# Two policies.


def two_policies(error: Floats, tight: Floats, loose: Floats) -> list[tuple[Compared, Compared]]:
    """An answer under a policy and under a looser one."""
    return [(with_sigma(error, tight)[0], with_sigma(error, loose)[0])]


def test_policies_that_say_much_the_same_have_no_contrast() -> None:
    sigma = np.ones(10)

    assert np.isnan(contrast(two_policies(np.ones(10), sigma, CONTRAST * sigma)))
    assert not np.isnan(contrast(two_policies(np.ones(10), sigma, 1.01 * CONTRAST * sigma)))
    assert np.isnan(contrast([]))


def test_contrast_is_of_elements_of_which_the_looser_policy_says_more() -> None:
    """The others do not separate the two, however large their errors are."""
    loose = np.array([10.0, 10.0, 10.0, 1.0])

    assert contrast(two_policies(np.array([1.0, 1.0, 1.0, 99.0]), np.ones(4), loose)) == 1


@given(SEEDS, st.floats(0.0, 0.6), st.floats(0.0, 0.1))
@MANY
def test_contrast_separates_a_policy_that_is_too_tight_from_the_right_one(
    seed: int, exact: float, spoilt: float
) -> None:
    """It is below the limit where the policy is right, also if some elements are spoilt, and beyond it where errors are
    four times as large, also if most elements are exact by saturation."""
    draw = generator(seed)
    error = HONEST_RMS * draw.standard_normal(1000)
    bad = np.where(draw.random(1000) < spoilt, 1e3, error)
    saturated = np.where(draw.random(1000) < exact, 0.0, 4 * error)
    tight = np.ones(1000)

    assert contrast(two_policies(bad, tight, 4 * tight)) < POLICY_TOO_TIGHT
    assert contrast(two_policies(saturated, tight, 4 * tight)) > POLICY_TOO_TIGHT


# All elements.


@given(SEEDS, MENU, st.floats(0, 3))
@MANY
def test_the_whole_is_the_root_mean_square_of_what_is_weighed(seed: int, shape: tuple[int, ...], size: float) -> None:
    draw = generator(seed)
    under = noise(np.zeros(shape), draw.uniform(0.1, 1, shape), undecidable=draw.random(shape) < 0.3)
    seen = compared(size * under.sigma * draw.standard_normal(shape), under)

    value, limit = pooled_rms([seen])

    weighed = (seen.error / under.sigma)[~under.undecidable]
    assert value == pytest.approx(np.sqrt(np.mean(weighed**2)) if weighed.size else 0)
    assert limit >= whole_limit(max(weighed.size, 1), 0)


@given(SEEDS, st.integers(1, 5))
@MANY
def test_the_whole_does_not_depend_on_how_elements_are_shared_out(seed: int, cut: int) -> None:
    """One comparison, or the same elements as two in either order, give one value and one limit."""
    seen = random_comparison(seed, 6, 4)
    parts = [
        Compared(NO_CASE, 0, seen.answer[place], noise(n.value[place], n.sigma[place], members=n.members[:, place]))
        for n in [seen.noise]
        for place in (slice(cut), slice(cut, None))
    ]

    assert pooled_rms(parts) == pytest.approx(pooled_rms([seen]))
    assert pooled_rms(parts[::-1]) == pytest.approx(pooled_rms([seen]))


def test_nothing_has_no_root_mean_square() -> None:
    value, limit = pooled_rms([compared([5.0], noise([0.0], undecidable=[True]))])

    assert value == 0
    assert limit > 0


@given(SEEDS, MENU)
@MANY
def test_an_honest_answer_is_within_the_whole_and_every_slice(seed: int, shape: tuple[int, ...]) -> None:
    """Also one as large as σ throughout, which σ as a model allows."""
    seen = random_comparison(seed, *shape, scale=1.0)
    value, limit = pooled_rms([seen])

    assert value < limit
    assert slices([seen]) is None


@given(SEEDS)
@MANY
def test_errors_that_runs_share_are_allowed_to_an_answer(seed: int) -> None:
    """Where one rounding moves all elements, the runs are large together, and the limit with them."""
    draw = generator(seed)
    shared = 4 * draw.standard_normal((SAMPLES, 1)) * np.ones((1, 500))
    under = noise(np.ones(500), np.full(500, 1.0), members=shared)

    value, limit = pooled_rms([compared(shared[3], under)])

    assert value < limit


# Rows and columns.


@given(SEEDS, st.integers(0, 2), st.integers(0, 3))
@MANY
def test_a_bad_slice_is_the_one_that_is_named(seed: int, axis: int, place: int) -> None:
    """The errors of one row or column at twelve times their honest size: that axis and place, in that comparison."""
    honest, seen = random_comparison(seed, 8, 9), random_comparison(seed + 1, 9, 10, 11)
    error = seen.error.copy()
    np.moveaxis(error, axis, 0)[place] *= 12

    worst = slices([honest, spoilt := compared(error, seen.noise)])

    assert worst is not None
    assert (worst.compared, worst.axis, worst.place) == (spoilt, axis, place)
    assert worst.value > worst.limit
    assert worst.value == pytest.approx(root_mean_square(np.moveaxis(spoilt.z, axis, 0)[place]))


def root_mean_square(z: Floats) -> float:
    return float(np.sqrt(np.mean(z**2)))


@given(SEEDS, st.floats(1, 3), st.integers(4, 60))
@MANY
def test_the_limit_of_a_slice_is_that_of_its_elements_or_of_the_runs(seed: int, shared: float, count: int) -> None:
    """Of σ with chance for so many elements, or where runs are larger together, of the largest of them."""
    draw = generator(seed)
    runs = shared * draw.standard_normal((SAMPLES, 3, 1)) * np.ones((1, 1, count))
    largest = np.abs(runs[:, 1, 0]).max()
    error = np.zeros((3, count))
    error[1] = 100

    worst = slices([compared(error, noise(np.ones((3, count)), members=runs))])

    assert worst is not None
    assert (worst.axis, worst.place) == (0, 1)
    assert worst.limit == pytest.approx(max(SLICE_MODEL * (1 + SLICE_SPREAD / np.sqrt(count)), SLICE_SAMPLES * largest))


def test_elements_that_are_not_weighed_are_none_of_a_slice() -> None:
    """Neither in its root mean square nor in its count: a row with one element left has the limit of one."""
    lost = np.ones((2, 30), dtype=bool)
    lost[0, 0] = False
    error = np.full((2, 30), 50.0)

    worst = slices([compared(error, noise(np.ones((2, 30)), undecidable=lost))])

    assert worst is not None
    assert worst.value == pytest.approx(50)
    assert worst.limit == pytest.approx(SLICE_MODEL * (1 + SLICE_SPREAD))


@given(SEEDS)
@MANY
def test_a_slice_is_bad_in_a_transposed_output_too(seed: int) -> None:
    seen = random_comparison(seed, 12, 12)
    error = seen.error.copy()
    error[4] = 20 * seen.noise.sigma[4]
    turned = noise(seen.noise.value.T, seen.noise.sigma.T, members=np.swapaxes(seen.noise.members, 1, 2))

    row, column = slices([compared(error, seen.noise)]), slices([compared(error.T, turned)])

    assert row is not None
    assert column is not None
    assert (row.axis, row.place, column.axis, column.place) == (0, 4, 1, 4)
    assert row.value == pytest.approx(column.value)
    assert row.limit == pytest.approx(column.limit)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_outputs_without_slices_have_no_bad_one(shape: tuple[int, ...]) -> None:
    assert slices([compared(np.full(shape, 100.0), noise(np.zeros(shape)))]) is None


# Coefficients.


def coefficient(value: float = 1.0, **facts: float) -> Coefficient:
    """A coefficient of which nothing is known but its value, its spread and its lean."""
    return Coefficient(**{"value": value, "spread": 0.1, "lean": 0.0, **facts})


def test_the_limit_is_chance_and_lean_together() -> None:
    assert coefficient(spread=0.1, lean=0.5).limit == pytest.approx(0.1 * SPREADS + 0.5)


@given(st.floats(-100, 100), st.floats(0, 10), st.floats(0, 10))
@MANY
def test_a_coefficient_is_clear_beyond_its_limit_on_either_side(value: float, spread: float, lean: float) -> None:
    seen = coefficient(value, spread=spread, lean=lean)

    assert seen.significant == (abs(value) > seen.limit)
    assert seen.significant == replace(seen, value=-value).significant
    assert seen.significant <= replace(seen, value=2 * value).significant, "more of it is no less clear"
    assert seen.significant <= replace(seen, spread=spread / 2).significant, "less chance makes it no less clear"


@given(st.floats(0.5, 1000), st.floats(0, 1), st.floats(1, 1000))
@MANY
def test_no_small_share_is_foremost(independent: float, share: float, breadth: float) -> None:
    """Below the smallest share nothing is, and what is stays so with more elements."""
    seen = coefficient(share=share, chance=1 / independent, breadth=breadth)

    assert not (seen.dominant and share <= MIN_SHARE)
    assert seen.dominant <= replace(seen, chance=seen.chance / 2, breadth=2 * breadth).dominant
    assert not replace(seen, breadth=1.0, share=1 - 1e-9).dominant, "one element is no evidence, nearly all of it"


def test_a_direction_is_visible_where_the_whole_of_it_would_be_clear() -> None:
    """With a margin, since honest rounding may hide a part."""
    edge = 1 / (CLEARLY * SPREADS)

    assert coefficient(spread=0.99 * edge).visible
    assert not coefficient(spread=1.01 * edge).visible


# Projections.

DIRECTIONS: dict[str, Callable[[Compared], Floats | None]] = {
    "the value": along_value,
    "a shift": lambda each: np.ones(each.noise.value.shape),
    "the last row": lambda each: np.where(np.arange(len(each.noise.value))[:, None] == 5, each.noise.value, 0.0),
}


@pytest.mark.parametrize("name", DIRECTIONS)
@given(seed=SEEDS, size=st.floats(-50, 50))
@MANY
def test_a_projection_gives_back_what_was_planted(name: str, size: float, seed: int) -> None:
    """An error that is a multiple of a direction, over several comparisons, has that coefficient and all of the
    share."""
    honest = [random_comparison(seed + place, 6, 4) for place in range(3)]
    along = DIRECTIONS[name]

    seen = project([compared(size * np.asarray(along(each)), each.noise) for each in honest], along)

    assert seen is not None
    assert seen.value == pytest.approx(size, abs=1e-9)
    assert seen.share == pytest.approx(1 if abs(size) > 1e-9 else seen.share)
    assert 0 <= seen.share_of_all <= seen.share + 1e-9


@given(seed=SEEDS, first=st.floats(-10, 10), second=st.floats(-10, 10))
@MANY
def test_a_projection_is_linear_in_the_error(seed: int, first: float, second: float) -> None:
    """The coefficient of a sum of errors is the sum of their coefficients; the spread is of the noise alone."""
    a, b = random_comparison(seed, 5, 4), random_comparison(seed + 1, 5, 4)

    def value(error: Floats) -> Coefficient:
        seen = project([compared(error, a.noise)], along_value)
        assert seen is not None
        return seen

    both = value(first * a.error + second * b.error)

    assert both.value == pytest.approx(first * value(a.error).value + second * value(b.error).value, abs=1e-9)
    assert both.spread == pytest.approx(value(a.error).spread)


@given(seed=SEEDS, factor=st.floats(0.01, 100))
@MANY
def test_the_length_of_a_direction_does_not_matter(seed: int, factor: float) -> None:
    """A direction k times as long has coefficient, spread and lean 1/k of that, and the same shares."""
    comparison = random_comparison(seed, 5, 4)
    seen, longer = project([comparison], along_value), project([comparison], lambda each: factor * along_value(each))

    assert seen is not None
    assert longer is not None
    for name in ("value", "spread", "lean"):
        assert getattr(longer, name) * factor == pytest.approx(getattr(seen, name))
    for name in ("share", "share_of_all", "chance", "breadth"):
        assert getattr(longer, name) == pytest.approx(getattr(seen, name))
    assert longer.significant == seen.significant


@given(seed=SEEDS)
@MANY
def test_an_honest_answer_is_clear_along_no_direction(seed: int) -> None:
    """Also one whose errors are as large as σ, over few or many elements."""
    for shape in ((6, 1), (6, 4), (6, 50)):
        seen = [random_comparison(seed, *shape, scale=1.0)]
        for along in DIRECTIONS.values():
            found = project(seen, along)
            assert found is None or not found.significant


@given(arrays.arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6)))
@MANY
def test_breadth_counts_the_elements_that_a_direction_is_spread_over(along: Floats) -> None:
    """From 1, where it is all in one element, to the number of elements, where it is the same in all."""
    seen = project([compared(np.ones((4, 3)), noise(np.zeros((4, 3))))], lambda each: along)

    if seen is None:
        assert not (along**2).any()
    else:
        assert 1 - 1e-9 <= seen.breadth <= 12 + 1e-9


def test_a_direction_that_is_nowhere_is_no_coefficient() -> None:
    """Where it does not exist, is 0, or lies in undecidable elements alone."""
    seen, drowned = random_comparison(0, 6, 4), compared([1.0], noise([1.0], undecidable=[True]))

    assert project([seen], lambda each: None) is None
    assert project([seen], lambda each: np.zeros((6, 4))) is None
    assert project([drowned], along_value) is None
    assert project([], along_value) is None


def test_a_direction_counts_where_it_exists_and_is_finite() -> None:
    """Comparisons where it does not exist, and elements where it is infinite, leave the coefficient as it is."""
    seen, other = random_comparison(0, 6, 4), random_comparison(1, 6, 4)
    error = 3.0 * seen.noise.value
    error[0] = 0

    def along(each: Compared) -> Floats | None:
        if each.noise is other.noise:
            return None
        direction: Floats = each.noise.value.copy()
        direction[0] = np.inf
        return direction

    found = project([compared(error, seen.noise), other], along)

    assert found is not None
    assert found.value == pytest.approx(3)
    assert found.share == pytest.approx(1)


@pytest.mark.parametrize("exact", [0, SAMPLES // 2, SAMPLES - 1])
@pytest.mark.parametrize("seed", range(20))
def test_one_element_lies_along_every_direction(seed: int, exact: int) -> None:
    """Its error is all of the error, whatever it is, which is no evidence; also where some runs had no error."""
    draw = generator(seed)
    sigma, error = draw.uniform(0.1, 1), draw.standard_normal()
    members = sigma * draw.standard_normal((SAMPLES, 1))
    members[:exact] = 0
    under = noise(draw.standard_normal(1), [sigma], members=members)

    seen = project([compared([sigma * error], under)], along_value)

    assert seen is not None
    assert seen.share == pytest.approx(1)
    assert not seen.dominant


def test_elements_that_hardly_count_lend_no_weight() -> None:
    """Saturated ones, where the direction is next to nothing and rounding too, though the model allows for more."""
    along = np.array([1.0, 1e-6, 1e-6])

    seen = project([compared(along * [1.3, 0.1, -0.1], noise(along, seed=1))], along_value)

    assert seen is not None
    assert seen.breadth == pytest.approx(1)
    assert not seen.dominant


def test_a_direction_over_many_elements_is_seen() -> None:
    """Where it is nearly all of an error that the noise would hide."""
    draw = generator(2)
    along = draw.standard_normal(40)
    error = 0.5 * along + 0.01 * draw.standard_normal(40)

    seen = project([compared(error, noise(along, seed=3))], along_value)

    assert seen is not None
    assert seen.dominant


# What a coefficient explains.


def test_a_coefficient_explains_the_elements_that_it_mends() -> None:
    """The share of clearly wrong elements that are nearly right once so much of the direction is taken off."""
    under = noise([100.0, 100.0, 100.0, 0.0])

    assert share_explained([compared([50, 50, 50, 1], under)], along_value, 0.5) == 1
    assert share_explained([compared([50, 50, 500, 0], under)], along_value, 0.5) == pytest.approx(2 / 3)
    assert share_explained([compared([50, 50, 50, 0], under)], along_value, -0.5) == 0


@given(st.floats(1e-6, 1e6))
@MANY
def test_what_is_explained_has_no_unit(unit: float) -> None:
    """An error of 50 σ that a direction of 100 σ explains, whatever σ is."""
    under = noise(100 * unit * np.ones(3), unit)

    assert share_explained([compared(50 * unit * np.ones(3), under)], along_value, 0.5) == 1
    assert share_explained([compared(50 * unit * np.ones(3), under)], along_value, 0.1) == 0


def test_where_no_element_is_clearly_wrong_nothing_is_left_to_explain() -> None:
    assert share_explained([compared([NOT_ROUNDING, -NOT_ROUNDING], noise([1.0, 1.0]))], along_value, 0.0) == 1
    assert share_explained([compared([99.0], noise([1.0]))], lambda each: None, 1.0) == 1


@given(seed=SEEDS, size=st.floats(20, 200))
@MANY
def test_one_bad_element_does_not_speak_for_all(seed: int, size: float) -> None:
    """It may have nearly all of the error's square along a direction, and explains but itself."""
    seen = random_comparison(seed, 10, 4)
    error = 6 * seen.noise.sigma * np.sign(seen.error)
    error[0, 0] = 1e4 * seen.noise.value[0, 0]
    spoilt = [compared(error, seen.noise)]

    found = project(spoilt, along_value)

    assert found is not None
    assert share_explained(spoilt, along_value, found.value) < 0.5
