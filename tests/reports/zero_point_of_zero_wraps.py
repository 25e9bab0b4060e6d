"""A zero point is stored less 1 in four bits, and 0 comes back as 16.

https://github.com/ModelCloud/GPTQModel/issues/2350
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, indices, sum
from attnspec.notation import Tensor as Given

EQUATION = "zero_point_of_zero_wraps.linear"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Jacob et al. 2018, arXiv:1712.05877v1, eq. 1"), scales={"zero": "bit", "scale": "positive"},
)  # fmt: skip
def linear(
    x: Float[Given, "t d"], code: Float[Given, "d e"], zero: Int[Given, " e"], scale: Float[Given, " e"]
) -> Float[Given, "t e"]:
    """A linear map whose matrix is kept as codes, with a zero point and a scale for each column."""
    i, j, k = indices("t", "e", "d")
    y = sum(k, x[i, k] * (code[k, j] - zero[j]) * scale[j])
    return y.stack(i, j)


def multiply(x: Tensor, code: Tensor, zero: Tensor, scale: Tensor) -> Tensor:
    return x @ ((code - zero.to(code.dtype)[..., None, :]) * scale[..., None, :])


def faulty(x: Tensor, code: Tensor, zero: Tensor, scale: Tensor) -> Tensor:
    packed = (zero - 1) & 15
    return multiply(x, code, packed + 1, scale)


def mended(x: Tensor, code: Tensor, zero: Tensor, scale: Tensor) -> Tensor:
    return multiply(x, code, zero, scale)
