"""Attention as kernels compute it, tile by tile of the keys, right and with the slips that only such kernels make."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def weights(e: Array, tile: int, slip: str = "", offset: int | None = None) -> Array:
    """softmax over the last axis; with an offset, of what stands no further than the row plus that."""
    if e.ndim > 2:
        each = [weights(one, tile, slip, offset) for one in e.reshape(-1, *e.shape[-2:])]
        return np.stack(each).reshape(e.shape) if each else e
    return online(e.astype(np.float32), tile, slip, offset).astype(e.dtype)


def online(e: Array, tile: int, slip: str, offset: int | None) -> Array:
    """The same of a matrix of scores, in its own dtype."""
    n, m = e.shape
    if slip in ("averaged", "rest"):
        ends = [*range(0, m, tile), m] if slip == "averaged" else sorted({0, min(m, tile), m})
        parts = [online(e[:, start:stop], m, "", None) for start, stop in pairwise(ends)]
        return np.concatenate(parts, axis=1) / len(parts)
    if slip == "overlap":
        rows = [j for start in range(0, m, tile) for j in range(max(start - 1, 0), min(start + tile, m))]
        twice, found_at = online(e[:, rows], m + len(rows), "", None), np.zeros((n, m), e.dtype)
        for place, row in enumerate(rows):
            found_at[:, row] += twice[:, place]
        return found_at
    if slip.startswith(("lanes", "tiles")):
        apart = [np.arange(k, m, tile) if slip.startswith("lanes") else np.arange(k * tile, min(m, k * tile + tile))
                 for k in range(tile if slip.startswith("lanes") else -(-m // tile))]  # fmt: skip
        i = np.arange(n)[:, None]
        seen = np.where(np.arange(m) <= (i + offset if offset is not None else m), e, -np.inf)
        own, summed = np.zeros((n, m), e.dtype), np.zeros((n, 1), e.dtype)
        for lane in filter(len, apart):
            largest = seen[:, lane].max(1, keepdims=True)
            own[:, lane] = np.exp(seen[:, lane] - np.where(np.isfinite(largest), largest, 0))
            summed += own[:, lane].sum(1, keepdims=True)
        whole = np.exp(seen - seen.max(1, keepdims=True))
        return np.asarray((whole if slip.endswith("total") else own) / summed)
    top, total = np.full((n, 1), -np.inf, e.dtype), np.zeros((n, 1), e.dtype)
    found: list[Array] = []
    stop = m // tile * tile if slip == "cut" else min(m, tile) if slip == "first" else m
    for start in range(0, stop, tile):
        scores = e[:, start : start + tile]
        j, i = np.arange(start, start + scores.shape[1]), np.arange(n)[:, None]
        if offset is not None:
            seen = j // tile <= (i + offset) // tile if slip == "causal" else j <= i + offset
            if slip == "diagonal":
                seen &= (j // tile < (i + offset) // tile) | ((i + offset) // tile < 1)
            if slip == "negative":
                hidden = i + offset + 1 - start
                seen = j - start < np.where(hidden < 0, hidden + len(j), hidden)
            scores = np.where(seen, scores, -np.inf)
        if slip == "window":
            scores = np.where(j > (m - 1 if offset is None else i + offset) - tile, scores, -np.inf)
        if slip == "filled":
            scores = np.pad(scores, [(0, 0), (0, tile - scores.shape[1])])
        new = np.maximum(top, scores.max(1, keepdims=True))
        steady = np.where(np.isfinite(new), new, 0)
        part, factor = np.exp(scores - steady), np.exp(top - steady)
        if slip == "stale" and start:
            part = np.exp(scores - top)
        if slip == "back":
            factor = np.exp(np.where(np.isfinite(top), steady - top, -np.inf))
        if slip.startswith("small-rises"):
            small = np.isfinite(top) & (steady - top < int(slip.rpartition("-")[2]))
            factor = np.where(small, 1, factor)
        summed = part
        if slip in ("unshifted", "unshifted-parts") and start + tile >= m:
            summed = np.exp(scores)
            part = summed if slip == "unshifted-parts" else part
        found = [before * (1 if slip in ("unscaled", "values") else factor) for before in found]
        if slip == "without-last" and start and start + tile > m:
            summed = np.zeros_like(summed)
        total = total * (1 if slip in ("unscaled", "total") else factor) + summed.sum(1, keepdims=True)
        found.append(part[:, : len(j)])
        top = new
    p = np.concatenate([*found, np.zeros((n, m - stop), e.dtype)], axis=1)
    with np.errstate(invalid="ignore"):
        return p / (total if offset is None else np.where(total == 0, 1, total))


def attention(q: Array, k: Array, v: Array, tile: int = 16, slip: str = "", causal: bool = False) -> Array:
    scores = (q @ np.swapaxes(k, -1, -2)).astype(np.float32) / np.sqrt(q.shape[-1], dtype=np.float32)
    offset = k.shape[-2] - q.shape[-2] if causal else None
    return (weights(scores, tile, slip, offset) @ v.astype(np.float32)).astype(q.dtype)
