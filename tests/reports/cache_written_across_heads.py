"""Rows are written one after the other from where a core's first one belongs, also past the end of a head's part.

https://github.com/tenstorrent/tt-metal/issues/54742
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, where
from attnspec.notation import Tensor as Given

EQUATION = "cache_written_across_heads.written"
OPTIONS: dict[str, object] = {"framework": "torch"}

CORES = 8


@equation(Source(paper="Shazeer 2019, arXiv:1911.02150v1, sec. 2.4; several rows at once"))
def written(cache: Float[Given, "h m d"], rows: Float[Given, "h n d"]) -> Float[Given, "h m d"]:
    """A cache of keys whose first rows are replaced, those of each head by its own."""
    h, i, c = index("h"), index("m"), index("d")
    n = size("n")
    out = where(i < n, rows[h, 1 * i, c], cache[h, i, c])
    return out.stack(h, i, c)


def faulty(cache: Tensor, rows: Tensor) -> Tensor:
    heads, deep = cache.shape[-3:-1]
    count = min(rows.shape[-2], deep)
    flat, new = cache.clone().flatten(-3, -2), rows[..., :count, :].flatten(-3, -2)
    each = -(-heads * count // CORES)
    for first in range(0, heads * count, max(each, 1)):
        some = new[..., first : first + each, :]
        start = first // count * deep + first % count
        some = some[..., : max(heads * deep - start, 0), :]
        flat[..., start : start + some.shape[-2], :] = some
    return flat.reshape(cache.shape)


def mended(cache: Tensor, rows: Tensor) -> Tensor:
    count = min(rows.shape[-2], cache.shape[-2])
    out = cache.clone()
    out[..., :count, :] = rows[..., :count, :]
    return out
