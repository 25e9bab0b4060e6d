"""Self-attention: queries, keys and values all come from one sequence."""

from jaxtyping import Float

from attnspec import Source, equation
from attnspec.equations import attention, scores
from attnspec.notation import Tensor, index, indices, last, scan, softmax, sum, transpose

LEE = Source("004", "self-attention原理", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2")
RELEVANCE = Source("004", "self-attention原理")
WANG = Source("003", "Self- Attention Layer")
WANG_CROSS = Source("003", "Attention Layer")


@equation(LEE)
def qkv(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> tuple[Float[Tensor, "t d"], Float[Tensor, "t d"], Float[Tensor, "t e"]]:
    """Queries, keys and values: three linear maps of the same input."""
    q = x @ W_q
    k = x @ W_k
    v = x @ W_v
    return q, k, v


@equation(LEE)
def scaled(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> Float[Tensor, "t e"]:
    """Each position asks all positions, itself included."""
    q, k, v = qkv(x, W_q, W_k, W_v)
    return attention.scaled_dot_product(q, k, v)


@equation(WANG, convention_of=scaled, says="the scores are not divided by √d")
def unscaled(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> Float[Tensor, "t e"]:
    """scaled without the scale, as 003 and 004 write it."""
    q, k, v = qkv(x, W_q, W_k, W_v)
    return attention.dot_product(q, k, v)


@equation(WANG, says="positions stand in columns: V softmax(KᵀQ)")
def columns(
    x: Float[Tensor, "c t"], W_q: Float[Tensor, "d c"], W_k: Float[Tensor, "d c"], W_v: Float[Tensor, "e c"],
) -> Float[Tensor, "e t"]:
    """unscaled with a column for each position; equal to it on the transposes."""
    i, j = indices("t", "t")
    q, k, v = transpose(W_q @ x), transpose(W_k @ x), transpose(W_v @ x)
    alpha = softmax(j, k[j] @ q[i])
    c = sum(j, v[j] * alpha)
    return transpose(c.stack(i))


@equation(RELEVANCE, convention_of=scaled, says="the weights are relu of the scores, neither scaled nor normalised")
def relu(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> Float[Tensor, "t e"]:
    """unscaled with relu for softmax, as 004 allows; a row of weights sums to anything, also to 0."""
    q, k, v = qkv(x, W_q, W_k, W_v)
    e = scores.dot(q, k)
    return attention.relu_weights(e, v)


@equation(RELEVANCE, convention_of=scaled, says="the weights are relu of the scaled scores, not normalised")
def relu_scaled(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> Float[Tensor, "t e"]:
    """scaled with relu for softmax."""
    q, k, v = qkv(x, W_q, W_k, W_v)
    e = scores.scaled_dot(q, k)
    return attention.relu_weights(e, v)


@equation(RELEVANCE, Source(paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.1.2"))
def additive(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c a"], W_k: Float[Tensor, "c a"], W_v: Float[Tensor, "c e"],
    v_a: Float[Tensor, " a"],
) -> Float[Tensor, "t e"]:
    """Each position asks all positions by additive relevance: a hidden layer over both, read by v_a, then softmax.

    The picture in 004 is lost. The score is that of Bahdanau et al., of which both sides are the input.
    """
    v = x @ W_v
    e = scores.additive(x, x, W_q, W_k, v_a)
    return attention.key_value(e, v)


@equation(WANG_CROSS)
def cross(
    x_q: Float[Tensor, "n c"], x: Float[Tensor, "m b"],
    W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "b d"], W_v: Float[Tensor, "b e"],
) -> Float[Tensor, "n e"]:
    """Each position of one sequence asks all positions of another."""
    q = x_q @ W_q
    k = x @ W_k
    v = x @ W_v
    return attention.scaled_dot_product(q, k, v)


@equation(WANG_CROSS, convention_of=cross, says="the scores are not divided by √d")
def cross_unscaled(
    x_q: Float[Tensor, "n c"], x: Float[Tensor, "m b"],
    W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "b d"], W_v: Float[Tensor, "b e"],
) -> Float[Tensor, "n e"]:
    """cross without the scale, which is 003's attention layer."""
    q = x_q @ W_q
    k = x @ W_k
    v = x @ W_v
    return attention.dot_product(q, k, v)


@equation(LEE)
def causal(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "c d"], W_k: Float[Tensor, "c d"], W_v: Float[Tensor, "c e"],
) -> Float[Tensor, "t e"]:
    """Each position asks itself and the positions before it."""
    q, k, v = qkv(x, W_q, W_k, W_v)
    return attention.causal(q, k, v)


@equation(LEE)
def stacked(
    x: Float[Tensor, "t c"], W_q: Float[Tensor, "N c d"], W_k: Float[Tensor, "N c d"], W_v: Float[Tensor, "N c c"],
) -> Float[Tensor, "t c"]:
    """Layer on layer: what one gives the next reads; the weights of all layers, bottom first, along one axis."""
    l = index("N")
    y = scan(l, lambda y: scaled(y, W_q[l], W_k[l], W_v[l]), x)
    return last(l, y)
