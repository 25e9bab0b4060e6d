"""Scores e_ij: how much query i and key j have to do with each other."""

from jaxtyping import Float

from attnspec import Source, equation
from attnspec.notation import Tensor, indices, size, sqrt, tanh

BAHDANAU = Source("000", "评分函数", paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.1.2")
LUONG = Source(paper="Luong et al. 2015, arXiv:1508.04025, sec. 3.1")
VASWANI = Source("004", "self-attention原理", paper="Vaswani et al. 2017, arXiv:1706.03762, eq. 1")
LEVINE = Source("002", "Sequence to Sequence")
WANG = Source("003", "Attention + Simple RNN")


@equation(BAHDANAU)
def additive(
    s: Float[Tensor, "n p"], h: Float[Tensor, "m q"],
    W: Float[Tensor, "p a"], U: Float[Tensor, "q a"], v_a: Float[Tensor, " a"],
) -> Float[Tensor, "n m"]:
    """A hidden layer over query and key together, read by v_a."""
    i, j = indices("n", "m")
    e = tanh(s[i] @ W + h[j] @ U) @ v_a
    return e.stack(i, j)


@equation(LEVINE)
def dot(q: Float[Tensor, "n d"], k: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """The inner product of query and key."""
    i, j = indices("n", "m")
    e = q[i] @ k[j]
    return e.stack(i, j)


@equation(VASWANI)
def scaled_dot(q: Float[Tensor, "n d"], k: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """The inner product over the root of the keys' width, so that its variance stays 1."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    return e.stack(i, j)


@equation(LUONG)
def bilinear(
    q: Float[Tensor, "n p"], k: Float[Tensor, "m d"], W: Float[Tensor, "p d"],
) -> Float[Tensor, "n m"]:
    """The inner product through a matrix, which lets query and key differ in width."""
    i, j = indices("n", "m")
    e = q[i] @ W @ k[j]
    return e.stack(i, j)


@equation(WANG, LEVINE)
def linear(
    s: Float[Tensor, "n p"], h: Float[Tensor, "m r"], W_q: Float[Tensor, "p a"], W_k: Float[Tensor, "r a"],
) -> Float[Tensor, "n m"]:
    """The inner product of a linear map of each; equal to bilinear with W = W_q W_kᵀ, as 002 derives."""
    i, j = indices("n", "m")
    e = (s[i] @ W_q) @ (h[j] @ W_k)
    return e.stack(i, j)


@equation(LEVINE)
def nonlinear(
    s: Float[Tensor, "n p"], h: Float[Tensor, "m r"], W_q: Float[Tensor, "p a"], W_k: Float[Tensor, "r a"],
    b_q: Float[Tensor, " a"], b_k: Float[Tensor, " a"],
) -> Float[Tensor, "n m"]:
    """A linear layer and a nonlinearity on each side, then the inner product."""
    i, j = indices("n", "m")
    q = tanh(s[i] @ W_q + b_q)
    k = tanh(h[j] @ W_k + b_k)
    e = q @ k
    return e.stack(i, j)
