"""Right, in JAX, by further habits: scans, vmap, custom rules, masks by where, libraries' own functions."""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax, nn

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="jax", dtypes=ALL)
one = partial(implements, framework="jax", dtypes=ALL, batch=(0,))


def wide(x):
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


@of("attention.scaled_dot_product")
@jax.jit
def scanned_tiles(q, k, v):
    """Right: lax.scan over padded tiles of 32 keys with running maximum and sums in float32 at least."""
    m, size = k.shape[-2], 32
    rest = -m % size
    pad = [(0, 0)] * (k.ndim - 2) + [(0, rest), (0, 0)]

    def tiles(x):
        x = jnp.pad(wide(x), pad)
        return jnp.moveaxis(x.reshape(*x.shape[:-2], (m + rest) // size, size, x.shape[-1]), -3, 0)

    a = wide(q) / math.sqrt(q.shape[-1])

    def step(carry, tile):
        top, total, acc = carry
        keys, values, seen = tile
        e = jnp.where(seen, a @ jnp.swapaxes(keys, -1, -2), -jnp.inf)
        new = jnp.maximum(top, e.max(-1, keepdims=True))
        p, shrink = jnp.exp(e - new), jnp.exp(top - new)
        return (new, total * shrink + p.sum(-1, keepdims=True), acc * shrink + p @ values), None

    start = (
        jnp.full((*q.shape[:-1], 1), -jnp.inf, a.dtype),
        jnp.zeros((*q.shape[:-1], 1), a.dtype),
        jnp.zeros((*q.shape[:-1], v.shape[-1]), a.dtype),
    )
    seen = (jnp.arange(m + rest) < m).reshape(-1, size)
    (_, total, acc), _ = lax.scan(step, start, (tiles(k), tiles(v), seen))
    return (acc / total).astype(q.dtype)


@of("attention.scaled_dot_product")
def not_compiled(q, k, v):
    """Right: op by op without jit, jnp.einsum with optimize."""
    e = jnp.einsum("...nd,...md->...nm", q, k, optimize="optimal") / math.sqrt(q.shape[-1])
    return jnp.einsum("...nm,...me->...ne", nn.softmax(e, axis=-1), v, optimize="optimal")


@of("attention.masked")
@jax.jit
def where_of_softmax(q, k, v, mask):
    """Right: jax.nn.softmax with where=, in float32 at least; values that nobody sees are set to 0."""
    e = wide(q) @ jnp.swapaxes(wide(k), -1, -2) / math.sqrt(q.shape[-1])
    p = nn.softmax(e, axis=-1, where=mask)
    p = jnp.where(mask, jnp.nan_to_num(p), 0)
    return (p @ jnp.where(mask.any(-2)[..., None], wide(v), 0)).astype(q.dtype)


@of("attention.weights")
@jax.jit
def own_rule(e):
    """Right: softmax with a custom_jvp rule, vmapped over rows."""

    @jax.custom_jvp
    def rule(x):
        p = jnp.exp(x - lax.stop_gradient(x.max()))
        return p / p.sum()

    @rule.defjvp
    def slope(primals, tangents):
        p = rule(*primals)
        return p, p * (tangents[0] - (p * tangents[0]).sum())

    if not e.size:
        return e
    return jax.vmap(rule)(e.reshape(-1, e.shape[-1])).reshape(e.shape)


@of("attention.additive")
@jax.jit
def vmapped_pairs(q, k, v, W, U, v_a):
    """Right: two nested vmaps over queries and keys, the batch by vectorize."""

    def score(a, b):
        return jnp.dot(jnp.tanh(a + b), v_a)

    @partial(jnp.vectorize, signature="(n,a),(m,a),(m,e)->(n,e)")
    def attend(a, b, values):
        e = jax.vmap(jax.vmap(score, (None, 0)), (0, None))(a, b)
        return nn.softmax(e, -1) @ values

    return attend(q @ W, k @ U, v)


@of("multihead.attention")
@jax.jit(static_argnames="heads")
def four_axis_weights(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: weights reshaped to c, heads and width, einsum throughout, softmax in float32 at least, as Flax has it."""
    c = x_q.shape[-1]
    q, k, v = (
        jnp.einsum("...tc,chd->...thd", x, W.reshape(c, heads, -1)) for x, W in ((x_q, W_q), (x_kv, W_k), (x_kv, W_v))
    )
    e = jnp.einsum("...qhd,...khd->...hqk", q / jnp.sqrt(jnp.asarray(q.shape[-1], q.dtype)), k)
    p = nn.softmax(wide(e)).astype(q.dtype)
    o = jnp.einsum("...hqk,...khd->...qhd", p, v)
    return jnp.einsum("...qhd,hdc->...qc", o, W_o.reshape(heads, -1, c))


@of("transformer.layer_norm")
@jax.jit
def centred_once(x, gamma, beta, *, eps):
    """Right: centred in float32 at least, var of what is centred, lax.rsqrt."""
    y = wide(x)
    c = y - jnp.mean(y, -1, keepdims=True)
    return (c * lax.rsqrt(jnp.var(c, -1, keepdims=True) + eps) * wide(gamma) + wide(beta)).astype(x.dtype)


@of("transformer.feed_forward_gelu_tanh")
@jax.jit
def default_gelu(x, W_1, b_1, W_2, b_2):
    """Right: jax.nn.gelu, which is by tanh unless told otherwise, by lax.dot_general."""
    return lax.dot_general(nn.gelu(x @ W_1 + b_1), W_2, (((x.ndim - 1,), (0,)), ((), ()))) + b_2


@of("recurrent.gru_cell")
@jax.jit
def select_by_gate(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: gates from one product of packed weights in float32 at least, split by jnp.split."""
    both = wide(jnp.concatenate([x, h], -1))
    W = jnp.block([[W_xr, W_xz], [W_hr, W_hz]])
    r, z = jnp.split(nn.sigmoid(both @ wide(W) + wide(jnp.concatenate([b_r, b_z]))), 2, -1)
    new = jnp.tanh(wide(x) @ wide(W_xh) + (r * wide(h)) @ wide(W_hh) + wide(b_h))
    return ((1 - z) * new + z * wide(h)).astype(h.dtype)


@of("recurrent.lstm")
@jax.jit
def scanned_lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: inputs projected before a scan over time whose carry is float32 at least."""
    W = jnp.concatenate([W_xi, W_xf, W_xg, W_xo], 1)
    U = wide(jnp.concatenate([W_hi, W_hf, W_hg, W_ho], 1))
    a = wide(x) @ wide(W) + wide(jnp.concatenate([b_i, b_f, b_g, b_o]))

    def step(carry, row):
        h, c = carry
        i, f, g, o = jnp.split(row + h @ U, 4, -1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    (_, c), ys = lax.scan(step, (wide(h_0), wide(c_0)), jnp.moveaxis(a, -2, 0))
    return jnp.moveaxis(ys, 0, -2).astype(x.dtype), c.astype(x.dtype)


@of("recurrent.simple_rnn_lengths")
@jax.jit
def masked_scan(x, length, h_0, W_xh, W_hh, b_h):
    """Right: a scan with places; the state is chosen by where, outputs are multiplied by whether they count."""

    def step(h, row):
        i, a = row
        live = (i < length)[..., None]
        h = jnp.where(live, jnp.tanh(a + h @ W_hh), h)
        return h, h * live.astype(h.dtype)

    a = jnp.moveaxis(x @ W_xh + b_h, -2, 0)
    h, ys = lax.scan(step, h_0, (jnp.arange(x.shape[-2]), a))
    return jnp.moveaxis(ys, 0, -2), h


@of("seq2seq.cross_entropy")
@jax.jit
def one_hot_of_log_softmax(logits, target):
    """Right: minus the sum of one-hot rows times log_softmax, in float32 at least."""
    hot = nn.one_hot(target, logits.shape[-1], dtype=wide(logits).dtype)
    return -(hot * nn.log_softmax(wide(logits))).sum(-1).astype(logits.dtype)


@of("text.binary_cross_entropy")
@jax.jit
def by_log_sigmoid(logit, target):
    """Right: −y log σ(x) − (1 − y) log σ(−x), with the library's log_sigmoid."""
    y = target.astype(logit.dtype)
    return -y * nn.log_sigmoid(logit) - (1 - y) * nn.log_sigmoid(-logit)


@of("seq2seq.distillation_logits")
@jax.jit
def wide_softened(logits_teacher, logits_student, *, tau):
    """Right: both softened in float32 at least, a dot product by einsum."""
    p = nn.softmax(wide(logits_teacher) / tau)
    return -jnp.einsum("...v,...v->...", p, nn.log_softmax(wide(logits_student) / tau)).astype(logits_teacher.dtype)


@of("optimizer.adamw")
@jax.jit(static_argnames="step")
def optax_order(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: moments, bias corrections, the decay added to the direction, then the rate, as optax chains them."""
    m = (1 - beta_1) * g + beta_1 * m
    v = (1 - beta_2) * g**2 + beta_2 * v
    direction = (m / (1 - beta_1**step)) / (jnp.sqrt(v / (1 - beta_2**step)) + eps)
    return theta - lr * (direction + decay * theta), m, v


@of("text.embedding")
@jax.jit
def take_with_fill(k, P):
    """Right: jnp.take of places beyond the table, filled with 0."""
    return jnp.take(P, jnp.where(k < 0, P.shape[0], k), axis=0, mode="fill", fill_value=0)


@of("backward.softmax")
@jax.jit
def by_jvp(d_alpha, e):
    """Right: jax.linearize and transpose, that is vjp of nn.softmax."""
    return jax.vjp(nn.softmax, e)[1](d_alpha)[0]


@of("backward.linear")
@jax.jit
def by_grad_of_inner_product(d_y, x, W, b):
    """Right: jax.grad of the inner product of output and incoming gradient, per example by vectorize."""

    @partial(jnp.vectorize, signature="(t,e),(t,d)->(t,d),(d,e),(e)")
    def back(g, y):
        return jax.grad(lambda y, W, b: (g * (y @ W + b)).sum(), (0, 1, 2))(y, W, b)

    return back(d_y, x)
