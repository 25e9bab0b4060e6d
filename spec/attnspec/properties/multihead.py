"""What must hold of several heads side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, multihead, scores
from attnspec.language.equation import Equation
from attnspec.properties.attention import HIDDEN
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, rolled, value, without

Of = Equation[..., Any]
SINGLE: dict[Of, Of] = {
    multihead.attention: attention.scaled_dot_product,
    multihead.masked: attention.masked,
    multihead.causal: attention.causal,
}
"""What each head computes."""
HEADS = ("q/parts/heads/interleaved", "v/heads/reshaped", "the result/heads/no-transpose")
SCALE = ("head/e/function/no-sqrt", "head/e/scale/twice", "head/e/size/d+1")
NAMES = ("order/kqv", "everywhere/k-v", "q/name/W_q-W_k", "the result/memory/W_o")
BIASED = ("q_h/parts/heads/interleaved", "v_h/heads/reshaped", "c/heads/no-transpose", "c/heads/interleaved")


@property_of(multihead.split_heads, kills=("parts/heads/interleaved", "heads/reshaped"))
def head_takes_its_columns(f: Function, a: Arguments) -> Iterator[Relation]:
    """Head h has the columns h·d to (h+1)·d."""
    yield Equal(f(**a), np.stack(np.split(a["x"], a["heads"], axis=1)))


@property_of(multihead.split_heads, kills=("parts/heads/interleaved", "heads/reshaped"))
def concat_undoes_split(f: Function, a: Arguments) -> Iterator[Relation]:
    """The heads end to end are what was split."""
    yield Equal(value(multihead.concat_heads, f(**a)), a["x"])


@property_of(multihead.concat_heads, kills=("the result/heads/no-transpose", "the result/heads/interleaved"))
def heads_stand_end_to_end(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each row has head after head."""
    yield Equal(f(**a), np.concatenate(list(a["x"]), axis=1))


@property_of(multihead.concat_heads, kills=("the result/heads/no-transpose", "the result/heads/interleaved"))
def split_undoes_concat(f: Function, a: Arguments) -> Iterator[Relation]:
    """What is put end to end can be split again."""
    yield Equal(value(multihead.split_heads, f(**a), heads=len(a["x"])), a["x"])


def of_head(a: Arguments, *heads: int) -> dict[str, Any]:
    """Some heads alone, in this order: their columns of W_q, W_k, W_v and of the biases, their rows of W_o."""
    width = len(a["W_o"]) // a["heads"]
    chosen = np.concatenate([np.arange(head * width, (head + 1) * width) for head in heads])
    cut = {name: a[name][..., chosen] for name in ("W_q", "W_k", "W_v", "b_q", "b_k", "b_v") if name in a}
    return {**a, **cut, "W_o": a["W_o"][chosen], "heads": len(heads)}


def single(of: Of, a: Arguments) -> Any:
    """What one head reads, before W_o."""
    mask = {"mask": a["mask"]} if "mask" in a else {}
    return value(SINGLE[of], a["x_q"] @ a["W_q"], a["x_kv"] @ a["W_k"], a["x_kv"] @ a["W_v"], **mask)


