"""What must hold of one step of a recurrence, and of conventions, which relate alike in a step and in a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import recurrent
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import (
    OPEN,
    SHUT,
    held,
    negated,
    of_each,
    rolled,
    several,
    taking,
    value,
    within,
    without,
)

Of = Equation[..., Any]
Z = ("W_xz", "W_hz", "b_z")


@of_each(
    {
        recurrent.simple_rnn_cell: ("the result/function/no-tanh", "the result/bracket/tanh-b_h"),
        recurrent.simple_rnn_cell_concat: ("the result/function/no-tanh", "the result/bracket/tanh-b"),
        recurrent.simple_rnn: ("h/the result/function/no-tanh", "h/the result/bracket/tanh-b_h"),
    }
)
def state_stays_within_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """|h'| ≤ 1."""
    yield from within(f(**a), 1.0)


@of_each(
    {
        recurrent.simple_rnn_cell: ("the result/function/sigmoid", "the result/function/relu"),
        recurrent.simple_rnn_cell_concat: ("the result/function/sigmoid", "the result/function/relu"),
    }
)
def step_is_odd(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the input, the state and the bias negated, the new state is negated."""
    yield Equal(f(**negated(a, *(name for name in a if name in ("x", "h", "b", "b_h")))), -f(**a))


@property_of(recurrent.simple_rnn_cell, kills=(
    "the result/drop/b_h", "the result/drop/W_hh", "the result/exchange", "the result/transpose/W_hh",
    "the result/transpose/W_xh", "the result/memory/W_xh", "the result/function/no-tanh",
))  # fmt: skip
def one_matrix_does_for_two(f: Function, a: Arguments) -> Iterator[Relation]:
    """The two matrices stacked, W_hh on W_xh, make simple_rnn_cell_concat."""
    A = np.concatenate([a["W_hh"], a["W_xh"]])
    yield Equal(f(**a), value(recurrent.simple_rnn_cell_concat, a["x"], a["h"], A, a["b_h"]))


@property_of(recurrent.simple_rnn_cell_concat, kills=("the result/drop/b", "the result/exchange"))
def two_matrices_do_for_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """The matrix cut below the rows of the state makes simple_rnn_cell."""
    W_hh, W_xh = np.split(a["A"], [len(a["h"])])
    yield Equal(f(**a), value(recurrent.simple_rnn_cell, a["x"], a["h"], W_xh, W_hh, a["b"]))


KEEP = {recurrent.gru_cell: OPEN, recurrent.gru_cell_reset_after: OPEN, recurrent.gru_cell_update_writes: SHUT}
WRITE = {recurrent.gru_cell: SHUT, recurrent.gru_cell_reset_after: SHUT, recurrent.gru_cell_update_writes: OPEN}
"""The bias of z at which nothing but the old state is left, and the one at which nothing but the candidate is."""


@of_each(
    {
        recurrent.gru_cell: ("recurrent.gru_cell_update_writes", "the result/swap/z", "order/zrh"),
        recurrent.gru_cell_reset_after: ("the result/swap/z", "the result/complement/z", "order/zr"),
        recurrent.gru_cell_update_writes: ("recurrent.gru_cell", "the result/complement/z", "order/zrh"),
    }
)
def update_gate_keeps_the_state(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With z = 1 (update_writes: z = 0) the state is kept: h' = h."""
    yield Equal(f(**held(a, z=KEEP[of])), a["h"])


@of_each({
    recurrent.gru_cell: ("h_tilde/name/r-z", "h_tilde/complement/r", "h_tilde/drop/r", "everywhere/r-z"),
    recurrent.gru_cell_reset_after: ("h_tilde/name/r-z", "h_tilde/complement/r", "h_tilde/drop/r", "everywhere/r-z"),
    recurrent.gru_cell_update_writes: ("h_tilde/name/r-z", "h_tilde/complement/r", "h_tilde/drop/r"),
})  # fmt: skip
def shut_reset_gate_hides_the_state(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With r = 0 the candidate does not see h: where z does not see it either, h' depends on it linearly."""
    shut = without(held(a, r=SHUT), "W_hz")
    at_zero = f(**without(shut, "h"))
    yield Equal(f(**shut) + f(**negated(shut, "h")), at_zero + at_zero)


@of_each(
    {
        recurrent.gru_cell: ("recurrent.gru_cell_update_writes", "h_tilde/drop/r", "h_tilde/complement/r"),
        recurrent.gru_cell_reset_after: ("the result/swap/z", "h_tilde/drop/r", "h_tilde/complement/r"),
        recurrent.gru_cell_update_writes: ("recurrent.gru_cell", "h_tilde/drop/r", "h_tilde/complement/r"),
    }
)
def gates_forget_the_state(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With r = z = 0 (update_writes: r = 0, z = 1), h' does not depend on h."""
    shut = held(a, r=SHUT, z=WRITE[of])
    yield Equal(f(**shut), f(**negated(shut, "h")))


@of_each(
    {
        recurrent.gru_cell: ("recurrent.gru_cell_update_writes", "h_tilde/function/no-tanh", "h_tilde/drop/W_hh"),
        recurrent.gru_cell_reset_after: ("h_tilde/function/no-tanh", "h_tilde/drop/W_hh", "h_tilde/drop/b_hh"),
        recurrent.gru_cell_update_writes: ("recurrent.gru_cell", "h_tilde/function/no-tanh", "h_tilde/drop/W_hh"),
    }
)
def without_gates_it_is_the_simple_rnn(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With r = 1 and z = 0 (update_writes: z = 1) it is the simple RNN, with both of the candidate's biases."""
    yield Equal(f(**held(a, r=OPEN, z=WRITE[of])), simple(a, "h", a.get("b_hh", 0.0)))


def simple(a: Arguments, gate: str, more: Any = 0.0) -> Any:
    """The simple RNN's new state with the weights of one gate."""
    return value(recurrent.simple_rnn_cell, a["x"], a["h"], a[f"W_x{gate}"], a[f"W_h{gate}"], a[f"b_{gate}"] + more)


@of_each(
    {
        recurrent.gru_cell: ("h_tilde/function/no-tanh", "the result/constant/double"),
        recurrent.gru_cell_reset_after: ("h_tilde/function/no-tanh", "the result/constant/double"),
        recurrent.gru_cell_update_writes: ("h_tilde/function/no-tanh", "the result/constant/double"),
        recurrent.gru: ("h/h_tilde/function/no-tanh", "h/the result/constant/double"),
        recurrent.gru_reset_after: ("h/h_tilde/function/no-tanh", "h/the result/constant/double"),
        recurrent.gru_update_writes: ("h/h_tilde/function/no-tanh", "h/the result/constant/double"),
    }
)
def state_stays_within_the_old_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """|h'| ≤ max(|h|, 1), and so at every step."""
    yield from within(f(**a), np.maximum(np.abs(a["h"] if "h" in a else a["h_0"]), 1.0))


def diagonal(a: Arguments) -> dict[str, Any]:
    """The recurrent matrix of the candidate with nothing but its diagonal."""
    return {**a, "W_hh": a["W_hh"] * np.eye(*a["W_hh"].shape)}


@of_each(
    {
        recurrent.gru_cell: ("recurrent.gru_cell_update_writes", "r/drop/b_r", "z/name/W_hz-W_hr", "order/hrz"),
        recurrent.gru: ("recurrent.gru_update_writes", "h/start/h_0", "h/step/before", "h/r/drop/b_r", "order/zrh"),
    }
)
def diagonal_recurrence_is_reset_after(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_hh diagonal r may act on either side of it: reset_after with b_hh = 0 gives the same."""
    other: Of = recurrent.gru_reset_after if of is recurrent.gru else recurrent.gru_cell_reset_after
    same = diagonal(a)
    yield Equal(f(**same), other(**same, b_hh=np.zeros_like(a["b_h"])))


@of_each(
    {
        recurrent.gru_cell_reset_after: ("r/drop/b_r", "z/name/W_hz-W_hr", "h_tilde/drop/r", "order/zr"),
        recurrent.gru_reset_after: ("h/start/h_0", "h/step/before", "h/r/drop/b_r", "order/zr"),
    }
)
def diagonal_recurrence_is_reset_before(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_hh diagonal and b_hh = 0 it is the GRU in which r acts before the matrix."""
    other: Of = recurrent.gru if of is recurrent.gru_reset_after else recurrent.gru_cell
    same = diagonal(a)
    plain = {name: array for name, array in same.items() if name != "b_hh"}
    yield Equal(f(**without(same, "b_hh")), other(**plain))


@of_each(
    {
        recurrent.gru_cell: ("recurrent.gru_cell_reset_after", "recurrent.gru_cell_update_writes", "h_tilde/bracket/r"),
        recurrent.gru: ("recurrent.gru_reset_after", "recurrent.gru_update_writes", "h/step/reversed"),
    }
)
def negated_update_gate_writes(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the weights and the bias of z negated it is update_writes."""
    other: Of = recurrent.gru_update_writes if of is recurrent.gru else recurrent.gru_cell_update_writes
    yield Equal(f(**a), other(**negated(a, *Z)))


@of_each(
    {
        recurrent.gru_cell_update_writes: ("recurrent.gru_cell", "recurrent.gru_cell_reset_after", "h_tilde/bracket/r"),
        recurrent.gru_update_writes: ("recurrent.gru", "recurrent.gru_reset_after", "h/step/reversed"),
    }
)
def negated_update_gate_keeps(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the weights and the bias of z negated it is the GRU in which z keeps the state."""
    other: Of = recurrent.gru if of is recurrent.gru_update_writes else recurrent.gru_cell
    yield Equal(f(**a), other(**negated(a, *Z)))


@of_each(
    {
        recurrent.simple_rnn_cell: ("the result/memory/W_xh",),
        recurrent.gru_cell: ("z/memory/W_xz",),
        recurrent.gru_cell_reset_after: ("z/memory/W_xz",),
        recurrent.gru_cell_update_writes: ("z/memory/W_xz",),
        recurrent.lstm_cell: ("f/memory/W_xf",),
    }
)
def units_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the units permuted, in the states, the weights and the biases, the new states are permuted."""
    for new, old in zip(several(f(**rolled(of, a, "u"))), several(f(**a)), strict=True):
        yield Equal(new, np.roll(old, 1, axis=-1))


@property_of(recurrent.lstm_cell, kills=(
    "c_next/complement/f", "c_next/drop/c", "h_next/complement/o", "h_next/function/no-tanh", "order/figo",
    "order/oifg", "result 2/name/c_next-h_next",
))  # fmt: skip
def conveyor_keeps_the_cell(f: Function, a: Arguments) -> Iterator[Relation]:
    """With f = 1 and i = 0 the cell is kept, c' = c, and with o = 1 it shows: h' = tanh c."""
    h_next, c_next = f(**held(a, f=OPEN, i=SHUT, o=OPEN))
    yield Equal(c_next, a["c"])
    yield Equal(h_next, np.tanh(a["c"]))


@property_of(recurrent.lstm_cell, kills=("h_next/complement/o", "h_next/drop/o", "order/ifog", "everywhere/i-o"))
def shut_output_gate_hides_the_cell(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where o = 0 nothing shows: h' = 0."""
    half = np.arange(len(a["h"])) < (len(a["h"]) + 1) // 2
    shut = {name: np.where(half, array, a[name]) for name, array in held(a, o=SHUT).items() if name.endswith("o")}
    yield Equal(f(**{**a, **shut})[0][half], np.zeros(half.sum()))


@property_of(
    recurrent.lstm_cell, kills=("c_next/complement/i", "c_next/complement/f", "g/function/no-tanh", "g/drop/b_g")
)
def written_anew_it_is_the_simple_rnn(f: Function, a: Arguments) -> Iterator[Relation]:
    """With f = 0 and i = 1 the cell is what a simple RNN with the weights of g gives."""
    _, c_next = f(**held(a, f=SHUT, i=OPEN))
    yield Equal(c_next, simple(a, "g"))


@property_of(recurrent.lstm_cell, kills=("f/name/h-c", "i/name/h-c", "c_next/name/f-c"))
def gates_do_not_see_the_cell(f: Function, a: Arguments) -> Iterator[Relation]:
    """c' depends linearly on c."""
    _, at_zero = f(**without(a, "c"))
    yield Equal(f(**a)[1] + f(**negated(a, "c"))[1], at_zero + at_zero)


@property_of(
    recurrent.lstm_cell, kills=("i/drop/b_i", "f/drop/W_hf", "f/name/h-i", "i/function/tanh", "f/transpose/W_hf")
)
def gates_of_the_cell_are_alike(f: Function, a: Arguments) -> Iterator[Relation]:
    """With c = 1 and g = 1 the weights of i and f may change places: c' = f + i."""
    ones = {**held(a, g=OPEN), "c": np.ones_like(a["c"])}
    yield Equal(f(**ones)[1], f(**taking(ones, i="f", f="i"))[1])


@property_of(
    recurrent.lstm_cell, kills=("o/drop/b_o", "o/name/h-c", "o/function/tanh", "o/transpose/W_ho", "f/drop/b_f")
)
def output_gate_is_like_the_others(f: Function, a: Arguments) -> Iterator[Relation]:
    """With c = 1 and nothing written, h' = tanh 1 · o, and f with the weights of o gives c' = o."""
    one = {**held(a, i=SHUT), "c": np.ones_like(a["c"])}
    kept = f(**held(one, f=OPEN))[0]
    yield Equal(kept, np.tanh(1.0) * f(**taking(one, f="o"))[1])


@property_of(recurrent.lstm_cell, kills=("g/function/no-tanh", "result 1/name/h_next-c"))
def cell_grows_by_one_at_most(f: Function, a: Arguments) -> Iterator[Relation]:
    """|h'| ≤ 1 and |c'| ≤ |c| + 1."""
    h_next, c_next = f(**a)
    yield from within(h_next, 1.0)
    yield from within(c_next, np.abs(a["c"]) + 1)
