"""Wrong implementations of large equations: those of attnspec_numpy with one mistake, which the docstring says.

Each equation has a wrong number, which a diagnosis names, and a term that no known mistake has, so that all are tried.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import implements
from attnspec_numpy import backward, generation, multihead, recurrent, transformer

Array = Any
TOO_LARGE = np.float32(1.03)


def bent(a: Array) -> Array:
    """A number with a small part of its square, which is the mistake of all `bent_` functions."""
    return a + np.float32(0.05) * a * a


decodes = implements("generation.transformer_beam_decode", framework="numpy")
teaches = implements("backward.gru", framework="numpy")
reads_both_ways = implements("recurrent.bidirectional_lstm_lengths", framework="numpy")
encodes = implements("transformer.encoder_layer", framework="numpy")
recalls = implements("recurrent.lstm", framework="numpy")
of_decoder = implements("transformer.decoder_layer", framework="numpy")


@decodes
def transformer_beam_decode(z: Array, P: Array, *weights: Array, **options: Any) -> Array:
    """The logits are 1.03 times too large before the bias."""
    *before, W, b = weights
    return generation.transformer_beam_decode(z, P, *before, TOO_LARGE * W, b, **options)


@decodes
def bent_transformer_beam_decode(z: Array, P: Array, *weights: Array, **options: Any) -> Array:
    """The scores are bent."""
    tokens, score = generation.transformer_beam_decode(z, P, *weights, **options)
    return tokens, bent(score)


@teaches
def gru(d_h: Array, x: Array, h_0: Array, *weights: Array) -> Array:
    """d_x is 1.03 times too large."""
    d_x, *others = backward.gru(d_h, x, h_0, *weights)
    return TOO_LARGE * d_x, *others


@teaches
def bent_gru(d_h: Array, x: Array, h_0: Array, *weights: Array) -> Array:
    """All gradients but those of x and h_0 are bent."""
    d_x, d_h_0, *learned = backward.gru(d_h, x, h_0, *weights)
    return d_x, d_h_0, *map(bent, learned)


@reads_both_ways
def bidirectional_lstm_lengths(x: Array, length: Array, *weights: Array) -> Array:
    """The outputs of the second direction are 1.03 times too large, its states are not."""
    y, h, c = recurrent.bidirectional_lstm_lengths(x, length, *weights)
    u = y.shape[-1] // 2
    return np.concatenate([y[..., :u], TOO_LARGE * y[..., u:]], -1), h, c


@reads_both_ways
def bent_bidirectional_lstm_lengths(x: Array, length: Array, *weights: Array) -> Array:
    """The last states are bent."""
    y, h, c = recurrent.bidirectional_lstm_lengths(x, length, *weights)
    return y, bent(h), bent(c)


def decoded(x: Array, z: Array, *weights: Array, heads: int, eps: float, changed: Any) -> Array:
    own, norm_1, cross, norm_2, fed, norm_3 = (
        weights[start:stop] for start, stop in ((0, 4), (4, 6), (6, 10), (10, 12), (12, 16), (16, 18))
    )
    y = transformer.layer_norm(x + multihead.causal(x, x, *own, heads=heads), *norm_1, eps=eps)
    u = transformer.layer_norm(y + multihead.attention(y, z, *cross, heads=heads), *norm_2, eps=eps)
    return transformer.layer_norm(u + changed(transformer.feed_forward(u, *fed)), *norm_3, eps=eps)


@of_decoder
def decoder_layer(x: Array, z: Array, *weights: Array, heads: int, eps: float) -> Array:
    """What the feed-forward network adds is 1.03 times too large."""
    return decoded(x, z, *weights, heads=heads, eps=eps, changed=lambda a: TOO_LARGE * a)


@of_decoder
def bent_decoder_layer(x: Array, z: Array, *weights: Array, heads: int, eps: float) -> Array:
    """What the feed-forward network adds is bent."""
    return decoded(x, z, *weights, heads=heads, eps=eps, changed=bent)


def encoded(x: Array, *weights: Array, heads: int, eps: float, changed: Any) -> Array:
    attended, norm_1, fed, norm_2 = weights[:4], weights[4:6], weights[6:10], weights[10:]
    y = x + changed(multihead.attention(x, x, *attended, heads=heads))
    y = transformer.layer_norm(y, *norm_1, eps=eps)
    return transformer.layer_norm(y + transformer.feed_forward(y, *fed), *norm_2, eps=eps)


@encodes
def encoder_layer(x: Array, *weights: Array, heads: int, eps: float) -> Array:
    """What attention adds is 1.03 times too large."""
    return encoded(x, *weights, heads=heads, eps=eps, changed=lambda a: TOO_LARGE * a)


@encodes
def bent_encoder_layer(x: Array, *weights: Array, heads: int, eps: float) -> Array:
    """What attention adds is bent."""
    return encoded(x, *weights, heads=heads, eps=eps, changed=bent)


@recalls
def lstm(x: Array, h_0: Array, c_0: Array, *weights: Array) -> Array:
    """The forget gate adds its bias twice."""
    W_xi, W_hi, b_i, W_xf, W_hf, b_f, *others = weights
    return recurrent.lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f + b_f, *others)


@recalls
def bent_lstm(x: Array, h_0: Array, c_0: Array, *weights: Array) -> Array:
    """The bias of the forget gate is bent."""
    W_xi, W_hi, b_i, W_xf, W_hf, b_f, *others = weights
    return recurrent.lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, bent(b_f), *others)
