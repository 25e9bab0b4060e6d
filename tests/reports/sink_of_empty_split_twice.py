"""The first split of the keys gives the sink also where it sees no key, and so does the first split that sees one.

https://github.com/ROCm/rocm-libraries/pull/12229
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, size, softmax, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "sink_of_empty_split_twice.with_sink"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="OpenAI 2025, arXiv:2508.10925v1, sec. 2.2"), scales={"sink": "scores"})
def with_sink(
    q: Float[Given, "n d"], k: Float[Given, "m d"], v: Float[Given, "m e"], mask: Bool[Given, "n m"],
    sink: Float[Given, ""],
) -> Float[Given, "n e"]:  # fmt: skip
    """Masked attention with one more score in the denominator, for which there is no value."""
    i, j = index("n"), index("m+1")
    m, d = size("m"), size("d")
    e = where(j == m, sink, q[i] @ k[1 * j] / sqrt(d))
    p = softmax(j, e, where=mask[i, 1 * j] | (j == m))
    c = sum(j, p * v[1 * j], where=mask[i, 1 * j])
    return c.stack(i)


SPLIT = 64


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, sink: Tensor, twice: bool) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, float("-inf"))
    rest = sink.reshape(*sink.shape, 1, 1).expand(*e.shape[:-1], 1)
    top = torch.cat([e, rest], -1).amax(-1, keepdim=True)
    p, extra = torch.exp(e - top), torch.exp(rest - top)
    hidden_first = ~mask[..., :SPLIT].any(-1, keepdim=True)
    counted = 1 + (hidden_first & mask.any(-1, keepdim=True)).to(q.dtype) if twice else 1
    return p @ v / (p.sum(-1, keepdim=True) + counted * extra)


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, sink: Tensor) -> Tensor:
    return attention(q, k, v, mask, sink, twice=True)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, sink: Tensor) -> Tensor:
    return attention(q, k, v, mask, sink, twice=False)
