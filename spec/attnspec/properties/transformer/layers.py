"""What must hold of the Transformer's layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import multihead, position, transformer
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.shared import negated, of_each, rolled, value, within, without

Of = Equation[..., Any]
CENTRED = ("y/drop/μ", "y/name/mu-variance", "mu/drop/d", "mu/scale/times", "mu/size/d+1")
SPREAD = ("variance/drop/d", "variance/scale/twice", "variance/size/d+1", "y/drop/√(variance+eps)")


def whole(a: Arguments) -> Any:
    """The input as whole numbers, to which more can be added without rounding."""
    return np.round(np.clip(a["x"], -64, 64))


@property_of(transformer.layer_norm, kills=(*CENTRED, "y/drop/β_k", "y/exchange", "swap/gamma-beta"))
def constant_input_gives_the_shift(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where all components are equal, what is left is beta."""
    yield Equal(f(**{**a, "x": np.full_like(a["x"], whole(a)[0])}), a["beta"])


@property_of(transformer.layer_norm, kills=(*CENTRED, "variance/drop/x_k−μ", "variance/drop/x_k", "last/k"))
def common_shift_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With a constant added to every component nothing changes."""
    yield Equal(f(**{**a, "x": whole(a) + 128.0}), f(**{**a, "x": whole(a)}))


@property_of(transformer.layer_norm, kills=(
    "y/bracket/sqrt-eps", "y/function/no-sqrt", "y/scale/twice", "y/scale/times", "y/drop/√(variance+eps)",
    "variance/drop/x_k−μ",
))  # fmt: skip
def scale_passes_to_eps(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the input doubled and eps four times as large nothing changes."""
    yield Equal(f(**{**a, "x": 2 * whole(a), "eps": 4 * a["eps"]}), f(**{**a, "x": whole(a)}))


@property_of(transformer.layer_norm, kills=(*CENTRED, *SPREAD, "y/bracket/sqrt-eps", "y/drop/eps", "last/k"))
def mean_is_0_and_variance_almost_1(f: Function, a: Arguments) -> Iterator[Relation]:
    """Without gain and shift the components sum to 0, and their squares to d σ²/(σ² + ε)."""
    y = f(**{**a, "gamma": np.ones_like(a["gamma"]), "beta": np.zeros_like(a["beta"])})
    variance = np.var(a["x"])
    yield Equal(y.sum(), 0.0)
    yield Equal((y * y).sum(), len(y) * variance / (variance + a["eps"]))


@property_of(transformer.layer_norm, kills=("y/exchange#2", "y/drop/variance", "variance/drop/x_k", *CENTRED, *SPREAD))
def it_is_the_input_less_its_mean_and_shorter(f: Function, a: Arguments) -> Iterator[Relation]:
    """Without gain and shift it points where the input less its mean does: times √(σ² + ε) it is that."""
    y = f(**{**a, "gamma": np.ones_like(a["gamma"]), "beta": np.zeros_like(a["beta"])})
    yield Equal(y * np.sqrt(np.var(a["x"]) + a["eps"]), a["x"] - a["x"].mean())


