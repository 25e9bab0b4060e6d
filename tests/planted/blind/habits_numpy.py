"""Right, in NumPy, by further habits: scalar loops, compensated sums, broadcasting, log-space, returned views."""

import math
from functools import partial

import numpy as np
from scipy import special

from attnspec import implements

of = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"))
one = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"), batch=(0,))


def wide(x):
    return x.astype(np.float32) if x.dtype == np.float16 else x


def softmax(x, axis=-1):
    p = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return p / p.sum(axis=axis, keepdims=True)


@one("scores.scaled_dot")
def triple_loop(q, k):
    """Right: three loops over Python's floats."""
    e = np.empty((len(q), len(k)), q.dtype)
    for i in range(len(q)):
        for j in range(len(k)):
            total = 0.0
            for a in range(q.shape[1]):
                total += float(q[i, a]) * float(k[j, a])
            e[i, j] = total / math.sqrt(q.shape[1])
    return e


@one("scores.dot")
def fsum_of_products(q, k):
    """Right: math.fsum of the products, which are exact in Python's floats for narrow dtypes."""
    rows, keys = q.astype(float).tolist(), k.astype(float).tolist()
    e = [[math.fsum(map(float.__mul__, a, b)) for b in keys] for a in rows]
    return np.array(e, q.dtype).reshape(len(q), len(k))


@of("scores.dot")
def in_halves(q, k):
    """Right: a loop over the width that adds outer products in the dtype of the inputs, up to 32; then float32."""
    d = q.shape[-1]
    kind = q.dtype if d <= 32 else wide(q).dtype
    e = np.zeros((*q.shape[:-1], k.shape[-2]), kind)
    for a in range(d):
        e += q[..., :, None, a].astype(kind) * k[..., None, :, a].astype(kind)
    return e.astype(q.dtype)


@of("scores.bilinear")
def by_multi_dot(q, k, W):
    """Right: np.linalg.multi_dot chooses the order, one example at a time, in float32 at least."""
    out = np.empty((*q.shape[:-1], k.shape[-2]), q.dtype)
    for at in np.ndindex(q.shape[:-2]):
        out[at] = np.linalg.multi_dot([wide(q[at]), wide(W), wide(k[at]).T])
    return out


@of("scores.additive")
def by_ufunc_outer(s, h, W, U, v_a):
    """Right: np.add.outer along one hidden unit after the other, summed in float32 at least."""
    a, b = wide(s) @ wide(W), wide(h) @ wide(U)
    e = np.zeros((*a.shape[:-1], b.shape[-2]), a.dtype)
    for unit in range(v_a.shape[0]):
        e += np.tanh(a[..., :, None, unit] + b[..., None, :, unit]) * v_a[unit].astype(a.dtype)
    return e.astype(s.dtype)


@of("attention.scaled_dot_product")
def online_scalars(q, k, v):
    """Right: key by key, with a running maximum, sum and output, in float32 at least."""
    a, keys, values = wide(q), wide(k), wide(v)
    top = np.full(q.shape[:-1], -np.inf, a.dtype)
    total, acc = np.zeros_like(top), np.zeros((*q.shape[:-1], v.shape[-1]), a.dtype)
    for j in range(k.shape[-2]):
        e = (a * keys[..., j : j + 1, :]).sum(-1) / math.sqrt(q.shape[-1])
        new = np.maximum(top, e)
        old, p = np.exp(top - new), np.exp(e - new)
        total = total * old + p
        acc = acc * old[..., None] + p[..., None] * values[..., j : j + 1, :]
        top = new
    return (acc / total[..., None]).astype(q.dtype) if k.shape[-2] else acc.astype(q.dtype)


@of("attention.scaled_dot_product")
def turned_view(q, k, v):
    """Right: swapaxes of the output, which is a view by columns."""
    p = softmax(np.swapaxes(k @ np.swapaxes(q, -1, -2), -1, -2) * np.asarray(1 / math.sqrt(q.shape[-1]), q.dtype))
    return np.swapaxes(np.swapaxes(v, -1, -2) @ np.swapaxes(p, -1, -2), -1, -2)


@of("attention.weights")
def special_softmax_by_columns(e):
    """Right: softmax over the first axis of what is turned, turned back."""
    turned = np.moveaxis(wide(e), -1, 0)
    return np.moveaxis(special.softmax(turned, axis=0), 0, -1).astype(e.dtype)


