"""Answers that are right of other inputs, or changed before they came back, are named; right ones never are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY, equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.rounding.policy import preset
from attnspec.notation import Float, Tensor, cos, index, sin, size, where
from attnspec.thresholds import TRIED_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, make
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.grid import grid
from attnspec.verification.diagnosis.changed import OF_INPUTS, changed_answers, changed_inputs, is_contradicted
from attnspec.verification.diagnosis.input_changes import input_changes, rounded_counts, wrapped_inputs
from attnspec.verification.diagnosis.mistaken_axes import exchanged_axes, merged_examples, reversed_axis
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis
from synthetic import Array, case_of, described

SAMPLE, NORM = "seq2seq.sample", "transformer.layer_norm"
LOSS = "seq2seq.sequence_loss"
MASKED, HEADS = "attention.masked", "multihead.attention"
POLICY = preset("op-by-op", "float32")


EMBEDDING = "text.embedding"


@cache
def judge(id: str) -> Judge:
    return Judge(REGISTRY[id], "float32")


@cache
def cases(id: str) -> tuple[Case, ...]:
    sizes = {"n": 5, "m": 4, "d": 3, **({"e": 6} if id == MASKED else {"c": 8, "H": 4})}
    return tuple(case_of(id, batch=batch, seed=seed, **sizes) for seed, batch in enumerate((3, 4)))


Change = Callable[[Mapping[str, Array]], Mapping[str, Array]]


def read(id: str, change: Change = dict, **options: int) -> list[Observation]:
    """The answers of a candidate that reads other inputs."""
    definition = REGISTRY[id].definition
    arguments = [{**case.arguments, **change(case.arrays), **options} for case in cases(id)]
    values = [np.asarray(evaluate(definition, (), given)) for given in arguments]
    return [Observation(case, (value,)) for case, value in zip(cases(id), values, strict=True)]


def all_of(found: Diagnosis | None) -> list[str]:
    return [] if found is None else [found.says, *found.also]


def shifted(array: Array) -> Array:
    return np.concatenate([np.zeros_like(array[..., :1, :]), array[..., :-1, :]], axis=-2)


def strided(array: Array, stride: int) -> Array:
    """Rows that lie closer together than they are read."""
    found, flat, width = np.zeros_like(array).reshape(-1, array.shape[-1]), array.ravel(), array.shape[-1]
    for k, row in enumerate(found):
        part = flat[k * stride : k * stride + width]
        row[: len(part)] = part
    return found.reshape(array.shape)


def whole(array: Array, levels: int, axis: int | None) -> Array:
    scale = np.abs(array).max(axis=axis, keepdims=True) / levels
    return np.asarray(np.round(array / scale) * scale)


def of_bits(array: Array, bits: int, least: int) -> Array:
    """Rounded to so many bits, and to multiples of 2^least."""
    _, exponent = np.frexp(array)
    unit = 2.0 ** np.maximum(exponent - bits, least)
    return np.asarray(np.round(array / unit) * unit)


def two_of_four(array: Array) -> Array:
    """Of each column of four rows the two largest."""
    order = np.argsort(np.argsort(np.abs(array), axis=-2), axis=-2)
    return np.where(order >= 2, array, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: {"mask": np.broadcast_to(a["mask"][:1], a["mask"].shape)}, "read mask of the first one"),
        (lambda a: {"k": np.roll(a["k"], -1, 0), "v": np.roll(a["v"], -1, 0)}, "reads k and v of the next one"),
        (lambda a: {"mask": np.broadcast_to(a["mask"].any(0), a["mask"].shape)}, "the disjunction of mask"),
        (lambda a: {"v": a["v"][..., ::-1, :]}, "v is read in reverse order along m"),
        (lambda a: {"mask": np.roll(a["mask"], 1, -1) | (np.arange(4) == 0)}, "before is read, true at the first"),
        (lambda a: {"mask": np.roll(a["mask"], -1, -1) & (np.arange(4) < 3)}, "behind is read, false at the last"),
        (lambda a: {"v": shifted(a["v"])}, "each place of v along m is read as the one before it, and 0 at the first"),
        (
            lambda a: {"q": np.roll(a["q"], -1, -2)},
            "each place of q along n is read as the one behind it, round the ends",
        ),
        (
            lambda a: {"q": strided(a["q"], 4)},
            "the rows of q are read as if they lay a power of two apart, and 0 behind",
        ),
        (
            lambda a: {"v": np.swapaxes(a["v"].reshape(-1, 6, 4), -1, -2).reshape(a["v"].shape)},
            "the memory of v is taken for that of its transpose",
        ),
        (lambda a: {"v": a["v"] * (np.arange(6) < 4)}, "v along e is read as 0 behind the last whole tile of 4"),
        (lambda a: {"q": np.moveaxis(a["q"], 1, 0).reshape(a["q"].shape)}, "as if its axis n lay before"),
        (
            lambda a: {"k": whole(a["k"], 127, -1)},
            "k is rounded to whole numbers of up to 127, with one scale for each row",
        ),
        (lambda a: {"v": whole(a["v"], 7, None)}, "v is rounded to whole numbers of up to 7, with one scale for all"),
        (lambda a: {"q": of_bits(a["q"], 4, -9)}, "q is rounded to float8 (e4m3)"),
        (lambda a: {"v": of_bits(a["v"], 3, -16)}, "v is rounded to float8 (e5m2)"),
        (lambda a: {"v": two_of_four(a["v"])}, "of each four numbers in a column of v only the two largest are read"),
    ],
)
def test_other_inputs_are_named(change: Change, says: str) -> None:
    found = all_of(changed_inputs(judge(MASKED), read(MASKED, change), POLICY))

    assert any(says in sentence for sentence in found), found


@pytest.mark.parametrize("whole", [True, False])
def test_a_loop_that_ends_at_the_first_hidden_tile_is_named(whole: bool) -> None:
    """A tile of 3 is not usual: it is a number of the candidate's code."""
    sizes = {"n": 2, "m": 10, "d": 3, "e": 40}
    on = [case_of(MASKED, batch=2, seed=seed, **sizes) for seed in (1, 2)]
    observations = []
    for k, case in enumerate(on):
        mask = np.ones_like(case.arrays["mask"])
        mask[k, :, 3:6] = False
        mask[1 - k, 0, :3] = False
        seen = mask.copy()
        seen[k, :, 3:] = False
        seen[1 - k, 0] &= whole
        drawn = replace(case, arrays={**case.arrays, "mask": mask})
        value = evaluate(REGISTRY[MASKED].definition, (), {**drawn.arguments, "mask": seen})
        observations.append(Observation(drawn, (np.asarray(value),)))

    found = changed_inputs(judge(MASKED), observations, POLICY, tiles=[3])

    words = "all" if whole else "all of a row"
    assert f"nothing is read from the first tile of 3 on in which mask hides {words}" in all_of(found)


