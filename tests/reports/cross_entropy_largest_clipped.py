"""The largest logit is clipped at -64 from below, and not the logits relative to it.

https://github.com/PaddlePaddle/Paddle/pull/21165
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def loss(logits: Array, target: Array, clips: bool) -> Array:
    top = logits.max(-1, keepdims=True)
    if clips:
        top = np.maximum(top, -64)
    x = logits - top
    hit = np.take_along_axis(x, np.asarray(target)[..., None], -1)[..., 0]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(x).sum(-1)) - hit)


def faulty(logits: Array, target: Array) -> Array:
    return loss(logits, target, clips=True)


def mended(logits: Array, target: Array) -> Array:
    return loss(logits, target, clips=False)
