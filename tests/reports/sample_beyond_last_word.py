"""Where rounding leaves the whole sum below the number, the word behind the last one is drawn.

https://github.com/awslabs/sockeye/issues/866
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "seq2seq.sample"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def draw(p: Array, uniform: Array) -> Array:
    return np.asarray((np.cumsum(p, -1, dtype=p.dtype) <= np.asarray(uniform)[..., None]).sum(-1))


def faulty(p: Array, uniform: Array) -> Array:
    return draw(p, uniform)


def mended(p: Array, uniform: Array) -> Array:
    return np.asarray(np.minimum(draw(p, uniform), p.shape[-1] - 1))