def sentences_on_places(name: str, places: list[int]) -> list[str]:
    """What is said of answers for which an argument is read at some places along its last axis but one."""
    observations = []
    for case in cases(MASKED):
        given = {**case.arguments, name: np.take(case.arrays[name], places, -2)}
        observations.append(Observation(case, (np.asarray(evaluate(REGISTRY[MASKED].definition, (), given)),)))
    wrapped = wrapped_inputs(REGISTRY[MASKED].definition, [3])
    found = changed_inputs(judge(MASKED), observations, POLICY, tiles=[3])
    return [*all_of(found), *all_of(changed_inputs(judge(MASKED), observations, POLICY, changes=wrapped))]


def test_the_first_place_of_each_tile_is_read_for_all_of_it() -> None:
    says = "the first place of each tile of 3 of mask along n is read for the whole tile"

    assert says in sentences_on_places("mask", [0, 0, 0, 3, 3])


def test_an_argument_is_read_from_its_start_again() -> None:
    assert "behind 3 places along n, q is read from its start again" in sentences_on_places("q", [0, 1, 2, 0, 1])


@pytest.mark.parametrize(
    ("id", "sizes"),
    [
        ("attention.scaled_dot_product", {"n": 2, "m": 0, "d": 3, "e": 2}),
        ("attention_rnn.attentive_greedy_decode", {"u": 4, "a": 0}),
        ("backward.attention", {"c": 0}),
        ("recurrent.gru_cell", {"d": 5, "u": 5}),
    ],
)
def test_each_change_is_made_of_arguments_of_any_size(id: str, sizes: dict[str, int]) -> None:
    """Of sizes that are 0, or no multiple of what they are cut into: it changes the case or is not applicable."""
    definition = REGISTRY[id].definition
    names = {str(dim) for each in definition.parameters for dim in each.dims if str(dim).isidentifier()}
    case = case_of(id, **{name: sizes.get(name, 4) for name in names})

    changed = [change.of(case) for change in input_changes(definition)]

    assert any(other is not None for other in changed)


