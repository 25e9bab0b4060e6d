"""Right, in NumPy, in styles of their own: tables, views, logarithms, whole-number tricks, float64 inside."""

import math
from functools import lru_cache, partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy")


def sigmoid(a):
    """By tanh, which does not overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * a)), a.dtype)


@of("attention.masked")
def weights_by_logarithms(q, k, v, mask):
    """Right: float64 inside; a row's log-sum-exp by logaddexp.reduce over visible keys."""
    kept = q.dtype
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    e = np.einsum("...nd,...md->...nm", q, k) / (math.sqrt(q.shape[-1]) or 1)
    e = np.where(mask, e, -np.inf)
    lse = np.logaddexp.reduce(e, -1, initial=-np.inf) if e.shape[-1] else np.full(e.shape[:-1], -np.inf)
    p = np.exp(e - np.where(np.isneginf(lse), 0, lse)[..., None])
    return np.einsum("...nm,...me->...ne", p, v).astype(kept)


@of("attention.blocked")
def pages_of_a_table(q, k, v, *, block):
    """Right: keys lie in pages of a block, the last filled with what is not read, and are read by a table of pages."""
    m, d = k.shape[-2:]
    pages = -(-m // block)
    fill = pages * block - m

    def paged(a):
        wide = np.concatenate([a, np.full((*a.shape[:-2], fill, a.shape[-1]), 7, a.dtype)], -2)
        return wide.reshape(*a.shape[:-2], pages, block, a.shape[-1])

    K, V = paged(k), paged(v)
    top = np.full(q.shape[:-1], -np.inf, q.dtype)
    total, o = np.zeros_like(top), np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    for page in range(pages):
        count = min(block, m - page * block)
        e = q @ np.swapaxes(K[..., page, :count, :], -1, -2) / np.asarray(math.sqrt(d) or 1, q.dtype)
        new = np.maximum(top, e.max(-1))
        old, p = np.exp(top - new), np.exp(e - new[..., None])
        total, o, top = total * old + p.sum(-1), o * old[..., None] + p @ V[..., page, :count, :], new
    with np.errstate(invalid="ignore"):
        return o / total[..., None]


@lru_cache(maxsize=8)
def _waves(t, d):
    j = np.arange(d)
    angle = np.arange(t)[:, None] * np.exp(-math.log(10000) * (j - j % 2) / max(d, 1))
    table = np.sin(angle + (j % 2) * (np.pi / 2))
    table.setflags(write=False)
    return table


@of("position.sinusoidal")
def sines_ahead_by_a_quarter(*, t, d):
    """Right: a cosine is a sine a quarter ahead; the table is kept, and a copy given."""
    return _waves(t, d).copy()


@of("position.sinusoidal_halves")
def real_and_imaginary(*, t, d):
    """Right: both are parts of exp(i angle), by powers of one factor for each place."""
    h = (d + 1) // 2
    rates = 10000.0 ** (-2 * np.arange(h) / max(d, 1))
    z = np.exp(1j * np.outer(np.arange(t), rates))
    return np.concatenate([z.imag, z.real[:, : d - h]], 1)


@of("recurrent.simple_rnn")
def input_side_at_once(x, h_0, W_xh, W_hh, b_h):
    """Right: the input's side of all steps is one product, written into the array of states, which each step reads."""
    h = np.empty((*x.shape[:-1], h_0.shape[-1]), x.dtype)
    np.matmul(x, W_xh, out=h)
    h += b_h
    last = h_0
    for t in range(x.shape[-2]):
        h[..., t, :] += last @ W_hh
        np.tanh(h[..., t, :], out=h[..., t, :])
        last = h[..., t, :]
    return h


@of("recurrent.bidirectional_gru_lengths")
def indices_that_turn_each_row(
    x,
    length,
    W_xr_f,
    W_hr_f,
    b_r_f,
    W_xz_f,
    W_hz_f,
    b_z_f,
    W_xh_f,
    W_hh_f,
    b_h_f,
    W_xr_b,
    W_hr_b,
    b_r_b,
    W_xz_b,
    W_hz_b,
    b_z_b,
    W_xh_b,
    W_hh_b,
    b_h_b,
):
    """Right: each row is turned within its length by an index, run forwards, and turned back by the same index."""
    t, u = x.shape[-2], b_h_f.shape[-1]
    n = np.minimum(length, t)[..., None]
    i = np.arange(t)
    turned = np.where(i < n, n - 1 - i, i)[..., None]

    def run(rows, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
        h, out = np.zeros((*rows.shape[:-2], u), rows.dtype), []
        for j in range(t):
            row = rows[..., j, :]
            r, z = sigmoid(row @ W_xr + h @ W_hr + b_r), sigmoid(row @ W_xz + h @ W_hz + b_z)
            new = z * h + (1 - z) * np.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
            h = np.where(j < n, new, h)
            out.append(np.where(j < n, h, 0))
        return (np.stack(out, -2) if out else np.zeros((*rows.shape[:-1], u), rows.dtype)), h

    f, last_f = run(x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    b, last_b = run(
        np.take_along_axis(x, turned, -2), W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
    )
    b = np.take_along_axis(b, turned, -2)
    return np.concatenate([f, b], -1), np.concatenate([last_f, last_b], -1)


@of("text.segments")
def windows_of_a_view(k, *, w, s):
    """Right: all windows of w + 1 tokens as a view, every s-th of them, cut into piece and label."""
    if k.shape[-1] <= w:
        return np.zeros((*k.shape[:-1], 0, w), k.dtype), np.zeros((*k.shape[:-1], 0), k.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(k, w + 1, axis=-1)[..., ::s, :]
    return windows[..., :w].copy(), windows[..., w].copy()


@of("text.align")
def filled_then_cut(k, *, w, null):
    """Right: w nulls in front of everything, of which the last w are kept."""
    wide = np.concatenate([np.full((*k.shape[:-1], w), null, k.dtype), k], -1)
    return wide[..., wide.shape[-1] - w :]


@of("backward.embedding")
def sorted_and_summed(d_x, k, P):
    """Right: tokens are sorted, and gradients of equal ones summed by reduceat in float64."""
    flat, rows = k.reshape(-1), d_x.reshape(-1, d_x.shape[-1]).astype(np.float64)
    rows, flat = rows[flat >= 0], flat[flat >= 0]
    out = np.zeros(P.shape, np.float64)
    if flat.size:
        order = np.argsort(flat, kind="stable")
        words, starts = np.unique(flat[order], return_index=True)
        out[words] = np.add.reduceat(rows[order], starts, 0)
    return out.astype(d_x.dtype)


@of("seq2seq.cross_entropy")
def margin_of_the_target(logits, target):
    """Right: log of the sum of exp(l − l_target), by its largest term, float64 inside."""
    wide = logits.astype(np.float64)
    gap = wide - np.take_along_axis(wide, np.asarray(target)[..., None], -1)
    top = gap.max(-1)
    return (top + np.log(np.exp(gap - top[..., None]).sum(-1))).astype(logits.dtype)


@of("seq2seq.sample")
def by_counting_from_the_end(p, uniform):
    """Right: how many cumulated sums are not above the number, at most v − 1."""
    c = np.add.accumulate(p, -1)
    return np.minimum((c <= uniform[..., None]).sum(-1), p.shape[-1] - 1)


@of("cost.lstm_parameters")
def four_times_a_layer(*, d, u):
    """Right: as a sum over the gates."""
    return sum((d + u + 1) * u for _ in "ifgo")


@of("attention.merge")
def by_logaddexp(o_1, lse_1, o_2, lse_2):
    """Right: the logarithm by logaddexp, shares by differences from it."""
    with np.errstate(invalid="ignore"):
        lse = np.logaddexp(lse_1, lse_2)
    safe = np.where(np.isneginf(lse), 0, lse)
    return np.exp(lse_1 - safe)[..., None] * o_1 + np.exp(lse_2 - safe)[..., None] * o_2, lse
