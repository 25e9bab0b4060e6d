"""Right, in JAX: associative scans, segment sums, Pallas in interpret mode, custom_vjp, linear_transpose, switch."""

import functools
import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl

from attnspec import implements

of = partial(implements, framework="jax", dtypes=("float32", "float16", "bfloat16"))
one = partial(implements, framework="jax", dtypes=("float32", "float16", "bfloat16"), batch=(0,))


def wide(x):
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def norm_kernel(x, gamma, beta, y, *, eps):
    a = x[...].astype(jnp.float32)
    centred = a - a.mean(-1, keepdims=True)
    rstd = lax.rsqrt((centred * centred).mean(-1, keepdims=True) + eps)
    y[...] = (centred * rstd * gamma[...].astype(jnp.float32) + beta[...].astype(jnp.float32)).astype(y.dtype)


@of("transformer.layer_norm")
def rows_by_pallas(x, gamma, beta, *, eps):
    """Right: a Pallas kernel over blocks of rows, interpreted, float32 inside."""
    rows = x.reshape(-1, x.shape[-1])
    if rows.size == 0:
        return x
    whole = pl.pallas_call(
        partial(norm_kernel, eps=eps), out_shape=jax.ShapeDtypeStruct(rows.shape, x.dtype), interpret=True
    )
    return whole(rows, gamma, beta).reshape(x.shape)


def combine(left, right):
    """Two parts of the keys: largest score, sum, output."""
    top, total, o = left
    top_2, total_2, o_2 = right
    new = jnp.maximum(top, top_2)
    a, b = jnp.exp(top - new), jnp.exp(top_2 - new)
    return new, total * a + total_2 * b, o * a[..., None] + o_2 * b[..., None]


@of("attention.causal_top_left")
@partial(jnp.vectorize, signature="(n,d),(m,d),(m,e)->(n,e)")
def associative(q, k, v):
    """Right: for each query an associative scan over all keys, of which the sum up to its own place is read."""
    e = wide(q) @ wide(k).T / math.sqrt(q.shape[1])
    n, m = e.shape
    if n == 0 or m == 0:
        return jnp.zeros((n, v.shape[1]), v.dtype)
    values = jnp.broadcast_to(wide(v), (n, *v.shape))
    _, total, o = lax.associative_scan(combine, (e, jnp.ones_like(e), values), axis=1)
    at = jnp.minimum(jnp.arange(n), m - 1)
    read = o[jnp.arange(n), at] / total[jnp.arange(n), at][:, None]
    return read.astype(v.dtype)


@one("attention.masked")
def by_segments(q, k, v, mask):
    """Right: every pair is in the segment of its query, or in one more where hidden; segment_max and segment_sum."""
    n = len(mask)
    e = (wide(q) @ wide(k).T / math.sqrt(q.shape[1])).reshape(-1)
    row = jnp.where(mask, jnp.arange(n)[:, None], n).reshape(-1)
    top = jax.ops.segment_max(e, row, n + 1)
    p = jnp.exp(e - top[row])
    total = jax.ops.segment_sum(p, row, n + 1)
    read = jax.ops.segment_sum(p[:, None] * jnp.tile(wide(v), (n, 1)), row, n + 1)
    return jnp.where(total[:n, None] > 0, read[:n] / total[:n, None], 0).astype(v.dtype)


