"""Attention: from scores to weights, from weights to what an output reads."""

from jaxtyping import Bool, Float

from attnspec import Place, Source, equation
from attnspec.notation import (
    Tensor,
    argmax,
    concat,
    exp,
    index,
    indices,
    inf,
    last,
    log,
    max,
    relu,
    scan,
    size,
    softmax,
    split,
    sqrt,
    sum,
    tanh,
    transpose,
    where,
    zeros,
)

BAHDANAU = Source("001", "注意力机制/抛弃RNN", paper="Bahdanau et al. 2015, arXiv:1409.0473v7, eq. 5 and 6")
SCORED = Source("001", "注意力机制/抛弃RNN", paper="Bahdanau et al. 2015, arXiv:1409.0473v7, eq. 5, 6 and app. A.1.2")
QIYUE = Source("000", "attention架构本身")
VASWANI = Source("001", "Attention 另一种表述", paper="Vaswani et al. 2017, arXiv:1706.03762, eq. 1")
PADDED = Source(paper="BERT's code, modeling.py; PyTorch, nn.MultiheadAttention with key_padding_mask")
LUONG = Source(paper="Luong et al. 2015, arXiv:1508.04025, sec. 3.1")
DECODER = Source(paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2.3")
LEVINE = Source("002", "Sequence to Sequence")
SHARE = Source("001", "Attention 另一种表述")
LEE = Source("004", "self-attention原理")
DAO = Source("001", "Attention 另一种表述", paper="Dao 2023, arXiv:2307.08691, alg. 1")
YE = Source(paper="Ye et al. 2025, arXiv:2501.01005, sec. 2.2")
SHAZEER = Source(paper="Shazeer 2019, arXiv:1911.02150, sec. 2.4")
WANG_LAYER = Source("003", "Attention Layer")


@equation(BAHDANAU)
def weights(e: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """The share of its attention that output i pays to input j; each row sums to 1."""
    i, j = indices("n", "m")
    alpha = softmax(j, e[i, j])
    return alpha.stack(i, j)


@equation(BAHDANAU)
def context_vector(alpha: Float[Tensor, "n m"], h: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What output i reads: every input state, each weighted by the attention that i pays to it."""
    i, j = indices("n", "m")
    c = sum(j, alpha[i, j] * h[j])
    return c.stack(i)


@equation(LEVINE)
def value_map(
    alpha: Float[Tensor, "n m"], h: Float[Tensor, "m d"], W_v: Float[Tensor, "d e"],
) -> Float[Tensor, "n e"]:
    """The context vector of values that a matrix makes of the states; 002 lets any function make them."""
    i, j = indices("n", "m")
    v = h[j] @ W_v
    c = sum(j, alpha[i, j] * v)
    return c.stack(i)


@equation(QIYUE)
def soft(q: Float[Tensor, "n d"], x: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Soft attention: the inputs are keys and values at once."""
    i, j = indices("n", "m")
    alpha = softmax(j, q[i] @ x[j])
    c = sum(j, alpha * x[j])
    return c.stack(i)


@equation(QIYUE)
def learned_query(x: Float[Tensor, "m d"], q: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Soft attention whose queries are not made from anything: q is learned, as a weight is."""
    i, j = indices("n", "m")
    alpha = softmax(j, q[i] @ x[j])
    c = sum(j, alpha * x[j])
    return c.stack(i)


@equation(QIYUE)
def key_value(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Scores come from the keys alone, and what is read are the values."""
    i, j = indices("n", "m")
    alpha = softmax(j, e[i, j])
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(LEVINE)
def hard(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """The value of the key with the largest score; of keys that tie, the first.

    What key_value comes to as the scores grow. No gradient reaches the scores, which is why softmax stands for it.
    """
    i, j = indices("n", "m")
    best = argmax(j, e[i, j])
    c = max(j, v[j], where=(best <= j) & (j <= best))  # of one alone, which a sum would round
    return c.stack(i)


@equation(LEE, convention_of=key_value, says="the weights are relu of the scores, and are not normalised")
def relu_weights(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """key_value with relu for softmax; a row of weights sums to anything, also to 0."""
    i, j = indices("n", "m")
    alpha = relu(e[i, j])
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(SHARE)
def linear_weights(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """The scores themselves are the weights, also where they are negative: 001's (Q Kᵀ) V."""
    i, j = indices("n", "m")
    c = sum(j, e[i, j] * v[j])
    return c.stack(i)


@equation(QIYUE)
def dot_product(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """Key-value attention by inner products, unscaled."""
    i, j = indices("n", "m")
    alpha = softmax(j, q[i] @ k[j])
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(VASWANI)
def scaled_dot_product(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """Key-value attention by inner products over the root of the keys' width."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(LUONG)
def bilinear(
    q: Float[Tensor, "n p"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], W: Float[Tensor, "p d"],
) -> Float[Tensor, "n e"]:
    """Key-value attention by inner products through a matrix."""
    i, j = indices("n", "m")
    e = q[i] @ W @ k[j]
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(SCORED)
def additive(
    q: Float[Tensor, "n p"], k: Float[Tensor, "m q"], v: Float[Tensor, "m e"],
    W: Float[Tensor, "p a"], U: Float[Tensor, "q a"], v_a: Float[Tensor, " a"],
) -> Float[Tensor, "n e"]:
    """Key-value attention with a hidden layer over query and key for the score."""
    i, j = indices("n", "m")
    e = tanh(q[i] @ W + k[j] @ U) @ v_a
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(VASWANI)
def masked(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> Float[Tensor, "n e"]:
    """Scaled dot-product attention over the keys that each query may look at; mask is true where it may.

    What is masked never shows, also NaN and infinity. A query with nothing to look at reads 0, also in
    scaled_dot_product_attention of PyTorch 2.13. Differs: it reads NaN in nn.MultiheadAttention where the weights are
    returned too, `masked_empty_is_nan`.
    """
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, e, where=mask[i, j])
    c = sum(j, alpha * v[j], where=mask[i, j])
    return c.stack(i)


@equation(Source(paper="PyTorch, nn.MultiheadAttention(need_weights=True)"), convention_of=masked,
          says="−∞ stands in for masked scores, so that a query with nothing to look at reads NaN")
def masked_empty_is_nan(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> Float[Tensor, "n e"]:
    """masked, but for a query with nothing to look at, which reads NaN.

    PyTorch's nn.MultiheadAttention computes this on the path that returns the weights, which is its default.
    """
    i, j = indices("n", "m")
    d = size("d")
    e = where(mask[i, j], q[i] @ k[j] / sqrt(d), -inf)
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(PADDED)
def padded(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, " m"],
) -> Float[Tensor, "n e"]:
    """masked with one mask for all queries, which is false where a key is padding.

    Over padding alone the output is 0. Differs: PyTorch's key_padding_mask is true where a key is padding; BERT's own
    code adds −10000 to the scores of padding, which is the same unless all is padding.
    """
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, e, where=mask[j])
    c = sum(j, alpha * v[j], where=mask[j])
    return c.stack(i)


@equation(DECODER)
def causal(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """Scaled dot-product attention that does not look ahead; the last query is aligned with the last key.

    A query before the first key reads 0. Differs: PyTorch's is_causal aligns the first with the first,
    `causal_top_left`; equal for n = m.
    """
    i, j = indices("n", "m")
    n, m, d = size("n"), size("m"), size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, e, where=j <= i + (m - n))
    c = sum(j, alpha * v[j], where=j <= i + (m - n))
    return c.stack(i)


@equation(Source(paper="PyTorch, scaled_dot_product_attention(is_causal=True)"), convention_of=causal,
          says="the causal mask is aligned at the top left: j ≤ i")
def causal_top_left(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """causal with the first query aligned with the first key."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, e, where=j <= i)
    c = sum(j, alpha * v[j], where=j <= i)
    return c.stack(i)


@equation(DAO, smallest={"m": 0})
def with_lse(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """Scaled dot-product attention, and the logarithm of each row's sum of exponentials, as fused kernels return it.

    Over no keys at all the output is 0 and the logarithm −∞. Differs: FlashAttention-2 says +∞ there.
    """
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, e)
    o = sum(j, alpha * v[j])
    top = max(j, e)
    lse = top + log(sum(j, exp(e - top)))
    return o.stack(i), lse.stack(i)


@equation(DAO, options={"first": Place("m")})
def block_step(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
    top: Float[Tensor, " n"], total: Float[Tensor, " n"], o: Float[Tensor, "n e"], *, first: int, block: int,
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"], Float[Tensor, "n e"]]:
    """One more block of keys, from `first` on: the largest score so far, and two sums relative to it, move on.

    Before the first block they are −∞, 0 and 0; the last block may be shorter.
    """
    i, j = indices("n", "B")
    m, d = size("m"), size("d")
    e = q[i] @ k[first + j] / sqrt(d)
    high = max(j, e, where=first + j < m)
    top_next = where(top[i] < high, high, top[i])
    shrunk = exp(top[i] - top_next)  # what the sums so far are worth under the new maximum
    p = exp(e - top_next)
    total_next = shrunk * total[i] + sum(j, p, where=first + j < m)
    o_next = shrunk * o[i] + sum(j, p * v[first + j], where=first + j < m)
    return top_next.stack(i), total_next.stack(i), o_next.stack(i)


@equation(DAO)
def blocked(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], *, block: int,
) -> Float[Tensor, "n e"]:
    """Scaled dot-product attention from one block of keys after the other, which never holds all weights at once."""
    b, i = indices("ceil(m/B)", "n")
    top, total, o = scan(  # noqa: RUF059  # a state needs its name
        b,
        lambda top, total, o: block_step(q, k, v, top, total, o, first=b * block, block=block),
        zeros("n") - inf, zeros("n"), zeros("n e"),
    )
    c = last(b, o)[i] / last(b, total)[i]
    return c.stack(i)


@equation(YE)
def merge(
    o_1: Float[Tensor, "n e"], lse_1: Float[Tensor, " n"],
    o_2: Float[Tensor, "n e"], lse_2: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """with_lse over all keys, from what it gives over some of them and over the others.

    A part without keys has −∞ for its logarithm and does not count; two of them give 0 and −∞.
    """
    i = index("n")
    top = where(lse_1[i] < lse_2[i], lse_2[i], lse_1[i])
    p_1 = where(lse_1[i] > -inf, exp(lse_1[i] - top), 0)
    p_2 = where(lse_2[i] > -inf, exp(lse_2[i] - top), 0)
    total = p_1 + p_2
    o = where(total > 0, (p_1 * o_1[i] + p_2 * o_2[i]) / total, 0)
    lse = top + log(total)
    return o.stack(i), lse.stack(i)


@equation(SHAZEER)
def incremental(
    q: Float[Tensor, " d"], k_new: Float[Tensor, " d"], v_new: Float[Tensor, " e"],
    K: Float[Tensor, "t d"], V: Float[Tensor, "t e"],
) -> tuple[Float[Tensor, " e"], Float[Tensor, "t+1 d"], Float[Tensor, "t+1 e"]]:
    """The next row of causal attention: key and value are stored behind those so far, then the query looks at all."""
    j = index("t+1")
    d, width = size("d"), size("e")
    K_next = transpose(concat(transpose(K), split(k_new, d)))  # one more column, turned back to a row
    V_next = transpose(concat(transpose(V), split(v_new, width)))
    e = q @ K_next[j] / sqrt(d)
    alpha = softmax(j, e)
    o = sum(j, alpha * V_next[j])
    return o, K_next, V_next


@equation(WANG_LAYER)
def layer_readout(
    c: Float[Tensor, "t k"], W: Float[Tensor, "k v"], b: Float[Tensor, " v"],
) -> Float[Tensor, "t v"]:
    """The distribution over the next word at each position, read from what the attention gave there."""
    j, w = indices("t", "v")
    e = c[j] @ W + b
    p = softmax(w, e[w])
    return p.stack(j, w)


@equation(LEVINE)
def into_readout(
    s: Float[Tensor, " u"], a: Float[Tensor, " k"], W: Float[Tensor, "u+k o"], b: Float[Tensor, " o"],
) -> Float[Tensor, " o"]:
    """What was attended goes into the output: a linear layer on the decoder's state and it, end to end."""
    return concat(s, a) @ W + b


@equation(LEVINE)
def into_next_step(x: Float[Tensor, " d"], a: Float[Tensor, " k"]) -> Float[Tensor, " d+k"]:
    """What was attended goes into the decoder's next step, behind that step's own input."""
    return concat(x, a)


@equation(LEVINE)
def into_next_layer(s: Float[Tensor, " u"], a: Float[Tensor, " k"]) -> Float[Tensor, " u+k"]:
    """What was attended goes into the decoder's next layer, behind the state of the layer below."""
    return concat(s, a)
