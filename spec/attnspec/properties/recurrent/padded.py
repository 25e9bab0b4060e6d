"""What must hold of padded sequences: padding changes nothing, forwards and from either end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import recurrent
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation
from attnspec.properties.recurrent.bidirectional import from_zero
from attnspec.properties.shared import of_each, several

Of = Equation[..., Any]


PADDED: dict[Of, Of] = {
    recurrent.simple_rnn_lengths: recurrent.simple_rnn,
    recurrent.gru_lengths: recurrent.gru,
    recurrent.gru_lengths_reset_after: recurrent.gru_reset_after,
    recurrent.lstm_lengths: recurrent.lstm,
    recurrent.simple_rnn_lengths_repeats: recurrent.simple_rnn,
    recurrent.gru_lengths_repeats: recurrent.gru,
    recurrent.gru_lengths_reset_after_repeats: recurrent.gru_reset_after,
    recurrent.lstm_lengths_repeats: recurrent.lstm,
}


BOTH_WAYS: dict[Of, Of] = {
    recurrent.bidirectional_simple_rnn_lengths: recurrent.simple_rnn,
    recurrent.bidirectional_gru_lengths: recurrent.gru,
    recurrent.bidirectional_gru_lengths_reset_after: recurrent.gru_reset_after,
    recurrent.bidirectional_lstm_lengths: recurrent.lstm,
}
"""Each with what its halves are without padding."""


def alone(of: Of, a: Arguments) -> tuple[Any, ...]:
    """What a sequence gives without its padding: every h, and the states that it leaves."""
    x = a["x"][: int(a["length"])]
    if of in BOTH_WAYS:
        h_f, *left_f = ending(from_zero(BOTH_WAYS[of], a, x, "_f"))
        h_b, *left_b = ending(from_zero(BOTH_WAYS[of], a, x[::-1], "_b"))
        left = zip(left_f, left_b, strict=True)
        return np.concatenate([h_f, h_b[::-1]], axis=1), *(np.concatenate(pair) for pair in left)
    rows = {name: array for name, array in a.items() if name not in ("x", "length")}
    return ending(several(PADDED[of](x=x, **rows)), a["h_0"])


def ending(given: tuple[Any, ...], start: Any = None) -> tuple[Any, ...]:
    """Every h, the last of them, and the last c; where there is no h, the last is the start, or 0."""
    h, *c = given
    first = np.zeros(h.shape[1]) if start is None else start
    return h, np.concatenate([first[None], h])[-1], *c


@of_each({
    recurrent.simple_rnn_lengths: (
        "simple_rnn_goes_on", "simple_rnn_last_output", "recurrent.simple_rnn_lengths_repeats", "h/mask/<=",
        "y/mask/late", "h/start/h_0",
    ),
    recurrent.gru_lengths: (
        "gru_goes_on", "gru_last_output", "recurrent.gru_lengths_repeats", "h/mask/<=", "y/mask/late", "h/start/h_0",
    ),
    recurrent.gru_lengths_reset_after: (
        "gru_goes_on", "gru_last_output", "recurrent.gru_lengths_reset_after_repeats", "h/mask/<=", "y/mask/late",
        "h/start/h_0", "swap/b_h-b_hh",
    ),
    recurrent.lstm_lengths: (
        "lstm_goes_on", "lstm_cell_goes_on", "recurrent.lstm_lengths_repeats", "h_last/mask/>=", "c_last/drop/1",
        "h, c/start/h_0", "y/mask/<=",
    ),
    recurrent.bidirectional_simple_rnn_lengths: (
        "padding_first", "goes_on", "feature_of_padding", "g/mask/late", "h_b/drop/1", "y/name/h_b-g", "order/bf",
    ),
    recurrent.bidirectional_gru_lengths: (
        "padding_first", "goes_on", "feature_of_padding", "g/mask/late", "h_b/drop/1", "y/name/h_b-g", "order/bf",
        "recurrent.bidirectional_gru_lengths_reset_after",
    ),
    recurrent.bidirectional_gru_lengths_reset_after: (
        "padding_first", "goes_on", "feature_of_padding", "g/mask/late", "h_b/drop/1", "y/name/h_b-g", "order/bf",
        "swap/b_h_b-b_hh_b",
    ),
    recurrent.bidirectional_lstm_lengths: (
        "padding_first", "goes_on", "feature_of_padding", "n/exchange", "h_b/drop/1", "y/name/h_b-g", "order/bf",
        "c_last/exchange", "h_last/drop/1",
    ),
})  # fmt: skip
def each_sequence_is_as_it_is_alone(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Up to its length it gives what it gives without padding, then 0; and it leaves the same states."""
    y, *left = f(**a)
    h, *states = alone(of, a)
    yield Equal(y, np.concatenate([h, np.zeros((len(y) - len(h), *y.shape[1:]))]))
    for given, state in zip(left, states, strict=True):
        yield Equal(given, state)


