"""The grid stays within the claim, and each of its cells is as special as its name says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.implementation import DTYPES
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.language import layers
from attnspec.language.symbols import symbol
from attnspec.verification.cases.case import FEW, LAYOUTS, Description, make, smallest, within
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.grid import FIRST_SEED, LONG, LONGEST_SUM, MOST_LONG_WORK, MOST_WORK, grid
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.cases.work import work

IDS = [
    equation.id
    for family in ("attention", "recurrent", "seq2seq", "text", "transformer")
    for equation in REGISTRY.family(family)
]
NORM, MASKED, LENGTHS, TEXT = "transformer.layer_norm", "attention.masked", "recurrent.gru_lengths", "text.embedding"
SOME = settings(max_examples=40)

every_equation = given(st.sampled_from(IDS), st.sampled_from([(0,), (1,), (0, 1), (0, 1, 2)]), st.integers(0, 4))


def bounds(id: str, least: int) -> Callable[[str], int]:
    return lambda name: least if name == "batch" else max(least, smallest(REGISTRY[id], name))


@cache
def cells(id: str, batches: tuple[int, ...] = (0, 1), least: int = 0) -> tuple[Description, ...]:
    return tuple(grid(REGISTRY[id], bounds(id, least), batches))


def cell(id: str, why: str) -> Description:
    [found] = (each for each in cells(id) if each.why == why)
    return found


@every_equation
@SOME
def test_cells_are_within_the_claim(id: str, batches: tuple[int, ...], least: int) -> None:
    """Sizes, the leading ones too, are neither below what is claimed nor beyond what the equation allows."""
    for each in cells(id, batches, least):
        assert len(each.batch) in batches
        assert all(size >= least for size in each.batch)
        for name, size in each.sizes:
            assert bounds(id, least)(name) <= size <= max(within(REGISTRY[id], name, size), bounds(id, least)(name))


@given(st.sampled_from(IDS), st.sampled_from(DTYPES), st.data())
@SOME
def test_patterns_round_nothing(id: str, dtype: str, data: st.DataObject) -> None:
    """The values of a cell are values of the dtype, whatever pattern its arguments have."""
    patterns = [each for each in cells(id) if each.patterns]
    if not patterns:
        return
    case = make(REGISTRY[id], data.draw(st.sampled_from(patterns)), dtype)

    for name, array in case.arrays.items():
        if array.dtype.kind == "f":
            assert np.array_equal(array, rounded(array, dtype), equal_nan=True), name


@pytest.mark.parametrize("dtype", DTYPES)
def test_arguments_of_opposite_signs_hold_values_of_the_dtype(dtype: str) -> None:
    case = make(REGISTRY[MASKED], cell(MASKED, "q large negative, all others positive"), dtype)

    for array in case.arrays.values():
        assert np.array_equal(array, rounded(array, dtype))


@every_equation
@SOME
def test_cells_are_the_same_each_time_and_have_seeds_of_their_own(
    id: str, batches: tuple[int, ...], least: int
) -> None:
    """The fixed suite does not share them."""
    found = cells(id, batches, least)
    seeds = [each.seed for each in found]

    assert found == tuple(grid(REGISTRY[id], bounds(id, least), batches))
    assert len({*seeds}) == len(seeds)
    assert all(each.seed < FIRST_SEED for each in standard_suite(REGISTRY[id], bounds(id, least), batches))


@given(st.sampled_from(IDS), st.sampled_from(["float32", "float16"]), st.data())
@settings(max_examples=60)
def test_no_cell_has_values_that_are_not_finite(id: str, dtype: str, data: st.DataObject) -> None:
    """Neither in the arguments, nor in the value of the equation, unless ordinary cases have it too."""
    equation = REGISTRY[id]
    description = data.draw(
        st.sampled_from([each for each in cells(id) if work(equation.definition, dict(each.sizes)) < 20_000])
    )
    case = make(equation, description, dtype)

    assert case.finite
    with np.errstate(all="ignore"):
        value = evaluate(equation.definition, (), case.arguments)
    for each in value if isinstance(value, tuple) else (value,):
        if "lse" not in id and "empty_is_nan" not in id and "merge" not in id and "block" not in id:
            assert np.isfinite(each).all(), str(description)


@given(st.sampled_from(IDS))
@SOME
def test_each_floating_point_argument_is_zero_in_one_cell(id: str) -> None:
    """By itself: no other argument is zero."""
    definition = layers.of_count(REGISTRY[id].definition, 2)
    names = [each.name for each in definition.parameters if each.kind == "float"]

    for name in names:
        arrays = make(REGISTRY[id], cell(id, f"{name} zero"), "float32").arrays
        assert not arrays[name].any()
        assert all(arrays[other].any() for other in names if other != name)


@pytest.mark.parametrize("id", ["attention.causal", "attention.masked", "attention.padded"])
def test_whole_tiles_are_hidden_before_scores_that_are_far_below_0(id: str) -> None:
    """At either end: tiles of up to 128 keys, in some row of which some key is seen."""
    ends = set[str]()
    for each in cells(id):
        if "far below 0" not in each.why:
            continue
        arrays = make(REGISTRY[id], each, "float32").arrays
        scores = arrays["q"] @ arrays["k"].T / np.sqrt(arrays["q"].shape[-1])
        n, m = scores.shape
        seen = np.broadcast_to(arrays.get("mask", np.arange(m) <= np.arange(n)[:, None]), (n, m))
        rows = np.where(seen, scores, -np.inf).max(axis=1) < -745  # exp of less is 0 in float64
        ends |= {"first"} if (~seen[:, :128].any(axis=1) & rows).any() else set()
        ends |= {"last"} if (~seen[:, 128:].any(axis=1) & rows).any() else set()

    assert ends == ({"last"} if "causal" in id else {"first", "last"})


def test_rows_are_constant_one_hot_or_equal_by_turns() -> None:
    constant, hot, equal = (
        make(REGISTRY[MASKED], cell(MASKED, f"k {pattern}"), "float32").arrays["k"]
        for pattern in ("constant rows", "one-hot", "equal rows")
    )

    assert (constant == constant[..., :1]).all()
    assert not (constant == constant[..., :1, :]).all()
    assert (np.sort(hot, axis=-1)[..., -1] == 1).all()
    assert (hot.sum(axis=-1) == 1).all()
    assert (equal == equal[..., :1, :]).all()
    assert not (equal == equal[..., :1]).all()


def test_rows_behind_the_first_half_are_zero() -> None:
    """Of every argument that is no weight and has rows, be they those of a batch."""
    arrays = make(REGISTRY["recurrent.lstm"], cell("recurrent.lstm", "inputs zero rows"), "float32").arrays
    for name in ("x", "h_0", "c_0"):
        half = -(-arrays[name].shape[-2] // 2)
        assert arrays[name][..., :half, :].any(axis=-1).all()
        assert not arrays[name][..., half:, :].any()
    assert arrays["W_xi"].any(axis=-1).all()


@pytest.mark.parametrize(
    ("id", "name", "low", "high"),
    [(LENGTHS, "length", 0, 5), (TEXT, "k", -1, 3), ("seq2seq.cross_entropy", "target", 0, 4)],
)
def test_whole_numbers_are_lowest_highest_repeated_and_in_turn(id: str, name: str, low: int, high: int) -> None:
    found = {
        pattern: make(REGISTRY[id], cell(id, f"{name} {pattern}"), "float32").arrays[name]
        for pattern in ("lowest", "highest", "repeated", "in turn")
    }

    assert (found["lowest"] == low).all()
    assert (found["highest"] == high).all()
    assert (found["repeated"] == low + 1).all()
    assert found["in turn"].flat[0] == high
    assert len({*found["in turn"].flat}) == min(found["in turn"].size, high - low + 1)


def test_padding_leaves_a_key_behind_several_tiles() -> None:
    """Left padding masks the first 1, 16 or 33 keys of 161, each example another number; right padding the last."""
    left = make(REGISTRY[MASKED], cell(MASKED, "left padding"), "float32").arrays["mask"]
    right = make(REGISTRY[MASKED], cell(MASKED, "right padding"), "float32").arrays["mask"]

    assert left.shape[-1] == 161
    assert (left == left[..., :1, :]).all(), "all queries of an example see the same keys"
    assert len({*left.sum(axis=-1)[:, 0]}) == len(left)
    assert left[..., -1].all()
    assert not left[..., 0].any()
    assert (right == left[..., ::-1]).all()


def test_options_are_at_their_ends() -> None:
    """With usual inputs, inputs of zero, and rows of equal values."""
    low, high = 1e-12, 1e-2
    found = [each for each in cells(NORM) if each.options and "in a batch" not in each.why]

    assert [dict(each.options)["eps"] for each in found] == [low] * 3 + [high] * 3
    assert all(make(REGISTRY[NORM], each, "float16").options["eps"] in (low, high) for each in found)


@given(st.sampled_from(IDS))
@SOME
def test_long_axes_cost_little(id: str) -> None:
    for each in cells(id):
        if " = " in each.why and not each.options:
            most = MOST_LONG_WORK if "all others" in each.why or "last rows" in each.why else MOST_WORK
            assert work(REGISTRY[id].definition, dict(each.sizes)) <= most


def test_every_layout_is_there() -> None:
    """With the largest number of batch axes, since some layouts need several."""
    found = [each for each in cells(MASKED, (0, 1, 2)) if each.layout != "contiguous"]
    few = [each for each in found if each.why.endswith("memory")]

    assert [each.layout for each in few] == list(LAYOUTS[1:])
    assert {len(each.batch) for each in found if each.layout != "crossed"} == {2}
    assert {len(each.batch) for each in few if each.layout == "crossed"} == {0}, "of two axes, it is stored by columns"


def test_axes_of_one_array_are_several_tiles_long_together() -> None:
    """Tiles that are neither in the first row nor column: of a result, of an argument, of what a called one makes."""
    ending = " = 65, all others 2"
    found = [each for each in cells("attention.scaled_dot_product") if each.why.endswith(ending)]

    assert {"n": 65, "e": 65, "m": 2, "d": 2} in [dict(each.sizes) for each in found]
    assert {each.why.removesuffix(ending) for each in found} == {"n and e", "d and m", "d and n", "e and m", "m and n"}
    assert cell("multihead.masked", f"m and n{ending}")
    assert not any("others 2" in each.why for each in cells("recurrent.gru_cell") if " and " in each.why)


def test_there_are_several_heads_where_an_input_is_negative() -> None:
    """A group that is not chosen, and read as 0, shows only where others are chosen and all are below 0."""
    assert dict(cell("multihead.attention", "x_q negative").sizes)["H"] > 2


def test_an_input_is_negative_and_no_weight_nor_gate_is() -> None:
    found = [each.why for each in cells("recurrent.gru_cell") if each.why.endswith(" negative")]
    assert {"x negative", "h negative"} <= {*found}
    assert not any(why.startswith(("W_", "b_")) for why in found)


@given(st.sampled_from(IDS))
@SOME
def test_every_layout_has_a_last_tile_of_one_place(id: str) -> None:
    """Along all axes that may be long, whatever the tile is, of two places up to eight."""
    found = [each for each in cells(id) if each.layout != "contiguous" and not each.why.endswith("memory")]
    definition, largest = REGISTRY[id].definition, REGISTRY[id].largest

    for each in found:
        long = [size for name, size in each.sizes if definition.role(name) not in FEW and name not in largest]
        assert all(size % 8 == 1 for size in long), str(each)
    if id in (NORM, MASKED, "attention.weights", "recurrent.gru"):
        assert [each.layout for each in found] == list(LAYOUTS[1:])


def test_an_equation_of_sizes_alone_has_no_layouts() -> None:
    assert {each.layout for each in cells("position.sinusoidal")} == {"contiguous"}


def test_shared_arguments_are_equal_and_expanded_ones_are_alike_in_all_examples() -> None:
    shared = make(REGISTRY[MASKED], cell(MASKED, "shared memory"), "float32").arrays
    expanded = make(REGISTRY[MASKED], cell(MASKED, "expanded memory"), "float32").arrays

    assert (shared["q"] == shared["k"]).all()
    assert (shared["q"] == shared["v"]).all()
    assert all((expanded[name] == expanded[name][:1]).all() for name in ("k", "v", "mask"))
    assert not (expanded["q"] == expanded["q"][:1]).all()


@pytest.mark.parametrize("id", ["recurrent.gru", "transformer.linear"])
def test_weights_are_shared_by_no_layout(id: str) -> None:
    arrays = make(REGISTRY[id], cell(id, "shared memory"), "float32").arrays
    weights = [array.tobytes() for name, array in arrays.items() if symbol(name, id).weight]

    assert len({*weights}) == len(weights)


@pytest.mark.parametrize("id", ["attention.scaled_dot_product", "recurrent.gru"])
def test_a_grid_stays_small(id: str) -> None:
    assert 20 < len(cells(id)) <= 92


def test_largest_elements_tie_beyond_256_threads_where_the_first_is_taken() -> None:
    """Of the scores alone; an equation that takes no first element has no such cell."""
    arrays = make(REGISTRY["attention.hard"], cell("attention.hard", "m = 391, ties"), "float32").arrays
    e, v = arrays["e"], arrays["v"]
    largest = e == e.max(axis=-1, keepdims=True)

    assert (largest.sum(axis=-1) > 1).any()
    assert e.shape[-1] > 256
    assert not (v == np.rint(v)).all()
    assert not [each.why for each in cells(NORM) if "ties" in each.why]


def test_the_row_of_a_place_in_a_flat_array_is_not_found_by_a_reciprocal_in_float32() -> None:
    """The best continuation is the first token of a later hypothesis; 41 times 1/41 in float32 is below 1."""
    id = "generation.beam_step"
    case = make(REGISTRY[id], cell(id, "v = 41, log_p constant rows"), "float32")
    _, parent, token = evaluate(REGISTRY[id].definition, (), case.arguments)
    place = np.asarray(41 * parent + token, np.float32)

    assert ((place * (np.float32(1) / np.float32(41))).astype(int) < parent).any()
    assert not [each.why for each in cells("attention.weights") if "= 41" in each.why]


def test_several_tiles_of_rows_have_largest_values_far_apart() -> None:
    """Less the largest value of a row of another tile, exp overflows; no step of a recurrence is asked so."""
    e = make(REGISTRY["attention.weights"], cell("attention.weights", "n = 65, large values"), "float16").arrays["e"]
    largest = e.max(axis=-1)

    assert e.shape[0] == 65
    assert np.ptp(largest) > np.log(np.finfo("float32").max)
    assert not [each.why for each in cells("recurrent.gru") if each.why == "t = 65, large values"]
    assert not [each.why for each in cells("text.one_hot") if "large values" in each.why]


def test_inputs_of_opposite_signs_give_scores_far_below_0() -> None:
    found = cell("scores.bilinear", "q large negative, all others positive")
    arrays = make(REGISTRY["scores.dot"], cell("scores.dot", "q large negative, all others positive"), "float32").arrays

    assert (arrays["q"] <= 0).all()
    assert (arrays["k"] >= 0).all()
    assert np.median(arrays["q"] @ np.swapaxes(arrays["k"], -1, -2)) < -50_000
    assert dict(found.patterns) == {"q": "large negative", "k": "large positive"}  # and no weight


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_values_cancel_along_each_axis(dtype: str) -> None:
    """What is large is not the sum of a row or column, but what it is made of."""
    q = make(REGISTRY[MASKED], cell(MASKED, "q cancelling"), dtype).arrays["q"]

    assert np.abs(q).min() >= 8
    assert not q.sum(axis=-1).any()
    assert not q.sum(axis=-2).any()


def test_each_axis_is_1_in_a_batch_with_options_at_an_end() -> None:
    found = cell(NORM, "d = 1 in a batch")

    assert found.batch[0] > 1
    assert dict(found.sizes)["d"] == 1
    assert dict(found.options)["eps"] == 1e-2
    assert not [each for each in cells(NORM, (0,)) if "in a batch" in each.why]


@pytest.mark.parametrize("id", ["seq2seq.sequence_loss", "attention.masked", "backward.linear"])
def test_each_axis_is_long_in_half_precision_beside_short_ones(id: str) -> None:
    """Each axis that may be long is of 4,097 in some cell, since a sum in half precision is far off only there."""
    found = list(grid(REGISTRY[id], bounds(id, 0), (0, 1), half=True))
    long = {name for each in found for name, size in each.sizes if size == LONGEST_SUM}
    names = {name for each in found for name, _ in each.sizes}

    assert long == names
    of_both = [each for each in cells(id) if "129 examples" not in each.why]
    assert found[: len(of_both)] == of_both


def test_long_sums_in_half_precision_are_also_of_one_sign() -> None:
    """So that a sum of values that stops growing, or of weights that are all small, is far off."""
    id = "attention.scaled_dot_product"
    long = [each for each in grid(REGISTRY[id], bounds(id, 0), (0,), half=True) if each.patterns]
    (keys,) = [each for each in long if dict(each.sizes)["m"] == LONGEST_SUM]
    made = make(REGISTRY[id], keys, "bfloat16")

    assert {name for name, pattern in keys.patterns if pattern == "positive"} == {"k", "v"}
    assert made.arrays["v"].min() >= 0
    assert made.arrays["q"].min() < 0


@pytest.mark.parametrize("id", ["multihead.attention_biased", "backward.masked", "attention.scaled_dot_product"])
def test_each_axis_is_longer_than_1024_in_some_cell(id: str) -> None:
    """Beside short ones where the work would be too much else; heads are few."""
    long = {name for each in cells(id) for name, size in each.sizes if size >= LONG}

    assert long == {name for each in cells(id) for name, _ in each.sizes} - {"H"}


@pytest.mark.parametrize("id", ["backward.layer_norm", "attention.weights", "attention.scaled_dot_product"])
def test_each_axis_is_long_beside_full_vectors(id: str) -> None:
    """Many narrow rows, which kernels put several of in a tile."""
    found = [sorted(size for _, size in each.sizes) for each in cells(id) if each.why.endswith("all others 8")]

    assert found == [[*[8] * (len(cells(id)[0].sizes) - 1), LONG]] * len(cells(id)[0].sizes)


@pytest.mark.parametrize("id", ["text.record", "backward.binary_cross_entropy", "recurrent.simple_rnn_lengths"])
def test_an_argument_without_axes_is_an_array_in_every_cell(id: str) -> None:
    """One number alone is an array without axes and not a number, whatever pattern it has and without a batch."""
    made = [make(REGISTRY[id], each, "float32") for each in cells(id, (0,))]

    assert made
    assert all(isinstance(array, np.ndarray) for case in made for array in case.arrays.values())


def test_a_table_is_read_where_16_bits_do_not_count_its_numbers() -> None:
    made = make(REGISTRY[TEXT], cell(TEXT, "last rows of P, v = 4097"), "float32")
    _, width = made.arrays["P"].shape

    assert int(made.arrays["k"].min()) * width > 2**16
    assert not any(each.why.startswith("last rows") for each in cells(NORM))


def test_a_count_is_asked_beyond_32_bits() -> None:
    id = "cost.encoder_layer_operations"
    made = make(REGISTRY[id], cell(id, "all sizes 65537"), "float32")

    assert 2**32 < int(evaluate(REGISTRY[id].definition, (), made.arguments)) < 2**63
    assert not any(each.why.startswith("all sizes") for each in cells("position.sinusoidal"))


def test_many_examples_are_asked_with_an_axis_of_several_tiles() -> None:
    """Sums over examples take blocks of them for each tile of columns; what is not summed is not asked.

    Nor are they in half precision, where they would decide under which policy all cases are judged: PyTorch's gradient
    of layer norm in bfloat16 was said to be imprecise.
    """
    found = cell("backward.layer_norm", "129 examples, d = 65")
    half = grid(REGISTRY["backward.layer_norm"], bounds("backward.layer_norm", 0), (0, 1), half=True)

    assert not any("129 examples" in each.why for each in half)

    assert (found.batch, dict(found.sizes)) == ((129,), {"d": 65})
    assert not any("129 examples" in each.why for each in (*cells(NORM), *cells("backward.layer_norm", (0,))))
