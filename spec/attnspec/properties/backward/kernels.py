"""What must hold of gradients: of all in `_gradients`, of those through time in `_through_time`, of others here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, backward, transformer
from attnspec.language.equation import Equation
from attnspec.properties.backward.gradients import gradients
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, several, value, without

Of = Equation[..., Any]
SCALES = ("d_q/drop/√d", "d_q/scale/twice", "d_k/drop/√d", "d_k/scale/twice")
SCORES = (
    *SCALES, "e/drop/√d", "p/axis/i", "d_e/drop/D_i", "d_e/drop/p_ij", "d_v/transpose/d_o", "swap/q-k", "swap/k-v",
    "last/i", "last/j",
)  # fmt: skip

gradients({
    backward.softmax_rows: (
        "alpha/function/no-softmax", "alpha/axis/i", "D/drop/α_ij", "d_e/drop/D_i", "d_e/drop/α_ij", "d_e/exchange",
        "swap/d_alpha-e", "last/j",
    ),
    backward.linear: ("d_x/transpose/W", "d_W/transpose/x", "last/t", "d_W/name/x-d_x"),
    backward.layer_norm: (
        "d_x/drop/by_mean", "d_x/drop/by_variance", "d_x_hat/drop/γ_k", "d_x/drop/s", "s/drop/eps", "mu/size/d+1",
        "d_gamma/drop/x̂_k", "everywhere/by_mean-by_variance", "swap/d_y-x",
    ),
    backward.scaled_dot: (*SCALES, "d_q/size/d+1", "swap/q-k", "d_k/transpose/d_e", "last/i", "last/j"),
    backward.additive: (
        "f/function/no-tanh", "f/function/sigmoid", "d_f/drop/1−f_ij⊙f_ij", "d_f/drop/v_a", "d_f/constant/double",
        "d_f/exchange", "d_f/drop/f_ij", "d_s/transpose/W", "swap/W-U", "last/i", "last/j",
    ),
    backward.scaled_dot_product: (
        *SCORES, "p/function/no-softmax", "d_e/exchange",
    ),
    backward.masked: (
        *SCORES, "p/mask/none", "d_v/mask/not", "d_e/exchange", "mask/everywhere/none", "mask/everywhere/not",
    ),
    backward.causal: (
        *SCORES, "p/mask/none", "p/mask/<", "d_k/mask/<", "d_v/mask/>=", "mask/everywhere/drop/m−n",
        "mask/everywhere/none",
    ),
    backward.multihead_attention: (
        "d_W_k/name/d_k-d_v", "d_x_kv/drop/∂vW_vᵀ", "d_x_kv/drop/∂kW_kᵀ", "order/qvk",
        "d_W_o/name/head-d_q_head", "head/e/drop/√d", "d_head/parts/heads/interleaved", "d_q/heads/no-transpose",
        "swap/x_q-x_kv",
    ),
})  # fmt: skip


@property_of(backward.softmax_rows, kills=("alpha/axis/i", "d_e/drop/D_i", "d_e/drop/α_ij", "D/drop/α_ij"))
def what_all_weights_share_teaches_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With a constant added to the gradients of a row of weights the scores' gradients stay."""
    whole = np.round(np.clip(a["d_alpha"], -8, 8))
    yield Equal(f(**{**a, "d_alpha": whole + 4}), f(**{**a, "d_alpha": whole}))


@property_of(backward.softmax_rows, kills=("alpha/function/no-softmax", "d_e/name/d_alpha-e", "D/name/d_alpha-e"))
def what_all_scores_share_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With a constant added to a row of scores the gradients stay."""
    whole = np.round(np.clip(a["e"], -8, 8))
    yield Equal(f(**{**a, "e": whole + 64}), f(**{**a, "e": whole}))


@property_of(backward.linear, kills=("last/t",))
def rows_add_up(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each row hands back on its own, and what they teach matrix and bias is added up."""
    cut = len(a["x"]) // 2
    whole = f(**a)
    parts = [f(**{**a, "x": a["x"][part], "d_y": a["d_y"][part]}) for part in (slice(cut), slice(cut, None))]
    yield Equal(np.concatenate([each[0] for each in parts]), whole[0])
    for place in (1, 2):
        yield Equal(parts[0][place] + parts[1][place], whole[place])


