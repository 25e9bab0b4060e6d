"""Right, in JAX, as people write it: scan, vmap, remat, own gradients, einsum with preferred types, masks."""

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
def preferred_float32(q, k, v):
    """Right: einsum with preferred_element_type, softmax in float32, weights cast back before the values."""
    kind = jnp.promote_types(q.dtype, jnp.float32)
    e = jnp.einsum("...id,...jd->...ij", q, k, preferred_element_type=kind) * (q.shape[-1] ** -0.5)
    p = nn.softmax(e, axis=-1).astype(v.dtype)
    return jnp.einsum("...ij,...je->...ie", p, v, preferred_element_type=kind).astype(q.dtype)


@of("attention.scaled_dot_product")
@jax.jit
def rows_mapped(q, k, v):
    """Right: a query at a time through lax.map, rematerialised; the batch by vectorize."""

    @partial(jnp.vectorize, signature="(n,d),(m,d),(m,e)->(n,e)")
    def attend(q, k, v):
        @jax.checkpoint
        def row(one):
            e = k @ one / jnp.sqrt(jnp.asarray(k.shape[-1], k.dtype))
            return nn.softmax(e) @ v

        return lax.map(row, q)

    return attend(q, k, v)


@of("attention.masked")
@jax.jit
def big_negative(q, k, v, mask):
    """Right: masked scores are the least finite number as in flax; rows without keys are zeroed with where."""
    e = jnp.einsum("...id,...jd->...ij", q / jnp.sqrt(q.shape[-1]).astype(q.dtype), k)
    p = nn.softmax(jnp.where(mask, e, jnp.finfo(e.dtype).min), axis=-1)
    return jnp.einsum("...ij,...je->...ie", jnp.where(mask, p, 0), v)


@of("attention.causal")
@jax.jit
def by_softmax_where(q, k, v):
    """Right: jax.nn.softmax with where and initial, places compared by iota."""
    n, m = q.shape[-2], k.shape[-2]
    seen = lax.broadcasted_iota(jnp.int32, (n, m), 1) <= lax.broadcasted_iota(jnp.int32, (n, m), 0) + (m - n)
    e = q @ jnp.swapaxes(k, -1, -2) / jnp.sqrt(q.shape[-1]).astype(q.dtype)
    e = jnp.where(seen, e, -jnp.inf)
    top = jnp.maximum(e.max(-1, keepdims=True, initial=-jnp.inf), jnp.finfo(e.dtype).min)
    p = jnp.exp(e - top)
    total = p.sum(-1, keepdims=True)
    return p @ v / jnp.where(total == 0, 1, total)


@of("attention.linear_weights")
@jax.jit
def values_first(e, v):
    """Right: dot_general with batch dimensions moved by vectorize."""
    product = jnp.vectorize(
        lambda a, b: lax.dot_general(a, b, (((1,), (0,)), ((), ()))), signature="(n,m),(m,d)->(n,d)"
    )
    return product(e, v)


@of("transformer.layer_norm")
@jax.jit
def flax_like(x, gamma, beta, *, eps):
    """Right: statistics in float32, the gain folded into rsqrt, as flax does, but with two passes."""
    y = wide(x)
    mean = y.mean(-1, keepdims=True)
    var = jnp.mean(lax.square(y - mean), -1, keepdims=True)
    return ((y - mean) * (lax.rsqrt(var + eps) * wide(gamma)) + wide(beta)).astype(x.dtype)


@of("transformer.feed_forward_gelu")
@jax.jit
def gelu_of_the_library(x, W_1, b_1, W_2, b_2):
    """Right: jax.nn.gelu with approximate=False between two products."""
    return nn.gelu(x @ W_1 + b_1, approximate=False) @ W_2 + b_2


@of("self_attention.stacked")
@jax.jit
def scanned_layers(x, W_q, W_k, W_v):
    """Right: a scan over the stacked weights of all layers, each rematerialised."""

    @jax.checkpoint
    def layer(y, weights):
        a, b, c = weights
        e = (y @ a) @ jnp.swapaxes(y @ b, -1, -2) * (a.shape[-1] ** -0.5)
        return nn.softmax(e, -1) @ (y @ c), None

    return lax.scan(layer, x, (W_q, W_k, W_v))[0]


