"""Mistakes with multi-head attention that no operator makes."""

from jaxtyping import Bool, Float

from attnspec import mutant
from attnspec.equations.multihead import attention, causal, concat_heads, masked, split_heads
from attnspec.notation import Tensor, concat, indices, size, softmax, sqrt, sum, where


@mutant(attention, says="the scale is √(H·d), the model's width, instead of √d, the head's")
def scaled_by_the_model(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Scores √H times too small."""
    i, j, h = indices("n", "m", "H")
    width = size("H*d")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    alpha = softmax(j, q[h, i] @ k[h, j] / sqrt(width))
    head = sum(j, alpha * v[h, j])
    return concat(h, head.stack(i)) @ W_o


@mutant(causal, says="the scale is √(H·d), the model's width, instead of √d, the head's")
def causal_scaled_by_the_model(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Scores √H times too small."""
    i, j, h = indices("n", "m", "H")
    n, m, width = size("n"), size("m"), size("H*d")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    alpha = softmax(j, q[h, i] @ k[h, j] / sqrt(width), where=j <= i + (m - n))
    head = sum(j, alpha * v[h, j], where=j <= i + (m - n))
    return concat(h, head.stack(i)) @ W_o


@mutant(masked, says="the scale is √(H·d), the model's width, instead of √d, the head's")
def masked_scaled_by_the_model(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], mask: Bool[Tensor, "n m"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Scores √H times too small."""
    i, j, h = indices("n", "m", "H")
    width = size("H*d")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    alpha = softmax(j, q[h, i] @ k[h, j] / sqrt(width), where=mask[i, j])
    head = sum(j, alpha * v[h, j], where=mask[i, j])
    return concat(h, head.stack(i)) @ W_o


@mutant(masked, says="masked scores are set to −10000 and not left out: a query with nothing to look at reads the mean")
def finite_mask(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], mask: Bool[Tensor, "n m"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Also what any other large negative number does."""
    i, j, h = indices("n", "m", "H")
    d = size("d")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    alpha = softmax(j, where(mask[i, j], q[h, i] @ k[h, j] / sqrt(d), -10000))
    head = sum(j, alpha * v[h, j])
    return concat(h, head.stack(i)) @ W_o


@mutant(masked, says="the mask is applied after softmax: what is left does not sum to 1")
def masked_after(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], mask: Bool[Tensor, "n m"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """Weights of masked keys are dropped, the others not raised."""
    i, j, h = indices("n", "m", "H")
    d = size("d")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    alpha = softmax(j, q[h, i] @ k[h, j] / sqrt(d))
    head = sum(j, where(mask[i, j], alpha, 0) * v[h, j])
    return concat(h, head.stack(i)) @ W_o


@mutant(attention, says="each head attends over the heads of one position, not over the positions")
def over_heads(
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> Float[Tensor, "n c"]:
    """softmax over the head instead of the key."""
    i, j, h = indices("n", "m", "H")
    d = size("d")
    q = split_heads(x_q @ W_q, heads=heads)
    k = split_heads(x_kv @ W_k, heads=heads)
    v = split_heads(x_kv @ W_v, heads=heads)
    alpha = softmax(h, q[h, i] @ k[h, j] / sqrt(d))
    head = sum(j, alpha * v[h, j])
    return concat(h, head.stack(i)) @ W_o


@mutant(concat_heads, says="heads are interleaved: one column of each in turn")
def interleaved(x: Float[Tensor, "H t d"]) -> Float[Tensor, "t H*d"]:
    """Column k of every head, then column k + 1."""
    h, t, k = indices("H", "t", "d")
    columns = x[h, t, k].stack(h)
    return concat(k, columns).stack(t)
