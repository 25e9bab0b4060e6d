"""Right, in NumPy: logarithms of sums, merged moments, chunks, compressed keys, doubling, offsets, in-place ufuncs."""

import math
from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"))
one = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"), batch=(0,))


def wide(x):
    """In float32 at least."""
    return x.astype(np.result_type(x.dtype, np.float32))


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return p / p.sum(-1, keepdims=True)


def halved(a):
    """The logistic function, by tanh of half of it."""
    return 0.5 * np.tanh(0.5 * a) + 0.5


@of("attention.weights")
def less_the_reduced_logaddexp(e):
    """Right: exp of the scores less np.logaddexp.reduce of them, in float64."""
    a = e.astype(np.float64)
    return np.exp(a - np.logaddexp.reduce(a, axis=-1, keepdims=True)).astype(e.dtype)


@of("attention.scaled_dot_product")
def powers_of_two_in_chunks(q, k, v):
    """Right: chunks of 48 keys, log2(e) in the scale and exp2, sums moved on where the largest score grows."""
    a, b, c = wide(q), wide(k), wide(v)
    scale = a.dtype.type(math.log2(math.e) / math.sqrt(q.shape[-1]))
    top = np.full((*q.shape[:-1], 1), -np.inf, a.dtype)
    total, read = np.zeros_like(top), np.zeros((*q.shape[:-1], v.shape[-1]), a.dtype)
    for at in range(0, k.shape[-2], 48):
        e = a @ np.swapaxes(b[..., at : at + 48, :], -1, -2) * scale
        high = np.maximum(top, e.max(-1, keepdims=True))
        p, shrunk = np.exp2(e - high), np.exp2(top - high)
        total = total * shrunk + p.sum(-1, keepdims=True)
        read = read * shrunk + p @ c[..., at : at + 48, :]
        top = high
    return (read / total).astype(v.dtype)


@of("attention.causal")
def rows_in_blocks_of_what_they_see(q, k, v):
    """Right: 24 queries at a time read the keys up to the last one's, the corner hidden by np.tri."""
    a, b, c = wide(q) / np.sqrt(q.shape[-1]).astype(wide(q).dtype), wide(k), wide(v)
    n, m = q.shape[-2], k.shape[-2]
    out = np.zeros((*q.shape[:-1], v.shape[-1]), a.dtype)
    for at in range(0, n, 24):
        rows = min(24, n - at)
        seen = min(m, max(0, at + rows + m - n))
        e = a[..., at : at + rows, :] @ np.swapaxes(b[..., :seen, :], -1, -2)
        visible = np.tri(rows, seen, at + m - n, dtype=bool)
        e = np.where(visible, e, -np.inf)
        top = e.max(-1, keepdims=True, initial=np.finfo(a.dtype).min)
        p = np.exp(e - top)
        total = p.sum(-1, keepdims=True)
        np.divide(p @ c[..., :seen, :], total, out=out[..., at : at + rows, :], where=total > 0)
    return out.astype(v.dtype)


@of("attention.masked")
def compressed_keys_of_each_row(q, k, v, mask):
    """Right: for each query the keys that it sees by np.flatnonzero, the others never read, in float32 at least."""
    lead = q.shape[:-2]
    out = np.zeros((*q.shape[:-1], v.shape[-1]), wide(q).dtype)
    scale = wide(q).dtype.type(q.shape[-1] ** -0.5)
    for at in np.ndindex(*lead):
        a, b, c = wide(q[at]), wide(k[at]), wide(v[at])
        for i in range(q.shape[-2]):
            seen = np.flatnonzero(mask[at][i])
            if seen.size:
                out[at][i] = softmax(b[seen] @ a[i] * scale) @ c[seen]
    return out.astype(v.dtype)


@of("attention.padded")
def keys_that_are_no_padding(q, k, v, mask):
    """Right: keys and values of an example by its boolean mask; an example of padding alone reads 0."""
    out = np.zeros((*q.shape[:-1], v.shape[-1]), v.dtype)
    for at in np.ndindex(*q.shape[:-2]):
        if mask[at].any():
            e = np.inner(wide(q[at]), wide(k[at][mask[at]])) / math.sqrt(q.shape[-1])
            out[at] = softmax(e) @ wide(v[at][mask[at]])
    return out


