"""The last token is looked for where it is if padding stands behind, as many places on as there are tokens.

https://github.com/unslothai/unsloth-zoo/pull/968
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "last_state_of_left_padding.last_state"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Wang et al. 2024, arXiv:2401.00368v3, sec. 3.2"), smallest={"t": 1})
def last_state(h: Float[Given, "t d"], mask: Bool[Given, " t"]) -> Float[Given, " d"]:
    """The state of the last token that is not padding, where mask is true; 0 where all is padding."""
    i, j = index("t"), index("t")
    after = sum(j, 1, where=mask[j] & (j > i))
    return sum(i, h[i], where=mask[i] & (after < 1))


def row(h: Tensor, place: Tensor, some: Tensor) -> Tensor:
    index = place.clamp(min=0)[..., None, None].expand(*h.shape[:-2], 1, h.shape[-1])
    return torch.where(some.unsqueeze(-1), h.gather(-2, index).squeeze(-2), 0)


def faulty(h: Tensor, mask: Tensor) -> Tensor:
    return row(h, mask.sum(-1) - 1, mask.any(-1))


def mended(h: Tensor, mask: Tensor) -> Tensor:
    last = torch.where(mask, torch.arange(h.shape[-2]), -1).amax(-1)
    return row(h, last, mask.any(-1))
