"""Right, in NumPy: other orders of sums, other stable forms, loops, buffers, views, C and ONNX beneath."""

import ctypes
import math
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from scipy import special

from attnspec import implements

of = partial(implements, framework="numpy", dtypes=("float64", "float32"))
half = partial(implements, framework="numpy", dtypes=("float64", "float32", "float16"))
plain = partial(implements, framework="numpy")


@of("scores.dot")
def kahan_dot(q, k):
    """Right: the features are summed one by one, each sum with Kahan's compensation."""
    total = np.zeros((*q.shape[:-1], k.shape[-2]), q.dtype)
    lost = np.zeros_like(total)
    for d in range(q.shape[-1]):
        term = q[..., :, None, d] * k[..., None, :, d] - lost
        new = total + term
        lost = (new - total) - term
        total = new
    return total


@of("scores.scaled_dot")
def tree_dot(q, k):
    """Right: the products are summed in pairs, pairs of pairs and so on; the root is taken as a power."""
    parts = q[..., :, None, :] * k[..., None, :, :]
    while parts.shape[-1] > 1:
        if parts.shape[-1] % 2:
            parts = np.concatenate([parts, np.zeros_like(parts[..., :1])], -1)
        parts = parts[..., ::2] + parts[..., 1::2]
    total = parts.sum(-1)
    return total * q.dtype.type(q.shape[-1] ** -0.5) if q.shape[-1] else total


@of("scores.additive")
def additive_with_buffer(s, h, W, U, v_a):
    """Right: one query at a time; tanh is written into a buffer that every query uses again."""
    a, b = s @ W, h @ U
    e = np.empty((*s.shape[:-1], h.shape[-2]), s.dtype)
    hidden = np.empty_like(b)
    for i in range(s.shape[-2]):
        np.add(b, a[..., i : i + 1, :], out=hidden)
        np.tanh(hidden, out=hidden)
        e[..., i, :] = hidden @ v_a
    return e


@of("scores.bilinear")
def keys_first(q, k, W):
    """Right: one einsum, which takes the matrix and the keys first."""
    return np.einsum("...ip,pd,...jd->...ij", q, W, k, optimize=["einsum_path", (1, 2), (0, 1)])


@of("scores.linear")
def both_matrices_in_one(s, h, W_q, W_k):
    """Right: W_q W_kᵀ is multiplied first, in the dtype of the inputs."""
    return s @ (W_q @ W_k.T) @ np.swapaxes(h, -1, -2)


def tanh_by_expm1(x):
    a = np.expm1(-2 * np.abs(x))
    return np.copysign(-a / (2 + a), x)


@of("scores.nonlinear")
def tanh_of_expm1(s, h, W_q, W_k, b_q, b_k):
    """Right: tanh by expm1, with the sign put back."""
    return tanh_by_expm1(s @ W_q + b_q) @ np.swapaxes(tanh_by_expm1(h @ W_k + b_k), -1, -2)


@of("attention.weights")
def two_passes_over_keys(e):
    """Right: an online softmax, key by key, then a second pass that divides."""
    top = np.full(e.shape[:-1], -np.inf, e.dtype)
    total = np.zeros(e.shape[:-1], e.dtype)
    for j in range(e.shape[-1]):
        new = np.maximum(top, e[..., j])
        total = total * np.exp(top - new) + np.exp(e[..., j] - new)
        top = new
    return np.exp(e - top[..., None]) / total[..., None]


@of("attention.key_value")
def by_scipys_softmax(e, v):
    """Right: SciPy's softmax."""
    return special.softmax(e, -1) @ v if e.shape[-1] else e @ v


@of("attention.scaled_dot_product")
def tiles_of_both(q, k, v):
    """Right: FlashAttention in tiles of 8 queries and 16 keys; the tile is scaled, not the query."""
    n, m, scale = q.shape[-2], k.shape[-2], q.dtype.type(1 / math.sqrt(q.shape[-1]))
    out = np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    if not m:
        return out
    for i in range(0, n, 8):
        block = q[..., i : i + 8, :]
        top = np.full((*block.shape[:-1], 1), -np.inf, q.dtype)
        total, o = np.zeros_like(top), np.zeros((*block.shape[:-1], v.shape[-1]), q.dtype)
        for j in range(0, m, 16):
            e = (block @ np.swapaxes(k[..., j : j + 16, :], -1, -2)) * scale
            new = np.maximum(top, e.max(-1, keepdims=True))
            p, shrink = np.exp(e - new), np.exp(top - new)
            total = total * shrink + p.sum(-1, keepdims=True)
            o = o * shrink + p @ v[..., j : j + 16, :]
            top = new
        out[..., i : i + 8, :] = o / total
    return out


