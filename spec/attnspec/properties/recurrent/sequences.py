"""What must hold of recurrences: of a sequence and of what is read from it here, of one step in `_cells`."""

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


PADDED: dict[Of, Of] = {
    recurrent.simple_rnn_lengths: recurrent.simple_rnn,
    recurrent.gru_lengths: recurrent.gru,
    recurrent.lstm_lengths: recurrent.lstm,
    recurrent.simple_rnn_lengths_repeats: recurrent.simple_rnn,
    recurrent.gru_lengths_repeats: recurrent.gru,
    recurrent.lstm_lengths_repeats: recurrent.lstm,
}


def alone(of: Of, a: Arguments) -> tuple[Any, ...]:
    """What a sequence gives without its padding: every h, and the states that it leaves."""
    rows = {name: array for name, array in a.items() if name != "length"}
    h, *c = several(PADDED[of](**{**rows, "x": a["x"][: int(a["length"])]}))
    return h, np.concatenate([a["h_0"][None], h])[-1], *c


@of_each({
    recurrent.simple_rnn_lengths: (
        "simple_rnn_goes_on", "simple_rnn_last_output", "recurrent.simple_rnn_lengths_repeats", "h/mask/<=",
        "y/mask/late", "h/start/h_0",
    ),
    recurrent.gru_lengths: (
        "gru_goes_on", "gru_last_output", "recurrent.gru_lengths_repeats", "h/mask/<=", "y/mask/late", "h/start/h_0",
    ),
    recurrent.lstm_lengths: (
        "lstm_goes_on", "lstm_cell_goes_on", "recurrent.lstm_lengths_repeats", "h_last/mask/>=", "c_last/drop/1",
        "h, c/start/h_0", "y/mask/<=",
    ),
})  # fmt: skip
def each_sequence_is_as_it_is_alone(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Up to its length it gives what it gives without padding, then 0; and it leaves the same states."""
    y, *left = f(**a)
    h, *states = alone(of, a)
    yield Equal(y, np.concatenate([h, np.zeros((len(y) - len(h), *y.shape[1:]))]))
    for given, state in zip(left, states, strict=True):
        yield Equal(given, state)


@of_each(
    {
        recurrent.simple_rnn_lengths_repeats: ("recurrent.simple_rnn_lengths", "h/mask/<=", "y/mask/>=", "h/start/h_0"),
        recurrent.gru_lengths_repeats: ("recurrent.gru_lengths", "h/mask/<=", "y/mask/>=", "h/start/h_0"),
        recurrent.lstm_lengths_repeats: ("recurrent.lstm_lengths", "h_last/mask/>=", "y/mask/>=", "c_last/drop/1"),
    }
)
def padding_says_what_was_said_last(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Up to its length it gives what it gives without padding, then the last of it again, or 0 where it is empty."""
    y, *left = f(**a)
    h, *states = alone(of, a)
    again = h[-1:] if len(h) else np.zeros((1, *y.shape[1:]))
    yield Equal(y, np.concatenate([h, again.repeat(len(y) - len(h), axis=0)]))
    for given, state in zip(left, states, strict=True):
        yield Equal(given, state)


@of_each(
    {
        recurrent.simple_rnn_lengths: ("simple_rnn_goes_on", "h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.gru_lengths: ("gru_goes_on", "h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.lstm_lengths: ("lstm_goes_on", "lstm_cell_goes_on", "y/mask/<=", "h, c/step/after"),
        recurrent.simple_rnn_lengths_repeats: ("h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.gru_lengths_repeats: ("h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.lstm_lengths_repeats: ("h_last/drop/1", "c_last/drop/1", "h, c/step/after"),
    }
)
def padding_does_not_show(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Whatever stands in the rows of the padding, nothing changes."""
    counts = np.arange(len(a["x"])) < a["length"]
    for other in (-a["x"], np.zeros_like(a["x"])):
        padded = {**a, "x": np.where(counts[:, None], a["x"], other)}
        for given, still in zip(f(**padded), f(**a), strict=True):
            yield Equal(given, still)


@of_each(
    {
        recurrent.simple_rnn_lengths: ("h/mask/>", "h/exchange", "y/exchange"),
        recurrent.gru_lengths: ("h/mask/>", "h/exchange", "y/exchange", "order/zrh"),
        recurrent.lstm_lengths: ("h_last/mask/<", "c_last/exchange", "y/exchange", "order/figo"),
        recurrent.simple_rnn_lengths_repeats: ("h/mask/>", "h/exchange", "y/exchange"),
        recurrent.gru_lengths_repeats: ("h/mask/>", "h/exchange", "y/exchange", "order/zrh"),
        recurrent.lstm_lengths_repeats: ("h_last/mask/<", "c_last/exchange", "y/exchange", "order/figo"),
    }
)
def without_padding_it_is_the_plain_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every row counts there is no padding."""
    full = {**a, "length": np.asarray(len(a["x"]))}
    for given, plain in zip(f(**full), alone(of, full), strict=True):
        yield Equal(given, plain)


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


@property_of(recurrent.bidirectional_feature, kills=("feature/exchange", "feature/mask/<=", "feature/drop/sign"))
def each_half_is_read_where_it_ends(f: Function, a: Arguments) -> Iterator[Relation]:
    """The forward half is that of the last step, the backward half that of the first."""
    (first, *_), last, u = a["h"], a["h"][-1], a["h"].shape[1] // 2
    yield Equal(f(**a), np.concatenate([last[:u], first[u:]]))


@property_of(recurrent.bidirectional_feature, kills=("feature/mask/<=", "feature/mask/late", "feature/constant/double"))
def halves_change_places_when_time_is_turned(f: Function, a: Arguments) -> Iterator[Relation]:
    """With time reversed and the halves of every state exchanged, the halves of the feature are exchanged."""
    u = a["h"].shape[1] // 2
    yield Equal(f(h=np.roll(a["h"][::-1], u, axis=1)), np.roll(f(**a), u))


def half(a: Arguments, end: str) -> dict[str, Any]:
    """The weights of one half of a bidirectional network, under the names that it has alone."""
    return {name.removesuffix(end): array for name, array in a.items() if name.endswith(end)}


HALVES: dict[Of, Of] = {
    recurrent.bidirectional_simple_rnn: recurrent.simple_rnn,
    recurrent.bidirectional_gru: recurrent.gru,
    recurrent.bidirectional_lstm: recurrent.lstm,
}


def run_alone(of: Of, a: Arguments, x: Any, end: str) -> Any:
    """Every h of one half of a bidirectional network, which starts from 0."""
    weights = half(a, end)
    zero = np.zeros(len(weights["W_hh" if "W_hh" in weights else "W_hi"]))
    starts = {name: zero for name in ("h_0", "c_0") if name in HALVES[of].signature}
    return several(HALVES[of](x=x, **starts, **weights))[0]


@of_each({
    recurrent.bidirectional_simple_rnn: (
        "h/name/h_b-g", "h/exchange", "h_0/drop/0", "h_f/step/before", "g/drop/i", "h_b/drop/1", "order/bf",
    ),
    recurrent.bidirectional_gru: (
        "h/name/h_b-g", "h/exchange", "h_0/drop/0", "h_f/step/before", "g/drop/i", "g/drop/1", "h_b/drop/1",
        "everywhere/h_f-g", "order/bf",
    ),
    recurrent.bidirectional_lstm: (
        "h/name/h_b-g", "h/exchange", "zero/drop/0", "h_f, c_f/step/before", "g, c_b/drop/i", "h_b/drop/1", "order/bf",
        "h_f, c_f/order/ifog",
    ),
})  # fmt: skip
def halves_are_two_networks(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The forward half runs on the input, the backward half on the input turned round, each alone and from 0."""
    h = f(**a)
    u = h.shape[1] // 2
    yield Equal(h[:, :u], run_alone(of, a, a["x"], "_f"))
    yield Equal(h[::-1, u:], run_alone(of, a, a["x"][::-1], "_b"))


@of_each(
    {
        recurrent.bidirectional_simple_rnn: ("h/name/h_b-g", "h_b/drop/1", "g/drop/1", "h_f/name/W_xh_f-W_xh_b"),
        recurrent.bidirectional_gru: ("h/name/h_b-g", "h_b/drop/1", "g/drop/1", "h_f/name/W_xr_f-W_xr_b"),
        recurrent.bidirectional_lstm: ("h/name/h_b-g", "h_b/drop/1", "g, c_b/drop/1", "h_f, c_f/name/W_xi_f-W_xi_b"),
    }
)
def halves_change_places_when_the_input_is_turned(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the input reversed and the two sets of weights exchanged the output is reversed, its halves exchanged."""
    swap = {"f": "b", "b": "f"}
    turned = {name: a[name[:-1] + swap[name[-1]]] for name in a if name != "x"}
    h = f(**a)
    yield Equal(f(x=a["x"][::-1], **turned), np.roll(h[::-1], h.shape[1] // 2, axis=1))


@of_each({
    recurrent.bidirectional_simple_rnn: ("h/name/h_b-g", "h/exchange", "h_f/step/after"),
    recurrent.bidirectional_gru: ("h/name/h_b-g", "h/exchange", "h_f/step/after"),
    recurrent.bidirectional_lstm: ("h/name/h_b-g", "h/exchange", "h_f, c_f/step/after"),
}, least={"t": 2})  # fmt: skip
def each_half_knows_what_it_has_read(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The forward half does not depend on what comes later, nor the backward half on what came before."""
    h, cut = f(**a), len(a["x"]) // 2
    u = h.shape[1] // 2
    yield Equal(f(**{**a, "x": a["x"][:cut]})[:, :u], h[:cut, :u])
    yield Equal(f(**{**a, "x": a["x"][cut:]})[:, u:], h[cut:, u:])
