"""The fixed suite has every edge that it says it has, and nothing below what is claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY, Source, equation
from attnspec.language import layers
from attnspec.language.layers import sizes_of
from attnspec.notation import Float, Int, Tensor, index, scan, sum, where
from attnspec.verification.cases.case import FEW, Case, Description, make, smallest, within
from attnspec.verification.cases.distributions import REGIMES, draws_from, has_mask, regime_applies
from attnspec.verification.cases.suite import LONG, WIDE, standard_suite

FAMILIES = ("scores", "attention", "recurrent")
IDS = [equation.id for family in FAMILIES for equation in REGISTRY.family(family)]
BATCHES = ((0,), (1,), (0, 1))
ATTENTION, STACKED = "attention.scaled_dot_product", "recurrent.stacked_lstm"
SOME = settings(max_examples=40)

every_equation = given(st.sampled_from(IDS), st.sampled_from(BATCHES), st.integers(0, 4))


@cache
def suite(id: str, batches: tuple[int, ...] = (0, 1), least: int = 0) -> tuple[Description, ...]:
    """The suite, where no size below `least` is claimed."""
    return tuple(standard_suite(REGISTRY[id], bounds(id, least), batches))


def bounds(id: str, least: int) -> Callable[[str], int]:
    return lambda name: least if name == "batch" else max(least, smallest(REGISTRY[id], name))


def names(id: str) -> list[str]:
    return sizes_of(REGISTRY[id].definition)


def of(description: Description, name: str) -> int:
    return dict(description.sizes)[name]


# What is always there.


@every_equation
@SOME
def test_nothing_is_below_the_claimed_smallest_size_or_beyond_the_largest(
    id: str, batches: tuple[int, ...], least: int
) -> None:
    """Of every axis, in every case, the leading axis too."""
    for each in suite(id, batches, least):
        assert all(size >= least for size in each.batch)
        for name, size in each.sizes:
            assert bounds(id, least)(name) <= size <= max(within(REGISTRY[id], name, size), bounds(id, least)(name))


@every_equation
@SOME
def test_there_is_a_batch_where_one_is_claimed_and_none_where_not(
    id: str, batches: tuple[int, ...], least: int
) -> None:
    """With one and without one where both are; then also of one, nine and forty, or the smallest that is claimed."""
    found = {each.batch for each in suite(id, batches, least)}

    assert (() in found) == (0 in batches)
    assert (found != {()}) == (1 in batches)
    if 1 in batches:
        assert found >= {(max(size, least),) for size in (1, 3, 9, 40)}


@every_equation
@SOME
def test_a_batch_is_empty_where_that_is_claimed(id: str, batches: tuple[int, ...], least: int) -> None:
    assert ((0,) in {each.batch for each in suite(id, batches, least)}) == (least == 0 and 1 in batches)


@every_equation
@SOME
def test_every_axis_has_a_size_of_one_where_that_is_claimed(id: str, batches: tuple[int, ...], least: int) -> None:
    """By itself, among usual sizes: all others are as in the first case. All are one at once too."""
    first, *others = suite(id, batches, least)
    smallest_of = {name: max(1, bounds(id, least)(name)) for name in names(id)}

    for name in names(id):
        wanted = {**dict(first.sizes), name: smallest_of[name]}
        allowed = {"B", name}  # blocks follow the keys
        assert any(
            of(each, name) == smallest_of[name]
            and all(of(each, other) == size for other, size in wanted.items() if other not in allowed)
            for each in others
        ), name
    assert any(all(of(each, name) == smallest_of[name] for name in names(id) if name != "B") for each in others)


@every_equation
@SOME
def test_an_axis_that_may_be_empty_is(id: str, batches: tuple[int, ...], least: int) -> None:
    for name in names(id):
        empty = any(of(each, name) == 0 for each in suite(id, batches, least))
        assert empty == (bounds(id, least)(name) == 0)


@every_equation
@SOME
def test_every_axis_goes_beyond_the_tiles_of_kernels(id: str, batches: tuple[int, ...], least: int) -> None:
    """As far as the equation allows."""
    for name in names(id):
        for long in LONG.get(REGISTRY[id].definition.role(name), WIDE):
            size = max(within(REGISTRY[id], name, long), bounds(id, least)(name))
            assert any(of(each, name) == size for each in suite(id, batches, least)), f"{name} = {size}"


@every_equation
@SOME
def test_every_regime_that_applies_is_there(id: str, batches: tuple[int, ...], least: int) -> None:
    """And no other, but the ordinary one."""
    found = {each.regime for each in suite(id, batches, least)}

    assert found - {"ordinary"} == {regime for regime in REGIMES if regime_applies(REGISTRY[id], regime)}
    assert "ordinary" in found


@every_equation
@SOME
def test_sizes_are_equal_in_some_cases_and_all_different_in_others(
    id: str, batches: tuple[int, ...], least: int
) -> None:
    """Equal ones let a transposed square matrix run, different ones show an axis that is taken for another."""
    wide = [
        name
        for name in names(id)
        if REGISTRY[id].definition.role(name) not in (*FEW, "block") and bounds(id, least)(name) <= 2
    ]
    sizes = [[of(each, name) for name in wide] for each in suite(id, batches, least) if each.regime == "ordinary"]

    assert any(len({*row}) <= 1 for row in sizes)
    if least <= 2 and not REGISTRY[id].largest:
        assert any(len({*row}) == len(row) for row in sizes)


@every_equation
@SOME
def test_a_suite_is_the_same_each_time_and_no_two_cases_share_a_seed(
    id: str, batches: tuple[int, ...], least: int
) -> None:
    again = tuple(standard_suite(REGISTRY[id], bounds(id, least), batches))

    assert again == suite(id, batches, least)
    assert max(Counter(each.seed for each in again).values()) == 1
    assert all(each.why for each in again)


@given(st.sampled_from(IDS), st.data())
def test_every_description_makes_a_case(id: str, data: st.DataObject) -> None:
    """Of the sizes, the batch and the layout that it says."""
    small = [each for each in suite(id) if all(size <= 40 for _, size in each.sizes)]
    description = data.draw(st.sampled_from(small))

    case: Case = make(REGISTRY[id], description, "float32")

    assert case.layout == description.layout
    assert case.note == description.why
    assert case.description is not None
    assert dict(description.sizes).items() <= dict(case.description.sizes).items()


# What single equations have besides.


def test_masks_and_one_hot_distributions_have_long_cases() -> None:
    """One key masked of many, and one word likely of many."""
    masked = [each for each in suite("attention.masked") if each.regime == "one key masked"]
    one_hot = [each for each in suite("seq2seq.sample") if each.regime == "one-hot"]

    assert has_mask(REGISTRY["attention.masked"])
    assert max(of(each, "m") for each in masked) == 33
    assert draws_from(REGISTRY["seq2seq.sample"], "uniform")
    assert max(of(each, "v") for each in one_hot) == 33


def test_heads_are_few_and_their_weights_square_in_one_case() -> None:
    """Where H d is the width, a transposed weight runs."""
    heads = suite("multihead.attention")

    assert {of(each, "H") for each in heads} >= {1, 2, 3, 8, 12}
    assert any((of(each, "H"), of(each, "d"), of(each, "c")) == (2, 4, 8) for each in heads)


def test_layers_are_one_two_and_three_and_read_one_size_in_one_case() -> None:
    """Where what the bottom layer reads is as wide as what layers hand up, one layer may be taken for another."""
    found = suite(STACKED)
    definition = REGISTRY[STACKED].definition

    assert layers.of(definition) is not None
    assert {of(each, layers.COUNT) for each in found} >= {1, 2, 3, 4}
    assert any(of(each, "d") == of(each, "u_L") and "one size" in each.why for each in found)


def test_blocks_are_never_too_many() -> None:
    """Each is a step of a recurrence: a long axis is cut into a dozen at most."""
    for each in suite("attention.blocked"):
        assert of(each, "m") <= 13 * of(each, "B")


def test_full_tiles_are_there_once() -> None:
    """Every axis a multiple of a tile, all at once."""
    (tiles,) = (each for each in suite(ATTENTION) if each.why == "full tiles")

    assert dict(tiles.sizes) == {"n": 64, "m": 64, "d": 32, "e": 32}


@pytest.mark.parametrize("id", [ATTENTION, "recurrent.gru"])
def test_a_suite_stays_small(id: str) -> None:
    """A few dozen cases, so that a verdict is quick."""
    assert 30 < len(suite(id)) < 60


def test_an_equation_of_many_sizes_has_a_size_for_each() -> None:
    """However many there are; those of a list are taken over and over."""
    names = set(sizes_of(REGISTRY["generation.bahdanau_beam_step"].definition))

    made = tuple(standard_suite(REGISTRY["generation.bahdanau_beam_step"], lambda name: 1, (0, 1)))

    assert len(names) > 8
    assert all({name for name, _ in described.sizes} == names for described in made)


def test_what_is_drawn_by_a_number_has_cases_in_which_a_sum_reaches_it_exactly() -> None:
    """Sums of quarters, of which none is rounded in any order."""
    [reached] = [each for each in suite("seq2seq.sample") if each.why == "equal sizes, ties"]
    arrays = make(REGISTRY["seq2seq.sample"], reached, "float16").arrays

    assert (arrays["p"] == 0.25).all()
    assert (arrays["uniform"] * 4 % 1 == 0).any()
    assert not any(each.why.startswith("equal sizes, ties") for each in suite(ATTENTION))


@equation(Source(paper="a test"), scales={"p": "uniform"})
def counted(p: Float[Tensor, " t"]) -> Int[Tensor, ""]:
    """How many numbers stand before the first one above a half."""
    t = index("t")
    kept = scan(t, lambda kept: where(p[t] <= 0.5, kept, 0), 1)
    return sum(t, 1, where=kept > 0)


def test_the_state_of_a_scan_may_have_the_name_of_the_line() -> None:
    assert list(standard_suite(counted, lambda name: 1, (0, 1)))
