"""The sum of keys by which outputs are divided runs over the heads, and not over the steps so far.

https://github.com/fla-org/flash-linear-attention/pull/594
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "linear_attention_sums_over_heads.outputs"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Katharopoulos et al. 2020, arXiv:2006.16236v3, eq. 9 and 12"),
    scales={"q": "positive", "k": "positive"},
)
def outputs(q: Float[Given, "t H d"], k: Float[Given, "t H d"], v: Float[Given, "t H e"]) -> Float[Given, "t H e"]:
    """Causal attention whose weights are products of positive queries and keys, over their sum."""
    i, j, h = index("t"), index("t"), index("H")
    alpha = (q[i, h] @ k[j, h]).stack(i, j, h)
    total = sum(j, alpha[i, j, h], where=j <= i)
    c = sum(j, alpha[i, j, h] * v[j, h], where=j <= i) / total
    return c.stack(i, h)


def attend(q: Tensor, k: Tensor, v: Tensor, sums: Tensor) -> Tensor:
    memory = (k.unsqueeze(-1) * v.unsqueeze(-2)).cumsum(-4)
    read = (q.unsqueeze(-2) @ memory).squeeze(-2)
    return read / (q * sums).sum(-1, keepdim=True)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, k.cumsum(-2))


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, k.cumsum(-3))