@of("multihead.attention")
@partial(jax.jit, static_argnames=("heads",))
def with_batch_of_heads(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: jax.nn.dot_product_attention in its own layout, rows by heads by width; a batch is made if need be."""

    def cut(x, W):
        y = x @ W
        return y.reshape(math.prod(y.shape[:-2]), y.shape[-2], heads, y.shape[-1] // heads)

    read = jax.nn.dot_product_attention(cut(x_q, W_q), cut(x_kv, W_k), cut(x_kv, W_v))
    return read.reshape(*x_q.shape[:-1], W_o.shape[0]) @ W_o


@of("recurrent.lstm_cell")
def state_as_a_tree(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: gates as a dictionary of pre-activations by tree_map, jax.nn functions, in the dtype that is given."""
    weights = {"i": (W_xi, W_hi, b_i), "f": (W_xf, W_hf, b_f), "g": (W_xg, W_hg, b_g), "o": (W_xo, W_ho, b_o)}
    a = {gate: x @ W + h @ U + b for gate, (W, U, b) in weights.items()}
    i, f, o = (jax.nn.sigmoid(a[gate]) for gate in "ifo")
    c_next = f * c + i * jnp.tanh(a["g"])
    return o * jnp.tanh(c_next), c_next


@of("recurrent.simple_rnn")
def by_fori_loop(x, h_0, W_xh, W_hh, b_h):
    """Right: lax.fori_loop with dynamic_update_index_in_dim into the outputs, inputs projected before."""
    t = x.shape[-2]
    a = wide(x) @ wide(W_xh) + wide(b_h)

    def step(i, carry):
        y, h = carry
        h = jnp.tanh(lax.dynamic_index_in_dim(a, i, a.ndim - 2, keepdims=False) + h @ wide(W_hh))
        return lax.dynamic_update_index_in_dim(y, h, i, y.ndim - 2), h

    y, _ = lax.fori_loop(0, t, step, (jnp.zeros_like(a), wide(h_0))) if t else (a, None)
    return y.astype(x.dtype)


@of("optimizer.adam_l2")
@jax.jit
def whole_update(theta, g, m, v, step, lr, beta_1, beta_2, eps, decay):
    """Right: jitted with all options as traced numbers, corrections by expm1 of logarithms, float32 at least."""
    slope = wide(g) + decay * wide(theta)
    m = beta_1 * wide(m) + (1 - beta_1) * slope
    v_next = beta_2 * wide(v) + (1 - beta_2) * slope**2
    rate = lr / -jnp.expm1(step * jnp.log(beta_1))
    new = wide(theta) - rate * m / (jnp.sqrt(v_next / -jnp.expm1(step * jnp.log(beta_2))) + eps)
    return new.astype(theta.dtype), m.astype(theta.dtype), v_next.astype(theta.dtype)


@of("seq2seq.context_learned_query")
def by_while_loop(h, w):
    """Right: an online softmax state by state in a scan, the batch by vectorize, float32 at least."""

    def single(h):
        def step(carry, row):
            top, total, acc = carry
            e = row @ wide(w)
            new = jnp.maximum(top, e)
            a, p = jnp.exp(top - new), jnp.exp(e - new)
            return (new, total * a + p, acc * a + p * row), None

        start = (jnp.float32(-jnp.inf), jnp.float32(0), jnp.zeros(h.shape[1], jnp.float32))
        (_, total, acc), _ = lax.scan(step, start, wide(h))
        return (acc / total).astype(h.dtype)

    return jnp.vectorize(single, signature="(m,u)->(u)")(h)


@of("seq2seq.sample")
def searched_in_sums(p, uniform):
    """Right: how many cumulated sums the number is not below, at most the last word, float32 at least."""
    return jnp.minimum((jnp.cumsum(wide(p), -1) <= wide(uniform)[..., None]).sum(-1), p.shape[-1] - 1).astype(jnp.int32)


@of("text.embedding")
def taken_or_filled(k, P):
    """Right: jnp.take that fills with 0 outside, where −1 is made the number of rows."""
    return jnp.take(P, jnp.where(k < 0, P.shape[0], k), axis=0, mode="fill", fill_value=0)


@functools.partial(jax.custom_vjp)
def own_softmax(e):
    return jax.nn.softmax(e, -1)


def forwards(e):
    p = jax.nn.softmax(e, -1)
    return p, p


def backwards(p, g):
    return (p * (g - (p * g).sum(-1, keepdims=True)),)


own_softmax.defvjp(forwards, backwards)


@of("backward.scaled_dot_product")
def own_softmax_pulled_back(d_o, q, k, v):
    """Right: jax.vjp through einsum and a softmax with its own rule, float32 at least."""

    def run(q, k, v):
        e = jnp.einsum("...nd,...md->...nm", q, k) / math.sqrt(q.shape[-1])
        return jnp.einsum("...nm,...me->...ne", own_softmax(e), v)

    _, pull = jax.vjp(run, wide(q), wide(k), wide(v))
    return tuple(a.astype(q.dtype) for a in pull(wide(d_o)))


@one("backward.linear")
def by_linear_transpose(d_y, x, W, b):
    """Right: jax.linear_transpose of the map from each of the three arguments, the others fixed."""

    def transposed(function, like):
        return jax.linear_transpose(function, like)(d_y)[0]

    rows = jnp.ones((x.shape[0], 1), b.dtype)
    return transposed(lambda a: a @ W, x), transposed(lambda a: x @ a, W), transposed(lambda a: rows * a, b)