@of("recurrent.gru_update_writes")
@jax.jit
def scanned_gru(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: a scan over time, unrolled by 4; inputs projected outside, the state moves by z times the difference."""

    def step(h, a):
        a_r, a_z, a_h = a
        r, z = nn.sigmoid(a_r + h @ W_hr), nn.sigmoid(a_z + h @ W_hz)
        h = h + z * (jnp.tanh(a_h + (r * h) @ W_hh) - h)
        return h, h

    inputs = tuple(jnp.moveaxis(a, -2, 0) for a in (x @ W_xr + b_r, x @ W_xz + b_z, x @ W_xh + b_h))
    _, h = lax.scan(step, h_0, inputs, unroll=4)
    return jnp.moveaxis(h, 0, -2)


@of("recurrent.lstm_lengths")
@jax.jit
def selected_steps(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: a scan whose carry is selected by place < length."""

    def step(carry, inputs):
        (h, c), (row, i) = carry, inputs

        def gate(W, U, b):
            return row @ W + h @ U + b

        written = nn.sigmoid(gate(W_xi, W_hi, b_i)) * jnp.tanh(gate(W_xg, W_hg, b_g))
        new_c = nn.sigmoid(gate(W_xf, W_hf, b_f)) * c + written
        new_h = nn.sigmoid(gate(W_xo, W_ho, b_o)) * jnp.tanh(new_c)
        live = (i < length)[..., None]
        h, c = jnp.where(live, new_h, h), jnp.where(live, new_c, c)
        return (h, c), jnp.where(live, h, 0)

    (h, c), y = lax.scan(step, (h_0, c_0), (jnp.moveaxis(x, -2, 0), jnp.arange(x.shape[-2])))
    return jnp.moveaxis(y, 0, -2), h, c


@of("seq2seq.cross_entropy")
@jax.jit
def picked_by_one_hot(logits, target):
    """Right: logsumexp less the logit that a one-hot mask picks."""
    x = wide(logits)
    picked = jnp.sum(jnp.where(jnp.arange(x.shape[-1]) == target[..., None], x, 0), -1)
    return (nn.logsumexp(x, -1) - picked).astype(logits.dtype)


@of("seq2seq.temperature")
@jax.jit
def softened(logits, *, tau):
    """Right: a softmax of the logits times 1/τ."""
    return nn.softmax(logits * (1 / tau), axis=-1)


@of("text.binary_cross_entropy")
@jax.jit
def by_log_sigmoid(logit, target):
    """Right: −y log σ(x) − (1 − y) log σ(−x)."""
    y = target.astype(logit.dtype)
    return -y * nn.log_sigmoid(logit) - (1 - y) * nn.log_sigmoid(-logit)


@of("optimizer.adam_l2")
@jax.jit
def adam_as_tree(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: maps over a tree of parameters; bias corrections as in optax."""
    params, grads = {"w": theta}, {"w": g}
    grads = jax.tree.map(lambda a, b: a + decay * b, grads, params)
    mu = jax.tree.map(lambda a, b: (1 - beta_1) * a + beta_1 * b, grads, {"w": m})
    nu = jax.tree.map(lambda a, b: (1 - beta_2) * (a**2) + beta_2 * b, grads, {"w": v})
    update = jax.tree.map(
        lambda a, b: -lr * (a / (1 - beta_1**step)) / (jnp.sqrt(b / (1 - beta_2**step)) + eps), mu, nu
    )
    return jax.tree.map(jnp.add, params, update)["w"], mu["w"], nu["w"]


@jax.custom_vjp
def attention(q, k, v):
    return forward(q, k, v)[0]


def forward(q, k, v):
    e = q @ jnp.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5)
    lse = nn.logsumexp(e, -1, keepdims=True)
    o = jnp.exp(e - lse) @ v
    return o, (q, k, v, o, lse)


def pull(kept, d_o):
    q, k, v, o, lse = kept
    scale = q.shape[-1] ** -0.5
    p = jnp.exp(q @ jnp.swapaxes(k, -1, -2) * scale - lse)
    d_e = p * (d_o @ jnp.swapaxes(v, -1, -2) - (d_o * o).sum(-1, keepdims=True)) * scale
    return d_e @ k, jnp.swapaxes(d_e, -1, -2) @ q, jnp.swapaxes(p, -1, -2) @ d_o


attention.defvjp(forward, pull)


@of("backward.scaled_dot_product")
@jax.jit
def own_vjp(d_o, q, k, v):
    """Right: jax.vjp of attention with a custom backward pass, float32 inside."""
    _, back = jax.vjp(attention, *map(wide, (q, k, v)))
    return tuple(d.astype(q.dtype) for d in back(wide(d_o)))


@one("backward.gru_cell_reset_after")
@jax.jit
def by_vjp(d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: jax.vjp of the step, in the dtype that is given."""

    def step(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
        r, z = nn.sigmoid(x @ W_xr + h @ W_hr + b_r), nn.sigmoid(x @ W_xz + h @ W_hz + b_z)
        g = jnp.tanh(x @ W_xh + b_h + r * (h @ W_hh + b_hh))
        return (1 - z) * g + z * h

    _, back = jax.vjp(step, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)
    return back(d_h_next)


@one("backward.layer_norm")
@jax.jit
def norm_vjp(d_y, x, gamma, beta, *, eps):
    """Right: jax.grad of a scalar, the norm's inner product with the incoming gradient, in float32."""

    def scalar(x, gamma, beta):
        centred = x - x.mean()
        return jnp.vdot(wide(d_y), centred * lax.rsqrt(jnp.mean(centred**2) + eps) * gamma + beta)

    grads = jax.grad(scalar, (0, 1, 2))(wide(x), wide(gamma), wide(beta))
    return tuple(each.astype(x.dtype) for each in grads)


@one("generation.beam_step")
def by_top_k(log_p, score, over, *, stop):
    """Right: lax.sort of pairs, the negated totals and the places, so that ties keep their order."""
    beam, v = log_p.shape
    held = jnp.where(jnp.arange(v) == stop, score[:, None], -jnp.inf)
    total = jnp.where(over[:, None] > 0, held, score[:, None] + log_p).ravel()
    _, place = lax.sort((-total, jnp.arange(beam * v)), num_keys=2)
    place = place[:beam]
    return total[place], place // v, place % v
