"""Cells and sequences: GRU, LSTM and simple networks, in PyTorch and NumPy."""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")
np_of = partial(implements, framework="numpy")
σ = torch.sigmoid


def np_σ(a):
    return np.where(a >= 0, 1 / (1 + np.exp(-np.abs(a))), np.exp(-np.abs(a)) / (1 + np.exp(-np.abs(a)))).astype(a.dtype)


# --- GRU cell ---


@of("recurrent.gru_cell")
def gru_cell(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: as the formula is written."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_gates_swapped(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: r and z are unpacked in the other order, reset and update gate exchanged."""
    z, r = σ(x @ torch.cat([W_xr, W_xz], 1) + h @ torch.cat([W_hr, W_hz], 1) + torch.cat([b_r, b_z])).chunk(2, -1)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_hard_sigmoid(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: hard sigmoid in both gates: 0.2 a + 0.5, cut to 0..1 (old Keras)."""
    r = (0.2 * (x @ W_xr + h @ W_hr + b_r) + 0.5).clamp(0, 1)
    z = (0.2 * (x @ W_xz + h @ W_hz + b_z) + 0.5).clamp(0, 1)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_reset_unused(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the reset gate is computed and not used."""
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + h @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_reset_whole(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the reset gate multiplies the whole pre-activation, input and bias too."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(r * (x @ W_xh + h @ W_hh + b_h))


@of("recurrent.gru_cell")
def gru_z_from_reset_state(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the update gate reads the reset state r*h, as the candidate does."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + (r * h) @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_bias_twice(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the bias of the update gate is added twice (once to each of two fused products)."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ((x @ W_xz + b_z) + (h @ W_hz + b_z))
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_transposed(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the recurrent matrix of the candidate is transposed (it is square, so nothing complains)."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh.mT + b_h)


@of("recurrent.gru_cell")
def gru_forget_bias(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: 1 is added to the update gate's pre-activation."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z + 1.0)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_relu(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: relu in place of tanh for the candidate."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.relu(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.gru_cell")
def gru_no_keep(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the candidate is added whole, without (1 - z)."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@np_of("recurrent.gru_cell")
def gru_layer_normed(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the state is normalised to length 1 at the end."""
    r = np_σ(x @ W_xr + h @ W_hr + b_r)
    z = np_σ(x @ W_xz + h @ W_hz + b_z)
    new = z * h + (1 - z) * np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    return new / (np.sqrt((new * new).sum(-1, keepdims=True)) + x.dtype.type(1e-8))


@np_of("recurrent.gru_cell")
def gru_clip(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: pre-activations of the gates are clipped to -5..5."""
    r = np_σ(np.clip(x @ W_xr + h @ W_hr + b_r, -5, 5))
    z = np_σ(np.clip(x @ W_xz + h @ W_hz + b_z, -5, 5))
    return z * h + (1 - z) * np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@np_of("recurrent.gru_cell")
def gru_in_place(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the new state is written over the old one, in the caller's array."""
    r = np_σ(x @ W_xr + h @ W_hr + b_r)
    z = np_σ(x @ W_xz + h @ W_hz + b_z)
    new = z * h + (1 - z) * np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    h[...] = new
    return new


@of("recurrent.gru_cell_reset_after")
def gra_one_bias(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Wrong: the recurrent bias stands outside the reset gate."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + b_h + b_hh + r * (h @ W_hh))


@of("recurrent.gru_cell_reset_after")
def gra_before(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Wrong: the reset gate acts before the matrix."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + b_h + (r * h) @ W_hh + b_hh)


@of("recurrent.gru_cell")
def two_gru(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: two faults: the reset gate acts after the matrix, and z and 1 - z are exchanged."""
    r = σ(x @ W_xr + h @ W_hr + b_r)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return (1 - z) * h + z * torch.tanh(x @ W_xh + r * (h @ W_hh) + b_h)


@of("recurrent.gru_cell")
def two_gru_bias(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: two faults: the reset gate's bias is missing, and the candidate's recurrent matrix is transposed."""
    r = σ(x @ W_xr + h @ W_hr)
    z = σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh.mT + b_h)


# --- LSTM cell ---


@of("recurrent.lstm_cell")
def lstm_cell(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: fused weights, i f g o."""
    a = x @ torch.cat([W_xi, W_xf, W_xg, W_xo], 1) + h @ torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    i, f, g, o = (a + torch.cat([b_i, b_f, b_g, b_o])).chunk(4, -1)
    c = σ(f) * c + σ(i) * torch.tanh(g)
    return σ(o) * torch.tanh(c), c


@of("recurrent.lstm_cell")
def lstm_order(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: packed as i f g o, unpacked as i g f o (TensorFlow's order): forget gate and candidate exchanged."""
    a = x @ torch.cat([W_xi, W_xf, W_xg, W_xo], 1) + h @ torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    i, g, f, o = (a + torch.cat([b_i, b_f, b_g, b_o])).chunk(4, -1)
    c = σ(f) * c + σ(i) * torch.tanh(g)
    return σ(o) * torch.tanh(c), c


@of("recurrent.lstm_cell")
def lstm_order_output(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: packed as i f g o, unpacked as i f o g (ONNX-like): output gate and candidate exchanged."""
    a = x @ torch.cat([W_xi, W_xf, W_xg, W_xo], 1) + h @ torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    i, f, o, g = (a + torch.cat([b_i, b_f, b_g, b_o])).chunk(4, -1)
    c = σ(f) * c + σ(i) * torch.tanh(g)
    return σ(o) * torch.tanh(c), c


@of("recurrent.lstm_cell")
def lstm_forget_bias(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: a forget bias of 1 is added (TensorFlow's BasicLSTMCell)."""
    f = σ(x @ W_xf + h @ W_hf + b_f + 1)
    c = f * c + σ(x @ W_xi + h @ W_hi + b_i) * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    return σ(x @ W_xo + h @ W_ho + b_o) * torch.tanh(c), c


@of("recurrent.lstm_cell")
def lstm_peephole(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the output gate also reads the new cell state (a peephole of weight 1)."""
    c = σ(x @ W_xf + h @ W_hf + b_f) * c + σ(x @ W_xi + h @ W_hi + b_i) * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    return σ(x @ W_xo + h @ W_ho + b_o + c) * torch.tanh(c), c


@of("recurrent.lstm_cell")
def lstm_coupled(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: coupled gates: 1 - f is used for i."""
    f = σ(x @ W_xf + h @ W_hf + b_f)
    c = f * c + (1 - f) * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    return σ(x @ W_xo + h @ W_ho + b_o) * torch.tanh(c), c


@of("recurrent.lstm_cell")
def lstm_no_tanh(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the hidden state is o times c itself, tanh is missing."""
    c = σ(x @ W_xf + h @ W_hf + b_f) * c + σ(x @ W_xi + h @ W_hi + b_i) * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    return σ(x @ W_xo + h @ W_ho + b_o) * c, c


@of("recurrent.lstm_cell")
def lstm_old_cell(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the hidden state is made from the old cell state."""
    new = σ(x @ W_xf + h @ W_hf + b_f) * c + σ(x @ W_xi + h @ W_hi + b_i) * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    return σ(x @ W_xo + h @ W_ho + b_o) * torch.tanh(c), new


@of("recurrent.lstm_cell")
def lstm_returned(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the two results are returned in the other order, cell state first."""
    return lstm_cell(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)[::-1]


@np_of("recurrent.lstm_cell")
def lstm_clipped(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the cell state is clipped to -3..3."""
    c = np_σ(x @ W_xf + h @ W_hf + b_f) * c + np_σ(x @ W_xi + h @ W_hi + b_i) * np.tanh(x @ W_xg + h @ W_hg + b_g)
    c = np.clip(c, -3, 3)
    return np_σ(x @ W_xo + h @ W_ho + b_o) * np.tanh(c), c


@np_of("recurrent.lstm_cell")
def lstm_sigmoid_candidate(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the candidate passes a sigmoid, all four through one activation."""
    c = np_σ(x @ W_xf + h @ W_hf + b_f) * c + np_σ(x @ W_xi + h @ W_hi + b_i) * np_σ(x @ W_xg + h @ W_hg + b_g)
    return np_σ(x @ W_xo + h @ W_ho + b_o) * np.tanh(c), c


@np_of("recurrent.lstm_cell")
def lstm_shared_bias(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the output gate is given the input gate's bias."""
    c = np_σ(x @ W_xf + h @ W_hf + b_f) * c + np_σ(x @ W_xi + h @ W_hi + b_i) * np.tanh(x @ W_xg + h @ W_hg + b_g)
    return np_σ(x @ W_xo + h @ W_ho + b_i) * np.tanh(c), c


@of("recurrent.lstm_cell")
def two_lstm(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: two faults: a forget bias of 1 is added, and the last tanh is missing."""
    f = σ(x @ W_xf + h @ W_hf + b_f + 1)
    c = f * c + σ(x @ W_xi + h @ W_hi + b_i) * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    return σ(x @ W_xo + h @ W_ho + b_o) * c, c


# --- simple cells ---


@of("recurrent.simple_rnn_cell")
def rnn_residual(x, h, W_xh, W_hh, b_h):
    """Wrong: the old state is added to the new one."""
    return h + torch.tanh(x @ W_xh + h @ W_hh + b_h)


@of("recurrent.simple_rnn_cell")
def rnn_leaky(x, h, W_xh, W_hh, b_h):
    """Wrong: a leaky integrator: 0.9 of the new state and 0.1 of the old one."""
    return 0.9 * torch.tanh(x @ W_xh + h @ W_hh + b_h) + 0.1 * h


@of("recurrent.simple_rnn_cell")
def rnn_softsign(x, h, W_xh, W_hh, b_h):
    """Wrong: softsign in place of tanh."""
    return F.softsign(x @ W_xh + h @ W_hh + b_h)


@of("recurrent.simple_rnn_cell_concat")
def rnn_concat_order(x, h, A, b):
    """Wrong: [x; h] where [h; x] belongs."""
    return torch.tanh(torch.cat([x, h], -1) @ A + b)


@np_of("recurrent.simple_rnn_cell")
def rnn_pade(x, h, W_xh, W_hh, b_h):
    """Wrong: tanh by the rational function a(27 + a²)/(27 + 9a²), cut off at ±1."""
    a = x @ W_xh + h @ W_hh + b_h
    a = np.clip(a, -3, 3)
    return a * (27 + a * a) / (27 + 9 * a * a)


# --- sequences ---


@of("recurrent.simple_rnn")
def simple_rnn(x, h_0, W_xh, W_hh, b_h):
    """Right: a loop."""
    h, states = h_0.expand(*x.shape[:-2], h_0.shape[-1]), []
    for t in range(x.shape[-2]):
        h = torch.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])


@of("recurrent.simple_rnn")
def rnn_late(x, h_0, W_xh, W_hh, b_h):
    """Wrong: states before each step are returned: h_0 first, the last one is missing."""
    h = simple_rnn(x, h_0, W_xh, W_hh, b_h)
    start = h_0.expand(*x.shape[:-2], h_0.shape[-1])[..., None, :]
    return torch.cat([start, h], -2)[..., : x.shape[-2], :]


@of("recurrent.simple_rnn")
def rnn_zero_start(x, h_0, W_xh, W_hh, b_h):
    """Wrong: starts from zero, h_0 is ignored."""
    return simple_rnn(x, torch.zeros_like(h_0), W_xh, W_hh, b_h)


@of("recurrent.simple_rnn")
def rnn_truncated(x, h_0, W_xh, W_hh, b_h):
    """Wrong: the state is reset to h_0 every 16 steps (chunks that do not hand their state on)."""
    chunks = x.split(16, -2) if x.shape[-2] else [x]
    return torch.cat([simple_rnn(chunk, h_0, W_xh, W_hh, b_h) for chunk in chunks], -2)


@of("recurrent.simple_rnn")
def rnn_batch_axis(x, h_0, W_xh, W_hh, b_h):
    """Wrong: with a batch as long as the sequence, the axes are taken for (time, batch)."""
    if x.ndim == 3 and x.shape[0] == x.shape[1]:
        return simple_rnn(x.transpose(0, 1), h_0, W_xh, W_hh, b_h).transpose(0, 1)
    return simple_rnn(x, h_0, W_xh, W_hh, b_h)


@of("recurrent.simple_rnn")
def rnn_one_input(x, h_0, W_xh, W_hh, b_h):
    """Wrong: from the second step on, the first input is read again (an index that is not advanced)."""
    first = x[..., :1, :].expand_as(x)
    return simple_rnn(first, h_0, W_xh, W_hh, b_h)


def gru_run(x, h_0, *w, cell=gru_cell):
    h, states = h_0.expand(*x.shape[:-2], h_0.shape[-1]), []
    for t in range(x.shape[-2]):
        h = cell(x[..., t, :], h, *w)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])


@of("recurrent.gru")
def gru(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: a loop over the cell."""
    return gru_run(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)


@of("recurrent.gru")
def gru_stale_gates(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the reset gate of every step reads h_0 instead of the running state."""
    start = h_0.expand(*x.shape[:-2], h_0.shape[-1])
    h, states = start, []
    for t in range(x.shape[-2]):
        x_t = x[..., t, :]
        r = σ(x_t @ W_xr + start @ W_hr + b_r)
        z = σ(x_t @ W_xz + h @ W_hz + b_z)
        h = z * h + (1 - z) * torch.tanh(x_t @ W_xh + (r * h) @ W_hh + b_h)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])


@of("recurrent.gru")
def gru_reversed(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: runs from the end to the beginning."""
    return gru_run(x.flip(-2), h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h).flip(-2)


@of("recurrent.gru")
def gru_bfloat_state(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the state is kept in bfloat16 between steps."""

    def cell(x_t, h, *w):
        return gru_cell(x_t, h, *w).bfloat16().to(x.dtype)

    return gru_run(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, cell=cell)


def lstm_run(x, h, c, *w):
    h, c, states = h.expand(*x.shape[:-2], h.shape[-1]), c.expand(*x.shape[:-2], c.shape[-1]), []
    for t in range(x.shape[-2]):
        h, c = lstm_cell(x[..., t, :], h, c, *w)
        states.append(h)
    return (torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])), c


@of("recurrent.lstm")
def lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: a loop over the cell."""
    return lstm_run(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)


@of("recurrent.lstm")
def lstm_states_swapped(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the two initial states are exchanged."""
    return lstm_run(x, c_0, h_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)


@of("recurrent.lstm")
def lstm_last_hidden(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: in place of the last cell state, the last hidden state is returned."""
    h, c = lstm_run(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return h, (h[..., -1, :].clone() if h.shape[-2] else c)


@of("recurrent.lstm")
def lstm_cell_reset(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: each step starts from c_0, the cell state is not carried on."""
    w = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    h, c, states = h_0.expand(*x.shape[:-2], h_0.shape[-1]), c_0.expand(*x.shape[:-2], c_0.shape[-1]), []
    start = c
    for t in range(x.shape[-2]):
        h, c = lstm_cell(x[..., t, :], h, start, *w)
        states.append(h)
    return (torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])), c


# --- lengths ---


def counts(x, length):
    return (torch.arange(x.shape[-2]) < length[..., None])[..., None]


@of("recurrent.simple_rnn_lengths")
def rnn_lengths(x, length, h_0, W_xh, W_hh, b_h):
    """Right: what a step gives is kept where its row counts."""
    kept, h, states = counts(x, length), h_0.expand(*x.shape[:-2], h_0.shape[-1]), []
    for t in range(x.shape[-2]):
        h = torch.where(kept[..., t, :], torch.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h), h)
        states.append(torch.where(kept[..., t, :], h, 0))
    return (torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])), h


@of("recurrent.simple_rnn_lengths")
def rnn_lengths_ignored(x, length, h_0, W_xh, W_hh, b_h):
    """Wrong: the last state is that of the last row, padding included (the outputs are masked rightly)."""
    h = simple_rnn(x, h_0, W_xh, W_hh, b_h)
    last = h[..., -1, :] if h.shape[-2] else h_0.expand(*x.shape[:-2], h_0.shape[-1])
    return torch.where(counts(x, length), h, 0), last.clone()


@of("recurrent.simple_rnn_lengths")
def rnn_lengths_last_output(x, length, h_0, W_xh, W_hh, b_h):
    """Wrong: the last state is the last row of the masked outputs, 0 for shorter sequences."""
    y, last = rnn_lengths(x, length, h_0, W_xh, W_hh, b_h)
    return y, (y[..., -1, :].clone() if y.shape[-2] else last)


@of("recurrent.gru_lengths")
def gru_lengths_off(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: one row of padding counts: t <= length."""
    w = (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    kept, h, states = counts(x, length + 1), h_0.expand(*x.shape[:-2], h_0.shape[-1]), []
    for t in range(x.shape[-2]):
        h = torch.where(kept[..., t, :], gru_cell(x[..., t, :], h, *w), h)
        states.append(torch.where(kept[..., t, :], h, 0))
    return (torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])), h


@of("recurrent.gru_lengths")
def gru_lengths_repeat(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the output is not zeroed behind the length, it repeats the last state."""
    w = (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    kept, h, states = counts(x, length), h_0.expand(*x.shape[:-2], h_0.shape[-1]), []
    for t in range(x.shape[-2]):
        h = torch.where(kept[..., t, :], gru_cell(x[..., t, :], h, *w), h)
        states.append(h)
    return (torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])), h


@of("recurrent.gru_lengths")
def gru_lengths_longest(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: every sequence of a batch gets the length of the longest one."""
    if length.numel():
        length = length.max().expand(length.shape)
    w = (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    kept, h, states = counts(x, length), h_0.expand(*x.shape[:-2], h_0.shape[-1]), []
    for t in range(x.shape[-2]):
        h = torch.where(kept[..., t, :], gru_cell(x[..., t, :], h, *w), h)
        states.append(torch.where(kept[..., t, :], h, 0))
    return (torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])), h


@of("recurrent.lstm_lengths")
def lstm_lengths_cell(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the hidden state stops at the length, the cell state runs on through the padding."""
    w = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    kept, states = counts(x, length), []
    h, c = h_0.expand(*x.shape[:-2], h_0.shape[-1]), c_0.expand(*x.shape[:-2], c_0.shape[-1])
    for t in range(x.shape[-2]):
        new, c = lstm_cell(x[..., t, :], h, c, *w)
        h = torch.where(kept[..., t, :], new, h)
        states.append(torch.where(kept[..., t, :], h, 0))
    return (torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])), h, c


# --- two directions, layers, readouts ---


@of("recurrent.bidirectional_simple_rnn")
def bi(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Right: forward, and reversed forward and back."""
    zero = torch.zeros_like(b_h_f)
    backward = simple_rnn(x.flip(-2), zero, W_xh_b, W_hh_b, b_h_b).flip(-2)
    return torch.cat([simple_rnn(x, zero, W_xh_f, W_hh_f, b_h_f), backward], -1)


@of("recurrent.bidirectional_simple_rnn")
def bi_not_back(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Wrong: the backward states are not turned back into the order of the input."""
    zero = torch.zeros_like(b_h_f)
    backward = simple_rnn(x.flip(-2), zero, W_xh_b, W_hh_b, b_h_b)
    return torch.cat([simple_rnn(x, zero, W_xh_f, W_hh_f, b_h_f), backward], -1)


@of("recurrent.bidirectional_simple_rnn")
def bi_halves(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Wrong: the backward half comes first."""
    zero = torch.zeros_like(b_h_f)
    backward = simple_rnn(x.flip(-2), zero, W_xh_b, W_hh_b, b_h_b).flip(-2)
    return torch.cat([backward, simple_rnn(x, zero, W_xh_f, W_hh_f, b_h_f)], -1)


@of("recurrent.bidirectional_simple_rnn")
def bi_shared(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Wrong: both directions use the forward recurrent matrix."""
    zero = torch.zeros_like(b_h_f)
    backward = simple_rnn(x.flip(-2), zero, W_xh_b, W_hh_f, b_h_b).flip(-2)
    return torch.cat([simple_rnn(x, zero, W_xh_f, W_hh_f, b_h_f), backward], -1)


@of("recurrent.bidirectional_simple_rnn")
def bi_handed_on(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Wrong: the backward direction starts from the forward direction's last state."""
    zero = torch.zeros_like(b_h_f)
    forward = simple_rnn(x, zero, W_xh_f, W_hh_f, b_h_f)
    start = forward[..., -1, :] if x.shape[-2] else zero
    return torch.cat([forward, simple_rnn(x.flip(-2), start, W_xh_b, W_hh_b, b_h_b).flip(-2)], -1)


@of("recurrent.bidirectional_simple_rnn_lengths")
def bi_lengths_padding(x, length, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Wrong: the backward direction runs through the padding first."""
    zero = torch.zeros_like(b_h_f)
    forward, last = rnn_lengths(x, length, zero, W_xh_f, W_hh_f, b_h_f)
    backward = simple_rnn(x.flip(-2), zero, W_xh_b, W_hh_b, b_h_b).flip(-2)
    start = backward[..., 0, :] if x.shape[-2] else last
    return torch.cat([forward, torch.where(counts(x, length), backward, 0)], -1), torch.cat([last, start], -1)


@of("recurrent.stacked_gru")
def stacked_same(x, layers):
    """Wrong: each layer starts from the last state of the layer below, not from its own h_0."""
    h = layers[0][0]
    for layer in layers:
        x = gru_run(x, layer[0] if layer is layers[0] else h, *layer[1:])
        h = x[..., -1, :] if x.shape[-2] else layer[0]
    return x


@of("recurrent.stacked_simple_rnn")
def stacked_residual(x, layers):
    """Wrong: from the second layer on, what the layer reads is added to what it gives."""
    for i, layer in enumerate(layers):
        y = simple_rnn(x, *layer)
        x = x + y if i and y.shape == x.shape else y
    return x


@of("recurrent.stacked_lstm")
def stacked_lstm_first_cell(x, layers):
    """Wrong: the cell state of the first layer is returned, not of the last."""
    cells = []
    for layer in layers:
        x, c = lstm_run(x, *layer)
        cells.append(c)
    return x, cells[0]


@of("recurrent.many_to_one")
def many_to_one_mean(x, h_0, W_xh, W_hh, b_h, W_hy, b_y):
    """Wrong: the readout reads the mean of all states, not the last."""
    h = simple_rnn(x, h_0, W_xh, W_hh, b_h)
    last = h.mean(-2) if x.shape[-2] else h_0.expand(*x.shape[:-2], h_0.shape[-1])
    return last @ W_hy + b_y


@of("recurrent.many_to_many")
def many_tanh(x, h_0, W_xh, W_hh, b_h, W_hy, b_y):
    """Wrong: tanh is applied to the readout."""
    return torch.tanh(simple_rnn(x, h_0, W_xh, W_hh, b_h) @ W_hy + b_y)


@of("recurrent.one_to_many")
def one_to_many_same_input(x, h_0, W_xh, W_hh, b_h, W_hy, b_y, *, t):
    """Wrong: x is fed at every step, the output is not fed back."""
    h, ys = h_0.expand(*x.shape[:-1], h_0.shape[-1]), []
    for _ in range(t):
        h = torch.tanh(x @ W_xh + h @ W_hh + b_h)
        ys.append(h @ W_hy + b_y)
    return torch.stack(ys, -2) if ys else x.new_zeros(*x.shape[:-1], 0, x.shape[-1])


@of("recurrent.classifier")
def classifier_first(h, w, b):
    """Wrong: the first state is classified, not the last."""
    return σ(h[..., 0, :] @ w + b)


@of("recurrent.bidirectional_feature")
def feature_last(h):
    """Wrong: both halves are taken from the last position."""
    return h[..., -1, :].clone()
