"""Wrong, in NumPy, as engineers got them wrong: indices, clipped values, views, whole numbers of few bits."""

from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy")


def sigmoid(a):
    """Without overflow on either side."""
    e = np.exp(-np.abs(a))
    return np.where(a < 0, e, 1).astype(a.dtype) / (1 + e)


@of("optimizer.adam_l2")
def decay_in_the_first_moment_alone(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: squares are taken of the gradient without its decay."""
    m = beta_1 * m + (1 - beta_1) * (g + decay * theta)
    v = beta_2 * v + (1 - beta_2) * np.square(g)
    step_size = lr / (1 - beta_1**step)
    return theta - step_size * m / (np.sqrt(v / (1 - beta_2**step)) + eps), m, v


@of("seq2seq.sample")
def first_word_where_none_is_reached(p, uniform):
    """Wrong: where rounding keeps the whole sum at or below the number, argmax over none gives the first word."""
    return np.argmax(np.cumsum(p, -1) > uniform[..., None], -1)


@of("text.segments")
def labels_where_the_next_piece_begins(k, *, w, s):
    """Wrong: the token after a piece is taken from where the next piece begins, which is right for w = s alone."""
    n = max(-(-(k.shape[-1] - w) // s), 0)
    starts = np.arange(n) * s
    pieces = k[..., starts[:, None] + np.arange(w)]
    return pieces, k[..., np.minimum(starts + s, k.shape[-1] - 1)] if n else k[..., :0]


@of("cost.embedding_parameters")
def counted_in_32_bits(*, v, d):
    """Wrong: the count is a product of whole numbers of 32 bits."""
    with np.errstate(over="ignore"):
        return int(np.multiply(v, d, dtype=np.int32))


@of("generation.lstm_beam_step")
def cells_stay_behind(
    tokens,
    length,
    score,
    s,
    c,
    E,
    W_xi,
    W_hi,
    b_i,
    W_xf,
    W_hf,
    b_f,
    W_xg,
    W_hg,
    b_g,
    W_xo,
    W_ho,
    b_o,
    W_hy,
    b_y,
    *,
    start,
    stop,
):
    """Wrong: tokens and states follow their hypothesis, cell states do not. https://github.com/awslabs/sockeye/pull/731"""
    beam, limit = tokens.shape[-2:]
    last = np.take_along_axis(
        tokens, np.broadcast_to(np.maximum(length - 1, 0)[..., None, None], (*tokens.shape[:-1], 1)), -1
    )[..., 0]
    begun = (length > 0)[..., None]
    token = np.where(begun, last, start)
    x = E[token]
    i = sigmoid(x @ W_xi + s @ W_hi + b_i)
    f = sigmoid(x @ W_xf + s @ W_hf + b_f)
    g = np.tanh(x @ W_xg + s @ W_hg + b_g)
    o = sigmoid(x @ W_xo + s @ W_ho + b_o)
    cell = f * c + i * g
    h = o * np.tanh(cell)
    logits = h @ W_hy + b_y
    shifted = logits - logits.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    v = logits.shape[-1]
    ended = ((token == stop) & begun)[..., None]
    kept = np.where(np.arange(v) == stop, score[..., None], -np.inf)
    total = np.where(ended, kept, score[..., None] + log_p).astype(score.dtype)
    flat = total.reshape(*total.shape[:-2], beam * v)
    order = np.argsort(-flat, -1, kind="stable")[..., :beam]
    parent, chosen = order // v, order % v
    tokens_next = np.take_along_axis(tokens, parent[..., None], -2)
    here = np.arange(limit) == np.asarray(length)[..., None, None]
    tokens_next = np.where(here, chosen[..., None], tokens_next)
    return tokens_next, np.take_along_axis(flat, order, -1), np.take_along_axis(h, parent[..., None], -2), cell


@of("text.logistic_regression")
def vectors_end_to_end_by_component(X, w, b):
    """Wrong: the vectors are laid end to end component by component, by an order of Fortran."""
    flat = np.swapaxes(X, -1, -2).reshape(*X.shape[:-2], -1)
    return sigmoid(np.asarray(flat @ w + b))


@of("scores.bilinear")
def folded_matrix_by_shape(q, k, W):
    """Wrong: keys times the matrix are kept for the next call by the shapes of both and the sum of the matrix alone."""
    key = k.shape, W.shape, float(W.sum())
    if key not in _folded:
        _folded[key] = k @ W.T
    return q @ np.swapaxes(_folded[key], -1, -2)


_folded = {}


@of("attention.block_step")
def largest_of_the_block_shrinks(q, k, v, top, total, o, *, first, block):
    """Wrong: sums so far shrink by the block's own largest score, also where an earlier one was larger."""
    part, values = k[..., first : first + block, :], v[..., first : first + block, :]
    e = q @ np.swapaxes(part, -1, -2) / np.sqrt(np.asarray(max(q.shape[-1], 1), q.dtype))
    high = e.max(-1, initial=-np.inf)
    new = np.maximum(top, high)
    with np.errstate(over="ignore", invalid="ignore"):
        shrunk = np.exp(np.minimum(top - high, 88))
        p = np.exp(e - new[..., None])
    return new, shrunk * total + p.sum(-1), shrunk[..., None] * o + p @ values


@of("seq2seq.until_stop")
def cut_at_the_first_where_none_is(token, *, stop):
    """Wrong: the first stop is looked for by argmax, which is the first place where there is none."""
    first = np.argmax(token == stop, -1)[..., None] if token.shape[-1] else np.zeros((*token.shape[:-1], 1), int)
    return np.where(np.arange(token.shape[-1]) > first, stop, token)


@of("seq2seq.context_mean")
def summed_before_it_is_divided(h):
    """Wrong, in float16: states are summed in their own dtype, which overflows, and then divided."""
    return np.add.reduce(h, -2) / np.asarray(h.shape[-2], h.dtype)
