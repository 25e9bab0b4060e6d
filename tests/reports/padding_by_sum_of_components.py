"""A key is taken for padding if its components sum to 0, and not only if each of them is 0.

https://github.com/Kyubyong/transformer/pull/69
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, abs, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "padding_by_sum_of_components.attend"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Vaswani et al. 2017, arXiv:1706.03762v7, sec. 3.2.1; rows of zeros are padding"))
def attend(q: Float[Given, "n d"], k: Float[Given, "m d"], v: Float[Given, "m e"]) -> Float[Given, "n e"]:
    """Scaled attention to the keys that are not 0 in all components; over none it is 0."""
    i, j, l = index("n"), index("m"), index("d")
    d = size("d")
    weight = sum(l, abs(k[j, l])).stack(j)
    seen = weight[j] > 0
    p = softmax(j, q[i] @ k[j] / sqrt(d), where=seen).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=seen)
    return c.stack(i)


def attention(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    e = (q @ k.mT / max(q.shape[-1], 1) ** 0.5).masked_fill(~seen.unsqueeze(-2), float("-inf"))
    p = torch.softmax(e, -1)
    return torch.where(seen.unsqueeze(-2).any(-1, keepdim=True), p, torch.zeros_like(p)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, k.sum(-1).abs() > 0)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, k.abs().sum(-1) > 0)