@of("attention.context_vector")
def by_tensordot(alpha, h):
    """Right: tensordot where there is no batch, matmul where there is one."""
    if alpha.ndim == 2:
        return np.tensordot(wide(alpha), wide(h), axes=1).astype(h.dtype)
    return np.matmul(wide(alpha), wide(h)).astype(h.dtype)


@of("attention.masked")
def masked_by_where_argument(q, k, v, mask):
    """Right: the reductions' own where=, so that what is masked is never read."""
    e = wide(q) @ np.swapaxes(wide(k), -1, -2) / math.sqrt(q.shape[-1])
    top = np.max(e, -1, keepdims=True, where=mask, initial=-np.inf)
    p = np.zeros_like(e)
    np.exp(np.subtract(e, top, where=mask, out=p), where=mask, out=p)
    total = p.sum(-1, keepdims=True)
    seen = np.where(mask.any(-2)[..., None], v, 0)
    out = p @ wide(seen)
    return np.divide(out, total, out=np.zeros_like(out), where=total > 0).astype(q.dtype)


@of("attention.causal")
def by_tri(q, k, v):
    """Right: np.tri shows who is seen; exponentials are multiplied by it; blind rows are divided by 1."""
    n, m = q.shape[-2], k.shape[-2]
    seen = np.tri(n, m, m - n, dtype=bool)
    e = np.where(seen, wide(q) @ np.swapaxes(wide(k), -1, -2) / math.sqrt(q.shape[-1]), -np.inf)
    top = e.max(-1, keepdims=True, initial=np.finfo(e.dtype).min)
    p = np.exp(e - top)
    total = p.sum(-1, keepdims=True)
    return (p @ wide(v) / np.where(total == 0, 1, total)).astype(q.dtype)


@of("attention.linear_weights")
def by_einsum_in_float32(e, v):
    """Right: einsum with dtype= of float32 at least."""
    return np.einsum("...nm,...md->...nd", wide(e), wide(v)).astype(v.dtype)


@of("attention.soft")
def weights_by_reciprocals(q, x):
    """Right: p_j = 1 / Σ exp(e_i − e_j), which needs no maximum, row by row in float32 at least."""
    e = wide(q) @ np.swapaxes(wide(x), -1, -2)
    p = np.empty_like(e)
    with np.errstate(over="ignore"):
        for at in np.ndindex(e.shape[:-1]):
            p[at] = 1 / np.exp(e[at][None, :] - e[at][:, None]).sum(-1)
    return (p @ wide(x)).astype(x.dtype)


@of("attention.with_lse")
def by_logaddexp_reduce(q, k, v):
    """Right: logaddexp.reduce over the keys, weights as exp(e − lse), in float64."""
    e = q.astype(np.float64) @ np.swapaxes(k.astype(np.float64), -1, -2) / math.sqrt(q.shape[-1])
    lse = np.logaddexp.reduce(e, axis=-1)
    if not k.shape[-2]:
        return np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype), np.full(q.shape[:-1], -np.inf, q.dtype)
    return (np.exp(e - lse[..., None]) @ v.astype(np.float64)).astype(q.dtype), lse.astype(q.dtype)


