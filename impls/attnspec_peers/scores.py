"""The scores that onnxruntime's attention computes on its way."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from attnspec import implements

Array = npt.NDArray[Any]


@implements(
    "scores.scaled_dot", framework="numpy", devices=("cpu",), dtypes=("float32", "float16"),
    smallest={"batch": 1, "n": 1, "m": 1, "d": 1}, finite=True,
)  # fmt: skip
def onnxruntime_attention_scores(q: Array, k: Array) -> Array:
    """The ONNX operator Attention's other result, qk_matmul_output: the scaled scores before mask and softmax."""
    from attnspec_peers import _onnx

    return _onnx.attention(q, k, k, scores=True)
