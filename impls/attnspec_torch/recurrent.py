"""Recurrent cells and their sequences, the simple RNN, the GRU and its conventions, the LSTM; what is read of them.

A sequence computes its input side for all t in one product, before the loop over t; the biases are added inside it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES


@implements("recurrent.simple_rnn_cell", framework="torch", dtypes=DTYPES)
def simple_rnn_cell(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """One product for x, one for h."""
    return torch.tanh(F.linear(x, W_xh.mT, b_h) + h @ W_hh)


@implements("recurrent.simple_rnn_cell_concat", framework="torch", dtypes=DTYPES)
def simple_rnn_cell_concat(x: Tensor, h: Tensor, A: Tensor, b: Tensor) -> Tensor:
    """[h; x] is formed, and is one product."""
    return torch.tanh(F.linear(torch.cat([h, x], dim=-1), A.mT, b))


# fmt: off
@implements("recurrent.gru_cell", framework="torch", dtypes=DTYPES)
def gru_cell(
    x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:
    """The input side of r, z and the candidate, packed in that order, is one product; r and z of h are another."""
    side = F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h))
    z, h_tilde = _gates(side, h, _packed(W_hr, W_hz), W_hh)
    return torch.lerp(h_tilde, h, z)


@implements("recurrent.gru_cell_reset_after", framework="torch", dtypes=DTYPES)
def gru_cell_reset_after(
    x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:
    """Both sides of r, z and the candidate, packed in that order, are one product each."""
    side = F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h))
    return _reset_after_step(side, h, _packed(W_hr, W_hz, W_hh), b_hh)


@implements("recurrent.gru_cell_update_writes", framework="torch", dtypes=DTYPES)
def gru_cell_update_writes(
    x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:
    """Packed as in gru_cell; z mixes the other way round."""
    side = F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h))
    z, h_tilde = _gates(side, h, _packed(W_hr, W_hz), W_hh)
    return torch.lerp(h, h_tilde, z)


@implements("recurrent.lstm_cell", framework="torch", dtypes=DTYPES)
def lstm_cell(
    x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:
    """Both sides of i, f, o and g, packed in that order, are one product each; one sigmoid takes the first three."""
    side = F.linear(x, _packed(W_xi, W_xf, W_xo, W_xg).mT, _packed(b_i, b_f, b_o, b_g))
    return _lstm_step(side, h, c, _packed(W_hi, W_hf, W_ho, W_hg))


@implements("recurrent.simple_rnn", framework="torch", dtypes=DTYPES)
def simple_rnn(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """The input side is one product for all t; a step is one product and a tanh."""
    return _over_time(F.linear(x, W_xh.mT, b_h), h_0, lambda side, h: torch.tanh(side + h @ W_hh))


@implements("recurrent.gru", framework="torch", dtypes=DTYPES)
def gru(
    x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:
    """The input side is one product for all t; a step is one product for r and z, one for the candidate."""
    W_rz = _packed(W_hr, W_hz)

    def step(side: Tensor, h: Tensor) -> Tensor:
        z, h_tilde = _gates(side, h, W_rz, W_hh)
        return torch.lerp(h_tilde, h, z)

    return _over_time(F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h)), h_0, step)


@implements("recurrent.gru_reset_after", framework="torch", dtypes=DTYPES)
def gru_reset_after(
    x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:
    """The input side is one product for all t; a step is one product for r, z and the candidate together."""
    W_h = _packed(W_hr, W_hz, W_hh)
    side = F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h))
    return _over_time(side, h_0, lambda side_t, h: _reset_after_step(side_t, h, W_h, b_hh))


@implements("recurrent.gru_update_writes", framework="torch", dtypes=DTYPES)
def gru_update_writes(
    x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:
    """Packed as in gru; z mixes the other way round."""
    W_rz = _packed(W_hr, W_hz)

    def step(side: Tensor, h: Tensor) -> Tensor:
        z, h_tilde = _gates(side, h, W_rz, W_hh)
        return torch.lerp(h, h_tilde, z)

    return _over_time(F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h)), h_0, step)


@implements("recurrent.lstm", framework="torch", dtypes=DTYPES)
def lstm(
    x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:
    """The input side is one product for all t; a step is one product for i, f, o and g together."""
    W_h = _packed(W_hi, W_hf, W_ho, W_hg)
    c = c_0.clone()

    def step(side: Tensor, h: Tensor) -> Tensor:
        nonlocal c
        h, c = _lstm_step(side, h, c, W_h)
        return h

    h = _over_time(F.linear(x, _packed(W_xi, W_xf, W_xo, W_xg).mT, _packed(b_i, b_f, b_o, b_g)), h_0, step)
    return h, c


@implements("recurrent.simple_rnn_lengths", framework="torch", dtypes=DTYPES)
def simple_rnn_lengths(
    x: Tensor, length: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:
    """As simple_rnn, and what a step gives is kept where its row counts."""

    def step(side: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        return (torch.tanh(side + h @ W_hh),)

    y, (h,) = _over_rows(F.linear(x, W_xh.mT, b_h), length, (h_0,), step)
    return y, h


@implements("recurrent.simple_rnn_lengths_repeats", framework="torch", dtypes=DTYPES)
def simple_rnn_lengths_repeats(
    x: Tensor, length: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:
    """simple_rnn_lengths, its padding filled with the last state."""
    y, h = simple_rnn_lengths(x, length, h_0, W_xh, W_hh, b_h)
    return _repeated(y, h, length), h


@implements("recurrent.gru_lengths", framework="torch", dtypes=DTYPES)
def gru_lengths(
    x: Tensor, length: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:
    """As gru, and what a step gives is kept where its row counts."""
    W_rz = _packed(W_hr, W_hz)

    def step(side: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        z, h_tilde = _gates(side, h, W_rz, W_hh)
        return (torch.lerp(h_tilde, h, z),)

    y, (h,) = _over_rows(F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h)), length, (h_0,), step)
    return y, h


@implements("recurrent.gru_lengths_repeats", framework="torch", dtypes=DTYPES)
def gru_lengths_repeats(
    x: Tensor, length: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:
    """gru_lengths, its padding filled with the last state."""
    y, h = gru_lengths(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    return _repeated(y, h, length), h


@implements("recurrent.gru_lengths_reset_after", framework="torch", dtypes=DTYPES)
def gru_lengths_reset_after(
    x: Tensor, length: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> tuple[Tensor, Tensor]:
    """As gru_reset_after, and what a step gives is kept where its row counts."""
    W_h = _packed(W_hr, W_hz, W_hh)
    side = F.linear(x, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h))
    y, (h,) = _over_rows(side, length, (h_0,), lambda side_t, h: (_reset_after_step(side_t, h, W_h, b_hh),))
    return y, h


@implements("recurrent.gru_lengths_reset_after_repeats", framework="torch", dtypes=DTYPES)
def gru_lengths_reset_after_repeats(
    x: Tensor, length: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> tuple[Tensor, Tensor]:
    """gru_lengths_reset_after, its padding filled with the last state."""
    y, h = gru_lengths_reset_after(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)
    return _repeated(y, h, length), h


@implements("recurrent.lstm_lengths", framework="torch", dtypes=DTYPES)
def lstm_lengths(
    x: Tensor, length: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """As lstm, and what a step gives is kept where its row counts."""
    W_h = _packed(W_hi, W_hf, W_ho, W_hg)
    side = F.linear(x, _packed(W_xi, W_xf, W_xo, W_xg).mT, _packed(b_i, b_f, b_o, b_g))
    y, (h, c) = _over_rows(side, length, (h_0, c_0), lambda side_t, h, c: _lstm_step(side_t, h, c, W_h))
    return y, h, c


@implements("recurrent.lstm_lengths_repeats", framework="torch", dtypes=DTYPES)
def lstm_lengths_repeats(
    x: Tensor, length: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """lstm_lengths, its padding filled with the last hidden state."""
    y, h, c = lstm_lengths(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return _repeated(y, h, length), h, c


@implements("recurrent.bidirectional_simple_rnn", framework="torch", dtypes=DTYPES)
def bidirectional_simple_rnn(
    x: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor,
) -> Tensor:
    """simple_rnn twice, once on the input turned round, whose states are turned back."""
    h_0 = x.new_zeros((*x.shape[:-2], b_h_f.shape[0]))
    h_f = simple_rnn(x, h_0, W_xh_f, W_hh_f, b_h_f)
    h_b = simple_rnn(x.flip(-2), h_0, W_xh_b, W_hh_b, b_h_b)
    return torch.cat([h_f, h_b.flip(-2)], dim=-1)


@implements("recurrent.bidirectional_gru", framework="torch", dtypes=DTYPES)
def bidirectional_gru(
    x: Tensor,
    W_xr_f: Tensor, W_hr_f: Tensor, b_r_f: Tensor,
    W_xz_f: Tensor, W_hz_f: Tensor, b_z_f: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor,
    W_xr_b: Tensor, W_hr_b: Tensor, b_r_b: Tensor,
    W_xz_b: Tensor, W_hz_b: Tensor, b_z_b: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor,
) -> Tensor:
    """gru twice, once on the input turned round, whose states are turned back."""
    h_0 = x.new_zeros((*x.shape[:-2], b_h_f.shape[0]))
    h_f = gru(x, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    h_b = gru(
        x.flip(-2), h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
    )
    return torch.cat([h_f, h_b.flip(-2)], dim=-1)


@implements("recurrent.bidirectional_gru_reset_after", framework="torch", dtypes=DTYPES)
def bidirectional_gru_reset_after(
    x: Tensor,
    W_xr_f: Tensor, W_hr_f: Tensor, b_r_f: Tensor,
    W_xz_f: Tensor, W_hz_f: Tensor, b_z_f: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor, b_hh_f: Tensor,
    W_xr_b: Tensor, W_hr_b: Tensor, b_r_b: Tensor,
    W_xz_b: Tensor, W_hz_b: Tensor, b_z_b: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor, b_hh_b: Tensor,
) -> Tensor:
    """gru_reset_after twice, once on the input turned round, whose states are turned back."""
    h_0 = x.new_zeros((*x.shape[:-2], b_h_f.shape[0]))
    h_f = gru_reset_after(x, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f)
    h_b = gru_reset_after(
        x.flip(-2), h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b
    )
    return torch.cat([h_f, h_b.flip(-2)], dim=-1)


@implements("recurrent.bidirectional_gru_update_writes", framework="torch", dtypes=DTYPES)
def bidirectional_gru_update_writes(
    x: Tensor,
    W_xr_f: Tensor, W_hr_f: Tensor, b_r_f: Tensor,
    W_xz_f: Tensor, W_hz_f: Tensor, b_z_f: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor,
    W_xr_b: Tensor, W_hr_b: Tensor, b_r_b: Tensor,
    W_xz_b: Tensor, W_hz_b: Tensor, b_z_b: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor,
) -> Tensor:
    """gru_update_writes twice, once on the input turned round, whose states are turned back."""
    h_0 = x.new_zeros((*x.shape[:-2], b_h_f.shape[0]))
    h_f = gru_update_writes(x, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    h_b = gru_update_writes(
        x.flip(-2), h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
    )
    return torch.cat([h_f, h_b.flip(-2)], dim=-1)


@implements("recurrent.bidirectional_lstm", framework="torch", dtypes=DTYPES)
def bidirectional_lstm(
    x: Tensor,
    W_xi_f: Tensor, W_hi_f: Tensor, b_i_f: Tensor,
    W_xf_f: Tensor, W_hf_f: Tensor, b_f_f: Tensor,
    W_xg_f: Tensor, W_hg_f: Tensor, b_g_f: Tensor,
    W_xo_f: Tensor, W_ho_f: Tensor, b_o_f: Tensor,
    W_xi_b: Tensor, W_hi_b: Tensor, b_i_b: Tensor,
    W_xf_b: Tensor, W_hf_b: Tensor, b_f_b: Tensor,
    W_xg_b: Tensor, W_hg_b: Tensor, b_g_b: Tensor,
    W_xo_b: Tensor, W_ho_b: Tensor, b_o_b: Tensor,
) -> Tensor:
    """lstm twice, once on the input turned round, whose states are turned back."""
    zero = x.new_zeros((*x.shape[:-2], b_i_f.shape[0]))
    h_f, _ = lstm(
        x, zero, zero, W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f,
        W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f,
    )
    h_b, _ = lstm(
        x.flip(-2), zero, zero, W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b,
        W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b,
    )
    return torch.cat([h_f, h_b.flip(-2)], dim=-1)


@implements("recurrent.bidirectional_simple_rnn_lengths", framework="torch", dtypes=DTYPES)
def bidirectional_simple_rnn_lengths(
    x: Tensor, length: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor,
) -> tuple[Tensor, Tensor]:
    """simple_rnn_lengths twice, once on the rows that count turned round, whose outputs are turned back."""
    h_0 = x.new_zeros((*x.shape[:-2], b_h_f.shape[0]))
    y_f, h_f = simple_rnn_lengths(
        x, length, h_0, W_xh_f, W_hh_f, b_h_f
    )
    y_b, h_b = simple_rnn_lengths(
        _turned(x, length), length, h_0, W_xh_b, W_hh_b, b_h_b
    )
    return torch.cat([y_f, _turned(y_b, length)], dim=-1), torch.cat([h_f, h_b], dim=-1)


@implements("recurrent.bidirectional_gru_lengths", framework="torch", dtypes=DTYPES)
def bidirectional_gru_lengths(
    x: Tensor, length: Tensor,
    W_xr_f: Tensor, W_hr_f: Tensor, b_r_f: Tensor,
    W_xz_f: Tensor, W_hz_f: Tensor, b_z_f: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor,
    W_xr_b: Tensor, W_hr_b: Tensor, b_r_b: Tensor,
    W_xz_b: Tensor, W_hz_b: Tensor, b_z_b: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor,
) -> tuple[Tensor, Tensor]:
    """gru_lengths twice, once on the rows that count turned round, whose outputs are turned back."""
    h_0 = x.new_zeros((*x.shape[:-2], b_h_f.shape[0]))
    y_f, h_f = gru_lengths(
        x, length, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f
    )
    y_b, h_b = gru_lengths(
        _turned(x, length), length, h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
    )
    return torch.cat([y_f, _turned(y_b, length)], dim=-1), torch.cat([h_f, h_b], dim=-1)


@implements("recurrent.bidirectional_gru_lengths_reset_after", framework="torch", dtypes=DTYPES)
def bidirectional_gru_lengths_reset_after(
    x: Tensor, length: Tensor,
    W_xr_f: Tensor, W_hr_f: Tensor, b_r_f: Tensor,
    W_xz_f: Tensor, W_hz_f: Tensor, b_z_f: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor, b_hh_f: Tensor,
    W_xr_b: Tensor, W_hr_b: Tensor, b_r_b: Tensor,
    W_xz_b: Tensor, W_hz_b: Tensor, b_z_b: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor, b_hh_b: Tensor,
) -> tuple[Tensor, Tensor]:
    """gru_lengths_reset_after twice, once on the rows that count turned round, whose outputs are turned back."""
    h_0 = x.new_zeros((*x.shape[:-2], b_h_f.shape[0]))
    y_f, h_f = gru_lengths_reset_after(
        x, length, h_0, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f
    )
    y_b, h_b = gru_lengths_reset_after(
        _turned(x, length), length, h_0, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b
    )
    return torch.cat([y_f, _turned(y_b, length)], dim=-1), torch.cat([h_f, h_b], dim=-1)


@implements("recurrent.bidirectional_lstm_lengths", framework="torch", dtypes=DTYPES)
def bidirectional_lstm_lengths(
    x: Tensor, length: Tensor,
    W_xi_f: Tensor, W_hi_f: Tensor, b_i_f: Tensor,
    W_xf_f: Tensor, W_hf_f: Tensor, b_f_f: Tensor,
    W_xg_f: Tensor, W_hg_f: Tensor, b_g_f: Tensor,
    W_xo_f: Tensor, W_ho_f: Tensor, b_o_f: Tensor,
    W_xi_b: Tensor, W_hi_b: Tensor, b_i_b: Tensor,
    W_xf_b: Tensor, W_hf_b: Tensor, b_f_b: Tensor,
    W_xg_b: Tensor, W_hg_b: Tensor, b_g_b: Tensor,
    W_xo_b: Tensor, W_ho_b: Tensor, b_o_b: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """lstm_lengths twice, once on the rows that count turned round, whose outputs are turned back."""
    zero = x.new_zeros((*x.shape[:-2], b_i_f.shape[0]))
    y_f, h_f, c_f = lstm_lengths(
        x, length, zero, zero, W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f,
        W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f,
    )
    y_b, h_b, c_b = lstm_lengths(
        _turned(x, length), length, zero, zero, W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b,
        W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b,
    )
    y = torch.cat([y_f, _turned(y_b, length)], dim=-1)
    return y, torch.cat([h_f, h_b], dim=-1), torch.cat([c_f, c_b], dim=-1)
# fmt: on


@implements("recurrent.readout", framework="torch", dtypes=DTYPES)
def readout(h: Tensor, W_hy: Tensor, b_y: Tensor) -> Tensor:
    """The bias is added inside the product."""
    return F.linear(h, W_hy.mT, b_y)


@implements("recurrent.simple_rnn_step", framework="torch", dtypes=DTYPES)
def simple_rnn_step(
    x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, b_y: Tensor
) -> tuple[Tensor, Tensor]:
    """simple_rnn_cell, then readout."""
    h = simple_rnn_cell(x, h, W_xh, W_hh, b_h)
    return h, readout(h, W_hy, b_y)


@implements("recurrent.many_to_many", framework="torch", dtypes=DTYPES)
def many_to_many(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, b_y: Tensor) -> Tensor:
    """simple_rnn, then all steps are read out in one product."""
    return readout(simple_rnn(x, h_0, W_xh, W_hh, b_h), W_hy, b_y)


@implements("recurrent.many_to_one", framework="torch", dtypes=DTYPES)
def many_to_one(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, b_y: Tensor) -> Tensor:
    """Of simple_rnn the last state alone is kept, and read out."""
    h = h_0
    for side in F.linear(x, W_xh.mT, b_h).unbind(-2):
        h = torch.tanh(side + h @ W_hh)
    return readout(h, W_hy, b_y)


@implements("recurrent.one_to_many", framework="torch", dtypes=DTYPES)
def one_to_many(
    x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, b_y: Tensor, *, t: int
) -> Tensor:
    """Step by step, since each waits for what the one before says."""
    said: list[Tensor] = []
    h, y = h_0, x
    for _ in range(t):
        h, y = simple_rnn_step(y, h, W_xh, W_hh, b_h, W_hy, b_y)
        said.append(y)
    return torch.stack(said, dim=-2) if said else x.unsqueeze(-2)[..., :0, :]


@implements("recurrent.classifier", framework="torch", dtypes=DTYPES)
def classifier(h: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """One product, of the last state alone."""
    return torch.sigmoid(h[..., -1, :] @ w + b)


@implements("recurrent.stacked_simple_rnn", framework="torch", dtypes=DTYPES)
def stacked_simple_rnn(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> Tensor:
    """simple_rnn on simple_rnn."""
    for layer in layers:
        x = simple_rnn(x, *layer)
    return x


@implements("recurrent.stacked_gru", framework="torch", dtypes=DTYPES)
def stacked_gru(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> Tensor:
    """gru on gru."""
    for layer in layers:
        x = gru(x, *layer)
    return x


@implements("recurrent.stacked_gru_reset_after", framework="torch", dtypes=DTYPES)
def stacked_gru_reset_after(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> Tensor:
    """gru_reset_after on gru_reset_after."""
    for layer in layers:
        x = gru_reset_after(x, *layer)
    return x


@implements("recurrent.stacked_lstm", framework="torch", dtypes=DTYPES)
def stacked_lstm(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> tuple[Tensor, Tensor]:
    """lstm on lstm."""
    for layer in layers:
        x, c = lstm(x, *layer)
    return x, c


@implements("recurrent.stacked_bidirectional_simple_rnn", framework="torch", dtypes=DTYPES)
def stacked_bidirectional_simple_rnn(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> Tensor:
    """bidirectional_simple_rnn on bidirectional_simple_rnn."""
    for layer in layers:
        x = bidirectional_simple_rnn(x, *layer)
    return x


@implements("recurrent.stacked_bidirectional_gru", framework="torch", dtypes=DTYPES)
def stacked_bidirectional_gru(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> Tensor:
    """bidirectional_gru on bidirectional_gru."""
    for layer in layers:
        x = bidirectional_gru(x, *layer)
    return x


@implements("recurrent.stacked_bidirectional_gru_reset_after", framework="torch", dtypes=DTYPES)
def stacked_bidirectional_gru_reset_after(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> Tensor:
    """bidirectional_gru_reset_after on bidirectional_gru_reset_after."""
    for layer in layers:
        x = bidirectional_gru_reset_after(x, *layer)
    return x


@implements("recurrent.stacked_bidirectional_lstm", framework="torch", dtypes=DTYPES)
def stacked_bidirectional_lstm(x: Tensor, layers: tuple[tuple[Tensor, ...], ...]) -> Tensor:
    """bidirectional_lstm on bidirectional_lstm."""
    for layer in layers:
        x = bidirectional_lstm(x, *layer)
    return x


@implements("recurrent.bidirectional_feature", framework="torch", dtypes=DTYPES)
def bidirectional_feature(h: Tensor) -> Tensor:
    """A copy of both halves."""
    u = h.shape[-1] // 2
    return torch.cat([h[..., -1, :u], h[..., 0, u:]], dim=-1)


def _packed(*gates: Tensor) -> Tensor:
    return torch.cat(gates, dim=-1)


def _over_time(side: Tensor, h: Tensor, step: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Every state, from the input side of every t and the state before the first."""
    states = []
    for side_t in side.unbind(-2):
        h = step(side_t, h)
        states.append(h)
    return torch.stack(states, dim=-2) if states else h.unsqueeze(-2)[..., :0, :]


