"""The decay of a whole chunk is read at its last place, which is padding in a chunk that is not full.

https://github.com/gittensor-ai-lab/sparkinfer/pull/604
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, last, scan, zeros
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "chunk_decay_of_padding.state"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(Source(paper="Yang et al. 2024, arXiv:2412.06464v3, sec. 3.3"), scales={"a": "uniform"})
def state(a: Float[Given, " t"], k: Float[Given, "t d"]) -> Float[Given, " d"]:
    """The state after the last step: it decays, and takes up an input at each step."""
    t = index("t")
    h = scan(t, lambda h: a[t] * h + k[t], zeros("d"))
    return last(t, h)


CHUNK = 32


def run(a: Array, k: Array, of_padding: bool) -> Array:
    h: Array = np.zeros_like(k[..., :1, :].sum(-2))
    for first in range(0, k.shape[-2], CHUNK):
        decay, rows = a[..., first : first + CHUNK], k[..., first : first + CHUNK, :]
        upto = np.cumprod(decay, -1)
        if of_padding and decay.shape[-1] < CHUNK:
            with np.errstate(all="ignore"):
                weight, whole = 1 / upto, np.ones_like(upto[..., -1])
        else:
            after = np.cumprod(decay[..., :0:-1], -1)[..., ::-1]
            weight, whole = np.concatenate([after, np.ones_like(upto[..., :1])], -1), upto[..., -1]
        h = whole[..., None] * h + (weight[..., None, :] @ rows)[..., 0, :]
    return h


def faulty(a: Array, k: Array) -> Array:
    return run(a, k, of_padding=True)


def mended(a: Array, k: Array) -> Array:
    return run(a, k, of_padding=False)
