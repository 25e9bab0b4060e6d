"""Of the k likeliest words one more is kept: ranks are counted from 0 and compared as if from 1.

https://github.com/kingoflolz/mesh-transformer-jax/issues/164
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum
from attnspec.notation import Tensor as Given

EQUATION = "largest_one_more.largest"
OPTIONS: dict[str, object] = {"framework": "jax"}


@equation(
    Source(paper="Fan, Lewis and Dauphin 2018, arXiv:1805.04833v1, sec. 5.4"),
    options={"kept": (1, 3, 10)}, largest={"v": 300},
)  # fmt: skip
def largest(logits: Float[Given, " v"], *, kept: int) -> Float[Given, " v"]:
    """The distribution over the so many likeliest words alone; of equals the first."""
    j, k = index("v"), index("v")
    rank = sum(j, 1, where=(logits[j] > logits[k]) | ((logits[j] == logits[k]) & (j < k)))
    p = softmax(k, logits[k], where=rank < kept)
    return p.stack(k)


def filtered(logits: Array, kept: int) -> Array:
    rank = jnp.argsort(jnp.argsort(-logits, axis=-1, stable=True), axis=-1)
    p = jnp.exp(logits - logits.max(-1, keepdims=True)) * (rank < kept)
    return p / p.sum(-1, keepdims=True)


def faulty(logits: Array, *, kept: int) -> Array:
    return filtered(logits, kept + 1)


def mended(logits: Array, *, kept: int) -> Array:
    return filtered(logits, kept)
