"""Effective precision: values rounded to fewer bits in one place give these bits and that place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.interpreters.rounding.policy import FORMATS, preset
from attnspec.thresholds import BITS_STEP, HONEST_MEDIAN
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.precision import (
    _bracket,
    compared_with_median,
    describe,
    effective_bits,
    imprecise,
    lowered,
    reduced,
    sites,
)
from attnspec.verification.judge.findings import OPERANDS, Bits, Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.statistics import median
from honest import forward
from synthetic import MANY, answers, case_of, changed, compared, generator, honest_answers, noise, small_cases

ATTENTION, RNN, NORM, ADDITIVE = (
    "attention.scaled_dot_product",
    "recurrent.simple_rnn",
    "transformer.layer_norm",
    "scores.additive",
)
UNDER = preset("op-by-op", "float32")


@cache
def judge(id: str) -> Judge:
    return Judge(REGISTRY[id], "float32")


@cache
def cases(id: str) -> tuple[Case, ...]:
    """A few cases of some hundred elements together."""
    sizes = {ATTENTION: dict(n=7, m=6, d=4, e=9), RNN: dict(t=9, d=4, u=6), NORM: dict(d=9), ADDITIVE: dict(n=7, m=9)}
    return tuple(case_of(id, seed=seed, batch=6 if id == NORM else None, **sizes[id]) for seed in range(3))


def in_fewer_bits(id: str, site: str, bits: int, on: Sequence[Case] = ()) -> list[Observation]:
    """Answers of float32 software that loses bits in one place."""
    return answers(REGISTRY[id].definition, on or cases(id), sites(REGISTRY[id].definition, UNDER)[site](bits))


@pytest.mark.parametrize(
    ("id", "site", "bits", "named"),
    [
        (ATTENTION, "the line e", 10, "the line e"),
        (ATTENTION, "the line alpha", 8, "the line alpha"),
        (ATTENTION, "the output", 11, "the line c"),  # which the output is
        (RNN, OPERANDS, 11, OPERANDS),
        (RNN, "the carried state", 8, "the carried state"),
        (RNN, "the output", 9, "the output"),
        (NORM, "the inputs", 8, "the inputs"),
        (ADDITIVE, "the output", 11, "the output"),
    ],
)
def test_bits_are_found_where_they_are_lost(id: str, site: str, bits: int, named: str) -> None:
    """To within one bit; under that precision the answers are right in every respect."""
    found = imprecise(judge(id), in_fewer_bits(id, site, bits), UNDER)

    assert found is not None
    assert found[0].bits == pytest.approx(bits, abs=1)
    assert found[0].site == named
    assert found[1].right


@pytest.mark.parametrize("id", [ATTENTION, NORM])
def test_honest_answers_lose_no_bits(id: str) -> None:
    """All that is found is the precision that they were to have."""
    observations = honest_answers(id, "float32", "op-by-op", cases(id))

    found = imprecise(judge(id), observations, UNDER)
    bits = effective_bits(judge(id).judge(observations, UNDER), "float32")

    assert found is None or found[0].bits > 22.5
    assert bits is not None
    assert bits.bits == pytest.approx(24, abs=1)


def test_long_sums_in_half_precision_are_lost_at_accumulation() -> None:
    """Short sums show no bits that are lost, beside the rounding of each intermediate; 4097 terms do."""
    half, under = Judge(REGISTRY["scores.linear"], "float16"), preset("reduced-reduction", "float16")
    short = small_cases("scores.linear", "float16", regimes=("ordinary",))
    long = case_of("scores.linear", "float16", n=2, m=2, a=2, p=4097, r=4097)
    definition = REGISTRY["scores.linear"].definition
    summed_in_turn = answers(definition, [*short, long], under, forward)

    found = reduced(half, summed_in_turn)

    assert found is not None
    assert (found[0].bits, found[0].site, found[1].policy.name) == (11, "accumulation", "reduced-reduction")
    assert reduced(half, changed(summed_in_turn, lambda a, case: 2 * a)) is None
    assert reduced(judge(ATTENTION), in_fewer_bits(ATTENTION, "accumulation", 11)) is None, "of float32 it is none"


def test_a_wrong_formula_is_no_want_of_precision() -> None:
    """No number of bits explains an output that is twice too large."""
    observations = changed(honest_answers(ATTENTION, "float32", "op-by-op", cases(ATTENTION)), lambda a, case: 2 * a)

    assert imprecise(judge(ATTENTION), observations, UNDER) is None


@pytest.mark.parametrize("bits", [4, 6, 8, 10])
def test_errors_of_one_sign_are_not_lost_in_fewer_bits_than_formats_have(bits: int) -> None:
    """An output that is too large everywhere, by up to a share, is no rounding in 4 bits; truncation to bfloat16 is."""
    rng = generator(0)
    honest = honest_answers(ADDITIVE, "float32", "op-by-op", cases(ADDITIVE))
    observations = changed(honest, lambda a, case: a * (1 + rng.uniform(0, 2.0 ** (1 - bits), a.shape)))

    found = imprecise(judge(ADDITIVE), observations, UNDER)

    assert (found is not None) == (bits >= 8)


def test_lost_operands_of_about_eleven_bits_look_like_tf32() -> None:
    assert Bits(FORMATS["tf32"].bits, OPERANDS).like_tf32
    assert not Bits(FORMATS["tf32"].bits, "the output").like_tf32
    assert not Bits(8, OPERANDS).like_tf32
    assert not Bits(14, OPERANDS).like_tf32


# The policies that are tried.


@given(bits=st.floats(3, 60), site=st.sampled_from(sorted(sites(REGISTRY[ATTENTION].definition, UNDER))))
@MANY
def test_a_site_never_gets_more_bits_than_it_had(bits: float, site: str) -> None:
    """Lowering changes that site, and to no more bits than are there; the range of the numbers stays."""
    if site.startswith("the line"):
        return
    low = sites(REGISTRY[ATTENTION].definition, UNDER)[site](bits)

    for part in ("storage", "accumulation", "operands", "intermediates", "state"):
        assert getattr(low, part).bits <= getattr(UNDER, part).bits
        assert getattr(low, part).bits in (bits, getattr(UNDER, part).bits)
        assert getattr(low, part).largest == UNDER.storage.largest


def test_every_line_of_one_name_is_a_site() -> None:
    lines = {site for site in sites(REGISTRY[ATTENTION].definition, UNDER) if site.startswith("the line")}

    assert lines == {"the line e", "the line alpha", "the line c"}


def test_a_table_of_positions_is_a_site_of_equations_that_compute_one() -> None:
    """Positions that are compared, or counted, are no table."""
    site = "what is computed of positions and numbers alone"
    have = {id for id in (ATTENTION, RNN, "attention.causal", "position.sinusoidal") if site in _sites_of(id)}

    assert have == {"position.sinusoidal"}
    low = sites(REGISTRY["position.sinusoidal"].definition, UNDER)[site](9.0)
    assert low.of_numbers().intermediates.bits == 9
    assert low.intermediates == UNDER.intermediates


def _sites_of(id: str) -> set[str]:
    return {*sites(REGISTRY[id].definition, UNDER)}


def test_a_line_is_lowered_alone() -> None:
    low = sites(REGISTRY[ATTENTION].definition, UNDER)["the line alpha"](9.0)

    assert low.intermediates.bits == low.at("e").intermediates.bits == 24
    assert low.at("alpha").intermediates.bits == low.at("alpha").compute.bits == 9


def test_what_is_not_kept_is_lowered_from_storage() -> None:
    """Products and inputs have no format of their own until they are lowered."""
    assert UNDER.products is UNDER.inputs is None
    low = lowered(UNDER, ("products", "inputs"), 10.0)

    assert low.products is not None
    assert low.inputs is not None
    assert (low.products.bits, low.inputs.bits) == (10, 10)


# Bits of right answers.


@given(lost=st.integers(0, 12), seed=st.integers(0, 1000))
@MANY
def test_errors_twice_as_large_are_one_bit_fewer(lost: int, seed: int) -> None:
    """Of answers whose median error is 2^k of what honest rounding leaves; never more bits than the policy has."""
    draw = generator(seed)
    under = noise(np.ones(2001), 1.0)
    error = draw.standard_normal(2001)
    error *= 2.0**lost * HONEST_MEDIAN / np.median(np.abs(error))

    bits, none = (effective_bits(Judged(UNDER, (compared(scale * error, under),)), "float32") for scale in (1.0, 1e-9))

    assert bits is not None
    assert none is not None
    assert bits.bits == pytest.approx(24 - lost, abs=0.051)
    assert none.bits == 24


def test_of_exact_answers_all_bits_are_there_and_of_float64_none_are_counted() -> None:
    exact = Judged(UNDER, (compared(np.zeros(3), noise(np.ones(3))),))

    assert effective_bits(exact, "float32") == Bits(24.0)
    assert effective_bits(exact, "float64") is None


def test_bits_are_written_with_their_place() -> None:
    assert str(Bits(10.96, "the output")) == "11.0 at the output"
    assert str(Bits(24.0)) == "24.0"


@pytest.mark.parametrize("id", [ATTENTION, RNN, NORM])
def test_a_median_is_compared_as_if_all_cases_were_read(id: str) -> None:
    """Cases are read until the median is on one side of a value: that of all of them is on this side."""
    observations = in_fewer_bits(id, "all of it", 15)
    compared_all = judge(id).compare(observations, UNDER)
    middle = median(compared_all)

    for value in (0.0, middle / 100, middle / 1.1, middle, middle * 1.1, middle * 100):
        side = compared_with_median(value, judge(id), observations, UNDER)
        assert side == ("more" if middle > value else "less" if middle < value else "equal")
    assert compared_with_median(1.0, judge(id), [], UNDER) is None


@given(st.floats(0.5, 23.5), st.lists(st.floats() | st.floats(0.0, 24.0), min_size=12, max_size=12))
def test_guesses_change_no_bits(threshold: float, guesses: list[float]) -> None:
    """For any bits up to which a case holds, and any guesses of them: the interval is the one that halving finds."""
    waiting = iter(guesses)
    low, high = 0.25, 24.0
    while high - low > BITS_STEP:
        half = (low + high) / 2
        low, high = (half, high) if half <= threshold else (low, half)

    assert _bracket(0.25, 24.0, lambda bits: (bits <= threshold, next(waiting)), next(waiting)) == (low, high)


def test_bits_that_are_nearly_all_there_are_told_to_a_tenth() -> None:
    assert "right, in 16 significant bits" in describe(Bits(16.2, "all of it"), 24, "float32")
    assert "right, in 23.6 of 24 significant bits" in describe(Bits(23.6, "all of it"), 24, "float32")
