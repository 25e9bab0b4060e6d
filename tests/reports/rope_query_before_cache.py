"""The place of the query is read from the keys before those of the cache are put in front: it is always 0.

https://github.com/RobertCsordas/moeut/pull/6
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, softmax, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_query_before_cache.step"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0)})
def step(
    q: Float[Given, " 2*d"], k_new: Float[Given, " 2*d"], v_new: Float[Given, " e"],
    k: Float[Given, "t 2*d"], v: Float[Given, "t e"], *, base: float
) -> Float[Given, " e"]:  # fmt: skip
    """The next row of causal attention; its query and key are turned by the place t, the keys so far are already."""
    c, j = index("2*d"), index("t+1")
    t, d = size("t"), size("d")
    angle = t * base ** (0 - (c // 2) / d)
    q_turned = (q[c] * cos(angle) + where(c % 2 == 0, -q[c + 1], q[c - 1]) * sin(angle)).stack(c)
    k_turned = (k_new[c] * cos(angle) + where(c % 2 == 0, -k_new[c + 1], k_new[c - 1]) * sin(angle)).stack(c)
    e = (q_turned @ k[1 * j] + where(j == t, q_turned @ k_turned, 0)) / sqrt(2 * d)
    alpha = softmax(j, e)
    return sum(j, alpha * (v[1 * j] + where(j == t, v_new, 0)))


def turned(x: Tensor, place: int, base: float) -> Tensor:
    width = x.shape[-1]
    angle = place * base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1).flatten(-2)


def attend(q: Tensor, k_new: Tensor, v_new: Tensor, k: Tensor, v: Tensor) -> Tensor:
    keys, values = torch.cat([k, k_new.unsqueeze(-2)], -2), torch.cat([v, v_new.unsqueeze(-2)], -2)
    p = torch.softmax((keys @ q.unsqueeze(-1)).squeeze(-1) / q.shape[-1] ** 0.5, -1)
    return (p.unsqueeze(-2) @ values).squeeze(-2)


def faulty(q: Tensor, k_new: Tensor, v_new: Tensor, k: Tensor, v: Tensor, *, base: float) -> Tensor:
    return attend(turned(q, 0, base), turned(k_new, k.shape[-2], base), v_new, k, v)


def mended(q: Tensor, k_new: Tensor, v_new: Tensor, k: Tensor, v: Tensor, *, base: float) -> Tensor:
    return attend(turned(q, k.shape[-2], base), turned(k_new, k.shape[-2], base), v_new, k, v)
