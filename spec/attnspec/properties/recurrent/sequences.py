"""What must hold of a sequence, and of what is read from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import recurrent
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.shared import OPEN, SHUT, held, negated, of_each, several, value, without

Of = Equation[..., Any]


def stepped(cell: Of, a: Arguments) -> tuple[Any, ...]:
    """Every h of a sequence made step by step by a cell, and what else the last step leaves."""
    weights = {name: array for name, array in a.items() if name not in ("x", "h_0", "c_0")}
    state, found = [a[name] for name in ("h_0", "c_0") if name in a], np.zeros((0, len(a["h_0"])))
    for x in a["x"]:
        state = list(several(cell(x, *state, **weights)))
        found = np.concatenate([found, state[0][None]])
    return found, *state[1:]


CELLS: dict[Of, Of] = {
    recurrent.simple_rnn: recurrent.simple_rnn_cell,
    recurrent.gru: recurrent.gru_cell,
    recurrent.gru_reset_after: recurrent.gru_cell_reset_after,
    recurrent.gru_update_writes: recurrent.gru_cell_update_writes,
    recurrent.lstm: recurrent.lstm_cell,
}
SLIPS = ("h/start/h_0", "h/step/before", "h/step/after", "h/step/reversed", "h/step/first")


@of_each(
    {
        recurrent.simple_rnn: (*SLIPS, "h/the result/exchange", "h/transpose/W_hh"),
        recurrent.gru: (*SLIPS, "h/everywhere/r-z", "order/zrh", "recurrent.gru_reset_after"),
        recurrent.gru_reset_after: (*SLIPS, "h/everywhere/r-z", "order/zr"),
        recurrent.gru_update_writes: (*SLIPS, "h/everywhere/r-z", "order/zrh", "recurrent.gru"),
        recurrent.lstm: (*(f"h, c{slip[1:]}" for slip in SLIPS), "h, c/start/c_0", "order/ifog", "order/oigf"),
    }
)
def sequence_is_its_steps(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Each step is the cell's, from the state of the step before."""
    for given, made in zip(several(f(**a)), stepped(CELLS[of], a), strict=True):
        yield Equal(given, made)


