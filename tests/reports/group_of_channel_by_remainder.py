"""The group of a channel is taken by a remainder, where channels of one group stand together.

https://github.com/tenstorrent/tt-metal/pull/56202
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "group_of_channel_by_remainder.gain_gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Wu and He 2018, arXiv:1803.08494v3, eq. 1 to 6"), smallest={"s": 1}, scales={"r": "positive"})
def gain_gradient(
    d_y: Float[Given, "g c s"], x: Float[Given, "g c s"], mean: Float[Given, " g"], r: Float[Given, " g"]
) -> Float[Given, "g c"]:
    """The gradient of the gains of group norm, given the mean of each group and its reciprocal deviation."""
    h, k, i = index("g"), index("c"), index("s")
    d_gamma = sum(i, d_y[h, k, i] * (x[h, k, i] - mean[h]) * r[h])
    return d_gamma.stack(h, k)


def gradient(d_y: Tensor, x: Tensor, mean: Tensor, r: Tensor, group: Tensor) -> Tensor:
    groups, channels, places = x.shape[-3:]
    centred = x.reshape(*x.shape[:-3], groups * channels, places) - mean[..., group, None]
    terms = d_y.reshape(centred.shape) * (centred * r[..., group, None])
    return terms.sum(-1).reshape(x.shape[:-1])


def faulty(d_y: Tensor, x: Tensor, mean: Tensor, r: Tensor) -> Tensor:
    groups, channels = x.shape[-3:-1]
    return gradient(d_y, x, mean, r, torch.arange(groups * channels) % max(groups, 1))


def mended(d_y: Tensor, x: Tensor, mean: Tensor, r: Tensor) -> Tensor:
    groups, channels = x.shape[-3:-1]
    return gradient(d_y, x, mean, r, torch.arange(groups * channels) // max(channels, 1))
