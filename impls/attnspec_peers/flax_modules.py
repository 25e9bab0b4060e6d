"""The modules of Flax.

Its GRUCell resets after the recurrent matrix and has no other form; its candidate alone has two biases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import ClaimFields, implements

if TYPE_CHECKING:
    from jax import Array

CPU = ("cpu",)
LONG = ("float32",)  # XLA compiles anew for every size
CELL: ClaimFields = {"dtypes": LONG, "devices": CPU, "finite": True}
SEQUENCE: ClaimFields = {"dtypes": LONG, "devices": CPU, "smallest": {"t": 1}, "finite": True}


@implements("recurrent.simple_rnn_cell", framework="jax", **CELL)
def flax_rnn_cell(x: Array, h: Array, *weights: Array) -> Array:
    """flax.linen.SimpleCell."""
    from attnspec_peers import _flax

    return _flax.step("SimpleCell", _flax.rnn(weights), [h], x)[0]


@implements("recurrent.gru_cell_reset_after", framework="jax", **CELL)
@implements("recurrent.gru_cell_reset_after", framework="jax", dtypes=LONG, devices=CPU, finite=True, backward=True)
def flax_gru_cell(x: Array, h: Array, *weights: Array) -> Array:
    """flax.linen.GRUCell."""
    from attnspec_peers import _flax

    return _flax.step("GRUCell", _flax.gru(weights), [h], x)[0]


@implements("recurrent.lstm_cell", framework="jax", **CELL)
@implements("recurrent.lstm_cell", framework="jax", dtypes=LONG, devices=CPU, finite=True, backward=True)
def flax_lstm_cell(x: Array, h: Array, c: Array, *weights: Array) -> tuple[Array, ...]:
    """flax.linen.LSTMCell."""
    from attnspec_peers import _flax

    return _flax.step("LSTMCell", _flax.lstm(weights), [h, c], x)


@implements("recurrent.simple_rnn", framework="jax", **SEQUENCE)
def flax_rnn(x: Array, h_0: Array, *weights: Array) -> Array:
    """flax.linen.RNN of SimpleCell."""
    from attnspec_peers import _flax

    return _flax.sequence("SimpleCell", _flax.rnn(weights), [h_0], x)[0]


@implements("recurrent.gru_reset_after", framework="jax", **SEQUENCE)
def flax_gru(x: Array, h_0: Array, *weights: Array) -> Array:
    """flax.linen.RNN of GRUCell."""
    from attnspec_peers import _flax

    return _flax.sequence("GRUCell", _flax.gru(weights), [h_0], x)[0]


@implements("recurrent.lstm", framework="jax", **SEQUENCE)
def flax_lstm(x: Array, h_0: Array, c_0: Array, *weights: Array) -> tuple[Array, Array]:
    """flax.linen.RNN of LSTMCell."""
    from attnspec_peers import _flax

    h, _, c = _flax.sequence("LSTMCell", _flax.lstm(weights), [h_0, c_0], x)
    return h, c


@implements("recurrent.bidirectional_simple_rnn", framework="jax", **SEQUENCE)
def flax_bidirectional_rnn(x: Array, *weights: Array) -> Array:
    """flax.linen.Bidirectional of two RNNs of SimpleCell."""
    from attnspec_peers import _flax

    halves = [_flax.rnn(half) for half in (weights[:3], weights[3:])]
    return _flax.both_ways("SimpleCell", len(weights[2]), halves, x)


@implements("recurrent.bidirectional_gru_reset_after", framework="jax", **SEQUENCE)
def flax_bidirectional_gru(x: Array, *weights: Array) -> Array:
    """flax.linen.Bidirectional of two RNNs of GRUCell."""
    from attnspec_peers import _flax

    halves = [_flax.gru(half) for half in (weights[:10], weights[10:])]
    return _flax.both_ways("GRUCell", len(weights[2]), halves, x)


@implements("recurrent.bidirectional_lstm", framework="jax", **SEQUENCE)
def flax_bidirectional_lstm(x: Array, *weights: Array) -> Array:
    """flax.linen.Bidirectional of two RNNs of LSTMCell."""
    from attnspec_peers import _flax

    halves = [_flax.lstm(half) for half in (weights[:12], weights[12:])]
    return _flax.both_ways("LSTMCell", len(weights[2]), halves, x)


@implements("transformer.linear", framework="jax", dtypes=LONG, devices=CPU, finite=True)
def flax_dense(x: Array, W: Array, b: Array) -> Array:
    """flax.linen.Dense."""
    from attnspec_peers import _flax

    y: Array = _flax.apply(_flax.linen.Dense(W.shape[-1]), _flax.dense(W, b), x)
    return y


@implements("transformer.layer_norm", framework="jax", dtypes=LONG, devices=CPU, finite=True)
def flax_layer_norm(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """flax.linen.LayerNorm with use_fast_variance=False; its default takes the variance as E[x²] − E[x]²."""
    from attnspec_peers import _flax

    module = _flax.linen.LayerNorm(epsilon=eps, use_fast_variance=False)
    y: Array = _flax.apply(module, {"scale": gamma, "bias": beta}, x)
    return y


@implements("multihead.attention", framework="jax", dtypes=LONG, devices=CPU, smallest={"d": 1}, finite=True)
def flax_multihead(x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array, *, heads: int) -> Array:
    """flax.linen.MultiHeadDotProductAttention with use_bias=False."""
    from attnspec_peers import _flax

    c, width = W_q.shape
    module = _flax.linen.MultiHeadDotProductAttention(heads, qkv_features=width, out_features=c, use_bias=False)
    sides = {"query": W_q, "key": W_k, "value": W_v}
    weights = {name: _flax.dense(W.reshape(c, heads, width // heads)) for name, W in sides.items()}
    y: Array = _flax.apply(module, {**weights, "out": _flax.dense(W_o.reshape(heads, width // heads, c))}, x_q, x_kv)
    return y


@implements("text.embedding", framework="jax", dtypes=LONG, devices=CPU)
def flax_embedding(k: Array, P: Array) -> Array:
    """flax.linen.Embed, with a row of zeros behind the others for what is missing, −1."""
    import jax.numpy as jnp

    from attnspec_peers import _flax

    table = jnp.concatenate([P, jnp.zeros_like(P[:1])])
    x: Array = _flax.apply(_flax.linen.Embed(*table.shape), {"embedding": table}, jnp.where(k < 0, len(P), k))
    return x
