"""What must hold of recurrent decoders that attend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, attention_rnn, recurrent, scores, seq2seq
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.shared import SHUT, between, held, of_each, rolled, several, value, within, without

Of = Equation[..., Any]


def read(s: Any, a: Arguments) -> Any:
    """What a state reads through W_q and W_k."""
    return value(attention.dot_product, (s @ a["W_q"])[None], a["h"] @ a["W_k"], a["h"])[0]


@property_of(attention_rnn.bahdanau_step, kills=(
    "e/function/no-tanh", "e/function/sigmoid", "alpha/function/no-softmax", "c/name/alpha-e", "e/drop/W_a", "last/j",
))  # fmt: skip
def old_state_asks(f: Function, a: Arguments) -> Iterator[Relation]:
    """The weights are those of additive attention with the state before the step for a query, and so is the context."""
    _, c, alpha = f(**a)
    e = value(scores.additive, a["s"][None], a["h"], a["W_a"], a["U_a"], a["v_a"])
    yield Equal(alpha, value(attention.weights, e)[0])
    yield Equal(c, value(attention.context_vector, value(attention.weights, e), a["h"])[0])


@property_of(attention_rnn.bahdanau_step, kills=(
    "r/drop/cC_r", "z/name/C_z-C_r", "s_tilde/drop/cC_h", "s_tilde/bracket/r", "s_next/complement/z", "order/zrh",
    "everywhere/r-z",
))  # fmt: skip
def context_is_one_more_input(f: Function, a: Arguments) -> Iterator[Relation]:
    """The state is that of gru_cell_update_writes on [y; c], with each matrix of y on that of c."""
    s_next, c, _ = f(**a)
    weights = {name: a[name] for name in ("W_hr", "b_r", "W_hz", "b_z", "W_hh", "b_h")}
    stacked = {f"W_x{gate}": np.concatenate([a[f"W_x{gate}"], a[f"C_{gate}"]]) for gate in "rzh"}
    joined = np.concatenate([a["y"], c])
    yield Equal(s_next, value(recurrent.gru_cell_update_writes, joined, a["s"], **weights, **stacked))


@property_of(attention_rnn.bahdanau_step, kills=("s_next/complement/z", "s_next/name/s-r", "s_next/drop/s"))
def shut_update_gate_keeps_the_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """With z = 0 the state is kept."""
    yield Equal(f(**without(held(a, z=SHUT), "C_z"))[0], a["s"])


@property_of(attention_rnn.bahdanau_step, kills=("alpha/function/no-softmax", "c/name/alpha-e", "last/j"))
def silent_readout_reads_the_mean(f: Function, a: Arguments) -> Iterator[Relation]:
    """With v_a = 0 every weight is 1/m and the context is the mean of the states."""
    _, c, alpha = f(**without(a, "v_a"))
    yield Equal(alpha, np.full(len(a["h"]), 1 / len(a["h"])))
    yield Equal(c, a["h"].mean(axis=0))


@property_of(attention_rnn.bahdanau_step, kills=("s_tilde/function/no-tanh", "s_next/constant/double"))
def state_stays_within_the_old_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """|s'| ≤ max(|s|, 1)."""
    yield from within(f(**a)[0], np.maximum(np.abs(a["s"]), 1.0))


