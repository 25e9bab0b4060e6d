"""Of a ring of keys that is full only the slots before the one that is written next are read.

https://github.com/ollama/ollama/pull/15591
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "ring_without_wrapped.from_ring"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Beltagy et al. 2020, arXiv:2004.05150v2, sec. 3.1; the window as a ring"),
    options={"written": (3, 50, 7, 1000)}, smallest={"m": 1},
)  # fmt: skip
def from_ring(
    q: Float[Given, " d"], k: Float[Given, "m d"], v: Float[Given, "m e"], *, written: int
) -> Float[Given, " e"]:
    """Attention to the last m keys, in the slots of a ring; slots that were not written yet are not seen."""
    j = index("m")
    d = size("d")
    alpha = softmax(j, q @ k[j] / sqrt(d), where=j < written)
    return sum(j, alpha * v[j], where=j < written)


def attend(q: Tensor, k: Tensor, v: Tensor, slots: int) -> Tensor:
    e = (k[..., :slots, :] @ q.unsqueeze(-1)).squeeze(-1) / q.shape[-1] ** 0.5
    return (torch.softmax(e, -1).unsqueeze(-2) @ v[..., :slots, :]).squeeze(-2)


def faulty(q: Tensor, k: Tensor, v: Tensor, *, written: int) -> Tensor:
    slots = k.shape[-2]
    return attend(q, k, v, written % slots or min(written, slots))


def mended(q: Tensor, k: Tensor, v: Tensor, *, written: int) -> Tensor:
    return attend(q, k, v, min(written, k.shape[-2]))
