"""Gradients: what a training kernel returns, from the gradients of an equation's results.

All of it is written out: nothing here is differentiated by PyTorch. The half types are computed in float32.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from attnspec import implements
from attnspec_torch import multihead
from attnspec_torch._functions import DTYPES, with_lead
from attnspec_torch.scores import gradients_of_pairs

F = TypeVar("F", bound=Callable[..., Any])


def half_in_single(function: F) -> F:
    """Compute the half types in float32 and round the results once."""

    @functools.wraps(function)
    def computed(*args: Any, **options: Any) -> Any:
        storage = next(a.dtype for a in (*args, *options.values()) if torch.is_tensor(a) and a.is_floating_point())
        if storage not in (torch.float16, torch.bfloat16):
            return function(*args, **options)
        result = function(*map(_widened, args), **{name: _widened(a) for name, a in options.items()})
        return tuple(a.to(storage) for a in result) if isinstance(result, tuple) else result.to(storage)

    return cast(F, computed)


def _widened(argument: Any) -> Any:
    return argument.float() if torch.is_tensor(argument) and argument.is_floating_point() else argument


@implements("backward.softmax", framework="torch", dtypes=DTYPES)
@half_in_single
def softmax(d_alpha: Tensor, e: Tensor) -> Tensor:
    """The weights are made anew."""
    alpha = e.softmax(dim=-1)
    return alpha * (d_alpha - (alpha * d_alpha).sum(dim=-1, keepdim=True))


@implements("backward.cross_entropy", framework="torch", dtypes=DTYPES)
@half_in_single
def cross_entropy(d_loss: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    """1 is taken off where the target is."""
    p = logits.softmax(dim=-1)
    return d_loss[..., None] * p.scatter_add(-1, target[..., None], -torch.ones_like(p[..., :1]))


@implements("backward.binary_cross_entropy", framework="torch", dtypes=DTYPES)
@half_in_single
def binary_cross_entropy(d_loss: Tensor, logit: Tensor, target: Tensor) -> Tensor:
    """One sigmoid."""
    return d_loss * (torch.sigmoid(logit) - target)


@implements("backward.embedding", framework="torch", dtypes=DTYPES)
@half_in_single
def embedding(d_x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    """Added up in one more row, which takes what is missing and is cut off."""
    rows = torch.where(k < 0, len(P), k)[..., None].expand(d_x.shape)
    table = torch.zeros((*k.shape[:-1], len(P) + 1, P.shape[-1]), dtype=d_x.dtype, device=d_x.device)
    return table.scatter_add(-2, rows, d_x)[..., :-1, :]


@implements("backward.embedding_padding_idx", framework="torch", dtypes=DTYPES)
@half_in_single
def embedding_padding_idx(d_x: Tensor, k: Tensor, P: Tensor, *, padding_idx: int) -> Tensor:
    """The row is cleared afterwards."""
    d_P = embedding(d_x, k, P)
    d_P[..., padding_idx, :] = 0
    return d_P


@implements("backward.linear", framework="torch", dtypes=DTYPES)
@half_in_single
def linear(d_y: Tensor, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Two products and a sum."""
    return d_y @ W.mT, x.mT @ d_y, d_y.sum(dim=-2)


