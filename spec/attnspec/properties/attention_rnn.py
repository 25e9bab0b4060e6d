"""What must hold of recurrent decoders that attend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, attention_rnn, recurrent, scores
from attnspec.language.equation import Equation
from attnspec.properties._parts import SHUT, between, held, of_each, rolled, value, within, without
from attnspec.properties.law import Arguments, Equal, Function, Relation, holds

Of = Equation[..., Any]


def read(s: Any, a: Arguments) -> Any:
    """What a state reads through W_q and W_k."""
    return value(attention.dot_product, (s @ a["W_q"])[None], a["h"] @ a["W_k"], a["h"])[0]


@holds(attention_rnn.bahdanau_step, kills=(
    "e/function/no-tanh", "e/function/sigmoid", "alpha/function/no-softmax", "c/name/alpha-e", "e/drop/W_a", "last/j",
))  # fmt: skip
def old_state_asks(f: Function, a: Arguments) -> Iterator[Relation]:
    """The weights are those of additive attention with the state before the step for a query, and so is the context."""
    _, c, alpha = f(**a)
    e = value(scores.additive, a["s"][None], a["h"], a["W_a"], a["U_a"], a["v_a"])
    yield Equal(alpha, value(attention.weights, e)[0])
    yield Equal(c, value(attention.context_vector, value(attention.weights, e), a["h"])[0])


@holds(attention_rnn.bahdanau_step, kills=(
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


@holds(attention_rnn.bahdanau_step, kills=("s_next/complement/z", "s_next/name/s-r", "s_next/drop/s"))
def shut_update_gate_keeps_the_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """With z = 0 the state is kept."""
    yield Equal(f(**without(held(a, z=SHUT), "C_z"))[0], a["s"])


@holds(attention_rnn.bahdanau_step, kills=("alpha/function/no-softmax", "c/name/alpha-e", "last/j"))
def silent_readout_reads_the_mean(f: Function, a: Arguments) -> Iterator[Relation]:
    """With v_a = 0 every weight is 1/m and the context is the mean of the states."""
    _, c, alpha = f(**without(a, "v_a"))
    yield Equal(alpha, np.full(len(a["h"]), 1 / len(a["h"])))
    yield Equal(c, a["h"].mean(axis=0))


@holds(attention_rnn.bahdanau_step, kills=("s_tilde/function/no-tanh", "s_next/constant/double"))
def state_stays_within_the_old_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """|s'| ≤ max(|s|, 1)."""
    yield from within(f(**a)[0], np.maximum(np.abs(a["s"]), 1.0))


@holds(attention_rnn.bahdanau_step, kills=("last/j",))
def weights_move_with_the_states(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the encoder's states permuted the weights are permuted, and nothing else changes."""
    s_next, c, alpha = f(**a)
    yield from (Equal(*pair) for pair in zip(
        f(**rolled(attention_rnn.bahdanau_step, a, "m")), (s_next, c, np.roll(alpha, 1)), strict=True
    ))  # fmt: skip


STEPS = (attention_rnn.readout_step, attention_rnn.input_feeding_step, attention_rnn.attentive_step)


@of_each(dict.fromkeys(STEPS, ("last/j",)))
def states_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the encoder's states permuted nothing changes."""
    for moved, still in zip(f(**rolled(of, a, "m")), f(**a), strict=True):
        yield Equal(moved, still)


@holds(attention_rnn.readout_step, kills=(
    "s_next/the result/drop/b_h", "s_next/the result/function/no-tanh", "s_next/transpose/W_hh", "swap/y-s",
))  # fmt: skip
def context_does_not_reach_the_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """The state is the simple RNN's, whatever is read."""
    s_next, _ = f(**a)
    yield Equal(s_next, value(recurrent.simple_rnn_cell, a["y"], a["s"], a["W_xh"], a["W_hh"], a["b_h"]))
    yield Equal(f(**without(a, "h"))[0], s_next)


@holds(attention_rnn.readout_step, kills=(
    "alpha/function/no-softmax", "alpha/transpose/W_q", "alpha/memory/W_k", "y_hat/drop/b_o", "y_hat/exchange",
    "y_hat/name/s_next-s",
))  # fmt: skip
def state_and_context_are_read_out(f: Function, a: Arguments) -> Iterator[Relation]:
    """The output is the readout of the new state and of what it reads, end to end."""
    s_next, y_hat = f(**a)
    joined = np.concatenate([s_next, read(s_next, a)])
    yield Equal(y_hat, value(recurrent.readout, joined, a["W_o"], a["b_o"]))


@of_each({
    attention_rnn.input_feeding_step: ("alpha/function/no-softmax", "alpha/name/s_next-s", "alpha/drop/W_q"),
    attention_rnn.attentive_step: ("alpha/function/no-softmax", "alpha/name/s_next-s", "alpha/name/s_next-c"),
})  # fmt: skip
def new_state_asks(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The context is what the new state reads, and lies between the least and the largest of the encoder's states."""
    s_next, c_next = f(**a)
    yield Equal(c_next, read(s_next, a))
    yield from between(c_next, a["h"])


@holds(attention_rnn.input_feeding_step, kills=("s_next/exchange", "s_next/the result/drop/b_h", "swap/y-s"))
def context_before_is_one_more_input(f: Function, a: Arguments) -> Iterator[Relation]:
    """The state is the simple RNN's on [y; c], with the context of the step before."""
    joined = np.concatenate([a["y"], a["c"]])
    yield Equal(f(**a)[0], value(recurrent.simple_rnn_cell, joined, a["s"], a["W_xh"], a["W_hh"], a["b_h"]))


@holds(attention_rnn.input_feeding_step, equal=(("k", "u"),),
       kills=("s_next/exchange", "s_next/memory/W_xh", "s_next/transpose/W_hh"))  # fmt: skip
def one_matrix_does_for_two(f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_hh put between the rows of y and of c it is attentive_step."""
    on_y, on_c = np.split(a["W_xh"], [len(a["y"])])
    A = np.concatenate([on_y, a["W_hh"], on_c])
    one = value(attention_rnn.attentive_step, a["y"], a["s"], a["c"], a["h"], A, a["b_h"], a["W_q"], a["W_k"])
    for given, other in zip(f(**a), one, strict=True):
        yield Equal(given, other)


@holds(attention_rnn.attentive_step, kills=(
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


@holds(attention_rnn.attentive_step, kills=("s_next/function/no-tanh",))
def state_stays_within_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """|s'| ≤ 1."""
    yield from within(f(**a)[0], 1.0)