@property_of(multihead.relu, kills=(
    "head/alpha/function/no-relu", "head/alpha/function/tanh", "e/e/function/no-sqrt", "multihead.attention",
    "q/name/W_q-W_k", "q/parts/heads/interleaved",
))  # fmt: skip
def it_is_the_sum_over_heads_that_read_by_relu(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the sum of what each head reads with relu of its scores, through that head's rows of W_o."""
    read = []
    for own in (of_head(a, head) for head in range(a["heads"])):
        e = value(scores.scaled_dot, own["x_q"] @ own["W_q"], own["x_kv"] @ own["W_k"])
        read.append(value(attention.relu_weights, e, own["x_kv"] @ own["W_v"]) @ own["W_o"])
    yield Equal(f(**a), np.sum(read, axis=0))


@property_of(multihead.relu, kills=("multihead.attention", "head/alpha/function/tanh"))
def doubled_queries_read_twice_as_much(f: Function, a: Arguments) -> Iterator[Relation]:
    """Weights that are not normalised grow with the scores: with W_q doubled the output is doubled."""
    yield Equal(f(**{**a, "W_q": 2 * a["W_q"]}), 2 * f(**a))


@of_each(dict.fromkeys(SINGLE, (*SCALE, *NAMES)))
def one_head_is_single_attention(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With H = 1 it is the attention of one head, followed by W_o."""
    yield Equal(f(**{**a, "heads": 1}), single(of, {**a, "heads": 1}) @ a["W_o"])


@of_each(dict.fromkeys(SINGLE, (*HEADS, *SCALE, *NAMES)))
def it_is_the_sum_over_its_heads(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the sum of what each head reads, through that head's rows of W_o."""
    heads = [of_head(a, head) for head in range(a["heads"])]
    yield Equal(f(**a), np.sum([single(of, head) @ head["W_o"] for head in heads], axis=0))


PLAIN: dict[Of, Of] = {
    multihead.attention_biased: multihead.attention,
    multihead.masked_biased: multihead.masked,
    multihead.padded_biased: multihead.masked,
    multihead.causal_biased: multihead.causal,
}
"""Attentions with biases, each with the one that it is without."""
ALL: dict[Of, tuple[str, ...]] = {**dict.fromkeys(SINGLE, HEADS), **dict.fromkeys(PLAIN, BIASED)}


@of_each(ALL)
def heads_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the heads permuted, together with their rows of W_o, nothing changes."""
    yield Equal(f(**of_head(a, *np.roll(np.arange(a["heads"]), 1))), f(**a))


@of_each(ALL, least={"H": 2})
def head_that_is_not_read_is_absent(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A head whose rows of W_o are 0 may be left out."""
    width = len(a["W_o"]) // a["heads"]
    unread = np.where((np.arange(len(a["W_o"])) < width)[:, None], 0.0, a["W_o"])
    yield Equal(f(**{**a, "W_o": unread}), f(**of_head(a, *range(1, a["heads"]))))


@of_each({multihead.attention: ("head/last/j",), multihead.masked: ("head/last/j",),
          multihead.attention_biased: ("head/last/j",), multihead.masked_biased: ("head/last/j",),
          multihead.padded_biased: ("head/last/j",), multihead.queries: ("c/last/j",)})  # fmt: skip
def keys_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With what is asked permuted, and the mask, nothing changes."""
    yield Equal(f(**rolled(of, a, "m")), f(**a))


@property_of(multihead.masked, kills=("head/alpha/mask/not", "head/mask/everywhere/not"))
def open_mask_is_no_mask(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every query may look at every key it is multi-head attention without a mask."""
    plain = {name: array for name, array in a.items() if name != "mask"}
    yield Equal(f(**{**a, "mask": np.ones_like(a["mask"])}), value(multihead.attention, **plain))


@property_of(multihead.masked, kills=("head/alpha/mask/none", "head/mask/everywhere/none"))
def masked_keys_never_show(f: Function, a: Arguments) -> Iterator[Relation]:
    """What no query may look at can be anything."""
    mask = a["mask"] & (np.arange(len(a["x_kv"])) < len(a["x_kv"]) - 1)
    other = np.where(mask.any(axis=0)[:, None], a["x_kv"], HIDDEN)
    yield Equal(f(**{**a, "x_kv": other, "mask": mask}), f(**{**a, "mask": mask}))


@property_of(multihead.masked, least={"n": 1}, kills=("head/mask/everywhere/none",))
def query_that_sees_nothing_reads_0(f: Function, a: Arguments) -> Iterator[Relation]:
    """A query that may look at nothing gives 0."""
    mask = a["mask"] & (np.arange(len(a["mask"])) > 0)[:, None]
    yield Equal(f(**{**a, "mask": mask})[0], np.zeros(a["W_o"].shape[1]))


@property_of(multihead.causal, kills=("head/alpha/mask/none", "head/alpha/mask/<", "head/alpha/mask/late"))
def it_is_masked_by_a_triangle(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is masked with j ≤ i + (m − n) for a mask."""
    n, m = len(a["x_q"]), len(a["x_kv"])
    yield Equal(f(**a), value(multihead.masked, **a, mask=np.tri(n, m, m - n, dtype=bool)))


@property_of(multihead.causal, kills=("head/alpha/mask/none", "head/alpha/mask/late", "head/alpha/mask/>="))
def future_never_leaks(f: Function, a: Arguments) -> Iterator[Relation]:
    """What comes last can be anything: no query but the last changes."""
    later = (np.arange(len(a["x_kv"])) == len(a["x_kv"]) - 1)[:, None]
    yield Equal(f(**{**a, "x_kv": np.where(later, HIDDEN, a["x_kv"])})[:-1], f(**a)[:-1])


BIASES = ("b_q", "b_k", "b_v", "b_o")


def unbiased(of: Of, a: Arguments) -> dict[str, Any]:
    """What the attention without biases takes: a row of padding is one mask for all queries."""
    plain = {name: array for name, array in a.items() if name not in BIASES}
    if of is multihead.padded_biased:
        plain["mask"] = np.broadcast_to(a["mask"], (len(a["x_q"]), len(a["x_kv"])))
    return plain


UNBIASED = (*BIASED, *SCALE, "order/kqv", "everywhere/k-v", "q/name/W_q-W_k")
SEEN = ("head/alpha/mask/none", "head/alpha/mask/not", "head/mask/everywhere/none", "head/mask/everywhere/not")


@of_each({
    multihead.attention_biased: UNBIASED,
    multihead.masked_biased: (*UNBIASED, *SEEN),
    multihead.padded_biased: (*UNBIASED, *SEEN),
    multihead.causal_biased: (*UNBIASED, *SEEN),
})  # fmt: skip
def zero_biases_leave_the_plain_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With zero biases it is multi-head attention."""
    yield Equal(f(**without(a, *BIASES)), value(PLAIN[of], **unbiased(of, a)))


@of_each(dict.fromkeys(PLAIN, ("q/drop/b_q", "v/drop/b_v", "c/drop/b_o", "q/name/b_q-b_k", "v/name/b_v-b_q")))
def biases_are_rows_of_the_weights(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With a column of ones beside the inputs, b_q, b_k and b_v are one more row of W_q, W_k and W_v."""
    wide = {name: np.pad(a[name], ((0, 0), (0, 1)), constant_values=1.0) for name in ("x_q", "x_kv")}
    tall = {f"W_{kind}": np.concatenate([a[f"W_{kind}"], a[f"b_{kind}"][None]]) for kind in "qkv"}
    W_o = np.pad(a["W_o"], ((0, 0), (0, 1)))
    plain = value(PLAIN[of], **{**unbiased(of, a), **wide, **tall, "W_o": W_o})
    yield Equal(f(**a), plain[:, :-1] + a["b_o"])


@of_each(
    {multihead.masked_biased: ("biased_finite_mask",), multihead.padded_biased: ("biased_finite_padding",)},
    least={"n": 1},
)
def what_sees_nothing_gives_the_last_bias(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A query that may look at nothing reads 0, and so gives b_o."""
    blind = f(**{**a, "mask": np.zeros_like(a["mask"])})
    yield Equal(blind, np.broadcast_to(a["b_o"], blind.shape))


@property_of(multihead.causal_biased, kills=("head/alpha/mask/none", "head/alpha/mask/late", "head/alpha/mask/<"))
def it_is_masked_biased_by_a_triangle(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is masked_biased with j ≤ i + (m − n) for a mask."""
    n, m = len(a["x_q"]), len(a["x_kv"])
    yield Equal(f(**a), value(multihead.masked_biased, **a, mask=np.tri(n, m, m - n, dtype=bool)))


@property_of(multihead.attention_biased, kills=("v/name/b_v-b_k", "v/drop/b_v", "c/drop/b_o"))
def value_bias_passes_and_key_bias_is_lost(f: Function, a: Arguments) -> Iterator[Relation]:
    """Weights sum to 1: b_v comes through as it is, b_v W_o, and b_k, alike for every key, does nothing."""
    plain = f(**without(a, "b_k", "b_v", "b_o"))
    yield Equal(f(**a), plain + a["b_v"] @ a["W_o"] + a["b_o"])


@property_of(multihead.self_attention_biased, kills=("the result/q/drop/b_q", "the result/k/name/W_k-W_v"))
def it_is_attention_of_a_sequence_to_itself(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is attention_biased with one sequence for queries and keys."""
    rest = {name: array for name, array in a.items() if name != "x"}
    yield Equal(f(**a), value(multihead.attention_biased, x_q=a["x"], x_kv=a["x"], **rest))


@property_of(multihead.self_attention_biased, kills=("the result/head/last/j",))
def order_of_the_sequence_is_not_seen(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the rows of x permuted, the rows of the result are permuted in the same way."""
    order = np.roll(np.arange(len(a["x"])), 1)
    yield Equal(f(**{**a, "x": a["x"][order]}), f(**a)[order])


@property_of(multihead.queries, kills=("c/e/function/no-sqrt", "c/alpha/axis/i", "the result/heads/interleaved"))
def queries_are_answered_end_to_end(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is scaled dot-product attention, row after row."""
    yield Equal(f(**a), value(attention.scaled_dot_product, **a).reshape(-1))


@property_of(multihead.queries, kills=("c/alpha/axis/i", "the result/heads/interleaved"))
def each_query_is_answered_alone(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each query, asked alone, is answered as in the whole."""
    yield Equal(np.concatenate([f(**{**a, "q": q[None]}) for q in a["q"]]), f(**a))
