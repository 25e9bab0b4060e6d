"""The backward LSTM starts in the padding behind the sequence.

https://github.com/apache/mxnet/issues/19323
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.bidirectional_lstm_lengths"
OPTIONS: dict[str, object] = {"framework": "torch"}


def run(x: Tensor, weights: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """All hidden states and cells of an LSTM that starts at 0."""
    W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o = weights
    h = c = x.new_zeros(*x.shape[:-2], len(b_i))
    states, cells = [x.new_zeros(*h.shape[:-1], 0, len(b_i))], [x.new_zeros(*h.shape[:-1], 0, len(b_i))]
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        i, f = torch.sigmoid(row @ W_xi + h @ W_hi + b_i), torch.sigmoid(row @ W_xf + h @ W_hf + b_f)
        g, o = torch.tanh(row @ W_xg + h @ W_hg + b_g), torch.sigmoid(row @ W_xo + h @ W_ho + b_o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        states.append(h[..., None, :])
        cells.append(c[..., None, :])
    return torch.cat(states, -2), torch.cat(cells, -2)


def row(states: Tensor, place: Tensor) -> Tensor:
    """The row of each example at a place, 0 before the first."""
    if not states.shape[-2]:
        return states.sum(-2)
    index = place.clamp(min=0)[..., None, None].expand(*states.shape[:-2], 1, states.shape[-1])
    return states.gather(-2, index)[..., 0, :] * (place >= 0)[..., None]


def outputs(
    reads_padding: bool, x: Tensor, length: Tensor, forward: tuple[Tensor, ...], backward: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    t = torch.arange(x.shape[-2])
    n = length.clamp(0, x.shape[-2])
    turned = (len(t) if reads_padding else n[..., None]) - 1 - t
    back = turned.expand(*x.shape[:-1]).clamp(min=0)[..., None]
    h_f, c_f = run(x, forward)
    h_b, c_b = run(x.gather(-2, back.expand(x.shape)), backward)
    h = torch.cat([h_f, h_b.gather(-2, back.expand(h_b.shape))], -1)
    y = torch.where((t < n[..., None])[..., None], h, torch.zeros_like(h))
    end = torch.full_like(n, len(t)) - 1 if reads_padding else n - 1
    return y, torch.cat([row(h_f, n - 1), row(h_b, end)], -1), torch.cat([row(c_f, n - 1), row(c_b, end)], -1)


def faulty(
    x: Tensor, length: Tensor,
    W_xi_f: Tensor, W_hi_f: Tensor, b_i_f: Tensor, W_xf_f: Tensor, W_hf_f: Tensor, b_f_f: Tensor,
    W_xg_f: Tensor, W_hg_f: Tensor, b_g_f: Tensor, W_xo_f: Tensor, W_ho_f: Tensor, b_o_f: Tensor,
    W_xi_b: Tensor, W_hi_b: Tensor, b_i_b: Tensor, W_xf_b: Tensor, W_hf_b: Tensor, b_f_b: Tensor,
    W_xg_b: Tensor, W_hg_b: Tensor, b_g_b: Tensor, W_xo_b: Tensor, W_ho_b: Tensor, b_o_b: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    forward = (W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f, W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f)
    backward = (W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b, W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b)
    return outputs(True, x, length, forward, backward)


def mended(
    x: Tensor, length: Tensor,
    W_xi_f: Tensor, W_hi_f: Tensor, b_i_f: Tensor, W_xf_f: Tensor, W_hf_f: Tensor, b_f_f: Tensor,
    W_xg_f: Tensor, W_hg_f: Tensor, b_g_f: Tensor, W_xo_f: Tensor, W_ho_f: Tensor, b_o_f: Tensor,
    W_xi_b: Tensor, W_hi_b: Tensor, b_i_b: Tensor, W_xf_b: Tensor, W_hf_b: Tensor, b_f_b: Tensor,
    W_xg_b: Tensor, W_hg_b: Tensor, b_g_b: Tensor, W_xo_b: Tensor, W_ho_b: Tensor, b_o_b: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    forward = (W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f, W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f)
    backward = (W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b, W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b)
    return outputs(False, x, length, forward, backward)
