"""The rows of a group are filled up to a multiple of 32, and the rows of zeros count in the mean and the variance.

https://github.com/tenstorrent/tt-metal/issues/50682
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "group_norm_counts_padded_rows.group_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Wu and He 2018, arXiv:1803.08494v3, eq. 1 to 3"), options={"eps": (1e-5, 1e-3)}, smallest={"s": 1}
)
def group_norm(x: Float[Given, "s g c"], *, eps: float) -> Float[Given, "s g c"]:
    """Groups of channels, channels last, less their mean and over their deviation."""
    i, h, k = index("s"), index("g"), index("c")
    n = size("c") * size("s")
    mean = (sum(i, sum(k, x[i, h, k])) / n).stack(h)
    centred = (x[i, h, k] - mean[h]).stack(i, h, k)
    deviation = sqrt(sum(i, sum(k, centred[i, h, k] * centred[i, h, k])) / n + eps).stack(h)
    y = centred[i, h, k] / deviation[h]
    return y.stack(i, h, k)


def norm(x: Tensor, rows: Tensor, eps: float) -> Tensor:
    mean = rows.mean((-3, -1), keepdim=True)
    variance = (rows - mean).square().mean((-3, -1), keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps)


def faulty(x: Tensor, *, eps: float) -> Tensor:
    return norm(x, torch.nn.functional.pad(x, (0, 0, 0, 0, 0, -x.shape[-3] % 32)), eps)


def mended(x: Tensor, *, eps: float) -> Tensor:
    return norm(x, x, eps)