def test_an_answer_that_a_change_of_inputs_does_not_explain_contradicts_it() -> None:
    observations = read(MASKED, lambda given: {"k": shifted(given["k"])})
    found = changed_inputs(judge(MASKED), observations, POLICY)
    first = observations[0]
    other = Observation(first.case, (first.answers[0] + 1,))

    assert found is not None
    assert found.id == OF_INPUTS
    assert not is_contradicted(judge(MASKED), first, POLICY, found)
    assert is_contradicted(judge(MASKED), other, POLICY, found)


def test_an_axis_is_read_as_far_as_another_one() -> None:
    """Keys as far as queries: too few of them, or zeros behind the last one."""
    id, observations = "attention.scaled_dot_product", []
    for seed, (n, m) in enumerate([(3, 7), (7, 3)]):
        case = case_of(id, batch=2, seed=seed, n=n, m=m, d=4, e=5)
        longer = ((0, 0), (0, max(n - m, 0)), (0, 0))
        read_as = {name: np.pad(case.arrays[name], longer)[:, :n] for name in ("k", "v")}
        value = evaluate(REGISTRY[id].definition, (), {**case.arguments, **read_as})
        observations.append(Observation(case, (np.asarray(value),)))

    found = changed_inputs(judge(id), observations, POLICY)

    assert "as many places of k and v along m are read as n has, and 0 behind the last" in all_of(found)


@pytest.mark.parametrize(
    ("mode", "says"), [("constant", "0 behind the last"), ("edge", "the last one again behind it")]
)
def test_places_behind_the_end_of_an_axis_are_taken_for_its_own(mode: Any, says: str) -> None:
    """Keys up to the end of a block of 16 are 0 or the last one again, and seen."""
    id, observations = "attention.scaled_dot_product", []
    for seed, m in enumerate((7, 20)):
        case = case_of(id, batch=2, seed=seed, n=3, m=m, d=4, e=5)
        filled = {name: np.pad(case.arrays[name], ((0, 0), (0, -m % 16), (0, 0)), mode) for name in ("k", "v")}
        value = evaluate(REGISTRY[id].definition, (), {**case.arguments, **filled})
        observations.append(Observation(case, (np.asarray(value),)))

    found = changed_inputs(judge(id), observations, POLICY)

    assert f"k and v have as many places along m as whole tiles of 16, and {says}" in all_of(found)


@pytest.mark.parametrize(
    ("signed", "says"), [(True, "16 bits, and behind half of them from the end"), (False, "16 bits")]
)
def test_places_that_are_counted_in_16_bits_are_named(signed: bool, says: str) -> None:
    observations = []
    for seed in range(2):
        case = case_of(EMBEDDING, seed=seed, t=9, v=9000, d=9)
        first = (case.arrays["k"].astype(np.int64) * 9).astype(np.int16 if signed else np.uint16).astype(np.int64)
        value = case.arrays["P"].ravel()[(first[:, None] + np.arange(9)) % 81_000]
        observations.append(Observation(case, (value,)))

    assert f"where a row of P begins in memory is counted in {says}" in all_of(
        changed_inputs(judge(EMBEDDING), observations, POLICY)
    )


def test_columns_that_are_paired_with_their_neighbours_are_named() -> None:
    """As rotary embeddings of one kind are, beside an equation of the other."""

    @equation()
    def turned(x: Float[Tensor, "t 2*d"]) -> Float[Tensor, "t 2*d"]:
        t, k = index("t"), index("2*d")
        d = size("d")
        angle = t * 0.3 ** (k % d)
        partner = where(k < d, -x[t, k + d], x[t, k - d])
        y = x[t, k] * cos(angle) + partner * sin(angle)
        return y.stack(t, k)

    judge = Judge(turned, "float32")
    drawn = [make(turned, described(turned.id, t=5, d=3, batch=batch, seed=batch), "float32") for batch in (2, 3)]

    def neighbours(x: Array) -> Array:
        angle = np.arange(5)[:, None] * 0.3 ** np.arange(3)
        one, other = x[..., ::2], x[..., 1::2]
        pair = one * np.cos(angle) - other * np.sin(angle), other * np.cos(angle) + one * np.sin(angle)
        return np.stack(pair, axis=-1).reshape(x.shape)

    observations = [Observation(case, (neighbours(case.arrays["x"]),)) for case in drawn]
    found = changed_inputs(judge, observations, POLICY)

    assert found is not None
    assert found.says == "the columns of a pair of x along d+d are neighbours, not half of the width apart"
    right = [Observation(case, (np.asarray(evaluate(turned.definition, (), case.arguments)),)) for case in drawn]
    assert changed_inputs(judge, right, POLICY) is None