def _over_rows(
    side: Tensor, length: Tensor, states: tuple[Tensor, ...], step: Callable[..., tuple[Tensor, ...]]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Every output, 0 in padding, and the states after the last row that counts."""
    rows = []
    for t, side_t in enumerate(side.unbind(-2)):
        counts = (length > t).unsqueeze(-1)
        stepped = step(side_t, *states)
        rows.append(stepped[0].where(counts, 0))
        states = tuple(new.where(counts, old) for new, old in zip(stepped, states, strict=True))
    y = torch.stack(rows, dim=-2) if rows else states[0].unsqueeze(-2)[..., :0, :]
    return y, tuple(state.clone() for state in states)


def _turned(a: Tensor, length: Tensor) -> Tensor:
    """The rows that count, from the last to the first; padding stays where it is."""
    t = torch.arange(a.shape[-2], device=a.device)
    n = length.clamp(max=a.shape[-2]).unsqueeze(-1)
    rows = torch.where(t < n, n - 1 - t, t)
    return torch.take_along_dim(a, rows.unsqueeze(-1), dim=-2)


def _repeated(y: Tensor, h: Tensor, length: Tensor) -> Tensor:
    """Padding is given the last state, where there is one."""
    t = torch.arange(y.shape[-2], device=y.device).unsqueeze(-1)
    length = length[..., None, None]
    return h.unsqueeze(-2).where((length > 0) & (length <= t), y)


def _gates(side: Tensor, h: Tensor, W_rz: Tensor, W_hh: Tensor) -> tuple[Tensor, Tensor]:
    """z and the candidate, r acting before the matrix."""
    u = W_hh.shape[0]
    side_rz, side_h = side.split_with_sizes([2 * u, u], dim=-1)
    r, z = torch.sigmoid(side_rz + h @ W_rz).chunk(2, dim=-1)
    return z, torch.tanh(side_h + (r * h) @ W_hh)


def _reset_after_step(side: Tensor, h: Tensor, W_h: Tensor, b_hh: Tensor) -> Tensor:
    u = W_h.shape[0]
    side_rz, side_h = side.split_with_sizes([2 * u, u], dim=-1)
    own_rz, own_h = (h @ W_h).split_with_sizes([2 * u, u], dim=-1)
    r, z = torch.sigmoid(side_rz + own_rz).chunk(2, dim=-1)
    h_tilde = torch.tanh(torch.addcmul(side_h, r, own_h + b_hh))
    return torch.lerp(h_tilde, h, z)


def _lstm_step(side: Tensor, h: Tensor, c: Tensor, W_h: Tensor) -> tuple[Tensor, Tensor]:
    u = W_h.shape[0]
    gates, g = (side + h @ W_h).split_with_sizes([3 * u, u], dim=-1)
    i, f, o = torch.sigmoid(gates).chunk(3, dim=-1)
    c = torch.addcmul(f * c, i, torch.tanh(g))
    return o * torch.tanh(c), c
