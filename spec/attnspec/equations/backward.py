"""Gradients: what a training kernel returns, from the gradients of an equation's results.

∂x is the gradient of a loss by x. All of it is for one example, the gradients of what a model learns too; those of a
batch are their sum.
"""

from jaxtyping import Float

from attnspec import Source, Tensor, equation, indices, size, softmax, sqrt, sum
from attnspec.equations import attention

DAO = Source(paper="Dao et al. 2022, arXiv:2205.14135v2, app. B.2; Dao 2023, arXiv:2307.08691v1, alg. 2")


@equation(DAO, gradient_of=attention.scaled_dot_product)
def scaled_dot_product(
    d_o: Float[Tensor, "n e"],
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"], Float[Tensor, "m e"]]:
    """The gradients of queries, keys and values, as fused kernels compute them: the weights are made anew."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    p = softmax(j, e)
    o = sum(j, p * v[j])
    d_v = sum(i, p * d_o[i])  # Pᵀ ∂O
    d_p = d_o[i] @ v[j]
    D = d_o[i] @ o  # what softmax takes off: Σ_j p_ij ∂p_ij
    d_e = p * (d_p - D)
    d_q = sum(j, d_e * k[j]) / sqrt(d)
    d_k = sum(i, d_e * q[i]) / sqrt(d)
    return d_q.stack(i), d_k.stack(j), d_v.stack(j)
