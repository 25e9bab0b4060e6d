"""The Transformer's layers: normalisation, feed-forward network, residual."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch import multihead
from attnspec_torch._functions import DTYPES
from attnspec_torch.position import sinusoidal


@implements("transformer.layer_norm", framework="torch", dtypes=DTYPES)
def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    """PyTorch's kernel, which has float32 inside for the half types."""
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)


@implements("transformer.residual", framework="torch", dtypes=DTYPES)
def residual(x: Tensor, f_x: Tensor) -> Tensor:
    """One sum."""
    return x + f_x


@implements("transformer.linear", framework="torch", dtypes=DTYPES)
def linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """The bias is added inside the product."""
    return F.linear(x, W.mT, b)


@implements("transformer.feed_forward", framework="torch", dtypes=DTYPES)
def feed_forward(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """Each bias is added inside its product."""
    return F.linear(F.linear(x, W_1.mT, b_1).relu(), W_2.mT, b_2)


@implements("transformer.feed_forward_gelu", framework="torch", dtypes=DTYPES)
def feed_forward_gelu(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """As feed_forward, with PyTorch's gelu."""
    return F.linear(F.gelu(F.linear(x, W_1.mT, b_1)), W_2.mT, b_2)


@implements("transformer.feed_forward_gelu_tanh", framework="torch", dtypes=DTYPES)
def feed_forward_gelu_tanh(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """As feed_forward, with PyTorch's approximate gelu."""
    return F.linear(F.gelu(F.linear(x, W_1.mT, b_1), approximate="tanh"), W_2.mT, b_2)


# fmt: off
@implements("transformer.encoder_layer", framework="torch", dtypes=DTYPES)
def encoder_layer(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_2: Tensor, beta_2: Tensor,
    *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other."""
    y = layer_norm(x + multihead.attention(x, x, W_q, W_k, W_v, W_o, heads=heads), gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_pre", framework="torch", dtypes=DTYPES)
def encoder_layer_pre(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_2: Tensor, beta_2: Tensor,
    *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.attention(n_1, n_1, W_q, W_k, W_v, W_o, heads=heads)
    return y + feed_forward(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_layer", framework="torch", dtypes=DTYPES)
def decoder_layer(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other."""
    y = layer_norm(x + multihead.causal(x, x, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads), gamma_1, beta_1, eps=eps)
    u = layer_norm(y + multihead.attention(y, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads), gamma_2, beta_2, eps=eps)
    return layer_norm(u + feed_forward(u, W_1, b_1, W_2, b_2), gamma_3, beta_3, eps=eps)


@implements("transformer.decoder_layer_pre", framework="torch", dtypes=DTYPES)
def decoder_layer_pre(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other, each on what is normalised; z is read as it is."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads)
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    u = y + multihead.attention(n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads)
    return u + feed_forward(layer_norm(u, gamma_3, beta_3, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.encoder", framework="torch", dtypes=DTYPES)
def encoder(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_2: Tensor, beta_2: Tensor,
    *, heads: int, eps: float,
) -> Tensor:
    """One layer after the other."""
    weights = (
        W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = encoder_layer(x, *layer, heads=heads, eps=eps)
    return x


@implements("transformer.decoder", framework="torch", dtypes=DTYPES)
def decoder(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    *, heads: int, eps: float,
) -> Tensor:
    """One layer after the other, each reading z."""
    weights = (
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2, W_1, b_1,
        W_2, b_2, gamma_3, beta_3,
    )
    for layer in zip(*weights, strict=True):
        x = decoder_layer(x, z, *layer, heads=heads, eps=eps)
    return x


def _positions(k: Tensor, P: Tensor) -> Tensor:
    """A vector for the position of each token, where the table is."""
    return sinusoidal(t=k.shape[-1], d=P.shape[-1], dtype=P.dtype).to(P.device)


@implements("transformer.encoder_layer_biased", framework="torch", dtypes=DTYPES)
def encoder_layer_biased(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other."""
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x + a, gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_biased_gelu", framework="torch", dtypes=DTYPES)
def encoder_layer_biased_gelu(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other."""
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x + a, gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward_gelu(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_biased_gelu_tanh", framework="torch", dtypes=DTYPES)
def encoder_layer_biased_gelu_tanh(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other."""
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x + a, gamma_1, beta_1, eps=eps)
    return layer_norm(y + feed_forward_gelu_tanh(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)


@implements("transformer.encoder_layer_biased_pre", framework="torch", dtypes=DTYPES)
def encoder_layer_biased_pre(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.padded_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    return y + feed_forward(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.encoder_layer_biased_pre_gelu", framework="torch", dtypes=DTYPES)
def encoder_layer_biased_pre_gelu(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.padded_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    return y + feed_forward_gelu(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_layer_biased", framework="torch", dtypes=DTYPES)
def decoder_layer_biased(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other."""
    s = multihead.causal_biased(x, x, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    y = layer_norm(x + s, gamma_1, beta_1, eps=eps)
    c = multihead.padded_biased(y, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    u = layer_norm(y + c, gamma_2, beta_2, eps=eps)
    return layer_norm(u + feed_forward(u, W_1, b_1, W_2, b_2), gamma_3, beta_3, eps=eps)


@implements("transformer.decoder_layer_biased_gelu", framework="torch", dtypes=DTYPES)
def decoder_layer_biased_gelu(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other."""
    s = multihead.causal_biased(x, x, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    y = layer_norm(x + s, gamma_1, beta_1, eps=eps)
    c = multihead.padded_biased(y, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    u = layer_norm(y + c, gamma_2, beta_2, eps=eps)
    return layer_norm(u + feed_forward_gelu(u, W_1, b_1, W_2, b_2), gamma_3, beta_3, eps=eps)


@implements("transformer.decoder_layer_biased_pre", framework="torch", dtypes=DTYPES)
def decoder_layer_biased_pre(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other, each on what is normalised; z is read as it is."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal_biased(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    u = y + multihead.padded_biased(n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    return u + feed_forward(layer_norm(u, gamma_3, beta_3, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_layer_biased_pre_gelu", framework="torch", dtypes=DTYPES)
def decoder_layer_biased_pre_gelu(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other, each on what is normalised; z is read as it is."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal_biased(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads)
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    u = y + multihead.padded_biased(n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads)
    return u + feed_forward_gelu(layer_norm(u, gamma_3, beta_3, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.decoder_only_layer", framework="torch", dtypes=DTYPES)
def decoder_only_layer(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    *, heads: int, eps: float,
) -> Tensor:
    """One sub-layer after the other, each on what is normalised."""
    n_1 = layer_norm(x, gamma_1, beta_1, eps=eps)
    y = x + multihead.causal_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads=heads)
    return y + feed_forward_gelu_tanh(layer_norm(y, gamma_2, beta_2, eps=eps), W_1, b_1, W_2, b_2)


@implements("transformer.encoder_biased_pre", framework="torch", dtypes=DTYPES)
def encoder_biased_pre(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    gamma: Tensor, beta: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One layer after the other, then the last norm."""
    weights = (
        W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = encoder_layer_biased_pre(x, *(*layer, mask), heads=heads, eps=eps)
    return layer_norm(x, gamma, beta, eps=eps)


@implements("transformer.encoder_only", framework="torch", dtypes=DTYPES)
def encoder_only(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    gamma: Tensor, beta: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """The norm of the embedding, then one layer after the other."""
    x = layer_norm(x, gamma, beta, eps=eps)
    weights = (
        W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = encoder_layer_biased_gelu(x, *(*layer, mask), heads=heads, eps=eps)
    return x


@implements("transformer.decoder_only", framework="torch", dtypes=DTYPES)
def decoder_only(
    k: Tensor, P: Tensor, P_pos: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor,
    gamma: Tensor, beta: Tensor, *, heads: int, eps: float,
) -> Tensor:
    """One block after the other; the table of the tokens serves twice."""
    x = F.embedding(k, P) + P_pos[: k.shape[-1]]
    weights = (
        W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2,
    )
    for layer in zip(*weights, strict=True):
        x = decoder_only_layer(x, *layer, heads=heads, eps=eps)
    return layer_norm(x, gamma, beta, eps=eps) @ P.mT


@implements("transformer.embed", framework="torch", dtypes=DTYPES)
def embed(k: Tensor, P: Tensor) -> Tensor:
    """Rows of the table, and the table of positions."""
    return F.embedding(k, P) + _positions(k, P)


@implements("transformer.embed_scaled", framework="torch", dtypes=DTYPES)
def embed_scaled(k: Tensor, P: Tensor) -> Tensor:
    """The rows are scaled as they are read."""
    return F.embedding(k, P) * math.sqrt(P.shape[-1]) + _positions(k, P)


@implements("transformer.logits", framework="torch", dtypes=DTYPES)
def logits(y: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """A linear layer."""
    return linear(y, W, b)


@implements("transformer.next_token", framework="torch", dtypes=DTYPES)
def next_token(y: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Over the vocabulary."""
    return logits(y, W, b).softmax(-1)
