"""The Transformer's layers: normalisation, feed-forward network, residual."""

from __future__ import annotations

import math

import numpy as np

from attnspec import implements
from attnspec_numpy import multihead
from attnspec_numpy._functions import DEVICES, DTYPES, Array, erf, half_in_single, softmax, transposed
from attnspec_numpy.position import sinusoidal


@implements("transformer.layer_norm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def layer_norm(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """The mean is taken off first, so that the variance loses no digits to it."""
    y: Array = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(y).mean(axis=-1, keepdims=True)
    y /= np.sqrt(variance + eps)
    y *= gamma
    y += beta
    return y


@implements("transformer.residual", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def residual(x: Array, f_x: Array) -> Array:
    """One sum."""
    return x + f_x


@implements("transformer.linear", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def linear(x: Array, W: Array, b: Array) -> Array:
    """One product."""
    return x @ W + b


@implements("transformer.feed_forward", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def feed_forward(x: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array) -> Array:
    """Two products; the rectifier between them works in place."""
    a: Array = x @ W_1 + b_1
    np.maximum(a, 0, out=a)
    return a @ W_2 + b_2


@implements("transformer.feed_forward_gelu", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def feed_forward_gelu(x: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array) -> Array:
    """gelu by the C library's erf, element by element: NumPy has none."""
    a = x @ W_1 + b_1
    a *= (1 + erf(a * math.sqrt(0.5))) / 2
    return a @ W_2 + b_2


@implements("transformer.feed_forward_gelu_tanh", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def feed_forward_gelu_tanh(x: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array) -> Array:
    """gelu by tanh, with a + 0.044715 a³ as a (1 + 0.044715 a²)."""
    a = x @ W_1 + b_1
    a *= (1 + np.tanh(math.sqrt(2 / math.pi) * a * (1 + 0.044715 * a * a))) / 2
    return a @ W_2 + b_2


# fmt: off
@implements("transformer.encoder_layer", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_layer(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, gamma_1: Array, beta_1: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other."""
    y = layer_norm(x + multihead.attention(x, x, W_q, W_k, W_v, W_o, heads=heads), gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_pre", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_layer_pre(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, gamma_1: Array, beta_1: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.attention(n_1, n_1, W_q, W_k, W_v, W_o, heads=heads)
    return y + feed_forward(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_layer", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_layer(
    x: Array, z: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array,
    *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other."""
    y = layer_norm(x + multihead.causal(x, x, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads), gamma_1, beta_1, eps=eps)
    u = layer_norm(y + multihead.attention(y, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads), gamma_2, beta_2, eps=eps)
    return layer_norm(u + feed_forward(u, W_1, b_1, W_2, b_2), gamma_3, beta_3, eps=eps)


@implements("transformer.decoder_layer_pre", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_layer_pre(
    x: Array, z: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array,
    *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other, each on what is normalised; z is read as it is."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads)
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    u = y + multihead.attention(n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads)
    return u + feed_forward(layer_norm(u, gamma_3, beta_3, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.encoder", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, gamma_1: Array, beta_1: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    *, heads: int, eps: float,
) -> Array:
    """One layer after the other."""
    weights = (
        W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = encoder_layer(x, *layer, heads=heads, eps=eps)
    return x


@implements("transformer.decoder", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder(
    x: Array, z: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array,
    *, heads: int, eps: float,
) -> Array:
    """One layer after the other, each reading z."""
    weights = (
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2, W_1, b_1,
        W_2, b_2, gamma_3, beta_3,
    )
    for layer in zip(*weights, strict=True):
        x = decoder_layer(x, z, *layer, heads=heads, eps=eps)
    return x


@implements("transformer.encoder_layer_biased", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_layer_biased(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other."""
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x + a, gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_biased_gelu", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_layer_biased_gelu(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other."""
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x + a, gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward_gelu(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_biased_gelu_tanh", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_layer_biased_gelu_tanh(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other."""
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x + a, gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward_gelu_tanh(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_biased_pre", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_layer_biased_pre(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.padded_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    return y + feed_forward(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.encoder_layer_biased_pre_gelu", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_layer_biased_pre_gelu(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.padded_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    return y + feed_forward_gelu(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_layer_biased", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_layer_biased(
    x: Array, z: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array,
    b_q_s: Array, b_k_s: Array, b_v_s: Array, b_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array,
    b_q_c: Array, b_k_c: Array, b_v_c: Array, b_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other."""
    s = multihead.causal_biased(x, x, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    y = layer_norm(x + s, gamma_1, beta_1, eps=eps)
    c = multihead.padded_biased(y, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    u = layer_norm(y + c, gamma_2, beta_2, eps=eps)
    return layer_norm(u + feed_forward(u, W_1, b_1, W_2, b_2), gamma_3, beta_3, eps=eps)


@implements("transformer.decoder_layer_biased_gelu", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_layer_biased_gelu(
    x: Array, z: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array,
    b_q_s: Array, b_k_s: Array, b_v_s: Array, b_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array,
    b_q_c: Array, b_k_c: Array, b_v_c: Array, b_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other."""
    s = multihead.causal_biased(x, x, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    y = layer_norm(x + s, gamma_1, beta_1, eps=eps)
    c = multihead.padded_biased(y, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    u = layer_norm(y + c, gamma_2, beta_2, eps=eps)
    return layer_norm(u + feed_forward_gelu(u, W_1, b_1, W_2, b_2), gamma_3, beta_3, eps=eps)


@implements("transformer.decoder_layer_biased_pre", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_layer_biased_pre(
    x: Array, z: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array,
    b_q_s: Array, b_k_s: Array, b_v_s: Array, b_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array,
    b_q_c: Array, b_k_c: Array, b_v_c: Array, b_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other, each on what is normalised; z is read as it is."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal_biased(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    u = y + multihead.padded_biased(n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    return u + feed_forward(layer_norm(u, gamma_3, beta_3, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_layer_biased_pre_gelu", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_layer_biased_pre_gelu(
    x: Array, z: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array,
    b_q_s: Array, b_k_s: Array, b_v_s: Array, b_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array,
    b_q_c: Array, b_k_c: Array, b_v_c: Array, b_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array,
    mask: Array, *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other, each on what is normalised; z is read as it is."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal_biased(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    u = y + multihead.padded_biased(n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    return u + feed_forward_gelu(layer_norm(u, gamma_3, beta_3, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_only_layer", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_only_layer(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    *, heads: int, eps: float,
) -> Array:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads=heads)
    return y + feed_forward_gelu_tanh(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.encoder_biased_pre", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_biased_pre(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    gamma: Array, beta: Array, mask: Array, *, heads: int, eps: float,
) -> Array:
    """One layer after the other, then the last norm."""
    weights = (
        W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = encoder_layer_biased_pre(x, *(*layer, mask), heads=heads, eps=eps)
    return layer_norm(x, gamma, beta, eps=eps)


@implements("transformer.encoder_only", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encoder_only(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    gamma: Array, beta: Array, mask: Array, *, heads: int, eps: float,
) -> Array:
    """The norm of the embedding, then one layer after the other."""
    x = layer_norm(x, gamma, beta, eps=eps)
    weights = (
        W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = encoder_layer_biased_gelu(x, *(*layer, mask), heads=heads, eps=eps)
    return x


@implements("transformer.decoder_only", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_only(
    k: Array, P: Array, P_pos: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array, b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    gamma_1: Array, beta_1: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_2: Array, beta_2: Array,
    gamma: Array, beta: Array, *, heads: int, eps: float,
) -> Array:
    """One block after the other; the table of the tokens serves twice."""
    x: Array = P[k] + P_pos[: k.shape[-1]]
    weights = (
        W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = decoder_only_layer(x, *layer, heads=heads, eps=eps)
    return layer_norm(x, gamma, beta, eps=eps) @ transposed(P)


@implements("transformer.embed", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def embed(k: Array, P: Array) -> Array:
    """Rows of the table, and the table of positions."""
    return P[k] + sinusoidal(t=k.shape[-1], d=P.shape[-1], dtype=P.dtype)


@implements("transformer.embed_scaled", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def embed_scaled(k: Array, P: Array) -> Array:
    """The rows are scaled as they are read."""
    scaled: Array = P[k] * P.dtype.type(math.sqrt(P.shape[-1]))
    return scaled + sinusoidal(t=k.shape[-1], d=P.shape[-1], dtype=P.dtype)


@implements("transformer.logits", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def logits(y: Array, W: Array, b: Array) -> Array:
    """A linear layer."""
    return linear(y, W, b)


@implements("transformer.next_token", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def next_token(y: Array, W: Array, b: Array) -> Array:
    """Over the vocabulary."""
    return softmax(logits(y, W, b))
