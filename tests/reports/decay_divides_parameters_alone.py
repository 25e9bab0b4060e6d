"""The decay divides the parameters alone, and not what the step takes from them.

https://github.com/google-deepmind/optax/pull/1787
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from attnspec import Source, equation
from attnspec.notation import Float, sqrt
from attnspec.notation import Tensor as Given

EQUATION = "decay_divides_parameters_alone.step"
OPTIONS: dict[str, object] = {"framework": "jax"}


@equation(
    Source(paper="Schaipp et al. 2024, arXiv:2305.07583v3, Lemma 3.1, eq. 16"),
    options={"tau": (0.1, 1.0), "lr": (1.0, 0.1), "decay": (0.1, 0.01), "eps": (1e-8, 1e-3)},
    scales={"v": "positive"},
)  # fmt: skip
def step(
    theta: Float[Given, " d"], m: Float[Given, " d"], v: Float[Given, " d"],
    *, tau: float, lr: float, decay: float, eps: float,
) -> Float[Given, " d"]:  # fmt: skip
    """A preconditioned step, and then the proximal step of the decay."""
    return (theta - tau * (m / (sqrt(v) + eps))) / (1 + lr * decay)


def faulty(theta: Array, m: Array, v: Array, *, tau: float, lr: float, decay: float, eps: float) -> Array:
    return theta / (1 + lr * decay) - tau * (m / (jnp.sqrt(v) + eps))


def mended(theta: Array, m: Array, v: Array, *, tau: float, lr: float, decay: float, eps: float) -> Array:
    return (theta - tau * (m / (jnp.sqrt(v) + eps))) / (1 + lr * decay)
