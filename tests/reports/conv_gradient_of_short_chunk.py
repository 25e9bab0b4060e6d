"""In a chunk shorter than the kept state its gradient is read from the first slot on, and not up to the last.

https://github.com/fla-org/flash-linear-attention/issues/1140
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "conv_gradient_of_short_chunk.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Gu and Dao 2023, arXiv:2312.00752v2, sec. 3.4; the last w inputs are kept; by the chain rule"),
    largest={"w": 5},
)  # fmt: skip
def gradient(
    d_y: Float[Given, "t d"], d_state: Float[Given, "w d"], weight: Float[Given, "w d"]
) -> Float[Given, "t d"]:
    """The gradient of the inputs of a causal convolution, of whose inputs the last w are given on."""
    i, k, j = index("t"), index("d"), index("w")
    t, w = size("t"), size("w")
    through = sum(j, d_y[i + (w - 1) - j, k] * weight[j, k])
    return (through + d_state[i + w - t, k]).stack(i, k)


def run(d_y: Tensor, d_state: Tensor, weight: Tensor, clamped: bool) -> Tensor:
    t, w = d_y.shape[-2], weight.shape[-2]
    d_x = torch.zeros_like(d_y)
    for i in range(t):
        for j in range(w):
            later = i + (w - 1) - j
            if later < t:
                d_x[..., i, :] += d_y[..., later, :] * weight[..., j, :]
        first = max(0, t - w) if clamped else t - w
        if i >= first:
            d_x[..., i, :] += d_state[..., i - first, :]
    return d_x


def faulty(d_y: Tensor, d_state: Tensor, weight: Tensor) -> Tensor:
    return run(d_y, d_state, weight, clamped=True)


def mended(d_y: Tensor, d_state: Tensor, weight: Tensor) -> Tensor:
    return run(d_y, d_state, weight, clamped=False)
