"""The bias of the step size is in what the kernel is given, and the kernel adds it once more.

https://github.com/ml-explore/mlx-lm/pull/1153
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, scan, softplus, zeros
from attnspec.notation import Tensor as Given

EQUATION = "ssm_bias_of_step_twice.states"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Gu and Dao 2023, arXiv:2312.00752v2, alg. 2; a state for each column"), sizes={"t": "steps"},
)  # fmt: skip
def states(x: Float[Given, "t d"], raw: Float[Given, "t d"], b_delta: Float[Given, " d"]) -> Float[Given, "t d"]:
    """States that fade the more, and take up the more, the larger the step."""
    t = index("t")
    delta = softplus(raw[t] + b_delta).stack(t)
    h = scan(t, lambda h: exp(-delta[t]) * h + delta[t] * x[t], zeros("d"))
    return h.stack(t)


def run(x: Array, steps: Array) -> Array:
    h = np.zeros_like(x[..., :0, :].sum(-2))
    given = np.empty_like(x)
    for t in range(x.shape[-2]):
        delta = np.logaddexp(0, steps[..., t, :])
        h = np.exp(-delta) * h + delta * x[..., t, :]
        given[..., t, :] = h
    return given


def faulty(x: Array, raw: Array, b_delta: Array) -> Array:
    projected = raw + b_delta
    return run(x, np.asarray(projected + b_delta))


def mended(x: Array, raw: Array, b_delta: Array) -> Array:
    return run(x, np.asarray(raw + b_delta))
