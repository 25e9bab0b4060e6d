"""Candidates that no known mistake explains; `# HERE` marks the lines that a verdict must name as not right."""

from __future__ import annotations

from typing import Any

import numpy as np
from gates import sigmoid, softmax  # type: ignore[import-not-found]  # its folder is on the path of a candidate

from attnspec import implements

Array = Any
half = np.float32(0.5)
cell = implements("recurrent.gru_cell", framework="numpy")
lstm = implements("recurrent.lstm_cell", framework="numpy")
attention = implements("attention.scaled_dot_product", framework="numpy")


@cell
def two_in_candidate(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """in h_tilde: the term b_h is missing, and r acts after W_hh instead of before it"""
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)
    n = np.tanh(x @ W_xh + r * (h @ W_hh))  # HERE
    return z * h + (1 - z) * n


@cell
def two_lines(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """in z: the term b_z is missing; in h_tilde: sigmoid is used instead of tanh"""
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = sigmoid(x @ W_xz + h @ W_hz)  # HERE
    n = sigmoid(x @ W_xh + (r * h) @ W_hh + b_h)  # HERE
    return z * h + (1 - z) * n


@cell
def swapped_and_halved(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """in the result: z and 1 − z are swapped, and z ⊙ h̃ is multiplied by 0.5"""
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)
    n = np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    return (1 - z) * h + z * n * half  # HERE


class Cell:
    """Gates in a method, kept as attributes; the input side of them is packed."""

    def gate(self, a: Array, h: Array, U: Array, b: Array) -> Array:
        return sigmoid(a + h @ U + b)

    def __call__(self, x: Array, h: Array, W: Array, W_hr: Array, b_r: Array, W_hz: Array, b_z: Array) -> Array:
        u = h.shape[-1]
        a = x @ W
        self.r = self.gate(a[..., :u], h, W_hr, b_z)  # HERE
        self.z = self.gate(a[..., u : 2 * u], h, W_hz, b_r)  # HERE
        return a[..., 2 * u :]


@cell
def with_class(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """in r: b_z is used instead of b_r; in z: b_r is used instead of b_z; in h_tilde: b_h is added twice"""
    gates = Cell()
    a = gates(x, h, np.concatenate([W_xr, W_xz, W_xh], -1), W_hr, b_r, W_hz, b_z)
    n = np.tanh(a + (gates.r * h) @ W_hh + 2 * b_h)  # HERE
    return gates.z * h + (1 - gates.z) * n


@lstm
def two_gates(
    x: Array, h: Array, c: Array, W_xi: Array, W_hi: Array, b_i: Array, W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array, W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """in o: b_f is used instead of b_o; in f: 1 is added to x W_xf + h W_hf + b_f"""
    i = sigmoid(x @ W_xi + h @ W_hi + b_i)
    keep = sigmoid(x @ W_xf + h @ W_hf + b_f + np.float32(1))  # HERE
    g = np.tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + b_f)  # HERE
    c_next = keep * c + i * g
    return o * np.tanh(c_next), c_next


@lstm
def peephole(
    x: Array, h: Array, c: Array, W_xi: Array, W_hi: Array, b_i: Array, W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array, W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """i, f, g and c_next are right; o is not right"""
    i = sigmoid(x @ W_xi + h @ W_hi + b_i)
    f = sigmoid(x @ W_xf + h @ W_hf + b_f)
    g = np.tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + b_o + np.arctan(c))  # HERE
    c_next = f * c + i * g
    return o * np.tanh(c_next), c_next


@lstm
def plain_peephole(
    x: Array, h: Array, c: Array, W_xi: Array, W_hi: Array, b_i: Array, W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array, W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """i, f, g and c_next are right; o is not right; in o: c is added to x W_xo + h W_ho + b_o"""
    i = sigmoid(x @ W_xi + h @ W_hi + b_i)
    f = sigmoid(x @ W_xf + h @ W_hf + b_f)
    g = np.tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + b_o + c)  # HERE
    c_next = f * c + i * g
    return o * np.tanh(c_next), c_next


@attention
def squared_weights(q: Array, k: Array, v: Array) -> Array:
    """e_ij and α_ij are right; c_i is not right"""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(np.float32(q.shape[-1]))
    alpha = softmax(e) ** 2
    return alpha @ v  # HERE


@attention
def other_norm(q: Array, k: Array, v: Array) -> Array:
    """e_ij is right; α_ij is not right"""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(np.float32(q.shape[-1]))
    w = np.exp(e - e.max(-1, keepdims=True))
    return (w / np.sqrt((w * w).sum(-1, keepdims=True))) @ v  # HERE


@attention
def other_norm_later(q: Array, k: Array, v: Array) -> Array:
    """e_ij is right; α_ij does not appear"""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(np.float32(q.shape[-1]))
    w = np.exp(e - e.max(-1, keepdims=True))
    return w @ v / np.sqrt((w * w).sum(-1, keepdims=True))


@implements("recurrent.simple_rnn", framework="numpy")
def features_turned_round(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """the result in h is not right"""

    def run(x: Array, h: Array) -> Array:
        states = []
        for t in range(x.shape[-2]):
            h = np.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h)  # HERE
            states.append(h)
        return np.stack(states, -2) if states else np.zeros((*x.shape[:-1], h_0.shape[-1]), x.dtype)

    return run(np.arctan(x[..., ::-1]), h_0)


@implements("recurrent.gru", framework="numpy")
def forgets_slowly(
    x: Array, h_0: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """r in h, z in h, h̃ in h and the result in h are right at the first step; h_t is not right"""
    h, states = h_0, []
    for t in range(x.shape[-2]):
        h = half * h if t else h
        r = sigmoid(x[..., t, :] @ W_xr + h @ W_hr + b_r)
        z = sigmoid(x[..., t, :] @ W_xz + h @ W_hz + b_z)
        n = np.tanh(x[..., t, :] @ W_xh + (r * h) @ W_hh + b_h)
        h = z * h + (1 - z) * n
        states.append(h)
    return np.stack(states, -2) if states else np.zeros((*x.shape[:-1], h_0.shape[-1]), x.dtype)
