"""Recurrent cells and their sequences, the simple RNN, the GRU and its conventions, the LSTM; what is read of them.

A sequence computes its input side for all t in one product, before the loop over t. A sigmoid is taken as
½ + ½ tanh(a/2): NumPy's tanh is quick and cannot overflow, and the inner ½ is packed into the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import numpy as np

from attnspec import implements
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single, sigmoid


@implements("recurrent.simple_rnn_cell", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn_cell(x: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """One product for x, one for h."""
    return _rnn_step(x @ W_xh + b_h, h, W_hh)


@implements("recurrent.simple_rnn_cell_concat", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn_cell_concat(x: Array, h: Array, A: Array, b: Array) -> Array:
    """[h; x] is formed, and is one product."""
    return _rnn_step(b, np.concatenate([h, x], axis=-1), A)


# fmt: off
@implements("recurrent.gru_cell", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_cell(
    x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:
    """The input side of r, z and the candidate, packed in that order, is one product; r and z of h are another."""
    side = x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h)
    z, h_tilde = _gates(side, h, _packed((W_hr, W_hz)), W_hh)
    return _mix(z, h, h_tilde)


@implements("recurrent.gru_cell_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_cell_reset_after(
    x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> Array:
    """Both sides of r, z and the candidate, packed in that order, are one product each."""
    side = x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h)
    return _reset_after_step(side, h, _packed((W_hr, W_hz), W_hh), b_hh)


@implements("recurrent.gru_cell_update_writes", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_cell_update_writes(
    x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:
    """Packed as in gru_cell; z mixes the other way round."""
    side = x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h)
    z, h_tilde = _gates(side, h, _packed((W_hr, W_hz)), W_hh)
    return _mix(z, h_tilde, h)


@implements("recurrent.lstm_cell", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm_cell(
    x: Array, h: Array, c: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array]:
    """Both sides of i, f, o and g, packed in that order, are one product each; one tanh takes all four."""
    side = x @ _packed((W_xi, W_xf, W_xo), W_xg) + _packed((b_i, b_f, b_o), b_g)
    return _lstm_step(side, h, c, _packed((W_hi, W_hf, W_ho), W_hg))


@implements("recurrent.simple_rnn", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """The input side is one product for all t; a step is one product and a tanh."""
    return _over_time(x @ W_xh + b_h, h_0, lambda side, h: _rnn_step(side, h, W_hh))


@implements("recurrent.gru", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru(
    x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:
    """The input side is one product for all t; a step is one product for r and z, one for the candidate."""
    W_rz = _packed((W_hr, W_hz))

    def step(side: Array, h: Array) -> Array:
        z, h_tilde = _gates(side, h, W_rz, W_hh)
        return _mix(z, h, h_tilde)

    return _over_time(x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h), h_0, step)


@implements("recurrent.gru_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_reset_after(
    x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> Array:
    """The input side is one product for all t; a step is one product for r, z and the candidate together."""
    W_h = _packed((W_hr, W_hz), W_hh)
    side = x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h)
    return _over_time(side, h_0, lambda side_t, h: _reset_after_step(side_t, h, W_h, b_hh))


@implements("recurrent.gru_update_writes", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_update_writes(
    x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:
    """Packed as in gru; z mixes the other way round."""
    W_rz = _packed((W_hr, W_hz))

    def step(side: Array, h: Array) -> Array:
        z, h_tilde = _gates(side, h, W_rz, W_hh)
        return _mix(z, h_tilde, h)

    return _over_time(x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h), h_0, step)


@implements("recurrent.lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm(
    x: Array, h_0: Array, c_0: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array]:
    """The input side is one product for all t; a step is one product and one tanh for i, f, o and g together.

    Examples are columns, so that the recurrent weights are the left factor, which BLAS multiplies faster; a step works
    in one buffer for all gates, in c, and in the next row of the states.
    """
    lead, steps, u = x.shape[:-2], x.shape[-2], h_0.shape[-1]
    W_h = _packed((W_hi, W_hf, W_ho), W_hg).T.copy()
    side = _columns(x @ _packed((W_xi, W_xf, W_xo), W_xg) + _packed((b_i, b_f, b_o), b_g), lead)
    h, c = (_columns(np.broadcast_to(start, (*lead, u)), lead) for start in (h_0, c_0))
    gates, states = np.empty((4 * u, h.shape[-1]), h.dtype), np.empty((steps, *h.shape), h.dtype)
    (i, f, o, g), ifo = np.split(gates, 4), gates[: 3 * u]
    for t in range(steps):
        np.matmul(W_h, h, out=gates)
        gates += side[t]
        np.tanh(gates, out=gates)
        ifo *= 0.5
        ifo += 0.5
        c *= f
        i *= g
        c += i
        h = states[t]
        np.tanh(c, out=h)
        h *= o
    return _rows(states, lead), _rows(c, lead)


@implements("recurrent.simple_rnn_lengths", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn_lengths(
    x: Array, length: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:
    """As simple_rnn, and what a step gives is kept where its row counts."""

    def step(side: Array, h: Array) -> tuple[Array, ...]:
        return (_rnn_step(side, h, W_hh),)

    y, (h,) = _over_rows(x @ W_xh + b_h, length, (h_0,), step)
    return y, h


@implements("recurrent.simple_rnn_lengths_repeats", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn_lengths_repeats(
    x: Array, length: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:
    """simple_rnn_lengths, its padding filled with the last state."""
    y, h = simple_rnn_lengths(x, length, h_0, W_xh, W_hh, b_h)
    return _repeated(y, h, length), h


@implements("recurrent.gru_lengths", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_lengths(
    x: Array, length: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:
    """As gru, and what a step gives is kept where its row counts."""
    W_rz = _packed((W_hr, W_hz))

    def step(side: Array, h: Array) -> tuple[Array, ...]:
        z, h_tilde = _gates(side, h, W_rz, W_hh)
        return (_mix(z, h, h_tilde),)

    y, (h,) = _over_rows(x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h), length, (h_0,), step)
    return y, h


@implements("recurrent.gru_lengths_repeats", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_lengths_repeats(
    x: Array, length: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:
    """gru_lengths, its padding filled with the last state."""
    y, h = gru_lengths(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    return _repeated(y, h, length), h


@implements("recurrent.gru_lengths_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_lengths_reset_after(
    x: Array, length: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> tuple[Array, Array]:
    """As gru_reset_after, and what a step gives is kept where its row counts."""
    W_h = _packed((W_hr, W_hz), W_hh)
    side = x @ _packed((W_xr, W_xz), W_xh) + _packed((b_r, b_z), b_h)
    y, (h,) = _over_rows(side, length, (h_0,), lambda side_t, h: (_reset_after_step(side_t, h, W_h, b_hh),))
    return y, h


@implements("recurrent.gru_lengths_reset_after_repeats", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_lengths_reset_after_repeats(
    x: Array, length: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> tuple[Array, Array]:
    """gru_lengths_reset_after, its padding filled with the last state."""
    y, h = gru_lengths_reset_after(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)
    return _repeated(y, h, length), h


@implements("recurrent.lstm_lengths", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm_lengths(
    x: Array, length: Array, h_0: Array, c_0: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array, Array]:
    """As lstm, and what a step gives is kept where its row counts."""
    W_h = _packed((W_hi, W_hf, W_ho), W_hg)
    side = x @ _packed((W_xi, W_xf, W_xo), W_xg) + _packed((b_i, b_f, b_o), b_g)
    y, (h, c) = _over_rows(side, length, (h_0, c_0), lambda side_t, h, c: _lstm_step(side_t, h, c, W_h))
    return y, h, c


@implements("recurrent.lstm_lengths_repeats", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm_lengths_repeats(
    x: Array, length: Array, h_0: Array, c_0: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array, Array]:
    """lstm_lengths, its padding filled with the last hidden state."""
    y, h, c = lstm_lengths(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return _repeated(y, h, length), h, c


@implements("recurrent.bidirectional_simple_rnn", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_simple_rnn(
    x: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array,
) -> Array:
    """simple_rnn twice, once on the input turned round, whose states are turned back."""
    h_0 = np.zeros((*x.shape[:-2], b_h_f.shape[0]), dtype=x.dtype)
    h_f = simple_rnn(x, h_0, W_xh_f, W_hh_f, b_h_f)
    h_b = simple_rnn(x[..., ::-1, :], h_0, W_xh_b, W_hh_b, b_h_b)
    return np.concatenate([h_f, h_b[..., ::-1, :]], axis=-1)


@implements("recurrent.bidirectional_gru", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_gru(
    x: Array,
    W_xr_f: Array, W_hr_f: Array, b_r_f: Array,
    W_xz_f: Array, W_hz_f: Array, b_z_f: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array,
    W_xr_b: Array, W_hr_b: Array, b_r_b: Array,
    W_xz_b: Array, W_hz_b: Array, b_z_b: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array,
) -> Array:
    """gru twice, once on the input turned round, whose states are turned back."""
    h_0 = np.zeros((*x.shape[:-2], b_h_f.shape[0]), dtype=x.dtype)
    h_f = gru(x, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    h_b = gru(
        x[..., ::-1, :], h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
    )
    return np.concatenate([h_f, h_b[..., ::-1, :]], axis=-1)


@implements("recurrent.bidirectional_gru_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_gru_reset_after(
    x: Array,
    W_xr_f: Array, W_hr_f: Array, b_r_f: Array,
    W_xz_f: Array, W_hz_f: Array, b_z_f: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array, b_hh_f: Array,
    W_xr_b: Array, W_hr_b: Array, b_r_b: Array,
    W_xz_b: Array, W_hz_b: Array, b_z_b: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array, b_hh_b: Array,
) -> Array:
    """gru_reset_after twice, once on the input turned round, whose states are turned back."""
    h_0 = np.zeros((*x.shape[:-2], b_h_f.shape[0]), dtype=x.dtype)
    h_f = gru_reset_after(x, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f)
    h_b = gru_reset_after(
        x[..., ::-1, :], h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b
    )
    return np.concatenate([h_f, h_b[..., ::-1, :]], axis=-1)


@implements("recurrent.bidirectional_gru_update_writes", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_gru_update_writes(
    x: Array,
    W_xr_f: Array, W_hr_f: Array, b_r_f: Array,
    W_xz_f: Array, W_hz_f: Array, b_z_f: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array,
    W_xr_b: Array, W_hr_b: Array, b_r_b: Array,
    W_xz_b: Array, W_hz_b: Array, b_z_b: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array,
) -> Array:
    """gru_update_writes twice, once on the input turned round, whose states are turned back."""
    h_0 = np.zeros((*x.shape[:-2], b_h_f.shape[0]), dtype=x.dtype)
    h_f = gru_update_writes(x, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    h_b = gru_update_writes(
        x[..., ::-1, :], h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
    )
    return np.concatenate([h_f, h_b[..., ::-1, :]], axis=-1)


@implements("recurrent.bidirectional_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_lstm(
    x: Array,
    W_xi_f: Array, W_hi_f: Array, b_i_f: Array,
    W_xf_f: Array, W_hf_f: Array, b_f_f: Array,
    W_xg_f: Array, W_hg_f: Array, b_g_f: Array,
    W_xo_f: Array, W_ho_f: Array, b_o_f: Array,
    W_xi_b: Array, W_hi_b: Array, b_i_b: Array,
    W_xf_b: Array, W_hf_b: Array, b_f_b: Array,
    W_xg_b: Array, W_hg_b: Array, b_g_b: Array,
    W_xo_b: Array, W_ho_b: Array, b_o_b: Array,
) -> Array:
    """lstm twice, once on the input turned round, whose states are turned back."""
    zero = np.zeros((*x.shape[:-2], b_i_f.shape[0]), dtype=x.dtype)
    h_f, _ = lstm(
        x, zero, zero, W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f,
        W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f,
    )
    h_b, _ = lstm(
        x[..., ::-1, :], zero, zero, W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b,
        W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b,
    )
    return np.concatenate([h_f, h_b[..., ::-1, :]], axis=-1)


@implements("recurrent.bidirectional_simple_rnn_lengths", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_simple_rnn_lengths(
    x: Array, length: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array,
) -> tuple[Array, Array]:
    """simple_rnn_lengths twice, once on the rows that count turned round, whose outputs are turned back."""
    h_0 = np.zeros((*x.shape[:-2], b_h_f.shape[0]), dtype=x.dtype)
    y_f, h_f = simple_rnn_lengths(
        x, length, h_0, W_xh_f, W_hh_f, b_h_f
    )
    y_b, h_b = simple_rnn_lengths(
        _turned(x, length), length, h_0, W_xh_b, W_hh_b, b_h_b
    )
    return np.concatenate([y_f, _turned(y_b, length)], axis=-1), np.concatenate([h_f, h_b], axis=-1)


@implements("recurrent.bidirectional_gru_lengths", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_gru_lengths(
    x: Array, length: Array,
    W_xr_f: Array, W_hr_f: Array, b_r_f: Array,
    W_xz_f: Array, W_hz_f: Array, b_z_f: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array,
    W_xr_b: Array, W_hr_b: Array, b_r_b: Array,
    W_xz_b: Array, W_hz_b: Array, b_z_b: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array,
) -> tuple[Array, Array]:
    """gru_lengths twice, once on the rows that count turned round, whose outputs are turned back."""
    h_0 = np.zeros((*x.shape[:-2], b_h_f.shape[0]), dtype=x.dtype)
    y_f, h_f = gru_lengths(
        x, length, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f
    )
    y_b, h_b = gru_lengths(
        _turned(x, length), length, h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
    )
    return np.concatenate([y_f, _turned(y_b, length)], axis=-1), np.concatenate([h_f, h_b], axis=-1)


@implements("recurrent.bidirectional_gru_lengths_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_gru_lengths_reset_after(
    x: Array, length: Array,
    W_xr_f: Array, W_hr_f: Array, b_r_f: Array,
    W_xz_f: Array, W_hz_f: Array, b_z_f: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array, b_hh_f: Array,
    W_xr_b: Array, W_hr_b: Array, b_r_b: Array,
    W_xz_b: Array, W_hz_b: Array, b_z_b: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array, b_hh_b: Array,
) -> tuple[Array, Array]:
    """gru_lengths_reset_after twice, once on the rows that count turned round, whose outputs are turned back."""
    h_0 = np.zeros((*x.shape[:-2], b_h_f.shape[0]), dtype=x.dtype)
    y_f, h_f = gru_lengths_reset_after(
        x, length, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f
    )
    y_b, h_b = gru_lengths_reset_after(
        _turned(x, length), length, h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b
    )
    return np.concatenate([y_f, _turned(y_b, length)], axis=-1), np.concatenate([h_f, h_b], axis=-1)


@implements("recurrent.bidirectional_lstm_lengths", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bidirectional_lstm_lengths(
    x: Array, length: Array,
    W_xi_f: Array, W_hi_f: Array, b_i_f: Array,
    W_xf_f: Array, W_hf_f: Array, b_f_f: Array,
    W_xg_f: Array, W_hg_f: Array, b_g_f: Array,
    W_xo_f: Array, W_ho_f: Array, b_o_f: Array,
    W_xi_b: Array, W_hi_b: Array, b_i_b: Array,
    W_xf_b: Array, W_hf_b: Array, b_f_b: Array,
    W_xg_b: Array, W_hg_b: Array, b_g_b: Array,
    W_xo_b: Array, W_ho_b: Array, b_o_b: Array,
) -> tuple[Array, Array, Array]:
    """lstm_lengths twice, once on the rows that count turned round, whose outputs are turned back."""
    zero = np.zeros((*x.shape[:-2], b_i_f.shape[0]), dtype=x.dtype)
    y_f, h_f, c_f = lstm_lengths(
        x, length, zero, zero, W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f,
        W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f,
    )
    y_b, h_b, c_b = lstm_lengths(
        _turned(x, length), length, zero, zero, W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b,
        W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b,
    )
    y = np.concatenate([y_f, _turned(y_b, length)], axis=-1)
    return y, np.concatenate([h_f, h_b], axis=-1), np.concatenate([c_f, c_b], axis=-1)
# fmt: on


@implements("recurrent.readout", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout(h: Array, W_hy: Array, b_y: Array) -> Array:
    """One product."""
    return h @ W_hy + b_y


@implements("recurrent.simple_rnn_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn_step(
    x: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array, W_hy: Array, b_y: Array
) -> tuple[Array, Array]:
    """simple_rnn_cell, then readout."""
    h = simple_rnn_cell(x, h, W_xh, W_hh, b_h)
    return h, readout(h, W_hy, b_y)


@implements("recurrent.many_to_many", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def many_to_many(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array, W_hy: Array, b_y: Array) -> Array:
    """simple_rnn, then all steps are read out in one product."""
    return readout(simple_rnn(x, h_0, W_xh, W_hh, b_h), W_hy, b_y)


@implements("recurrent.many_to_one", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def many_to_one(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array, W_hy: Array, b_y: Array) -> Array:
    """Of simple_rnn the last state alone is kept, and read out."""
    h = h_0
    for side in np.moveaxis(x @ W_xh + b_h, -2, 0):
        h = _rnn_step(side, h, W_hh)
    return readout(h, W_hy, b_y)


@implements("recurrent.one_to_many", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def one_to_many(
    x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array, W_hy: Array, b_y: Array, *, t: int
) -> Array:
    """Step by step, since each waits for what the one before says."""
    said: list[Array] = []
    h, y = h_0, x
    for _ in range(t):
        h, y = simple_rnn_step(y, h, W_xh, W_hh, b_h, W_hy, b_y)
        said.append(y)
    return np.stack(said, axis=-2) if said else np.empty((*x.shape[:-1], 0, x.shape[-1]), dtype=x.dtype)


@implements("recurrent.classifier", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def classifier(h: Array, w: Array, b: Array) -> Array:
    """One product, of the last state alone; the sigmoid is exact in both tails."""
    return sigmoid(h[..., -1, :] @ w + b)


@implements("recurrent.stacked_simple_rnn", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_simple_rnn(x: Array, layers: tuple[tuple[Array, ...], ...]) -> Array:
    """simple_rnn on simple_rnn."""
    for layer in layers:
        x = simple_rnn(x, *layer)
    return x


@implements("recurrent.stacked_gru", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_gru(x: Array, layers: tuple[tuple[Array, ...], ...]) -> Array:
    """gru on gru."""
    for layer in layers:
        x = gru(x, *layer)
    return x


@implements("recurrent.stacked_gru_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_gru_reset_after(x: Array, layers: tuple[tuple[Array, ...], ...]) -> Array:
    """gru_reset_after on gru_reset_after."""
    for layer in layers:
        x = gru_reset_after(x, *layer)
    return x


@implements("recurrent.stacked_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_lstm(x: Array, layers: tuple[tuple[Array, ...], ...]) -> tuple[Array, Array]:
    """lstm on lstm."""
    for layer in layers:
        x, c = lstm(x, *layer)
    return x, c


@implements("recurrent.stacked_bidirectional_simple_rnn", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_bidirectional_simple_rnn(x: Array, layers: tuple[tuple[Array, ...], ...]) -> Array:
    """bidirectional_simple_rnn on bidirectional_simple_rnn."""
    for layer in layers:
        x = bidirectional_simple_rnn(x, *layer)
    return x


@implements("recurrent.stacked_bidirectional_gru", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_bidirectional_gru(x: Array, layers: tuple[tuple[Array, ...], ...]) -> Array:
    """bidirectional_gru on bidirectional_gru."""
    for layer in layers:
        x = bidirectional_gru(x, *layer)
    return x


@implements("recurrent.stacked_bidirectional_gru_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_bidirectional_gru_reset_after(x: Array, layers: tuple[tuple[Array, ...], ...]) -> Array:
    """bidirectional_gru_reset_after on bidirectional_gru_reset_after."""
    for layer in layers:
        x = bidirectional_gru_reset_after(x, *layer)
    return x


@implements("recurrent.stacked_bidirectional_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def stacked_bidirectional_lstm(x: Array, layers: tuple[tuple[Array, ...], ...]) -> Array:
    """bidirectional_lstm on bidirectional_lstm."""
    for layer in layers:
        x = bidirectional_lstm(x, *layer)
    return x


@implements("recurrent.bidirectional_feature", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def bidirectional_feature(h: Array) -> Array:
    """A copy of both halves."""
    u = h.shape[-1] // 2
    return np.concatenate([h[..., -1, :u], h[..., 0, u:]], axis=-1)


def _packed(sigmoids: tuple[Array, ...], *tanhs: Array) -> Array:
    """Side by side; what a sigmoid takes is halved, see the head of this file."""
    return np.concatenate([*(0.5 * a for a in sigmoids), *tanhs], axis=-1)


def _columns(a: Array, lead: tuple[int, ...]) -> Array:
    """A copy with all examples along the last axis, in place of the batch axes in front."""
    return np.moveaxis(a.reshape(math.prod(lead), *a.shape[len(lead) :]), 0, -1).copy()


def _rows(a: Array, lead: tuple[int, ...]) -> Array:
    """The opposite of `_columns`."""
    return np.moveaxis(a, -1, 0).reshape(*lead, *a.shape[:-1])


def _over_time(side: Array, h: Array, step: Callable[[Array, Array], Array]) -> Array:
    """Every state, from the input side of every t and the state before the first."""
    states = np.empty((*side.shape[:-1], h.shape[-1]), dtype=side.dtype)
    for t in range(side.shape[-2]):
        states[..., t, :] = h = step(side[..., t, :], h)
    return states


def _over_rows(
    side: Array, length: Array, states: tuple[Array, ...], step: Callable[..., tuple[Array, ...]]
) -> tuple[Array, tuple[Array, ...]]:
    """Every output, 0 in padding, and the states after the last row that counts."""
    y = np.empty((*side.shape[:-1], states[0].shape[-1]), dtype=side.dtype)
    for t in range(side.shape[-2]):
        counts = (t < length)[..., None]
        stepped = step(side[..., t, :], *states)
        y[..., t, :] = np.where(counts, stepped[0], 0)
        states = tuple(np.where(counts, new, old) for new, old in zip(stepped, states, strict=True))
    return y, tuple(state.copy() for state in states)


def _turned(a: Array, length: Array) -> Array:
    """The rows that count, from the last to the first; padding stays where it is."""
    t = np.arange(a.shape[-2])
    n = np.minimum(length, a.shape[-2])[..., None]
    rows = np.where(t < n, n - 1 - t, t)
    return np.take_along_axis(a, rows[..., None], axis=-2)


def _repeated(y: Array, h: Array, length: Array) -> Array:
    """Padding is given the last state, where there is one."""
    t = np.arange(y.shape[-2])[:, None]
    length = length[..., None, None]
    return np.where((length > 0) & (length <= t), h[..., None, :], y)


def _sigmoids(halved: Array) -> Array:
    """In place: the argument is a temporary, and comes halved."""
    np.tanh(halved, out=halved)
    halved *= 0.5
    halved += 0.5
    return halved


def _mix(z: Array, at_one: Array, at_zero: Array) -> Array:
    return cast(Array, at_zero + z * (at_one - at_zero))


def _rnn_step(side: Array, h: Array, W_hh: Array) -> Array:
    return cast(Array, np.tanh(side + h @ W_hh))


def _gates(side: Array, h: Array, W_rz: Array, W_hh: Array) -> tuple[Array, Array]:
    """z and the candidate, r acting before the matrix."""
    u = W_hh.shape[0]
    rz = _sigmoids(side[..., : 2 * u] + h @ W_rz)
    r, z = rz[..., :u], rz[..., u:]
    return z, np.tanh(side[..., 2 * u :] + (r * h) @ W_hh)


def _reset_after_step(side: Array, h: Array, W_h: Array, b_hh: Array) -> Array:
    u = W_h.shape[0]
    own = h @ W_h
    rz = _sigmoids(side[..., : 2 * u] + own[..., : 2 * u])
    r, z = rz[..., :u], rz[..., u:]
    h_tilde = np.tanh(side[..., 2 * u :] + r * (own[..., 2 * u :] + b_hh))
    return _mix(z, h, h_tilde)


def _lstm_step(side: Array, h: Array, c: Array, W_h: Array) -> tuple[Array, Array]:
    u = W_h.shape[0]
    gates = np.tanh(side + h @ W_h)
    ifo, g = gates[..., : 3 * u], gates[..., 3 * u :]
    ifo *= 0.5
    ifo += 0.5
    i, f, o = ifo[..., :u], ifo[..., u : 2 * u], ifo[..., 2 * u :]
    c = f * c + i * g
    return o * np.tanh(c), c