@of("attention.with_lse")
def even_and_odd_keys(q, k, v):
    """Right: keys at even and at odd places apart, joined by np.logaddexp of the two logarithms, in float64."""

    def part(at):
        e = q.astype(float) @ np.swapaxes(k[..., at::2, :].astype(float), -1, -2) / math.sqrt(q.shape[-1])
        lse = np.logaddexp.reduce(e, axis=-1, keepdims=True, initial=-np.inf)
        with np.errstate(invalid="ignore"):
            p = np.exp(e - lse)
        return p @ v[..., at::2, :].astype(float), lse

    (o_1, lse_1), (o_2, lse_2) = part(0), part(1)
    lse = np.logaddexp(lse_1, lse_2)
    base = np.where(np.isfinite(lse), lse, 0)
    o = np.exp(lse_1 - base) * o_1 + np.exp(lse_2 - base) * o_2
    return o.astype(v.dtype), lse[..., 0].astype(q.dtype)


@of("attention.merge")
def shares_by_logaddexp(o_1, lse_1, o_2, lse_2):
    """Right: each part times exp of its logarithm less np.logaddexp of both, 0 where both are −∞, in float64."""
    a, b = lse_1.astype(float), lse_2.astype(float)
    lse = np.logaddexp(a, b)
    base = np.where(np.isneginf(lse), 0.0, lse)
    o = np.exp(a - base)[..., None] * o_1 + np.exp(b - base)[..., None] * o_2
    return o.astype(o_1.dtype), lse.astype(lse_1.dtype)


@of("attention.hard")
def rows_by_take_along_axis(e, v):
    """Right: np.take_along_axis of the values at np.argmax."""
    return np.take_along_axis(v, e.argmax(-1)[..., None], axis=-2)


@of("attention.additive")
def hidden_layer_for_a_few_queries(q, k, v, W, U, v_a):
    """Right: 8 queries at a time, np.add and np.tanh with out=, a product with the column v_a, in float32 at least."""
    a, b, c = wide(q) @ wide(W), wide(k) @ wide(U), wide(v)
    out = np.empty((*q.shape[:-1], v.shape[-1]), a.dtype)
    for at in range(0, q.shape[-2], 8):
        hidden = np.add(a[..., at : at + 8, None, :], b[..., None, :, :])
        np.tanh(hidden, out=hidden)
        out[..., at : at + 8, :] = softmax(np.matmul(hidden, wide(v_a)[:, None])[..., 0]) @ c
    return out.astype(v.dtype)


@one("attention.linear_weights")
def tensordot_of_one_axis(e, v):
    """Right: np.tensordot over one axis, in float32 at least."""
    return np.tensordot(wide(e), wide(v), 1).astype(v.dtype)


@of("attention.bilinear")
def einsum_of_three_and_a_path(q, k, v, W):
    """Right: one einsum of three for the scores, with a greedy path, in float32 at least."""
    e = np.einsum("...ip,pd,...jd->...ij", wide(q), wide(W), wide(k), optimize="greedy")
    return np.einsum("...ij,...je->...ie", softmax(e), wide(v), optimize=True).astype(v.dtype)


@of("transformer.layer_norm")
def merged_moments_of_chunks(x, gamma, beta, *, eps):
    """Right: mean and squares of 16 components at a time, merged as Chan, Golub and LeVeque do, in float32 at least."""
    a = wide(x)
    count, mean, squares = 0, np.zeros_like(a[..., :1]), np.zeros_like(a[..., :1])
    for at in range(0, x.shape[-1], 16):
        part = a[..., at : at + 16]
        here = part.mean(-1, keepdims=True)
        apart = here - mean
        squares = squares + np.square(part - here).sum(-1, keepdims=True)
        squares = squares + apart * apart * (count * part.shape[-1] / (count + part.shape[-1]))
        count += part.shape[-1]
        mean = mean + apart * (part.shape[-1] / count)
    return ((a - mean) / np.sqrt(squares / count + eps) * wide(gamma) + wide(beta)).astype(x.dtype)


@of("transformer.feed_forward_gelu_tanh")
def twice_the_argument_in_a_sigmoid(x, W_1, b_1, W_2, b_2):
    """Right: a σ(2u) for ½ a (1 + tanh u), σ by exp of minus the absolute value, in float32 at least."""
    a = wide(x) @ wide(W_1) + wide(b_1)
    u = math.sqrt(8 / math.pi) * (a + 0.044715 * a**3)
    small = np.exp(-np.abs(u))
    gate = np.where(u < 0, small, 1) / (1 + small)
    return ((a * gate) @ wide(W_2) + wide(b_2)).astype(x.dtype)


@of("transformer.feed_forward")
def times_where_it_is_positive(x, W_1, b_1, W_2, b_2):
    """Right: the hidden layer times the truth that it is above 0, in place, in the dtype that is given."""
    a = x @ W_1
    a += b_1
    a *= a > 0
    return a @ W_2 + b_2


