"""An answer beside its noise: errors, their ratio to the bound, their size in σ, and what is not counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from attnspec.thresholds import SAMPLES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.residuals import Compared, compare
from synthetic import MANY, NO_CASE, Floats, decidable, noise, random_comparison

NAN, INF = float("nan"), float("inf")
ANY_FLOAT = st.floats(width=32, allow_nan=True, allow_infinity=True)
SHAPES = st.sampled_from([(), (1,), (4,), (2, 3), (0,), (2, 0)])


@st.composite
def comparisons(draw: st.DrawFn) -> Compared:
    """Any values, any answers, any σ from 0 up, any elements undecidable."""
    shape = draw(SHAPES)
    value, answer = (draw(arrays.arrays(np.float64, shape, elements=ANY_FLOAT)) for _ in range(2))
    sigma = draw(arrays.arrays(np.float64, shape, elements=st.just(0.0) | st.floats(1e-60, 100)))
    undecidable = draw(arrays.arrays(np.bool_, shape))
    copied = draw(arrays.arrays(np.bool_, shape))
    return Compared(NO_CASE, 0, np.where(copied, value, answer), noise(value, sigma, undecidable=undecidable))


def one(value: float, answer: float, sigma: float = 1.0, *, undecidable: bool = False) -> Compared:
    """A single element."""
    return Compared(NO_CASE, 0, np.array([answer]), noise([value], [sigma], undecidable=[undecidable]))


@pytest.mark.parametrize(
    ("value", "answer", "error"),
    [(1.0, 3.0, 2.0), (3.0, 1.0, -2.0), (INF, INF, 0.0), (-INF, -INF, 0.0), (NAN, NAN, 0.0), (INF, -INF, -INF)],
)
def test_the_error_is_the_answer_minus_the_value(value: float, answer: float, error: float) -> None:
    """It is 0 between equal infinities and between NaN and NaN."""
    assert one(value, answer).error.tolist() == [error]
    assert one(value, 0.0).deviation(np.array([answer])).tolist() == [error], "that of other values likewise"


@pytest.mark.parametrize(
    ("value", "answer"), [(1.0, NAN), (NAN, 1.0), (1.0, INF), (INF, 1.0), (INF, -INF), (NAN, INF), (-INF, NAN)]
)
def test_another_pattern_of_nan_and_infinity_is_infinitely_far(value: float, answer: float) -> None:
    assert one(value, answer).ratio.tolist() == [INF]
    assert one(value, answer).fails


@pytest.mark.parametrize("answer", [NAN, INF, 1e30, 1.0])
def test_an_undecidable_element_never_fails(answer: float) -> None:
    """It has no ratio and no weight in any statistic."""
    seen = one(1.0, answer, undecidable=True)

    assert seen.ratio.tolist() == [0.0]
    assert not seen.fails
    assert not decidable(seen).any()
    assert not seen.counted.any()
    assert seen.z.tolist() == [0.0]


def test_an_element_without_noise_is_right_or_infinitely_wrong() -> None:
    assert one(2.0, 2.0, sigma=0.0).ratio.tolist() == [0.0]
    assert one(2.0, np.nextafter(2.0, 3.0), sigma=0.0).ratio.tolist() == [INF]


def test_an_element_fails_beyond_its_bound_and_not_at_it() -> None:
    under = noise([0.0, 0.0], bound=[2.0, 2.0])

    assert not Compared(NO_CASE, 0, np.array([2.0, -2.0]), under).fails
    assert Compared(NO_CASE, 0, np.array([2.0, -2.000001]), under).fails


@given(comparisons())
@MANY
def test_a_ratio_is_a_number_from_zero_up(seen: Compared) -> None:
    """No ratio is NaN or negative, whatever values and answers are; it exceeds 1 only where an error is beyond its
    bound or the patterns of NaN and infinity differ."""
    with np.errstate(invalid="ignore"):
        beyond = ~(np.abs(seen.answer - seen.noise.value) <= seen.noise.bound)
    same = np.isnan(seen.answer) & np.isnan(seen.noise.value) | (seen.answer == seen.noise.value)

    assert seen.ratio.shape == seen.answer.shape
    assert (seen.ratio >= 0).all()
    assert np.array_equal(seen.ratio > 1, beyond & ~same & ~seen.noise.undecidable)
    assert seen.fails == bool((seen.ratio > 1).any())


@given(comparisons())
@MANY
def test_statistics_count_finite_errors_of_elements_with_noise(seen: Compared) -> None:
    """z is finite everywhere, error/σ where an element is weighed, and 0 elsewhere; so it is of the simulated runs."""
    sigma, weighed = seen.noise.sigma, seen.counted

    assert np.isfinite(seen.z).all()
    assert np.isfinite(seen.z_members).all()
    assert not (weighed & ~((sigma > 0) & np.isfinite(seen.answer) & np.isfinite(seen.noise.value))).any()
    assert not seen.z[~weighed].any()
    assert not seen.z_members[:, ~weighed].any()
    assert np.array_equal(seen.z[weighed] * sigma[weighed], seen.error[weighed]) or np.allclose(
        seen.z[weighed] * sigma[weighed], seen.error[weighed], rtol=1e-15
    )


@given(seed=st.integers(0, 1000), power=st.integers(-30, 30))
@MANY
def test_ratio_and_z_have_no_unit(seed: int, power: int) -> None:
    """They stay as they are when values, answers and noise are measured in another unit."""
    seen, unit = random_comparison(seed, 3, 4), 2.0**power
    under = seen.noise
    scaled = noise(unit * under.value, unit * under.sigma, bound=unit * under.bound, members=unit * under.members)
    again = Compared(NO_CASE, 0, unit * seen.answer, scaled)

    assert np.array_equal(again.ratio, seen.ratio)
    assert np.array_equal(again.z, seen.z)
    assert np.array_equal(again.z_members, seen.z_members)


def test_every_output_is_beside_its_own_noise() -> None:
    first, second = np.zeros(2), np.ones((2, 2))
    observation = Observation(NO_CASE, (first, second))

    both = compare(observation, [noise(first), noise(second)])

    assert [each.output for each in both] == [0, 1]
    assert [each.answer.shape for each in both] == [(2,), (2, 2)]
    assert all(each.case is NO_CASE for each in both)


def test_answers_and_noises_of_another_number_are_refused() -> None:
    values: Floats = np.zeros(2)

    with pytest.raises(ValueError, match="zip"):
        compare(Observation(NO_CASE, (values,)), [noise(values), noise(values)])


def test_runs_are_along_the_first_axis() -> None:
    assert random_comparison(0, 2, 5).z_members.shape == (SAMPLES, 2, 5)
