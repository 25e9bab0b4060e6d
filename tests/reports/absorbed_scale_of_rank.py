"""The matrix of keys is multiplied into the queries, and the scale becomes that of what is multiplied then.

https://github.com/ollama/ollama/pull/13893
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, indices, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "absorbed_scale_of_rank.attend"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="DeepSeek-AI 2024, arXiv:2405.04434v5, sec. 2.1; with the matrix of keys absorbed"))
def attend(
    q: Float[Given, "n d"], q_turned: Float[Given, "n p"], W_k: Float[Given, "d r"],
    c: Float[Given, "m r"], k_turned: Float[Given, "m p"],
) -> Float[Given, "n r"]:  # fmt: skip
    """Attention whose keys a matrix makes of what is kept, beside keys that are turned by their place."""
    i, j = indices("n", "m")
    d, p = size("d"), size("p")
    absorbed = (q @ W_k)[i]
    e = (absorbed @ c[j] + q_turned[i] @ k_turned[j]) / sqrt(d + p)
    alpha = softmax(j, e)
    return sum(j, alpha * c[j]).stack(i)


def over(q: Tensor, q_turned: Tensor, W_k: Tensor, c: Tensor, k_turned: Tensor, width: int) -> Tensor:
    query = torch.cat([q @ W_k, q_turned], -1)
    key = torch.cat([c, k_turned], -1)
    return torch.softmax(query @ key.mT * width**-0.5, -1) @ c


def faulty(q: Tensor, q_turned: Tensor, W_k: Tensor, c: Tensor, k_turned: Tensor) -> Tensor:
    return over(q, q_turned, W_k, c, k_turned, c.shape[-1] + k_turned.shape[-1])


def mended(q: Tensor, q_turned: Tensor, W_k: Tensor, c: Tensor, k_turned: Tensor) -> Tensor:
    return over(q, q_turned, W_k, c, k_turned, q.shape[-1] + k_turned.shape[-1])
