"""Cases at numbers of the code stay within the claim and are few."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.verification.cases.case import Description, smallest, within
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.written import (
    CODE,
    IN_SOURCES,
    MOST_BATCHES,
    MOST_PAIRS,
    MOST_SIZES,
    MOST_VALUES,
    written,
)

MOST = MOST_SIZES + MOST_VALUES + 2 * MOST_PAIRS + 3 * MOST_BATCHES
ATTENTION, NORM = "attention.scaled_dot_product", "transformer.layer_norm"


def bounds(id: str) -> Callable[[str], int]:
    return lambda name: smallest(REGISTRY[id], name) if name != "batch" else 0


def cases(id: str, *numbers: float, batches: tuple[int, ...] = (0, 1)) -> list[Description]:
    return [*written(REGISTRY[id], bounds(id), batches, {CODE: numbers})]


def test_a_number_and_the_next_are_sizes_of_each_axis_in_turn() -> None:
    found = {each.why for each in cases(ATTENTION, 48.0)}

    assert {f"{name} = {size}, near a 48 in the code" for name in "ndme" for size in (48, 49)} <= found
    assert {"48 examples, near a 48 in the code", "49 examples, near a 48 in the code"} <= found


@pytest.mark.parametrize(("id", "name", "size"), [("attention.weights", "m", 4097), (ATTENTION, "n", 2049)])
def test_a_number_that_the_grid_leaves_out_as_it_costs_too_much_is_asked(id: str, name: str, size: int) -> None:
    """It is one of the grid's edges, but with fewer places along the other axes."""
    grid_ = grid(REGISTRY[id], bounds(id), (0, 1))
    assert size not in {dict(each.sizes)[name] for each in grid_}

    assert size in {dict(each.sizes)[name] for each in cases(id, float(size))}


def test_places_beyond_those_that_a_mask_of_bits_tells_apart_are_asked() -> None:
    """Place 256 is 0 to a mask of 255, and an axis of 264 has eight such places."""
    found = {each.why: dict(each.sizes) for each in cases(ATTENTION, 255.0)}

    assert found["m = 264, beyond a mask of 255 in the code"]["m"] == 264
    assert not any("a mask of" in each.why for each in cases(ATTENTION, 254.0))
    assert 65_544 in {dict(each.sizes)["n"] for each in cases("attention.masked", 65_535.0)}


def test_two_axes_of_one_array_are_both_beyond_a_number() -> None:
    found = [dict(each.sizes) for each in cases("attention.masked", 128.0) if "m and n = 129" in each.why]

    assert found == [{"n": 129, "m": 129, "d": 2, "e": 2}]
    assert not any(" and " in each.why for each in cases("attention.masked", 64.0)), "the grid asks 65"


def test_a_size_and_an_option_of_the_code_are_asked_at_once() -> None:
    """A path may be that of 128 places with an option of 8."""
    found = [(dict(each.sizes), dict(each.options)) for each in cases("optimizer.adam", 24.0, 3.0)]

    assert any(sizes["d"] == 24 and options.get("step") == 3 for sizes, options in found)


def test_many_examples_are_asked_where_an_example_is_small() -> None:
    found = {each.why: each.batch for each in cases(NORM, 1024.0)}

    assert found["1025 examples, near a 1024 in the code"] == (1025,)
    assert not any("examples, near" in each.why for each in cases("recurrent.gru", 1024.0))


def test_more_rows_of_all_examples_than_a_number_are_asked_where_so_many_examples_cost_too_much() -> None:
    """A grid with a block for each row of the batch may end at 65,536."""
    found = {each.why: (each.batch, dict(each.sizes)) for each in cases("recurrent.lstm", 65_536.0)}
    batch, sizes = found["65600 rows of all examples, beyond a 65536 in the code"]

    assert batch[0] * sizes["t"] == 65_600
    assert not any("rows of all" in each.why for each in cases("recurrent.lstm", 65_536.0, batches=(0,)))
    assert not any("rows of all" in each.why for each in cases("recurrent.lstm", 128.0))


def test_more_examples_than_a_number_are_asked_of_short_rows_where_an_example_is_one_row() -> None:
    """A grid that has a group for each row is spread over two axes beyond 65,535."""
    found = {each.why: (each.batch, dict(each.sizes)) for each in cases(NORM, 65_535.0)}

    assert found["65536 rows of all examples, beyond a 65535 in the code"] == ((65_536,), {"d": 2})


def test_an_option_is_near_a_number_within_its_own_ends() -> None:
    values = sorted(value for each in cases(NORM, 2e-4, 40.5, batches=(0,)) for _, value in each.options)

    assert values == [0.9 * 2e-4, 2e-4, 1.1 * 2e-4]


def test_small_fractional_and_huge_numbers_are_no_sizes() -> None:
    assert not cases(ATTENTION, 0.0, 1.0, -3.0, 2.5, 1e6)


@given(
    st.sampled_from([ATTENTION, NORM, "recurrent.gru", "text.embedding", "multihead.attention"]),
    st.lists(st.floats(-1e9, 1e9) | st.integers(-3, 5_000).map(float), max_size=64),
    st.sampled_from([(0,), (1,), (0, 1), (0, 1, 2)]),
)
def test_they_are_few_and_within_the_claim(id: str, numbers: list[float], batches: tuple[int, ...]) -> None:
    """Whatever numbers there are, sizes and batch axes are claimed, and the cases are few, each with its own seed."""
    equation = REGISTRY[id]
    found = cases(id, *numbers, batches=batches)

    assert len(found) <= MOST
    assert len({each.seed for each in found}) == len(found)
    for each in found:
        assert len(each.batch) in batches
        assert all(bounds(id)(name) <= size == within(equation, name, size) for name, size in each.sizes)


def test_numbers_of_a_source_are_named_with_it_and_not_asked_twice() -> None:
    numbers = {CODE: (48.0,), "kernel.cu": (48.0, *map(float, range(60, 90)))}
    found = [*written(REGISTRY[ATTENTION], bounds(ATTENTION), (0,), numbers)]
    of_source = [each for each in found if each.why.endswith("in kernel.cu")]

    assert {each.why for each in found if each.why.endswith("in the code")} >= {"n = 48, near a 48 in the code"}
    assert MOST_SIZES < len(of_source) <= IN_SOURCES * MOST
    assert not [each for each in of_source if "near a 48" in each.why]
    assert len({each.seed for each in found}) == len(found)


def test_a_vocabulary_of_the_code_is_asked_of_a_loss() -> None:
    """Of a hundred thousand classes and one more."""
    assert [dict(each.sizes)["v"] for each in cases("seq2seq.cross_entropy", 1e5, batches=(0,))] == [100_000, 100_001]
