"""The reference evaluator of ONNX: what the operators mean by the standard's own code, in NumPy.

It claims no empty arrays, which onnxruntime refuses too, and no NaN or infinity, as `attention` says of the operators.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from attnspec import implements

Array = npt.NDArray[Any]

CPU = ("cpu",)
DTYPES = ("float64", "float32")
SCORED = {"batch": 1, "n": 1, "m": 1}
WEIGHED = {**SCORED, "d": 1, "e": 1}
STEPS = {"batch": 1, "t": 1, "d": 1, "u": 1}


@implements("attention.weights", framework="numpy", smallest=SCORED, dtypes=DTYPES, devices=CPU, finite=True)
def onnx_softmax(e: Array) -> Array:
    """The operator Softmax."""
    from attnspec_peers import _onnx

    return _onnx.run("Softmax", {"input": e}, ["output"], reference=True, axis=-1)[0]


@implements(
    "attention.scaled_dot_product", framework="numpy", smallest=WEIGHED, dtypes=DTYPES, devices=CPU, finite=True
)
def onnx_scaled_dot_product(q: Array, k: Array, v: Array) -> Array:
    """The operator Attention."""
    from attnspec_peers import _onnx

    return _onnx.attention(q, k, v, reference=True)


@implements("attention.causal_top_left", framework="numpy", smallest=WEIGHED, dtypes=DTYPES, devices=CPU, finite=True)
def onnx_causal_top_left(q: Array, k: Array, v: Array) -> Array:
    """The operator Attention with is_causal=1."""
    from attnspec_peers import _onnx

    return _onnx.attention(q, k, v, reference=True, is_causal=1)


# Not in float64: an attribute of an ONNX operator is a float32, and epsilon is rounded to it.
@implements(
    "transformer.layer_norm",
    framework="numpy",
    smallest={"batch": 1, "d": 1},
    dtypes=("float32",),
    devices=CPU,
    finite=True,
)
def onnx_layer_norm(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """The operator LayerNormalization."""
    from attnspec_peers import _onnx

    inputs = {"X": x, "Scale": gamma, "B": beta}
    return _onnx.run("LayerNormalization", inputs, ["Y"], reference=True, axis=-1, epsilon=eps)[0]


@implements("recurrent.simple_rnn", framework="numpy", smallest=STEPS, dtypes=DTYPES, devices=CPU, finite=True)
def onnx_rnn(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """The operator RNN."""
    from attnspec_peers import _onnx

    return _onnx.recurrent("RNN", x, [h_0], _onnx.Direction([W_xh], [W_hh], [b_h]), reference=True)[0]


@implements("recurrent.gru", framework="numpy", smallest=STEPS, dtypes=DTYPES, devices=CPU, finite=True)
def onnx_gru(x: Array, h_0: Array, *weights: Array) -> Array:
    """The operator GRU with linear_before_reset=0."""
    from attnspec_peers import _onnx

    return _onnx.recurrent("GRU", x, [h_0], _onnx.zrh(weights), reference=True, linear_before_reset=0)[0]


@implements("recurrent.gru_reset_after", framework="numpy", smallest=STEPS, dtypes=DTYPES, devices=CPU, finite=True)
def onnx_gru_reset_after(x: Array, h_0: Array, *weights: Array) -> Array:
    """The operator GRU with linear_before_reset=1."""
    from attnspec_peers import _onnx

    gates = _onnx.zrh(weights[:-1])._replace(b_hh=weights[-1])
    return _onnx.recurrent("GRU", x, [h_0], gates, reference=True, linear_before_reset=1)[0]
