"""What must hold of self-attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, scores, self_attention
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import between, of_each, rolled, several, value, without

Of = Equation[..., Any]
SELF: dict[Of, Of] = {
    self_attention.scaled: attention.scaled_dot_product,
    self_attention.unscaled: attention.dot_product,
    self_attention.causal: attention.causal,
}
"""Self-attentions, each with the attention that it is of its queries, keys and values."""
CROSS: dict[Of, Of] = {
    self_attention.cross: attention.scaled_dot_product,
    self_attention.cross_unscaled: attention.dot_product,
}
SOFTMAX = ("the result/alpha/function/no-softmax", "the result/alpha/axis/i")
SCALE = ("the result/e/function/no-sqrt", "the result/e/scale/twice", "the result/e/size/d+1")
WEIGHTS = ("W_q", "W_k", "W_v")


@property_of(
    self_attention.qkv,
    kills=(
        "q/name/W_q-W_k",
        "k/name/W_k-W_q",
        "v/memory/W_v",
        "order/kq",
        "everywhere/q-k",
    ),
    equal=(("t", "c"),),
)
def unit_inputs_give_the_three_matrices(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the unit vectors for inputs, Q, K and V are W_q, W_k and W_v: exactly three matrices."""
    for output, name in zip(f(**{**a, "x": np.eye(len(a["W_q"]))}), WEIGHTS, strict=True):
        yield Equal(output, a[name])


@property_of(self_attention.qkv, kills=("q/name/W_q-W_k", "k/name/W_k-W_q", "result 1/name/q-k", "result 2/name/k-q"))
def each_reads_its_own_matrix(f: Function, a: Arguments) -> Iterator[Relation]:
    """A matrix of zeros takes its own output to 0 and leaves the two others."""
    outputs = f(**a)
    for k, name in enumerate(WEIGHTS):
        for place, changed in enumerate(f(**without(a, name))):
            yield Equal(changed, np.zeros_like(changed) if place == k else outputs[place])


