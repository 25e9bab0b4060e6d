"""What must hold of gradients through recurrences, of a step and of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap
from typing import Any

import numpy as np

from attnspec.equations import backward
from attnspec.language.equation import Equation
from attnspec.properties._gradients import gradients
from attnspec.properties._parts import of_each, value
from attnspec.properties.law import Arguments, AtMost, Equal, Function, Relation, holds

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
})  # fmt: skip


@holds(backward.rnn_jacobian, kills=(
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


@holds(backward.rnn_jacobian, kills=("J/constant/double",))
def it_grows_at_most_as_the_powers_of_the_matrix(f: Function, a: Arguments) -> Iterator[Relation]:
    """‖∂h_T/∂h_0‖ ≤ ‖W_hh‖^T."""
    largest = np.linalg.norm(a["W_hh"], 2) if a["W_hh"].size else 0.0
    yield AtMost(np.sqrt(np.square(f(**a)).sum(axis=0)), largest ** len(a["x"]) * np.ones(len(a["h_0"])))


@of_each({
    backward.simple_rnn: ("g/drop/i", "d_a/drop/t−1"),
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
