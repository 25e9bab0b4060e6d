"""The maximum of a row that sees nothing is set to 0 for the differences, and its log-sum-exp is made from that.

https://github.com/pytorch/pytorch/pull/134650
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, exp, index, inf, log, max, size, softmax, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "masked_lse_of_nothing.masked_with_lse"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="PyTorch, flex_attention(return_lse=True)"), smallest={"m": 1})
def masked_with_lse(
    q: Float[Given, "n d"], k: Float[Given, "m d"], v: Float[Given, "m e"], mask: Bool[Given, "n m"]
) -> tuple[Float[Given, "n e"], Float[Given, " n"]]:
    """Masked attention and the log-sum-exp of each row; of a row that sees nothing they are 0 and −∞."""
    i, j = index("n"), index("m")
    d = size("d")
    e = (q[i] @ k[j] / sqrt(d)).stack(i, j)
    p = softmax(j, e[i, j], where=mask[i, j]).stack(i, j)
    o = sum(j, p[i, j] * v[j], where=mask[i, j])
    top = max(j, where(mask[i, j], e[i, j], -inf)).stack(i)
    some = sum(j, 1, where=mask[i, j]).stack(i)
    total = sum(j, exp(e[i, j] - top[i]), where=mask[i, j])
    lse = where(some[i] > 0, top[i] + log(total), -inf)
    return o.stack(i), lse.stack(i)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, float("-inf"))
    top = e.amax(-1, keepdim=True)
    w = torch.exp(e - torch.where(mask.any(-1, keepdim=True), top, 0))
    total = w.sum(-1, keepdim=True)
    return w @ v / torch.where(total == 0, 1, total), top.squeeze(-1), total.squeeze(-1)


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    o, top, total = attend(q, k, v, mask)
    none = ~mask.any(-1)
    return o, torch.where(none, 0, top) + torch.log(torch.where(none, 1, total))


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    o, top, total = attend(q, k, v, mask)
    return o, top + torch.log(torch.where(mask.any(-1), total, 1))
