"""The factor by which slow frequencies are divided stands in the base, under the exponent.

https://github.com/apache/tvm/pull/18576
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, size, where
from attnspec.notation import Tensor as Given

EQUATION = "yarn_scale_under_exponent.frequencies"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Peng et al. 2023, arXiv:2309.00071v2, sec. 3.2"),
    options={"base": (10_000.0, 500.0), "factor": (4.0, 32.0), "low": (0.2, 0.4), "high": (0.7, 0.9)},
)
def frequencies(*, d: int, base: float, factor: float, low: float, high: float) -> Float[Given, " d"]:
    """Frequencies of d pairs: fast ones stay, slow ones are divided by the factor, with a ramp in between."""
    k = index("d")
    x = k / size("d")
    ramp = (x - low) / (high - low)
    slow = where(ramp < 0, 0, where(ramp > 1, 1, ramp))
    fast = base ** (0 - x)
    frequency = fast / factor * slow + fast * (1 - slow)
    return frequency.stack(k)


def yarn(d: int, base: float, low: float, high: float, slow: Array) -> Array:
    x = np.arange(d) / max(d, 1)
    ramp = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(slow * ramp + base**-x * (1 - ramp), np.float32)


def faulty(*, d: int, base: float, factor: float, low: float, high: float) -> Array:
    return yarn(d, base, low, high, (factor * base) ** (-np.arange(d) / max(d, 1)))


def mended(*, d: int, base: float, factor: float, low: float, high: float) -> Array:
    return yarn(d, base, low, high, base ** (-np.arange(d) / max(d, 1)) / factor)
