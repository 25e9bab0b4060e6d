"""The second half of the queries is made of the keys, and the first half of the keys of the queries.

https://github.com/hpcaitech/ColossalAI/pull/6429
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Array

EQUATION = "rope_crosses_queries_and_keys.rotate_both"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0)})
def rotate_both(
    q: Float[Array, "t 2*d"], k: Float[Array, "t 2*d"], *, base: float
) -> tuple[Float[Array, "t 2*d"], Float[Array, "t 2*d"]]:
    """Columns that are half a row apart are turned by an angle that grows with the row, in queries and keys."""
    t, c = index("t"), index("2*d")
    d = size("d")
    theta = base ** (0 - (c % d) / d)
    q_p = where(c < d, -q[t, c + d], q[t, c - d])
    k_p = where(c < d, -k[t, c + d], k[t, c - d])
    q_r = (q[t, c] * cos(t * theta) + q_p * sin(t * theta)).stack(t, c)
    k_r = (k[t, c] * cos(t * theta) + k_p * sin(t * theta)).stack(t, c)
    return q_r, k_r


def turns(q: Tensor, base: float) -> tuple[Tensor, Tensor]:
    half = q.shape[-1] // 2
    theta = base ** -(torch.arange(half, dtype=torch.float64) / max(half, 1))
    angle = torch.arange(q.shape[-2], dtype=torch.float64).unsqueeze(-1) * theta
    return angle.cos(), angle.sin()


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    first, second = x.double().chunk(2, -1) if x.shape[-1] else (x.double(), x.double())
    return first, second


def both(q: Tensor, k: Tensor, base: float, crosses: bool) -> tuple[Tensor, Tensor]:
    cos, sin = turns(q, base)
    (q_1, q_2), (k_1, k_2) = halves(q), halves(k)
    first = [x * cos - y * sin for x, y in ((q_1, q_2), (k_1, k_2))]
    second = [x * sin + y * cos for x, y in ((q_1, q_2), (k_1, k_2))]
    if crosses:
        first[1], second[0] = first[0], second[1]
    new_q, new_k = (torch.cat(pair, -1) for pair in zip(first, second, strict=True))
    return new_q.to(q.dtype), new_k.to(k.dtype)


def faulty(q: Tensor, k: Tensor, *, base: float) -> tuple[Tensor, Tensor]:
    return both(q, k, base, crosses=True)


def mended(q: Tensor, k: Tensor, *, base: float) -> tuple[Tensor, Tensor]:
    return both(q, k, base, crosses=False)
