"""ONNX's operators RNN, GRU and LSTM on arrays of balls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.ball import Untraceable
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import selected

Array = Any
Step = Callable[..., tuple[Array, ...]]
"""A step from the parts of an input, the state's weights and biases in each gate, and the states, to the next ones."""

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"Sigmoid": of.sigmoid, "Tanh": np.tanh, "Relu": of.relu}


def rnn(*inputs: Any, activations: Sequence[str] = (), **attributes: Any) -> tuple[Array, ...]:
    """A gate: h' = tanh(x Wᵀ + h Rᵀ + b)."""

    def step(f: Sequence[Any], x: Array, R: Array, b: Array, h: Array) -> tuple[Array, ...]:
        return (f[0](x[0] + h @ R[0].T + b[0]),)

    return _recurrent(1, 1, step, ["Tanh"], activations, *inputs, **attributes)


def gru(
    *inputs: Any, activations: Sequence[str] = (), linear_before_reset: int = 0, **attributes: Any
) -> tuple[Array, ...]:
    """Gates z, r and the candidate: h' = (1 − z) h̃ + z h."""

    def step(f: Sequence[Any], x: Array, R: Array, b: Array, h: Array) -> tuple[Array, ...]:
        z, r = (f[0](x[k] + h @ R[k].T + b[k]) for k in (0, 1))
        inner = r * (h @ R[2].T + b[2]) if linear_before_reset else (r * h) @ R[2].T + b[2]
        return ((1 - z) * f[1](x[2] + inner) + z * h,)

    return _recurrent(3, 1, step, ["Sigmoid", "Tanh"], activations, *inputs, **attributes)


def lstm(*inputs: Any, activations: Sequence[str] = (), input_forget: int = 0, **attributes: Any) -> tuple[Array, ...]:
    """Gates i, o, f and the candidate: c' = f c + i c̃, h' = o tanh c'."""

    def step(g: Sequence[Any], x: Array, R: Array, b: Array, h: Array, c: Array) -> tuple[Array, ...]:
        i, o, f, new = (x[k] + h @ R[k].T + b[k] for k in range(4))
        kept = g[0](f) * c + g[0](i) * g[1](new)
        return g[0](o) * g[2](kept), kept

    if input_forget or (len(inputs) > 7 and inputs[7] is not None):
        raise Untraceable("LSTM of ONNX with peepholes or coupled gates has no meaning in balls")
    return _recurrent(4, 2, step, ["Sigmoid", "Tanh", "Tanh"], activations, *inputs[:7], **attributes)


def _recurrent(
    gates: int,
    states: int,
    step: Step,
    usual: Sequence[str],
    activations: Sequence[str],
    x: Array,
    W: Array,
    R: Array,
    B: Any = None,
    lengths: Any = None,
    *starts: Any,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    **others: Any,
) -> tuple[Array, ...]:
    """Y, then the last value of each state."""
    if others or any(name not in ACTIVATIONS for name in activations):
        raise Untraceable(f"a recurrent operator of ONNX with {', '.join([*others, *activations])}")
    x = x.swapaxes(0, 1) if layout else x
    width, batch = R.shape[-1], x.shape[1]
    lengths = np.full(batch, len(x)) if lengths is None else np.asarray(lengths)
    found = []
    for place, backwards in enumerate({"forward": (False,), "reverse": (True,)}.get(direction, (False, True))):
        given = [starts[k] if k < len(starts) else None for k in range(states)]
        first = [of.filled((batch, width), 0) if h is None else h[:, place] if layout else h[place] for h in given]
        bias = of.filled((2, gates, width), 0) if B is None else B[place].reshape(2, gates, width)
        names = activations[place * len(usual) : (place + 1) * len(usual)] or usual
        weights = W[place].reshape(gates, width, -1), R[place].reshape(gates, width, width), bias
        found.append(_one_way(step, [ACTIVATIONS[name] for name in names], x, lengths, first, weights, backwards))
    every = np.stack([y for y, _ in found], axis=1)
    last = [np.stack(ends, axis=0) for ends in zip(*(ends for _, ends in found), strict=True)]
    if layout:
        return every.transpose(2, 0, 1, 3), *(h.swapaxes(0, 1) for h in last)
    return every, *last


def _one_way(
    step: Step,
    activations: Sequence[Any],
    x: Array,
    lengths: Array,
    states: Iterable[Array],
    weights: tuple[Array, Array, Array],
    backwards: bool,
) -> tuple[Array, list[Array]]:
    """The states at each step of one direction, 0 behind the end of a sequence, and the last ones."""
    W, R, (b_x, b_h) = weights
    states, every = list(states), [of.filled((x.shape[1], R.shape[-1]), 0)] * len(x)
    for t in range(len(x))[:: -1 if backwards else 1]:
        within = (t < lengths)[:, None]
        parts = [of.product(x[t], W[k].T) + b_x[k] for k in range(len(W))]
        new = step(activations, parts, R, b_h, *states)
        states = [selected(within, after, before) for after, before in zip(new, states, strict=True)]
        every[t] = selected(within, new[0], every[t])
    return np.stack(every), states
