"""Right, in NumPy, of equations with few right forms so far: gradients over time, blocks, lengths, half precision."""

from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"))
one = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"), batch=(0,))


def wide(a):
    """In float32 at least."""
    return a.astype(np.float32) if a.dtype == np.float16 else a


def σ(a):
    """By tanh, which does not overflow."""
    return 0.5 * np.tanh(0.5 * a) + 0.5


@one("attention.block_step")
def merged_by_the_larger(q, k, v, top, total, o, *, first, block):
    """Right: one tile in float32 at least; where nothing is visible yet the shift is 0."""
    kind = q.dtype
    q, k, v, top, total, o = map(wide, (q, k, v, top, total, o))
    keys, values = k[first : first + block], v[first : first + block]
    if not len(keys):
        return top.astype(kind), total.astype(kind), o.astype(kind)
    e = q @ keys.T / np.sqrt(np.array(q.shape[-1], q.dtype))
    new = np.maximum(top, e.max(-1))
    p = np.exp(e - new[:, None])
    old = np.exp(top - new)
    return new.astype(kind), (old * total + p.sum(-1)).astype(kind), (old[:, None] * o + p @ values).astype(kind)


@of("attention.learned_query")
def in_log_space(x, q):
    """Right: log weights less their log-sum-exp, in float64 throughout."""
    kind = x.dtype
    x, q = x.astype(np.float64), q.astype(np.float64)
    e = q @ np.swapaxes(x, -1, -2)
    e = e - e.max(-1, keepdims=True, initial=-np.inf)
    return (np.exp(e - np.log(np.exp(e).sum(-1, keepdims=True))) @ x).astype(kind)


@of("self_attention.unscaled")
def three_einsums(x, W_q, W_k, W_v):
    """Right: einsum for each product, in float32 at least."""
    kind = x.dtype
    x, W_q, W_k, W_v = map(wide, (x, W_q, W_k, W_v))
    q, k, v = (np.einsum("...tc,cd->...td", x, W) for W in (W_q, W_k, W_v))
    e = np.einsum("...nd,...md->...nm", q, k)
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return (np.einsum("...nm,...me->...ne", p, v) / p.sum(-1, keepdims=True)).astype(kind)


@of("backward.causal")
def by_matrices(d_o, q, k, v):
    """Right: as matrices, scores of −∞ where nothing is seen, rows without keys by a maximum of 0."""
    kind = q.dtype
    d_o, q, k, v = map(wide, (d_o, q, k, v))
    turned = partial(np.swapaxes, axis1=-1, axis2=-2)
    n, m, d = q.shape[-2], k.shape[-2], q.shape[-1]
    e = np.where(np.tri(n, m, m - n, dtype=bool), q @ turned(k) / np.sqrt(np.array(d, q.dtype)), -np.inf)
    top = e.max(-1, keepdims=True, initial=-np.inf)
    p = np.exp(e - np.where(np.isfinite(top), top, 0))
    total = p.sum(-1, keepdims=True)
    p = p / np.where(total > 0, total, 1)
    d_p = d_o @ turned(v)
    d_e = p * (d_p - (d_o * (p @ v)).sum(-1, keepdims=True)) / np.sqrt(np.array(d, q.dtype))
    return (d_e @ k).astype(kind), (turned(d_e) @ q).astype(kind), (turned(p) @ d_o).astype(kind)


