"""Models made of the layers of Keras, on PyTorch: encoders, decoders, and what recurrent networks are used for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import ClaimFields, implements
from attnspec_peers import keras_layers, keras_recurrent

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
LONG = ("float32",)  # a verdict takes long
ENCODER: ClaimFields = {"dtypes": LONG, "devices": CPU, "smallest": {"m": 1}}
LABELS: ClaimFields = {"dtypes": LONG, "devices": CPU, "smallest": {"t": 1}}


@implements("seq2seq.encode_simple_rnn", framework="torch", **ENCODER)
def keras_encode_rnn(x: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.SimpleRNN with return_sequences=True and return_state=True."""
    return tuple(keras_recurrent.sequence("SimpleRNN", x, [h_0], weights))


@implements("seq2seq.encode_gru", framework="torch", **ENCODER)
def keras_encode_gru(x: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.GRU with reset_after=False, return_sequences=True and return_state=True."""
    return tuple(keras_recurrent.sequence("GRU", x, [h_0], keras_recurrent.gru(weights), reset_after=False))


@implements("seq2seq.encode_lstm", framework="torch", **ENCODER)
def keras_encode_lstm(x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.LSTM with return_sequences=True and return_state=True."""
    return tuple(keras_recurrent.sequence("LSTM", x, [h_0, c_0], keras_recurrent.lstm(weights)))


@implements("seq2seq.encode_bidirectional", framework="torch", **ENCODER)
def keras_encode_bidirectional(x: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.Bidirectional of GRU with reset_after=False and return_state=True."""
    halves = [W for half in keras_recurrent.halves(weights) for W in keras_recurrent.gru(half)]
    return tuple(keras_recurrent.both_ways("GRU", x, halves, reset_after=False))


@implements("seq2seq.encode_bidirectional_update_writes", framework="torch", **ENCODER)
def keras_encode_bidirectional_update_writes(x: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.Bidirectional of GRU with reset_after=False and the weights of z negated, since its z keeps."""
    writing = [keras_recurrent.writing(half) for half in keras_recurrent.halves(weights)]
    halves = [W for half in writing for W in keras_recurrent.gru(half)]
    return tuple(keras_recurrent.both_ways("GRU", x, halves, reset_after=False))


@implements("seq2seq.decoder_step_context_outside", framework="torch", dtypes=LONG, devices=CPU)
def keras_decoder_step_context_outside(
    y: Tensor, s: Tensor, c: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    """keras.layers.GRUCell with reset_after=False, on word and context end to end."""
    import torch

    sides = [torch.cat([W_xr, C_r]), torch.cat([W_xz, C_z]), torch.cat([W_xh, C_h])]
    weights = [sides[0], W_hr, b_r, sides[1], W_hz, b_z, sides[2], W_hh, b_h]
    x = torch.cat([y, c], dim=-1)
    return keras_recurrent.cell("GRUCell", x, [s], keras_recurrent.gru(weights), reset_after=False)[0]


@implements("recurrent.simple_rnn_step", framework="torch", dtypes=LONG, devices=CPU)
def keras_rnn_step(
    x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, b_y: Tensor
) -> tuple[Tensor, Tensor]:
    """keras.layers.SimpleRNNCell, and Dense on its state."""
    h_next = keras_recurrent.cell("SimpleRNNCell", x, [h], [W_xh, W_hh, b_h])[0]
    return h_next, keras_layers.dense(h_next, W_hy, b_y)


@implements("recurrent.many_to_many", framework="torch", **LABELS)
def keras_many_to_many(
    x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, b_y: Tensor
) -> Tensor:
    """keras.layers.SimpleRNN with return_sequences=True, and Dense on every output."""
    h = keras_recurrent.sequence("SimpleRNN", x, [h_0], [W_xh, W_hh, b_h])[0]
    return keras_layers.dense(h, W_hy, b_y)


@implements("recurrent.many_to_one", framework="torch", **LABELS)
def keras_many_to_one(
    x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, b_y: Tensor
) -> Tensor:
    """keras.layers.SimpleRNN, and Dense on its last state."""
    _, last = keras_recurrent.sequence("SimpleRNN", x, [h_0], [W_xh, W_hh, b_h])
    return keras_layers.dense(last, W_hy, b_y)


def _decoder(
    target: Tensor, states: list[Tensor], E: Tensor, weights: tuple[Tensor, ...], start: int
) -> tuple[Tensor, Tensor]:
    """Embedding, LSTM and Dense with activation="softmax": distributions, and states."""
    import torch

    *gates, W_hy, b_y = weights
    before = torch.cat([torch.full_like(target[..., :1], start), target[..., :-1]], dim=-1)
    x = keras_layers.embedding(before, E)
    s = keras_recurrent.sequence("LSTM", x, states, keras_recurrent.lstm(gates))[0]
    return keras_layers.dense(s, W_hy, b_y, "softmax"), s


@implements("seq2seq.teacher_forced_lstm", framework="torch", **LABELS)
def keras_teacher_forced_lstm(
    target: Tensor, s_0: Tensor, c_0: Tensor, E: Tensor, *weights: Tensor, start: int
) -> tuple[Tensor, Tensor]:
    """keras.layers.Embedding, LSTM and Dense with activation="softmax"."""
    return _decoder(target, [s_0, c_0], E, weights, start)


@implements("seq2seq.translator_lstm", framework="torch", dtypes=LONG, devices=CPU, smallest={"m": 1, "n": 1})
def keras_translator_lstm(x: Tensor, target: Tensor, E: Tensor, *weights: Tensor, start: int) -> Tensor:
    """keras.layers.LSTM for the source; from its states Embedding, LSTM and Dense with activation="softmax"."""
    _, *states = keras_recurrent.sequence("LSTM", x, [], keras_recurrent.lstm(weights[:12]))
    return _decoder(target, states, E, weights[12:], start)[0]