def test_a_change_that_some_case_contradicts_is_not_named() -> None:
    """The mask of the first query, but for cases of several tiles: more cases fail than are tried at first."""
    drawn = [case_of(MASKED, batch=2, seed=seed, n=3, m=4, d=3, e=6) for seed in range(TRIED_CASES)]
    drawn.append(case_of(MASKED, batch=2, seed=99, n=40, m=4, d=3, e=6))
    observations = []
    for case in drawn:
        rows = np.arange(case.arrays["mask"].shape[-2]) // 32 * 32
        given = {**case.arguments, "mask": np.take(case.arrays["mask"], rows, -2)}
        observations.append(Observation(case, (np.asarray(evaluate(REGISTRY[MASKED].definition, (), given)),)))

    found = all_of(changed_inputs(judge(MASKED), observations, POLICY))

    assert "the first place of mask along n is read at every place" not in found
    assert "the first place of each tile of 32 of mask along n is read for the whole tile" in found


def test_half_of_a_number_that_decides_a_whole_one_is_named() -> None:
    definition = REGISTRY[SAMPLE].definition
    on = [case_of(SAMPLE, batch=40, seed=seed, v=9) for seed in (1, 2)]
    observations = [
        Observation(
            case, (np.asarray(evaluate(definition, (), {**case.arguments, "uniform": case.arrays["uniform"] / 2})),)
        )
        for case in on
    ]

    found = changed_inputs(judge(SAMPLE), observations, POLICY)

    assert any("half of uniform is read" in says for says in all_of(found))


@pytest.mark.parametrize(
    ("axis", "says"),
    [(-1, "each row of k is read in ascending order"), (None, "k of all examples is read in ascending order")],
)
def test_whole_numbers_that_are_sorted_where_they_lie_are_named(axis: int | None, says: str) -> None:
    definition = REGISTRY[EMBEDDING].definition
    found = [case_of(EMBEDDING, batch=3, seed=seed, t=5, v=7, d=4) for seed in range(2)]
    sorted_ = [np.sort(case.arrays["k"], axis=axis).reshape(case.arrays["k"].shape) for case in found]
    values = [
        np.asarray(evaluate(definition, (), {**case.arguments, "k": k})) for case, k in zip(found, sorted_, strict=True)
    ]
    answers = [Observation(case, (value,)) for case, value in zip(found, values, strict=True)]

    assert says in all_of(changed_inputs(judge(EMBEDDING), answers, POLICY))[0]


def test_options_that_are_rounded_together_are_named() -> None:
    """As 32-bit floats in an update of 64 bits; of one that is a 32-bit float itself nothing is said alone."""
    equation, judged = REGISTRY["optimizer.sgd_momentum"], preset("op-by-op", "float64")
    found = [case_of("optimizer.sgd_momentum", seed=seed, d=40) for seed in range(2)]
    on = [replace(case, options={"lr": 0.1, "mu": 0.9}) for case in found]
    narrow = {name: float(np.float32(value)) for name, value in on[0].options.items()}
    values = [evaluate(equation.definition, (), {**case.arguments, **narrow}) for case in on]
    answers = [Observation(case, tuple(map(np.asarray, value))) for case, value in zip(on, values, strict=True)]

    said = all_of(changed_inputs(Judge(equation, "float64"), answers, judged))

    assert said[0] == "lr and μ are rounded to float32 first"


def test_a_step_that_is_counted_in_few_bits_is_named() -> None:
    """It shows where the step is large alone; a step less would show in all cases."""
    equation = REGISTRY["optimizer.adam"]
    drawn = [case_of("optimizer.adam", seed=seed, d=40) for seed in range(4)]
    on = [
        replace(case, options={**case.options, "step": step})
        for case, step in zip(drawn, (3, 9, 257, 1027), strict=True)
    ]
    few = [int(rounded(np.asarray(float(case.options["step"])), "bfloat16")) for case in on]
    values = [
        evaluate(equation.definition, (), {**case.arguments, "step": step}) for case, step in zip(on, few, strict=True)
    ]
    answers = [Observation(case, tuple(map(np.asarray, value))) for case, value in zip(on, values, strict=True)]
    adam = Judge(equation, "float32")

    found = changed_inputs(adam, answers, POLICY, changes=rounded_counts(equation.definition), always=True)

    assert found is not None
    assert found.says == "step is rounded to bfloat16 first"


def test_an_option_that_is_ignored_is_named() -> None:
    assert "heads is ignored: 1 is used" in all_of(changed_inputs(judge(HEADS), read(HEADS, heads=1), POLICY))


