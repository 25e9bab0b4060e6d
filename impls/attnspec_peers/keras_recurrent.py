"""The recurrent layers of Keras, on PyTorch.

Its GRU resets after the recurrent matrix by default, and before it with reset_after=False. It packs its gates z, r, h,
its LSTM i, f, c, o; c is the equation's g. In padding it repeats the last output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attnspec import ClaimFields, implements

if TYPE_CHECKING:
    from torch import Tensor

Layers = tuple[tuple["Tensor", ...], ...]

CPU = ("cpu",)
ALL = ("float32", "float16", "bfloat16")  # of float64, keras.ops.matmul makes float32: keras_gru_cell shows it
LONG = ("float32",)  # where a verdict takes long
CELL: ClaimFields = {"dtypes": ALL, "devices": CPU}
SEQUENCE: ClaimFields = {"dtypes": ALL, "devices": CPU, "smallest": {"t": 1}}
COMPOSED: ClaimFields = {"dtypes": LONG, "devices": CPU, "smallest": {"t": 1}}

BEFORE: dict[str, Any] = {"reset_after": False}
AFTER: dict[str, Any] = {"reset_after": True}


def gru(arrays: Sequence[Tensor]) -> list[Tensor]:
    """The weights of a GRU, from W_x, W_h and b of r, z and the candidate in turn, then its second bias if any."""
    import torch

    from attnspec_peers import _keras

    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, *more = arrays
    bias = _keras.packed([b_z, b_r, b_h])
    if more:
        zero = torch.zeros_like(b_h)
        bias = torch.stack([bias, _keras.packed([zero, zero, *more])])
    return [_keras.packed([W_xz, W_xr, W_xh]), _keras.packed([W_hz, W_hr, W_hh]), bias]


def lstm(arrays: Sequence[Tensor]) -> list[Tensor]:
    """The weights of an LSTM, from W_x, W_h and b of i, f, g and o in turn."""
    from attnspec_peers import _keras

    return [_keras.packed(arrays[0::3]), _keras.packed(arrays[1::3]), _keras.packed(arrays[2::3])]


def cell(name: str, x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], **options: Any) -> list[Tensor]:
    """One step; the new states."""
    from attnspec_peers import _keras

    kind = _keras.recurrent(name, units=states[0].shape[-1], **options)
    given = [_keras.rows(state) for state in states]
    _, after = _keras.call(kind, weights, _keras.rows(x), states=given)
    after = after if isinstance(after, list | tuple) else [after]
    return [state[0] if x.ndim == 1 else state for state in after]


def sequence(
    name: str, x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], length: Tensor | None = None,
    **options: Any,
) -> list[Tensor]:  # fmt: skip
    """Every output, then the last states; without first states they are 0."""
    from attnspec_peers import _keras

    more: dict[str, Any] = {}
    if states:
        given = [_keras.rows(state) for state in states]
        more["initial_state"] = given if len(given) > 1 else given[0]
    if length is not None:
        more["mask"] = _mask(x, length)
    kind = _keras.recurrent(name, units=len(weights[1]), **options, return_sequences=True, return_state=True)
    answer = list(_keras.call(kind, weights, _keras.rows(x, 3), **more))
    return [each[0] for each in answer] if x.ndim == 2 else answer


def both_ways(
    name: str, x: Tensor, weights: Sequence[Tensor], length: Tensor | None = None, **options: Any
) -> list[Tensor]:
    """Every output of keras.layers.Bidirectional, then the last states, each of both halves."""
    import torch

    from attnspec_peers import _keras

    more: dict[str, Any] = {} if length is None else {"mask": _mask(x, length)}
    inner = _keras.recurrent(name, units=len(weights[1]), **options, return_sequences=True, return_state=True)
    y, *ends = _keras.call(_keras.kind("Bidirectional", inner), weights, _keras.rows(x, 3), **more)
    half = len(ends) // 2
    answer = [y, *(torch.cat(pair, dim=-1) for pair in zip(ends[:half], ends[half:], strict=True))]
    return [each[0] for each in answer] if x.ndim == 2 else answer


def _mask(x: Tensor, length: Tensor) -> Tensor:
    import torch

    from attnspec_peers import _keras

    return torch.arange(x.shape[-2]) < _keras.rows(length, 1)[:, None]


def halves(weights: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """The weights of the forward half, and of the backward one."""
    return weights[: len(weights) // 2], weights[len(weights) // 2 :]


def writing(weights: Sequence[Tensor]) -> list[Tensor]:
    """The weights of a GRU whose z writes, for one whose z keeps: those of z negated."""
    return [-W if 3 <= place < 6 else W for place, W in enumerate(weights)]


@implements("recurrent.simple_rnn_cell", framework="torch", **CELL)
def keras_rnn_cell(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """keras.layers.SimpleRNNCell."""
    return cell("SimpleRNNCell", x, [h], [W_xh, W_hh, b_h])[0]


@implements("recurrent.gru_cell", framework="torch", dtypes=("float64", *ALL), devices=CPU)
@implements("recurrent.gru_cell", framework="torch", dtypes=LONG, devices=CPU, backward=True)
def keras_gru_cell(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.GRUCell with reset_after=False."""
    return cell("GRUCell", x, [h], gru(weights), **BEFORE)[0]


