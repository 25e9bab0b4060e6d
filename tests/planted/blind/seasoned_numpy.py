"""Right, in NumPy: reduceat, cumulated sums, Kahan, strides, partitions, longer accumulators, bit tricks."""

import math
from functools import lru_cache, partial

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from attnspec import implements

of = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"))
one = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"), batch=(0,))


def wide(x):
    """In float32 at least."""
    return x.astype(np.result_type(x.dtype, np.float32))


def turned(a):
    return np.swapaxes(a, -1, -2)


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return p / p.sum(-1, keepdims=True)


def sigmoid(a):
    """Of the sign that does not overflow."""
    p = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, p) / (1 + p)


def kahan(terms):
    """A compensated sum along the last axis."""
    total = np.zeros(terms.shape[:-1], terms.dtype)
    lost = np.zeros_like(total)
    for j in range(terms.shape[-1]):
        y = terms[..., j] - lost
        new = total + y
        lost = (new - total) - y
        total = new
    return total


@of("attention.context_vector")
def compensated(alpha, h):
    """Right: each sum over the states is compensated as Kahan has it, in float32 at least."""
    a, b = wide(alpha), wide(h)
    return kahan(a[..., :, None, :] * turned(b)[..., None, :, :]).astype(h.dtype)


@one("attention.masked")
def rows_by_reduceat(q, k, v, mask):
    """Right: visible pairs by row, np.maximum.reduceat and np.add.reduceat over the rows that see something."""
    a, b, c = wide(q), wide(k), wide(v)
    out = np.zeros((len(q), v.shape[1]), a.dtype)
    i, j = np.nonzero(mask)
    if len(i):
        rows, start, count = np.unique(i, return_index=True, return_counts=True)
        e = np.einsum("pd,pd->p", a[i], b[j]) / a.dtype.type(math.sqrt(q.shape[1]))
        p = np.exp(e - np.repeat(np.maximum.reduceat(e, start), count))
        out[rows] = np.add.reduceat(p[:, None] * c[j], start, axis=0) / np.add.reduceat(p, start)[:, None]
    return out.astype(v.dtype)


@one("attention.causal")
def query_by_query_online(q, k, v):
    """Right: one key after the other, as a loop in C would have it; sums are rescaled where a larger score comes."""
    n, m = len(q), len(k)
    a, b, c = wide(q) * wide(q).dtype.type(q.shape[1] ** -0.5), wide(k), wide(v)
    out = np.zeros((n, v.shape[1]), c.dtype)
    for i in range(n):
        top, total, acc = -np.inf, c.dtype.type(0), np.zeros(v.shape[1], c.dtype)
        for j in range(min(m, i + m - n + 1)):
            e = a[i] @ b[j]
            if e > top:
                shrink = np.exp(c.dtype.type(top) - e)
                total, acc, top = total * shrink, acc * shrink, e
            p = np.exp(e - top)
            total, acc = total + p, acc + p * c[j]
        if total > 0:
            out[i] = acc / total
    return out.astype(v.dtype)


@of("attention.hard")
def by_partition(e, v):
    """Right: the first place that equals the largest score, by a cumulated or."""
    most = e == e.max(-1, keepdims=True, initial=-np.inf)
    first = most & ~(np.logical_or.accumulate(most, -1) & np.roll(np.logical_or.accumulate(most, -1), 1, -1))
    first[..., 0] = most[..., 0]
    rows = first.argmax(-1)
    return np.take_along_axis(v, rows[..., None], -2)


@of("attention.with_lse")
def by_frexp(q, k, v):
    """Right: sums of powers of two whose exponents are kept apart by ldexp, in float64."""
    a, b, c = (x.astype(np.float64) for x in (q, k, v))
    e = a @ turned(b) * (math.log2(math.e) / math.sqrt(q.shape[-1]))
    top = np.ceil(e.max(-1, keepdims=True, initial=-np.inf))
    if k.shape[-2] == 0:
        return np.zeros((*q.shape[:-1], v.shape[-1]), v.dtype), np.full(q.shape[:-1], -np.inf, q.dtype)
    p = np.exp2(e - top)
    total = p.sum(-1, keepdims=True)
    lse = (np.log2(total) + top)[..., 0] * math.log(2)
    return (p @ c / total).astype(v.dtype), lse.astype(q.dtype)


