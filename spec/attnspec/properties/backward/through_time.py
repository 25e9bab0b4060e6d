"""What must hold of gradients through recurrences, of a step and of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap
from typing import Any

import numpy as np

from attnspec.equations import backward
from attnspec.language.equation import Equation
from attnspec.properties.backward.gradients import gradients
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, value

Of = Equation[..., Any]

gradients({
    backward.simple_rnn_cell: (
        "d_a/drop/1−h_next⊙h_next", "d_a/constant/double", "d_a/drop/h_next", "d_h/transpose/W_hh",
        "d_W_hh/name/h-h_next", "d_W_xh/name/d_a-d_h_next", "h_next/the result/function/no-tanh",
    ),
    backward.simple_rnn: (
        "g/drop/W_hhg_{i−1}", "g/drop/∂h_{t−1−i}", "h_before/drop/1", "d_W_hh/name/h_before-h", "g/transpose/W_hh",
        "s/start/h_0", "d_h_0/transpose/W_hh", "last/i",
    ),
    backward.gru_cell: ("r/drop/b_r", "z/name/W_hz-W_hr", "h_tilde/bracket/r", "order/zrh"),
    backward.gru_cell_reset_after: ("r/drop/b_r", "z/name/W_hz-W_hr", "a_hh/drop/b_hh", "result 12/name/d_a_hh-d_a_h"),
    backward.gru_cell_update_writes: ("backward.gru_cell", "result 6/drop/sign", "order/zrh"),
    backward.gru: ("s/start/h_0", "h/drop/1", "r/drop/b_r", "order/zrh"),
    backward.gru_reset_after: ("s/start/h_0", "h/drop/1", "a_hh/drop/b_hh"),
    backward.gru_update_writes: ("backward.gru", "result 6/drop/sign", "order/zrh"),
    backward.lstm_cell: ("i/drop/b_i", "f/name/W_hf-W_hi", "c_next/drop/f", "order/ifog"),
    backward.lstm: ("s, y/start/h_0", "s, y/start/c_0", "h/drop/1", "c/drop/1"),
})  # fmt: skip


@property_of(backward.rnn_jacobian, kills=(
    "J/start/identity", "J/drop/(1−h_i⊙h_i)_k", "J/constant/double", "J/exchange", "J/transpose/W_hh",
    "J/step/reversed", "h/h/step/before", "identity/exchange",
))  # fmt: skip
def rows_are_what_each_last_unit_hands_to_the_first(f: Function, a: Arguments) -> Iterator[Relation]:
    """Row k is ∂h_0 of the loss that is the k-th component of the last state; of no steps it is the identity."""
    J, u = f(**a), len(a["h_0"])
    if not len(a["x"]):
        yield Equal(J, np.eye(u))
        return
    for row, unit in zip(J, np.eye(u), strict=True):
        d_h = np.where((np.arange(len(a["x"])) == len(a["x"]) - 1)[:, None], unit, 0.0)
        _, d_h_0, *_ = value(backward.simple_rnn, d_h, **a)
        yield Equal(row, d_h_0)


@property_of(backward.rnn_jacobian, kills=("J/constant/double",))
def it_grows_at_most_as_the_powers_of_the_matrix(f: Function, a: Arguments) -> Iterator[Relation]:
    """‖∂h_T/∂h_0‖ ≤ ‖W_hh‖^T."""
    largest = np.linalg.norm(a["W_hh"], 2) if a["W_hh"].size else 0.0
    yield AtMost(np.sqrt(np.square(f(**a)).sum(axis=0)), largest ** len(a["x"]) * np.ones(len(a["h_0"])))


@property_of(backward.gru_gates, kills=(
    "d_h/drop/z", "d_h/drop/r", "d_rh/transpose/W_hh", "d_h/transpose/W_hz", "d_a_r/drop/1−r", "d_a_z/drop/1−z",
    "d_a_h/drop/1−z", "d_a_z/exchange", "d_a_r/drop/h", "d_a_h/drop/h̃", "backward.gru_gates_reset_after",
))  # fmt: skip
def gru_gates_are_the_adjoint_of_the_step(f: Function, a: Arguments) -> Iterator[Relation]:
    """However state and gates are moved, ∂ before · move = ∂ after · what the move does to the step."""
    v = a["h"]
    d_h, d_a_r, d_a_z, d_a_h = f(**a)
    by_z, by_h = (a["h"] - a["h_tilde"]) * a["z"] * (1 - a["z"]), (1 - a["z"]) * (1 - a["h_tilde"] ** 2)
    by_r = a["h"] * a["r"] * (1 - a["r"])
    moved = a["z"] * v + by_z * (v @ a["W_hz"]) + by_h * ((a["r"] * v + by_r * (v @ a["W_hr"])) @ a["W_hh"])
    yield Equal(d_h @ v, a["d_h_next"] @ moved)
    yield Equal(d_a_r @ v, a["d_h_next"] @ (by_h * ((by_r * v) @ a["W_hh"])))
    yield Equal(d_a_z @ v, a["d_h_next"] @ (by_z * v))
    yield Equal(d_a_h @ v, a["d_h_next"] @ (by_h * v))


@property_of(backward.gru_gates_reset_after, kills=(
    "d_h/drop/z", "d_a_hh/drop/r", "d_h/transpose/W_hh", "d_h/transpose/W_hz", "d_a_r/drop/1−r", "d_a_z/drop/1−z",
    "d_a_h/drop/1−z", "d_a_r/drop/a_hh", "result 5/name/d_a_hh-d_a_h",
))  # fmt: skip
def gru_gates_reset_after_are_the_adjoint_of_the_step(f: Function, a: Arguments) -> Iterator[Relation]:
    """However state and gates are moved, ∂ before · move = ∂ after · what the move does to the step."""
    v = a["h"]
    d_h, d_a_r, d_a_z, d_a_h, d_a_hh = f(**a)
    by_z, by_h = (a["h"] - a["h_tilde"]) * a["z"] * (1 - a["z"]), (1 - a["z"]) * (1 - a["h_tilde"] ** 2)
    by_r = a["a_hh"] * a["r"] * (1 - a["r"])
    moved = a["z"] * v + by_z * (v @ a["W_hz"]) + by_h * (a["r"] * (v @ a["W_hh"]) + by_r * (v @ a["W_hr"]))
    yield Equal(d_h @ v, a["d_h_next"] @ moved)
    yield Equal(d_a_r @ v, a["d_h_next"] @ (by_h * by_r * v))
    yield Equal(d_a_z @ v, a["d_h_next"] @ (by_z * v))
    yield Equal(d_a_h @ v, a["d_h_next"] @ (by_h * v))
    yield Equal(d_a_hh, a["r"] * d_a_h)


@property_of(backward.lstm_gates, kills=(
    "d_cell/drop/o", "d_cell/drop/∂c_next", "d_h/transpose/W_hi", "d_a_o/drop/1−o", "d_a_f/drop/c", "d_a_i/drop/g",
    "d_a_g/drop/i", "d_c/drop/f", "y/function/no-tanh",
))  # fmt: skip
def lstm_gates_are_the_adjoint_of_the_step(f: Function, a: Arguments) -> Iterator[Relation]:
    """However state, cell and gates are moved, ∂ before · move = ∂ after · what the move does to the step."""
    v, w = a["d_h_next"], a["c"]
    d_h, d_c, *taught = f(**a)
    by = {
        "i": a["g"] * a["i"] * (1 - a["i"]),
        "f": a["c"] * a["f"] * (1 - a["f"]),
        "g": a["i"] * (1 - a["g"] ** 2),
    }
    y = np.tanh(a["c_next"])
    shown, by_o = a["o"] * (1 - y**2), y * a["o"] * (1 - a["o"])
    cell = a["d_c_next"] + a["d_h_next"] * shown
    moved = a["f"] * w + sum(by[gate] * (v @ a[f"W_h{gate}"]) for gate in by)
    yield Equal(d_h @ v + d_c @ w, cell @ moved + a["d_h_next"] @ (by_o * (v @ a["W_ho"])))
    for found, gate in zip(taught, by, strict=False):
        yield Equal(found @ w, cell @ (by[gate] * w))
    yield Equal(taught[-1] @ w, a["d_h_next"] @ (by_o * w))


@of_each({
    backward.simple_rnn: ("g/drop/i", "d_a/drop/t−1"),
    backward.gru: ("d_a_r/drop/t−1",),
    backward.gru_reset_after: ("d_a_r/drop/t−1",),
    backward.gru_update_writes: ("result 1/name/d_x-x",),
    backward.lstm: ("d_i/drop/t−1",),
}, least={"t": 2})  # fmt: skip
def what_comes_after_the_loss_learns_nothing(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where no gradient reaches the later states, all is as if the sequence ended before them, and their ∂x is 0."""
    cut = len(a["x"]) // 2
    before = (np.arange(len(a["x"])) < cut)[:, None]
    silent = {**a, "d_h": np.where(before, a["d_h"], 0.0)} | ({"d_c": np.zeros_like(a["d_c"])} if "d_c" in a else {})
    d_x, *rest = f(**silent)
    short_x, *short = f(**{**silent, "d_h": silent["d_h"][:cut], "x": a["x"][:cut]})
    yield Equal(d_x[:cut], short_x)
    yield Equal(d_x[cut:], np.zeros_like(d_x[cut:]))
    yield from starmap(Equal, zip(rest, short, strict=True))
