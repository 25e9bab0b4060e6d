"""Each array of gradients is clipped by its own norm, and not all by the norm of all.

https://github.com/huggingface/transformers/issues/581
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "clip_each_array_alone.clipped"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063v2, alg. 1"),
    options={"threshold": (1.0, 0.1, 30.0)},
)
def clipped(
    g: Float[Given, " d"], f: Float[Given, " e"], *, threshold: float
) -> tuple[Float[Given, " d"], Float[Given, " e"]]:
    """Two arrays of gradients that together are longer than a threshold are made as long as it, in proportion."""
    j, k = index("d"), index("e")
    norm = sqrt(sum(j, g[j] * g[j]) + sum(k, f[k] * f[k]))
    factor = where(norm > threshold, threshold / norm, 1)
    g_clipped = g[j] * factor
    f_clipped = f[k] * factor
    return g_clipped.stack(j), f_clipped.stack(k)


def factor(squares: Tensor, threshold: float) -> Tensor:
    return (threshold / squares.sqrt()).clamp(max=1).unsqueeze(-1)


def faulty(g: Tensor, f: Tensor, *, threshold: float) -> tuple[Tensor, Tensor]:
    return g * factor(g.square().sum(-1), threshold), f * factor(f.square().sum(-1), threshold)


def mended(g: Tensor, f: Tensor, *, threshold: float) -> tuple[Tensor, Tensor]:
    common = factor(g.square().sum(-1) + f.square().sum(-1), threshold)
    return g * common, f * common
