"""Normalisation."""

from attnspec import Source, Symbol, equation
from attnspec.notation import Float, Tensor, index, size, sqrt, sum


@equation(
    Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4"),
    symbols={"gamma": Symbol("the gain", weight=True, draw="positive")},
    options={"eps": (1e-6, 1e-2)},
)
def rms_norm(x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], *, eps: float) -> Float[Tensor, " d"]:
    """Each vector is divided by the root of the mean of its squares, then multiplied by a gain."""
    k, d = index("d"), size("d")
    mean = sum(k, x[k] * x[k]) / d
    y = x[k] / sqrt(mean + eps) * gamma[k]
    return y.stack(k)
