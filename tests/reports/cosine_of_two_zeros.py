"""Two norms are bounded from below, and their product rounds to 0.

https://github.com/tracel-ai/burn/issues/5584
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "cosine_of_two_zeros.cosine"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="PyTorch, torch.nn.functional.cosine_similarity, each norm bounded from below"))
def cosine(x: Float[Given, " d"], y: Float[Given, " d"]) -> Float[Given, ""]:
    """The cosine of the angle between two vectors; 0 where one is 0."""
    k = index("d")
    a = sum(k, x[k] * x[k])
    b = sum(k, y[k] * y[k])
    u = where(a > 0, x[k] / sqrt(a), 0)
    w = where(b > 0, y[k] / sqrt(b), 0)
    return sum(k, u * w)


TINY = 2.0**-126


def norm(x: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return length.clamp(min=TINY)


def faulty(x: Tensor, y: Tensor) -> Tensor:
    return (x * y).sum(-1) / (norm(x) * norm(y)).squeeze(-1)


def mended(x: Tensor, y: Tensor) -> Tensor:
    return (x / norm(x) * (y / norm(y))).sum(-1)