@property_of(transformer.layer_norm, kills=("y/drop/γ_k", "y/drop/β_k", "swap/gamma-beta"))
def gain_and_shift_come_last(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each component is normalised, then multiplied by its gain and moved by its shift."""
    plain = f(**{**a, "gamma": np.ones_like(a["gamma"]), "beta": np.zeros_like(a["beta"])})
    yield Equal(f(**a), a["gamma"] * plain + a["beta"])


@property_of(transformer.layer_norm, kills=("swap/gamma-beta", "y/drop/β_k"))
def it_is_odd_but_for_the_shift(f: Function, a: Arguments) -> Iterator[Relation]:
    """With input and shift negated the output is negated; with the input's sign alone it turns about the shift."""
    yield Equal(f(**negated(a, "x", "beta")), -f(**a))
    yield Equal(f(**a) - a["beta"], f(**without(a, "beta")))


@property_of(transformer.layer_norm, kills=("last/k",))
def components_have_no_order(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the components permuted, gain and shift too, the output is permuted."""
    yield Equal(f(**rolled(transformer.layer_norm, a, "d")), np.roll(f(**a), 1))


@property_of(transformer.residual, kills=("the result/drop/x", "the result/name/x-f_x"))
def silent_layer_lets_the_input_pass(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the sub-layer gives 0 the input passes as it is."""
    yield Equal(f(**without(a, "f_x")), a["x"])


@property_of(transformer.residual, kills=("the result/drop/f_x", "the result/name/f_x-x"))
def sub_layer_is_added(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the input is 0 it is what the sub-layer gives."""
    yield Equal(f(**without(a, "x")), a["f_x"])


GELU_AT_1 = {
    transformer.feed_forward: 1.0,
    transformer.feed_forward_gelu: (1 + math.erf(math.sqrt(0.5))) / 2,
    transformer.feed_forward_gelu_tanh: (1 + math.tanh(math.sqrt(2 / math.pi) * 1.044715)) / 2,
}
"""What each nonlinearity makes of 1."""
LAYERS = ("the result/drop/b_2", "the result/twice/b_2", "the result/transpose/W_2", "the result/memory/W_2")


@of_each({
    transformer.feed_forward: (*LAYERS, "the result/function/tanh", "the result/function/gelu"),
    transformer.feed_forward_gelu: (
        *LAYERS, "the result/function/tanh", "the result/function/relu", "transformer.feed_forward_gelu_tanh",
    ),
    transformer.feed_forward_gelu_tanh: (
        *LAYERS, "transformer.feed_forward_gelu", "u/constant/double", "u/constant/double#2", "u/drop/a",
        "the result/constant/double", "the result/function/sigmoid",
    ),
})  # fmt: skip
def inner_ones_are_read_by_the_second_matrix(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every inner unit is 1 before the nonlinearity, and g after it, it is g times W_2's column sums, and b_2."""
    ones = {**without(a, "W_1"), "b_1": np.ones_like(a["b_1"])}
    yield Equal(f(**ones), GELU_AT_1[of] * a["W_2"].sum(axis=0) + a["b_2"])


INNER = ("the result/twice/b_1", "the result/drop/b_1", "the result/transpose/W_1", "the result/memory/W_1")


@of_each({
    transformer.feed_forward: (*INNER, "the result/function/no-relu", "the result/function/tanh"),
    transformer.feed_forward_gelu: (*INNER, "the result/function/no-gelu", "the result/function/tanh"),
    transformer.feed_forward_gelu_tanh: (
        "a/twice/b_1", "a/drop/b_1", "a/transpose/W_1", "a/memory/W_1", "the result/function/sigmoid",
        "the result/constant/double#2",
    ),
})  # fmt: skip
def both_signs_together_are_linear(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """g(a) = g(−a) + a: it is what it gives with the first layer negated, and two linear layers, without b_2."""
    yield Equal(f(**a), f(**negated(a, "W_1", "b_1")) + (a["x"] @ a["W_1"] + a["b_1"]) @ a["W_2"])


@property_of(transformer.feed_forward, kills=("the result/function/tanh", "the result/function/gelu"))
def scale_passes_through(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the input and both biases doubled the output is doubled."""
    yield Equal(f(**{**a, **{name: 2 * a[name] for name in ("x", "b_1", "b_2")}}), 2 * f(**a))


@property_of(transformer.feed_forward, kills=(
    "the result/function/no-relu", "the result/function/gelu", "the result/drop/b_2", "the result/twice/b_2",
))  # fmt: skip
def units_below_0_are_silent(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every inner unit is below 0 it is b_2."""
    yield Equal(f(**{**without(a, "W_1"), "b_1": -np.abs(a["b_1"])}), a["b_2"])


GAP = 0.0005
"""Between the two forms of gelu."""


@of_each(
    {
        transformer.feed_forward_gelu: ("the result/function/relu", "the result/function/tanh", "the result/drop/W_1"),
        transformer.feed_forward_gelu_tanh: ("u/constant/double", "u/drop/a", "the result/function/relu"),
    }
)
def forms_of_gelu_are_near(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """By the error function and by tanh no inner unit differs by more than 0.0005."""
    by_tanh = of is transformer.feed_forward_gelu_tanh
    other: Of = transformer.feed_forward_gelu if by_tanh else transformer.feed_forward_gelu_tanh
    yield from within(f(**a) - value(other, **a), GAP * np.abs(a["W_2"]).sum(axis=0))


@of_each(
    {
        transformer.feed_forward_gelu: ("the result/function/no-gelu",),
        transformer.feed_forward_gelu_tanh: ("the result/function/relu", "the result/drop/tanh(u)"),
    }
)
def gelu_stays_below_the_rectifier(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where W_2 has no negative weight, it is at most what the rectifier gives, and less by at most 0.17 a unit."""
    positive = {**a, "W_2": np.abs(a["W_2"])}
    rectified = value(transformer.feed_forward, **positive)
    yield AtMost(f(**positive), rectified)
    yield AtMost(rectified - 0.17 * positive["W_2"].sum(axis=0), f(**positive))


def normed(a: Arguments, x: Any, number: int) -> Any:
    """x after a layer's norm of this number."""
    return value(transformer.layer_norm, x, a[f"gamma_{number}"], a[f"beta_{number}"], eps=a["eps"])


def fed(a: Arguments, x: Any) -> Any:
    """x after a layer's feed-forward network."""
    return value(transformer.feed_forward, x, a["W_1"], a["b_1"], a["W_2"], a["b_2"])


def attended(of: Of, a: Arguments, x: Any, y: Any, part: str = "") -> Any:
    """What the heads of a layer, or of one of its attentions, read from y for x."""
    return value(of, x, y, *(a[f"W_{name}{part}"] for name in "qkvo"), heads=a["heads"])


def composed(of: Of, a: Arguments) -> Any:
    """A layer as its sub-layers, one after the other."""
    x = a["x"]
    if of is transformer.encoder_layer:
        y = normed(a, x + attended(multihead.attention, a, x, x), 1)
        return normed(a, y + fed(a, y), 2)
    if of is transformer.encoder_layer_pre:
        n = normed(a, x, 1)
        y = x + attended(multihead.attention, a, n, n)
        return y + fed(a, normed(a, y, 2))
    if of is transformer.decoder_layer:
        y = normed(a, x + attended(multihead.causal, a, x, x, "_s"), 1)
        u = normed(a, y + attended(multihead.attention, a, y, a["z"], "_c"), 2)
        return normed(a, u + fed(a, u), 3)
    n = normed(a, x, 1)
    y = x + attended(multihead.causal, a, n, n, "_s")
    u = y + attended(multihead.attention, a, normed(a, y, 2), a["z"], "_c")
    return u + fed(a, normed(a, u, 3))


READS = ("head/e/function/no-sqrt", "head/e/size/d+1", "head/alpha/axis/i", "head/last/j", "order/kqv")
NORMS = ("y/bracket/sqrt-eps", "y/drop/√(variance+eps)", "y/drop/μ", "variance/size/d+1", "swap/gamma-beta")
FEEDS = ("the result/function/gelu", "the result/function/no-relu", "the result/drop/b_1", "the result/twice/b_2")
EACH = tuple(f"every transformer.layer_norm/{slip}" for slip in NORMS)


def slips(line: str, found: tuple[str, ...]) -> tuple[str, ...]:
    """The same slips in the line of a layer that calls the equation they are of."""
    return tuple(f"{line}/{slip}" for slip in found)


@of_each({
    transformer.encoder_layer: (
        *slips("a", READS), *slips("y", NORMS), *slips("f_y", FEEDS), *slips("o", NORMS), *EACH,
        "transformer.encoder_layer_pre",
        "y/drop/x_t", "o/drop/y_t", "y/name/gamma_1-gamma_2", "o/name/beta_2-beta_1",
    ),
    transformer.encoder_layer_pre: (
        *slips("n_1", NORMS), *slips("a", READS), *slips("n_2", NORMS), *EACH,
        "transformer.encoder_layer", "y/name/x-n_1", "o/name/y-n_2", "n_1/name/gamma_1-gamma_2",
    ),
    transformer.decoder_layer: (
        *slips("s", READS[:2]), *slips("y", NORMS), *slips("c", READS), *slips("u", NORMS), *slips("f_u", FEEDS),
        *slips("o", NORMS), *EACH, "transformer.decoder_layer_pre", "s/head/mask/everywhere/none", "f_u/name/u-y",
        "order/cs", "o/name/u-y",
    ),
    transformer.decoder_layer_pre: (
        *slips("n_1", NORMS), *slips("s", READS[:2]), *slips("n_2", NORMS), *slips("c", READS), *slips("n_3", NORMS),
        *EACH, "transformer.decoder_layer", "s/head/mask/everywhere/none", "y/name/x-n_1",
    ),
})  # fmt: skip
def it_is_its_sub_layers(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is its attentions and the feed-forward network, each with its residual and its norm, one after the other."""
    yield Equal(f(**a), composed(of, a))


@of_each(
    {
        transformer.encoder_layer_pre: ("transformer.encoder_layer", "y/name/x-n_1", "o/name/y-n_2", "y/drop/x_t"),
        transformer.decoder_layer_pre: ("transformer.decoder_layer", "y/name/x-n_1", "u/drop/y_i", "o/name/u-n_3"),
    }
)
def silent_sub_layers_let_the_input_pass(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where no sub-layer gives anything the input passes as it is."""
    yield Equal(f(**without(a, *(name for name in a if name.startswith(("W_o", "W_2", "b_2"))))), a["x"])


LAST = {transformer.encoder_layer: 2, transformer.decoder_layer: 3}


@of_each(
    {
        transformer.encoder_layer: ("transformer.encoder_layer_pre", *slips("o", NORMS[1:4])),
        transformer.decoder_layer: ("transformer.decoder_layer_pre", *slips("o", NORMS[1:4])),
    }
)
def rows_leave_normalised(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Without the last gain and shift each row sums to 0, and its squares to less than its width."""
    gamma, beta = f"gamma_{LAST[of]}", f"beta_{LAST[of]}"
    y = f(**{**a, gamma: np.ones_like(a[gamma]), beta: np.zeros_like(a[beta])})
    yield Equal(y.sum(axis=1), np.zeros(len(y)))
    yield AtMost((y * y).sum(axis=1), float(y.shape[1]))


@of_each(
    {
        transformer.encoder_layer: ("a/head/last/j",),
        transformer.encoder_layer_pre: ("a/head/last/j",),
    }
)
def positions_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the positions permuted the outputs are permuted: a layer does not know where a row stands."""
    yield Equal(f(**rolled(of, a, "t")), np.roll(f(**a), 1, axis=0))


AHEAD = slips("s", ("head/alpha/mask/none", "head/alpha/mask/late", "head/mask/everywhere/none"))


@of_each({transformer.decoder_layer: AHEAD, transformer.decoder_layer_pre: AHEAD}, least={"n": 1})
def past_does_not_depend_on_the_future(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A prefix of the output is the output of the prefix."""
    cut = (len(a["x"]) + 1) // 2
    yield Equal(f(**{**a, "x": a["x"][:cut]}), f(**a)[:cut])


@of_each({transformer.decoder_layer: ("c/head/last/j",), transformer.decoder_layer_pre: ("c/head/last/j",)})
def encoder_states_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With what the encoder gives permuted nothing changes."""
    yield Equal(f(**rolled(of, a, "m")), f(**a))


STACKED: dict[Of, Of] = {
    transformer.encoder: transformer.encoder_layer,
    transformer.decoder: transformer.decoder_layer,
}
SHARED = ("x", "z", "heads", "eps")
"""What no layer has of its own."""


def layers(of: Of, a: Arguments) -> Any:
    """What one layer after the other gives."""
    x = a["x"]
    for number in range(len(a["W_1"])):
        own = {name: part if name in SHARED else part[number] for name, part in a.items()}
        x = value(STACKED[of], **{**own, "x": x})
    return x


@of_each({
    transformer.encoder: ("y/name/y-x", "y/swap/gamma_1-beta_1"),
    transformer.decoder: ("y/name/y-x", "y/swap/gamma_1-beta_1"),
}, least={"N": 2})  # fmt: skip
def it_is_its_layers(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is its layers, one after the other."""
    yield Equal(f(**a), layers(of, a))


@property_of(transformer.encoder)
def positions_have_no_order_in_any_layer(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the positions permuted the outputs are permuted, through all layers."""
    yield Equal(f(**rolled(transformer.encoder, a, "t")), np.roll(f(**a), 1, axis=0))


@property_of(transformer.decoder, least={"n": 1})
def past_does_not_depend_on_the_future_in_any_layer(f: Function, a: Arguments) -> Iterator[Relation]:
    """A prefix of the output is the output of the prefix, through all layers."""
    cut = (len(a["x"]) + 1) // 2
    yield Equal(f(**{**a, "x": a["x"][:cut]}), f(**a)[:cut])


@of_each({
    transformer.embed: ("x/drop/e_i",),
    transformer.embed_scaled: ("x/drop/e_i",),
}, least={"t": 1})  # fmt: skip
def tokens_without_a_vector_leave_positions(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where all vectors are 0 the table of positions is left."""
    length, width = len(a["k"]), a["P"].shape[1]
    yield Equal(f(**without(a, "P")), value(position.sinusoidal, t=length, d=width))


@of_each(
    {transformer.embed: ("transformer.embed_scaled",), transformer.embed_scaled: ("transformer.embed",)},
    least={"t": 1, "c": 2},
)
def equal_tokens_differ_by_their_positions(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """What is not of the position is the token's vector; embed_scaled has it √c times."""
    table = value(position.sinusoidal, t=len(a["k"]), d=a["P"].shape[1])
    scale = np.sqrt(a["P"].shape[1]) if of is transformer.embed_scaled else 1.0
    yield Equal(f(**a), scale * a["P"][a["k"]] + table)


@property_of(transformer.logits, kills=("e/drop/b", "e/twice/b"))
def without_weights_the_bias_is_left(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the weights are 0 every position says the bias."""
    yield Equal(f(**without(a, "W")), np.broadcast_to(a["b"], (len(a["y"]), len(a["b"]))))


@property_of(transformer.logits, kills=("e/drop/b", "e/twice/b"))
def opposite_inputs_cancel(f: Function, a: Arguments) -> Iterator[Relation]:
    """What y and -y give is twice the bias together."""
    yield Equal(f(**a) + f(**{**a, "y": -a["y"]}), np.broadcast_to(2 * a["b"], (len(a["y"]), len(a["b"]))))


@property_of(transformer.next_token, kills=("p/function/no-softmax", "p/axis/i"))
def each_position_has_a_distribution(f: Function, a: Arguments) -> Iterator[Relation]:
    """At every position the tokens' shares sum to 1."""
    yield Equal(f(**a).sum(axis=1), np.ones(len(a["y"])))


@property_of(transformer.linear, kills=("y/drop/b", "y/twice/b", "y/transpose/W"))
def unit_rows_read_the_matrix(f: Function, a: Arguments) -> Iterator[Relation]:
    """The unit vectors as rows give the matrix, with the bias in every row; rows of 0 give the bias."""
    yield Equal(f(**{**a, "x": np.eye(len(a["W"]))}), a["W"] + a["b"])
    silent = np.zeros_like(a["x"])
    yield Equal(f(**{**a, "x": silent}), np.broadcast_to(a["b"], (len(silent), len(a["b"]))))
