"""Where two conventions of the GRU agree: in a step, in a sequence, and in whatever is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import recurrent
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation
from attnspec.properties.shared import negated, of_each, several, without

Of = Equation[..., Any]


def named(a: Arguments, *symbols: str) -> list[str]:
    """The arrays of these symbols: of both halves where there are two, of every layer where there are layers."""
    return [name for name in a if re.sub("_[fb]$", "", name.rpartition(".")[2]) in symbols]


def diagonal(a: Arguments) -> dict[str, Any]:
    """The recurrent matrix of the candidate with nothing but its diagonal."""
    return {**a, **{name: a[name] * np.eye(*a[name].shape) for name in named(a, "W_hh")}}


RESET_AFTER: dict[Of, Of] = {
    recurrent.gru_cell: recurrent.gru_cell_reset_after,
    recurrent.gru: recurrent.gru_reset_after,
    recurrent.gru_lengths: recurrent.gru_lengths_reset_after,
    recurrent.gru_lengths_repeats: recurrent.gru_lengths_reset_after_repeats,
    recurrent.bidirectional_gru: recurrent.bidirectional_gru_reset_after,
    recurrent.bidirectional_gru_lengths: recurrent.bidirectional_gru_lengths_reset_after,
    recurrent.stacked_gru: recurrent.stacked_gru_reset_after,
    recurrent.stacked_bidirectional_gru: recurrent.stacked_bidirectional_gru_reset_after,
}
RESET_BEFORE = {after: before for before, after in RESET_AFTER.items()}


@of_each(
    {
        recurrent.gru_cell: ("recurrent.gru_cell_update_writes", "r/drop/b_r", "z/name/W_hz-W_hr", "order/hrz"),
        recurrent.gru: ("recurrent.gru_update_writes", "h/start/h_0", "h/step/before", "h/r/drop/b_r", "order/zrh"),
        recurrent.gru_lengths: ("recurrent.gru_lengths_repeats", "gru_goes_on", "h/start/h_0", "order/zrh"),
        recurrent.gru_lengths_repeats: ("recurrent.gru_lengths", "h/mask/<=", "h/start/h_0", "order/zrh"),
        recurrent.bidirectional_gru: ("recurrent.bidirectional_gru_update_writes", "h/exchange", "h_f/step/before"),
        recurrent.bidirectional_gru_lengths: ("padding_first", "goes_on", "h_last/exchange"),
        recurrent.stacked_gru: ("h/recurrent.gru_update_writes", "h/h/start/h_0", "h/order/zrh"),
        recurrent.stacked_bidirectional_gru: ("h/recurrent.bidirectional_gru_update_writes", "h/h/exchange"),
    }
)
def diagonal_recurrence_is_reset_after(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_hh diagonal r may act on either side of it: reset_after with b_hh = 0 gives the same."""
    same = diagonal(a)
    biases = {re.sub("b_h(?=$|_[fb]$)", "b_hh", name): np.zeros_like(a[name]) for name in named(a, "b_h")}
    for given, other in both(f(**same), RESET_AFTER[of](**same, **biases)):
        yield Equal(given, other)


@of_each({
    recurrent.gru_cell_reset_after: ("r/drop/b_r", "z/name/W_hz-W_hr", "h_tilde/drop/r", "order/zr"),
    recurrent.gru_reset_after: ("h/start/h_0", "h/step/before", "h/r/drop/b_r", "order/zr"),
    recurrent.gru_lengths_reset_after: ("recurrent.gru_lengths_reset_after_repeats", "gru_goes_on", "order/zr"),
    recurrent.gru_lengths_reset_after_repeats: ("recurrent.gru_lengths_reset_after", "h/start/h_0", "order/zr"),
    recurrent.bidirectional_gru_reset_after: (
        "h/exchange", "h_f/step/before", "every recurrent.gru_cell_reset_after/order/zr",
    ),
    recurrent.bidirectional_gru_lengths_reset_after: ("padding_first", "goes_on", "h_last/exchange"),
    recurrent.stacked_gru_reset_after: ("h/h/start/h_0", "h/order/zr"),
    recurrent.stacked_bidirectional_gru_reset_after: ("h/h/exchange", "h/order/bf"),
})  # fmt: skip
def diagonal_recurrence_is_reset_before(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With W_hh diagonal and b_hh = 0 it is the GRU in which r acts before the matrix."""
    same, biases = diagonal(a), named(a, "b_hh")
    plain = {name: array for name, array in same.items() if name not in biases}
    for given, other in both(f(**without(same, *biases)), RESET_BEFORE[of](**plain)):
        yield Equal(given, other)


UPDATE_WRITES: dict[Of, Of] = {
    recurrent.gru_cell: recurrent.gru_cell_update_writes,
    recurrent.gru: recurrent.gru_update_writes,
    recurrent.bidirectional_gru: recurrent.bidirectional_gru_update_writes,
}
UPDATE_KEEPS = {writes: keeps for keeps, writes in UPDATE_WRITES.items()}
Z = ("W_xz", "W_hz", "b_z")


@of_each({
    recurrent.gru_cell: ("recurrent.gru_cell_reset_after", "recurrent.gru_cell_update_writes", "h_tilde/bracket/r"),
    recurrent.gru: ("recurrent.gru_reset_after", "recurrent.gru_update_writes", "h/step/reversed"),
    recurrent.bidirectional_gru: (
        "recurrent.bidirectional_gru_reset_after", "recurrent.bidirectional_gru_update_writes", "h_f/step/reversed",
    ),
})  # fmt: skip
def negated_update_gate_writes(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the weights and the bias of z negated it is update_writes."""
    yield Equal(f(**a), UPDATE_WRITES[of](**negated(a, *named(a, *Z))))


@of_each({
    recurrent.gru_cell_update_writes: ("recurrent.gru_cell", "recurrent.gru_cell_reset_after", "h_tilde/bracket/r"),
    recurrent.gru_update_writes: ("recurrent.gru", "recurrent.gru_reset_after", "h/step/reversed"),
    recurrent.bidirectional_gru_update_writes: (
        "recurrent.bidirectional_gru", "recurrent.bidirectional_gru_reset_after", "h_f/step/reversed",
    ),
})  # fmt: skip
def negated_update_gate_keeps(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the weights and the bias of z negated it is the GRU in which z keeps the state."""
    yield Equal(f(**a), UPDATE_KEEPS[of](**negated(a, *named(a, *Z))))


def both(given: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """The outputs of two equations side by side."""
    yield from zip(several(given), several(other), strict=True)