@of("attention.masked")
def minus_infinity_added(q, k, v, mask):
    """Right: a bias of 0 and −∞ is added; rows without keys are shifted by 0 and divided by 1."""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    e = e + np.where(mask, 0, -np.inf).astype(q.dtype)
    top = e.max(-1, keepdims=True, initial=-np.inf)
    p = np.exp(e - np.where(np.isinf(top), 0, top))
    total = p.sum(-1, keepdims=True)
    return (p / np.where(total == 0, 1, total)) @ v


@of("attention.padded")
def by_masked_arrays(q, k, v, mask):
    """Right: NumPy's masked arrays, which leave padding out of the maximum and of the sum."""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    if not e.size:
        return e @ v
    hidden = np.broadcast_to(~mask[..., None, :], e.shape)
    shown = np.ma.masked_array(e, hidden)
    p = np.ma.exp(shown - shown.max(-1, keepdims=True))
    return (p / p.sum(-1, keepdims=True)).filled(0) @ v


@of("attention.causal")
def exponentials_times_triangle(q, k, v):
    """Right: all exponentials are made, those of later keys are multiplied by 0; the maximum is of all visible keys."""
    n, m = q.shape[-2], k.shape[-2]
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    seen = np.tri(n, m, m - n, dtype=bool)
    top = np.max(e, -1, keepdims=True, initial=np.finfo(q.dtype).min, where=seen)
    p = np.exp(np.minimum(e - top, 0)) * seen
    total = p.sum(-1, keepdims=True)
    return np.divide(p, total, out=np.zeros_like(p), where=total > 0) @ v


@of("attention.with_lse")
def reduced_by_logaddexp(q, k, v):
    """Right: the logarithms are reduced by logaddexp, pair by pair; weights as exp(e − lse)."""
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    lse = np.logaddexp.reduce(e, axis=-1)
    return np.exp(e - lse[..., None]) @ v, lse


@of("attention.merge")
def interpolated(o_1, lse_1, o_2, lse_2):
    """Right: o_1 moved towards o_2 by the share of the second part, which is a sigmoid of the difference."""
    top = np.maximum(lse_1, lse_2)
    safe = np.where(np.isinf(top), 0, top)
    p_1, p_2 = np.exp(lse_1 - safe), np.exp(lse_2 - safe)
    total = p_1 + p_2
    none = total == 0
    share = (p_2 / np.where(none, 1, total))[..., None]
    o = np.where(none[..., None], 0, (1 - share) * o_1 + share * o_2)
    with np.errstate(divide="ignore"):
        return o, safe + np.log(total)


@half("attention.incremental")
def written_into_a_cache(q, k_new, v_new, K, V):
    """Right: a cache with room for one more row is allocated and filled; the attention is in float32 at least."""
    t = K.shape[-2]
    K_next = np.empty((*K.shape[:-2], t + 1, K.shape[-1]), K.dtype)
    V_next = np.empty((*V.shape[:-2], t + 1, V.shape[-1]), V.dtype)
    K_next[..., :t, :], V_next[..., :t, :] = K, V
    K_next[..., t, :], V_next[..., t, :] = k_new, v_new
    wide = np.promote_types(q.dtype, np.float32)
    e = np.einsum("...d,...jd->...j", q, K_next, dtype=wide) / math.sqrt(q.shape[-1])
    p = np.exp(e - e.max(-1, keepdims=True))
    o = np.einsum("...j,...je->...e", p / p.sum(-1, keepdims=True), V_next, dtype=wide)
    return o.astype(q.dtype), K_next, V_next


@half("attention.hard")
def taken_along(e, v):
    """Right: the value at the first largest score, by take_along_axis."""
    best = np.argmax(e, -1)[..., None]
    return np.take_along_axis(v, np.broadcast_to(best, (*best.shape[:-1], v.shape[-1])), -2)


@half("attention.context_vector")
def summed_in_double(alpha, h):
    """Right: products in float64, summed in float64, rounded once."""
    return np.einsum("...ij,...jd->...id", alpha, h, dtype=np.float64, casting="same_kind").astype(alpha.dtype)


