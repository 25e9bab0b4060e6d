"""A constant that keeps the forget gate open is added behind its sigmoid.

https://github.com/apache/tvm/pull/3410
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, sigmoid, tanh
from attnspec.notation import Tensor as Given

EQUATION = "lstm_forget_bias_behind_gate.cell"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Jozefowicz et al. 2015, ICML, sec. 3.4; TensorFlow, LSTMBlockCell"),
    options={"forget_bias": (1.0, 0.5)},
)
def cell(
    a_i: Float[Given, " u"], a_f: Float[Given, " u"], a_g: Float[Given, " u"], a_o: Float[Given, " u"],
    c: Float[Given, " u"], *, forget_bias: float,
) -> tuple[Float[Given, " u"], Float[Given, " u"]]:  # fmt: skip
    """An LSTM cell; a are the sums before its gates, and the one that forgets has a constant more."""
    f = sigmoid(a_f + forget_bias)
    c_next = f * c + sigmoid(a_i) * tanh(a_g)
    return sigmoid(a_o) * tanh(c_next), c_next


def logistic(a: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * a)))


def step(f: Array, a_i: Array, a_g: Array, a_o: Array, c: Array) -> tuple[Array, Array]:
    c = np.asarray(f * c + logistic(a_i) * np.tanh(a_g))
    return np.asarray(logistic(a_o) * np.tanh(c)), c


def faulty(a_i: Array, a_f: Array, a_g: Array, a_o: Array, c: Array, *, forget_bias: float) -> tuple[Array, Array]:
    return step(np.asarray(logistic(a_f) + forget_bias), a_i, a_g, a_o, c)


def mended(a_i: Array, a_f: Array, a_g: Array, a_o: Array, c: Array, *, forget_bias: float) -> tuple[Array, Array]:
    return step(logistic(np.asarray(a_f + forget_bias)), a_i, a_g, a_o, c)
