"""Mistakes with self-attention that no operator makes."""

from jaxtyping import Float

from attnspec import mutant, mutate
from attnspec.equations.self_attention import columns, qkv, scaled, unscaled
from attnspec.notation import Tensor, indices, size, softmax, sqrt, sum


@mutant(scaled, says="the diagonal is left out: no position asks itself")
def diagonal_left_out(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> Float[Tensor, "t e"]:
    """What 004 warns of."""
    i, j = indices("t", "t")
    d = size("d")
    q, k, v = qkv(x, W_q, W_k, W_v)
    alpha = softmax(j, q[i] @ k[j] / sqrt(d), where=(j < i) | (j > i))
    c = sum(j, alpha * v[j])
    return c.stack(i)


@mutant(unscaled, says="the diagonal is left out: no position asks itself")
def diagonal_left_out_unscaled(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> Float[Tensor, "t e"]:
    """What 004 warns of."""
    i, j = indices("t", "t")
    q, k, v = qkv(x, W_q, W_k, W_v)
    alpha = softmax(j, q[i] @ k[j], where=(j < i) | (j > i))
    c = sum(j, alpha * v[j])
    return c.stack(i)


mutate(
    columns, "diagonal_left_out_of_columns",
    says="the diagonal is left out: no position asks itself",
    lines={"alpha": "softmax(j, k[j] @ q[i], where=(j < i) | (j > i))"},
)


mutate(
    columns, "scaled_columns",
    says="the scores are divided by √d",
    lines={"d": 'size("d")', "alpha": "softmax(j, k[j] @ q[i] / sqrt(d))"},
)
