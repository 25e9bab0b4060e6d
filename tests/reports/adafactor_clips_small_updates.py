"""An update is divided by its root mean square where that is small, and not where it is large.

https://github.com/huggingface/pytorch-image-models/pull/2790
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "adafactor_clips_small_updates.clipped"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Shazeer and Stern 2018, arXiv:1804.04235v1, sec. 6"), options={"threshold": (1.0, 0.1, 3.0)})
def clipped(u: Float[Given, " d"], *, threshold: float) -> Float[Given, " d"]:
    """An update whose root mean square is above a threshold is brought down to it."""
    i = index("d")
    d = size("d")
    share = sqrt(sum(i, u[i] * u[i]) / d) / threshold
    y = u[i] / where(share > 1, share, 1)
    return y.stack(i)


def root_mean_square(u: Tensor) -> Tensor:
    return u.square().mean(-1, keepdim=True).sqrt()


def faulty(u: Tensor, *, threshold: float) -> Tensor:
    divisor = root_mean_square(u) * threshold
    return u / divisor.clamp(max=1.0)


def mended(u: Tensor, *, threshold: float) -> Tensor:
    divisor = root_mean_square(u) / threshold
    return u / divisor.clamp(min=1.0)
