"""Each row of the state has a thread of a group, which has no more than 256.

https://github.com/microsoft/onnxruntime/pull/27996
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index
from attnspec.notation import Tensor as Given

EQUATION = "linear_attention_rows_beyond_256.step"
OPTIONS: dict[str, object] = {"framework": "torch"}

THREADS = 256


@equation(Source(paper="Sun et al. 2023, arXiv:2307.08621v4, eq. 6"), scales={"decay": "uniform"})
def step(
    q: Float[Given, " d"], k: Float[Given, " d"], v: Float[Given, " e"], decay: Float[Given, ""],
    S: Float[Given, "d e"],
) -> tuple[Float[Given, " e"], Float[Given, "d e"]]:  # fmt: skip
    """One step of linear attention: the state decays and takes up a key and its value, and the query reads it."""
    i, j = index("d"), index("e")
    S_next = (decay * S[i, j] + k[i] * v[j]).stack(i, j)
    return q @ S_next, S_next


def run(q: Tensor, k: Tensor, v: Tensor, decay: Tensor, S: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    new = decay[..., None, None] * S + k.unsqueeze(-1) * v.unsqueeze(-2)
    new = torch.cat([new[..., :rows, :], torch.zeros_like(new[..., rows:, :])], -2)
    return (q.unsqueeze(-2) @ new).squeeze(-2), new


def faulty(q: Tensor, k: Tensor, v: Tensor, decay: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    return run(q, k, v, decay, S, THREADS)


def mended(q: Tensor, k: Tensor, v: Tensor, decay: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    return run(q, k, v, decay, S, q.shape[-1])