@property_of(attention_rnn.bahdanau_step, kills=("last/j",))
def weights_move_with_the_states(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the encoder's states permuted the weights are permuted, and nothing else changes."""
    s_next, c, alpha = f(**a)
    yield from (
        Equal(*pair)
        for pair in zip(f(**rolled(attention_rnn.bahdanau_step, a, "m")), (s_next, c, np.roll(alpha, 1)), strict=True)
    )


STEPS = (
    attention_rnn.readout_step, attention_rnn.input_feeding_step, attention_rnn.attentive_step,
    attention_rnn.attentive_step_values, attention_rnn.luong_step, attention_rnn.next_layer_step,
)  # fmt: skip


@of_each(dict.fromkeys(STEPS, ("last/j",)))
def states_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the encoder's states permuted nothing changes."""
    for moved, still in zip(f(**rolled(of, a, "m")), f(**a), strict=True):
        yield Equal(moved, still)


@property_of(attention_rnn.readout_step, kills=(
    "s_next/the result/drop/b_h", "s_next/the result/function/no-tanh", "s_next/transpose/W_hh", "swap/y-s",
))  # fmt: skip
def context_does_not_reach_the_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """The state is the simple RNN's, whatever is read."""
    s_next, _ = f(**a)
    yield Equal(s_next, value(recurrent.simple_rnn_cell, a["y"], a["s"], a["W_xh"], a["W_hh"], a["b_h"]))
    yield Equal(f(**without(a, "h"))[0], s_next)


@property_of(attention_rnn.readout_step, kills=(
    "alpha/function/no-softmax", "alpha/transpose/W_q", "alpha/memory/W_k", "y_hat/drop/b_o", "y_hat/exchange",
    "y_hat/name/s_next-s",
))  # fmt: skip
def state_and_context_are_read_out(f: Function, a: Arguments) -> Iterator[Relation]:
    """The output is the readout of the new state and of what it reads, end to end."""
    s_next, y_hat = f(**a)
    joined = np.concatenate([s_next, read(s_next, a)])
    yield Equal(y_hat, value(recurrent.readout, joined, a["W_o"], a["b_o"]))


@of_each(
    {
        attention_rnn.input_feeding_step: ("alpha/function/no-softmax", "alpha/name/s_next-s", "alpha/drop/W_q"),
        attention_rnn.attentive_step: ("alpha/function/no-softmax", "alpha/name/s_next-s", "alpha/name/s_next-c"),
    }
)
def new_state_asks(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The context is what the new state reads, and lies between the least and the largest of the encoder's states."""
    s_next, c_next = f(**a)
    yield Equal(c_next, read(s_next, a))
    yield from between(c_next, a["h"])


@property_of(attention_rnn.input_feeding_step, kills=("s_next/exchange", "s_next/the result/drop/b_h", "swap/y-s"))
def context_before_is_one_more_input(f: Function, a: Arguments) -> Iterator[Relation]:
    """The state is the simple RNN's on [y; c], with the context of the step before."""
    joined = np.concatenate([a["y"], a["c"]])
    yield Equal(f(**a)[0], value(recurrent.simple_rnn_cell, joined, a["s"], a["W_xh"], a["W_hh"], a["b_h"]))


@property_of(attention_rnn.input_feeding_step, equal=(("k", "u"),),
       kills=("s_next/exchange", "s_next/memory/W_xh", "s_next/transpose/W_hh"))  # fmt: skip
def one_matrix_does_for_two(f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_hh put between the rows of y and of c it is attentive_step."""
    on_y, on_c = np.split(a["W_xh"], [len(a["y"])])
    A = np.concatenate([on_y, a["W_hh"], on_c])
    one = value(attention_rnn.attentive_step, a["y"], a["s"], a["c"], a["h"], A, a["b_h"], a["W_q"], a["W_k"])
    for given, other in zip(f(**a), one, strict=True):
        yield Equal(given, other)


@property_of(attention_rnn.attentive_step, kills=(
    "s_next/drop/b", "s_next/name/s-c", "s_next/name/c-s", "alpha/name/W_k-W_q", "s_next/function/no-tanh",
))  # fmt: skip
def two_matrices_do_for_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the rows of the state taken out of A it is input_feeding_step."""
    d, u = len(a["x"]), len(a["s"])
    on_x, W_hh, on_c = np.split(a["A"], [d, d + u])
    two = value(
        attention_rnn.input_feeding_step, a["x"], a["s"], a["c"], a["h"], np.concatenate([on_x, on_c]), W_hh,
        a["b"], a["W_q"], a["W_k"],
    )  # fmt: skip
    for given, other in zip(f(**a), two, strict=True):
        yield Equal(given, other)


@property_of(attention_rnn.attentive_step, kills=("s_next/function/no-tanh",))
def state_stays_within_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """|s'| ≤ 1."""
    yield from within(f(**a)[0], 1.0)


def stepped(step: Of, a: Arguments, inputs: str, state: tuple[Any, ...]) -> tuple[Any, ...]:
    """A decoder made step by step, from a first state: each result of every step, one row a step."""
    taken = [p.name for p in step.definition.parameters]
    weights = {name: array for name, array in a.items() if name in taken and name != inputs}
    named = [name for name in taken if name in ("s", "c", "h_tilde", "s_1", "s_2")]
    rows: list[tuple[Any, ...]] = []
    for row in a[inputs]:
        rows.append(step(**{inputs: row}, **dict(zip(named, state, strict=True)), **weights))
        state = rows[-1][: len(named)]
    return tuple(np.array(column) for column in zip(*rows, strict=True))


SLIPS = ("start/s_0", "step/before", "step/after", "step/reversed", "step/first")


@property_of(attention_rnn.readout_decode, least={"n": 1}, kills=(
    *(f"s, y_hat/{slip}" for slip in SLIPS), "s, y_hat/name/s-s_0", "s, y_hat/alpha/function/no-softmax",
    "s, y_hat/y_hat/drop/b_o",
))  # fmt: skip
def sequence_is_its_readout_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each step is readout_step, from the state of the step before."""
    for given, made in zip(f(**a), stepped(attention_rnn.readout_step, a, "y", (a["s_0"],)), strict=True):
        yield Equal(given, made)


@property_of(attention_rnn.attentive_decode, least={"n": 1}, kills=(
    *(f"s, c/{slip}" for slip in SLIPS), "s, c/start/c_0", "s, c/name/s-s_0", "s, c/name/c-c_0", "last/j",
    "alpha_0/function/no-softmax", "alpha_0/name/W_q-W_k",
))  # fmt: skip
def sequence_is_its_attentive_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each step is attentive_step, the first from the encoder's last state and what that reads."""
    start = (a["h"][-1], read(a["h"][-1], a))
    for given, made in zip(f(**a), stepped(attention_rnn.attentive_step, a, "x", start), strict=True):
        yield Equal(given, made)


DECODERS = (attention_rnn.bahdanau_decode, attention_rnn.bahdanau_decode_output_from_new_state)
STEPPED = (
    *(f"s, c, alpha/{slip}" for slip in SLIPS), "begins_with_forward_half", "begins_with_last_row", "updates_keep",
    "h_b/size/e+1", "s_0/function/no-tanh", "s, c, alpha/name/s-s_0", "s, c, alpha/alpha/function/no-softmax",
)  # fmt: skip


def first_state(a: Arguments) -> Any:
    """tanh(←h_1 W_s), where the backward half is the second one."""
    return value(seq2seq.decoder_start, np.split(a["h"][0], 2)[1], a["W_s"])


@of_each({
    attention_rnn.bahdanau_decode: STEPPED,
    attention_rnn.bahdanau_decode_output_from_new_state: tuple(slip for slip in STEPPED if "/" in slip),
}, least={"n": 2})  # fmt: skip
def sequence_is_its_bahdanau_steps(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """States and weights are those of bahdanau_step, the first from the backward half of h_1 through a layer."""
    s, alpha, _ = f(**a)
    made, _, weights = stepped(attention_rnn.bahdanau_step, a, "y", (first_state(a),))
    yield Equal(s, made)
    yield Equal(alpha, weights)


READ = (
    "p/t_tilde/drop/cC_o", "p/t_tilde/drop/yV_o", "p/t/function/sum", "p/t/heads/interleaved",
    "p/p/function/no-softmax",
)  # fmt: skip


def distributions(a: Arguments, states: Any, alpha: Any) -> Any:
    """What is said in each of some states, given what was read."""
    weights = {name: a[name] for name in ("U_o", "V_o", "C_o", "W_o")}
    return value(seq2seq.output_maxout, states, a["y"], alpha @ a["h"], **weights)


@property_of(attention_rnn.bahdanau_decode, least={"n": 1}, kills=(
    *READ, "attention_rnn.bahdanau_decode_output_from_new_state", "s_before/exchange", "s_before/mask/late",
    "s_before/drop/1", "p/name/s_before-s", "begins_with_forward_half",
))  # fmt: skip
def output_is_read_from_the_state_before(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each distribution is output_maxout of the state before the step, of the word before and of what was read."""
    s, alpha, p = f(**a)
    yield Equal(p, distributions(a, np.concatenate([first_state(a)[None], s[:-1]]), alpha))


@property_of(attention_rnn.bahdanau_decode_output_from_new_state, least={"n": 1}, kills=(
    *READ, "attention_rnn.bahdanau_decode",
))  # fmt: skip
def output_is_read_from_the_new_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each distribution is output_maxout of the new state, of the word before and of what was read."""
    s, alpha, p = f(**a)
    yield Equal(p, distributions(a, s, alpha))


@of_each({
    attention_rnn.readout_decode: ("s, y_hat/step/after", "s, y_hat/step/reversed"),
    attention_rnn.attentive_decode: ("s, c/step/after", "s, c/step/reversed"),
    **dict.fromkeys(DECODERS, ("s, c, alpha/step/after", "s, c, alpha/step/reversed")),
    attention_rnn.attentive_decode_values: ("s, c/step/after", "s, c/step/reversed"),
    attention_rnn.input_feeding_decode: ("s, c/step/after", "s, c/step/reversed"),
    attention_rnn.luong_decode: ("s, c, h_tilde/step/after", "s, c, h_tilde/step/reversed"),
    attention_rnn.next_layer_decode: ("s_1, s_2/step/after", "s_1, s_2/step/reversed"),
}, least={"n": 2})  # fmt: skip
def past_does_not_depend_on_the_future(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A prefix of the output is the output of the prefix."""
    (inputs, *_), cut = a, 1
    for short, whole in zip(f(**{**a, inputs: a[inputs][:cut]}), f(**a), strict=True):
        yield Equal(short, whole[:cut])


@property_of(attention_rnn.attentive_step_values, kills=(
    "c_next/drop/α_j", "c_next/drop/W_v", "c_next/transpose/W_v", "alpha/function/no-softmax", "alpha/name/s_next-s",
))  # fmt: skip
def values_are_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """The context is what the new state reads of the values, h W_v, each column between its least and its largest."""
    s_next, c_next = f(**a)
    values = a["h"] @ a["W_v"]
    yield Equal(c_next, value(attention.dot_product, (s_next @ a["W_q"])[None], a["h"] @ a["W_k"], values)[0])
    yield Equal(c_next, read(s_next, a) @ a["W_v"])


@property_of(attention_rnn.attentive_step_values, equal=(("e", "u"),), kills=(
    "s_next/drop/b", "s_next/function/no-tanh", "alpha/name/W_k-W_q", "alpha/name/s_next-s",
))  # fmt: skip
def states_for_values_make_it_attentive_step(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the identity for W_v it is attentive_step."""
    plain = {name: array for name, array in a.items() if name != "W_v"}
    for given, other in zip(
        f(**plain, W_v=np.eye(len(a["s"]))), value(attention_rnn.attentive_step, **plain), strict=True
    ):
        yield Equal(given, other)


@property_of(attention_rnn.attentive_decode_values, least={"n": 1}, kills=(
    *(f"s, c/{slip}" for slip in SLIPS), "s, c/start/c_0", "s, c/name/s-s_0", "s, c/name/c-c_0", "last/j",
    "alpha_0/function/no-softmax", "alpha_0/name/W_q-W_k", "c_0/drop/W_v", "c_0/transpose/W_v",
))  # fmt: skip
def sequence_is_its_steps_with_values(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each step is attentive_step_values, the first from the encoder's last state and what that reads of the values."""
    start = (a["h"][-1], read(a["h"][-1], a) @ a["W_v"])
    for given, made in zip(f(**a), stepped(attention_rnn.attentive_step_values, a, "x", start), strict=True):
        yield Equal(given, made)


@property_of(attention_rnn.attentional_state, kills=("the result/exchange", "the result/function/no-tanh"))
def context_stands_first(f: Function, a: Arguments) -> Iterator[Relation]:
    """The first rows of W_c are the context's, the others the state's; no value is beyond ±1."""
    on_c, on_s = np.split(a["W_c"], [len(a["c"])])
    yield Equal(f(**a), np.tanh(a["c"] @ on_c + a["s"] @ on_s))
    yield from within(f(**a), 1.0)


@property_of(attention_rnn.attentional_distribution, kills=("p/function/no-softmax", "last/w", "logits/transpose/W_s"))
def it_is_the_softmax_of_a_product(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the softmax of h̃ W_s, no probability negative, all of them together 1."""
    p = f(**a)
    yield Equal(p, value(attention.weights, (a["h_tilde"] @ a["W_s"])[None])[0])
    yield AtMost(0.0, p)
    yield Equal(p.sum(), 1.0)


LSTM = tuple(f"{kind}{gate}" for gate in "ifgo" for kind in ("W_x", "W_h", "b_"))


@property_of(attention_rnn.luong_step, kills=(
    "s_next, c_next/exchange", "s_next, c_next/name/s-c", "s_next, c_next/order/ifog", "swap/s-c",
    "result 1/name/s_next-c_next",
))  # fmt: skip
def attentional_state_before_is_one_more_input(f: Function, a: Arguments) -> Iterator[Relation]:
    """State and cell state are the LSTM cell's on [y; h̃], with the attentional state of the step before."""
    weights = {name: a[name] for name in LSTM}
    made = value(recurrent.lstm_cell, np.concatenate([a["y"], a["h_tilde"]]), a["s"], a["c"], **weights)
    for given, other in zip(f(**a)[:2], made, strict=True):
        yield Equal(given, other)


@property_of(attention_rnn.luong_step, kills=(
    "alpha/function/no-softmax", "alpha/name/s_next-s", "alpha/name/s_next-c_next", "alpha/transpose/W_a",
    "context/drop/α_j", "last/j",
))  # fmt: skip
def new_state_and_what_it_reads_are_joined(f: Function, a: Arguments) -> Iterator[Relation]:
    """The new attentional state is made of the new state and of what it reads by the bilinear score."""
    s_next, _, h_tilde = f(**a)
    context = value(attention.bilinear, s_next[None], a["h"], a["h"], a["W_a"])[0]
    yield Equal(h_tilde, value(attention_rnn.attentional_state, context, s_next, a["W_c"]))


@property_of(attention_rnn.luong_decode, least={"n": 1}, kills=(
    *(f"s, c, h_tilde/{slip}" for slip in SLIPS), "s, c, h_tilde/start/c_0",
    "s, c, h_tilde/name/s-s_0", "s, c, h_tilde/name/c-c_0", "p/p/function/no-softmax", "p/logits/transpose/W_s",
))  # fmt: skip
def sequence_is_its_luong_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each step is luong_step, the first with 0 for the attentional state, and the output is read from the new one."""
    h_tilde, p = f(**a)
    start = (a["s_0"], a["c_0"], np.zeros(a["W_c"].shape[1]))
    yield Equal(h_tilde, stepped(attention_rnn.luong_step, a, "y", start)[2])
    yield Equal(p, value(attention_rnn.attentional_distribution, h_tilde, a["W_s"]))


@property_of(attention_rnn.input_feeding_decode, least={"n": 1}, kills=(
    *(f"s, c/{slip}" for slip in SLIPS), "s, c/name/s-s_0", "s, c/alpha/function/no-softmax",
))  # fmt: skip
def sequence_is_its_input_feeding_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each step is input_feeding_step, the first with 0 for the context."""
    start = (a["s_0"], np.zeros(a["h"].shape[1]))
    for given, made in zip(f(**a), stepped(attention_rnn.input_feeding_step, a, "y", start), strict=True):
        yield Equal(given, made)


@property_of(attention_rnn.next_layer_step, kills=(
    "s_1_next/transpose/W_hh_1", "s_1_next/the result/drop/b_h", "result 1/name/s_1_next-s_1",
))  # fmt: skip
def what_is_read_does_not_reach_the_lower_layer(f: Function, a: Arguments) -> Iterator[Relation]:
    """The lower state is the simple RNN's, whatever is read and whatever the upper layer holds."""
    lower = value(recurrent.simple_rnn_cell, a["y"], a["s_1"], a["W_xh_1"], a["W_hh_1"], a["b_h_1"])
    yield Equal(f(**a)[0], lower)
    yield Equal(f(**without(a, "h", "s_2"))[0], lower)


@property_of(attention_rnn.next_layer_step, kills=(
    "alpha/function/no-softmax", "alpha/name/s_1_next-s_1", "s_2_next/exchange", "s_2_next/name/s_1_next-s_1",
    "a/drop/α_j", "result 2/name/s_2_next-s_2",
))  # fmt: skip
def upper_layer_reads_state_and_context(f: Function, a: Arguments) -> Iterator[Relation]:
    """The upper state is the simple RNN's on into_next_layer of the lower one's new state and of what that reads."""
    s_1, s_2 = f(**a)
    x = value(attention.into_next_layer, s_1, read(s_1, a))
    yield Equal(s_2, value(recurrent.simple_rnn_cell, x, a["s_2"], a["W_xh_2"], a["W_hh_2"], a["b_h_2"]))


@property_of(attention_rnn.next_layer_decode, least={"n": 1}, kills=(
    *(f"s_1, s_2/{slip}" for slip in SLIPS[1:]), "s_1, s_2/start/s_1_0", "s_1, s_2/start/s_2_0",
    "s_1, s_2/name/s_1-s_1_0", "s_1, s_2/name/s_2-s_2_0",
))  # fmt: skip
def sequence_is_its_next_layer_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each step is next_layer_step, from the states of both layers at the step before."""
    made = stepped(attention_rnn.next_layer_step, a, "y", (a["s_1_0"], a["s_2_0"]))
    for given, other in zip(f(**a), made, strict=True):
        yield Equal(given, other)


BASE: dict[str, Of] = {
    "bahdanau": attention_rnn.bahdanau_step,
    "readout": attention_rnn.readout_step,
    "attentive": attention_rnn.attentive_step,
}
"""The step of each decoder that goes on with the words that it generates."""


def base(of: Of) -> str:
    """The decoder that an equation generates with."""
    return of.id.split(".")[1].split("_")[0]


def moved_on(of: Of, a: Arguments) -> tuple[Any, Any]:
    """The states after the step of the decoder, which reads the vector of the word before; and the word's logits."""
    step, y = BASE[base(of)], a["E"][a["token"]]
    taken = [parameter.name for parameter in step.definition.parameters]
    found = value(step, y, **{name: a[name] for name in taken[1:]})
    if base(of) == "readout":
        return found[:1], found[1]
    if base(of) == "attentive":
        return found, found[0] @ a["W_o"] + a["b_o"]
    t = a["s"] @ a["U_o"] + y @ a["V_o"] + found[1] @ a["C_o"]
    return found[:1], t.reshape(-1, 2).max(axis=1) @ a["W_o"]


def word(token: Any) -> Any:
    """A word that was generated, as a place; what the noise leaves open is the first."""
    return np.nan_to_num(token).astype(np.int64)


STATE_SLIPS = {
    "bahdanau": ("result 1/name/s_next-s", "s_next, c, alpha/alpha/function/no-softmax", "y/transpose/E"),
    "readout": ("result 1/name/s_next-s", "s_next, y_hat/swap/y-s"),
    "attentive": ("result 1/name/s_next-s", "s_next, c_next/name/s-c", "s_next, c_next/c_next/drop/α_j"),
}
GREEDY_STEPS: tuple[Of, ...] = (
    attention_rnn.bahdanau_greedy_step, attention_rnn.readout_greedy_step, attention_rnn.attentive_greedy_step,
)  # fmt: skip
SAMPLE_STEPS: tuple[Of, ...] = (
    attention_rnn.bahdanau_sample_step, attention_rnn.readout_sample_step, attention_rnn.attentive_sample_step,
)  # fmt: skip


@of_each({of: STATE_SLIPS[base(of)] for of in (*GREEDY_STEPS, *SAMPLE_STEPS)})
def states_are_those_of_the_decoder(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The states are those of the decoder's step, which reads the vector of the word before."""
    for given, made in zip(f(**a)[:-1], moved_on(of, a)[0], strict=True):
        yield Equal(given, made)


@of_each({
    attention_rnn.bahdanau_greedy_step: (
        "t_tilde/name/s-s_next", "t/function/sum", "t_tilde/drop/yV_o",
    ),
    attention_rnn.readout_greedy_step: ("s_next, y_hat/y_hat/exchange", "s_next, y_hat/y_hat/name/s_next-s"),
    attention_rnn.attentive_greedy_step: ("logits/name/s_next-c_next", "logits/name/s_next-s"),
})  # fmt: skip
def no_word_is_likelier(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """No word is likelier than the one that is generated."""
    *_, token = f(**a)
    _, logits = moved_on(of, a)
    yield AtMost(logits.max(), logits[word(token) % len(logits)] + 0 * token)


GREEDY_DECODERS: dict[Of, Of] = {
    attention_rnn.bahdanau_greedy_decode: attention_rnn.bahdanau_greedy_step,
    attention_rnn.readout_greedy_decode: attention_rnn.readout_greedy_step,
    attention_rnn.attentive_greedy_decode: attention_rnn.attentive_greedy_step,
}
SAMPLE_DECODERS: dict[Of, Of] = {
    attention_rnn.bahdanau_sample_decode: attention_rnn.bahdanau_sample_step,
    attention_rnn.readout_sample_decode: attention_rnn.readout_sample_step,
    attention_rnn.attentive_sample_decode: attention_rnn.attentive_sample_step,
}
"""Decoders that generate, each with its step."""


@of_each({
    **dict.fromkeys(GREEDY_STEPS, ("last_of_a_tie",)),
    **dict.fromkeys(GREEDY_DECODERS, ("last_of_ties",)),
})  # fmt: skip
def of_equal_words_the_first_is_generated(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With nothing to tell words apart the first is generated."""
    token = several(f(**without(a, *(name for name in ("W_o", "b_o") if name in a))))[-1]
    yield Equal(token, np.zeros(token.shape))


EVENLY = (np.arange(8) + 0.5) / 8
"""Numbers that stand for all from 0 to 1."""


@of_each(dict.fromkeys(SAMPLE_STEPS, ("takes_likeliest", "p/p/drop/τ", "p/p/exchange")), least={"v": 2})
def word_is_what_the_number_draws(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The word is the one that the number draws of the distribution that the decoder gives, sharpened by τ."""
    p = value(seq2seq.temperature, moved_on(of, a)[1], tau=a["tau"])
    for number in (a["uniform"], *map(np.asarray, EVENLY)):
        yield Equal(f(**{**a, "uniform": number})[-1], value(seq2seq.sample, p, number))


def begun(of: Of, a: Arguments) -> tuple[Any, ...]:
    """The states that a decoder begins with."""
    if base(of) == "readout":
        return (a["s_0"],)
    return (first_state(a),) if base(of) == "bahdanau" else (a["h"][-1], read(a["h"][-1], a))


def followed(of: Of, step: Of, a: Arguments, tokens: Any) -> Any:
    """The words that a step generates after each of some words, from the states that those led to."""
    taken = {name: a[name] for name in a if name in {p.name for p in step.definition.parameters} | {"tau"}}
    state, made = begun(of, a), []
    for place, before in enumerate([a["start"], *word(tokens)[:-1]][: len(tokens)]):
        number = {"uniform": np.asarray(a["uniform"][place])} if "uniform" in a else {}
        names = ("s", "c")[: len(state)]
        *state, token = value(step, **{
            **taken, **number, "token": np.asarray(before), **dict(zip(names, state, strict=True)),
        })  # fmt: skip
        made.append(token)
    return np.array(made)


CARRIED = {"bahdanau": "s, token", "readout": "s, token", "attentive": "s, c, token"}


@of_each({
    of: ("never_stops", *(f"{CARRIED[base(of)]}/{slip}" for slip in ("start/s_0", "name/s-s_0")),
         "the result/tokens/mask/>=") for of in GREEDY_DECODERS
}, least={"v": 4, "limit": 3})  # fmt: skip
@of_each({
    of: ("takes_likeliest_throughout", f"{CARRIED[base(of)]}/start/s_0", f"{CARRIED[base(of)]}/step/reversed")
    for of in SAMPLE_DECODERS
}, least={"v": 4, "t": 3})  # fmt: skip
def each_word_follows_from_those_before_it(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Each word is its step's after the words before it, until `stop` was generated, which is then repeated."""
    tokens = f(**a)
    made = followed(of, {**GREEDY_DECODERS, **SAMPLE_DECODERS}[of], a, tokens)
    stopped = np.concatenate([[False], np.cumsum(tokens == a["stop"])[:-1] > 0])
    yield Equal(tokens, np.where(stopped, a["stop"], made))


@property_of(attention_rnn.self_attentive_context, least={"t": 1}, kills=(
    "zero_read", "alpha/mask/none", "alpha/mask/<", "c/mask/>=", "alpha/name/W_q-W_k", "alpha/drop/W_q",
))  # fmt: skip
def each_state_reads_up_to_itself(f: Function, a: Arguments) -> Iterator[Relation]:
    """Row t is what h_t reads of the first t states by inner products, so that the first row is h_1."""
    c = f(**a)
    yield Equal(c, np.array([read(h, {**a, "h": a["h"][: t + 1]}) for t, h in enumerate(a["h"])]))
    yield Equal(c[0], a["h"][0])


@property_of(attention_rnn.self_attentive, least={"t": 2}, kills=(
    "H/step/after", "H/step/reversed", "H/alpha/mask/none", "H/mask/everywhere/none", "c/alpha/mask/none",
))  # fmt: skip
def no_later_input_is_used(f: Function, a: Arguments) -> Iterator[Relation]:
    """A prefix of the output is the output of the prefix."""
    cut = len(a["x"]) // 2
    for short, whole in zip(f(**{**a, "x": a["x"][:cut]}), f(**a), strict=True):
        yield Equal(short, whole[:cut])


@property_of(attention_rnn.self_attentive, least={"t": 1}, kills=(
    "H/drop/b", "H/function/no-tanh", "H/step/before", "H/drop/1", "H/constant/double", "H/name/H-H_0", "H/exchange#2",
    "H/name/W_q-W_k", "c/name/W_q-W_k", "H/mask/late", "zero_read_throughout",
))  # fmt: skip
def context_stands_in_for_the_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """h_t is the simple RNN's on x_t with c_{t−1} for its state, c_0 being 0, and c_t is what it reads; c_1 = h_1."""
    h, c = f(**a)
    d, before = a["x"].shape[1], np.concatenate([np.zeros((1, len(a["b"]))), c[:-1]])
    W_xh, W_hh = a["A"][:d], a["A"][d:]
    rows = zip(a["x"], before, strict=True)
    yield Equal(h, np.array([value(recurrent.simple_rnn_cell, x, s, W_xh, W_hh, a["b"]) for x, s in rows]))
    yield Equal(c, value(attention_rnn.self_attentive_context, h, a["W_q"], a["W_k"]))
    yield Equal(c[0], h[0])