@of("attention.relu_weights")
def positive_part(e, v):
    """Right: half of a number and its absolute value, one einsum with optimize."""
    p = wide(e)
    p = (p + np.abs(p)) * p.dtype.type(0.5)
    return np.einsum("...nm,...md->...nd", p, wide(v), optimize=True).astype(v.dtype)


@of("scores.additive")
def pairs_as_rows(s, h, W, U, v_a):
    """Right: all pairs as rows of one matrix by np.repeat and np.tile, one product with the stacked weights."""
    n, m = s.shape[-2], h.shape[-2]
    rows = np.concatenate([np.repeat(wide(s), m, -2), np.tile(wide(h), (*[1] * (h.ndim - 2), n, 1))], -1)
    hidden = np.tanh(rows @ np.vstack([wide(W), wide(U)]))
    return (hidden @ wide(v_a)).reshape(*s.shape[:-1], m).astype(s.dtype)


@of("multihead.attention_biased")
def heads_as_blocks_of_a_matrix(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: head by head with slices of the weights, each one's share of the output added up in float32 at least."""
    a, b = wide(x_q), wide(x_kv)
    d = W_q.shape[1] // heads
    y = np.zeros((*x_q.shape[:-1], W_o.shape[1]), a.dtype) + wide(b_o)
    for h in range(heads):
        at = np.s_[h * d : (h + 1) * d]
        q, k, v = (x @ wide(W[:, at]) + wide(c[at]) for x, W, c in ((a, W_q, b_q), (b, W_k, b_k), (b, W_v, b_v)))
        y += softmax(q @ turned(k) / a.dtype.type(np.sqrt(d))) @ v @ wide(W_o[at])
    return y.astype(x_q.dtype)


@of("multihead.split")
def windows_without_overlap(x, *, heads):
    """Right: sliding windows of a head's width, every d-th of them, copied."""
    d = x.shape[-1] // heads
    return np.ascontiguousarray(np.moveaxis(sliding_window_view(x, d, axis=-1)[..., ::d, :], -2, -3))


@lru_cache(maxsize=64)
def waves(t, d):
    """A table that nobody may write to."""
    angle = np.arange(t)[:, None] * 10000.0 ** (-2 * (np.arange(d) // 2) / max(d, 1))
    table = np.where(np.arange(d) % 2 == 0, np.sin(angle), np.cos(angle))
    table.flags.writeable = False
    return table


@of("transformer.embed_scaled")
def table_is_cached(k, P):
    """Right: rows by take with a row of zeros behind, times √c, plus waves that lru_cache keeps by both sizes."""
    c = P.shape[1]
    rows = np.vstack([wide(P), np.zeros((1, c), np.float32)]).take(k, axis=0)
    return (rows * rows.dtype.type(math.sqrt(c)) + waves(k.shape[-1], c)).astype(P.dtype)


@of("position.learned")
def written_where_there_are_rows(a, P):
    """Right: np.add with out= into a new array, of a view of the table by strides."""
    rows, width = a.shape[-2:]
    table = as_strided(P, (rows, width), P.strides, writeable=False)
    return np.add(a, table, out=np.empty(a.shape, a.dtype))


@of("transformer.layer_norm")
def cumulated_moments(x, gamma, beta, *, eps):
    """Right: mean from the last of a cumulated sum in float64, variance from einsum of what is centred, in float64."""
    a = x.astype(np.float64)
    centred = a - np.cumsum(a, -1)[..., -1:] / x.shape[-1]
    spread = np.einsum("...d,...d->...", centred, centred)[..., None] / x.shape[-1]
    return (centred / np.sqrt(spread + eps) * gamma + beta).astype(x.dtype)


@of("transformer.feed_forward_gelu_tanh")
def gelu_by_exp(x, W_1, b_1, W_2, b_2):
    """Right: gelu by tanh as a / (1 + exp(−2u)), Horner's scheme for u, in float32 at least."""
    a = wide(x) @ wide(W_1) + wide(b_1)
    u = a * (a * a * a.dtype.type(0.044715 * 0.7978845608028654) + a.dtype.type(0.7978845608028654))
    with np.errstate(over="ignore"):
        y = a / (1 + np.exp(-2 * u))
    return (y @ wide(W_2) + wide(b_2)).astype(x.dtype)


@of("optimizer.adam")
def running_corrections(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: np.lexsort-free: moments by ufuncs with out=, the powers of the betas multiplied up in a loop."""
    slope, power_1, power_2 = wide(g), 1.0, 1.0
    for _ in range(step):
        power_1, power_2 = power_1 * beta_1, power_2 * beta_2
    first, second = wide(m).copy(), wide(v).copy()
    np.multiply(first, beta_1, out=first)
    np.add(first, (1 - beta_1) * slope, out=first)
    np.multiply(second, beta_2, out=second)
    np.add(second, (1 - beta_2) * np.square(slope), out=second)
    root = np.sqrt(second / (1 - power_2))
    root += eps
    a = wide(theta) - lr / (1 - power_1) * (first / root)
    return a.astype(theta.dtype), first.astype(m.dtype), second.astype(v.dtype)


@of("recurrent.gru_cell_reset_after")
def gates_from_one_buffer(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: two products into two buffers with out=, gates as views of them, in place throughout."""
    u, kind = h.shape[-1], x.dtype
    a, s = wide(x), wide(h)
    own, old = np.empty((*x.shape[:-1], 3 * u), a.dtype), np.empty((*x.shape[:-1], 3 * u), a.dtype)
    np.matmul(a, np.hstack([wide(W_xr), wide(W_xz), wide(W_xh)]), out=own)
    np.matmul(s, np.hstack([wide(W_hr), wide(W_hz), wide(W_hh)]), out=old)
    own += np.hstack([b_r, b_z, b_h]).astype(a.dtype)
    old[..., 2 * u :] += wide(b_hh)
    own[..., : 2 * u] += old[..., : 2 * u]
    own[..., : 2 * u] = sigmoid(own[..., : 2 * u])
    r, z, new = own[..., :u], own[..., u : 2 * u], own[..., 2 * u :]
    new += r * old[..., 2 * u :]
    np.tanh(new, out=new)
    return (new + z * (s - new)).astype(kind)


@one("recurrent.simple_rnn_lengths")
def runs_until_it_ends(x, length, h_0, W_xh, W_hh, b_h):
    """Right: only so many rows are read as count, np.pad fills the outputs up."""
    count = min(int(length), len(x))
    h, rows = wide(h_0), []
    for row in wide(x[:count]) @ wide(W_xh) + wide(b_h):
        h = np.tanh(row + h @ wide(W_hh))
        rows.append(h)
    y = np.array(rows, dtype=h.dtype).reshape(count, len(h_0))
    return np.pad(y, ((0, len(x) - count), (0, 0))).astype(x.dtype), h.astype(x.dtype)


@of("recurrent.bidirectional_feature")
def two_corners(h):
    """Right: reshaped to steps, directions and units; the corners are stacked."""
    both = h.reshape(*h.shape[:-1], 2, h.shape[-1] // 2)
    return np.concatenate([both[..., -1, 0, :], both[..., 0, 1, :]], -1)


@of("seq2seq.temperature_probs")
def by_log2(p, *, tau):
    """Right: 2 to the power of log2 p / τ less its largest, in float64."""
    with np.errstate(divide="ignore"):
        e = np.log2(p.astype(np.float64)) / tau
    q = np.exp2(e - e.max(-1, keepdims=True))
    return (q / q.sum(-1, keepdims=True)).astype(p.dtype)


@of("seq2seq.distillation_logits")
def divergence_and_entropy(logits_teacher, logits_student, *, tau):
    """Right: the student's log-sum-exp less the teacher's mean of its logits, in float64."""
    t, s = logits_teacher.astype(np.float64) / tau, logits_student.astype(np.float64) / tau
    top = s.max(-1, keepdims=True)
    lse = np.log(np.exp(s - top).sum(-1)) + top[..., 0]
    return (lse - (softmax(t) * s).sum(-1)).astype(logits_teacher.dtype)[()]


@of("seq2seq.output_maxout")
def larger_of_strides(s, y, c, U_o, V_o, C_o, W_o):
    """Right: one product of [s, y, c], np.maximum of its even and odd columns, softmax in float32 at least."""
    a = np.concatenate([wide(s), wide(y), wide(c)], -1) @ np.concatenate([wide(U_o), wide(V_o), wide(C_o)])
    return softmax(np.maximum(a[..., ::2], a[..., 1::2]) @ wide(W_o)).astype(s.dtype)


@of("seq2seq.until_stop")
def masked_behind_the_first(token, *, stop):
    """Right: how many stops came before, by cumulated counts less the place itself; 0 keeps the token."""
    met = (token == stop).astype(np.int64)
    before = np.cumsum(met, -1) - met
    return np.where(before > 0, token.dtype.type(stop), token)


@of("text.one_hot")
def by_comparison_of_bits(k, *, v):
    """Right: exclusive or with every place is 0 at one alone."""
    return ((k[..., None] ^ np.arange(v, dtype=k.dtype)) == 0).astype(k.dtype)


@of("text.segments")
def windows_by_as_strided(k, *, w, s):
    """Right: as_strided windows a step of s apart, of a contiguous copy, copied."""
    k = np.ascontiguousarray(k)
    count = max(0, -(-(k.shape[-1] - w) // s))
    shape, strides = (*k.shape[:-1], count, w), (*k.strides[:-1], s * k.strides[-1], k.strides[-1])
    if count == 0:
        return np.zeros(shape, k.dtype), np.zeros(shape[:-1], k.dtype)
    return as_strided(k, shape, strides).copy(), k[..., w::s][..., :count].copy()


@of("backward.cross_entropy")
def subtracted_at(d_loss, logits, target):
    """Right: softmax in float64, 1 taken off by put_along_axis, then scaled."""
    p = softmax(logits.astype(np.float64))
    at = target[..., None].astype(np.int64)
    np.put_along_axis(p, at, np.take_along_axis(p, at, -1) - 1, -1)
    return (p * d_loss[..., None]).astype(logits.dtype)


@one("backward.additive")
def by_two_reductions(d_e, s, h, W, U, v_a):
    """Right: 1 − tanh² as the reciprocal of cosh², which is clipped, sums over both axes of pairs, in float64."""
    s_, h_, W_, U_, v_, g = (a.astype(np.float64) for a in (s, h, W, U, v_a, d_e))
    a = (s_ @ W_)[:, None] + (h_ @ U_)[None]
    slope = g[..., None] * v_ / np.cosh(np.clip(a, -300, 300)) ** 2
    d_q, d_k = slope.sum(1), slope.sum(0)
    found = d_q @ W_.T, d_k @ U_.T, s_.T @ d_q, h_.T @ d_k, np.einsum("nm,nma->a", g, np.tanh(a))
    return tuple(a.astype(s.dtype) for a in found)


@one("backward.lstm_gates")
def slopes_from_outputs(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Right: slopes from the gates' values, one product with the four matrices side by side, in float32 at least."""
    kind = c.dtype
    args = (d_h_next, d_c_next, c, i, f, g, o, c_next)
    d_h_next, d_c_next, c, i, f, g, o, c_next = (wide(a) for a in args)
    y = np.tanh(c_next)
    cell = d_c_next + d_h_next * o * (1 - y) * (1 + y)
    slopes = [cell * g * i * (1 - i), cell * c * f * (1 - f), cell * i * (1 - g) * (1 + g), d_h_next * y * o * (1 - o)]
    d_h = np.hstack([wide(a) for a in (W_hi, W_hf, W_hg, W_ho)]) @ np.concatenate(slopes)
    return tuple(a.astype(kind) for a in (d_h, cell * f, *slopes))


@one("backward.masked")
def only_pairs_that_see(d_o, q, k, v, mask):
    """Right: pairs as a list, sums by np.add.at, in float64."""
    a, b, c, g = (x.astype(np.float64) for x in (q, k, v, d_o))
    scale = 1 / math.sqrt(q.shape[1])
    i, j = np.nonzero(mask)
    e = (a[i] * b[j]).sum(-1) * scale
    top, total = np.full(len(q), -np.inf), np.zeros(len(q))
    np.maximum.at(top, i, e)
    p = np.exp(e - top[i])
    np.add.at(total, i, p)
    p /= total[i]
    d_p = (g[i] * c[j]).sum(-1)
    mean = np.zeros(len(q))
    np.add.at(mean, i, p * d_p)
    d_e = p * (d_p - mean[i]) * scale
    d_q, d_k, d_v = np.zeros_like(a), np.zeros_like(b), np.zeros_like(c)
    np.add.at(d_q, i, d_e[:, None] * b[j])
    np.add.at(d_k, j, d_e[:, None] * a[i])
    np.add.at(d_v, j, p[:, None] * g[i])
    return d_q.astype(q.dtype), d_k.astype(k.dtype), d_v.astype(v.dtype)