@of_each({
    recurrent.simple_rnn_lengths_repeats: ("recurrent.simple_rnn_lengths", "h/mask/<=", "y/mask/>=", "h/start/h_0"),
    recurrent.gru_lengths_repeats: ("recurrent.gru_lengths", "h/mask/<=", "y/mask/>=", "h/start/h_0"),
    recurrent.gru_lengths_reset_after_repeats: (
        "recurrent.gru_lengths_reset_after", "h/mask/<=", "y/mask/>=", "h/start/h_0",
    ),
    recurrent.lstm_lengths_repeats: ("recurrent.lstm_lengths", "h_last/mask/>=", "y/mask/>=", "c_last/drop/1"),
})  # fmt: skip
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
        recurrent.gru_lengths_reset_after: ("gru_goes_on", "h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.lstm_lengths: ("lstm_goes_on", "lstm_cell_goes_on", "y/mask/<=", "h, c/step/after"),
        recurrent.simple_rnn_lengths_repeats: ("h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.gru_lengths_repeats: ("h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.gru_lengths_reset_after_repeats: ("h/mask/<=", "h/mask/late", "h/step/after"),
        recurrent.lstm_lengths_repeats: ("h_last/drop/1", "c_last/drop/1", "h, c/step/after"),
        recurrent.bidirectional_simple_rnn_lengths: ("padding_first", "goes_on", "g/mask/<=", "g/mask/late"),
        recurrent.bidirectional_gru_lengths: ("padding_first", "goes_on", "g/mask/<=", "g/mask/late"),
        recurrent.bidirectional_gru_lengths_reset_after: ("padding_first", "goes_on", "g/mask/<=", "g/mask/late"),
        recurrent.bidirectional_lstm_lengths: ("padding_first", "goes_on", "y/mask/<=", "g, c_b/drop/1"),
    }
)
def padding_does_not_show(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Whatever stands in the rows of the padding, nothing changes."""
    counts = np.arange(len(a["x"])) < a["length"]
    for other in (-a["x"], np.zeros_like(a["x"])):
        padded = {**a, "x": np.where(counts[:, None], a["x"], other)}
        for given, still in zip(f(**padded), f(**a), strict=True):
            yield Equal(given, still)


@of_each({
    recurrent.simple_rnn_lengths: ("h/mask/>", "h/exchange", "y/exchange"),
    recurrent.gru_lengths: ("h/mask/>", "h/exchange", "y/exchange", "order/zrh"),
    recurrent.gru_lengths_reset_after: ("h/mask/>", "h/exchange", "y/exchange", "order/zr"),
    recurrent.lstm_lengths: ("h_last/mask/<", "c_last/exchange", "y/exchange", "order/figo"),
    recurrent.simple_rnn_lengths_repeats: ("h/mask/>", "h/exchange", "y/exchange"),
    recurrent.gru_lengths_repeats: ("h/mask/>", "h/exchange", "y/exchange", "order/zrh"),
    recurrent.gru_lengths_reset_after_repeats: ("h/mask/>", "h/exchange", "y/exchange", "order/zr"),
    recurrent.lstm_lengths_repeats: ("h_last/mask/<", "c_last/exchange", "y/exchange", "order/figo"),
    recurrent.bidirectional_simple_rnn_lengths: ("g/exchange", "y/exchange", "y/exchange#2", "h_last/exchange"),
    recurrent.bidirectional_gru_lengths: ("g/exchange", "y/exchange", "y/exchange#2", "h_last/exchange"),
    recurrent.bidirectional_gru_lengths_reset_after: ("g/exchange", "y/exchange", "y/exchange#2", "h_last/exchange"),
    recurrent.bidirectional_lstm_lengths: ("y/exchange", "y/exchange#2", "h_last/exchange", "everywhere/h_last-c_last"),
})  # fmt: skip
def without_padding_it_is_the_plain_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every row counts there is no padding."""
    full = {**a, "length": np.asarray(len(a["x"]))}
    for given, plain in zip(f(**full), alone(of, full), strict=True):
        yield Equal(given, plain)