@of("attention.relu_weights")
def clipped_in_place(e, v):
    """Right: a copy of the scores is clipped in place."""
    alpha = e.copy()
    np.maximum(alpha, 0, out=alpha)
    return np.matmul(alpha, v, out=np.empty((*alpha.shape[:-1], v.shape[-1]), v.dtype))


@half("attention.additive")
def additive_single_inside(q, k, v, W, U, v_a):
    """Right: float32 inside, whatever comes in."""
    wide = np.promote_types(q.dtype, np.float32)
    q, k, x, W, U, v_a = (y.astype(wide) for y in (q, k, v, W, U, v_a))
    e = np.tanh((q @ W)[..., :, None, :] + (k @ U)[..., None, :, :]) @ v_a
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf)) if e.shape[-1] else e
    return ((p / p.sum(-1, keepdims=True)) @ x if e.shape[-1] else e @ x).astype(v.dtype)


@of("attention.soft")
def powers_of_two(q, x):
    """Right: powers of 2, the scores times log2(e)."""
    e = q @ np.swapaxes(x, -1, -2) * q.dtype.type(math.log2(math.e))
    if not e.shape[-1]:
        return e @ x
    p = np.exp2(e - e.max(-1, keepdims=True))
    return p @ x / p.sum(-1, keepdims=True)


@of("attention.dot_product")
def in_long_double(q, k, v):
    """Right: everything in long double, rounded at the end."""
    e = np.einsum("...id,...jd->...ij", q.astype(np.longdouble), k.astype(np.longdouble))
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf)) if e.shape[-1] else e
    total = p.sum(-1, keepdims=True) if e.shape[-1] else 1
    return np.einsum("...ij,...je->...ie", p / total, v.astype(np.longdouble)).astype(q.dtype)


def sigmoid_by_tanh(x):
    return (np.tanh(x / 2) + 1) / 2