@of_each({
    recurrent.simple_rnn: ("h/step/after", "h/step/reversed"),
    recurrent.gru: ("h/step/after", "h/step/reversed"),
    recurrent.gru_reset_after: ("h/step/after", "h/step/reversed"),
    recurrent.gru_update_writes: ("h/step/after", "h/step/reversed"),
    recurrent.lstm: ("h, c/step/after", "h, c/step/reversed"),
}, least={"t": 2})  # fmt: skip
def past_does_not_depend_on_the_future(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A prefix of the output is the output of the prefix."""
    cut = len(a["x"]) // 2
    yield Equal(several(f(**{**a, "x": a["x"][:cut]}))[0], several(f(**a))[0][:cut])


@of_each({
    recurrent.simple_rnn: ("h/start/h_0", "h/step/before", "h/step/first"),
    recurrent.gru: ("h/start/h_0", "h/step/before", "h/step/first"),
    recurrent.gru_reset_after: ("h/start/h_0", "h/step/before", "h/step/first"),
    recurrent.gru_update_writes: ("h/start/h_0", "h/step/before", "h/step/first"),
    recurrent.lstm: ("h, c/start/h_0", "h, c/start/c_0", "h, c/step/before", "result 2/name/c-h"),
}, least={"t": 2})  # fmt: skip
def state_is_all_that_is_remembered(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Running T steps, then T' more from the state they left, gives what T + T' steps give."""
    cut = len(a["x"]) // 2
    h, *c = several(f(**{**a, "x": a["x"][:cut]}))
    left = dict(zip(("h_0", "c_0"), (h[-1], *c), strict=False))
    later, *ends = several(f(**{**a, **left, "x": a["x"][cut:]}))
    whole, *last = several(f(**a))
    yield Equal(np.concatenate([h, later]), whole)
    for end, whole_end in zip(ends, last, strict=True):
        yield Equal(end, whole_end)


@of_each(
    {
        recurrent.gru: ("recurrent.gru_update_writes", "h/start/h_0", "h/the result/swap/z"),
        recurrent.gru_reset_after: ("h/start/h_0", "h/the result/swap/z"),
    }
)
def open_update_gate_keeps_the_first_state(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With z = 1 throughout, h_t = h_0."""
    yield Equal(f(**held(a, z=OPEN)), np.broadcast_to(a["h_0"], (len(a["x"]), len(a["h_0"]))))


@property_of(recurrent.lstm, kills=("h, c/start/c_0", "h, c/c_next/drop/c", "result 2/name/c-h", "order/figo"))
def conveyor_keeps_the_first_cell(f: Function, a: Arguments) -> Iterator[Relation]:
    """With f = 1 and i = 0 throughout, the last cell is the first."""
    yield Equal(f(**held(a, f=OPEN, i=SHUT))[1], a["c_0"])


@property_of(recurrent.readout, kills=("the result/drop/b_y", "the result/twice/b_y"))
def silent_state_reads_the_bias(f: Function, a: Arguments) -> Iterator[Relation]:
    """With h = 0 it is the bias, from which h and −h move it equally far."""
    yield Equal(f(**without(a, "h")), a["b_y"])
    yield Equal(f(**a) + f(**negated(a, "h")), 2 * a["b_y"])


@property_of(recurrent.readout, kills=("the result/transpose/W_hy", "the result/memory/W_hy", "the result/drop/b_y"))
def unit_states_read_the_matrix(f: Function, a: Arguments) -> Iterator[Relation]:
    """The unit vectors as states give the rows of the matrix, with the bias."""
    for h, row in zip(np.eye(len(a["h"])), a["W_hy"], strict=True):
        yield Equal(f(**{**a, "h": h}), row + a["b_y"])


@property_of(recurrent.simple_rnn_step, kills=(
    "h_next/the result/drop/b_h", "h_next/the result/function/no-tanh", "h_next/transpose/W_hh", "y/name/h_next-h",
    "y/the result/drop/b_y",
))  # fmt: skip
def new_state_is_read_out(f: Function, a: Arguments) -> Iterator[Relation]:
    """The state is the simple RNN's, and what is said is the readout of the new one."""
    h_next, y = f(**a)
    yield Equal(h_next, value(recurrent.simple_rnn_cell, a["x"], a["h"], a["W_xh"], a["W_hh"], a["b_h"]))
    yield Equal(y, value(recurrent.readout, h_next, a["W_hy"], a["b_y"]))


@property_of(recurrent.many_to_many, kills=(
    *SLIPS, "h/the result/drop/b_h", "h/transpose/W_hh", "y/the result/drop/b_y", "y/the result/twice/b_y",
))  # fmt: skip
def every_state_is_read_out(f: Function, a: Arguments) -> Iterator[Relation]:
    """What is said at each step is the readout of the simple RNN's state there."""
    h = value(recurrent.simple_rnn, a["x"], a["h_0"], a["W_xh"], a["W_hh"], a["b_h"])
    read = [value(recurrent.readout, state, a["W_hy"], a["b_y"]) for state in h]
    yield Equal(f(**a), np.array(read).reshape(len(h), len(a["b_y"])))


@property_of(recurrent.many_to_many, least={"t": 2}, kills=("h/step/after", "h/step/reversed"))
def labels_do_not_depend_on_the_future(f: Function, a: Arguments) -> Iterator[Relation]:
    """A prefix of the labels is the labels of the prefix."""
    cut = len(a["x"]) // 2
    yield Equal(f(**{**a, "x": a["x"][:cut]}), f(**a)[:cut])


@property_of(recurrent.many_to_one, least={"t": 1}, kills=(
    "mean_over_time", "first_state", *SLIPS, "h/the result/drop/b_h", "h/transpose/W_hh",
    "the result/the result/drop/b_y", "the result/the result/twice/b_y",
))  # fmt: skip
def one_output_is_the_last_of_many(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the last output of many_to_many."""
    yield Equal(f(**a), value(recurrent.many_to_many, **a)[-1])


@property_of(recurrent.many_to_one, kills=("first_state", "h/start/h_0", "the result/the result/drop/b_y"))
def nothing_read_leaves_the_first_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """Without any input it is the readout of h_0."""
    yield Equal(f(**{**a, "x": a["x"][:0]}), value(recurrent.readout, a["h_0"], a["W_hy"], a["b_y"]))


@property_of(recurrent.one_to_many, least={"t": 1}, kills=(
    "h, y/start/h_0", "h, y/start/x", "h, y/name/y-x", "h, y/name/h-h_0", "h, y/h_next/the result/drop/b_h",
    "h, y/y/the result/drop/b_y",
))  # fmt: skip
def own_outputs_are_the_inputs(f: Function, a: Arguments) -> Iterator[Relation]:
    """It says what many_to_many says of the input with its own outputs behind it, the last left out."""
    y = f(**a)
    fed = {name: array for name, array in a.items() if name not in ("x", "t")}
    yield Equal(y, value(recurrent.many_to_many, np.concatenate([a["x"][None], y[:-1]]), **fed))


@property_of(recurrent.one_to_many, least={"t": 2}, kills=("h, y/start/x", "h, y/name/y-x"))
def it_goes_on_from_what_it_said(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the state is not passed on, all that follows is what its first output begins."""
    forgetful = without(a, "W_hh")
    y = f(**forgetful)
    yield Equal(f(**{**forgetful, "x": y[0], "t": a["t"] - 1}), y[1:])


@property_of(recurrent.classifier, kills=("the result/drop/sign", "the result/constant/double"))
def only_the_last_state_is_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """What comes before the last state does not show."""
    yield Equal(f(**{**a, "h": a["h"][-1:]}), f(**a))


@property_of(
    recurrent.classifier, kills=("the result/function/no-sigmoid", "the result/function/tanh", "the result/drop/b")
)
def other_class_has_the_rest(f: Function, a: Arguments) -> Iterator[Relation]:
    """With weights and bias negated it is the probability of the other class: together they are 1."""
    yield AtMost(0.0, f(**a))
    yield Equal(f(**a) + f(**negated(a, "w", "b")), 1.0)
    yield Equal(f(**without(a, "w")), 1 / (1 + np.exp(-a["b"])))


@property_of(recurrent.classifier, kills=("the result/drop/b", "the result/twice/b", "the result/bracket/sigmoid-b"))
def it_is_a_readout_of_one_unit(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is σ of the readout of the last state with a matrix of one column."""
    (read,) = value(recurrent.readout, a["h"][-1], a["w"][:, None], a["b"][None])
    yield Equal(f(**a), 1 / (1 + np.exp(-read)))