def spilled(value: Array, tile: int) -> Array:
    """The last tile of each example but the last is written over the first places of the next example."""
    flat, n = np.array(value).reshape(-1, value.shape[-1]), value.shape[-2]
    for first in range(n, len(flat), n):
        flat[first : first + -n % tile] = 0
    return flat.reshape(value.shape)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda value: value[[1, 0, *range(2, len(value))]], "the examples of a batch come back in another order"),
        (lambda value: value[[1, 2, *range(2, len(value))]], "it of some examples of a batch is that of others"),
        (lambda value: np.broadcast_to(value.mean(0), value.shape), "is the mean over the batch"),
        (lambda value: value[:, ::-1], "returned in reverse order along n"),
        (lambda value: value[:, [0, 1, 2, 3, 3]], "at the last place of n is that of the place before it"),
        (lambda value: np.roll(value, 3, -1), "the two halves of it along e are exchanged"),
        (lambda value: value[:, [0, 0, 1, 2, 3]], "of n is that of the place before it, at the first its own"),
        (lambda value: value[:, [1, 2, 3, 4, 4]], "of n is that of the place after it, at the last its own"),
        (lambda value: spilled(value, 4), "it is written in tiles of 4 along n, the last one whole: the first places"),
        (lambda value: value[:, [2, 0, 1, 4, 3]], "it comes back in another order along n"),
        (lambda value: np.zeros_like(value), "it is 0 where it is wrong"),
        (lambda value: np.full_like(value, np.nan), "it is NaN where it is wrong"),
    ],
)
def test_changed_answers_are_named(change: Callable[[Array], Array], says: str) -> None:
    answers = [Observation(each.case, (change(each.answers[0]),)) for each in read(MASKED)]

    assert says in str(changed_answers(judge(MASKED), answers, POLICY))


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (lambda value: value.astype(np.int64).astype(np.int32), "it is counted in 32 bits, which overflow"),
        (lambda value: value.astype(np.int64).astype(np.uint32), "it is counted in 32 bits, which overflow"),
        (lambda value: value.astype(np.float32), "it is counted in float32"),
    ],
)
def test_a_count_in_few_bits_is_named(count: Callable[[Array], Array], says: str) -> None:
    id = "cost.lstm_operations"
    [cell] = [each for each in grid(REGISTRY[id], lambda _: 0, (0,)) if each.why.startswith("all sizes")]
    case = make(REGISTRY[id], cell, "float32")
    value = np.asarray(evaluate(REGISTRY[id].definition, (), case.arguments))

    assert says in str(changed_answers(judge(id), [Observation(case, (count(value),))], POLICY))


MOMENTUM, LENGTHS = "optimizer.sgd_momentum", "recurrent.simple_rnn_lengths"


def test_an_argument_that_stays_where_another_one_is_zero_is_named() -> None:
    """As of lazy updates, which leave alone what has no gradient."""
    answers = []
    for seed in range(3):
        case = case_of(MOMENTUM, batch=3, seed=seed, d=7)
        g = np.where(np.arange(7) % 3, case.arrays["g"], 0)
        case = replace(case, arrays={**case.arrays, "g": g})
        theta, m = (np.asarray(each) for each in evaluate(REGISTRY[MOMENTUM].definition, (), case.arguments))
        old_theta, old_m = case.arrays["theta"], case.arrays["m"]
        answers.append(Observation(case, (np.where(g == 0, old_theta, theta), np.where(g == 0, old_m, m))))

    said = str(changed_answers(judge(MOMENTUM), answers, POLICY))

    assert "is θ where g is 0" in said
    assert "is m where g is 0" in said


def test_a_whole_number_at_which_rows_are_wrong_is_named() -> None:
    """The last state of a length of 0 is not the first one, but 0."""
    answers = []
    for seed in range(5):
        case = case_of(LENGTHS, batch=5, seed=seed, t=4, d=3, u=6)
        case = replace(case, arrays={**case.arrays, "length": np.array([0, 3, 1, 0, 4])})
        y, last = (np.asarray(each) for each in evaluate(REGISTRY[LENGTHS].definition, (), case.arguments))
        answers.append(Observation(case, (y, np.where(case.arrays["length"][:, None] == 0, 0, last))))

    assert "is 0 where length is 0" in str(changed_answers(judge(LENGTHS), answers, POLICY))


SORTED, BOTH = "recurrent.simple_rnn_lengths", "recurrent.bidirectional_simple_rnn_lengths"


