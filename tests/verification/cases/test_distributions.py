"""How values are drawn: every regime has what it says, within the bounds of its symbols, in every dtype."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from attnspec import REGISTRY
from attnspec.implementation import DTYPES
from attnspec.interpreters.rounding.policy import FORMATS
from attnspec.verification.cases.distributions import (
    DISTRIBUTIONS,
    HIDDEN,
    INTEGER_DISTRIBUTIONS,
    REGIMES,
    distribution_of,
    draws_from,
    has_mask,
    int_range,
    regime_applies,
    rounded,
)
from synthetic import MANY, Array, Floats, case_of, generator

SIZED = REGISTRY["seq2seq.sequence_loss"]
"""An equation with a number of steps, t, and a number of words, v."""

SEEDS = st.integers(0, 2**32)
SHAPES = st.sampled_from([(), (1,), (6,), (3, 4), (2, 3, 5), (0,), (2, 0)])

KINDS = {
    "normal": ("attention.key_value", "v"),
    "scores": ("attention.key_value", "e"),
    "weights": ("attention.context_vector", "alpha"),
    "state": ("attention.context_vector", "h"),
    "fan_in": ("recurrent.gru_cell", "W_hz"),
    "bias": ("recurrent.gru_cell", "b_z"),
    "positive": ("transformer.layer_norm", "gamma"),
}
"""An argument that is drawn in each of the ways."""


def drawn(kind: str, regime: str, dtype: str = "float64", seed: int = 0) -> Floats:
    """An argument drawn in a way, under a regime: a dozen rows of nine."""
    id, name = KINDS[kind]
    sizes = {"n": 12, "m": 9, "d": 9, "u": 9}
    batch = 12 if kind == "bias" else None
    return case_of(id, dtype, seed=seed, regime=regime, batch=batch, **sizes).arrays[name]


def test_the_kinds_are_those_that_are_drawn() -> None:
    assert KINDS.keys() == DISTRIBUTIONS.keys()
    assert {kind: distribution_of(REGISTRY[id], name) for kind, (id, name) in KINDS.items()} == {k: k for k in KINDS}


# Ways to draw.


@given(st.sampled_from(sorted(DISTRIBUTIONS)), SHAPES, SEEDS)
@MANY
def test_what_is_drawn_is_within_its_bounds(way: str, shape: tuple[int, ...], seed: int) -> None:
    """Finite and of the shape; weights are a distribution over the last axis, states within ±1, positive ones above."""
    if way == "weights" and not shape:
        return
    values = DISTRIBUTIONS[way](generator(seed), shape)

    assert values.shape == shape
    assert np.isfinite(values).all()
    if way == "weights" and 0 not in shape:
        assert (values >= 0).all()
        assert values.sum(axis=-1) == pytest.approx(np.ones(shape[:-1]))
    if way == "state":
        assert (np.abs(values) <= 1).all()
    if way == "positive":
        assert (values >= 0.5).all()


def test_ordinary_values_are_of_the_size_of_one() -> None:
    """But for scores, of two; gains are from a half up."""
    spread = {way: float(DISTRIBUTIONS[way](generator(0), (4000,)).std()) for way in ("normal", "bias", "scores")}

    assert spread == pytest.approx({"normal": 1, "bias": 1, "scores": 2}, rel=0.05)
    assert DISTRIBUTIONS["positive"](generator(0), (4000,)).min() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("width", [4, 64])
def test_weights_of_a_layer_shrink_with_its_width(width: int) -> None:
    """So that a sum over the width is as large for a wide layer as for a narrow one."""
    values = DISTRIBUTIONS["fan_in"](generator(0), (width, 4000))

    assert values.std() * np.sqrt(width) == pytest.approx(1.3, rel=0.05)


@given(SEEDS, st.integers(1, 9), st.integers(0, 9))
@MANY
def test_whole_numbers_are_within_their_sizes(seed: int, v: int, t: int) -> None:
    """Tokens are words of the vocabulary, or −1 where they may be missing; lengths from nothing to all of t."""
    ranges = {"length": (0, t), "token": (0, v - 1), "token or missing": (-1, v - 1), "bit": (0, 1)}
    assert ranges.keys() == INTEGER_DISTRIBUTIONS.keys()
    assert ranges == {way: int_range(SIZED.definition, way, {"v": v, "t": t}) for way in ranges}

    for way, (least, most) in ranges.items():
        values = INTEGER_DISTRIBUTIONS[way](generator(seed), (20,), least, most)
        assert values.dtype.kind == "i"
        assert least <= values.min()
        assert values.max() <= most


def test_every_whole_number_that_may_be_drawn_is() -> None:
    """The ends too, where a step too many or too few shows; of lengths these are drawn more often."""
    sizes = {"v": 4, "t": 6}
    values = {
        way: draw(generator(0), (4000,), *int_range(SIZED.definition, way, sizes))
        for way, draw in INTEGER_DISTRIBUTIONS.items()
    }

    assert {way: sorted({*drawn.tolist()}) for way, drawn in values.items()} == {
        "length": [*range(7)],
        "token": [*range(4)],
        "token or missing": [*range(-1, 4)],
        "bit": [0, 1],
    }
    for end in (0, 6):
        assert (values["length"] == end).mean() > 1.3 / 7


# Regimes.


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("regime", sorted(REGIMES))
def test_every_regime_gives_finite_values(regime: str, dtype: str) -> None:
    """In float16 too; what is not finite is put in only where it is masked. Of weights, none becomes negative."""
    values = {kind: drawn(kind, regime, dtype) for kind in KINDS}

    assert all(np.isfinite(array).all() for array in values.values())
    assert (values["weights"] >= 0).all()


@pytest.mark.parametrize("regime", sorted(REGIMES.keys() - {"unnormalised"}))
def test_weights_are_a_distribution_in_every_regime_but_one(regime: str) -> None:
    """An equation that takes them may rely on it, but for the regime that is there to show that it does not."""
    assert drawn("weights", regime).sum(axis=-1) == pytest.approx(np.ones(12))


def test_unnormalised_weights_sum_to_something_else() -> None:
    sums = drawn("weights", "unnormalised").sum(axis=-1)

    assert (np.abs(sums - 1) > 0.5).all()
    for kind in KINDS.keys() - {"weights"}:
        assert np.array_equal(drawn(kind, "unnormalised"), drawn(kind, "ordinary"))


@pytest.mark.parametrize(("regime", "factor"), [("tiny", 2.0**-7), ("large", 4.0)])
def test_tiny_and_large_values_are_ordinary_ones_times_a_power_of_two(regime: str, factor: float) -> None:
    for kind in KINDS.keys() - {"weights"}:
        assert np.array_equal(drawn(kind, regime), factor * drawn(kind, "ordinary"))


def test_saturating_gates_are_at_their_ends() -> None:
    """Most gates of a GRU are within 5 % of 0 or 1, where few are on ordinary values; the inputs are ordinary."""

    def at_an_end(regime: str) -> float:
        case = case_of("recurrent.gru_cell", regime=regime, d=9, u=40, batch=20)
        a = case.arrays
        gate = 1 / (1 + np.exp(-(a["x"] @ a["W_xz"] + a["h"] @ a["W_hz"] + a["b_z"])))
        return float((np.minimum(gate, 1 - gate) < 0.05).mean())

    assert at_an_end("saturating") > 0.6
    assert at_an_end("ordinary") < 0.2
    assert np.array_equal(drawn("normal", "saturating"), drawn("normal", "ordinary"))


def test_ties_are_a_few_whole_numbers() -> None:
    """So that scores are often equal; weights are all equal."""
    for kind in KINDS.keys() - {"weights"}:
        values = drawn(kind, "ties")
        assert np.array_equal(values, np.round(values))
        assert len({*values.ravel().tolist()}) < 20
    assert np.array_equal(drawn("weights", "ties"), np.full((12, 9), 1 / 9))


def test_one_hot_rows_have_a_single_one() -> None:
    """At the largest of the ordinary values; learned arrays stay as they are."""
    for kind in ("normal", "scores", "state", "weights"):
        values, ordinary = drawn(kind, "one-hot"), drawn(kind, "ordinary")
        assert np.array_equal(np.sort(values, axis=-1)[:, -2:], np.tile([0.0, 1.0], (len(values), 1)))
        assert np.array_equal(values.argmax(axis=-1), ordinary.argmax(axis=-1))
    for kind in ("fan_in", "bias", "positive"):
        assert np.array_equal(drawn(kind, "one-hot"), drawn(kind, "ordinary"))


def test_spread_values_are_of_many_magnitudes() -> None:
    """Ordinary ones, each times a power of two of its own; from 2^-6 to 2^3, over three orders of ten.

    A few that may be of any size are below the smallest normal number of float32.
    """
    for kind in KINDS.keys() - {"weights"}:
        values, ordinary = drawn(kind, "spread"), drawn(kind, "ordinary")
        below = np.abs(values) < np.finfo(np.float32).tiny
        assert below.any() == (kind in ("normal", "scores", "state"))
        assert below.mean() < 0.2
        powers = np.log2(values[~below] / ordinary[~below])
        assert {*powers.ravel().tolist()} <= {*range(-6, 4)}
        assert powers.size < 100 or {*powers.ravel().tolist()} == {*range(-6, 4)}


def test_offset_values_share_a_shift() -> None:
    """As activations do; gains and weights do not."""
    for kind in ("normal", "scores", "state", "bias"):
        assert drawn(kind, "offset") == pytest.approx(drawn(kind, "ordinary") + 2)
    for kind in ("fan_in", "positive", "weights"):
        assert np.array_equal(drawn(kind, "offset"), drawn(kind, "ordinary"))


@pytest.mark.parametrize(
    ("dtype", "range_of_exp"), [("float64", 709), ("float32", 88), ("bfloat16", 88), ("float16", 11)]
)
def test_overflowing_scores_are_beyond_the_range_of_the_exponential(dtype: str, range_of_exp: float) -> None:
    """In most rows, so that a maximum that is not taken off overflows; products of normal inputs are too."""
    scores = drawn("scores", "overflowing", dtype)
    case = case_of("scores.dot", dtype, regime="overflowing", n=12, m=9, d=9)
    products = case.arrays["q"] @ case.arrays["k"].T

    for values in (scores, products):
        assert (values.max(axis=-1) > range_of_exp).mean() > 0.5
        assert np.isfinite(values).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_scores_show_a_mask_that_only_subtracts(dtype: str) -> None:
    """Scores of 10,000 and more, also from products; in float16 products do not overflow."""
    scores = drawn("scores", "huge", dtype)
    case = case_of("scores.dot", dtype, regime="huge", n=12, m=9, d=9)
    products = case.arrays["q"] @ case.arrays["k"].T

    assert np.abs(scores).max() > (1e4 if dtype != "float16" else 1e3)
    assert np.abs(products).max() > (1e4 if dtype != "float16" else 1e3)
    assert np.abs(products).max() < FORMATS[dtype].largest


def test_scores_of_a_common_offset_differ_by_little() -> None:
    """In the thousands, as sums of products of inputs near 48 are, below 0 in every second row; what they differ by is
    as ever, and the values that are read differ too."""
    scores = drawn("scores", "common offset")
    offsets = np.where(np.arange(len(scores)) % 2, -4096, 4096)[:, None]
    case = case_of("attention.scaled_dot_product", regime="common offset", n=12, m=9, d=9)

    assert scores - offsets == pytest.approx(drawn("scores", "ordinary"))
    for name in ("q", "k"):
        assert abs(case.arrays[name].mean() - 48) < 0.1
    assert case.arrays["v"].std() > 0.5


def test_of_zeros_all_is_zero_but_weights() -> None:
    for kind in KINDS.keys() - {"weights"}:
        assert not drawn(kind, "zeros").any()
    assert np.array_equal(drawn("weights", "zeros"), drawn("weights", "ordinary"))


@pytest.mark.parametrize("regime", ["open", "empty rows", "one key open", "one key masked", HIDDEN])
def test_regimes_of_masks_draw_ordinary_values(regime: str) -> None:
    for kind in KINDS:
        assert np.array_equal(drawn(kind, regime), drawn(kind, "ordinary"))


@given(st.sampled_from(sorted(REGIMES)), st.sampled_from(DTYPES), SEEDS)
@MANY
def test_numbers_below_one_are_below_one_in_every_regime(regime: str, dtype: str, seed: int) -> None:
    """No regime makes one of them negative or 1, nor does rounding to a coarse dtype."""
    values = case_of("seq2seq.sample", dtype, regime=regime, seed=seed, batch=50).arrays["uniform"]

    assert (values >= 0).all()
    assert (values < 1).all()


# Masks.

MASKED = "attention.masked"


def mask(regime: str, *, n: int = 4, m: int = 5, batch: int | None = None, seed: int = 0) -> Array:
    return case_of(MASKED, regime=regime, n=n, m=m, batch=batch, seed=seed).arrays["mask"]


@given(st.sampled_from(sorted(REGIMES)), st.integers(1, 5), st.integers(1, 6), st.sampled_from([None, 1, 3]), SEEDS)
@MANY
def test_no_row_of_a_mask_is_empty_but_in_the_regime_of_empty_rows(
    regime: str, n: int, m: int, batch: int | None, seed: int
) -> None:
    rows = mask(regime, n=n, m=m, batch=batch, seed=seed).any(axis=-1)

    if regime == "empty rows":
        assert not np.asarray(rows)[..., ::2].any()
    elif regime != HIDDEN:
        assert rows.all()


@given(st.integers(1, 5), st.integers(1, 6), SEEDS)
@MANY
def test_masks_of_one_key_have_one_key(n: int, m: int, seed: int) -> None:
    """One key may be looked at, or all but one; of a single key, that one."""
    assert (mask("one key open", n=n, m=m, seed=seed).sum(axis=-1) == 1).all()
    assert (mask("huge", n=n, m=m, seed=seed).sum(axis=-1) == 1).all()
    assert (mask("one key masked", n=n, m=m, seed=seed).sum(axis=-1) == max(m - 1, 1)).all()
    assert mask("open", n=n, m=m, seed=seed).all()


def test_an_ordinary_mask_masks_some_keys_and_not_all() -> None:
    share = mask("ordinary", n=40, m=40).mean()

    assert 0.5 < share < 0.7


def test_what_is_masked_for_all_may_be_not_finite() -> None:
    """NaN and infinity, in keys and values alike, at places that no query may look at; all else is finite."""
    case = case_of(MASKED, regime=HIDDEN, n=3, m=9)
    hidden = np.asarray(~case.arrays["mask"].any(axis=0))

    assert not case.finite
    assert hidden[1::3].all()
    for name in ("k", "v"):
        odd = ~np.isfinite(case.arrays[name]).all(axis=-1)
        assert odd.any()
        assert not (odd & ~hidden).any()
        assert np.isnan(case.arrays[name]).any()
        assert np.isinf(case.arrays[name]).any()
    assert np.isfinite(case.arrays["q"]).all()


# Which regimes apply.


def regimes_of(id: str) -> set[str]:
    return {regime for regime in REGIMES if regime_applies(REGISTRY[id], regime)}


@cache
def of_masks() -> frozenset[str]:
    return frozenset({"open", "empty rows", "one key open", "one key masked", HIDDEN})


def test_regimes_of_masks_apply_where_there_is_a_mask() -> None:
    assert regimes_of(MASKED) >= of_masks()
    assert not regimes_of("attention.causal") & of_masks()
    assert has_mask(REGISTRY[MASKED])
    assert not has_mask(REGISTRY["attention.causal"])


def test_unnormalised_weights_apply_where_weights_are_taken() -> None:
    assert "unnormalised" in regimes_of("attention.context_vector")
    assert "unnormalised" not in regimes_of("attention.key_value")
    assert draws_from(REGISTRY["attention.context_vector"], "weights")


def test_an_equation_of_sizes_alone_has_no_regimes() -> None:
    assert regimes_of("position.sinusoidal") == set()


def test_the_ordinary_regime_adds_nothing_to_itself() -> None:
    assert not regime_applies(REGISTRY["recurrent.gru_cell"], "ordinary")
    assert regimes_of("recurrent.gru_cell") == REGIMES.keys() - {"ordinary", "unnormalised"} - of_masks()


def test_an_array_of_a_layer_is_drawn_as_its_own_name_says() -> None:
    """W_xi of the second layer as any W_xi."""
    assert distribution_of(REGISTRY["recurrent.stacked_lstm"], "layers.1.W_xi") == "fan_in"
    assert distribution_of(REGISTRY["recurrent.stacked_lstm"], "layers.1.b_i") == "bias"


# Rounding.

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@given(arrays.arrays(np.float64, 6, elements=NUMBERS), st.sampled_from(DTYPES))
@MANY
@example(np.array([1e39, -1e300, 1e-300, 0.0, np.nan, -np.inf]), "float16")
@example(np.array([1.79418202e308, 1e39, -1e300, 0.0, np.nan, -np.inf]), "bfloat16")
def test_rounding_is_done_once_and_keeps_signs_and_what_is_not_finite(values: Floats, dtype: str) -> None:
    once = rounded(values, dtype)

    assert once.dtype == np.float64
    assert np.array_equal(rounded(once, dtype), once, equal_nan=True)
    assert np.array_equal(rounded(-values, dtype), -once, equal_nan=True)
    assert np.array_equal(np.isnan(once), np.isnan(values))
    assert (once[np.isinf(values)] == values[np.isinf(values)]).all()


@given(arrays.arrays(np.float64, 6, elements=st.floats(-1e4, 1e4)), st.sampled_from(DTYPES))
@MANY
def test_rounding_is_monotone_and_to_half_a_unit_in_the_last_place(values: Floats, dtype: str) -> None:
    """The relative error is at most the unit roundoff, but for numbers below the normal ones."""
    values.sort()
    once = rounded(values, dtype)
    form = FORMATS[dtype]

    assert (np.diff(once) >= 0).all()
    assert (np.abs(once - values) <= form.u * (1 + 2.0**-15) * np.abs(values) + form.least).all()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_a_tie_goes_to_the_even_neighbour(dtype: str) -> None:
    u = FORMATS[dtype].u

    assert rounded(np.array([1 + u, 1 + 3 * u, -1 - u]), dtype).tolist() == [1, 1 + 4 * u, -1]


def test_a_value_just_beyond_a_tie_is_rounded_up() -> None:
    assert rounded(np.array([1 + 2.0**-8 + 2.0**-40]), "bfloat16").tolist() == [1 + 2.0**-7]


def test_what_is_beyond_the_range_becomes_infinite_in_silence() -> None:
    assert all(np.isinf(rounded(np.array([1e300]), dtype)).all() for dtype in ("float16", "float32", "bfloat16"))
