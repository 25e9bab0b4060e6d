"""A number for each row of a tile is taken for one for each column, where tiles have more than one row.

https://github.com/BobMcDear/attorch/issues/17
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "rms_norm_gradient_term_of_column.rms_norm_gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def rms_norm_gradient(
    d_y: Float[Given, "n d"], x: Float[Given, "n d"], gamma: Float[Given, " d"], *, eps: float
) -> Float[Given, "n d"]:
    """The gradient of the input of RMS norm."""
    i, k = index("n"), index("d")
    d = size("d")
    r = (1 / sqrt(sum(k, x[i, k] * x[i, k]) / d + eps)).stack(i)
    g = (d_y[i, k] * gamma[k]).stack(i, k)
    term = (sum(k, g[i, k] * x[i, k]) / d * r[i] * r[i]).stack(i)
    d_x = r[i] * (g[i, k] - x[i, k] * term[i])
    return d_x.stack(i, k)


def tile_rows(rows: int, width: int) -> int:
    """As many rows as fit in 64 elements, where there are rows enough for all processors."""
    return 1 if rows < 1024 or width >= 64 else 64 >> (width - 1).bit_length()


def gradient(d_y: Tensor, x: Tensor, gamma: Tensor, eps: float, by_column: bool) -> Tensor:
    rows, width = x.shape[-2:]
    r = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
    g = d_y * gamma
    term = (g * x).mean(-1) * r.squeeze(-1) * r.squeeze(-1)
    tile = tile_rows(rows, width)
    if by_column and tile == width:
        tiles = torch.nn.functional.pad(term, (0, -rows % tile)).reshape(*term.shape[:-1], -1, tile)
        across = tiles.repeat_interleave(tile, -2)[..., :rows, :]
    else:
        across = term.unsqueeze(-1)
    d_x: Tensor = r * (g - x * across)
    return d_x


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return gradient(d_y, x, gamma, eps, by_column=True)


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, *, eps: float) -> Tensor:
    return gradient(d_y, x, gamma, eps, by_column=False)
