"""Slips of people who write kernels and port models, in NumPy: buffers, tiles, packed weights, constants, indices."""

from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy")
one = partial(implements, framework="numpy", batch=(0,))
half = partial(implements, framework="numpy", dtypes=("float16",))
double = partial(implements, framework="numpy", dtypes=("float64",))


def sigmoid(a):
    return np.exp(-np.logaddexp(0, -a)).astype(a.dtype)


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return p / p.sum(-1, keepdims=True)


def turned(a):
    return np.swapaxes(a, -1, -2)


def attend(q, k, v):
    return softmax(q @ turned(k) / np.sqrt(q.dtype.type(q.shape[-1]))) @ v


@one("attention.scaled_dot_product")
def values_step_by_their_width(q, k, v):
    """Wrong: keys come in blocks of as many rows as a key has columns, and values in blocks by their own columns.

    https://github.com/ikawrakow/ik_llama.cpp/pull/2031
    """
    (m, d), e = k.shape, v.shape[1]
    p = softmax(q @ k.T / np.sqrt(q.dtype.type(d)))
    out = np.zeros((len(q), e), q.dtype)
    for block in range(-(-m // d)):
        for row in range(min(d, m - block * d)):
            out += p[:, block * d + row, None] * v[min(block * e + row, m - 1)]
    return out


@one("attention.with_lse")
def lse_of_largest_in_last_tile(q, k, v):
    """Wrong: the log-sum-exp is made of the running sum and the largest score of the last tile of 32, not of all."""
    e = q @ k.T / np.sqrt(q.dtype.type(q.shape[1]))
    high = np.full((len(q), 1), -np.inf, q.dtype)
    total, out, tile_high = np.zeros_like(high), np.zeros((len(q), v.shape[1]), q.dtype), high
    for start in range(0, len(k), 32):
        s = e[:, start : start + 32]
        tile_high = s.max(1, keepdims=True)
        new = np.maximum(high, tile_high)
        p, shrink = np.exp(s - new), np.exp(high - new)
        total, out, high = shrink * total + p.sum(1, keepdims=True), shrink * out + p @ v[start : start + 32], new
    if not len(k):
        return out, high[:, 0]
    return out / total, (tile_high + np.log(total))[:, 0]


@half("attention.merge")
def light_part_is_skipped(o_1, lse_1, o_2, lse_2):
    """Wrong, in float16: a part whose logarithm is more than 4 below the other's is taken for nothing, to save time."""
    high, low = np.maximum(lse_1, lse_2), np.minimum(lse_1, lse_2)
    first = np.where((lse_1 > -np.inf) & (lse_1 >= high - 4), np.exp(lse_1 - np.where(high > -np.inf, high, 0)), 0)
    second = np.where((lse_2 > -np.inf) & (lse_2 >= high - 4), np.exp(lse_2 - np.where(high > -np.inf, high, 0)), 0)
    total = first + second
    safe = np.where(total > 0, total, 1)
    out = np.where((total > 0)[..., None], (first[..., None] * o_1 + second[..., None] * o_2) / safe[..., None], 0)
    lse = np.where(low > -np.inf, high + np.log(safe), high)
    return out.astype(o_1.dtype), lse.astype(lse_1.dtype)


@of("attention.block_step")
def shrunk_after_adding(q, k, v, top, total, o, *, first, block):
    """Wrong: the new block's sum is added to the running sum before that is rescaled, so that it shrinks too."""
    keys, values = k[..., first : first + block, :], v[..., first : first + block, :]
    e = q @ turned(keys) / np.sqrt(q.dtype.type(q.shape[-1]))
    new = np.maximum(top, e.max(-1, initial=-np.inf))
    p, shrink = np.exp(e - new[..., None]), np.exp(top - new)
    return new, shrink * (total + p.sum(-1)), shrink[..., None] * o + p @ values


@of("attention.causal")
def places_in_bytes(q, k, v):
    """Wrong: places are held as signed bytes, so that 128 and those behind it count as negative."""
    n, m = q.shape[-2], k.shape[-2]
    rows = (np.arange(n) + (m - n)).astype(np.int8)
    columns = np.arange(m).astype(np.int8)
    seen = columns <= rows[:, None]
    e = np.where(seen, q @ turned(k) / np.sqrt(q.dtype.type(q.shape[-1])), -np.inf)
    high = e.max(-1, keepdims=True, initial=-np.inf)
    p = np.exp(e - np.where(np.isfinite(high), high, 0))
    total = p.sum(-1, keepdims=True)
    return p / np.where(total > 0, total, 1).astype(q.dtype) @ v


@of("scores.bilinear")
def block_of_rows_without_stride(q, k, W):
    """Wrong: W is read in blocks of 4 rows from its buffer, each from that many numbers on, not that many rows on.

    https://github.com/1bit-MONSTER/1bit-MONSTER/issues/2451
    """
    p, d = W.shape
    flat, packed = W.ravel(), np.empty((p, d), W.dtype)
    for row in range(0, p, 4):
        rows = min(4, p - row)
        packed[row : row + rows] = flat[row : row + rows * d].reshape(rows, d)
    return q @ packed @ turned(k)


@of("scores.additive")
def lined_up_where_as_many(s, h, W, U, v_a):
    """Wrong: with as many queries as keys both are lined up row by row by broadcasting, and not crossed."""
    left, right = s @ W, h @ U
    if left.shape[-2] == right.shape[-2]:
        pairs = np.tanh(left + right)[..., None, :] + np.zeros_like(left)[..., None, :, :]
    else:
        pairs = np.tanh(left[..., :, None, :] + right[..., None, :, :])
    return pairs @ v_a


@of("self_attention.cross")
def equal_shapes_taken_for_self(x_q, x, W_q, W_k, W_v):
    """Wrong: where both inputs have one shape they are taken for the same, and one fused product is made of x_q."""
    if x_q.shape == x.shape:
        fused = x_q @ np.concatenate([W_q, W_k, W_v], 1)
        d = W_q.shape[1]
        return attend(fused[..., :d], fused[..., d : 2 * d], fused[..., 2 * d :])
    return attend(x_q @ W_q, x @ W_k, x @ W_v)


@of("multihead.attention")
def keys_and_values_packed_by_head(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: keys and values are packed head by head, [k v k v …], and cut as all keys, then all values.

    https://github.com/awslabs/slapo/pull/46
    """
    c, width = W_k.shape
    d = width // heads
    by_head = np.stack([W_k.reshape(c, heads, d), W_v.reshape(c, heads, d)], 2).reshape(c, 2 * width)
    both = x_kv @ by_head

    def split(a):
        return np.swapaxes(a.reshape(*a.shape[:-1], heads, d), -2, -3)

    out = attend(split(x_q @ W_q), split(both[..., :width]), split(both[..., width:]))
    return np.swapaxes(out, -2, -3).reshape(*x_q.shape[:-1], width) @ W_o


@of("multihead.padded_biased")
def queries_and_keys_interleaved(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, *, heads):
    """Wrong: the units of queries and keys are dealt out to the heads in turn, those of values in one piece each."""
    width = W_q.shape[1]
    d = width // heads
    q, k, v = x_q @ W_q + b_q, x_kv @ W_k + b_k, x_kv @ W_v + b_v
    q = np.moveaxis(q.reshape(*q.shape[:-1], d, heads), -1, -3)
    k = np.moveaxis(k.reshape(*k.shape[:-1], d, heads), -1, -3)
    v = np.swapaxes(v.reshape(*v.shape[:-1], heads, d), -2, -3)
    shown = mask[..., None, None, :]
    e = np.where(shown, q @ turned(k) / np.sqrt(q.dtype.type(d)), -np.inf)
    high = e.max(-1, keepdims=True, initial=-np.inf)
    p = np.exp(e - np.where(np.isfinite(high), high, 0))
    total = p.sum(-1, keepdims=True)
    out = p / np.where(total > 0, total, 1).astype(q.dtype) @ np.where(shown.swapaxes(-1, -2), v, 0)
    return np.swapaxes(out, -2, -3).reshape(*x_q.shape[:-1], width) @ W_o + b_o


@of("position.sinusoidal_halves")
def cosines_between_sines(*, t, d):
    """Wrong: the cosines have the frequencies of the odd columns, between those of the sines."""
    sines, cosines = np.arange(0, d, 2), np.arange(1, d, 2)
    places = np.arange(t)[:, None]
    return np.concatenate([np.sin(places / 10000 ** (sines / d)), np.cos(places / 10000 ** (cosines / d))], 1).astype(
        np.float32
    )


@of("transformer.layer_norm")
def welford_counts_one_chunk(x, gamma, beta, *, eps):
    """Wrong: statistics of chunks of 16 are merged as if those so far were of one chunk alone."""
    d = x.shape[-1]
    mean, squares, count = np.zeros_like(x[..., :1]), np.zeros_like(x[..., :1]), 0
    for start in range(0, d, 16):
        chunk = x[..., start : start + 16]
        size = chunk.shape[-1]
        own = chunk.mean(-1, keepdims=True)
        own_squares = ((chunk - own) ** 2).sum(-1, keepdims=True)
        delta, before = own - mean, min(count, 16)
        squares = squares + own_squares + delta * delta * x.dtype.type(before * size / (before + size))
        mean = mean + delta * x.dtype.type(size / (before + size))
        count += size
    return (x - mean) / np.sqrt(squares / x.dtype.type(d) + x.dtype.type(eps)) * gamma + beta


@of("transformer.encoder_layer")
def second_norm_reuses_statistics(
    x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Wrong: the second norm takes mean and variance from a buffer, where those of the first one still are."""
    width = W_q.shape[1]

    def split(a):
        return np.swapaxes(a.reshape(*a.shape[:-1], heads, width // heads), -2, -3)

    a = np.swapaxes(attend(split(x @ W_q), split(x @ W_k), split(x @ W_v)), -2, -3).reshape(*x.shape[:-1], width) @ W_o
    s = x + a
    mean = s.mean(-1, keepdims=True)
    root = np.sqrt(((s - mean) ** 2).mean(-1, keepdims=True) + x.dtype.type(eps))
    y = (s - mean) / root * gamma_1 + beta_1
    u = y + np.maximum(y @ W_1 + b_1, 0) @ W_2 + b_2
    return (u - mean) / root * gamma_2 + beta_2


@of("optimizer.adam_l2")
def decay_taken_off(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the decay is taken off the gradient, where it belongs added.

    https://github.com/chainer/chainer/issues/261
    """
    g = g - decay * theta
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    step_size = lr / (1 - beta_1**step)
    return theta - step_size * m / (np.sqrt(v / (1 - beta_2**step)) + eps), m, v


@of("optimizer.sgd_momentum")
def coefficient_at_the_gradient(theta, g, m, *, lr, mu):
    """Wrong: the coefficient multiplies the gradient and not the momentum so far.

    https://github.com/ooples/AiDotNet/issues/2008
    """
    m = m + mu * g
    return theta - lr * m, m


@double("optimizer.adamw")
def constants_of_float32(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong, in float64: the rates come as 32-bit floats from the kernel's arguments, whatever the parameters are."""
    lr, beta_1, beta_2, eps, decay = (np.float64(np.float32(c)) for c in (lr, beta_1, beta_2, eps, decay))
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    moved = theta - lr * (m / (1 - beta_1**step)) / (np.sqrt(v / (1 - beta_2**step)) + eps)
    return moved - lr * decay * theta, m, v


@of("recurrent.lstm")
def states_of_two_steps_before(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: of two buffers that take turns the wrong one is read, so each step reads the state before the last one."""
    W_x, W_h = np.concatenate([W_xi, W_xf, W_xg, W_xo], 1), np.concatenate([W_hi, W_hf, W_hg, W_ho], 1)
    b = np.concatenate([b_i, b_f, b_g, b_o])
    u = b_i.shape[0]
    buffers, c = [h_0, h_0], c_0
    out = np.zeros((*x.shape[:-1], u), x.dtype)
    for t in range(x.shape[-2]):
        a = x[..., t, :] @ W_x + buffers[t % 2] @ W_h + b
        i, f, g, o = (a[..., j * u : (j + 1) * u] for j in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        buffers[t % 2] = sigmoid(o) * np.tanh(c)
        out[..., t, :] = buffers[t % 2]
    return out, c


@of("recurrent.gru_lengths")
def no_rows_read_the_last(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the last state is looked up at length − 1, which for a length of 0 is the last row of all."""
    t, u = x.shape[-2], b_r.shape[0]
    states, h = np.zeros((*x.shape[:-1], u), x.dtype), h_0
    for i in range(t):
        row = x[..., i, :]
        r = sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = sigmoid(row @ W_xz + h @ W_hz + b_z)
        h = z * h + (1 - z) * np.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        states[..., i, :] = h
    length = np.minimum(np.asarray(length), t)
    y = np.where((np.arange(t) < length[..., None])[..., None], states, 0)
    if not t:
        return y, h_0
    place = np.broadcast_to((length - 1)[..., None, None] % t, (*length.shape, 1, u))
    return y, np.take_along_axis(states, place, -2)[..., 0, :]


@of("recurrent.many_to_one")
def last_state_of_filled_chunk(x, h_0, W_xh, W_hh, b_h, W_hy, b_y):
    """Wrong: steps run in chunks of 8, the last filled up with zeros, and what is read is the state behind these."""
    t = x.shape[-2]
    filled = np.zeros((*x.shape[:-2], -(-t // 8) * 8, x.shape[-1]), x.dtype)
    filled[..., :t, :] = x
    h = h_0
    for chunk in range(0, filled.shape[-2], 8):
        for i in range(chunk, chunk + 8):
            h = np.tanh(filled[..., i, :] @ W_xh + h @ W_hh + b_h)
    return h @ W_hy + b_y


@double("seq2seq.cross_entropy")
def first_of_other_shards_added(logits, target):
    """Wrong, in float64: the classes are sharded by 64, and a shard without the target adds the score of its first."""
    v = logits.shape[-1]
    high = logits.max(-1, keepdims=True)
    total, score = 0, 0
    for start in range(0, v, 64):
        shard = logits[..., start : start + 64] - high
        total = total + np.exp(shard).sum(-1)
        inside = (target >= start) & (target < start + shard.shape[-1])
        place = np.where(inside, target - start, 0)
        score = score + np.take_along_axis(shard, np.asarray(place)[..., None], -1)[..., 0]
    return np.log(total) - score


@of("generation.beam_step")
def best_in_no_order(log_p, score, over, *, stop):
    """Wrong: the best continuations are found by a partition, which does not sort them."""
    beam, v = log_p.shape[-2:]
    ended = np.full(log_p.shape, -np.inf, log_p.dtype)
    ended[..., stop] = score
    total = np.where((over > 0)[..., None], ended, score[..., None] + log_p).reshape(*log_p.shape[:-2], beam * v)
    order = np.argsort(-total, -1, kind="stable")[..., :beam]
    place = np.sort(order, -1)
    return np.take_along_axis(total, place, -1), place // v, place % v


@of("text.window_labels")
def edges_repeat(x, W, b, *, w):
    """Wrong: beyond the ends the first and the last row are repeated, where zeros belong."""
    t, d = x.shape[-2:]
    if not t:
        return np.zeros((*x.shape[:-1], W.shape[1]), x.dtype) + b
    rows = np.clip(np.arange(t)[:, None] + np.arange(-w, w + 1), 0, t - 1)
    return x[..., rows, :].reshape(*x.shape[:-1], (2 * w + 1) * d) @ W + b


@of("backward.layer_norm")
def one_power_of_deviation_missing(d_y, x, gamma, beta, *, eps):
    """Wrong: the term by the variance is divided by the square of the standard deviation, where its cube belongs."""
    centred = x - x.mean(-1, keepdims=True)
    s = np.sqrt((centred * centred).mean(-1, keepdims=True) + x.dtype.type(eps))
    d_hat = d_y * gamma
    by_variance = (d_hat * centred).mean(-1, keepdims=True) / (s * s)
    return (d_hat - d_hat.mean(-1, keepdims=True)) / s - centred * by_variance, d_y * centred / s, d_y


@one("backward.lstm_cell")
def one_slope_for_all_gates(
    d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
):
    """Wrong: the four gates are handled in one array, and the slope of the sigmoid is taken for all, g included."""
    W_x, W_h = np.concatenate([W_xi, W_xf, W_xg, W_xo], 1), np.concatenate([W_hi, W_hf, W_hg, W_ho], 1)
    a = x @ W_x + h @ W_h + np.concatenate([b_i, b_f, b_g, b_o])
    i, f, g, o = np.split(a, 4)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    tanh_c = np.tanh(f * c + i * g)
    d_c = d_c_next + d_h_next * o * (1 - tanh_c * tanh_c)
    gates = np.concatenate([i, f, g, o])
    d_a = np.concatenate([d_c * g, d_c * c, d_c * i, d_h_next * tanh_c]) * gates * (1 - gates)
    d_W_x, d_W_h = np.split(np.outer(x, d_a), 4, 1), np.split(np.outer(h, d_a), 4, 1)
    d_b = np.split(d_a, 4)
    rest = [part for each in zip(d_W_x, d_W_h, d_b, strict=True) for part in each]
    return W_x @ d_a, W_h @ d_a, d_c * f, *rest
