"""To shift the rows against each other the last row of the padded matrix is cut off, and not the first.

https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/185
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, where
from attnspec.notation import Tensor as Given

EQUATION = "relative_shift_drops_last_row.shifted"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Dai et al. 2019, arXiv:1901.02860v3, app. B"), largest={"m": 600})
def shifted(x: Float[Given, "n m"]) -> Float[Given, "n m"]:
    """Scores by distance become scores by key, row by row; what a query may not look at is 0."""
    i, j = index("n"), index("m")
    n, m = size("n"), size("m")
    y = where(j <= i + (m - n), x[i, j + n - 1 - i], 0)
    return y.stack(i, j)


def shift(x: Tensor, first: int) -> Tensor:
    n, m = x.shape[-2:]
    padded = torch.nn.functional.pad(x, (1, 0)).flatten(-2)
    y = padded[..., first * n : first * n + n * m].reshape(x.shape)
    away = torch.arange(m) - torch.arange(n).unsqueeze(-1)
    return torch.where(away <= m - n, y, torch.zeros_like(y))


def faulty(x: Tensor) -> Tensor:
    return shift(x, 0)


def mended(x: Tensor) -> Tensor:
    return shift(x, 1)
