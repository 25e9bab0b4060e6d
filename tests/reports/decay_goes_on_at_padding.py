"""Padding adds nothing to the state, which fades there all the same.

https://github.com/fla-org/flash-linear-attention/issues/1272
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, scan, where, zeros
from attnspec.notation import Tensor as Given

EQUATION = "decay_goes_on_at_padding.states"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Yang et al. 2023, arXiv:2312.06635v6, eq. 3; with padding, which a state passes unchanged"),
    scales={"fade": "uniform"}, sizes={"t": "steps"},
)  # fmt: skip
def states(
    k: Float[Given, "t d"], v: Float[Given, "t e"], fade: Float[Given, " t"], mask: Bool[Given, " t"]
) -> Float[Given, "t d e"]:
    """A memory that fades and takes up the product of key and value, but not at padding."""
    t, i, j = index("t"), index("d"), index("e")
    S = scan(
        t,
        lambda S: (where(mask[t], fade[t], 1) * S[i, j] + where(mask[t], k[t, i] * v[t, j], 0)).stack(i, j),
        zeros("d e"),
    )
    return S.stack(t)


def run(k: Array, v: Array, fade: Array, mask: Array) -> Array:
    v = np.where(mask[..., None], v, 0)
    steps = k.shape[-2]
    given = np.zeros((*k.shape[:-2], steps, k.shape[-1], v.shape[-1]), k.dtype)
    state = np.zeros((*k.shape[:-2], k.shape[-1], v.shape[-1]), k.dtype)
    for t in range(steps):
        state = fade[..., t, None, None] * state + k[..., t, :, None] * v[..., t, None, :]
        given[..., t, :, :] = state
    return given


def faulty(k: Array, v: Array, fade: Array, mask: Array) -> Array:
    return run(k, v, fade, mask)


def mended(k: Array, v: Array, fade: Array, mask: Array) -> Array:
    return run(k, v, np.where(mask, fade, np.ones_like(fade)), mask)
