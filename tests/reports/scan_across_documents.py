"""Documents are packed into one row, and the state of one goes on in the next.

https://github.com/PrimeIntellect-ai/prime-rl/pull/3001
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, scan, where, zeros
from attnspec.notation import Tensor as Given

EQUATION = "scan_across_documents.states"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Gu and Dao 2023, arXiv:2312.00752v2, eq. 2"), scales={"a": "uniform"})
def states(a: Float[Given, "t d"], b: Float[Given, "t d"], begins: Bool[Given, " t"]) -> Float[Given, "t d"]:
    """A state that decays and takes up an input at each step, and is 0 before a document begins."""
    t = index("t")
    h = scan(t, lambda h: a[t] * where(begins[t], 0, h) + b[t], zeros("d"))
    return h.stack(t)


def run(a: Tensor, b: Tensor, begins: Tensor) -> Tensor:
    h = torch.zeros_like(b[..., :0, :].sum(-2))
    rows = []
    for t in range(b.shape[-2]):
        h = a[..., t, :] * torch.where(begins[..., t, None], 0, h) + b[..., t, :]
        rows.append(h)
    return torch.stack(rows, -2) if rows else torch.zeros_like(b)


def faulty(a: Tensor, b: Tensor, begins: Tensor) -> Tensor:
    return run(a, b, torch.zeros_like(begins))


def mended(a: Tensor, b: Tensor, begins: Tensor) -> Tensor:
    return run(a, b, begins)
