"""A group is read in a block of a power of two; what is beyond the group is hidden only behind the last channel.

https://github.com/flagos-ai/FlagGems/issues/4984
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "group_norm_reads_next_group.group_norm"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Wu and He 2018, arXiv:1803.08494v3, eq. 1 to 3"), options={"eps": (1e-5, 1e-3)}, smallest={"s": 1}
)
def group_norm(
    x: Float[Given, "g c s"], gamma: Float[Given, "g c"], beta: Float[Given, "g c"], *, eps: float
) -> Float[Given, "g c s"]:
    """Groups of channels less their mean, over their deviation; then a gain and a shift for each channel."""
    h, k, i = index("g"), index("c"), index("s")
    n = size("c") * size("s")
    mean = (sum(k, sum(i, x[h, k, i])) / n).stack(h)
    centred = (x[h, k, i] - mean[h]).stack(h, k, i)
    deviation = sqrt(sum(k, sum(i, centred[h, k, i] * centred[h, k, i])) / n + eps).stack(h)
    y = centred[h, k, i] / deviation[h] * gamma[h, k] + beta[h, k]
    return y.stack(h, k, i)


def norm(x: Array, gamma: Array, beta: Array, eps: float, reads_on: bool) -> Array:
    groups, channels, places = x.shape[-3:]
    lanes = 1 << max(channels - 1, 0).bit_length() if reads_on else channels
    lane = np.arange(groups)[:, None] * channels + np.arange(lanes)
    inside = (lane < groups * channels)[..., None]
    flat = x.reshape(*x.shape[:-3], groups * channels, places)
    block = np.where(inside, flat[..., np.minimum(lane, groups * channels - 1), :], 0)
    mean = block.sum((-2, -1), keepdims=True) / (channels * places)
    centred = np.where(inside, block - mean, 0)
    variance = (centred * centred).sum((-2, -1), keepdims=True) / (channels * places)
    y = (x - mean) / np.sqrt(variance + x.dtype.type(eps))
    return np.asarray(y * gamma[..., None] + beta[..., None])


def faulty(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return norm(x, gamma, beta, eps, reads_on=True)


def mended(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return norm(x, gamma, beta, eps, reads_on=False)
