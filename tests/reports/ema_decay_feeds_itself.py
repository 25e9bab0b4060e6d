"""The bound on the decay is replaced by 1 less the decay of each step, and is the bound of the next one.

https://github.com/huggingface/diffusers/issues/1864
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, scan, where
from attnspec.notation import Tensor as Given

EQUATION = "ema_decay_feeds_itself.averages"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="TensorFlow, tf.train.ExponentialMovingAverage with num_updates"),
    options={"decay": (0.5, 0.9, 0.3)}, sizes={"t": "steps"},
)  # fmt: skip
def averages(x: Float[Given, "t d"], start: Float[Given, " d"], *, decay: float) -> Float[Given, "t d"]:
    """The average of parameters after each step, whose decay grows from 2 / 11 up to a bound."""
    t = index("t")
    grown = (t + 2) / (t + 11)
    rate = where(grown < decay, grown, decay)
    a = scan(t, lambda a: rate * a + (1 - rate) * x[t], start)
    return a.stack(t)


def run(x: Array, start: Array, decay: float, kept: bool) -> Array:
    a, rows = start.copy(), np.empty_like(x)
    for t in range(x.shape[-2]):
        share = 1 - min(decay, (t + 2) / (t + 11))
        if kept:
            decay = share
        a = a - share * (a - x[..., t, :])
        rows[..., t, :] = a
    return rows


def faulty(x: Array, start: Array, *, decay: float) -> Array:
    return run(x, start, decay, kept=True)


def mended(x: Array, start: Array, *, decay: float) -> Array:
    return run(x, start, decay, kept=False)
