"""The simple RNN, the GRU and the LSTM of PyTorch and of onnxruntime.

Their GRUs differ by default: PyTorch's resets after the recurrent matrix and has no other form, the ONNX operator
resets before it unless linear_before_reset=1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from attnspec import ClaimFields, implements

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[Any]
Layers = tuple[tuple["Tensor", ...], ...]

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
TRAINED = ("float32", "bfloat16")  # of whose gradients are asked
LONG = ("float32",)  # the same where a verdict takes long
NOT_EMPTY = {"t": 1, "d": 1, "u": 1}  # where PyTorch's sequence modules raise
SEQUENCE: ClaimFields = {"dtypes": LONG, "devices": CPU, "smallest": NOT_EMPTY}
LAYERED: ClaimFields = {**SEQUENCE, "smallest": {"t": 1, "d": 1}}
PACKED: ClaimFields = {**SEQUENCE, "smallest": NOT_EMPTY | {"batch": 1}}  # nor is an empty batch packed
ONNX_DTYPES = ("float32", "float16")  # onnxruntime's recurrent operators refuse float64


@implements("recurrent.simple_rnn_cell", framework="torch", dtypes=ALL, devices=CPU)
@implements("recurrent.simple_rnn_cell", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_rnn_cell(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """torch.nn.RNNCell."""
    from attnspec_peers import _torch

    h_next: Tensor = _torch.cell("RNNCell", x, h, [W_xh], [W_hh], [b_h])
    return h_next


@implements("recurrent.simple_rnn", framework="torch", dtypes=ALL, devices=CPU, smallest=NOT_EMPTY)
@implements("recurrent.simple_rnn", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY, backward=True)
def torch_rnn(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """torch.nn.RNN."""
    from attnspec_peers import _torch

    h: Tensor = _torch.sequence("RNN", x, h_0[None], [_torch.direction([W_xh, W_hh, b_h])])[0]
    return h


@implements("recurrent.gru_cell_reset_after", framework="torch", dtypes=ALL, devices=CPU)
@implements("recurrent.gru_cell_reset_after", framework="torch", dtypes=LONG, devices=CPU, backward=True)
def torch_gru_cell(
    x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    """torch.nn.GRUCell, which packs its gates r, z, n; n is the candidate."""
    from attnspec_peers import _torch

    gates = [W_xr, W_xz, W_xh], [W_hr, W_hz, W_hh], [b_r, b_z, b_h]
    h_next: Tensor = _torch.cell("GRUCell", x, h, *gates, b_hh)
    return h_next


@implements("recurrent.gru_reset_after", framework="torch", dtypes=ALL, devices=CPU, smallest=NOT_EMPTY)
def torch_gru(
    x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    """torch.nn.GRU, which packs its gates r, z, n; n is the candidate."""
    from attnspec_peers import _torch

    gates = _torch.Direction([W_xr, W_xz, W_xh], [W_hr, W_hz, W_hh], [b_r, b_z, b_h], b_hh)
    h: Tensor = _torch.sequence("GRU", x, h_0[None], [gates])[0]
    return h


@implements("recurrent.lstm_cell", framework="torch", dtypes=ALL, devices=CPU)
@implements("recurrent.lstm_cell", framework="torch", dtypes=LONG, devices=CPU, backward=True)
def torch_lstm_cell(
    x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """torch.nn.LSTMCell, which packs its gates i, f, g, o."""
    from attnspec_peers import _torch

    gates = [W_xi, W_xf, W_xg, W_xo], [W_hi, W_hf, W_hg, W_ho], [b_i, b_f, b_g, b_o]
    h_next, c_next = _torch.cell("LSTMCell", x, (h, c), *gates)
    return h_next, c_next


@implements("recurrent.lstm", framework="torch", dtypes=ALL, devices=CPU, smallest=NOT_EMPTY)
def torch_lstm(
    x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """torch.nn.LSTM, which packs its gates i, f, g, o."""
    from attnspec_peers import _torch

    gates = _torch.Direction([W_xi, W_xf, W_xg, W_xo], [W_hi, W_hf, W_hg, W_ho], [b_i, b_f, b_g, b_o])
    h, (_, c) = _torch.sequence("LSTM", x, (h_0[None], c_0[None]), [gates])
    return h, c[0]


# The weights come in the equation's order, where the gates are in PyTorch's: r, z, n and i, f, g, o.
@implements("recurrent.bidirectional_simple_rnn", framework="torch", **SEQUENCE)
def torch_bidirectional_rnn(x: Tensor, *weights: Tensor) -> Tensor:
    """torch.nn.RNN with bidirectional=True."""
    from attnspec_peers import _torch

    h: Tensor = _torch.sequence("RNN", x, None, _torch.both_ways(weights))[0]
    return h


@implements("recurrent.bidirectional_gru_reset_after", framework="torch", **SEQUENCE)
def torch_bidirectional_gru(x: Tensor, *weights: Tensor) -> Tensor:
    """torch.nn.GRU with bidirectional=True."""
    from attnspec_peers import _torch

    h: Tensor = _torch.sequence("GRU", x, None, _torch.both_ways(weights))[0]
    return h


@implements("recurrent.bidirectional_lstm", framework="torch", **SEQUENCE)
def torch_bidirectional_lstm(x: Tensor, *weights: Tensor) -> Tensor:
    """torch.nn.LSTM with bidirectional=True."""
    from attnspec_peers import _torch

    h: Tensor = _torch.sequence("LSTM", x, None, _torch.both_ways(weights))[0]
    return h


@implements("recurrent.simple_rnn_lengths", framework="torch", **PACKED)
def torch_rnn_lengths(x: Tensor, length: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """torch.nn.RNN of a packed sequence."""
    from attnspec_peers import _torch

    h, left = _torch.packed("RNN", x, length, (h_0,), [_torch.direction(weights)])
    return h, *left


@implements("recurrent.gru_lengths_reset_after", framework="torch", **PACKED)
def torch_gru_lengths(x: Tensor, length: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """torch.nn.GRU of a packed sequence."""
    from attnspec_peers import _torch

    h, left = _torch.packed("GRU", x, length, (h_0,), [_torch.direction(weights)])
    return h, *left


@implements("recurrent.lstm_lengths", framework="torch", **PACKED)
def torch_lstm_lengths(x: Tensor, length: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """torch.nn.LSTM of a packed sequence."""
    from attnspec_peers import _torch

    h, left = _torch.packed("LSTM", x, length, (h_0, c_0), [_torch.direction(weights)])
    return h, *left


@implements("recurrent.bidirectional_simple_rnn_lengths", framework="torch", **PACKED)
def torch_bidirectional_rnn_lengths(x: Tensor, length: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """torch.nn.RNN with bidirectional=True, of a packed sequence."""
    from attnspec_peers import _torch

    h, left = _torch.packed("RNN", x, length, None, _torch.both_ways(weights))
    return h, *left


@implements("recurrent.bidirectional_gru_lengths_reset_after", framework="torch", **PACKED)
def torch_bidirectional_gru_lengths(x: Tensor, length: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """torch.nn.GRU with bidirectional=True, of a packed sequence."""
    from attnspec_peers import _torch

    h, left = _torch.packed("GRU", x, length, None, _torch.both_ways(weights))
    return h, *left


@implements("recurrent.bidirectional_lstm_lengths", framework="torch", **PACKED)
def torch_bidirectional_lstm_lengths(x: Tensor, length: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """torch.nn.LSTM with bidirectional=True, of a packed sequence."""
    from attnspec_peers import _torch

    h, left = _torch.packed("LSTM", x, length, None, _torch.both_ways(weights))
    return h, *left


@implements("recurrent.stacked_simple_rnn", framework="torch", **LAYERED)
def torch_stacked_rnn(x: Tensor, layers: Layers) -> Tensor:
    """torch.nn.RNN with as many layers."""
    from attnspec_peers import _torch

    h, _ = _torch.stacked("RNN", x, [(layer[:1], [_torch.direction(layer[1:])]) for layer in layers])
    return h


@implements("recurrent.stacked_gru_reset_after", framework="torch", **LAYERED)
def torch_stacked_gru(x: Tensor, layers: Layers) -> Tensor:
    """torch.nn.GRU with as many layers."""
    from attnspec_peers import _torch

    h, _ = _torch.stacked("GRU", x, [(layer[:1], [_torch.direction(layer[1:])]) for layer in layers])
    return h


@implements("recurrent.stacked_lstm", framework="torch", **LAYERED)
def torch_stacked_lstm(x: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
    """torch.nn.LSTM with as many layers."""
    from attnspec_peers import _torch

    h, (_, c) = _torch.stacked("LSTM", x, [(layer[:2], [_torch.direction(layer[2:])]) for layer in layers])
    return h, c


@implements("recurrent.stacked_bidirectional_simple_rnn", framework="torch", **LAYERED)
def torch_stacked_bidirectional_rnn(x: Tensor, layers: Layers) -> Tensor:
    """torch.nn.RNN with as many layers and bidirectional=True."""
    from attnspec_peers import _torch

    h, _ = _torch.stacked("RNN", x, [((), _torch.both_ways(layer)) for layer in layers])
    return h


@implements("recurrent.stacked_bidirectional_gru_reset_after", framework="torch", **LAYERED)
def torch_stacked_bidirectional_gru(x: Tensor, layers: Layers) -> Tensor:
    """torch.nn.GRU with as many layers and bidirectional=True."""
    from attnspec_peers import _torch

    h, _ = _torch.stacked("GRU", x, [((), _torch.both_ways(layer)) for layer in layers])
    return h


@implements("recurrent.stacked_bidirectional_lstm", framework="torch", **LAYERED)
def torch_stacked_bidirectional_lstm(x: Tensor, layers: Layers) -> Tensor:
    """torch.nn.LSTM with as many layers and bidirectional=True."""
    from attnspec_peers import _torch

    h, _ = _torch.stacked("LSTM", x, [((), _torch.both_ways(layer)) for layer in layers])
    return h


@implements("recurrent.simple_rnn", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES)
def onnxruntime_rnn(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """The ONNX operator RNN; its tanh is 2 * sigmoid(2a) - 1, which near 0 has an error of 1e-7 whatever a is."""
    from attnspec_peers import _onnx

    return _onnx.recurrent("RNN", x, [h_0], _onnx.Direction([W_xh], [W_hh], [b_h]))[0]


# On nothing at all (batch, t or d of 0) the operator GRU ends the process; NaN it turns into a number.
@implements(
    "recurrent.gru", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES,
    smallest={"batch": 1, "t": 1, "d": 1, "u": 1}, finite=True,
)  # fmt: skip
def onnxruntime_gru(
    x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """The ONNX operator GRU, which packs its gates z, r, h, with linear_before_reset=0, its default."""
    from attnspec_peers import _onnx

    gates = _onnx.Direction([W_xz, W_xr, W_xh], [W_hz, W_hr, W_hh], [b_z, b_r, b_h])
    return _onnx.recurrent("GRU", x, [h_0], gates, linear_before_reset=0)[0]


@implements(
    "recurrent.gru_reset_after", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES,
    smallest={"batch": 1, "t": 1, "d": 1, "u": 1}, finite=True,
)  # fmt: skip
def onnxruntime_gru_reset_after(
    x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> Array:  # fmt: skip
    """The ONNX operator GRU, which packs its gates z, r, h, with linear_before_reset=1."""
    from attnspec_peers import _onnx

    gates = _onnx.Direction([W_xz, W_xr, W_xh], [W_hz, W_hr, W_hh], [b_z, b_r, b_h], b_hh)
    return _onnx.recurrent("GRU", x, [h_0], gates, linear_before_reset=1)[0]


@implements(
    "recurrent.gru_lengths", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES,
    smallest={"batch": 1, "t": 1, "d": 1, "u": 1}, finite=True,
)  # fmt: skip
def onnxruntime_gru_lengths(
    x: Array, length: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """The ONNX operator GRU with sequence_lens and linear_before_reset=0.

    Where the length is 0, onnxruntime's last state is 0; h_0 is put in its place.
    """
    from attnspec_peers import _onnx

    gates = _onnx.Direction([W_xz, W_xr, W_xh], [W_hz, W_hr, W_hh], [b_z, b_r, b_h])
    h, left = _onnx.recurrent("GRU", x, [h_0], gates, length=length, linear_before_reset=0)
    return h, np.where(length[..., None] > 0, left, h_0)


@implements(
    "recurrent.bidirectional_gru", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES,
    smallest={"batch": 1, "t": 1, "d": 1, "u": 1}, finite=True,
)  # fmt: skip
def onnxruntime_bidirectional_gru(x: Array, *weights: Array) -> Array:
    """The ONNX operator GRU with direction="bidirectional" and linear_before_reset=0."""
    from attnspec_peers import _onnx

    halves = [_onnx.zrh(weights[:9]), _onnx.zrh(weights[9:])]
    return _onnx.recurrent("GRU", x, [], *halves, linear_before_reset=0)[0]


@implements(
    "recurrent.bidirectional_gru_lengths", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES,
    smallest={"batch": 1, "t": 1, "d": 1, "u": 1}, finite=True,
)  # fmt: skip
def onnxruntime_bidirectional_gru_lengths(x: Array, length: Array, *weights: Array) -> tuple[Array, ...]:
    """The ONNX operator GRU with direction="bidirectional", sequence_lens and linear_before_reset=0."""
    from attnspec_peers import _onnx

    halves = [_onnx.zrh(weights[:9]), _onnx.zrh(weights[9:])]
    return tuple(_onnx.recurrent("GRU", x, [], *halves, length=length, linear_before_reset=0))


# The operator LSTM ends the process on an empty batch, and where t = 0 forgets c_0; NaN it turns into a number.
@implements(
    "recurrent.lstm", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES, smallest={"batch": 1, "t": 1, "u": 1},
    finite=True,
)  # fmt: skip
def onnxruntime_lstm(
    x: Array, h_0: Array, c_0: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """The ONNX operator LSTM, which packs its gates i, o, f, c; c is the equation's g."""
    from attnspec_peers import _onnx

    gates = _onnx.Direction([W_xi, W_xo, W_xf, W_xg], [W_hi, W_ho, W_hf, W_hg], [b_i, b_o, b_f, b_g])
    h, _, c = _onnx.recurrent("LSTM", x, [h_0, c_0], gates)
    return h, c
