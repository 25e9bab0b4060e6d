"""The sink of a row of scores is that of the remainder of its number by the number of heads, not that of its head.

https://github.com/modular/modular/pull/6591
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, max, size, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "sink_of_row_by_remainder.with_sinks"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="OpenAI 2025, gpt-oss, sdpa; Xiao et al. 2023, arXiv:2309.17453v4, eq. 2"), smallest={"m": 1})
def with_sinks(
    q: Float[Given, "H n d"], k: Float[Given, "H m d"], v: Float[Given, "H m e"], sink: Float[Given, " H"]
) -> Float[Given, "H n e"]:
    """Attention of which each head has a sink, a score that takes its share of the weights and gives nothing."""
    h, i, j = index("H"), index("n"), index("m")
    d = size("d")
    e = (q[h, i] @ k[h, j] / sqrt(d)).stack(h, i, j)
    largest = max(j, e[h, i, j])
    top = where(largest > sink[h], largest, sink[h])
    weight = exp(e[h, i, j] - top)
    total = sum(j, weight) + exp(sink[h] - top)
    return sum(j, weight / total * v[h, j]).stack(h, i)


def attend(q: Tensor, k: Tensor, v: Tensor, sinks: Tensor) -> Tensor:
    scores = q @ k.mT * q.shape[-1] ** -0.5
    batch = np.broadcast_shapes(scores.shape[:-3], v.shape[:-3], sinks.shape[:-2])
    row = scores.shape[-3:-1]
    both = torch.cat([scores.expand(*batch, *scores.shape[-3:]), sinks.expand(*batch, *row)[..., None]], -1)
    return torch.softmax(both, -1)[..., :-1] @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, sink: Tensor) -> Tensor:
    heads, rows = q.shape[-3:-1]
    number = torch.arange(heads * rows).reshape(heads, rows)
    return attend(q, k, v, sink[..., number % heads])


def mended(q: Tensor, k: Tensor, v: Tensor, sink: Tensor) -> Tensor:
    heads, rows = q.shape[-3:-1]
    number = torch.arange(heads)[:, None].expand(heads, rows)
    return attend(q, k, v, sink[..., number])