@property_of(backward.layer_norm, kills=("d_x/drop/by_mean", "mu/size/d+1"))
def what_all_components_share_teaches_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the gain 1, a constant added to the gradients of all components does not change ∂x."""
    plain = {**a, "gamma": np.ones_like(a["gamma"]), "d_y": np.round(np.clip(a["d_y"], -8, 8))}
    yield Equal(f(**{**plain, "d_y": plain["d_y"] + 4})[0], f(**plain)[0])


@property_of(backward.layer_norm, kills=("d_gamma/drop/x̂_k", "result 3/name/d_y-x", "x_hat/drop/μ", "swap/d_y-x"))
def gain_and_shift_learn_from_their_own_component(f: Function, a: Arguments) -> Iterator[Relation]:
    """∂β is ∂y, and ∂γ is what the norm makes of x, without gain and shift, times ∂y; with the gain 0, ∂x is 0."""
    _, d_gamma, d_beta = f(**a)
    yield Equal(d_beta, a["d_y"])
    zero, one = np.zeros_like(a["beta"]), np.ones_like(a["gamma"])
    yield Equal(d_gamma, a["d_y"] * value(transformer.layer_norm, a["x"], one, zero, eps=a["eps"]))
    yield Equal(f(**without(a, "gamma"))[0], zero)


@property_of(backward.additive, kills=("d_f/drop/v_a", "d_f/name/v_a-d_v_a"))
def silent_features_teach_only_their_readout(f: Function, a: Arguments) -> Iterator[Relation]:
    """With v_a = 0 nothing but v_a learns, and it learns what it learns with any v_a."""
    *rest, d_v_a = f(**without(a, "v_a"))
    for found in rest:
        yield Equal(found, np.zeros_like(found))
    yield Equal(d_v_a, f(**a)[-1])


ALIKE: dict[Of, tuple[str, ...]] = {
    backward.scaled_dot: (*SCALES, "d_k/transpose/q"),
    backward.scaled_dot_product: (*SCALES, "d_q/name/d_e-p", "d_k/transpose/q"),
    backward.masked: (*SCALES, "d_q/name/d_e-p", "d_k/mask/not"),
    backward.causal: (*SCALES, "d_q/name/d_e-p", "d_k/mask/<", "d_q/mask/<"),
}


@of_each(ALIKE)
def queries_and_keys_learn_alike(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Σ_i q_i·∂q_i = Σ_j k_j·∂k_j, since queries times c and keys over c have the same scores."""
    d_q, d_k, *_ = several(f(**a))
    yield Equal((a["q"] * d_q).sum(), (a["k"] * d_k).sum())


