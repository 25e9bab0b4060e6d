"""Of rows of one component only the sign is kept, without eps: 0 is 0 / 0.

https://github.com/tenstorrent/tt-metal/issues/55347
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "rms_norm_of_one_column.rms_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def rms_norm(x: Float[Given, " d"], gamma: Float[Given, " d"], *, eps: float) -> Float[Given, " d"]:
    """Each component over the root of the mean of the squares, then a gain."""
    k = index("d")
    d = size("d")
    y = x[k] / sqrt(sum(k, x[k] * x[k]) / d + eps) * gamma[k]
    return y.stack(k)


def faulty(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    if x.shape[-1] == 1:
        return x / x.abs() * gamma
    return mended(x, gamma, eps=eps)


def mended(x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * gamma
