"""Where one token comes alone, the row before it, which was kept, is taken for zeros.

https://github.com/ggml-org/llama.cpp/pull/11445
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, where
from attnspec.notation import Tensor as Given

EQUATION = "token_shift_of_nothing.shifted"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Peng et al. 2023, arXiv:2305.13048v2, eq. 11; from token to token with a row that is kept"))
def shifted(x: Float[Given, "t d"], before: Float[Given, " d"], mu: Float[Given, " d"]) -> Float[Given, "t d"]:
    """Each row mixed with the one before it; that of the first was kept from the last call."""
    i, k = index("t"), index("d")
    earlier = where(i > 0, x[i - 1, k], before[k])
    y = x[i, k] + mu[k] * (earlier - x[i, k])
    return y.stack(i, k)


def mixed(x: Tensor, before: Tensor, mu: Tensor) -> Tensor:
    batch = np.broadcast_shapes(x.shape[:-2], before.shape[:-1], mu.shape[:-1])
    rows, first = x.expand(*batch, *x.shape[-2:]), before.expand(*batch, before.shape[-1])
    earlier = torch.cat([first[..., None, :], rows[..., :-1, :]], -2) if x.shape[-2] else rows
    return rows + mu[..., None, :] * (earlier - rows)


def faulty(x: Tensor, before: Tensor, mu: Tensor) -> Tensor:
    if x.shape[-2] == 1:
        before = torch.zeros_like(before)
    return mixed(x, before, mu)


def mended(x: Tensor, before: Tensor, mu: Tensor) -> Tensor:
    return mixed(x, before, mu)
