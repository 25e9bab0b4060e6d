"""The offset of each column is taken for one of codes around 0, and shifted by eight scales more.

https://github.com/mit-han-lab/llm-awq/pull/321
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, indices, sum
from attnspec.notation import Tensor as Given

EQUATION = "codes_shifted_by_eight.linear"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(Source(paper="Lin et al. 2024, arXiv:2306.00978v5, eq. 1; with an offset"), scales={"scale": "positive"})
def linear(
    x: Float[Given, "t d"], code: Float[Given, "d e"], scale: Float[Given, " e"], offset: Float[Given, " e"]
) -> Float[Given, "t e"]:
    """A linear map whose matrix is kept as codes, with a scale and an offset for each column."""
    i, j, k = indices("t", "e", "d")
    y = sum(k, x[i, k] * (code[k, j] * scale[j] + offset[j]))
    return y.stack(i, j)


def multiply(x: Array, code: Array, scale: Array, offset: Array) -> Array:
    return np.asarray(x @ (code * scale[..., None, :] + offset[..., None, :]))


def faulty(x: Array, code: Array, scale: Array, offset: Array) -> Array:
    return multiply(x, code, scale, np.asarray(offset - 8 * scale))


def mended(x: Array, code: Array, scale: Array, offset: Array) -> Array:
    return multiply(x, code, scale, offset)
