"""Equal forms of the scores."""

from jaxtyping import Float

from attnspec import form
from attnspec.equations.scores import bilinear, linear
from attnspec.notation import Tensor, indices, transpose


@form(linear, says="the two matrices merged first: s (W_q W_kᵀ) h")
def merged(
    s: Float[Tensor, "n p"], h: Float[Tensor, "m r"], W_q: Float[Tensor, "p a"], W_k: Float[Tensor, "r a"],
) -> Float[Tensor, "n m"]:
    """002's one matrix, transposed."""
    i, j = indices("n", "m")
    W_e = W_q @ transpose(W_k)
    e = s[i] @ W_e @ h[j]
    return e.stack(i, j)


@form(bilinear, says="the matrix applied to the key first: q · (W k)")
def key_first(
    q: Float[Tensor, "n p"], k: Float[Tensor, "m d"], W: Float[Tensor, "p d"],
) -> Float[Tensor, "n m"]:
    """The other order of the two products."""
    i, j = indices("n", "m")
    e = q[i] @ (W @ k[j])
    return e.stack(i, j)