@of_each(
    {
        backward.scaled_dot_product: ("p/function/no-softmax", "p/axis/i", "d_v/name/p-e", "last/i"),
        backward.masked: ("p/axis/i", "d_v/name/p-e", "last/i", "mask/everywhere/not"),
        backward.causal: ("p/axis/i", "d_v/name/p-e", "last/i", "mask/everywhere/none", "mask/everywhere/mask/late"),
    }
)
def values_share_the_gradients_of_what_was_read(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Σ_j ∂v_j = Σ_i ∂o_i over the queries that see a key, since their weights sum to 1."""
    _, _, d_v = f(**a)
    yield Equal(d_v.sum(axis=0), (a["d_o"] * looks(of, a).any(axis=-1)[:, None]).sum(axis=0))


def looks(of: Of, a: Arguments) -> Any:
    """Which query may look at which key."""
    n, m = len(a["q"]), len(a["k"])
    return a["mask"] if of is backward.masked else np.tri(n, m, m - n if of is backward.causal else m, dtype=bool)


@property_of(backward.masked, kills=("mask/everywhere/none", "mask/everywhere/not"))
def query_that_sees_nothing_hands_nothing_back(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where no query may look at a key, all gradients are 0; one that sees nothing is as if it were not there."""
    for found in f(**{**a, "mask": np.zeros_like(a["mask"])}):
        yield Equal(found, np.zeros_like(found))
    blind = {**a, "mask": a["mask"] & (np.arange(len(a["mask"])) > 0)[:, None]}
    rest = f(**{**blind, **{name: blind[name][1:] for name in ("d_o", "q", "mask")}})
    for found, other in zip(f(**blind)[1:], rest[1:], strict=True):
        yield Equal(found, other)


@property_of(backward.masked, kills=("d_e/exchange", "mask/everywhere/transpose/mask", "d_v/mask/not"))
def open_mask_is_no_mask(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every query may look at every key it is the gradient without a mask; keys that none may see get 0."""
    plain = {name: array for name, array in a.items() if name != "mask"}
    for found, other in zip(
        f(**plain, mask=np.ones_like(a["mask"])), value(backward.scaled_dot_product, **plain), strict=True
    ):
        yield Equal(found, other)
    hidden = np.arange(len(a["k"])) == 0
    for found in f(**plain, mask=a["mask"] & ~hidden)[1:]:
        yield Equal(found[:1], np.zeros_like(found[:1]))


@property_of(backward.causal, kills=(
    "p/mask/none", "d_k/mask/<", "d_v/mask/>=", "mask/everywhere/drop/m−n", "mask/everywhere/none",
))  # fmt: skip
def it_is_masked_by_a_triangle(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the gradient of masked attention with j ≤ i + (m − n) for a mask."""
    for found, other in zip(f(**a), value(backward.masked, **a, mask=looks(backward.causal, a)), strict=True):
        yield Equal(found, other)


@property_of(backward.multihead_attention, kills=(
    "d_x_q/name/W_q-W_k", "head/e/drop/√d", "d_W_o/name/head-d_q_head",
))  # fmt: skip
def one_head_is_attention_between_linear_layers(f: Function, a: Arguments) -> Iterator[Relation]:
    """With one head it is the gradient of attention, between those of four linear layers."""
    q, k, v = a["x_q"] @ a["W_q"], a["x_kv"] @ a["W_k"], a["x_kv"] @ a["W_v"]
    d_q, d_k, d_v = value(backward.scaled_dot_product, a["d_o"] @ a["W_o"].T, q, k, v)
    d_x_q, d_x_kv, d_W_q, d_W_k, d_W_v, d_W_o = f(**{**a, "heads": 1})
    yield Equal(d_x_q, d_q @ a["W_q"].T)
    yield Equal(d_x_kv, d_k @ a["W_k"].T + d_v @ a["W_v"].T)
    yield Equal(d_W_q, a["x_q"].T @ d_q)
    yield Equal(d_W_k, a["x_kv"].T @ d_k)
    yield Equal(d_W_v, a["x_kv"].T @ d_v)
    yield Equal(d_W_o, value(attention.scaled_dot_product, q, k, v).T @ a["d_o"])


@property_of(backward.scaled_dot_product, kills=("d_e/drop/D_i", "d_e/drop/p_ij", "d_q/name/d_e-d_p", "p/axis/i"))
def what_all_keys_share_teaches_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With a vector added to every key, ∂q and ∂v stay: the gradients of a row of scores sum to 0."""
    whole = np.round(np.clip(a["k"], -8, 8))
    d_q, _, d_v = f(**{**a, "k": whole})
    shifted, _, same = f(**{**a, "k": whole + 4})
    yield Equal(shifted, d_q)
    yield Equal(same, d_v)


@property_of(backward.scaled_dot_product, kills=("d_v/name/p-e", "e/drop/√d"), equal=(("m", "e"),))
def unit_values_show_the_weights(f: Function, a: Arguments) -> Iterator[Relation]:
    """∂v_j of one query with the gradient c is p_j c: what the query reads of unit vectors, times c."""
    one = {**a, "q": a["q"][:1], "d_o": a["d_o"][:1]}
    _, _, d_v = f(**one)
    if len(a["q"]):
        (p,) = value(attention.scaled_dot_product, a["q"][:1], a["k"], np.eye(len(a["k"])))
        yield Equal(d_v, p[:, None] * a["d_o"][0])


@property_of(backward.cross_entropy)
def pushes_cancel(f: Function, a: Arguments) -> Iterator[Relation]:
    """What the target's score gains the others lose: the gradient sums to 0."""
    yield Equal(f(**a).sum(), np.zeros(()))


@property_of(backward.embedding)
def rows_gather_where_their_token_stood(f: Function, a: Arguments) -> Iterator[Relation]:
    """Rows of tokens that do not occur get nothing, and all rows together get what known tokens gave."""
    d_P = f(**a)
    absent = ~np.isin(np.arange(len(a["P"])), a["k"])
    yield Equal(d_P[absent], np.zeros_like(d_P[absent]))
    yield Equal(d_P.sum(axis=0), a["d_x"][a["k"] >= 0].sum(axis=0))


@property_of(backward.embedding_padding_idx, kills=("padding_learns", "d_P/exchange", "d_P/mask/late"))
def padding_alone_gets_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """The row of padding gets nothing, and every other row what embedding's gradient gives it."""
    d_P = f(**a)
    every = value(backward.embedding, a["d_x"], a["k"], a["P"])
    yield Equal(d_P, np.where(np.arange(len(a["P"]))[:, None] == a["padding_idx"], 0, every))
