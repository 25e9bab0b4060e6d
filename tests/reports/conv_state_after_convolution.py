"""Behind a prompt the state of a convolution is made of its outputs, not of its inputs.

https://github.com/state-spaces/mamba/pull/1027
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "conv_state_after_convolution.prefilled"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Gu and Dao 2023, arXiv:2312.00752v2, sec. 3.4; the last w inputs are kept"), largest={"w": 5})
def prefilled(x: Float[Given, "t d"], weight: Float[Given, "w d"]) -> tuple[Float[Given, "t d"], Float[Given, "w d"]]:
    """A causal convolution of each channel, and its last w inputs, 0 before the first."""
    i, k, j = index("t"), index("d"), index("w")
    t, w = size("t"), size("w")
    y = sum(j, x[i - (w - 1) + j, k] * weight[j, k])
    state = x[t - w + j, k]
    return y.stack(i, k), state.stack(j, k)


def convolved(x: Tensor, weight: Tensor) -> Tensor:
    t, w = x.shape[-2], weight.shape[-2]
    padded = torch.nn.functional.pad(x, (0, 0, max(w - 1, 0), 0))
    y = torch.zeros_like(x)
    for j in range(w):
        y = y + padded[..., j : j + t, :] * weight[..., j : j + 1, :]
    return y


def last(rows: Tensor, w: int) -> Tensor:
    padded = torch.nn.functional.pad(rows, (0, 0, w, 0))
    return padded[..., padded.shape[-2] - w :, :]


def faulty(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    y = convolved(x, weight)
    return y, last(y, weight.shape[-2])


def mended(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return convolved(x, weight), last(x, weight.shape[-2])
