"""The layers of Keras for attention, for dense networks and for what comes out of them, on PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attnspec import ClaimFields, implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
LONG = ("float32",)  # of float64, keras.ops.matmul makes float32
WIDE: ClaimFields = {"dtypes": LONG, "devices": CPU, "finite": True}
HEADS: ClaimFields = {**WIDE, "smallest": {"d": 1}}
SOURCE: ClaimFields = {**WIDE, "smallest": {"m": 1}}
TEXT: ClaimFields = {**WIDE, "smallest": {"t": 1}}


def _attention(
    name: str, weights: list[Tensor], q: Tensor, v: Tensor, k: Tensor | None = None, **options: Any
) -> Tensor:
    """keras.layers.Attention or AdditiveAttention: queries, values and keys, which by default are the values."""
    from attnspec_peers import _keras

    inputs = [_keras.rows(a, 3) for a in (q, v, k) if a is not None]
    answer: Tensor = _keras.call(_keras.kind(name), weights, inputs)
    return answer[0] if q.ndim == 2 else answer


def dense(x: Tensor, W: Tensor, b: Tensor | None = None, activation: str | None = None) -> Tensor:
    """keras.layers.Dense."""
    from attnspec_peers import _keras

    options = {"use_bias": b is not None, "kernel_initializer": "zeros", "activation": activation}
    kind = _keras.kind("Dense", units=W.shape[-1], **options)
    answer: Tensor = _keras.call(kind, [W] if b is None else [W, b], _keras.rows(x))
    return answer[0] if x.ndim == 1 else answer


def embedding(k: Tensor, P: Tensor) -> Tensor:
    """keras.layers.Embedding."""
    from attnspec_peers import _keras

    kind = _keras.kind("Embedding", input_dim=len(P), output_dim=P.shape[-1], embeddings_initializer="zeros")
    x: Tensor = _keras.call(kind, [P], k, dtype=str(P.dtype).removeprefix("torch."))
    return x


@implements("attention.dot_product", framework="torch", **WIDE)
def keras_dot_product(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """keras.layers.Attention, whose scores are not scaled by default."""
    return _attention("Attention", [], q, v, k)


@implements("attention.soft", framework="torch", **WIDE)
def keras_soft(q: Tensor, x: Tensor) -> Tensor:
    """keras.layers.Attention without keys, for which the values stand."""
    return _attention("Attention", [], q, x)


@implements("attention.learned_query", framework="torch", **WIDE)
def keras_learned_query(x: Tensor, q: Tensor) -> Tensor:
    """keras.layers.Attention without keys."""
    return _attention("Attention", [], q, x)


@implements("attention.additive", framework="torch", **WIDE)
def keras_additive(q: Tensor, k: Tensor, v: Tensor, W: Tensor, U: Tensor, v_a: Tensor) -> Tensor:
    """keras.layers.AdditiveAttention, whose scale is v_a, behind a Dense layer on either side."""
    return _attention("AdditiveAttention", [v_a], dense(q, W), v, dense(k, U))


@implements("attention.layer_readout", framework="torch", **WIDE)
def keras_layer_readout(c: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """keras.layers.Dense with activation="softmax"."""
    return dense(c, W, b, "softmax")


@implements("attention_rnn.attentional_state", framework="torch", **WIDE)
def keras_attentional_state(c: Tensor, s: Tensor, W_c: Tensor) -> Tensor:
    """keras.layers.Dense with activation="tanh" and use_bias=False, on both end to end."""
    import torch

    return dense(torch.cat([c, s], dim=-1), W_c, activation="tanh")


@implements("attention_rnn.attentional_distribution", framework="torch", **WIDE)
def keras_attentional_distribution(h_tilde: Tensor, W_s: Tensor) -> Tensor:
    """keras.layers.Dense with activation="softmax" and use_bias=False."""
    return dense(h_tilde, W_s, activation="softmax")


@implements("self_attention.unscaled", framework="torch", **WIDE)
def keras_unscaled(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """keras.layers.Attention behind three Dense layers."""
    return _attention("Attention", [], dense(x, W_q), dense(x, W_v), dense(x, W_k))


@implements("self_attention.cross_unscaled", framework="torch", **WIDE)
def keras_cross_unscaled(x_q: Tensor, x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """keras.layers.Attention behind three Dense layers."""
    return _attention("Attention", [], dense(x_q, W_q), dense(x, W_v), dense(x, W_k))


@implements("self_attention.additive", framework="torch", **WIDE)
def keras_self_additive(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, v_a: Tensor) -> Tensor:
    """keras.layers.AdditiveAttention, whose scale is v_a, behind three Dense layers."""
    return _attention("AdditiveAttention", [v_a], dense(x, W_q), dense(x, W_v), dense(x, W_k))


def _single_head(x_q: Tensor, x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, **options: bool) -> Tensor:
    """keras.layers.MultiHeadAttention with one head, whose last matrix is the identity."""
    import torch

    d, e = W_q.shape[-1], W_v.shape[-1]
    identity = torch.eye(e, dtype=W_v.dtype)[None]
    weights = [W_q[:, None], W_k[:, None], W_v[:, None], identity]
    return _heads(x_q, x, weights, num_heads=1, key_dim=d, value_dim=e, output_shape=e, call=options)


def _heads(
    x_q: Tensor, x: Tensor, weights: list[Tensor], call: dict[str, Any] | None = None, use_bias: bool = False,
    **options: int,
) -> Tensor:  # fmt: skip
    """keras.layers.MultiHeadAttention; its weights have an axis for the heads."""
    from attnspec_peers import _keras

    layer = _keras.kind("MultiHeadAttention", **options, use_bias=use_bias, kernel_initializer="zeros")
    answer: Tensor = _keras.pair(layer, weights, _keras.rows(x_q, 3), _keras.rows(x, 3), **call or {})
    return answer[0] if x_q.ndim == 2 else answer


@implements("self_attention.scaled", framework="torch", **HEADS)
def keras_scaled(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """keras.layers.MultiHeadAttention with one head."""
    return _single_head(x, x, W_q, W_k, W_v)


@implements("self_attention.cross", framework="torch", **HEADS)
def keras_cross(x_q: Tensor, x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """keras.layers.MultiHeadAttention with one head."""
    return _single_head(x_q, x, W_q, W_k, W_v)


@implements("self_attention.causal", framework="torch", **HEADS)
def keras_self_causal(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """keras.layers.MultiHeadAttention with one head and use_causal_mask=True."""
    return _single_head(x, x, W_q, W_k, W_v, use_causal_mask=True)


@implements("multihead.attention", framework="torch", **HEADS)
def keras_multihead(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int
) -> Tensor:
    """keras.layers.MultiHeadAttention with use_bias=False."""
    c, d = len(W_q), W_q.shape[-1] // heads
    weights = [W.reshape(c, heads, d) for W in (W_q, W_k, W_v)]
    return _heads(x_q, x_kv, [*weights, W_o.reshape(heads, d, c)], num_heads=heads, key_dim=d)


@implements("multihead.attention_biased", framework="torch", **HEADS)
def keras_multihead_biased(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor, *, heads: int,
) -> Tensor:  # fmt: skip
    """keras.layers.MultiHeadAttention, with biases by default."""
    c, d = len(W_q), W_q.shape[-1] // heads
    pairs = ((W_q, b_q), (W_k, b_k), (W_v, b_v))
    weights = [part for W, b in pairs for part in (W.reshape(c, heads, d), b.reshape(heads, d))]
    last = [W_o.reshape(heads, d, c), b_o]
    return _heads(x_q, x_kv, [*weights, *last], num_heads=heads, key_dim=d, use_bias=True)


@implements("seq2seq.context_mean", framework="torch", **SOURCE)
def keras_context_mean(h: Tensor) -> Tensor:
    """keras.layers.GlobalAveragePooling1D."""
    from attnspec_peers import _keras

    answer: Tensor = _keras.call(_keras.kind("GlobalAveragePooling1D"), [], _keras.rows(h, 3))
    return answer[0] if h.ndim == 2 else answer


@implements("seq2seq.context_learned_query", framework="torch", **WIDE)
def keras_context_learned_query(h: Tensor, w: Tensor) -> Tensor:
    """keras.layers.Attention without keys, of the one query w."""
    answer = _attention("Attention", [], w.expand(*h.shape[:-2], 1, len(w)), h)
    return answer[..., 0, :]


@implements("seq2seq.context_transform", framework="torch", **SOURCE)
def keras_context_transform(h: Tensor, V: Tensor) -> Tensor:
    """keras.layers.Dense with activation="tanh" and use_bias=False, on the last state."""
    return dense(h[..., -1, :], V, activation="tanh")


@implements("seq2seq.decoder_start", framework="torch", **WIDE)
def keras_decoder_start(c: Tensor, V: Tensor) -> Tensor:
    """keras.layers.Dense with activation="tanh" and use_bias=False."""
    return dense(c, V, activation="tanh")


@implements("seq2seq.output_distribution", framework="torch", **WIDE)
def keras_output_distribution(
    s: Tensor, y: Tensor, c: Tensor, W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor
) -> Tensor:
    """keras.layers.Dense with activation="softmax", on all three end to end."""
    import torch

    return dense(torch.cat([s, y, c], dim=-1), torch.cat([W_o, E_o, C_o]), b, "softmax")


@implements("text.logistic_regression", framework="torch", **TEXT)
def keras_logistic_regression(X: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """keras.layers.Dense with one unit and activation="sigmoid"."""
    p = dense(X.flatten(-2), w[:, None], b[None], "sigmoid")
    return p[..., 0]


@implements("recurrent.classifier", framework="torch", **TEXT)
def keras_classifier(h: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """keras.layers.Dense with one unit and activation="sigmoid", on the last state."""
    p = dense(h[..., -1, :], w[:, None], b[None], "sigmoid")
    return p[..., 0]


@implements("recurrent.readout", framework="torch", **WIDE)
def keras_readout(h: Tensor, W_hy: Tensor, b_y: Tensor) -> Tensor:
    """keras.layers.Dense."""
    return dense(h, W_hy, b_y)


@implements("transformer.logits", framework="torch", **WIDE)
def keras_logits(y: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """keras.layers.Dense."""
    return dense(y, W, b)


@implements("transformer.next_token", framework="torch", **WIDE)
def keras_next_token(y: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """keras.layers.Dense with activation="softmax"."""
    return dense(y, W, b, "softmax")


@implements("transformer.linear", framework="torch", **WIDE)
def keras_linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """keras.layers.Dense."""
    return dense(x, W, b)


@implements("transformer.feed_forward", framework="torch", **WIDE)
def keras_feed_forward(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """keras.layers.Dense with activation="relu", and another one behind it."""
    return dense(dense(x, W_1, b_1, "relu"), W_2, b_2)


@implements("transformer.layer_norm", framework="torch", **WIDE)
def keras_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    """keras.layers.LayerNormalization."""
    from attnspec_peers import _keras

    answer: Tensor = _keras.call(_keras.kind("LayerNormalization", epsilon=eps), [gamma, beta], _keras.rows(x))
    return answer[0] if x.ndim == 1 else answer
