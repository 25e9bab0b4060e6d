"""A step of decoding writes one slot too far, and the slot before it, which nothing was written to, is read.

https://github.com/microsoft/onnxruntime-genai/pull/2354
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, concat, index, size, softmax, split, sqrt, sum, transpose
from attnspec.notation import Tensor as Given

EQUATION = "decode_leaves_one_slot_empty.step"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(Source(paper="Shazeer 2019, arXiv:1911.02150v1, sec. 2.4"))
def step(
    q: Float[Given, " d"], k_new: Float[Given, " d"], v_new: Float[Given, " e"],
    K: Float[Given, "t d"], V: Float[Given, "t e"],
) -> Float[Given, " e"]:  # fmt: skip
    """The next row of causal attention, which looks at what is kept and at its own key."""
    j = index("t+1")
    d, width = size("d"), size("e")
    keys = transpose(concat(transpose(K), split(k_new, d)))
    values = transpose(concat(transpose(V), split(v_new, width)))
    p = softmax(j, q @ keys[j] / sqrt(d))
    return sum(j, p * values[j])


def attend(q: Array, k_new: Array, v_new: Array, K: Array, V: Array, empty: int) -> Array:
    batch = np.broadcast_shapes(q.shape[:-1], k_new.shape[:-1], v_new.shape[:-1], K.shape[:-2], V.shape[:-2])
    t = K.shape[-2]
    keys = np.zeros((*batch, t + empty + 1, K.shape[-1]), K.dtype)
    values = np.zeros((*batch, t + empty + 1, V.shape[-1]), V.dtype)
    keys[..., :t, :], values[..., :t, :] = K, V
    keys[..., -1, :], values[..., -1, :] = k_new, v_new
    e = (keys @ q[..., None])[..., 0] / K.dtype.type(K.shape[-1] ** 0.5)
    p = np.exp(e - e.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return np.asarray((p[..., None, :] @ values)[..., 0, :])


def faulty(q: Array, k_new: Array, v_new: Array, K: Array, V: Array) -> Array:
    return attend(q, k_new, v_new, K, V, empty=1 if K.shape[-2] else 0)


def mended(q: Array, k_new: Array, v_new: Array, K: Array, V: Array) -> Array:
    return attend(q, k_new, v_new, K, V, empty=0)
