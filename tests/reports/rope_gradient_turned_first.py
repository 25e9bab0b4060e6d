"""The gradient is turned and then multiplied by the sine, which is right only where both halves have the same sine.

https://github.com/PaddlePaddle/Paddle/pull/74716
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_gradient_turned_first.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"))
def gradient(
    d_y: Float[Given, "t 2*d"], cosine: Float[Given, "t 2*d"], sine: Float[Given, "t 2*d"]
) -> Float[Given, "t 2*d"]:
    """What y = x cos + turned(x) sin gives back, where turned swaps the halves and negates the first."""
    t, k = index("t"), index("2*d")
    d = size("d")
    partner = where(k < d, d_y[t, k + d] * sine[t, k + d], -d_y[t, k - d] * sine[t, k - d])
    d_x = d_y[t, k] * cosine[t, k] + partner
    return d_x.stack(t, k)


def turned(x: Tensor) -> Tensor:
    first, second = x.chunk(2, -1) if x.shape[-1] else (x, x)
    return torch.cat([-second, first], -1) if x.shape[-1] else x


def faulty(d_y: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    return d_y * cosine - turned(d_y) * sine


def mended(d_y: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    return d_y * cosine - turned(d_y * sine)
