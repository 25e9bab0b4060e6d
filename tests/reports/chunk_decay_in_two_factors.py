"""The decay of a chunk is a product of two exponentials, of which one overflows or rounds to 0.

https://github.com/tenstorrent/tt-metal/issues/56550
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "chunk_decay_in_two_factors.state"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Yang et al. 2024, arXiv:2412.06464v3, sec. 3.3"), largest={"t": 64})
def state(S: Float[Given, " d"], g: Float[Given, " t"], k: Float[Given, "t d"]) -> Float[Given, " d"]:
    """The state at the end of a chunk, of the logarithms of its decays."""
    i, j, a = index("t"), index("t"), index("d")
    whole = sum(i, g[i])
    after = sum(j, g[j], where=j > i).stack(i)
    out = exp(whole) * S[a] + sum(i, exp(after[i]) * k[i, a])
    return out.stack(a)


def chunk(S: Tensor, g: Tensor, k: Tensor, two_factors: bool) -> Tensor:
    upto = g.double().cumsum(-1)
    whole = upto[..., -1:] if g.shape[-1] else g.double().sum(-1, keepdim=True)
    after = torch.exp(whole - upto)
    if two_factors and g.shape[-1]:
        decay = torch.exp((whole - upto[..., :1]).to(S.dtype)) * torch.exp(upto[..., :1].to(S.dtype))
    else:
        decay = torch.exp(whole).to(S.dtype)
    return decay * S + (after.unsqueeze(-2) @ k.double()).squeeze(-2).to(S.dtype)


def faulty(S: Tensor, g: Tensor, k: Tensor) -> Tensor:
    return chunk(S, g, k, two_factors=True)


def mended(S: Tensor, g: Tensor, k: Tensor) -> Tensor:
    return chunk(S, g, k, two_factors=False)
