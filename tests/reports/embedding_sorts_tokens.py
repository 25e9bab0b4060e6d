"""To shorten each row once, the tokens are sorted where they lie, and then looked up in that order.

https://github.com/pytorch/pytorch/issues/943
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "embedding_sorts_tokens.shortened"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="PyTorch, torch.nn.functional.embedding with max_norm"),
    options={"longest": (1.0, 0.5)}, scales={"k": "token"},
)  # fmt: skip
def shortened(k: Int[Given, " t"], P: Float[Given, "v d"], *, longest: float) -> Float[Given, "t d"]:
    """Rows of a table, each scaled down to the longest norm that is allowed."""
    i, w, c = index("t"), index("v"), index("d")
    norm = sqrt(sum(c, P[w, c] * P[w, c])).stack(w)
    scale = where(norm[w] > longest, longest / norm[w], 1).stack(w)
    x = P[k[i], c] * scale[k[i]]
    return x.stack(i, c)


def looked_up(k: Tensor, P: Tensor, longest: float) -> Tensor:
    norm = torch.sqrt(P.square().sum(-1, keepdim=True))
    return (P * torch.where(norm > longest, longest / norm, 1))[k]


def faulty(k: Tensor, P: Tensor, *, longest: float) -> Tensor:
    k.copy_(k.flatten().sort().values.reshape(k.shape))
    return looked_up(k, P, longest)


def mended(k: Tensor, P: Tensor, *, longest: float) -> Tensor:
    return looked_up(k, P, longest)
