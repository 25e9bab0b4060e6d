"""Mistakes with attention that no operator makes, and equal forms of it."""

from jaxtyping import Float

from attnspec import mutant, mutate
from attnspec.equations.attention import (
    causal,
    hard,
    incremental,
    key_value,
    layer_readout,
    learned_query,
    linear_weights,
    masked,
    merge,
    relu_weights,
    scaled_dot_product,
    weights,
    with_lse,
)
from attnspec.notation import (
    Tensor,
    concat,
    exp,
    index,
    indices,
    log,
    max,
    size,
    softmax,
    split,
    sqrt,
    sum,
    transpose,
    where,
)

mutate(
    weights, "off_by_one",
    says="softmax has an extra 1 in its sum: attention may look at nothing",
    lines={"p": "exp(e[i, j])", "alpha": "p / (1 + sum(j, p))"},
)


mutate(
    weights, "unstable", in_storage=True,
    says="the largest score is not taken off before exp: large scores overflow",
    lines={"p": "exp(e[i, j])", "alpha": "p / sum(j, p)"},
)


mutate(
    key_value, "unstable_key_value", in_storage=True,
    says="the largest score is not taken off before exp: large scores overflow",
    lines={"p": "exp(e[i, j])", "c": "sum(j, p * v[j]) / sum(j, p)"},
)


mutate(
    learned_query, "unstable_learned_query", in_storage=True,
    says="the largest score is not taken off before exp: large scores overflow",
    lines={"p": "exp(q[i] @ x[j])", "c": "sum(j, p * x[j]) / sum(j, p)"},
)


mutate(
    learned_query, "scaled_learned_query",
    says="the scores are divided by √d",
    lines={"d": 'size("d")', "alpha": "softmax(j, q[i] @ x[j] / sqrt(d))"},
)


mutate(
    hard, "last_of_a_tie",
    says="of keys that tie, the last is read",
    lines={"top": "max(j, e[i, j])", "best": "max(j, 1 * j, where=e[i, j] >= top)"},
)


mutate(
    hard, "sum_of_a_tie",
    says="of keys that tie, all are added up",
    lines={"top": "max(j, e[i, j])", "c": "sum(j, v[j], where=e[i, j] >= top)"},
)


