"""What is written is the value as it is, with a key less what the memory answers to the value.

https://github.com/fla-org/flash-linear-attention/issues/623
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, scan, sqrt, sum, zeros
from attnspec.notation import Tensor as Given

EQUATION = "delta_rule_corrects_keys.outputs"
OPTIONS: dict[str, object] = {"framework": "torch"}


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


def run(q: Tensor, k: Tensor, v: Tensor, alpha: Tensor, strength: Tensor, of_keys: bool) -> Tensor:
    key = k / torch.sqrt((k * k).sum(-1, keepdim=True) + 0.001)
    state = torch.zeros(*k.shape[:-2], k.shape[-1], v.shape[-1], dtype=k.dtype)
    rows = []
    for t in range(k.shape[-2]):
        c, x = key[..., t, :], v[..., t, :]
        state = alpha[..., t, None, None] * state
        if of_keys:
            c = strength[..., t, None] * (c - (state * x.unsqueeze(-2)).sum(-1))
        else:
            x = strength[..., t, None] * (x - (state * c.unsqueeze(-1)).sum(-2))
        state = state + c.unsqueeze(-1) * x.unsqueeze(-2)
        rows.append((state * q[..., t, :].unsqueeze(-1)).sum(-2))
    return torch.stack(rows, -2) if rows else torch.zeros_like(v)


def faulty(q: Tensor, k: Tensor, v: Tensor, alpha: Tensor, strength: Tensor) -> Tensor:
    return run(q, k, v, alpha, strength, of_keys=True)


def mended(q: Tensor, k: Tensor, v: Tensor, alpha: Tensor, strength: Tensor) -> Tensor:
    return run(q, k, v, alpha, strength, of_keys=False)
