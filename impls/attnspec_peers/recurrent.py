"""The simple RNN, the GRU and the LSTM of PyTorch and of onnxruntime.

Their GRUs differ by default: PyTorch's resets after the recurrent matrix and has no other form, the ONNX operator
resets before it unless linear_before_reset=1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[Any]

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
TRAINED = ("float32", "bfloat16")  # of whose gradients are asked
LONG = ("float32",)  # the same where a verdict takes long
NOT_EMPTY = {"t": 1, "d": 1, "u": 1}  # where PyTorch's sequence modules raise
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

    h: Tensor = _torch.sequence("RNN", x, h_0[None], [W_xh], [W_hh], [b_h])[0]
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

    gates = [W_xr, W_xz, W_xh], [W_hr, W_hz, W_hh], [b_r, b_z, b_h]
    h: Tensor = _torch.sequence("GRU", x, h_0[None], *gates, b_hh)[0]
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

    gates = [W_xi, W_xf, W_xg, W_xo], [W_hi, W_hf, W_hg, W_ho], [b_i, b_f, b_g, b_o]
    h, (_, c) = _torch.sequence("LSTM", x, (h_0[None], c_0[None]), *gates)
    return h, c[0]


@implements("recurrent.simple_rnn", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES)
def onnxruntime_rnn(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """The ONNX operator RNN; its tanh is 2 * sigmoid(2a) - 1, which near 0 has an error of 1e-7 whatever a is."""
    from attnspec_peers import _onnx

    return _onnx.recurrent("RNN", x, [h_0], [W_xh], [W_hh], [b_h])[0]


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

    gates = [W_xz, W_xr, W_xh], [W_hz, W_hr, W_hh], [b_z, b_r, b_h]
    return _onnx.recurrent("GRU", x, [h_0], *gates, linear_before_reset=0)[0]


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

    gates = [W_xz, W_xr, W_xh], [W_hz, W_hr, W_hh], [b_z, b_r, b_h]
    return _onnx.recurrent("GRU", x, [h_0], *gates, b_hh, linear_before_reset=1)[0]


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

    gates = [W_xi, W_xo, W_xf, W_xg], [W_hi, W_ho, W_hf, W_hg], [b_i, b_o, b_f, b_g]
    h, _, c = _onnx.recurrent("LSTM", x, [h_0, c_0], *gates)
    return h, c