def of_lengths(id: str, change: Callable[[Array, Array], Array]) -> Diagnosis | None:
    """What is said of answers of which the first result was changed by the lengths of the examples."""
    drawn = [case_of(id, batch=len(of), seed=seed, t=9, d=3, u=4) for seed, of in enumerate(LENGTHS_OF)]
    observations = []
    for case, lengths in zip(drawn, LENGTHS_OF, strict=True):
        case.arrays["length"][...] = lengths
        value = evaluate(REGISTRY[id].definition, (), case.arguments)
        first, *rest = value if isinstance(value, tuple) else (value,)
        answers = (change(np.asarray(first), np.asarray(lengths)), *map(np.asarray, rest))
        observations.append(Observation(case, answers))
    return changed_answers(judge(id), observations, POLICY)


LENGTHS_OF = ([3, 5, 9, 7], [2, 8, 6, 4, 9])


def test_a_batch_that_is_put_back_by_the_order_of_sorting_is_named() -> None:
    def change(value: Array, lengths: Array) -> Array:
        order = np.argsort(-lengths, kind="stable")
        return np.asarray(value[order][order])

    says = "the examples of a batch are sorted by length, the largest first, and put back by the same order, not by its"
    assert says in str(of_lengths(SORTED, change))


def test_a_half_that_is_turned_back_over_its_padding_is_named() -> None:
    def change(value: Array, lengths: Array) -> Array:
        moved = np.array(value)
        for row, length in zip(moved, lengths, strict=True):
            row[:, 4:] = np.roll(row[:, 4:], 9 - length, 0)
        return moved

    says = "in the second half along u+u, y_i along t stands as many places too late as there are behind length"
    assert says in str(of_lengths(BOTH, change))


def test_examples_that_share_a_mask_are_in_no_order_of_it() -> None:
    id = "attention.padded"
    drawn = case_of(id, batch=3, seed=1, n=2, m=5, d=3)
    case = replace(drawn, arrays={**drawn.arrays, "mask": np.asarray([True, False, True, True, False])})
    value = np.asarray(evaluate(REGISTRY[id].definition, (), case.arguments))

    assert changed_answers(judge(id), [Observation(case, (value[::-1].copy(),))], POLICY) is not None


def test_halves_that_are_viewed_as_rows_of_examples_are_named() -> None:
    """As where the last states of two directions stand in front of the batch."""
    id, observations = "recurrent.bidirectional_feature", []
    for seed in range(2):
        case = case_of(id, batch=3 + seed, seed=seed, t=5, u=4)
        value = np.asarray(evaluate(REGISTRY[id].definition, (), case.arguments))
        observations.append(Observation(case, (np.stack([value[:, :4], value[:, 4:]]).reshape(value.shape),)))

    says = "the two halves of it along u+u are written one behind the other for the whole batch"
    assert says in str(changed_answers(judge(id), observations, POLICY))


def test_of_changes_that_fit_those_that_say_more_are_named() -> None:
    """If all examples have the answer of the first, some have that of others."""
    answers = [
        Observation(each.case, (np.broadcast_to(each.answers[0][:1], each.answers[0].shape),)) for each in read(MASKED)
    ]
    found = all_of(changed_answers(judge(MASKED), answers, POLICY))

    assert "it of every example of a batch is that of the first" in found[0]
    assert not any("some examples" in says for says in found)


def test_a_batch_that_is_taken_for_one_sequence_is_named() -> None:
    """As a loss whose mean is over all valid targets of the batch."""
    drawn = [case_of(LOSS, batch=batch, seed=batch, t=6, v=4) for batch in (3, 5)]
    flat = [{name: array.reshape(-1, *array.shape[2:]) for name, array in case.arrays.items()} for case in drawn]
    means = [np.asarray(evaluate(REGISTRY[LOSS].definition, (), arrays)) for arrays in flat]
    answers = [Observation(case, (np.full(size, mean),)) for case, mean, size in zip(drawn, means, (3, 5), strict=True)]

    assert "taken for one, end to end along t" in str(merged_examples(judge(LOSS), answers, POLICY))
    right = [np.asarray(evaluate(REGISTRY[LOSS].definition, (), case.arguments)) for case in drawn]
    own = [Observation(case, (value,)) for case, value in zip(drawn, right, strict=True)]
    assert merged_examples(judge(LOSS), own, POLICY) is None


def test_statistics_over_a_batch_are_those_of_one_example_end_to_end() -> None:
    """Gain and bias, which all examples share, stand beside each of them."""
    on = [case_of(NORM, batch=batch, seed=batch, d=5) for batch in (3, 4)]
    observations = []
    for case in on:
        x, gamma, beta = (case.arrays[name] for name in ("x", "gamma", "beta"))
        answer = (x - x.mean()) / np.sqrt(x.var() + case.options["eps"]) * gamma + beta
        observations.append(Observation(case, (answer,)))

    found = merged_examples(judge(NORM), observations, POLICY)

    assert found is not None
    assert found.says.startswith("the examples of a batch are taken for one, end to end along d")


