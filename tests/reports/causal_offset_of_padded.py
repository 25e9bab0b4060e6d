"""The first query stands at place 0 if the keys so far come in one padded array with a length.

https://github.com/onnx/onnx/issues/8054
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "causal_offset_of_padded.causal_padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="ONNX, operator Attention with nonpad_kv_seqlen and is_causal=1"))
def causal_padded(
    q: Float[Given, "n d"], k: Float[Given, "m d"], v: Float[Given, "m e"], length: Int[Given, ""]
) -> Float[Given, "n e"]:
    """Causal attention to the first `length` keys; the last query stands at the last of them. Over none it is 0."""
    i, j = index("n"), index("m")
    n, d = size("n"), size("d")
    seen = (j < length) & (j <= i + (length - n))
    e = (q[i] @ k[j] / sqrt(d)).stack(i, j)
    p = softmax(j, e[i, j], where=seen).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=seen)
    return c.stack(i)


def attend(q: Tensor, k: Tensor, v: Tensor, length: Tensor, first: Tensor) -> Tensor:
    i, j = torch.arange(q.shape[-2]).unsqueeze(-1), torch.arange(k.shape[-2])
    seen = (j < length[..., None, None]) & (j <= i + first[..., None, None])
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    return torch.where(seen.any(-1, keepdim=True), torch.softmax(e, -1), 0) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, length: Tensor) -> Tensor:
    return attend(q, k, v, length, torch.zeros_like(length))


def mended(q: Tensor, k: Tensor, v: Tensor, length: Tensor) -> Tensor:
    return attend(q, k, v, length, length - q.shape[-2])
