"""What must hold of attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, scores
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.shared import between, negated, of_each, rolled, value, without

HIDDEN = 64.0
"""What stands at keys and values that must not show: large, and yet no score overflows by it."""


Of = Equation[..., Any]


@property_of(attention.weights, kills=("alpha/function/no-softmax", "alpha/axis/i"))
def rows_are_distributions(f: Function, a: Arguments) -> Iterator[Relation]:
    """No weight is negative, and each row sums to 1."""
    alpha = f(**a)
    yield AtMost(0.0, alpha)
    yield Equal(alpha.sum(axis=-1), np.ones(len(a["e"])))


@property_of(attention.weights, kills=("alpha/function/no-softmax", "alpha/axis/i"))
def common_shift_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With a constant added to a row, also one beyond the exponent's range, the weights stay."""
    whole = np.round(np.clip(a["e"], -64, 64))
    shift = np.where(np.arange(len(whole)) % 2, 128.0, -128.0)[:, None]
    yield Equal(f(e=whole + shift), f(e=whole))


@property_of(attention.weights, kills=("alpha/function/no-softmax", "alpha/axis/i", "last/j"))
def equal_scores_share_alike(f: Function, a: Arguments) -> Iterator[Relation]:
    """Equal scores give each of m keys the weight 1/m."""
    yield Equal(f(e=np.zeros_like(a["e"])), np.full(a["e"].shape, 1 / a["e"].shape[1]))