@of_each(
    {
        self_attention.scaled: (*SOFTMAX, *SCALE, "self_attention.unscaled", "order/kq", "the result/last/j"),
        self_attention.unscaled: (*SOFTMAX, "self_attention.scaled", "order/kq", "the result/last/j"),
        self_attention.causal: (*SCALE, "the result/alpha/mask/none", "the result/alpha/mask/<", "order/kq"),
    }
)
def it_is_attention_of_queries_keys_and_values(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is attention, scaled or not or causal, of Q = X W_q, K = X W_k and V = X W_v."""
    yield Equal(f(**a), value(SELF[of], *(a["x"] @ a[name] for name in WEIGHTS)))


def read_by_relu(of: Of, a: Arguments) -> Any:
    """What relu of the scores reads."""
    q, k, v = (a["x"] @ a[name] for name in WEIGHTS)
    score = scores.dot if of is self_attention.relu else scores.scaled_dot
    return value(attention.relu_weights, value(score, q, k), v)


RELU = ("the result/alpha/function/no-relu", "the result/alpha/function/tanh", "the result/last/j", "order/kq")


@of_each(
    {
        self_attention.relu: (*RELU, "self_attention.relu_scaled", "self_attention.unscaled"),
        self_attention.relu_scaled: (*RELU, "self_attention.relu", "self_attention.scaled", "e/e/function/no-sqrt"),
    }
)
def it_reads_by_relu_of_its_scores(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the values, weighted by relu of the scores of queries and keys."""
    yield Equal(f(**a), read_by_relu(of, a))


@of_each(dict.fromkeys((self_attention.relu, self_attention.relu_scaled), (RELU[1], "self_attention.unscaled")))
def doubled_queries_read_twice_as_much(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Weights that are not normalised grow with the scores: with W_q doubled the output is doubled."""
    yield Equal(f(**{**a, "W_q": 2 * a["W_q"]}), 2 * f(**a))


@property_of(
    self_attention.additive,
    kills=(
        *SOFTMAX,
        "e/e/function/no-tanh",
        "e/e/function/sigmoid",
        "e/swap/W-U",
        "e/name/W_q-W_k",
        "v/memory/W_v",
    ),
)
def it_is_additive_attention_to_itself(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is additive attention in which the input is query and key, and X W_v is what is read."""
    v = a["x"] @ a["W_v"]
    yield Equal(f(**a), value(attention.additive, a["x"], a["x"], v, a["W_q"], a["W_k"], a["v_a"]))


@property_of(self_attention.additive, kills=(SOFTMAX[0], "the result/last/j"))
def unread_relevance_reads_the_mean(f: Function, a: Arguments) -> Iterator[Relation]:
    """With v_a = 0 every position reads the mean of the values."""
    c = f(**without(a, "v_a"))
    yield Equal(c, np.broadcast_to((a["x"] @ a["W_v"]).mean(axis=0) if len(a["x"]) else 0.0, c.shape))


@of_each(
    {
        self_attention.cross: (*SOFTMAX, *SCALE, "self_attention.cross_unscaled", "v/memory/W_v", "the result/last/j"),
        self_attention.cross_unscaled: (*SOFTMAX, "self_attention.cross", "v/memory/W_v", "the result/last/j"),
    }
)
def queries_come_from_the_one_keys_and_values_from_the_other(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is attention, scaled or not, of X' W_q, X W_k and X W_v."""
    yield Equal(f(**a), value(CROSS[of], a["x_q"] @ a["W_q"], a["x"] @ a["W_k"], a["x"] @ a["W_v"]))


@of_each(
    {
        self_attention.cross: ("self_attention.cross_unscaled", *SOFTMAX),
        self_attention.cross_unscaled: ("self_attention.cross", *SOFTMAX),
    },
    equal=(("c", "b"),),
)
def asking_itself_is_self_attention(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With X' = X it is self-attention."""
    itself: Of = self_attention.scaled if of is self_attention.cross else self_attention.unscaled
    own = {name: array for name, array in a.items() if name != "x_q"}
    yield Equal(f(x_q=a["x"], **own), value(itself, **own))


@of_each(
    {
        self_attention.scaled: ("the result/last/j",),
        self_attention.unscaled: ("the result/last/j",),
        self_attention.relu: ("the result/last/j",),
        self_attention.relu_scaled: ("the result/last/j",),
        self_attention.additive: ("the result/last/j",),
        self_attention.columns: ("last/j",),
        self_attention.qkv: (),
    }
)
def positions_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the positions permuted the outputs are permuted."""
    axis = -1 if of is self_attention.columns else 0
    for new, old in zip(several(f(**rolled(of, a, "t"))), several(f(**a)), strict=True):
        yield Equal(new, np.roll(old, 1, axis=axis))


@of_each({self_attention.cross: ("the result/last/j",), self_attention.cross_unscaled: ("the result/last/j",)})
def what_is_asked_has_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the asked sequence permuted nothing changes; with the asking one the outputs are permuted."""
    yield Equal(f(**rolled(of, a, "m")), f(**a))
    yield Equal(f(**rolled(of, a, "n")), np.roll(f(**a), 1, axis=0))


@of_each({self_attention.scaled: SOFTMAX, self_attention.unscaled: SOFTMAX})
def it_is_a_linear_layer_with_weights_made_from_the_input(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is A (X W_v), where A is made of X alone; its rows sum to 1."""
    score = scores.scaled_dot if of is self_attention.scaled else scores.dot
    A = value(attention.weights, value(score, a["x"] @ a["W_q"], a["x"] @ a["W_k"]))
    yield Equal(f(**a), A @ (a["x"] @ a["W_v"]))
    yield from between(f(**a), a["x"] @ a["W_v"]) if len(A) else ()


@of_each(
    {
        self_attention.scaled: (SOFTMAX[0], "the result/last/j"),
        self_attention.unscaled: (SOFTMAX[0], "the result/last/j"),
        self_attention.cross: (*SOFTMAX, "the result/last/j"),
        self_attention.cross_unscaled: (*SOFTMAX, "the result/last/j"),
    }
)
def indifferent_queries_read_the_mean(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_q = 0 every position reads the mean of the values."""
    c = f(**without(a, "W_q"))
    yield Equal(c, np.broadcast_to((a["x"] @ a["W_v"]).mean(axis=0) if len(a["x"]) else 0.0, c.shape))


@property_of(self_attention.unscaled, kills=("self_attention.scaled", *SOFTMAX, "order/kq", "the result/last/j"))
def columns_are_its_transpose(f: Function, a: Arguments) -> Iterator[Relation]:
    """On the transposes it is the transpose of columns."""
    yield Equal(f(**a), value(self_attention.columns, **{name: array.T for name, array in a.items()}).T)


@property_of(self_attention.columns, kills=("alpha/function/no-softmax", "alpha/axis/i", "order/kq", "last/j"))
def rows_are_its_transpose(f: Function, a: Arguments) -> Iterator[Relation]:
    """On the transposes it is the transpose of unscaled."""
    yield Equal(f(**a), value(self_attention.unscaled, **{name: array.T for name, array in a.items()}).T)


@property_of(
    self_attention.causal,
    least={"t": 1},
    kills=("the result/alpha/mask/none", "the result/alpha/mask/>=", "the result/alpha/mask/late"),
)
def past_does_not_depend_on_the_future(f: Function, a: Arguments) -> Iterator[Relation]:
    """A prefix of the output is the output of the prefix."""
    cut = (len(a["x"]) + 1) // 2
    yield Equal(f(**{**a, "x": a["x"][:cut]}), f(**a)[:cut])


@property_of(
    self_attention.causal,
    least={"t": 1},
    kills=("the result/alpha/mask/none", "the result/alpha/mask/<", "the result/alpha/mask/late"),
)
def first_position_reads_itself(f: Function, a: Arguments) -> Iterator[Relation]:
    """What the first position reads is its own value."""
    yield Equal(f(**a)[0], a["x"][0] @ a["W_v"])


@property_of(self_attention.causal, least={"t": 1}, kills=("the result/alpha/mask/<", "the result/alpha/mask/not"))
def last_position_sees_everything(f: Function, a: Arguments) -> Iterator[Relation]:
    """What the last position reads is self-attention without a mask."""
    yield Equal(f(**a)[-1], value(self_attention.scaled, **a)[-1])


@property_of(self_attention.stacked, kills=("y/name/y-x", "y/name/W_q-W_k"), least={"N": 2})
def it_is_its_layers(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is its layers, one after the other."""
    y = a["x"]
    for W_q, W_k, W_v in zip(a["W_q"], a["W_k"], a["W_v"], strict=True):
        y = value(self_attention.scaled, y, W_q, W_k, W_v)
    yield Equal(f(**a), y)
