"""Attention in several heads, and Transformer layers, in PyTorch."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")
SDP = F.scaled_dot_product_attention


def split(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


def join(x):
    return x.transpose(-2, -3).flatten(-2)


def attend(q, k, v):
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


def attend_causal(q, k, v):
    n, m = q.shape[-2], k.shape[-2]
    hidden = ~torch.ones(n, m, dtype=torch.bool).tril(m - n)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(hidden, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


def norm(x, γ, β, eps):
    return F.layer_norm(x, x.shape[-1:], γ, β, eps)


@of("multihead.attention")
def attention(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: split, attend, join, project."""
    return join(attend(split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads))) @ W_o


@of("multihead.attention_biased")
def attention_biased(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: with four biases."""
    q, k, v = split(x_q @ W_q + b_q, heads), split(x_kv @ W_k + b_k, heads), split(x_kv @ W_v + b_v, heads)
    return join(attend(q, k, v)) @ W_o + b_o


@of("multihead.causal")
def causal(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: causal in each head."""
    return join(attend_causal(split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads))) @ W_o


@of("multihead.masked")
def masked(x_q, x_kv, W_q, W_k, W_v, W_o, mask, *, heads):
    """Right: one mask for all heads."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask[..., None, :, :], float("-inf"))
    return join(torch.nan_to_num(torch.softmax(e, -1)) @ v) @ W_o


@of("multihead.split")
def split_reshape(x, *, heads):
    """Wrong: a reshape to (heads, t, d) without the transpose, so that positions and heads are mixed."""
    t, d = x.shape[-2], x.shape[-1] // heads
    return x.reshape(*x.shape[:-2], heads, t, d)


@of("multihead.split")
def split_interleaved(x, *, heads):
    """Wrong: features go to the heads in turn (feature j to head j mod H), not in contiguous blocks."""
    return x.unflatten(-1, (-1, heads)).movedim(-1, -3)


@of("multihead.concat")
def concat_interleaved(x):
    """Wrong: the heads are joined interleaved, feature by feature."""
    return x.movedim(-3, -1).flatten(-2)


@of("multihead.attention")
def mh_whole_width(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: scores are divided by the root of the whole width H d, not of a head's d."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    return join(torch.softmax(q @ k.mT / math.sqrt(W_q.shape[-1]), -1) @ v) @ W_o


@of("multihead.attention")
def mh_input_width(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: scores are divided by the root of c, the width of the input."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    return join(torch.softmax(q @ k.mT / math.sqrt(x_q.shape[-1]), -1) @ v) @ W_o


@of("multihead.attention")
def mh_join_reshape(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the heads are joined by a reshape without the transpose back."""
    o = attend(split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads))
    return o.reshape(*x_q.shape[:-1], W_o.shape[0]) @ W_o