def test_nought_in_some_cases_is_no_change_of_inputs_that_gives_nought() -> None:
    """A mask of which the first place is read hides all, where it is false. It would show in other cases."""
    first, *others = read(MASKED)
    mask = np.broadcast_to(np.arange(first.case.arrays["mask"].shape[-1]) > 0, first.case.arrays["mask"].shape)
    case = replace(first.case, arrays={**first.case.arrays, "mask": mask})
    nought = Observation(case, (np.zeros_like(first.answers[0]),))

    assert any(
        "the first place of mask along m" in says for says in all_of(changed_inputs(judge(MASKED), [nought], POLICY))
    )
    assert changed_inputs(judge(MASKED), [nought, *others], POLICY) is None


BOTH_WAYS = "recurrent.bidirectional_simple_rnn"
FORWARD, BACKWARD = ["W_xh_f", "W_hh_f", "b_h_f"], ["W_xh_b", "W_hh_b", "b_h_b"]


@pytest.mark.parametrize(
    ("read", "instead", "says"),
    [
        (FORWARD, BACKWARD, "the arguments that end in _f are read in place of those that end in _b"),
        (FORWARD + BACKWARD, BACKWARD + FORWARD, "the arguments that end in _f and those that end in _b are swapped"),
    ],
)
def test_weights_of_another_part_are_named(read: list[str], instead: list[str], says: str) -> None:
    """As those of the other direction, or of the other attention of a decoder layer."""
    given = [case_of(BOTH_WAYS, batch=3, seed=seed, t=5, d=4, u=3) for seed in range(2)]
    definition = REGISTRY[BOTH_WAYS].definition
    mistaken = [
        {**case.arguments, **{name: case.arrays[other] for other, name in zip(read, instead, strict=True)}}
        for case in given
    ]
    values = [np.asarray(evaluate(definition, (), arguments)) for arguments in mistaken]
    observations = [Observation(case, (value,)) for case, value in zip(given, values, strict=True)]

    assert says in all_of(changed_inputs(judge(BOTH_WAYS), observations, POLICY))