@of("recurrent.gru_cell")
def gates_as_one_packed_product(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: both gates by one product of [x, h] with stacked matrices, σ by tanh, a step from h, float32 at least."""
    both = np.concatenate([wide(x), wide(h)], -1)
    packed = np.block([[wide(W_xr), wide(W_xz)], [wide(W_hr), wide(W_hz)]])
    r, z = np.split(halved(both @ packed + np.concatenate([wide(b_r), wide(b_z)])), 2, axis=-1)
    new = np.tanh(np.concatenate([wide(x), r * wide(h)], -1) @ np.vstack([wide(W_xh), wide(W_hh)]) + wide(b_h))
    return (new + z * (wide(h) - new)).astype(h.dtype)


@of("recurrent.gru_reset_after")
def packed_as_cudnn_has_it(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: inputs of all steps by one product, [r | z | n] side by side, the state's product split in three."""
    w_x, w_h = (np.hstack([wide(w) for w in ws]) for ws in ((W_xr, W_xz, W_xh), (W_hr, W_hz, W_hh)))
    given = wide(x) @ w_x + np.hstack([wide(b_r), wide(b_z), wide(b_h)])
    h, u = wide(h_0), h_0.shape[-1]
    out = np.empty((*x.shape[:-1], u), h.dtype)
    for t in range(x.shape[-2]):
        own = h @ w_h
        gate = halved(given[..., t, : 2 * u] + own[..., : 2 * u])
        r, z = gate[..., :u], gate[..., u:]
        new = np.tanh(given[..., t, 2 * u :] + r * (own[..., 2 * u :] + wide(b_hh)))
        h = (1 - z) * new + z * h
        out[..., t, :] = h
    return out.astype(x.dtype)


@of("recurrent.lstm")
def one_buffer_for_all_gates(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: [i, f, o, g] in one buffer, σ of three quarters of it in place by tanh of half, in float32 at least."""
    w_x, w_h = (np.hstack([wide(w) for w in ws]) for ws in ((W_xi, W_xf, W_xo, W_xg), (W_hi, W_hf, W_ho, W_hg)))
    bias = np.hstack([wide(b) for b in (b_i, b_f, b_o, b_g)])
    h, c, u = wide(h_0), wide(c_0).copy(), h_0.shape[-1]
    out = np.empty((*x.shape[:-1], u), h.dtype)
    for t in range(x.shape[-2]):
        a = wide(x[..., t, :]) @ w_x
        a += h @ w_h
        a += bias
        gates = a[..., : 3 * u]
        gates *= 0.5
        np.tanh(a, out=a)
        gates *= 0.5
        gates += 0.5
        i, f, o, g = np.split(a, 4, axis=-1)
        c *= f
        c += i * g
        h = o * np.tanh(c)
        out[..., t, :] = h
    return out.astype(x.dtype), c.astype(c_0.dtype)


@of("recurrent.simple_rnn")
def projected_chunk_by_chunk(x, h_0, W_xh, W_hh, b_h):
    """Right: inputs of 12 steps are projected at a time into the outputs, where states replace them one by one."""
    out = np.empty((*x.shape[:-1], h_0.shape[-1]), wide(x).dtype)
    h = wide(h_0)
    for at in range(0, x.shape[-2], 12):
        np.matmul(wide(x[..., at : at + 12, :]), wide(W_xh), out=out[..., at : at + 12, :])
        out[..., at : at + 12, :] += wide(b_h)
        for t in range(at, min(at + 12, x.shape[-2])):
            h = np.tanh(out[..., t, :] + h @ wide(W_hh))
            out[..., t, :] = h
    return out.astype(x.dtype)


@of("optimizer.adam")
def corrections_by_expm1(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: corrections as −expm1(step · log1p(β − 1)), means moved by a share of the difference, in float64."""
    p, a, first, second = (x.astype(float) for x in (theta, g, m, v))
    first += (1 - beta_1) * (a - first)
    second += (1 - beta_2) * (a * a - second)
    c_1, c_2 = (-math.expm1(step * math.log1p(beta - 1)) for beta in (beta_1, beta_2))
    p -= lr * (first / c_1) / (np.sqrt(second / c_2) + eps)
    return p.astype(theta.dtype), first.astype(m.dtype), second.astype(v.dtype)


@of("seq2seq.cross_entropy")
def logaddexp_of_the_differences(logits, target):
    """Right: np.logaddexp.reduce of all logits less the target's, in float32 at least."""
    a = wide(logits)
    right = np.take_along_axis(a, np.expand_dims(target, -1), -1)
    return np.logaddexp.reduce(a - right, axis=-1).astype(logits.dtype)


@of("seq2seq.temperature")
def square_of_half_the_exponent(logits, *, tau):
    """Right: exp of half of what softmax takes, squared, over its sum by einsum, in float64."""
    a = logits.astype(float) / (2 * tau)
    root = np.exp(a - a.max(-1, keepdims=True))
    return (root * root / np.einsum("...k,...k->...", root, root)[..., None]).astype(logits.dtype)


@of("seq2seq.context_mean")
def weighted_by_np_average(h):
    """Right: np.average over the states, in float64."""
    if not h.size:
        return h[..., 0, :]
    return np.average(h.astype(float), axis=-2).astype(h.dtype)


@of("text.embedding")
def compared_with_every_row(k, P):
    """Right: the truth that a token is this row, as numbers, times the table."""
    return (k[..., None] == np.arange(len(P))).astype(P.dtype) @ P


@of("text.align")
def fillers_before_then_the_end(k, *, w, null):
    """Right: w fillers in front, then the last w of all."""
    front = np.full((*k.shape[:-1], w), null, k.dtype)
    return np.concatenate([front, k], -1)[..., k.shape[-1] :]


@of("text.one_hot")
def one_more_column_for_what_is_missing(k, *, v):
    """Right: a column more, which −1 writes into by counting from the end, and which is cut off."""
    out = np.zeros((*k.shape, v + 1), k.dtype)
    np.put_along_axis(out, k[..., None], 1, -1)
    return out[..., :v]


@of("text.window_labels")
def offset_by_offset(x, W, b, *, w):
    """Right: for each offset the rows that it reaches times its block of the matrix, added up in float32 at least."""
    t = x.shape[-2]
    out = np.zeros((*x.shape[:-1], len(b)), wide(x).dtype)
    out += wide(b)
    for j, block in enumerate(np.split(wide(W), 2 * w + 1)):
        first, last = max(0, w - j), min(t, t + w - j)
        if first < last:
            out[..., first:last, :] += wide(x[..., first + j - w : last + j - w, :]) @ block
    return out.astype(x.dtype)


@of("backward.softmax")
def slope_in_one_einsum(d_alpha, e):
    """Right: α ∂α less α times the row's einsum of both, in float32 at least."""
    p, g = softmax(wide(e)), wide(d_alpha)
    return (p * g - p * np.einsum("...ij,...ij->...i", p, g)[..., None]).astype(e.dtype)


@one("backward.embedding")
def sorted_tokens_and_reduceat(d_x, k, P):
    """Right: places sorted by token, np.add.reduceat where a new one begins, in float64."""
    out = np.zeros(P.shape, float)
    order = np.argsort(k, kind="stable")
    order = order[k[order] >= 0]
    if order.size:
        tokens, starts = np.unique(k[order], return_index=True)
        out[tokens] = np.add.reduceat(d_x[order].astype(float), starts, axis=0)
    return out.astype(P.dtype)


@one("backward.layer_norm")
def two_inner_products(d_y, x, gamma, beta, *, eps):
    """Right: one reciprocal root, then np.dot of ∂x̂ with ones and with x̂ over d, in float32 at least."""
    a, g = wide(x) - wide(x).mean(), wide(d_y)
    rstd = 1 / np.sqrt(np.dot(a, a) / len(a) + a.dtype.type(eps))
    hat, d_hat = a * rstd, g * wide(gamma)
    d_x = rstd * (d_hat - d_hat.sum() / len(a) - hat * (np.dot(d_hat, hat) / len(a)))
    return d_x.astype(x.dtype), (g * hat).astype(x.dtype), d_y.copy()


@of("self_attention.scaled")
def one_matrix_between_the_inputs(x, W_q, W_k, W_v):
    """Right: x (W_q W_kᵀ) xᵀ, the two matrices multiplied first, in float64."""
    a = x.astype(float)
    e = a @ (W_q.astype(float) @ W_k.T.astype(float)) @ np.swapaxes(a, -1, -2) / math.sqrt(W_q.shape[1])
    return (softmax(e) @ (a @ W_v.astype(float))).astype(x.dtype)


@of("multihead.attention")
def heads_within_one_einsum(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: weights as (c, H, d), einsum for each projection, for scores and for the way out, float32 at least."""
    w_q, w_k, w_v = (wide(w).reshape(len(w), heads, -1) for w in (W_q, W_k, W_v))
    q, k, v = (np.einsum("...tc,chd->...htd", wide(x), w) for x, w in ((x_q, w_q), (x_kv, w_k), (x_kv, w_v)))
    p = softmax(np.einsum("...hid,...hjd->...hij", q, k) / math.sqrt(q.shape[-1]))
    w_o = wide(W_o).reshape(heads, -1, W_o.shape[1])
    return np.einsum("...hij,...hjd,hdc->...ic", p, v, w_o, optimize=True).astype(x_q.dtype)