@of("multihead.attention")
def mh_reversed(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the heads are joined in reverse order."""
    o = attend(split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads))
    return join(o.flip(-3)) @ W_o


@of("multihead.attention")
def mh_one_head(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: `heads` is ignored, one head of the whole width."""
    return attend(x_q @ W_q, x_kv @ W_k, x_kv @ W_v) @ W_o


@of("multihead.attention")
def mh_shared_kv(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: multi-query: every head reads the keys and values of the first head."""
    k, v = split(x_kv @ W_k, heads)[..., :1, :, :], split(x_kv @ W_v, heads)[..., :1, :, :]
    return join(attend(split(x_q @ W_q, heads), k, v)) @ W_o


@of("multihead.attention")
def mh_average(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the weights are averaged over the heads, then used by all."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    α = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1).mean(-3, keepdim=True)
    return join(α @ v) @ W_o


@of("multihead.attention")
def mh_no_output(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: where H d = c, the last projection W_o is left out."""
    o = join(attend(split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)))
    return o if W_o.shape[0] == W_o.shape[1] else o @ W_o


@of("multihead.attention")
def mh_keys_as_values(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: what is read are the projected keys, W_v is never used."""
    k = split(x_kv @ W_k, heads)
    return join(attend(split(x_q @ W_q, heads), k, k)) @ W_o


@of("multihead.attention")
def mh_packed_order(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: fused weights are packed as k, q, v and unpacked as q, k, v: query and key projections exchanged."""
    W = torch.cat([W_k, W_q, W_v], -1)
    w_q, w_k, w_v = W.chunk(3, -1)
    return join(attend(split(x_q @ w_q, heads), split(x_kv @ w_k, heads), split(x_kv @ w_v, heads))) @ W_o


@of("multihead.attention_biased")
def mhb_no_key_bias(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Wrong: the bias of the values is left out."""
    q, k, v = split(x_q @ W_q + b_q, heads), split(x_kv @ W_k + b_k, heads), split(x_kv @ W_v, heads)
    return join(attend(q, k, v)) @ W_o + b_o


@of("multihead.attention_biased")
def mhb_output_bias_per_head(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Wrong: the output's bias is added once for each head (a sum of per-head projections, each with it)."""
    q, k, v = split(x_q @ W_q + b_q, heads), split(x_kv @ W_k + b_k, heads), split(x_kv @ W_v + b_v, heads)
    o, parts = attend(q, k, v), W_o.unflatten(0, (heads, -1))
    return (o @ parts + b_o).sum(-3)


@of("multihead.attention_biased")
def mhb_scaled_before_bias(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Wrong: the scale 1/sqrt(d) is folded into W_q but not into b_q."""
    d = W_q.shape[-1] // heads
    q, k, v = (
        split(x_q @ (W_q / math.sqrt(d)) + b_q, heads),
        split(x_kv @ W_k + b_k, heads),
        split(x_kv @ W_v + b_v, heads),
    )
    return join(torch.softmax(q @ k.mT, -1) @ v) @ W_o + b_o


@of("multihead.causal")
def mhc_first_head_only(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the causal mask is applied to the first head only."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    o = attend(q, k, v)
    first = attend_causal(q[..., :1, :, :], k[..., :1, :, :], v[..., :1, :, :])
    return join(torch.cat([first, o[..., 1:, :, :]], -3)) @ W_o


@of("multihead.masked")
def mhm_mask_axis(x_q, x_kv, W_q, W_k, W_v, W_o, mask, *, heads):
    """Wrong: where n = m, the mask is transposed: it hides queries from keys."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    mask = mask.mT if mask.shape[-1] == mask.shape[-2] else mask
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask[..., None, :, :], float("-inf"))
    return join(torch.nan_to_num(torch.softmax(e, -1)) @ v) @ W_o


@of("multihead.relu")
def mhr_softplus(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: softplus instead of relu."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    return join(F.softplus(q @ k.mT / math.sqrt(q.shape[-1])) @ v) @ W_o


@of("multihead.relu")
def mhr_squared(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the square of relu (Primer)."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    return join(torch.relu(q @ k.mT / math.sqrt(q.shape[-1])) ** 2 @ v) @ W_o


@of("self_attention.scaled")
def self_shared_qk(x, W_q, W_k, W_v):
    """Wrong: keys are made with W_q, as in Reformer; W_k is not read."""
    return attend(x @ W_q, x @ W_q, x @ W_v)


@of("self_attention.scaled")
def self_batch(x, W_q, W_k, W_v):
    """Wrong: with two batch axes, all examples of the inner one are flattened into one sequence."""
    if x.ndim != 4:
        return attend(x @ W_q, x @ W_k, x @ W_v)
    flat = x.flatten(1, 2)
    return attend(flat @ W_q, flat @ W_k, flat @ W_v).reshape(*x.shape[:-1], W_v.shape[-1])


@of("self_attention.causal")
def self_exclusive(x, W_q, W_k, W_v):
    """Wrong: from the second position on, a position does not see itself."""
    q, k, v = x @ W_q, x @ W_k, x @ W_v
    t = x.shape[-2]
    visible = torch.ones(t, t, dtype=torch.bool).tril(-1)
    if t:
        visible[0, 0] = True
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~visible, float("-inf"))
    return torch.softmax(e, -1) @ v


@of("self_attention.cross")
def cross_swapped(x_q, x, W_q, W_k, W_v):
    """Wrong: where the widths allow it, the values are read with W_k and the keys with W_v."""
    if W_k.shape == W_v.shape:
        W_k, W_v = W_v, W_k
    return attend(x_q @ W_q, x @ W_k, x @ W_v)


@of("self_attention.additive")
def self_additive_own(x, W_q, W_k, W_v, v_a):
    """Wrong: the score of a pair uses tanh of the query's part only; the key's part is added behind it."""
    e = (torch.tanh(x @ W_q)[..., :, None, :] + (x @ W_k)[..., None, :, :]) @ v_a
    return torch.softmax(e, -1) @ (x @ W_v)


# --- Transformer ---


@of("transformer.feed_forward")
def ff(x, W_1, b_1, W_2, b_2):
    """Right: two layers."""
    return torch.relu(x @ W_1 + b_1) @ W_2 + b_2


@of("transformer.feed_forward")
def ff_no_activation(x, W_1, b_1, W_2, b_2):
    """Wrong: relu is missing."""
    return (x @ W_1 + b_1) @ W_2 + b_2


@of("transformer.feed_forward")
def ff_bias_after(x, W_1, b_1, W_2, b_2):
    """Wrong: the first bias is added behind relu."""
    return (torch.relu(x @ W_1) + b_1) @ W_2 + b_2


@of("transformer.feed_forward")
def ff_relu6(x, W_1, b_1, W_2, b_2):
    """Wrong: relu6, which is cut off at 6."""
    return F.relu6(x @ W_1 + b_1) @ W_2 + b_2


@of("transformer.feed_forward")
def ff_elu(x, W_1, b_1, W_2, b_2):
    """Wrong: elu for relu."""
    return F.elu(x @ W_1 + b_1) @ W_2 + b_2


@of("transformer.feed_forward_gelu")
def ff_gelu_tanh(x, W_1, b_1, W_2, b_2):
    """Wrong: the tanh approximation of gelu where the exact one belongs."""
    return F.gelu(x @ W_1 + b_1, approximate="tanh") @ W_2 + b_2


@of("transformer.feed_forward_gelu")
def ff_silu(x, W_1, b_1, W_2, b_2):
    """Wrong: silu (swish) for gelu."""
    return F.silu(x @ W_1 + b_1) @ W_2 + b_2


@of("transformer.feed_forward_gelu_tanh")
def ff_gelu_constant(x, W_1, b_1, W_2, b_2):
    """Wrong: 0.44715 for 0.044715 in gelu's tanh approximation."""
    a = x @ W_1 + b_1
    return 0.5 * a * (1 + torch.tanh(0.7978845608 * (a + 0.44715 * a**3))) @ W_2 + b_2


@of("transformer.feed_forward_gelu_tanh")
def ff_gelu_half(x, W_1, b_1, W_2, b_2):
    """Wrong: sqrt(2/pi) is replaced by 2/pi."""
    a = x @ W_1 + b_1
    return 0.5 * a * (1 + torch.tanh(2 / math.pi * (a + 0.044715 * a**3))) @ W_2 + b_2


@of("transformer.linear")
def linear_transposed(x, W, b):
    """Wrong: where W is square, it is applied transposed."""
    return x @ (W.mT if W.shape[0] == W.shape[1] else W) + b


@of("transformer.residual")
def residual_halved(x, f_x):
    """Wrong: the sum of the two branches is scaled by 1/sqrt(2)."""
    return (x + f_x) * 0.7071067811865476


@of("transformer.encoder_layer")
def encoder_layer(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Right: post-norm."""
    y = norm(x + attention(x, x, W_q, W_k, W_v, W_o, heads=heads), γ_1, β_1, eps)
    return norm(y + ff(y, W_1, b_1, W_2, b_2), γ_2, β_2, eps)


@of("transformer.encoder_layer")
def layer_pre_norm(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: pre-norm where the layer is post-norm."""
    n = norm(x, γ_1, β_1, eps)
    y = x + attention(n, n, W_q, W_k, W_v, W_o, heads=heads)
    return y + ff(norm(y, γ_2, β_2, eps), W_1, b_1, W_2, b_2)


@of("transformer.encoder_layer")
def layer_no_residual(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: the residual around the feed-forward network is missing."""
    y = norm(x + attention(x, x, W_q, W_k, W_v, W_o, heads=heads), γ_1, β_1, eps)
    return norm(ff(y, W_1, b_1, W_2, b_2), γ_2, β_2, eps)


@of("transformer.encoder_layer")
def layer_residual_from_input(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: the second residual is taken from the layer's input x, not from y."""
    y = norm(x + attention(x, x, W_q, W_k, W_v, W_o, heads=heads), γ_1, β_1, eps)
    return norm(x + ff(y, W_1, b_1, W_2, b_2), γ_2, β_2, eps)


@of("transformer.encoder_layer")
def layer_same_norm(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: both normalisations use the gain and bias of the first."""
    y = norm(x + attention(x, x, W_q, W_k, W_v, W_o, heads=heads), γ_1, β_1, eps)
    return norm(y + ff(y, W_1, b_1, W_2, b_2), γ_1, β_1, eps)


@of("transformer.encoder_layer")
def layer_rms(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: the second normalisation is RMS norm, the mean is not taken off."""
    y = norm(x + attention(x, x, W_q, W_k, W_v, W_o, heads=heads), γ_1, β_1, eps)
    s = y + ff(y, W_1, b_1, W_2, b_2)
    return s / torch.sqrt((s * s).mean(-1, keepdim=True) + eps) * γ_2 + β_2


@of("transformer.encoder_layer")
def layer_causal(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: the encoder's attention is causal."""
    y = norm(x + causal(x, x, W_q, W_k, W_v, W_o, heads=heads), γ_1, β_1, eps)
    return norm(y + ff(y, W_1, b_1, W_2, b_2), γ_2, β_2, eps)


@of("transformer.encoder_layer_pre")
def layer_pre_normed_residual(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: the first residual starts from the normalised input, not from x."""
    n = norm(x, γ_1, β_1, eps)
    y = n + attention(n, n, W_q, W_k, W_v, W_o, heads=heads)
    return y + ff(norm(y, γ_2, β_2, eps), W_1, b_1, W_2, b_2)


@of("transformer.encoder_layer_pre")
def layer_pre_keys(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: only the queries are normalised, keys and values come from x itself."""
    y = x + attention(norm(x, γ_1, β_1, eps), x, W_q, W_k, W_v, W_o, heads=heads)
    return y + ff(norm(y, γ_2, β_2, eps), W_1, b_1, W_2, b_2)


@of("transformer.decoder_layer")
def decoder_layer_swapped(
    x,
    z,
    W_q_s,
    W_k_s,
    W_v_s,
    W_o_s,
    γ_1,
    β_1,
    W_q_c,
    W_k_c,
    W_v_c,
    W_o_c,
    γ_2,
    β_2,
    W_1,
    b_1,
    W_2,
    b_2,
    γ_3,
    β_3,
    *,
    heads,
    eps,
):
    """Wrong: the self-attention is not causal."""
    y = norm(x + attention(x, x, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads), γ_1, β_1, eps)
    u = norm(y + attention(y, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads), γ_2, β_2, eps)
    return norm(u + ff(u, W_1, b_1, W_2, b_2), γ_3, β_3, eps)


@of("transformer.decoder_layer")
def decoder_layer_query(
    x,
    z,
    W_q_s,
    W_k_s,
    W_v_s,
    W_o_s,
    γ_1,
    β_1,
    W_q_c,
    W_k_c,
    W_v_c,
    W_o_c,
    γ_2,
    β_2,
    W_1,
    b_1,
    W_2,
    b_2,
    γ_3,
    β_3,
    *,
    heads,
    eps,
):
    """Wrong: cross-attention is asked by the layer's input x instead of y."""
    y = norm(x + causal(x, x, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads), γ_1, β_1, eps)
    u = norm(y + attention(x, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads), γ_2, β_2, eps)
    return norm(u + ff(u, W_1, b_1, W_2, b_2), γ_3, β_3, eps)


@of("transformer.decoder_layer")
def two_decoder(
    x,
    z,
    W_q_s,
    W_k_s,
    W_v_s,
    W_o_s,
    γ_1,
    β_1,
    W_q_c,
    W_k_c,
    W_v_c,
    W_o_c,
    γ_2,
    β_2,
    W_1,
    b_1,
    W_2,
    b_2,
    γ_3,
    β_3,
    *,
    heads,
    eps,
):
    """Wrong: two faults: the self-attention is not causal, and the last residual is missing."""
    y = norm(x + attention(x, x, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads), γ_1, β_1, eps)
    u = norm(y + attention(y, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads), γ_2, β_2, eps)
    return norm(ff(u, W_1, b_1, W_2, b_2), γ_3, β_3, eps)


@of("multihead.attention")
def two_multihead(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: two faults: scaled by the whole width H d, and heads joined in reverse order."""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    return join((torch.softmax(q @ k.mT / math.sqrt(W_q.shape[-1]), -1) @ v).flip(-3)) @ W_o


@of("transformer.encoder_layer")
def two_layer(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: two faults: gelu for relu, and eps = 1e-5 is built in for the second normalisation."""
    y = norm(x + attention(x, x, W_q, W_k, W_v, W_o, heads=heads), γ_1, β_1, eps)
    return norm(y + F.gelu(y @ W_1 + b_1) @ W_2 + b_2, γ_2, β_2, 1e-5)


@of("transformer.embed_scaled")
def embed_scaled_by_c(k, P):
    """Wrong: the embedding is multiplied by c, not by its root."""
    return P[k] * P.shape[-1] + sinusoidal(k.shape[-1], P.shape[-1]).to(P)


@of("transformer.embed_scaled")
def embed_scaled_both(k, P):
    """Wrong: the root of c multiplies the positions too."""
    return (P[k] + sinusoidal(k.shape[-1], P.shape[-1]).to(P)) * math.sqrt(P.shape[-1])


@of("transformer.embed")
def embed_from_one(k, P):
    """Wrong: positions are counted from 1."""
    return P[k] + sinusoidal(k.shape[-1] + 1, P.shape[-1])[1:].to(P)


def sinusoidal(t, d):
    pos, i = torch.arange(t, dtype=torch.float64)[:, None], torch.arange(d) // 2
    angle = pos / 10000.0 ** (2 * i.double() / d)
    return torch.where(torch.arange(d) % 2 == 0, torch.sin(angle), torch.cos(angle))


@of("transformer.embed", dtypes=("float32",))
def embed(k, P):
    """Right: positions in float64, rounded once."""
    return P[k] + sinusoidal(k.shape[-1], P.shape[-1]).to(P)


@of("transformer.encoder")
def encoder_last_weights(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: every layer runs with the weights of the first one."""
    for _ in W_q:
        x = encoder_layer(
            x,
            W_q[0],
            W_k[0],
            W_v[0],
            W_o[0],
            γ_1[0],
            β_1[0],
            W_1[0],
            b_1[0],
            W_2[0],
            b_2[0],
            γ_2[0],
            β_2[0],
            heads=heads,
            eps=eps,
        )
    return x


@of("transformer.encoder")
def encoder_one_short(x, W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, *, heads, eps):
    """Wrong: the last layer is not run, if there are more than one."""
    layers = list(zip(W_q, W_k, W_v, W_o, γ_1, β_1, W_1, b_1, W_2, b_2, γ_2, β_2, strict=True))
    for layer in layers[: max(1, len(layers) - 1)]:
        x = encoder_layer(x, *layer, heads=heads, eps=eps)
    return x


@of("transformer.next_token")
def next_token_positions(y, W, b):
    """Wrong: the distribution is normalised over the positions, not over the words."""
    return torch.softmax(y @ W + b, -2)


@of("transformer.logits")
def logits_no_bias(y, W, b):
    """Wrong: the bias is left out (a tied output layer)."""
    return y @ W