@mutant(hard, says="of keys that tie, the mean is read")
def mean_of_a_tie(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What softmax comes to as the scores grow, where some are equal."""
    i, j = indices("n", "m")
    top = max(j, e[i, j])
    p = where(e[i, j] >= top, 1, 0)
    c = sum(j, p * v[j]) / sum(j, p)
    return c.stack(i)


smallest = mutate(
    hard, "smallest",
    says="the key with the smallest score is read",
    lines={"best": "argmax(j, -e[i, j])"},
)


weighted = mutate(
    hard, "weighted",
    says="the value is multiplied by its weight",
    lines={"alpha": "softmax(j, e[i, j])", "c": "sum(j, alpha * v[j], where=(best <= j) & (j <= best))"},
)


mutate(
    hard, "softened",
    says="the values are weighted by softmax, not chosen",
    lines={"c": "sum(j, softmax(j, e[i, j]) * v[j])"},
)


mutate(
    relu_weights, "relu_normalised",
    says="the weights are divided by their sum",
    lines={"p": "relu(e[i, j])", "c": "sum(j, p * v[j]) / sum(j, p)"},
)


mutate(
    relu_weights, "relu_over_keys",
    says="the weights are divided by the number of keys",
    lines={"m": 'size("m")', "alpha": "relu(e[i, j]) / m"},
)


mutate(
    linear_weights, "linear_softmax",
    says="the weights are softmax of the scores",
    lines={"c": "sum(j, softmax(j, e[i, j]) * v[j])"},
)


mutate(
    linear_weights, "linear_normalised",
    says="the weights are divided by their sum",
    lines={"c": "sum(j, e[i, j] * v[j]) / sum(j, e[i, j])"},
)


mutate(
    linear_weights, "linear_positive",
    says="negative scores are taken for 0",
    lines={"c": "sum(j, relu(e[i, j]) * v[j])"},
)


mutate(
    layer_readout, "unstable_layer_readout", in_storage=True,
    says="the largest score is not taken off before exp: large scores overflow",
    lines={"z": "exp(e[w])", "p": "z / sum(w, z)"},
)


mutate(
    scaled_dot_product, "unstable_scaled", in_storage=True,
    says="the largest score is not taken off before exp: large scores overflow",
    lines={"p": "exp(q[i] @ k[j] / sqrt(d))", "c": "sum(j, p * v[j]) / sum(j, p)"},
)


mutate(
    scaled_dot_product, "off_by_one_scaled",
    says="softmax has an extra 1 in its sum: attention may look at nothing",
    lines={"p": "exp(q[i] @ k[j] / sqrt(d))", "c": "sum(j, p * v[j]) / (1 + sum(j, p))"},
)


mutate(
    masked, "finite_mask",
    says="masked scores are set to −10000 and not left out: a query with nothing to look at reads the mean",
    lines={
        "e": "where(mask[i, j], q[i] @ k[j] / sqrt(d), -10000)",
        "alpha": "softmax(j, e)",
        "c": "sum(j, alpha * v[j])",
    },
)


mutate(
    masked, "additive_mask",
    says="−10000 is added to masked scores, which still leak: a query with nothing to look at sees all",
    lines={
        "e": "q[i] @ k[j] / sqrt(d) + where(mask[i, j], 0, -10000)",
        "alpha": "softmax(j, e)",
        "c": "sum(j, alpha * v[j])",
    },
)


mutate(
    masked, "zero_mask",
    says="masked scores are 0 instead of −∞: masked keys keep a weight of exp 0",
    lines={"alpha": "softmax(j, where(mask[i, j], q[i] @ k[j] / sqrt(d), 0))", "c": "sum(j, alpha * v[j])"},
)


mutate(
    masked, "masked_after",
    says="the mask is applied after softmax: what is left does not sum to 1",
    lines={"alpha": "softmax(j, q[i] @ k[j] / sqrt(d))", "c": "sum(j, where(mask[i, j], alpha, 0) * v[j])"},
)


mutate(
    causal, "causal_after",
    says="the mask is applied after softmax: what is left does not sum to 1",
    lines={"alpha": "softmax(j, q[i] @ k[j] / sqrt(d))", "c": "sum(j, where(j <= i + (m - n), alpha, 0) * v[j])"},
)


mutate(
    with_lse, "base_2",
    says="the logarithm is to the base 2",
    lines={"o": "sum(j, softmax(j, e) * v[j])", "lse": "(top + log(sum(j, exp(e - top)))) / log(2)"},
)


mutate(
    with_lse, "unscaled_lse",
    says="the logarithm is of the scores before they are divided by √d",
    lines={"e": "q[i] @ k[j]", "o": "sum(j, softmax(j, e / sqrt(d)) * v[j])"},
)


@mutant(with_lse, says="the output is not divided by the sum of exponentials")
def undivided(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """What is carried from block to block before the last one."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    top = max(j, e)
    p = exp(e - top)
    o = sum(j, p * v[j])
    lse = top + log(sum(j, p))
    return o.stack(i), lse.stack(i)


mutate(
    with_lse, "empty_is_plus_infinity",
    says="over no keys the logarithm is +∞",
    lines={"o": "sum(j, softmax(j, e) * v[j])", "lse": "where(top > -inf, top + log(sum(j, exp(e - top))), inf)"},
)


mutate(
    with_lse, "unstable_lse", in_storage=True,
    says="the largest score is not taken off before exp: large scores overflow",
    lines={"o": "sum(j, softmax(j, e) * v[j])", "lse": "log(sum(j, exp(e)))"},
)


mutate(
    merge, "merged_by_2",
    says="the logarithms are taken to the base 2",
    lines={
        "p_1": "2 ** (lse_1[i] - top)",
        "p_2": "2 ** (lse_2[i] - top)",
        "o": "(p_1 * o_1[i] + p_2 * o_2[i]) / total",
        "lse": "top + log(total) / log(2)",
    },
)


mutate(
    merge, "merged_alike",
    says="both parts count alike, whatever their logarithms",
    lines={"o": "(o_1[i] + o_2[i]) / 2", "lse": "top + log(exp(lse_1[i] - top) + exp(lse_2[i] - top))"},
)


@mutant(merge, says="the larger logarithm is not taken off before exp: large ones overflow", in_storage=True)
def unstable_merge(
    o_1: Float[Tensor, "n e"], lse_1: Float[Tensor, " n"],
    o_2: Float[Tensor, "n e"], lse_2: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """Right for small logarithms, NaN beyond 88 in float32 and 709 in float64."""
    i = index("n")
    p_1, p_2 = exp(lse_1[i]), exp(lse_2[i])
    total = p_1 + p_2
    o = (p_1 * o_1[i] + p_2 * o_2[i]) / total
    lse = log(total)
    return o.stack(i), lse.stack(i)


@mutant(incremental, says="the query does not look at the new key: it is stored too late")
def stored_late(
    q: Float[Tensor, " d"], k_new: Float[Tensor, " d"], v_new: Float[Tensor, " e"],
    K: Float[Tensor, "t d"], V: Float[Tensor, "t e"],
) -> tuple[Float[Tensor, " e"], Float[Tensor, "t+1 d"], Float[Tensor, "t+1 e"]]:
    """Every query looks at the keys before it alone, and the first at none."""
    j = index("t")
    d, width = size("d"), size("e")
    K_next = transpose(concat(transpose(K), split(k_new, d)))
    V_next = transpose(concat(transpose(V), split(v_new, width)))
    alpha = softmax(j, q @ K[j] / sqrt(d))
    o = sum(j, alpha * V[j])
    return o, K_next, V_next


mutate(
    incremental, "unstable_incremental", in_storage=True,
    says="the largest score is not taken off before exp: large scores overflow",
    lines={"p": "exp(q @ K_next[j] / sqrt(d))", "o": "sum(j, p * V_next[j]) / sum(j, p)"},
)
