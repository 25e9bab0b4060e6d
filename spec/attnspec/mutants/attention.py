"""Mistakes with attention that no operator makes."""

from attnspec import mutate
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
    padded,
    relu_weights,
    scaled_dot_product,
    weights,
    with_lse,
)

# Right for small scores, NaN beyond 88 in float32 and 709 in float64.
OVERFLOWS = "the largest score is not taken off before exp: large scores overflow"

mutate(
    weights, "off_by_one",
    says="softmax has an extra 1 in its sum: attention may look at nothing",
    lines={"p": "exp(e[i, j])", "alpha": "p / (1 + sum(j, p))"},
)

mutate(
    weights, "unstable", in_storage=True, says=OVERFLOWS,
    lines={"p": "exp(e[i, j])", "alpha": "p / sum(j, p)"},
)

mutate(
    key_value, "unstable_key_value", in_storage=True, says=OVERFLOWS,
    lines={"p": "exp(e[i, j])", "c": "sum(j, p * v[j]) / sum(j, p)"},
)

mutate(
    learned_query, "unstable_learned_query", in_storage=True, says=OVERFLOWS,
    lines={"p": "exp(q[i] @ x[j])", "c": "sum(j, p * x[j]) / sum(j, p)"},
)

mutate(
    learned_query, "scaled_learned_query",
    says="the scores are divided by √d",
    lines={"d": 'size("d")', "alpha": "softmax(j, q[i] @ x[j] / sqrt(d))"},
)

# What a search with ≥ finds.
mutate(
    hard, "last_of_a_tie",
    says="of keys that tie, the last is read",
    lines={"top": "max(j, e[i, j])", "best": "max(j, 1 * j, where=e[i, j] >= top)"},
)

# A mask of the largest scores for weights.
mutate(
    hard, "sum_of_a_tie",
    says="of keys that tie, all are added up",
    lines={"top": "max(j, e[i, j])", "c": "sum(j, v[j], where=e[i, j] >= top)"},
)

# What softmax comes to as the scores grow, where some are equal.
mutate(
    hard, "mean_of_a_tie",
    says="of keys that tie, the mean is read",
    lines={"top": "max(j, e[i, j])", "p": "where(e[i, j] >= top, 1, 0)", "c": "sum(j, p * v[j]) / sum(j, p)"},
)

# Scores taken for distances.
mutate(
    hard, "smallest",
    says="the key with the smallest score is read",
    lines={"best": "argmax(j, -e[i, j])"},
)

# It lets a gradient through to the scores.
mutate(
    hard, "weighted",
    says="the value is multiplied by its weight",
    lines={"alpha": "softmax(j, e[i, j])", "c": "sum(j, alpha * v[j], where=(best <= j) & (j <= best))"},
)

# What key_value does.
mutate(
    hard, "softened",
    says="the values are weighted by softmax, not chosen",
    lines={"c": "sum(j, softmax(j, e[i, j]) * v[j])"},
)

# NaN where no score is positive.
mutate(
    relu_weights, "relu_normalised",
    says="the weights are divided by their sum",
    lines={"c": "sum(j, alpha * v[j]) / sum(j, alpha)"},
)

# It keeps the sum of the weights from growing with the keys, in software that trains with relu.
mutate(
    relu_weights, "relu_over_keys",
    says="the weights are divided by the number of keys",
    lines={"m": 'size("m")', "alpha": "relu(e[i, j]) / m"},
)

# What key_value does.
mutate(
    linear_weights, "linear_softmax",
    says="the weights are softmax of the scores",
    lines={"c": "sum(j, softmax(j, e[i, j]) * v[j])"},
)

# Scores of both signs sum to next to nothing.
mutate(
    linear_weights, "linear_normalised",
    says="the weights are divided by their sum",
    lines={"c": "sum(j, e[i, j] * v[j]) / sum(j, e[i, j])"},
)

# What relu_weights does.
mutate(
    linear_weights, "linear_positive",
    says="negative scores are taken for 0",
    lines={"c": "sum(j, relu(e[i, j]) * v[j])"},
)

mutate(
    layer_readout, "unstable_layer_readout", in_storage=True, says=OVERFLOWS,
    lines={"z": "exp(e[w])", "p": "z / sum(w, z)"},
)

mutate(
    scaled_dot_product, "unstable_scaled", in_storage=True, says=OVERFLOWS,
    lines={"p": "exp(e)", "c": "sum(j, p * v[j]) / sum(j, p)"},
)

