"""The table of pages is read for one query, and for several the first pages of the pool are taken.

https://github.com/golang-design/accel/issues/10
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "pages_ignored_in_prefill.paged"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Kwon et al. 2023, arXiv:2309.06180v1, sec. 4.1; pages of one place"),
    scales={"page": "token"}, smallest={"m": 1, "v": 1},
)  # fmt: skip
def paged(
    q: Float[Given, "n d"], keys: Float[Given, "v d"], values: Float[Given, "v e"], page: Int[Given, " m"],
) -> Float[Given, "n e"]:  # fmt: skip
    """Attention to the keys and values of a pool that a table names, in the order of the table."""
    i, j = index("n"), index("m")
    d = size("d")
    alpha = softmax(j, q[i] @ keys[page[j]] / sqrt(d))
    return sum(j, alpha * values[page[j]]).stack(i)


def attend(q: Tensor, keys: Tensor, values: Tensor, page: Tensor) -> Tensor:
    k = keys.gather(-2, page[..., None].expand(*page.shape, keys.shape[-1]))
    v = values.gather(-2, page[..., None].expand(*page.shape, values.shape[-1]))
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def faulty(q: Tensor, keys: Tensor, values: Tensor, page: Tensor) -> Tensor:
    first = (torch.arange(page.shape[-1]) % keys.shape[-2]).expand(page.shape)
    return attend(q, keys, values, first if q.shape[-2] > 1 else page)


def mended(q: Tensor, keys: Tensor, values: Tensor, page: Tensor) -> Tensor:
    return attend(q, keys, values, page)