@of("attention_rnn.bahdanau_step")
def gates_in_one_product(y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Right: [y, s, c] times stacked weights for both gates; sigmoid by tanh; the state is interpolated."""
    u = s.shape[-1]
    e = np.tanh((s @ W_a)[..., None, :] + h @ U_a) @ v_a
    alpha = special.softmax(e, -1) if e.shape[-1] else e
    c = (alpha[..., None, :] @ h)[..., 0, :]
    W = np.block([[W_xr, W_xz], [W_hr, W_hz], [C_r, C_z]])
    g = sigmoid_by_tanh(np.concatenate([y, s, c], -1) @ W + np.concatenate([b_r, b_z]))
    r, z = g[..., :u], g[..., u:]
    new = np.tanh(np.concatenate([y, r * s, c], -1) @ np.concatenate([W_xh, W_hh, C_h]) + b_h)
    return s + z * (new - s), c, alpha


@of("attention_rnn.attentive_step")
def query_through_the_keys_matrix(x, s, c, h, A, b, W_q, W_k):
    """Right: the query goes through W_kᵀ and meets the states, of which no keys are made."""
    s_next = np.tanh(np.concatenate([x, s, c], -1) @ A + b)
    e = np.einsum("...mu,...u->...m", h, (s_next @ W_q) @ W_k.T)
    alpha = special.softmax(e, -1) if e.shape[-1] else e
    return s_next, np.einsum("...m,...mu->...u", alpha, h)


@of("attention_rnn.luong_step")
def tanh_by_sigmoid(y, s, c, h_tilde, h, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_a, W_c):
    """Right: sigmoids by SciPy; in the last layer the two halves of W_c are multiplied apart."""
    x = np.concatenate([y, h_tilde], -1)
    i, f, o = (
        special.expit(x @ a + s @ b + d) for a, b, d in ((W_xi, W_hi, b_i), (W_xf, W_hf, b_f), (W_xo, W_ho, b_o))
    )
    c_next = f * c + i * np.tanh(x @ W_xg + s @ W_hg + b_g)
    s_next = o * np.tanh(c_next)
    e = (h @ (s_next @ W_a)[..., None])[..., 0]
    alpha = special.softmax(e, -1) if e.shape[-1] else e
    context = (alpha[..., None, :] @ h)[..., 0, :]
    k = h.shape[-1]
    return s_next, c_next, np.tanh(context @ W_c[:k] + s_next @ W_c[k:])


@half("recurrent.simple_rnn")
def inputs_projected_first(x, h_0, W_xh, W_hh, b_h):
    """Right: all inputs are projected first, and each state is written over its projection."""
    wide = np.promote_types(x.dtype, np.float32)
    out = x.astype(wide) @ W_xh.astype(wide) + b_h.astype(wide)
    h, W = h_0.astype(wide), W_hh.astype(wide)
    for t in range(x.shape[-2]):
        out[..., t, :] += h @ W
        h = np.tanh(out[..., t, :])
        out[..., t, :] = h
    return out.astype(x.dtype)


@of("recurrent.gru")
def three_gates_packed(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: inputs times packed weights for all steps at once; the old state plus (1 − z) of the way."""
    u = h_0.shape[-1]
    a = x @ np.concatenate([W_xr, W_xz, W_xh], 1) + np.concatenate([b_r, b_z, b_h])
    W, h, states = np.concatenate([W_hr, W_hz], 1), h_0, np.empty((*x.shape[:-1], u), x.dtype)
    for t in range(x.shape[-2]):
        g = special.expit(a[..., t, : 2 * u] + h @ W)
        new = np.tanh(a[..., t, 2 * u :] + (g[..., :u] * h) @ W_hh)
        h = h + (1 - g[..., u:]) * (new - h)
        states[..., t, :] = h
    return states


@of("recurrent.gru_lengths")
def only_while_they_run(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: at each step only the rows that still run are computed, by an index of them."""
    lead = length.shape
    rows = math.prod(lead)
    X, n = x.reshape(rows, *x.shape[-2:]), np.asarray(length).reshape(rows)
    h = h_0.reshape(rows, h_0.shape[-1]).copy()
    out = np.zeros((*X.shape[:-1], h.shape[-1]), x.dtype)
    for t in range(X.shape[1]):
        at = np.flatnonzero(n > t)
        a, b = X[at, t], h[at]
        r = special.expit(a @ W_xr + b @ W_hr + b_r)
        z = special.expit(a @ W_xz + b @ W_hz + b_z)
        h[at] = out[at, t] = z * b + (1 - z) * np.tanh(a @ W_xh + (r * b) @ W_hh + b_h)
    return out.reshape(*lead, *out.shape[1:]), h.reshape(*lead, h.shape[-1])


@of("seq2seq.output_maxout")
def even_and_odd(s, y, c, U_o, V_o, C_o, W_o):
    """Right: the even and the odd columns as strided views; one product of stacked weights."""
    t = np.concatenate([s, y, c], -1) @ np.concatenate([U_o, V_o, C_o])
    logits = np.maximum(t[..., ::2], t[..., 1::2]) @ W_o
    return special.softmax(logits, -1) if logits.shape[-1] else logits


@of("seq2seq.temperature_probs")
def powers_in_logarithms(p, *, tau):
    """Right: the softmax of log(p) / τ; a probability of 0 stays 0."""
    with np.errstate(divide="ignore"):
        e = np.log(p) / p.dtype.type(tau)
    e = np.exp(e - e.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@half("seq2seq.context_mean")
def running_mean(h):
    """Right: a running mean: each state moves it by 1/j of the difference; in float32 at least."""
    wide = np.promote_types(h.dtype, np.float32)
    mean = np.zeros((*h.shape[:-2], h.shape[-1]), wide)
    for j in range(h.shape[-2]):
        mean += (h[..., j, :].astype(wide) - mean) / wide.type(j + 1)
    return mean.astype(h.dtype)


@of("seq2seq.cross_entropy_probs")
def by_xlogy(p, y):
    """Right: SciPy's xlogy, which is 0 where y is 0."""
    return -special.xlogy(y, p).sum(-1)


@of("seq2seq.until_stop")
def held_by_accumulation(token, *, stop):
    """Right: whether `stop` was met is accumulated, and from then on it is written."""
    met = np.logical_or.accumulate(token == stop, axis=-1) if token.shape[-1] else token == stop
    return np.where(met, stop, token)


@of("seq2seq.perplexity")
def power_of_the_mean(logits, target, valid):
    """Right: logaddexp reduced along the vocabulary; the mean is a product with weights of 1 / count."""
    lse = np.logaddexp.reduce(logits, axis=-1)
    loss = lse - np.take_along_axis(logits, target[..., None], -1)[..., 0]
    count = valid.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (loss * valid).sum(-1) / count.astype(logits.dtype)
    return np.exp(mean)


@of("generation.beam_step")
def by_lexsort(log_p, score, over, *, stop):
    """Right: all continuations sorted by falling total, then by their place."""
    beam, v = log_p.shape[-2:]
    frozen = np.where(np.arange(v) == stop, score[..., None], -np.inf)
    total = np.where((over > 0)[..., None], frozen, score[..., None] + log_p).astype(log_p.dtype)
    flat = total.reshape(*total.shape[:-2], beam * v)
    place = np.broadcast_to(np.arange(beam * v), flat.shape)
    first = np.lexsort((place, -flat), axis=-1)[..., :beam]
    return np.take_along_axis(flat, first, -1), first // v, first % v


@of("multihead.split")
def as_a_strided_view(x, *, heads):
    """Right: a view of a copy with the strides of the heads, which nobody else holds."""
    x = np.ascontiguousarray(x).copy()
    t, d = x.shape[-2], x.shape[-1] // heads
    row, one = x.strides[-2:]
    return as_strided(x, (*x.shape[:-2], heads, t, d), (*x.strides[:-2], d * one, row, one))


@of("multihead.queries")
def end_to_end(q, k, v):
    """Right: the outputs are written side by side into one row."""
    out = np.zeros((*q.shape[:-2], q.shape[-2] * v.shape[-1]), q.dtype)
    for i in range(q.shape[-2]):
        e = (k @ q[..., i, :, None])[..., 0] / np.sqrt(q.dtype.type(q.shape[-1]))
        if e.shape[-1]:
            out[..., i * v.shape[-1] : (i + 1) * v.shape[-1]] = np.einsum("...j,...je->...e", special.softmax(e, -1), v)
    return out


@of("self_attention.columns")
def columns_by_einsum(x, W_q, W_k, W_v):
    """Right: einsum in columns, softmax over the axis of the keys, which comes first."""
    q, k, v = (np.einsum("dc,...ct->...dt", W, x) for W in (W_q, W_k, W_v))
    e = np.einsum("...dj,...di->...ji", k, q)
    alpha = special.softmax(e, -2) if e.shape[-1] else e
    return np.einsum("...ej,...ji->...ei", v, alpha)


@of("self_attention.additive")
def blocks_of_queries(x, W_q, W_k, W_v, v_a):
    """Right: blocks of 16 queries, so that the hidden layer of all pairs is never held."""
    a, b, v = x @ W_q, x @ W_k, x @ W_v
    out = np.empty(v.shape, v.dtype)
    for i in range(0, x.shape[-2], 16):
        e = np.tanh(a[..., i : i + 16, None, :] + b[..., None, :, :]) @ v_a
        out[..., i : i + 16, :] = special.softmax(e, -1) @ v
    return out


@half("transformer.layer_norm")
def merged_by_chan(x, gamma, beta, *, eps):
    """Right: mean and squares of blocks of 8, merged by Chan's formula, in float32 at least."""
    wide = np.promote_types(x.dtype, np.float32)
    y = x.astype(wide)
    count, mean = 0, np.zeros((*y.shape[:-1], 1), wide)
    squares = np.zeros_like(mean)
    for i in range(0, y.shape[-1], 8):
        part = y[..., i : i + 8]
        n, m = part.shape[-1], part.mean(-1, keepdims=True)
        delta = m - mean
        squares = (
            squares + ((part - m) ** 2).sum(-1, keepdims=True) + delta * delta * wide.type(count * n / (count + n))
        )
        mean = mean + delta * wide.type(n / (count + n))
        count += n
    scale = 1 / np.sqrt(squares / wide.type(max(count, 1)) + wide.type(eps))
    return ((y - mean) * scale * gamma.astype(wide) + beta.astype(wide)).astype(x.dtype)


@of("transformer.feed_forward_gelu")
def gelu_by_erfc(x, W_1, b_1, W_2, b_2):
    """Right: gelu by erfc of the negative, which does not cancel."""
    a = x @ W_1 + b_1
    return (a * special.erfc(-a * a.dtype.type(math.sqrt(0.5))) / 2) @ W_2 + b_2


@of("transformer.next_token")
def in_one_buffer(y, W, b):
    """Right: product, bias, maximum, exponential and division, all in one buffer."""
    p = np.matmul(y, W)
    p += b
    p -= p.max(-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(-1, keepdims=True)
    return p


@half("transformer.embed_scaled")
def table_in_double(k, P):
    """Right: positions by exp of logarithms, in float64, kept by their size and added to a copy."""
    t, c = k.shape[-1], P.shape[-1]
    if (t, c) not in _tables:
        j = np.arange(c)
        angle = np.arange(t)[:, None] * np.exp(-math.log(10000.0) * (j - j % 2) / c)
        _tables[t, c] = np.where(j % 2, np.cos(angle), np.sin(angle))
    return (math.sqrt(c) * P.astype(np.float64)[k] + _tables[t, c]).astype(P.dtype)


_tables = {}


@half("position.sinusoidal")
def stacked_pairs(*, t, d, dtype):
    """Right: sines and cosines stacked along a new axis and flattened; an odd width drops the last cosine."""
    angle = np.outer(np.arange(t), 10000.0 ** (-np.arange(0, d, 2) / max(d, 1)))
    return np.stack([np.sin(angle), np.cos(angle)], -1).reshape(t, 2 * angle.shape[1])[:, :d].astype(dtype)


@half("optimizer.adam")
def adam_in_double(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: in float64, the corrections by expm1 and log, results rounded once."""
    a, b, c, d = (np.asarray(y, np.float64) for y in (theta, g, m, v))
    c, d = c + (1 - beta_1) * (b - c), d + (1 - beta_2) * (b * b - d)
    fix_1, fix_2 = -math.expm1(step * math.log(beta_1)), -math.expm1(step * math.log(beta_2))
    a = a - (lr / fix_1) * c / (np.sqrt(d / fix_2) + eps)
    return tuple(y.astype(theta.dtype) for y in (a, c, d))


@half("text.one_hot")
def rows_of_the_identity(k, *, v):
    """Right: rows of an identity with one more row and column, so that −1 is the last row; the last column is cut."""
    return np.eye(v + 1, dtype=np.int64)[k][..., :v]


@half("text.align")
def padded_by_numpy(k, *, w, null):
    """Right: np.pad in front, then the last w."""
    t = k.shape[-1]
    wide = np.pad(k, [(0, 0)] * (k.ndim - 1) + [(max(w - t, 0), 0)], constant_values=null)
    return wide[..., wide.shape[-1] - w :].copy()


@half("text.segments")
def windows_of_views(k, *, w, s):
    """Right: sliding windows of w + 1 tokens, of which the last is the label."""
    if k.shape[-1] <= w:
        return np.zeros((*k.shape[:-1], 0, w), k.dtype), np.zeros((*k.shape[:-1], 0), k.dtype)
    windows = sliding_window_view(k, w + 1, axis=-1)[..., ::s, :].copy()
    return windows[..., :w], windows[..., w]


@of("text.logistic_regression")
def odds(X, w, b):
    """Right: tensordot over both axes; the sigmoid by its two stable halves."""
    a = np.tensordot(X, w.reshape(X.shape[-2:]), 2) + b
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, e) / (1 + e)


@plain("text.vocabulary")
def by_most_common(texts, *, v):
    """Right: Counter.most_common keeps the order of first sight among equals."""
    from collections import Counter

    counted = Counter()
    for words in texts:
        counted.update(words)
    return {word: 1 + i for i, (word, _) in enumerate(counted.most_common(max(v - 1, 0)))}


@plain("text.encode")
def by_setdefault(tokens, vocabulary):
    """Right: a generator over the words, unknown ones are −1."""
    return tuple(vocabulary.get(word, -1) for word in tokens)


@plain("cost.gru_parameters")
def weighed(*, d, u):
    """Right: arrays of these shapes are made of one byte that is repeated, and their sizes added."""
    shapes = [(d, u), (u, u), (u,)] * 3
    return sum(np.broadcast_to(np.int8(0), shape).size for shape in shapes)


@plain("cost.multihead_operations")
def summed_by_product(*, n, m, c, d, heads):
    """Right: a multiplication and an addition for each term of each product, product by product."""
    wide = heads * d
    products = [(n, c, wide), (m, c, wide), (m, c, wide), (n, wide, c)] + [(n, d, m), (n, m, d)] * heads
    return 2 * sum(a * b * z for a, b, z in products)


@of("backward.embedding")
def added_at(d_x, k, P):
    """Right: np.add.at, missing tokens left out; one example at a time."""
    d_P = np.zeros((*d_x.shape[:-2], *P.shape[-2:]), d_x.dtype)
    for at in np.ndindex(*d_x.shape[:-2]):
        seen = k[at] >= 0
        np.add.at(d_P[at], k[at][seen], d_x[at][seen])
    return d_P


@of("backward.softmax")
def by_the_jacobian(d_alpha, e):
    """Right: the gradient less its weighted mean, by einsum, in place."""
    alpha = special.softmax(e, -1) if e.shape[-1] else e
    d_e = d_alpha - np.einsum("...ij,...ij->...i", alpha, d_alpha)[..., None]
    d_e *= alpha
    return d_e


@of("backward.gru_gates")
def shared_products(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh):
    """Right: products that several lines need are made once; matrices from the left as einsum."""
    keep = 1 - z
    d_a_h = d_h_next * (keep - keep * h_tilde**2)
    d_rh = np.einsum("ku,...u->...k", W_hh, d_a_h)
    d_a_r = d_rh * (h * (r - r * r))
    d_a_z = d_h_next * (h - h_tilde) * (z - z * z)
    return d_h_next * z + d_rh * r + d_a_r @ W_hr.T + d_a_z @ W_hz.T, d_a_r, d_a_z, d_a_h


C_SOURCE = r"""
#include <math.h>
#include <string.h>
void attention(const float *q, const float *k, const float *v, float *o, long n, long m, long d, long e) {
    float scale = 1.0f / sqrtf((float)d);
    for (long i = 0; i < n; i++) {
        float top = -INFINITY; double total = 0; double sums[e > 0 ? e : 1];
        memset(sums, 0, sizeof sums);
        for (long j = 0; j < m; j++) {
            double s = 0;
            for (long x = 0; x < d; x++) s += (double)q[i * d + x] * k[j * d + x];
            float score = (float)s * scale;
            if (score > top) {
                double shrink = exp((double)top - score);
                total *= shrink;
                for (long x = 0; x < e; x++) sums[x] *= shrink;
                top = score;
            }
            double p = exp((double)score - top);
            total += p;
            for (long x = 0; x < e; x++) sums[x] += p * v[j * e + x];
        }
        for (long x = 0; x < e; x++) o[i * e + x] = m ? (float)(sums[x] / total) : 0;
    }
}
"""
_library = []


def compiled():
    if not _library:
        folder = Path(tempfile.mkdtemp())
        (folder / "a.c").write_text(C_SOURCE)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "a.c", "-lm", "-o", "a.so"], cwd=folder, check=True)
        _library.append(ctypes.CDLL(str(folder / "a.so")).attention)
    return _library[0]


@plain("attention.scaled_dot_product")
def in_c(q, k, v):
    """Right: a loop in C over contiguous copies, one example after the other; the score is rounded to float32."""
    lead = q.shape[:-2]
    out = np.empty((*q.shape[:-1], v.shape[-1]), np.float32)
    for at in np.ndindex(*lead):
        a, b, c = (np.ascontiguousarray(y[at]) for y in (q, k, v))
        o = np.empty(out[at].shape, np.float32)
        pointers = [y.ctypes.data_as(ctypes.c_void_p) for y in (a, b, c, o)]
        compiled()(*pointers, *map(ctypes.c_long, (a.shape[0], b.shape[0], a.shape[1], c.shape[1])))
        out[at] = o
    return out


_sessions = []


def session():
    if not _sessions:
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper

        nodes = [
            helper.make_node("MatMul", ["x", "W"], ["a"]),
            helper.make_node("Add", ["a", "b"], ["e"]),
            helper.make_node("LogSoftmax", ["e"], ["l"], axis=-1),
            helper.make_node("Exp", ["l"], ["p"]),
        ]
        given = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
            for n, s in (("x", ["t", "k"]), ("W", ["k", "v"]), ("b", ["v"]))
        ]
        out = [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["t", "v"])]
        graph = helper.make_graph(nodes, "readout", given, out)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        onnx.checker.check_model(model)
        _sessions.append(onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]))
    return _sessions[0]


@plain("attention.layer_readout")
def by_onnx(c, W, b):
    """Right: an ONNX model of MatMul, Add, LogSoftmax and Exp; all rows of a batch as one axis."""
    rows = np.ascontiguousarray(c.reshape(math.prod(c.shape[:-1]), c.shape[-1]))
    [p] = session().run(None, {"x": rows, "W": np.ascontiguousarray(W), "b": np.ascontiguousarray(b)})
    return p.reshape(*c.shape[:-1], -1) if p.size else np.zeros((*c.shape[:-1], W.shape[-1]), np.float32)