def _in_turn(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Weights packed one behind the other, and unpacked as if their units were in turn."""
    packed = np.concatenate(weights, -1)
    return [packed[..., k :: len(weights)] for k in range(len(weights))]


def _dealt_to_three(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Each of three heads has every third unit."""
    return [np.concatenate([each[..., k::3] for k in range(3)], -1) for each in weights]


def _in_two_shards(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Weights packed one behind the other, of which each of two shards takes a half and unpacks it."""
    halves = np.split(np.concatenate(weights, -1), 2, -1)
    return [
        np.concatenate(parts, -1) for parts in zip(*(np.split(half, len(weights), -1) for half in halves), strict=True)
    ]


@pytest.mark.parametrize(
    ("id", "sizes", "options", "names", "change", "says"),
    [
        (
            "self_attention.qkv",
            {"t": 5, "c": 6, "d": 4, "e": 4},
            {},
            ["W_q", "W_k", "W_v"],
            _in_turn,
            "W_q, W_k and W_v are packed one behind the other, and unpacked unit by unit in turn",
        ),
        (
            "multihead.attention",
            {"n": 4, "m": 5, "c": 6, "H": 3, "d": 4},
            {"heads": 3},
            ["W_q", "W_k"],
            _dealt_to_three,
            "the units of W_q and W_k are dealt out to heads in turn, not in one piece each",
        ),
        (
            "multihead.attention",
            {"n": 4, "m": 5, "c": 6, "H": 4, "d": 3},
            {"heads": 4},
            ["W_q", "W_k", "W_v"],
            _in_two_shards,
            "W_q, W_k and W_v are packed one behind the other, cut into 2 shards, and unpacked in each",
        ),
    ],
)
def test_units_in_another_order_are_named(
    id: str,
    sizes: dict[str, int],
    options: dict[str, int],
    names: list[str],
    change: Callable[[list[np.ndarray]], list[np.ndarray]],
    says: str,
) -> None:
    """As where a fused product is viewed as (units, 3) for (3, units), or as (units, heads) for (heads, units)."""
    given = [case_of(id, seed=seed, **sizes) for seed in range(2)]
    assert all(dict(case.options) == options for case in given)
    definition, observations = REGISTRY[id].definition, []
    for case in given:
        changed = dict(zip(names, change([case.arrays[name] for name in names]), strict=True))
        value = evaluate(definition, (), {**case.arguments, **changed})
        answers = value if isinstance(value, tuple) else (value,)
        observations.append(Observation(case, tuple(map(np.asarray, answers))))

    assert says in all_of(changed_inputs(judge(id), observations, POLICY))


def test_rows_that_a_mask_of_another_axis_hides_are_named() -> None:
    """As queries that are taken out with the mask of the keys."""
    given = [case_of("attention.padded", batch=4, seed=seed, n=3, m=5, d=2, e=4) for seed in range(2)]
    definition = REGISTRY["attention.padded"].definition
    observations = []
    for case in given:
        value = np.asarray(evaluate(definition, (), case.arguments))
        hidden = np.where(case.arrays["mask"][:, :3, None], value, 0)
        observations.append(Observation(case, (hidden,)))
    found = changed_answers(judge("attention.padded"), observations, POLICY)

    assert found is not None
    assert "it is 0 where mask is false at the same place" in found.says


def test_another_function_is_neither() -> None:
    answers = [Observation(each.case, (each.answers[0] + 0.1 * each.answers[0] ** 2,)) for each in read(MASKED)]

    assert changed_inputs(judge(MASKED), answers, POLICY) is None
    assert changed_answers(judge(MASKED), answers, POLICY) is None


def test_an_error_a_little_beyond_its_bound_is_no_change_of_answers() -> None:
    """The bounds of two elements together would cover it, with all examples where they are."""
    noises = [judge(MASKED).noise(case, POLICY)[0] for case in cases(MASKED)]
    answers = [
        Observation(case, (noise.value + 1.4 * noise.bound,)) for case, noise in zip(cases(MASKED), noises, strict=True)
    ]

    assert judge(MASKED).failing(answers, POLICY)
    assert changed_answers(judge(MASKED), answers, POLICY) is None


def test_right_answers_have_no_change() -> None:
    assert changed_inputs(judge(MASKED), read(MASKED), POLICY) is None
    assert changed_answers(judge(MASKED), read(MASKED), POLICY) is None


def test_axes_that_cannot_be_exchanged_are_left_alone() -> None:
    """A batch of an odd number of examples is no width of pairs."""

    @equation()
    def negative_pairs(x: Float[Tensor, "t 2*d"]) -> Float[Tensor, "t 2*d"]:
        """Minus all pairs."""
        return -x

    cases = [case_of(negative_pairs.id, batch=3, seed=seed, t=4, d=2) for seed in range(2)]
    answers = [Observation(case, (case.arrays["x"],)) for case in cases]

    assert exchanged_axes(Judge(negative_pairs, "float64"), answers, POLICY) is None


def test_a_batch_that_is_taken_for_the_sequence_is_named() -> None:
    """Of a softmax over the scores too: any two axes that all arrays have together."""
    id = "attention.weights"
    found = [case_of(id, batch=batch, seed=seed, n=5, m=4) for seed, batch in enumerate((3, 6))]
    answers = [
        Observation(case, (np.swapaxes(evaluate(REGISTRY[id].definition, (), {"e": turned}), *axes),))
        for case in found
        for axes in [(0, 2)]
        for turned in [np.swapaxes(case.arrays["e"], *axes)]
    ]

    assert "the batch is taken for m, and m for the batch" in str(exchanged_axes(judge(id), answers, POLICY))
    assert exchanged_axes(judge(MASKED), read(MASKED), POLICY) is None


def test_a_batch_of_which_one_place_is_written_is_named() -> None:
    right = read(MASKED)
    answers = [replace(each, answers=(_at_first(each.answers[0]),)) for each in right]

    assert "is written to the place of the first example" in str(changed_answers(judge(MASKED), answers, POLICY))


def _at_first(array: Array) -> Array:
    """The last example of a batch at the first place, and 0 elsewhere."""
    return np.concatenate([array[-1:], np.zeros_like(array[1:])])


def test_a_sequence_that_is_run_through_backwards_is_named() -> None:
    """The outputs stand where the inputs do; a recurrence that only reads backwards is another mistake."""
    id = "recurrent.simple_rnn"
    on = [case_of(id, batch=3, seed=seed, t=5, d=3, u=4) for seed in (1, 2)]

    def answered(back: int) -> list[Observation]:
        read = [{**case.arguments, "x": case.arrays["x"][:, ::-1]} for case in on]
        values = [np.asarray(evaluate(REGISTRY[id].definition, (), each)) for each in read]
        return [Observation(case, (value[:, ::back],)) for case, value in zip(on, values, strict=True)]

    says = "t is run through from the end to the beginning"
    assert says in str(reversed_axis(judge(id), answered(-1), POLICY))
    assert reversed_axis(judge(id), answered(1), POLICY) is None