@implements("backward.layer_norm", framework="torch", dtypes=DTYPES)
@half_in_single
def layer_norm(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance are made anew."""
    centred = x - x.mean(dim=-1, keepdim=True)
    r = torch.rsqrt(centred.square().mean(dim=-1, keepdim=True) + eps)
    x_hat = centred * r
    d_x_hat = d_y * gamma
    by_mean, by_variance = d_x_hat.mean(dim=-1, keepdim=True), (d_x_hat * x_hat).mean(dim=-1, keepdim=True)
    return r * (d_x_hat - by_mean - x_hat * by_variance), d_y * x_hat, d_y.clone()


@implements("backward.scaled_dot", framework="torch", dtypes=DTYPES)
@half_in_single
def scaled_dot(d_e: Tensor, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """The scores' gradients are scaled once for both products."""
    scaled = d_e * _scale(k)
    return scaled @ k, scaled.mT @ q


@implements("backward.additive", framework="torch", dtypes=DTYPES)
@half_in_single
def additive(
    d_e: Tensor, s: Tensor, h: Tensor, W: Tensor, U: Tensor, v_a: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The hidden layer is made anew for a few queries at a time."""
    d_e, queries, keys = with_lead(d_e, s @ W, h @ U)
    d_q, d_k, d_v_a = gradients_of_pairs(d_e, queries, keys, v_a)
    return d_q @ W.mT, d_k @ U.mT, s.mT @ d_q, h.mT @ d_k, d_v_a


@implements("backward.scaled_dot_product", framework="torch", dtypes=DTYPES)
@half_in_single
def scaled_dot_product(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Five products. The queries come scaled, so that ∂k needs no scale of its own."""
    scaled = q * _scale(k)
    return _handed_back(d_o, (scaled @ k.mT).softmax(dim=-1), scaled, k, v)


@implements("backward.masked", framework="torch", dtypes=DTYPES)
@half_in_single
def masked(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The mask is asked for the weights alone: one of 0 hands nothing back. A key that no query sees is 0."""
    seen = mask.any(dim=-2).unsqueeze(-1)
    k, v = torch.where(seen, k, 0), torch.where(seen, v, 0)
    scaled = q * _scale(k)
    hidden = torch.where(mask.any(dim=-1, keepdim=True), -math.inf, 0.0).to(q.dtype)
    e = torch.where(mask, scaled @ k.mT, hidden)
    return _handed_back(d_o, e.softmax(dim=-1).masked_fill(~mask, 0), scaled, k, v)


@implements("backward.causal", framework="torch", dtypes=DTYPES)
@half_in_single
def causal(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Masked, with the last query at the last key."""
    n, m = q.shape[-2], k.shape[-2]
    return masked(d_o, q, k, v, torch.ones(n, m, dtype=torch.bool, device=q.device).tril(m - n))


@implements("backward.attention", framework="torch", dtypes=DTYPES)
@half_in_single
def attention(
    d_o: Tensor, x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The heads are one more batch axis; ∂k and ∂v, packed in that order, are one product each way."""
    W_kv = torch.cat([W_k, W_v], dim=-1)
    q = multihead.split(x_q @ W_q, heads=heads)
    k, v = (multihead.split(a, heads=heads) for a in (x_kv @ W_kv).chunk(2, dim=-1))
    scaled = q * _scale(k)
    p = (scaled @ k.mT).softmax(dim=-1)
    d_head = multihead.split(d_o @ W_o.mT, heads=heads)
    d_q, d_k, d_v = map(multihead.concat, _handed_back(d_head, p, scaled, k, v))
    d_kv = torch.cat([d_k, d_v], dim=-1)
    d_W_k, d_W_v = (x_kv.mT @ d_kv).chunk(2, dim=-1)
    d_W_o = multihead.concat(p @ v).mT @ d_o
    return d_q @ W_q.mT, d_kv @ W_kv.mT, x_q.mT @ d_q, d_W_k, d_W_v, d_W_o


@implements("backward.simple_rnn_cell", framework="torch", dtypes=DTYPES)
@half_in_single
def simple_rnn_cell(
    d_h_next: Tensor, x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor
) -> tuple[Tensor, ...]:
    """A sequence of one step."""
    return _one_step(simple_rnn, d_h_next, x, h, W_xh, W_hh, b_h)


@implements("backward.simple_rnn", framework="torch", dtypes=DTYPES)
@half_in_single
def simple_rnn(d_h: Tensor, x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> tuple[Tensor, ...]:
    """What the steps teach the weights is one product for all of them, after the loop."""
    states, d_a, side = [h_0], [], (x @ W_xh + b_h).unbind(-2)
    for side_t in side:
        states.append(torch.tanh(side_t + states[-1] @ W_hh))
    d_state = torch.zeros_like(h_0)
    for d_h_t, h_t in zip(reversed(d_h.unbind(-2)), reversed(states), strict=False):
        d_a.append((d_h_t + d_state) * (1 - h_t.square()))
        d_state = d_a[-1] @ W_hh.mT
    d = _in_order(d_a, h_0)
    return d @ W_xh.mT, d_state, *_learned(x, _stacked(states[:-1], h_0), d)


@implements("backward.rnn_jacobian", framework="torch", dtypes=DTYPES)
@half_in_single
def rnn_jacobian(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """The factors are multiplied as the steps go, beside the states."""
    u = h_0.shape[-1]
    J, h = torch.eye(u, dtype=x.dtype, device=x.device).expand(*h_0.shape, u), h_0
    for side in (x @ W_xh + b_h).unbind(-2):
        h = torch.tanh(side + h @ W_hh)
        J = (1 - h.square()).unsqueeze(-1) * (W_hh.mT @ J)
    return J.clone(memory_format=torch.contiguous_format)


# fmt: off
@implements("backward.gru_gates", framework="torch", dtypes=DTYPES)
@half_in_single
def gru_gates(
    d_h_next: Tensor, h: Tensor, r: Tensor, z: Tensor, h_tilde: Tensor, W_hr: Tensor, W_hz: Tensor, W_hh: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Three products with the recurrent matrices; the rest is element by element."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde.square())
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    d_rh = d_a_h @ W_hh.mT
    d_a_r = d_rh * h * r * (1 - r)
    return d_h_next * z + d_rh * r + d_a_r @ W_hr.mT + d_a_z @ W_hz.mT, d_a_r, d_a_z, d_a_h


@implements("backward.gru_gates_reset_after", framework="torch", dtypes=DTYPES)
@half_in_single
def gru_gates_reset_after(
    d_h_next: Tensor, h: Tensor, r: Tensor, z: Tensor, h_tilde: Tensor,
    W_hr: Tensor, W_hz: Tensor, W_hh: Tensor, a_hh: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """As gru_gates, with r on the other side of the matrix."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde.square())
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    d_a_hh = d_a_h * r
    d_a_r = d_a_h * a_hh * r * (1 - r)
    return d_h_next * z + d_a_hh @ W_hh.mT + d_a_r @ W_hr.mT + d_a_z @ W_hz.mT, d_a_r, d_a_z, d_a_h, d_a_hh


@implements("backward.gru_cell", framework="torch", dtypes=DTYPES)
@half_in_single
def gru_cell(
    d_h_next: Tensor, x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, ...]:
    """A sequence of one step."""
    return _one_step(gru, d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)


@implements("backward.gru", framework="torch", dtypes=DTYPES)
@half_in_single
def gru(
    d_h: Tensor, x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, ...]:
    """The gates are kept; what the steps teach the weights is one product for all of them, after the loop."""
    side = torch.cat([x @ W_xr + b_r, x @ W_xz + b_z, x @ W_xh + b_h], dim=-1)
    W_rz, kept, h = torch.cat([W_hr, W_hz], dim=-1), [], h_0
    for side_t in side.unbind(-2):
        side_r, side_z, side_h = side_t.chunk(3, dim=-1)
        own_r, own_z = (h @ W_rz).chunk(2, dim=-1)
        r, z = torch.sigmoid(side_r + own_r), torch.sigmoid(side_z + own_z)
        h_tilde = torch.tanh(side_h + (r * h) @ W_hh)
        kept.append((h, r, z, h_tilde))
        h = torch.lerp(h_tilde, h, z)
    taught: tuple[list[Tensor], ...] = ([], [], [])
    d_state = torch.zeros_like(h_0)
    for d_h_t, gates in zip(reversed(d_h.unbind(-2)), reversed(kept), strict=True):
        d_state, *before = gru_gates(d_h_t + d_state, *gates, W_hr, W_hz, W_hh)
        for found, each in zip(taught, before, strict=True):
            found.append(each)
    d_r, d_z, d_c = (_in_order(each, h_0) for each in taught)
    states, reset = _stacked([h for h, *_ in kept], h_0), _stacked([r * h for h, r, *_ in kept], h_0)
    d_x = d_r @ W_xr.mT + d_z @ W_xz.mT + d_c @ W_xh.mT
    return d_x, d_state, *_learned(x, states, d_r), *_learned(x, states, d_z), *_learned(x, reset, d_c)


@implements("backward.gru_cell_reset_after", framework="torch", dtypes=DTYPES)
@half_in_single
def gru_cell_reset_after(
    d_h_next: Tensor, x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> tuple[Tensor, ...]:
    """A sequence of one step."""
    return _one_step(gru_reset_after, d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)


@implements("backward.gru_reset_after", framework="torch", dtypes=DTYPES)
@half_in_single
def gru_reset_after(
    d_h: Tensor, x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> tuple[Tensor, ...]:
    """As gru; what the reset gate acts on is kept too."""
    side = torch.cat([x @ W_xr + b_r, x @ W_xz + b_z, x @ W_xh + b_h], dim=-1)
    W_h, kept, h = torch.cat([W_hr, W_hz, W_hh], dim=-1), [], h_0
    for side_t in side.unbind(-2):
        side_r, side_z, side_h = side_t.chunk(3, dim=-1)
        own_r, own_z, own_h = (h @ W_h).chunk(3, dim=-1)
        r, z, a_hh = torch.sigmoid(side_r + own_r), torch.sigmoid(side_z + own_z), own_h + b_hh
        h_tilde = torch.tanh(side_h + r * a_hh)
        kept.append((h, r, z, h_tilde, a_hh))
        h = torch.lerp(h_tilde, h, z)
    taught: tuple[list[Tensor], ...] = ([], [], [], [])
    d_state = torch.zeros_like(h_0)
    for d_h_t, (h, r, z, h_tilde, a_hh) in zip(reversed(d_h.unbind(-2)), reversed(kept), strict=True):
        d_state, *before = gru_gates_reset_after(d_h_t + d_state, h, r, z, h_tilde, W_hr, W_hz, W_hh, a_hh)
        for found, each in zip(taught, before, strict=True):
            found.append(each)
    d_r, d_z, d_c, d_s = (_in_order(each, h_0) for each in taught)
    states = _stacked([h for h, *_ in kept], h_0)
    d_x = d_r @ W_xr.mT + d_z @ W_xz.mT + d_c @ W_xh.mT
    d_W_xh, _, d_b_h = _learned(x, states, d_c)
    _, d_W_hh, d_b_hh = _learned(x, states, d_s)
    return d_x, d_state, *_learned(x, states, d_r), *_learned(x, states, d_z), d_W_xh, d_W_hh, d_b_h, d_b_hh


@implements("backward.gru_cell_update_writes", framework="torch", dtypes=DTYPES)
@half_in_single
def gru_cell_update_writes(
    d_h_next: Tensor, x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, ...]:
    """A sequence of one step."""
    return _one_step(gru_update_writes, d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)


@implements("backward.gru_update_writes", framework="torch", dtypes=DTYPES)
@half_in_single
def gru_update_writes(
    d_h: Tensor, x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, ...]:
    """gru with the weights of z negated, whose gradients are negated too."""
    found = gru(d_h, x, h_0, W_xr, W_hr, b_r, -W_xz, -W_hz, -b_z, W_xh, W_hh, b_h)
    return *found[:5], *(-a for a in found[5:8]), *found[8:]


@implements("backward.lstm_gates", framework="torch", dtypes=DTYPES)
@half_in_single
def lstm_gates(
    d_h_next: Tensor, d_c_next: Tensor,
    c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor, c_next: Tensor,
    W_hi: Tensor, W_hf: Tensor, W_hg: Tensor, W_ho: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """A product with each recurrent matrix; the rest is element by element."""
    y = torch.tanh(c_next)
    d_cell = torch.addcmul(d_c_next, d_h_next * o, 1 - y.square())
    d_a_i = d_cell * g * i * (1 - i)
    d_a_f = d_cell * c * f * (1 - f)
    d_a_g = d_cell * i * (1 - g.square())
    d_a_o = d_h_next * y * o * (1 - o)
    d_h = d_a_i @ W_hi.mT + d_a_f @ W_hf.mT + d_a_g @ W_hg.mT + d_a_o @ W_ho.mT
    return d_h, d_cell * f, d_a_i, d_a_f, d_a_g, d_a_o


@implements("backward.lstm_cell", framework="torch", dtypes=DTYPES)
@half_in_single
def lstm_cell(
    d_h_next: Tensor, d_c_next: Tensor, x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:
    """A sequence of one step."""
    d_x, *rest = lstm(
        d_h_next.unsqueeze(-2), d_c_next, x.unsqueeze(-2), h, c,
        W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o,
    )
    return d_x.squeeze(-2), *rest


@implements("backward.lstm", framework="torch", dtypes=DTYPES)
@half_in_single
def lstm(
    d_h: Tensor, d_c: Tensor, x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:
    """The gates are kept; what the steps teach the weights is one product for all of them, after the loop."""
    side = torch.cat([x @ W_xi + b_i, x @ W_xf + b_f, x @ W_xg + b_g, x @ W_xo + b_o], dim=-1)
    W_h, kept, states, h, c = torch.cat([W_hi, W_hf, W_hg, W_ho], dim=-1), [], [], h_0, c_0
    for side_t in side.unbind(-2):
        a_i, a_f, a_g, a_o = (side_t + h @ W_h).chunk(4, dim=-1)
        i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
        c_next = f * c + i * g
        kept.append((c, i, f, g, o, c_next))
        states.append(h)
        h, c = o * torch.tanh(c_next), c_next
    d_state, d_cell = torch.zeros_like(h_0), d_c.clone()
    taught: tuple[list[Tensor], ...] = ([], [], [], [])
    for d_h_t, gates in zip(reversed(d_h.unbind(-2)), reversed(kept), strict=True):
        d_state, d_cell, *before = lstm_gates(d_h_t + d_state, d_cell, *gates, W_hi, W_hf, W_hg, W_ho)
        for found, each in zip(taught, before, strict=True):
            found.append(each)
    d_i, d_f, d_g, d_o = (_in_order(each, h_0) for each in taught)
    d_x = d_i @ W_xi.mT + d_f @ W_xf.mT + d_g @ W_xg.mT + d_o @ W_xo.mT
    before_each = _stacked(states, h_0)
    learned = (learned for d in (d_i, d_f, d_g, d_o) for learned in _learned(x, before_each, d))
    return d_x, d_state, d_cell, *learned
# fmt: on


def _one_step(of: Callable[..., tuple[Tensor, ...]], d_h_next: Tensor, x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
    d_x, *others = of(d_h_next.unsqueeze(-2), x.unsqueeze(-2), *rest)
    return d_x.squeeze(-2), *others


def _stacked(steps: list[Tensor], like: Tensor) -> Tensor:
    """The steps along a new axis; where there are none, of that shape."""
    return torch.stack(steps, dim=-2) if steps else like.unsqueeze(-2)[..., :0, :]


def _in_order(steps: list[Tensor], like: Tensor) -> Tensor:
    """The steps of a walk back, in the order of time."""
    return _stacked(steps[::-1], like)


def _learned(x: Tensor, h: Tensor, d_a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a gate's two matrices and its bias, from that of what its function takes at every step."""
    return x.mT @ d_a, h.mT @ d_a, d_a.sum(dim=-2)


def _scale(k: Tensor) -> float:
    return 1 / math.sqrt(max(k.shape[-1], 1))


def _handed_back(d_o: Tensor, p: Tensor, scaled: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """From the weights: the gradients of queries, keys and values, the queries having come scaled."""
    D = (d_o * (p @ v)).sum(dim=-1, keepdim=True)
    d_e = p * (d_o @ v.mT - D)
    return d_e @ k * _scale(k), d_e.mT @ scaled, p.mT @ d_o
