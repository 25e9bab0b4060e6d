"""Multi-head attention: several attentions side by side, end to end, then one more matrix."""

from jaxtyping import Bool, Float

from attnspec import Source, equation
from attnspec.equations import attention as single
from attnspec.equations import scores
from attnspec.notation import Tensor, concat, index, indices, split

VASWANI = Source("004", "多头注意力机制", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2.2")
RELU = Source("004", "self-attention原理")
CAUSAL = Source(paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2.3")
BIASED = Source(paper="PyTorch, nn.MultiheadAttention(bias=True)")
BIASED_MASKED = Source(paper="PyTorch, nn.MultiheadAttention(bias=True) with attn_mask")
BIASED_PADDED = Source(paper="BERT's code, modeling.py; PyTorch, nn.MultiheadAttention with key_padding_mask")
BIASED_CAUSAL = Source(paper="GPT-2's code, model.py; PyTorch, nn.MultiheadAttention with is_causal")
QIYUE = Source("000", "多头注意力机制")


@equation(VASWANI, name="split")
def split_heads(x: Float[Tensor, "t H*d"], *, heads: int) -> Float[Tensor, "H t d"]:
    """Each row cut into heads; head h takes the columns h·d to (h+1)·d."""
    t, h = index("t"), index("H")
    parts = split(x[t], heads)[h]
    return parts.stack(h, t)


@equation(VASWANI, name="concat")
def concat_heads(x: Float[Tensor, "H t d"]) -> Float[Tensor, "t H*d"]:
    """The heads end to end; undoes split."""
    h = index("H")
    return concat(h, x[h])


@equation(VASWANI)
def attention(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Each head attends in its own columns of Q, K and V; W_o mixes what they read."""
    h = index("H")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    head = single.scaled_dot_product(q[h], k[h], v[h])
    return concat(h, head) @ W_o


@equation(RELU, convention_of=attention, says="the weights are relu of the scores, and are not normalised")
def relu(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Multi-head attention with relu for softmax, as 004 allows."""
    h = index("H")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    e = scores.scaled_dot(q[h], k[h])
    head = single.relu_weights(e, v[h])
    return concat(h, head) @ W_o


@equation(VASWANI)
def masked(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], mask: Bool[Tensor, "n m"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Multi-head attention over the keys that each query may look at; mask is true where it may.

    Differs: PyTorch's nn.MultiheadAttention means the opposite by its boolean mask.
    """
    h = index("H")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    head = single.masked(q[h], k[h], v[h], mask)
    return concat(h, head) @ W_o


@equation(CAUSAL)
def causal(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Multi-head attention that does not look ahead; the last query is aligned with the last key."""
    h = index("H")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    head = single.causal(q[h], k[h], v[h])
    return concat(h, head) @ W_o


@equation(BIASED)
def attention_biased(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    *, heads: int,
) -> Float[Tensor, "n c"]:
    """Multi-head attention with the biases that trained models have; with zero biases, the plain one."""
    i, j, h = indices("n", "m", "H")
    q = x_q[i] @ W_q + b_q
    k = x_kv[j] @ W_k + b_k
    v = x_kv[j] @ W_v + b_v
    q_h = split_heads(q.stack(i), heads=heads)[h]
    k_h = split_heads(k.stack(j), heads=heads)[h]
    v_h = split_heads(v.stack(j), heads=heads)[h]
    head = single.scaled_dot_product(q_h, k_h, v_h)
    c = concat(h, head)[i] @ W_o + b_o
    return c.stack(i)


@equation(BIASED)
def self_attention_biased(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    *, heads: int,
) -> Float[Tensor, "t c"]:
    """attention_biased of a sequence to itself, as modules of self-attention compute it."""
    return attention_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads=heads)


@equation(BIASED_MASKED)
def masked_biased(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    mask: Bool[Tensor, "n m"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """attention_biased over the keys that each query may look at; mask is true where it may.

    A query with nothing to look at gives b_o. Differs: PyTorch's nn.MultiheadAttention means the opposite by its mask.
    """
    i, j, h = indices("n", "m", "H")
    q = x_q[i] @ W_q + b_q
    k = x_kv[j] @ W_k + b_k
    v = x_kv[j] @ W_v + b_v
    q_h = split_heads(q.stack(i), heads=heads)[h]
    k_h = split_heads(k.stack(j), heads=heads)[h]
    v_h = split_heads(v.stack(j), heads=heads)[h]
    head = single.masked(q_h, k_h, v_h, mask)
    c = concat(h, head)[i] @ W_o + b_o
    return c.stack(i)


@equation(BIASED_PADDED)
def padded_biased(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    mask: Bool[Tensor, " m"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """attention_biased over the keys that are not padding; mask is false where a key is.

    Over padding alone it gives b_o. Differs: PyTorch's key_padding_mask is true where a key is padding.
    """
    i, j, h = indices("n", "m", "H")
    q = x_q[i] @ W_q + b_q
    k = x_kv[j] @ W_k + b_k
    v = x_kv[j] @ W_v + b_v
    q_h = split_heads(q.stack(i), heads=heads)[h]
    k_h = split_heads(k.stack(j), heads=heads)[h]
    v_h = split_heads(v.stack(j), heads=heads)[h]
    head = single.padded(q_h, k_h, v_h, mask)
    c = concat(h, head)[i] @ W_o + b_o
    return c.stack(i)


@equation(BIASED_CAUSAL)
def causal_biased(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    *, heads: int,
) -> Float[Tensor, "n c"]:
    """attention_biased that does not look ahead; the last query is aligned with the last key."""
    i, j, h = indices("n", "m", "H")
    q = x_q[i] @ W_q + b_q
    k = x_kv[j] @ W_k + b_k
    v = x_kv[j] @ W_v + b_v
    q_h = split_heads(q.stack(i), heads=heads)[h]
    k_h = split_heads(k.stack(j), heads=heads)[h]
    v_h = split_heads(v.stack(j), heads=heads)[h]
    head = single.causal(q_h, k_h, v_h)
    c = concat(h, head)[i] @ W_o + b_o
    return c.stack(i)


@equation(QIYUE)
def queries(
    q: Float[Tensor, "M d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, " M*e"]:
    """Several queries over the same pairs, what they read end to end: att((K, V), q_1) ⊕ … ⊕ att((K, V), q_M)."""
    i = index("M")
    c = single.scaled_dot_product(q, k, v)
    return concat(i, c[i])