@implements("recurrent.gru_cell_reset_after", framework="torch", **CELL)
def keras_gru_cell_reset_after(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.GRUCell, which resets after the recurrent matrix by default."""
    return cell("GRUCell", x, [h], gru(weights), **AFTER)[0]


@implements("recurrent.lstm_cell", framework="torch", **CELL)
def keras_lstm_cell(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.LSTMCell."""
    return tuple(cell("LSTMCell", x, [h, c], lstm(weights)))


@implements("recurrent.simple_rnn", framework="torch", **SEQUENCE)
def keras_rnn(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """keras.layers.SimpleRNN with return_sequences=True."""
    return sequence("SimpleRNN", x, [h_0], [W_xh, W_hh, b_h])[0]


@implements("recurrent.gru", framework="torch", **SEQUENCE)
@implements(
    "recurrent.gru", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1}, backward=True,
)  # fmt: skip
def keras_gru(x: Tensor, h_0: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.GRU with reset_after=False and return_sequences=True."""
    return sequence("GRU", x, [h_0], gru(weights), **BEFORE)[0]


@implements("recurrent.gru_reset_after", framework="torch", **SEQUENCE)
def keras_gru_reset_after(x: Tensor, h_0: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.GRU with return_sequences=True; it resets after the recurrent matrix by default."""
    return sequence("GRU", x, [h_0], gru(weights), **AFTER)[0]


@implements("recurrent.lstm", framework="torch", **COMPOSED)
def keras_lstm(x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    """keras.layers.LSTM with return_sequences=True."""
    h, _, c = sequence("LSTM", x, [h_0, c_0], lstm(weights))
    return h, c


@implements("recurrent.simple_rnn_lengths_repeats", framework="torch", **COMPOSED)
def keras_rnn_lengths(x: Tensor, length: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.SimpleRNN with a mask."""
    return tuple(sequence("SimpleRNN", x, [h_0], weights, length))


@implements("recurrent.gru_lengths_repeats", framework="torch", **COMPOSED)
def keras_gru_lengths(x: Tensor, length: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.GRU with a mask and reset_after=False."""
    return tuple(sequence("GRU", x, [h_0], gru(weights), length, **BEFORE))


@implements("recurrent.gru_lengths_reset_after_repeats", framework="torch", **COMPOSED)
def keras_gru_lengths_reset_after(x: Tensor, length: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.GRU with a mask."""
    return tuple(sequence("GRU", x, [h_0], gru(weights), length, **AFTER))


@implements("recurrent.lstm_lengths_repeats", framework="torch", **COMPOSED)
def keras_lstm_lengths(x: Tensor, length: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.LSTM with a mask."""
    return tuple(sequence("LSTM", x, [h_0, c_0], lstm(weights), length))


@implements("recurrent.bidirectional_simple_rnn", framework="torch", **COMPOSED)
def keras_bidirectional_rnn(x: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.Bidirectional of SimpleRNN."""
    return both_ways("SimpleRNN", x, weights)[0]


@implements("recurrent.bidirectional_gru", framework="torch", **COMPOSED)
def keras_bidirectional_gru(x: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.Bidirectional of GRU with reset_after=False."""
    one, other = halves(weights)
    return both_ways("GRU", x, [*gru(one), *gru(other)], **BEFORE)[0]


@implements("recurrent.bidirectional_gru_reset_after", framework="torch", **COMPOSED)
def keras_bidirectional_gru_reset_after(x: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.Bidirectional of GRU."""
    one, other = halves(weights)
    return both_ways("GRU", x, [*gru(one), *gru(other)], **AFTER)[0]


@implements("recurrent.bidirectional_lstm", framework="torch", **COMPOSED)
def keras_bidirectional_lstm(x: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.Bidirectional of LSTM."""
    one, other = halves(weights)
    return both_ways("LSTM", x, [*lstm(one), *lstm(other)])[0]


@implements("recurrent.bidirectional_simple_rnn_lengths", framework="torch", **COMPOSED)
def keras_bidirectional_rnn_lengths(x: Tensor, length: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.Bidirectional of SimpleRNN with a mask; unlike the layer by itself it gives 0 in padding."""
    return tuple(both_ways("SimpleRNN", x, weights, length))


@implements("recurrent.bidirectional_gru_lengths", framework="torch", **COMPOSED)
def keras_bidirectional_gru_lengths(x: Tensor, length: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.Bidirectional of GRU with a mask and reset_after=False; it gives 0 in padding."""
    one, other = halves(weights)
    return tuple(both_ways("GRU", x, [*gru(one), *gru(other)], length, **BEFORE))


@implements("recurrent.bidirectional_gru_lengths_reset_after", framework="torch", **COMPOSED)
def keras_bidirectional_gru_lengths_reset_after(x: Tensor, length: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.Bidirectional of GRU with a mask; it gives 0 in padding."""
    one, other = halves(weights)
    return tuple(both_ways("GRU", x, [*gru(one), *gru(other)], length, **AFTER))


@implements("recurrent.bidirectional_lstm_lengths", framework="torch", **COMPOSED)
def keras_bidirectional_lstm_lengths(x: Tensor, length: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """keras.layers.Bidirectional of LSTM with a mask; it gives 0 in padding."""
    one, other = halves(weights)
    return tuple(both_ways("LSTM", x, [*lstm(one), *lstm(other)], length))


def _stacked(cell: str, x: Tensor, layers: Sequence[tuple[list[Tensor], list[Tensor]]], **options: Any) -> list[Any]:
    """keras.layers.RNN of cells on top of each other, from their states and weights: every output, the last states."""
    from attnspec_peers import _keras

    cells = [_keras.recurrent(cell, units=states[0].shape[-1], **options) for states, _ in layers]
    given = [[_keras.rows(state) for state in states] for states, _ in layers]
    first = given if len(given[0]) > 1 else [states[0] for states in given]
    kind = _keras.kind("RNN", *cells, return_sequences=True, return_state=True)
    weights = [W for _, each in layers for W in each]
    return list(_keras.call(kind, weights, _keras.rows(x, 3), initial_state=first))


@implements("recurrent.stacked_gru", framework="torch", **COMPOSED)
def keras_stacked_gru(x: Tensor, layers: Layers) -> Tensor:
    """keras.layers.RNN of several GRUCells with reset_after=False."""
    y: Tensor = _stacked("GRUCell", x, [([h], gru(weights)) for h, *weights in layers], **BEFORE)[0]
    return y[0] if x.ndim == 2 else y


@implements("recurrent.stacked_gru_reset_after", framework="torch", **COMPOSED)
def keras_stacked_gru_reset_after(x: Tensor, layers: Layers) -> Tensor:
    """keras.layers.RNN of several GRUCells."""
    y: Tensor = _stacked("GRUCell", x, [([h], gru(weights)) for h, *weights in layers], **AFTER)[0]
    return y[0] if x.ndim == 2 else y


@implements("recurrent.stacked_lstm", framework="torch", **COMPOSED)
def keras_stacked_lstm(x: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
    """keras.layers.RNN of several LSTMCells."""
    y, *ends = _stacked("LSTMCell", x, [([h, c], lstm(weights)) for h, c, *weights in layers])
    c = ends[-1][1]
    return (y[0], c[0]) if x.ndim == 2 else (y, c)


@implements("recurrent.stacked_bidirectional_gru", framework="torch", **COMPOSED)
def keras_stacked_bidirectional_gru(x: Tensor, layers: Layers) -> Tensor:
    """keras.layers.Bidirectional of GRU with reset_after=False, on top of each other."""
    for weights in layers:
        x = keras_bidirectional_gru(x, *weights)
    return x


@implements("recurrent.gru_cell_update_writes", framework="torch", dtypes=LONG, devices=CPU)
@implements("recurrent.gru_cell_update_writes", framework="torch", dtypes=LONG, devices=CPU, backward=True)
def keras_gru_cell_update_writes(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.GRUCell with reset_after=False and the weights of z negated, since its z keeps."""
    return cell("GRUCell", x, [h], gru(writing(weights)), **BEFORE)[0]


@implements("recurrent.gru_update_writes", framework="torch", **COMPOSED)
@implements(
    "recurrent.gru_update_writes", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1}, backward=True
)
def keras_gru_update_writes(x: Tensor, h_0: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.GRU with reset_after=False and the weights of z negated, since its z keeps."""
    return sequence("GRU", x, [h_0], gru(writing(weights)), **BEFORE)[0]


@implements("recurrent.bidirectional_gru_update_writes", framework="torch", **COMPOSED)
def keras_bidirectional_gru_update_writes(x: Tensor, *weights: Tensor) -> Tensor:
    """keras.layers.Bidirectional of GRU with reset_after=False and the weights of z negated, since its z keeps."""
    one, other = halves(weights)
    return both_ways("GRU", x, [*gru(writing(one)), *gru(writing(other))], **BEFORE)[0]


@implements("recurrent.simple_rnn_cell_concat", framework="torch", dtypes=LONG, devices=CPU)
def keras_rnn_cell_concat(x: Tensor, h: Tensor, A: Tensor, b: Tensor) -> Tensor:
    """keras.layers.SimpleRNNCell with the two halves of A."""
    return cell("SimpleRNNCell", x, [h], [A[len(b) :], A[: len(b)], b])[0]