mutate(
    scaled_dot_product, "off_by_one_scaled",
    says="softmax has an extra 1 in its sum: attention may look at nothing",
    lines={"p": "exp(e)", "c": "sum(j, p * v[j]) / (1 + sum(j, p))"},
)

# Other large negative numbers do the same.
finite_mask = mutate(
    masked, "finite_mask",
    says="masked scores are set to −10000 and not left out: a query with nothing to look at reads the mean",
    lines={"alpha": "softmax(j, where(mask[i, j], e, -10000))", "c": "sum(j, alpha * v[j])"},
)

mutate(
    masked, "additive_mask",
    says="−10000 is added to masked scores, which still leak: a query with nothing to look at sees all",
    lines={"alpha": "softmax(j, e + where(mask[i, j], 0, -10000))", "c": "sum(j, alpha * v[j])"},
)

# Scores multiplied by the mask.
mutate(
    masked, "zero_mask",
    says="masked scores are 0 instead of −∞: masked keys keep a weight of exp 0",
    lines={"alpha": "softmax(j, where(mask[i, j], e, 0))", "c": "sum(j, alpha * v[j])"},
)

masked_after = mutate(
    masked, "masked_after",
    says="the mask is applied after softmax: what is left does not sum to 1",
    lines={"alpha": "softmax(j, e)", "c": "sum(j, where(mask[i, j], alpha, 0) * v[j])"},
)

# BERT's own code, in which only a text of nothing but padding shows it.
finite_padding = mutate(
    padded, "finite_padding",
    says="−10000 is added to the scores of padding, which still leak: where all is padding, all is seen",
    lines={"alpha": "softmax(j, e + where(mask[j], 0, -10000))", "c": "sum(j, alpha * v[j])"},
)

mutate(
    padded, "padding_set_to_0",
    says="keys and values at padding are 0 instead of left out: they keep a weight of exp 0",
    lines={
        "alpha": "softmax(j, where(mask[j], e, 0))",
        "c": "sum(j, alpha * where(mask[j], v[j], 0))",
    },
)

mutate(
    causal, "causal_after",
    says="the mask is applied after softmax: what is left does not sum to 1",
    lines={"alpha": "softmax(j, e)", "c": "sum(j, where(j <= i + (m - n), alpha, 0) * v[j])"},
)

# Kernels that compute with powers of 2 return it unless they convert it.
mutate(
    with_lse, "base_2",
    says="the logarithm is to the base 2",
    lines={"lse": "(top + log(sum(j, exp(e - top)))) / log(2)"},
)

# The output is right; parts that are merged by it are not.
mutate(
    with_lse, "unscaled_lse",
    says="the logarithm is of the scores before they are divided by √d",
    lines={"e": "q[i] @ k[j]", "alpha": "softmax(j, e / sqrt(d))"},
)

# What is carried from block to block before the last one.
mutate(
    with_lse, "undivided",
    says="the output is not divided by the sum of exponentials",
    lines={"o": "sum(j, exp(e - max(j, e)) * v[j])"},
)

# What FlashAttention-2 returns; merged, such a part hides the other.
mutate(
    with_lse, "empty_is_plus_infinity",
    says="over no keys the logarithm is +∞",
    lines={"lse": "where(top > -inf, top + log(sum(j, exp(e - top))), inf)"},
)

mutate(
    with_lse, "unstable_lse", in_storage=True, says=OVERFLOWS,
    lines={"lse": "log(sum(j, exp(e)))"},
)

# Right for software that uses powers of 2 throughout.
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

# Right where the two parts have equal sums.
mutate(
    merge, "merged_alike",
    says="both parts count alike, whatever their logarithms",
    lines={"o": "(o_1[i] + o_2[i]) / 2", "lse": "top + log(exp(lse_1[i] - top) + exp(lse_2[i] - top))"},
)

mutate(
    merge, "unstable_merge", in_storage=True,
    says="the larger logarithm is not taken off before exp: large ones overflow",
    lines={
        "p_1": "exp(lse_1[i])",
        "p_2": "exp(lse_2[i])",
        "o": "(p_1 * o_1[i] + p_2 * o_2[i]) / total",
        "lse": "log(total)",
    },
)

# Every query looks at the keys before it alone, and the first at none.
mutate(
    incremental, "stored_late",
    says="the query does not look at the new key: it is stored too late",
    lines={"j": 'index("t")', "e": "q @ K[j] / sqrt(d)", "o": "sum(j, alpha * V[j])"},
)

mutate(
    incremental, "unstable_incremental", in_storage=True, says=OVERFLOWS,
    lines={"p": "exp(e)", "o": "sum(j, p * V_next[j]) / sum(j, p)"},
)