@property_of(attention.weights, kills=("last/j",))
def keys_have_no_order(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the keys permuted the weights are permuted."""
    yield Equal(f(e=np.roll(a["e"], 1, axis=1)), np.roll(f(**a), 1, axis=1))


@property_of(attention.context_vector, kills=("c/transpose/alpha", "last/j"))
def unit_states_give_the_weights(f: Function, a: Arguments) -> Iterator[Relation]:
    """∂c_i/∂h_j = α_ij: with the unit vectors for states, c = α."""
    yield Equal(f(alpha=a["alpha"], h=np.eye(len(a["h"]))), a["alpha"])


@property_of(attention.context_vector, kills=("c/transpose/alpha", "c/transpose/h", "last/j"))
def it_is_a_linear_layer_over_positions(f: Function, a: Arguments) -> Iterator[Relation]:
    """c = α h: from m positions to n, the same in every column."""
    yield Equal(f(**a), a["alpha"] @ a["h"])


@property_of(attention.context_vector, kills=("c/transpose/alpha", "last/j"))
def it_lies_in_the_hull_of_the_states(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where α is a distribution, c_i lies between the least and the largest h_j."""
    yield from between(f(alpha=dyadic(a["alpha"]), h=a["h"]), a["h"])


@property_of(attention.value_map, kills=(
    "v/memory/W_v", "v/transpose/W_v", "v/transpose/h", "c/transpose/alpha", "last/j", "swap/alpha-h",
))  # fmt: skip
def map_commutes_with_the_sum(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the context vector through the matrix, and the context vector of the states through the matrix."""
    yield Equal(f(**a), value(attention.context_vector, a["alpha"], a["h"]) @ a["W_v"])
    yield Equal(f(**a), value(attention.context_vector, a["alpha"], a["h"] @ a["W_v"]))


@property_of(attention.value_map, kills=("v/transpose/h", "c/transpose/alpha", "last/j"), equal=(("d", "e"),))
def identity_makes_it_the_context_vector(f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_v = I the values are the states."""
    yield Equal(f(**{**a, "W_v": np.eye(len(a["W_v"]))}), value(attention.context_vector, a["alpha"], a["h"]))


def dyadic(alpha: Any) -> Any:
    """Weights cut to eighths, what is cut off given to the largest: rows that sum to 1 exactly."""
    cut = np.floor(8 * alpha) / 8
    largest = alpha.argmax(axis=-1)[:, None] == np.arange(alpha.shape[-1])
    return cut + largest * (1 - cut.sum(axis=-1, keepdims=True))


@of_each(dict.fromkeys((
    attention.context_vector, attention.value_map, attention.soft, attention.learned_query, attention.key_value,
    attention.relu_weights, attention.linear_weights, attention.dot_product, attention.scaled_dot_product,
    attention.bilinear, attention.additive, attention.masked, attention.masked_empty_is_nan, attention.padded,
), ("last/j",)))  # fmt: skip
def keys_and_values_move_together(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With keys, values and mask permuted together nothing changes."""
    yield Equal(f(**rolled(of, a, "m")), f(**a))


READ: dict[Of, str] = {
    attention.soft: "x", attention.learned_query: "x", attention.key_value: "v", attention.dot_product: "v",
    attention.scaled_dot_product: "v", attention.bilinear: "v", attention.additive: "v",
}  # fmt: skip
"""What is read with the weights, for attention without a mask."""
UNSURE: dict[Of, tuple[str, ...]] = dict.fromkeys(READ, ("alpha/function/no-softmax", "alpha/axis/i"))


@of_each(UNSURE)
def it_lies_in_the_hull_of_the_values(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Every component lies between the least and the largest of the values."""
    yield from between(f(**a), a[READ[of]])


@of_each({
    **dict.fromkeys((*READ, attention.masked, attention.masked_empty_is_nan, attention.padded), ("alpha/axis/i",)),
    attention.value_map: (), attention.hard: (), attention.relu_weights: (), attention.linear_weights: (),
})  # fmt: skip
def rows_do_not_meet(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Each output, computed alone, is its row in the whole."""
    alone = {p.name for p in of.definition.parameters if str(p.dims[0]) == "n"}
    first = {name: array[:1] if name in alone else array for name, array in a.items()}
    yield Equal(f(**first), f(**a)[:1])


@of_each(UNSURE)
def equal_scores_read_the_mean(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where all keys score alike, their values' mean is read."""
    scored = {attention.additive: "v_a", attention.learned_query: "q"}.get(of, of.definition.parameters[0].name)
    mean = a[READ[of]].mean(axis=0)
    yield Equal(f(**without(a, scored)), np.broadcast_to(mean, (len(f(**a)), len(mean))))


SCORES: dict[Of, Any] = {
    attention.soft: lambda a: (value(scores.dot, a["q"], a["x"]), a["x"]),
    attention.learned_query: lambda a: (value(scores.dot, a["q"], a["x"]), a["x"]),
    attention.dot_product: lambda a: (value(scores.dot, a["q"], a["k"]), a["v"]),
    attention.scaled_dot_product: lambda a: (value(scores.scaled_dot, a["q"], a["k"]), a["v"]),
    attention.bilinear: lambda a: (value(scores.bilinear, a["q"], a["k"], a["W"]), a["v"]),
    attention.additive: lambda a: (value(scores.additive, a["q"], a["k"], a["W"], a["U"], a["v_a"]), a["v"]),
    attention.key_value: lambda a: (a["e"], a["v"]),
}
"""The scores of an attention, and what is read with them."""
SOFTMAX = ("alpha/function/no-softmax", "alpha/axis/i", "last/j")
SCALE = ("e/function/no-sqrt", "e/scale/twice", "e/scale/times", "e/size/d+1")


@of_each(
    {
        attention.soft: (*SOFTMAX, "alpha/transpose/q"),
        attention.learned_query: (*SOFTMAX, "alpha/transpose/q"),
        attention.dot_product: (*SOFTMAX, "alpha/transpose/k"),
        attention.scaled_dot_product: (*SOFTMAX, *SCALE, "c/name/alpha-e"),
        attention.bilinear: (*SOFTMAX, "e/transpose/W", "c/name/alpha-e"),
        attention.additive: (*SOFTMAX, "e/function/no-tanh", "e/transpose/U"),
        attention.key_value: (*SOFTMAX, "alpha/transpose/e"),
    }
)
def it_is_the_expectation_under_the_weights(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the context vector of the weights of its scores."""
    e, v = SCORES[of](a)
    yield Equal(f(**a), value(attention.context_vector, value(attention.weights, e), v))


@property_of(attention.learned_query, kills=("alpha/axis/i", "last/j", "swap/x-q"))
def query_may_come_from_anywhere(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is soft attention: what is learned is the query, not what is done with it."""
    yield Equal(f(**a), value(attention.soft, a["q"], a["x"]))


@property_of(
    attention.hard, kills=("best/transpose/e", "c/mask/>=", "c/mask/late", "c/mask/not", "c/transpose/v", "last/j")
)
def it_is_the_limit_of_growing_scores(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where one score is larger than the others by far, it is key_value: the weights there are 1 and 0."""
    m = a["e"].shape[1]
    best = a["e"].argmax(axis=1)[:, None] == np.arange(m)
    apart = np.where(best, 1024.0, -1024.0)
    yield Equal(f(e=apart, v=a["v"]), value(attention.key_value, apart, a["v"]))
    yield Equal(f(**a), value(attention.key_value, apart, a["v"]))


@property_of(attention.hard, kills=("c/mask/>=", "c/mask/late", "c/mask/>=#2", "c/mask/late#2", "c/mask/not"))
def first_of_equal_scores_is_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where all scores are equal the first value is read; where all but the first are, the second."""
    c = f(**without(a, "e"))
    yield Equal(c, np.broadcast_to(a["v"][0], c.shape))
    if len(a["v"]) > 1:
        later = np.broadcast_to(np.where(np.arange(len(a["v"])) == 0, -1.0, 1.0), a["e"].shape)
        yield Equal(f(e=later, v=a["v"]), np.broadcast_to(a["v"][1], c.shape))


@property_of(attention.hard, kills=("best/transpose/e", "swap/e-v"))
def only_the_order_of_the_scores_counts(f: Function, a: Arguments) -> Iterator[Relation]:
    """Scores halved, or replaced by how many are less, choose the same; values halved are read halved."""
    yield Equal(f(**{**a, "e": a["e"] / 2}), f(**a))
    ranks = (a["e"][:, None, :] < a["e"][:, :, None]).sum(axis=-1).astype(np.float64)
    yield Equal(f(**{**a, "e": ranks}), f(**a))
    yield Equal(f(**{**a, "v": a["v"] / 2}), f(**a) / 2)


@property_of(attention.relu_weights, kills=("alpha/function/no-relu", "alpha/function/gelu", "attention.key_value"))
def negative_scores_are_not_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where no score is positive, 0 is read."""
    yield Equal(f(**{**a, "e": -np.abs(a["e"])}), np.zeros((len(a["e"]), a["v"].shape[1])))


@property_of(attention.relu_weights, kills=("alpha/function/tanh", "attention.key_value", "last/j"))
def positive_scores_are_the_weights(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where no score is negative it is linear_weights; halved scores read half."""
    positive = {**a, "e": np.abs(a["e"])}
    yield Equal(f(**positive), value(attention.linear_weights, **positive))
    yield Equal(f(**{**a, "e": a["e"] / 2}), f(**a) / 2)


@property_of(attention.relu_weights, kills=("alpha/function/no-relu", "alpha/function/tanh", "last/j"))
def what_it_leaves_out_makes_it_linear(f: Function, a: Arguments) -> Iterator[Relation]:
    """It and what the negated scores give, taken off, are linear_weights: relu(e) − relu(−e) = e."""
    yield Equal(f(**a) - f(**negated(a, "e")), value(attention.linear_weights, **a))


@property_of(attention.linear_weights, kills=("c/transpose/e", "c/transpose/v", "last/j", "swap/e-v"))
def scores_stand_for_weights(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the context vector with the scores for weights."""
    yield Equal(f(**a), value(attention.context_vector, a["e"], a["v"]))


@property_of(attention.linear_weights)
def it_is_linear_in_the_scores(f: Function, a: Arguments) -> Iterator[Relation]:
    """Negated scores read the negative, halved ones half."""
    yield Equal(f(**negated(a, "e")), -f(**a))
    yield Equal(f(**{**a, "e": a["e"] / 2}), f(**a) / 2)


@property_of(attention.dot_product, kills=("alpha/axis/i", "last/j"), equal=(("d", "e"),))
def keys_for_values_make_it_soft(f: Function, a: Arguments) -> Iterator[Relation]:
    """With v = k it is soft attention."""
    yield Equal(f(q=a["q"], k=a["k"], v=a["k"]), value(attention.soft, a["q"], a["k"]))


@property_of(attention.bilinear, kills=("alpha/axis/i", "c/name/alpha-e"), equal=(("p", "d"),))
def identity_makes_it_dot_product(f: Function, a: Arguments) -> Iterator[Relation]:
    """With W = I it is attention by inner products."""
    yield Equal(f(**{**a, "W": np.eye(len(a["W"]))}), value(attention.dot_product, a["q"], a["k"], a["v"]))


@of_each(dict.fromkeys((
    attention.key_value, attention.hard, attention.relu_weights, attention.linear_weights, attention.dot_product,
    attention.scaled_dot_product, attention.bilinear, attention.additive,
), ()))  # fmt: skip
def values_have_any_width(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Each column of the values is read on its own."""
    yield Equal(f(**{**a, "v": a["v"][:, :1]}), f(**a)[:, :1])


HIDING = ("alpha/mask/none", "alpha/mask/not")


@of_each({attention.masked: ("alpha/mask/not", "mask/everywhere/not"), attention.masked_empty_is_nan: ("e/exchange",)})
def open_mask_is_no_mask(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every query may look at every key it is attention without a mask."""
    plain = value(attention.scaled_dot_product, a["q"], a["k"], a["v"])
    yield Equal(f(**{**a, "mask": np.ones_like(a["mask"])}), plain)


@of_each({attention.masked: ("alpha/mask/none",), attention.masked_empty_is_nan: ("e/exchange",)})
def masked_keys_never_show(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A key that no query may look at can be any, and so can its value."""
    mask = a["mask"] & (np.arange(len(a["k"])) < len(a["k"]) - 1)
    hidden = ~mask.any(axis=0)[:, None]
    other = {name: np.where(hidden, HIDDEN, a[name]) for name in ("k", "v")}
    yield Equal(f(**{**a, **other, "mask": mask}), f(**{**a, "mask": mask}))


@of_each(
    {
        attention.masked: (*HIDING, *SCALE, "alpha/axis/i", "last/j", "mask/everywhere/transpose/mask"),
        attention.masked_empty_is_nan: ("e/exchange", "alpha/axis/i", "alpha/function/no-softmax", "last/j"),
    }
)
def masked_keys_may_be_left_out(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A query reads what attention without a mask reads from the keys that it may look at."""
    for row, (q, seen) in enumerate(zip(a["q"], a["mask"], strict=True)):
        if seen.any():
            yield Equal(f(**a)[row], value(attention.scaled_dot_product, q[None], a["k"][seen], a["v"][seen])[0])


@of_each({attention.masked: HIDING, attention.masked_empty_is_nan: ("e/exchange", "alpha/axis/i")})
def single_key_is_read_whole(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A query that may look at one key reads its value."""
    looks = np.arange(len(a["q"])) % len(a["k"])
    yield Equal(f(**{**a, "mask": looks[:, None] == np.arange(len(a["k"]))}), a["v"][looks])


@property_of(attention.masked, least={"n": 1}, kills=("attention.masked_empty_is_nan", "mask/everywhere/none"))
def query_that_sees_nothing_reads_0(f: Function, a: Arguments) -> Iterator[Relation]:
    """A query that may look at no key reads 0."""
    yield Equal(f(**blinded(a))[0], np.zeros(a["v"].shape[1]))


@property_of(attention.masked_empty_is_nan, least={"n": 1}, kills=("attention.masked", "e/exchange", "alpha/axis/i"))
def query_that_sees_nothing_reads_nan(f: Function, a: Arguments) -> Iterator[Relation]:
    """A query that may look at no key reads NaN; every other reads what it reads in masked."""
    blind = blinded(a)
    some = blind["mask"].any(axis=-1, keepdims=True)
    yield Equal(f(**blind), np.where(some, value(attention.masked, **blind), np.nan))


def blinded(a: Arguments) -> dict[str, Any]:
    """The first query may look at nothing."""
    return {**a, "mask": a["mask"] & (np.arange(len(a["mask"])) > 0)[:, None]}


@property_of(attention.padded, kills=(*HIDING, *SCALE, "alpha/axis/i", "last/j", "padding_set_to_0"))
def it_is_masked_alike_for_all_queries(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is masked attention with the same row of the mask for every query."""
    yield Equal(
        f(**a), value(attention.masked, **{**a, "mask": np.broadcast_to(a["mask"], (len(a["q"]), len(a["k"])))})
    )


@property_of(attention.padded, kills=(*HIDING, *SCALE, "alpha/axis/i", "padding_set_to_0"), least={"m": 1})
def padding_may_be_left_out(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is attention without a mask over the keys that are not padding."""
    seen = a["mask"] | (np.arange(len(a["k"])) == 0)
    yield Equal(f(**{**a, "mask": seen}), value(attention.scaled_dot_product, a["q"], a["k"][seen], a["v"][seen]))


@property_of(attention.padded, kills=("mask/everywhere/none", "mask/everywhere/not", "finite_padding"))
def padding_alone_reads_0(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every key is padding, 0 is read; where none is, it is attention without a mask."""
    yield Equal(f(**{**a, "mask": np.zeros_like(a["mask"])}), np.zeros((len(a["q"]), a["v"].shape[1])))
    plain = value(attention.scaled_dot_product, a["q"], a["k"], a["v"])
    yield Equal(f(**{**a, "mask": np.ones_like(a["mask"])}), plain)


TRIANGLE = ("alpha/mask/none", "alpha/mask/<", "alpha/mask/>=", "alpha/mask/late", "alpha/mask/not")


def ahead(of: Of, a: Arguments) -> int:
    """How many keys beyond its own place a query may look at."""
    return len(a["k"]) - len(a["q"]) if of is attention.causal else 0


@of_each(
    {
        attention.causal: (*TRIANGLE, *SCALE, "attention.causal_top_left", "alpha/axis/i", "alpha/drop/i", "last/j"),
        attention.causal_top_left: (*TRIANGLE, *SCALE, "attention.causal", "alpha/axis/i", "last/j"),
    }
)
def it_is_masked_by_a_triangle(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is masked attention with j ≤ i + (m − n) for a mask; causal_top_left: j ≤ i."""
    mask = np.tri(len(a["q"]), len(a["k"]), ahead(of, a), dtype=bool)
    yield Equal(f(**a), value(attention.masked, **a, mask=mask))


@of_each(
    {
        attention.causal: ("attention.causal_top_left", "alpha/mask/none", "alpha/mask/>=", "alpha/mask/late"),
        attention.causal_top_left: ("alpha/mask/none", "alpha/mask/>=", "alpha/mask/late"),
    }
)
def future_never_leaks(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """From some key on, keys and values can be any: no query before them changes."""
    m = len(a["k"])
    for first in {m // 2, m - 1}:
        later = (np.arange(m) >= first)[:, None]
        other = {name: np.where(later, HIDDEN, a[name]) for name in ("k", "v")}
        before = max(first - ahead(of, a), 0)
        yield Equal(f(**{**a, **other})[:before], f(**a)[:before])


@of_each({attention.causal: TRIANGLE, attention.causal_top_left: TRIANGLE}, equal=(("n", "m"),))
def alignments_agree_on_a_square(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """For n = m the two alignments are one."""
    other: Of = attention.causal_top_left if of is attention.causal else attention.causal
    yield Equal(f(**a), value(other, **a))


@property_of(attention.causal, least={"n": 1}, kills=("attention.causal_top_left", "alpha/mask/<", "alpha/mask/not"))
def last_query_sees_every_key(f: Function, a: Arguments) -> Iterator[Relation]:
    """What the last query reads is attention without a mask."""
    yield Equal(f(**a)[-1:], value(attention.scaled_dot_product, a["q"][-1:], a["k"], a["v"]))


@property_of(
    attention.causal_top_left, least={"n": 1}, kills=("attention.causal", "alpha/mask/none", "alpha/mask/late")
)
def first_query_reads_the_first_value(f: Function, a: Arguments) -> Iterator[Relation]:
    """The first query may look at the first key alone."""
    yield Equal(f(**a)[0], a["v"][0])


LSE = (
    "lse/drop/top_i", "lse/drop/log(Σ_jexp(e_ij−top_i))", "lse/function/no-log", "lse/function/no-exp",
    "lse/drop/top_i#2", "lse/exchange", "result 2/name/lse-top",
)  # fmt: skip


@property_of(attention.with_lse, kills=(*SCALE, *SOFTMAX, "o/name/alpha-e", "o/transpose/v", "swap/q-k"))
def output_is_attention(f: Function, a: Arguments) -> Iterator[Relation]:
    """The output is scaled dot-product attention."""
    yield Equal(f(**a)[0], value(attention.scaled_dot_product, **a) if len(a["k"]) else np.zeros_like(f(**a)[0]))


@property_of(attention.with_lse, kills=(*LSE, "last/j"), least={"m": 1})
def weights_are_told_by_the_logarithm(f: Function, a: Arguments) -> Iterator[Relation]:
    """α_ij = exp(e_ij − lse_i): with unit vectors for values the output is that."""
    o, lse = f(**{**a, "v": np.eye(len(a["k"]))})
    yield Equal(o, np.exp(value(scores.scaled_dot, a["q"], a["k"]) - lse[:, None]))


@property_of(attention.with_lse, kills=LSE, least={"m": 1})
def logarithm_is_between_the_largest_score_and_that_of_as_many(f: Function, a: Arguments) -> Iterator[Relation]:
    """max e ≤ lse ≤ max e + log m, and log m where all scores are 0."""
    top, m = value(scores.scaled_dot, a["q"], a["k"]).max(axis=1), float(len(a["k"]))
    _, lse = f(**a)
    yield AtMost(top, lse)
    yield AtMost(lse, top + np.log(m))
    yield Equal(f(**without(a, "q"))[1], np.full(len(lse), np.log(m)))


@property_of(attention.with_lse, kills=("swap/k-v", "swap/q-v"))
def values_do_not_change_the_logarithm(f: Function, a: Arguments) -> Iterator[Relation]:
    """With other values the logarithm is the same."""
    yield Equal(f(**without(a, "v"))[1], f(**a)[1])


@property_of(attention.with_lse, kills=(
    "alpha/axis/i", "lse/drop/top_i", "lse/drop/log(Σ_jexp(e_ij−top_i))", "lse/function/no-log", "last/j",
), least={"m": 2})  # fmt: skip
def parts_merge_to_the_whole(f: Function, a: Arguments) -> Iterator[Relation]:
    """What it gives over the first keys and over the others is, merged, what it gives over all."""
    cut = len(a["k"]) // 2
    first, second = ({**a, "k": a["k"][part], "v": a["v"][part]} for part in (slice(cut), slice(cut, None)))
    for merged, whole in zip(value(attention.merge, *f(**first), *f(**second)), f(**a), strict=True):
        yield Equal(merged, whole)


PARTS = ("total/drop/p_{2,i}", "total/drop/p_{1,i}")


@property_of(attention.merge, kills=(
    "total/drop/p_{2,i}", "o/drop/p_{2,i}o_{2,i}", "o/name/o_1-o_2", "o/drop/p_{1,i}",
))  # fmt: skip
def parts_change_places(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is commutative."""
    turned = {"o_1": a["o_2"], "lse_1": a["lse_2"], "o_2": a["o_1"], "lse_2": a["lse_1"]}
    for new, old in zip(f(**turned), f(**a), strict=True):
        yield Equal(new, old)


@property_of(attention.merge, kills=(*PARTS, "everywhere/p_1-p_2", "lse/function/no-log"))
def three_parts_merge_in_any_order(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is associative."""
    one, two = (a["o_1"], a["lse_1"]), (a["o_2"], a["lse_2"])
    three = (-a["o_1"], a["lse_2"] / 2)
    left, right = merged(f, merged(f, one, two), three), merged(f, one, merged(f, two, three))
    for first, second in zip(left, right, strict=True):
        yield Equal(first, second)


def merged(f: Function, one: Any, two: Any) -> Any:
    """Two parts, each with its output and its logarithm, as one."""
    return f(o_1=one[0], lse_1=one[1], o_2=two[0], lse_2=two[1])


@property_of(attention.merge, kills=(
    "p_1/mask/<", "p_2/mask/<", "p_1/exchange", "o/mask/<", "lse/drop/top_i", "total/name/p_1-p_2",
))  # fmt: skip
def part_without_keys_does_not_count(f: Function, a: Arguments) -> Iterator[Relation]:
    """With −∞ for one logarithm the other part is given as it is; with −∞ for both, 0 and −∞."""
    none = np.full_like(a["lse_1"], -np.inf)
    second = f(**{**a, "lse_1": none})
    yield Equal(second[0], a["o_2"])
    yield Equal(second[1], a["lse_2"])
    first = f(**{**a, "lse_2": none})
    yield Equal(first[0], a["o_1"])
    yield Equal(first[1], a["lse_1"])
    neither = f(**{**a, "lse_1": none, "lse_2": none})
    yield Equal(neither[0], np.zeros_like(a["o_1"]))
    yield Equal(neither[1], none)


@property_of(attention.merge, kills=(*PARTS, "o/drop/total_i", "lse/drop/log(total_i)", "lse/function/no-log"))
def equal_parts_are_one_twice_as_large(f: Function, a: Arguments) -> Iterator[Relation]:
    """A part merged with itself has its output, and a logarithm larger by log 2."""
    o, lse = merged(f, (a["o_1"], a["lse_1"]), (a["o_1"], a["lse_1"]))
    yield Equal(o, a["o_1"])
    yield Equal(lse, a["lse_1"] + np.log(2.0))


@property_of(attention.merge, kills=(*PARTS, "o/drop/total_i", "o/drop/p_{1,i}"))
def output_is_between_the_parts(f: Function, a: Arguments) -> Iterator[Relation]:
    """Every component lies between those of the two parts."""
    o, _ = f(**a)
    yield AtMost(o, np.maximum(a["o_1"], a["o_2"]))
    yield AtMost(np.minimum(a["o_1"], a["o_2"]), o)


@property_of(
    attention.incremental, kills=(*SCALE, "alpha/function/no-softmax", "o/name/alpha-e", "last/j", "e/name/q-k_new")
)
def output_is_attention_over_all_that_is_stored(f: Function, a: Arguments) -> Iterator[Relation]:
    """The output is scaled dot-product attention over the keys and values that are handed back."""
    o, K, V = f(**a)
    yield Equal(o, value(attention.scaled_dot_product, a["q"][None], K, V)[0])


@property_of(attention.incremental, kills=(
    "K_next/exchange", "V_next/exchange", "K_next/name/k_new-q", "swap/q-k_new", "swap/k_new-v_new", "swap/K-V",
))  # fmt: skip
def new_ones_are_stored_last(f: Function, a: Arguments) -> Iterator[Relation]:
    """What was stored stays as it was, and behind it stand the new key and value."""
    _, K, V = f(**a)
    yield Equal(K[:-1], a["K"])
    yield Equal(K[-1], a["k_new"])
    yield Equal(V[:-1], a["V"])
    yield Equal(V[-1], a["v_new"])


@property_of(attention.incremental, kills=(
    *SCALE, "alpha/function/no-softmax", "K_next/name/k_new-q", "e/name/q-k_new", "last/j",
), least={"t": 2})  # fmt: skip
def steps_are_the_rows_of_causal(f: Function, a: Arguments) -> Iterator[Relation]:
    """Step by step from the first key on, with the negated keys for queries, it gives the rows of causal attention."""
    whole = value(attention.causal, -a["K"], a["K"], a["V"])
    K, V = a["K"][:1], a["V"][:1]
    for row in range(1, len(a["K"])):
        o, K, V = f(q=-a["K"][row], k_new=a["K"][row], v_new=a["V"][row], K=K, V=V)
        yield Equal(o, whole[row])
    yield Equal(K, a["K"])
    yield Equal(V, a["V"])


@property_of(attention.incremental, kills=("alpha/function/no-softmax", "o/drop/α_j", "result 1/name/o-v_new"))
def indifferent_query_reads_the_mean_of_all(f: Function, a: Arguments) -> Iterator[Relation]:
    """With q = 0 the mean of the stored values and the new one is read."""
    o, _, V = f(**without(a, "q"))
    yield Equal(o, V.mean(axis=0))


READOUT = ("p/function/no-softmax", "p/axis/j", "last/w")


@property_of(attention.layer_readout, kills=("p/function/no-softmax", "p/axis/j"))
def words_have_probabilities(f: Function, a: Arguments) -> Iterator[Relation]:
    """No probability is negative, and at each position they sum to 1."""
    p = f(**a)
    yield AtMost(0.0, p)
    yield Equal(p.sum(axis=-1), np.ones(len(p)))


@property_of(attention.layer_readout, kills=(*READOUT, "e/twice/b", "e/drop/b", "e/transpose/W"))
def it_is_softmax_of_a_linear_layer(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is softmax of c W + b over the words."""
    yield Equal(f(**a), value(attention.weights, a["c"] @ a["W"] + a["b"]))


@property_of(attention.layer_readout, kills=(*READOUT, "e/twice/b", "e/drop/b"))
def without_attention_the_bias_decides(f: Function, a: Arguments) -> Iterator[Relation]:
    """With c = 0 every position has the distribution of the bias; without that too, all words are alike."""
    alike = without(a, "c")
    p = f(**alike)
    yield Equal(p, np.broadcast_to(value(attention.weights, a["b"][None]), p.shape))
    yield Equal(f(**without(alike, "b")), np.full(p.shape, 1 / p.shape[1]))


@property_of(attention.layer_readout, kills=("p/axis/j",))
def positions_are_read_alone(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each position, computed alone, is its row in the whole."""
    yield Equal(f(**{**a, "c": a["c"][:1]}), f(**a)[:1])


@property_of(attention.into_readout, kills=("the result/exchange", "the result/drop/b", "the result/drop/[s;a]W"))
def each_part_has_rows_of_its_own(f: Function, a: Arguments) -> Iterator[Relation]:
    """The matrix cut below the rows of the state: it is s W_s + a W_a + b."""
    W_s, W_a = np.split(a["W"], [len(a["s"])])
    yield Equal(f(**a), a["s"] @ W_s + a["a"] @ W_a + a["b"])


@property_of(attention.into_readout, kills=("the result/drop/b", "the result/twice/b"))
def nothing_read_leaves_the_bias(f: Function, a: Arguments) -> Iterator[Relation]:
    """With s = 0 and a = 0 the output is the bias, and with the bias 0 it is linear in both."""
    yield Equal(f(**without(a, "s", "a")), a["b"])
    plain = without(a, "b")
    yield Equal(f(**plain), f(**without(plain, "s")) + f(**without(plain, "a")))


@of_each(dict.fromkeys((attention.into_next_step, attention.into_next_layer), ("the result/exchange",)))
def what_was_attended_comes_last(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """What was there comes first, what was attended behind it, both as they are."""
    own = a[of.definition.parameters[0].name]
    joined = f(**a)
    yield Equal(joined[: len(own)], own)
    yield Equal(joined[len(own) :], a["a"])


def from_nothing(a: Arguments) -> dict[str, Any]:
    """The sums as they are before the first block."""
    return {"top": np.full_like(a["top"], -np.inf), "total": np.zeros_like(a["total"]), "o": np.zeros_like(a["o"])}


@property_of(attention.block_step, least={"m": 3}, kills=("total_next/drop/shrunk_i", "o_next/drop/shrunk_i"))
def two_blocks_are_one_twice_as_long(f: Function, a: Arguments) -> Iterator[Relation]:
    """Two blocks one after the other give the sums of one block over both."""
    half = (len(a["k"]) + 1) // 2
    start = {**a, **from_nothing(a), "block": half}
    names = ("top", "total", "o")
    between = f(**{**start, "first": 0})
    twice = f(**{**start, "first": half, **dict(zip(names, between, strict=True))})
    whole = f(**{**start, "first": 0, "block": 2 * half})
    yield Equal(twice[2] / twice[1][:, None], whole[2] / whole[1][:, None])


@property_of(
    attention.blocked, kills=("top, total, o/shrunk/exchange", "top, total, o/o_next/drop/shrunk_i"), least={"m": 2}
)
def blocks_make_no_difference(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is scaled dot-product attention, whatever the size of the blocks."""
    yield Equal(f(**a), value(attention.scaled_dot_product, a["q"], a["k"], a["v"]))
    yield Equal(f(**{**a, "block": 1}), f(**a))
