"""The variances of workers are merged as if each had as many examples as the first.

https://github.com/pytorch/pytorch/issues/22192
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "workers_of_equal_count.merged"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Chan, Golub and LeVeque 1979, sec. 2; statistics of several workers"),
    scales={"variance": "positive", "count": "positive"}, smallest={"s": 1},
)  # fmt: skip
def merged(
    mean: Float[Given, "s d"], variance: Float[Given, "s d"], count: Float[Given, " s"]
) -> tuple[Float[Given, " d"], Float[Given, " d"]]:
    """Mean and variance of the examples of all workers, from those of each, and their counts."""
    i, k = index("s"), index("d")
    n = sum(i, count[i])
    m = (sum(i, count[i] * mean[i, k]) / n).stack(k)
    s = sum(i, count[i] * (variance[i, k] + (mean[i, k] - m[k]) * (mean[i, k] - m[k]))) / n
    return m, s.stack(k)


def merge(mean: Tensor, variance: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    share = (count / count.sum(-1, keepdim=True)).unsqueeze(-1)
    m = (share * mean).sum(-2, keepdim=True)
    return m.squeeze(-2), (share * (variance + (mean - m) ** 2)).sum(-2)


def faulty(mean: Tensor, variance: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    return merge(mean, variance, count[..., :1].expand(count.shape))


def mended(mean: Tensor, variance: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    return merge(mean, variance, count)
