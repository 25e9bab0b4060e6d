"""The products of keys of a chunk are decayed also where they meet the state from before it, which has its own decay.

https://github.com/NeuraLegion/shainet/pull/170
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, scan, sqrt, sum, zeros
from attnspec.notation import Tensor as Given

EQUATION = "delta_rule_gram_decayed.outputs"
OPTIONS: dict[str, object] = {"framework": "torch"}

CHUNK = 16


@equation(
    Source(paper="Yang et al. 2024, arXiv:2412.06464v3, eq. 10"),
    scales={"alpha": "uniform", "strength": "uniform"}, sizes={"t": "steps"},
)  # fmt: skip
def outputs(
    q: Float[Given, "t d"], k: Float[Given, "t d"], v: Float[Given, "t e"],
    alpha: Float[Given, " t"], strength: Float[Given, " t"],
) -> Float[Given, "t e"]:  # fmt: skip
    """A memory that decays, and learns at each step what it does not yet answer to a key; keys have the length 1."""
    t, i, j, l = index("t"), index("d"), index("e"), index("d")
    key = (k[t, i] / sqrt(sum(l, k[t, l] * k[t, l]) + 0.001)).stack(t, i)
    S = scan(
        t,
        lambda S: (
            alpha[t] * S[i, j] + strength[t] * (v[t, j] - alpha[t] * sum(l, key[t, l] * S[l, j])) * key[t, i]
        ).stack(i, j),
        zeros("d e"),
    )
    return (q[t] @ S).stack(t)


def lower(gram: Tensor) -> Tensor:
    return torch.eye(gram.shape[-1]).to(gram.dtype) + gram.tril(-1)


def one(q: Tensor, k: Tensor, v: Tensor, alpha: Tensor, strength: Tensor, both: bool) -> Tensor:
    q, k, v, alpha, strength = (a.double() for a in (q, k, v, alpha, strength))
    key = k / torch.sqrt((k * k).sum(-1, keepdim=True) + 0.001)
    state = torch.zeros(k.shape[-1], v.shape[-1], dtype=torch.float64)
    rows = [torch.zeros(0, v.shape[-1], dtype=torch.float64)]
    for start in range(0, len(q), CHUNK):
        part = slice(start, start + CHUNK)
        c, b = key[part], strength[part, None]
        length = len(c)
        later = torch.ones(length, length).tril(-1).bool()
        decay = torch.where(later, alpha[part, None], 1).cumprod(0).tril()
        since = alpha[part, None].cumprod(0)
        gram = c @ c.mT
        known = torch.linalg.solve_triangular(lower(b * (gram * decay if both else gram)), b * c, upper=False)
        new = torch.linalg.solve_triangular(lower(b * gram * decay), b * v[part], upper=False)
        delta = new - since * known @ state
        rows.append(since * (q[part] @ state) + (q[part] @ c.mT * decay) @ delta)
        state = since[-1] * state + (decay[-1, :, None] * c).mT @ delta
    return torch.cat(rows)


def run(q: Tensor, k: Tensor, v: Tensor, alpha: Tensor, strength: Tensor, both: bool) -> Tensor:
    out = torch.zeros_like(v)
    for place in torch.cartesian_prod(*(torch.arange(n) for n in v.shape[:-2])) if v.ndim > 2 else [()]:
        at = tuple(torch.as_tensor(place).reshape(-1).tolist())
        out[at] = one(q[at], k[at], v[at], alpha[at], strength[at], both).to(v.dtype)
    return out


def faulty(q: Tensor, k: Tensor, v: Tensor, alpha: Tensor, strength: Tensor) -> Tensor:
    return run(q, k, v, alpha, strength, both=True)


def mended(q: Tensor, k: Tensor, v: Tensor, alpha: Tensor, strength: Tensor) -> Tensor:
    return run(q, k, v, alpha, strength, both=False)