@of("multihead.attention")
def heads_in_a_loop(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: np.split of the weights, one head after the other, concatenated, in float32 at least."""
    done = []
    parts = zip(*(np.split(wide(W), heads, axis=1) for W in (W_q, W_k, W_v)), strict=True)
    for a, b, c in parts:
        q, k = wide(x_q) @ a, wide(x_kv) @ b
        done.append(softmax(q @ np.swapaxes(k, -1, -2) / math.sqrt(a.shape[1])) @ (wide(x_kv) @ c))
    return (np.concatenate(done, -1) @ wide(W_o)).astype(x_q.dtype)


@of("transformer.layer_norm")
def kahan_mean(x, gamma, beta, *, eps):
    """Right: mean and variance by compensated sums, component by component, in float32 at least."""
    y = wide(x)

    def mean(z):
        total, lost = np.zeros(z.shape[:-1], z.dtype), np.zeros(z.shape[:-1], z.dtype)
        for a in range(z.shape[-1]):
            one = z[..., a] - lost
            new = total + one
            lost, total = (new - total) - one, new
        return (total / z.dtype.type(z.shape[-1]))[..., None]

    c = y - mean(y)
    return (c / np.sqrt(mean(c * c) + y.dtype.type(eps)) * wide(gamma) + wide(beta)).astype(x.dtype)


@of("transformer.layer_norm")
def by_np_var(x, gamma, beta, *, eps):
    """Right: np.mean and np.var in float64, rounded once."""
    mean, var = np.mean(x, -1, np.float64, keepdims=True), np.var(x, -1, np.float64, keepdims=True)
    return ((x - mean) / np.sqrt(var + eps) * gamma + beta).astype(x.dtype)


@of("transformer.feed_forward_gelu")
def by_ndtr(x, W_1, b_1, W_2, b_2):
    """Right: x Φ(x) with SciPy's ndtr, in float32 at least."""
    a = wide(x) @ wide(W_1) + wide(b_1)
    return ((a * special.ndtr(a)) @ wide(W_2) + wide(b_2)).astype(x.dtype)


@of("transformer.residual")
def by_add_out(x, f_x):
    """Right: np.add into an empty array of other order of memory."""
    return np.add(x, f_x, out=np.empty(x.shape, x.dtype, order="F"))


@of("transformer.linear")
def with_ones_appended(x, W, b):
    """Right: a column of ones behind x, the bias below W, in one product of float32 at least."""
    ones = np.ones((*x.shape[:-1], 1), x.dtype)
    return (wide(np.concatenate([x, ones], -1)) @ wide(np.vstack([W, b]))).astype(x.dtype)


@of("recurrent.lstm_cell")
def stacked_gates(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: weights stacked along a new axis, one einsum for all gates, sigmoid by expit."""
    W = wide(np.stack([W_xi, W_xf, W_xg, W_xo]))
    U = wide(np.stack([W_hi, W_hf, W_hg, W_ho]))
    a = np.einsum("...d,gdu->g...u", wide(x), W) + np.einsum("...v,gvu->g...u", wide(h), U)
    i, f, g, o = (part + wide(b) for part, b in zip(a, (b_i, b_f, b_g, b_o), strict=True))
    cell = special.expit(f) * wide(c) + special.expit(i) * np.tanh(g)
    return (special.expit(o) * np.tanh(cell)).astype(h.dtype), cell.astype(c.dtype)


@of("recurrent.simple_rnn_cell")
def tanh_by_exponentials(x, h, W_xh, W_hh, b_h):
    """Right: tanh as sign(a) (1 − e^(−2|a|)) / (1 + e^(−2|a|)), with expm1, in float32 at least."""
    a = wide(x) @ wide(W_xh) + wide(h) @ wide(W_hh) + wide(b_h)
    t = np.expm1(-2 * np.abs(a))
    return np.copysign(-t / (2 + t), a).astype(h.dtype)


@of("recurrent.many_to_many")
def states_first(x, h_0, W_xh, W_hh, b_h, W_hy, b_y):
    """Right: all states into one array, then one product for all outputs."""
    t = x.shape[-2]
    h = np.empty((*x.shape[:-1], h_0.shape[-1]), wide(x).dtype)
    state = wide(h_0)
    for i in range(t):
        state = np.tanh(
            np.concatenate([wide(x[..., i, :]), state], -1) @ wide(np.concatenate([W_xh, W_hh])) + wide(b_h)
        )
        h[..., i, :] = state
    return (h @ wide(W_hy) + wide(b_y)).astype(x.dtype)


@of("seq2seq.temperature")
def by_powers(logits, *, tau):
    """Right: softmax, then powers of 1/τ, in float64, normalised again."""
    p = special.log_softmax(logits.astype(np.float64), axis=-1) / tau
    return np.exp(p - special.logsumexp(p, axis=-1, keepdims=True)).astype(logits.dtype)


@of("seq2seq.sample")
def by_searching(p, uniform):
    """Right: cumulative sums that are counted where they do not exceed the number; the last word at most."""
    c = np.cumsum(p, -1, dtype=p.dtype)
    return np.minimum((c <= uniform[..., None]).sum(-1), p.shape[-1] - 1)


@of("seq2seq.cross_entropy_probs")
def by_kl_and_entropy(p, y):
    """Right: SciPy's rel_entr plus entr, in float64."""
    a, b = y.astype(np.float64), p.astype(np.float64)
    terms = np.where(a > 0, -special.xlogy(a, np.where(a > 0, b, 1)), 0)
    return terms.sum(-1).astype(p.dtype)


@of("optimizer.adam")
def in_one_line(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: moments moved by their share of the way, m + (1 − β₁)(g − m)."""
    kind = theta.dtype.type
    m = m + kind(1 - beta_1) * (g - m)
    v = v + kind(1 - beta_2) * (g * g - v)
    m_hat, v_hat = m / kind(1 - beta_1**step), v / kind(1 - beta_2**step)
    return theta - kind(lr) * m_hat / (np.sqrt(v_hat) + kind(eps)), m, v


@of("position.sinusoidal_halves")
def concatenated(*, t, d, dtype):
    """Right: an outer product of places and powers, sines beside cosines, rounded once."""
    h = (d + 1) // 2
    angle = np.outer(np.arange(t), 10000.0 ** (-2 * np.arange(h) / max(d, 1)))
    return np.concatenate([np.sin(angle), np.cos(angle[:, : d - h])], -1).astype(dtype)


@of("text.embedding")
def take_with_clip(k, P):
    """Right: np.take with mode="clip", then rows of missing tokens set to 0."""
    out = np.take(P, k, axis=0, mode="clip") if P.shape[0] else np.zeros((*k.shape, P.shape[1]), P.dtype)
    out[k < 0] = 0
    return out


@of("text.align")
def sliced(k, *, w, null):
    """Right: filled in front with np.full, then the last w."""
    t = k.shape[-1]
    return np.concatenate([np.full((*k.shape[:-1], w), null, k.dtype), k], -1)[..., t:]


@of("text.window_labels")
def window_view(x, W, b, *, w):
    """Right: sliding_window_view of padded rows, one product in float32 at least."""
    t, d = x.shape[-2:]
    if not x.size:
        return np.zeros((*x.shape[:-1], b.shape[0]), x.dtype)
    pad = [(0, 0)] * (x.ndim - 2) + [(w, w), (0, 0)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(wide(x), pad), 2 * w + 1, axis=-2)
    rows = np.swapaxes(windows, -1, -2).reshape(*x.shape[:-2], t, (2 * w + 1) * d)
    return (rows @ wide(W) + wide(b)).astype(x.dtype)


@of("backward.layer_norm")
def by_projection(d_y, x, gamma, beta, *, eps):
    """Right: the gradient less its parts along ones and along what is normalised, in float64."""
    y, g = x.astype(np.float64), d_y.astype(np.float64) * gamma
    c = y - y.mean(-1, keepdims=True)
    s = np.sqrt((c * c).mean(-1, keepdims=True) + eps)
    x_hat = c / s
    d_x = (g - g.mean(-1, keepdims=True) - x_hat * (g * x_hat).mean(-1, keepdims=True)) / s
    return d_x.astype(x.dtype), (d_y * x_hat).astype(x.dtype), d_y.copy()


@of("backward.embedding")
def by_bincount(d_x, k, P):
    """Right: a product of one-hot columns with the gradients, in float32 at least."""
    hot = (np.arange(P.shape[0])[:, None] == k[..., None, :]).astype(wide(d_x).dtype)
    return (hot @ wide(d_x)).astype(d_x.dtype)


@of("backward.lstm_gates")
def shared_factors(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Right: slopes of the gates first, in float32 at least; one product of all four with stacked weights."""
    kind = d_h_next.dtype
    d_h, d_c, c, i, f, g, o = map(wide, (d_h_next, d_c_next, c, i, f, g, o))
    y = np.tanh(wide(c_next))
    cell = d_c + d_h * o * (1 - y) * (1 + y)
    a = (cell * g * (i * (1 - i)), cell * c * (f * (1 - f)), cell * i * ((1 - g) * (1 + g)), d_h * y * (o * (1 - o)))
    back = np.concatenate(a, -1) @ wide(np.concatenate([W_hi, W_hf, W_hg, W_ho], 1)).T
    return tuple(x.astype(kind) for x in (back, cell * f, *a))


@of("backward.scaled_dot_product")
def row_by_row(d_o, q, k, v):
    """Right: a loop over the queries, the Jacobian never built, sums kept in float32 at least."""
    kind, (g, a, b, c) = q.dtype, map(wide, (d_o, q, k, v))
    s = a.dtype.type(1 / math.sqrt(q.shape[-1]))
    d_q, d_k, d_v = np.zeros_like(a), np.zeros_like(b), np.zeros_like(c)
    for i in range(q.shape[-2]):
        p = softmax((b @ a[..., i, :, None])[..., 0] * s)
        d_p = (c @ g[..., i, :, None])[..., 0]
        d_e = p * (d_p - (p * d_p).sum(-1, keepdims=True)) * s
        d_q[..., i, :] = (d_e[..., None, :] @ b)[..., 0, :]
        d_k += d_e[..., None] * a[..., i, None, :]
        d_v += p[..., None] * g[..., i, None, :]
    return d_q.astype(kind), d_k.astype(kind), d_v.astype(kind)