@one("backward.gru_reset_after")
def through_time(d_h, x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: forwards with everything kept, then backwards; the weights' gradients are added up step by step."""
    kind = x.dtype
    names = (d_h, x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)
    d_h, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = map(wide, names)
    kept = []
    for row in x:
        r, z, a = σ(row @ W_xr + h @ W_hr + b_r), σ(row @ W_xz + h @ W_hz + b_z), h @ W_hh + b_hh
        new = np.tanh(row @ W_xh + b_h + r * a)
        kept.append((h, r, z, a, new))
        h = z * h + (1 - z) * new
    d_x, g = np.zeros_like(x), np.zeros_like(h)
    dW = [np.zeros_like(a) for a in (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)]
    for i in reversed(range(len(x))):
        h, r, z, a, new = kept[i]
        g = g + d_h[i]
        d_n = g * (1 - z) * (1 - new * new)
        d_z = g * (h - new) * z * (1 - z)
        d_a = d_n * r
        d_r = d_n * a * r * (1 - r)
        d_x[i] = d_r @ W_xr.T + d_z @ W_xz.T + d_n @ W_xh.T
        parts = (
            np.outer(x[i], d_r), np.outer(h, d_r), d_r, np.outer(x[i], d_z), np.outer(h, d_z), d_z,
            np.outer(x[i], d_n), np.outer(h, d_a), d_n, d_a,
        )  # fmt: skip
        for total, part in zip(dW, parts, strict=True):
            total += part
        g = g * z + d_r @ W_hr.T + d_z @ W_hz.T + d_a @ W_hh.T
    return tuple(a.astype(kind) for a in (d_x, g, *dW))


@one("backward.lstm")
def packed_through_time(
    d_h, d_c, x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
):  # fmt: skip
    """Right: gates packed i, f, g, o; what reaches the gates is kept, and each weight's gradient is one product."""
    kind, u = x.dtype, h_0.shape[-1]
    W = wide(np.concatenate([W_xi, W_xf, W_xg, W_xo], 1))
    U = wide(np.concatenate([W_hi, W_hf, W_hg, W_ho], 1))
    b = wide(np.concatenate([b_i, b_f, b_g, b_o]))
    x, h, c, d_h, g_c = map(wide, (x, h_0, c_0, d_h, d_c))
    kept = []
    for row in x:
        a = row @ W + h @ U + b
        i, f, o = σ(a[:u]), σ(a[u : 2 * u]), σ(a[3 * u :])
        g = np.tanh(a[2 * u : 3 * u])
        new = f * c + i * g
        kept.append((h, c, i, f, g, o, np.tanh(new)))
        h, c = o * np.tanh(new), new
    d_a, g_h = np.zeros((len(x), 4 * u), x.dtype), np.zeros_like(h)
    for s in reversed(range(len(x))):
        _, c, i, f, g, o, tc = kept[s]
        g_h = g_h + d_h[s]
        g_c = g_c + g_h * o * (1 - tc * tc)
        d_a[s] = np.concatenate(
            [g_c * g * i * (1 - i), g_c * c * f * (1 - f), g_c * i * (1 - g * g), g_h * tc * o * (1 - o)]
        )
        g_h, g_c = d_a[s] @ U.T, g_c * f
    before = np.array([step[0] for step in kept]).reshape(len(x), u)
    dW, dU, db = x.T @ d_a, before.T @ d_a, d_a.sum(0)
    out = [d_a @ W.T, g_h, g_c]
    for gate in range(4):
        out += [part[..., gate * u : (gate + 1) * u] for part in (dW, dU, db)]
    return tuple(np.ascontiguousarray(a, dtype=kind) for a in out)


def gru_over(rows, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """All states, one step after the other."""
    states = np.zeros((len(rows), len(h)), h.dtype)
    for i, row in enumerate(rows):
        r, z = σ(row @ W_xr + h @ W_hr + b_r), σ(row @ W_xz + h @ W_hz + b_z)
        h = z * h + (1 - z) * np.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        states[i] = h
    return states, h


@one("recurrent.bidirectional_gru_lengths")
def only_the_rows_that_count(
    x, length, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
    W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
):  # fmt: skip
    """Right: the rows that count are cut out and read both ways; the rest of a new array stays 0."""
    n, u = int(np.clip(length, 0, len(x))), len(b_r_f)
    zero = np.zeros(u, x.dtype)
    f, h_f = gru_over(x[:n], zero, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    b, h_b = gru_over(x[:n][::-1], zero, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b)
    y = np.zeros((len(x), 2 * u), x.dtype)
    y[:n, :u], y[:n, u:] = f, b[::-1]
    return y, np.concatenate([h_f, h_b])


@one("recurrent.gru_lengths_reset_after_repeats")
def masked_as_in_keras(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: every row is run, np.where keeps the state; nothing has been said before the first row that counts."""
    h, y, rows = h_0, np.zeros_like(h_0), []
    for i, row in enumerate(x):
        r, z = σ(row @ W_xr + h @ W_hr + b_r), σ(row @ W_xz + h @ W_hz + b_z)
        new = z * h + (1 - z) * np.tanh(row @ W_xh + b_h + r * (h @ W_hh + b_hh))
        h, y = np.where(i < length, new, h), np.where(i < length, new, y)
        rows.append(y)
    return np.array(rows, x.dtype).reshape(len(x), len(h_0)), h


@one("recurrent.one_to_many")
def said_and_read_again(x, h_0, W_xh, W_hh, b_h, W_hy, b_y, *, t):
    """Right: a loop that writes what was said, and reads it."""
    said, h, y = np.zeros((t, len(x)), x.dtype), h_0, x
    for i in range(t):
        h = np.tanh(y @ W_xh + h @ W_hh + b_h)
        y = h @ W_hy + b_y
        said[i] = y
    return said


@of("recurrent.simple_rnn_step")
def state_and_output(x, h, W_xh, W_hh, b_h, W_hy, b_y):
    """Right: one product of [x, h] with the stacked matrix, out= for tanh."""
    a = np.concatenate([x, h], -1) @ np.concatenate([W_xh, W_hh]) + b_h
    np.tanh(a, out=a)
    return a, a @ W_hy + b_y


@one("recurrent.stacked_gru_reset_after")
def columns_packed_as_onnx(x, layers):
    """Right: gates packed z, r, h as ONNX has them, with linear_before_reset; in float32 at least."""
    kind, seq = x.dtype, wide(x)
    for layer in layers:
        h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = map(wide, layer)
        W, R = np.concatenate([W_xz, W_xr, W_xh], 1).T, np.concatenate([W_hz, W_hr, W_hh], 1).T
        Wb, Rb, u = np.concatenate([b_z, b_r, b_h]), np.concatenate([0 * b_z, 0 * b_r, b_hh]), len(h)
        states = np.zeros((len(seq), u), seq.dtype)
        for i, row in enumerate(seq):
            a, s = W @ row + Wb, R @ h + Rb
            z, r = σ(a[:u] + s[:u]), σ(a[u : 2 * u] + s[u : 2 * u])
            h = (1 - z) * np.tanh(a[2 * u :] + r * s[2 * u :]) + z * h
            states[i] = h
        seq = states
    return seq.astype(kind)


@of("seq2seq.context_last")
def last_row_copied(h):
    """Right: the last row, copied."""
    return h[..., -1, :].copy()


@of("seq2seq.decoder_start")
def by_expm1(c, V):
    """Right: tanh by expm1 of twice its absolute value, in float32 at least."""
    a = wide(c) @ wide(V)
    e = np.expm1(-2 * np.abs(a))
    return (np.sign(a) * (-e / (e + 2))).astype(c.dtype)


@one("seq2seq.greedy_step")
def argmax_of_sums(
    token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
):  # fmt: skip
    """Right: the row of the token by take, gates line by line, np.argmax."""
    y = np.take(E, int(token), axis=0)
    r = σ(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = σ(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    new = np.tanh(y @ W_xh + r * (s @ W_hh + c @ C_h) + b_h)
    s_next = z * s + (1 - z) * new
    return s_next, np.argmax(s_next @ W_o + y @ E_o + c @ C_o + b)


@one("text.align_keep_first")
def front_of_a_text(k, *, w, null):
    """Right: an array of `null`, whose end is what is kept of the text."""
    kept = k[:w]
    out = np.full(w, null, k.dtype)
    out[w - len(kept) :] = kept
    return out


@one("attention_rnn.bahdanau_greedy_step")
def attends_and_says(
    token, s, h, E, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, U_o, V_o, C_o, W_o
):
    """Right: gates as one product of [y, s, c], maxout by reshape; in float32 at least, rounded at the end."""
    kind, token = s.dtype, int(token)
    y, s, h = wide(E[token]), wide(s), wide(h)
    e = np.tanh(s @ wide(W_a) + h @ wide(U_a)) @ wide(v_a)
    a = np.exp(e - e.max())
    c = a @ h / a.sum()
    gates = wide(np.block([[W_xr, W_xz], [W_hr, W_hz], [C_r, C_z]]))
    r, z = np.split(σ(np.concatenate([y, s, c]) @ gates + wide(np.concatenate([b_r, b_z]))), 2)
    new = np.tanh(y @ wide(W_xh) + (r * s) @ wide(W_hh) + c @ wide(C_h) + wide(b_h))
    t = (s @ wide(U_o) + y @ wide(V_o) + c @ wide(C_o)).reshape(-1, 2).max(-1)
    return ((1 - z) * s + z * new).astype(kind), np.argmax(t @ wide(W_o))
