"""Mistakes with attention that no operator makes, and equal forms of it."""

from jaxtyping import Bool, Float

from attnspec import form, mutant
from attnspec.equations.attention import (
    bilinear,
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
    value_map,
    weights,
    with_lse,
)
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
    transpose,
    where,
    zeros,
)


@mutant(weights, says="softmax has an extra 1 in its sum: attention may look at nothing")
def off_by_one(e: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """exp e_ij / (1 + Σ exp e_ij')."""
    i, j = indices("n", "m")
    p = exp(e[i, j])
    alpha = p / (1 + sum(j, p))
    return alpha.stack(i, j)


@mutant(weights, says="the largest score is not taken off before exp: large scores overflow", in_storage=True)
def unstable(e: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Right for small scores, NaN beyond 88 in float32 and 709 in float64."""
    i, j = indices("n", "m")
    p = exp(e[i, j])
    alpha = p / sum(j, p)
    return alpha.stack(i, j)


@mutant(key_value, says="the largest score is not taken off before exp: large scores overflow", in_storage=True)
def unstable_key_value(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Right for small scores, NaN beyond 88 in float32 and 709 in float64."""
    i, j = indices("n", "m")
    p = exp(e[i, j])
    c = sum(j, p * v[j]) / sum(j, p)
    return c.stack(i)


@mutant(
    learned_query, says="the largest score is not taken off before exp: large scores overflow", in_storage=True
)
def unstable_learned_query(x: Float[Tensor, "m d"], q: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Right for small scores, NaN beyond 88 in float32 and 709 in float64."""
    i, j = indices("n", "m")
    p = exp(q[i] @ x[j])
    c = sum(j, p * x[j]) / sum(j, p)
    return c.stack(i)


@mutant(learned_query, says="the scores are divided by √d")
def scaled_learned_query(x: Float[Tensor, "m d"], q: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """The scale of another attention."""
    i, j = indices("n", "m")
    d = size("d")
    alpha = softmax(j, q[i] @ x[j] / sqrt(d))
    c = sum(j, alpha * x[j])
    return c.stack(i)


@mutant(hard, says="of keys that tie, the last is read")
def last_of_a_tie(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What a search with ≥ finds."""
    i, j = indices("n", "m")
    top = max(j, e[i, j])
    best = max(j, 1 * j, where=e[i, j] >= top)
    c = max(j, v[j], where=(best <= j) & (j <= best))
    return c.stack(i)


@mutant(hard, says="of keys that tie, all are added up")
def sum_of_a_tie(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """A mask of the largest scores for weights."""
    i, j = indices("n", "m")
    top = max(j, e[i, j])
    c = sum(j, v[j], where=e[i, j] >= top)
    return c.stack(i)


@mutant(hard, says="of keys that tie, the mean is read")
def mean_of_a_tie(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What softmax comes to as the scores grow, where some are equal."""
    i, j = indices("n", "m")
    top = max(j, e[i, j])
    p = where(e[i, j] >= top, 1, 0)
    c = sum(j, p * v[j]) / sum(j, p)
    return c.stack(i)


@mutant(hard, says="the key with the smallest score is read")
def smallest(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Scores taken for distances."""
    i, j = indices("n", "m")
    best = argmax(j, -e[i, j])
    c = max(j, v[j], where=(best <= j) & (j <= best))
    return c.stack(i)


@mutant(hard, says="the value is multiplied by its weight")
def weighted(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What lets a gradient through to the scores, and makes another value of it."""
    i, j = indices("n", "m")
    best = argmax(j, e[i, j])
    alpha = softmax(j, e[i, j])
    c = sum(j, alpha * v[j], where=(best <= j) & (j <= best))
    return c.stack(i)


@mutant(hard, says="the values are weighted by softmax, not chosen")
def softened(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What key_value does."""
    i, j = indices("n", "m")
    c = sum(j, softmax(j, e[i, j]) * v[j])
    return c.stack(i)


@mutant(relu_weights, says="the weights are divided by their sum")
def relu_normalised(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """NaN where no score is positive."""
    i, j = indices("n", "m")
    p = relu(e[i, j])
    c = sum(j, p * v[j]) / sum(j, p)
    return c.stack(i)


@mutant(relu_weights, says="the weights are divided by the number of keys")
def relu_over_keys(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What keeps their sum from growing with the keys, in software that trains with relu."""
    i, j = indices("n", "m")
    m = size("m")
    alpha = relu(e[i, j]) / m
    c = sum(j, alpha * v[j])
    return c.stack(i)


@mutant(linear_weights, says="the weights are softmax of the scores")
def linear_softmax(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What key_value does."""
    i, j = indices("n", "m")
    c = sum(j, softmax(j, e[i, j]) * v[j])
    return c.stack(i)


@mutant(linear_weights, says="the weights are divided by their sum")
def linear_normalised(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Scores of both signs sum to next to nothing."""
    i, j = indices("n", "m")
    c = sum(j, e[i, j] * v[j]) / sum(j, e[i, j])
    return c.stack(i)


@mutant(linear_weights, says="negative scores are taken for 0")
def linear_positive(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """What relu_weights does."""
    i, j = indices("n", "m")
    c = sum(j, relu(e[i, j]) * v[j])
    return c.stack(i)


@mutant(
    layer_readout, says="the largest score is not taken off before exp: large scores overflow", in_storage=True
)
def unstable_layer_readout(
    c: Float[Tensor, "t k"], W: Float[Tensor, "k v"], b: Float[Tensor, " v"],
) -> Float[Tensor, "t v"]:
    """Right for small scores, NaN beyond 88 in float32 and 709 in float64."""
    j, w = indices("t", "v")
    e = c[j] @ W + b
    z = exp(e[w])
    p = z / sum(w, z)
    return p.stack(j, w)


@mutant(
    scaled_dot_product, says="the largest score is not taken off before exp: large scores overflow", in_storage=True
)
def unstable_scaled(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """Right for small scores, NaN beyond 88 in float32 and 709 in float64."""
    i, j = indices("n", "m")
    d = size("d")
    p = exp(q[i] @ k[j] / sqrt(d))
    c = sum(j, p * v[j]) / sum(j, p)
    return c.stack(i)


@mutant(scaled_dot_product, says="softmax has an extra 1 in its sum: attention may look at nothing")
def off_by_one_scaled(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """exp e_ij / (1 + Σ exp e_ij')."""
    i, j = indices("n", "m")
    d = size("d")
    p = exp(q[i] @ k[j] / sqrt(d))
    c = sum(j, p * v[j]) / (1 + sum(j, p))
    return c.stack(i)


@mutant(masked, says="masked scores are set to −10000 and not left out: a query with nothing to look at reads the mean")
def finite_mask(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> Float[Tensor, "n e"]:
    """Also what any other large negative number does."""
    i, j = indices("n", "m")
    d = size("d")
    e = where(mask[i, j], q[i] @ k[j] / sqrt(d), -10000)
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@mutant(masked, says="−10000 is added to masked scores, which still leak: a query with nothing to look at sees all")
def additive_mask(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> Float[Tensor, "n e"]:
    """Also what any other large negative number does."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d) + where(mask[i, j], 0, -10000)
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@mutant(masked, says="masked scores are 0 instead of −∞: masked keys keep a weight of exp 0")
def zero_mask(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> Float[Tensor, "n e"]:
    """Scores multiplied by the mask."""
    i, j = indices("n", "m")
    d = size("d")
    alpha = softmax(j, where(mask[i, j], q[i] @ k[j] / sqrt(d), 0))
    c = sum(j, alpha * v[j])
    return c.stack(i)


@mutant(masked, says="the mask is applied after softmax: what is left does not sum to 1")
def masked_after(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> Float[Tensor, "n e"]:
    """Weights of masked keys are dropped, the others not raised."""
    i, j = indices("n", "m")
    d = size("d")
    alpha = softmax(j, q[i] @ k[j] / sqrt(d))
    c = sum(j, where(mask[i, j], alpha, 0) * v[j])
    return c.stack(i)


@mutant(causal, says="the mask is applied after softmax: what is left does not sum to 1")
def causal_after(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """Weights of later keys are dropped, the others not raised."""
    i, j = indices("n", "m")
    n, m, d = size("n"), size("m"), size("d")
    alpha = softmax(j, q[i] @ k[j] / sqrt(d))
    c = sum(j, where(j <= i + (m - n), alpha, 0) * v[j])
    return c.stack(i)


@mutant(with_lse, says="the logarithm is to the base 2")
def base_2(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """What kernels that compute with powers of 2 hand out unless they convert it."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    o = sum(j, softmax(j, e) * v[j])
    top = max(j, e)
    lse = (top + log(sum(j, exp(e - top)))) / log(2)
    return o.stack(i), lse.stack(i)


@mutant(with_lse, says="the logarithm is of the scores before they are divided by √d")
def unscaled_lse(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """The output is right; parts that are merged by it are not."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j]
    o = sum(j, softmax(j, e / sqrt(d)) * v[j])
    top = max(j, e)
    lse = top + log(sum(j, exp(e - top)))
    return o.stack(i), lse.stack(i)


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


@mutant(with_lse, says="over no keys the logarithm is +∞")
def empty_is_plus_infinity(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """What FlashAttention-2 says; merged, such a part hides the other."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    o = sum(j, softmax(j, e) * v[j])
    top = max(j, e)
    lse = where(top > -inf, top + log(sum(j, exp(e - top))), inf)
    return o.stack(i), lse.stack(i)


@mutant(
    with_lse, says="the largest score is not taken off before exp: large scores overflow", in_storage=True
)
def unstable_lse(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """Right for small scores, infinite beyond 88 in float32 and 709 in float64."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    o = sum(j, softmax(j, e) * v[j])
    lse = log(sum(j, exp(e)))
    return o.stack(i), lse.stack(i)


@mutant(merge, says="the logarithms are taken to the base 2")
def merged_by_2(
    o_1: Float[Tensor, "n e"], lse_1: Float[Tensor, " n"],
    o_2: Float[Tensor, "n e"], lse_2: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """Right for software that uses powers of 2 throughout."""
    i = index("n")
    top = where(lse_1[i] < lse_2[i], lse_2[i], lse_1[i])
    p_1 = 2 ** (lse_1[i] - top)
    p_2 = 2 ** (lse_2[i] - top)
    total = p_1 + p_2
    o = (p_1 * o_1[i] + p_2 * o_2[i]) / total
    lse = top + log(total) / log(2)
    return o.stack(i), lse.stack(i)


@mutant(merge, says="both parts count alike, whatever their logarithms")
def merged_alike(
    o_1: Float[Tensor, "n e"], lse_1: Float[Tensor, " n"],
    o_2: Float[Tensor, "n e"], lse_2: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "n e"], Float[Tensor, " n"]]:
    """Right where the two parts have equal sums."""
    i = index("n")
    top = where(lse_1[i] < lse_2[i], lse_2[i], lse_1[i])
    o = (o_1[i] + o_2[i]) / 2
    lse = top + log(exp(lse_1[i] - top) + exp(lse_2[i] - top))
    return o.stack(i), lse.stack(i)


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


@mutant(incremental, says="the largest score is not taken off before exp: large scores overflow", in_storage=True)
def unstable_incremental(
    q: Float[Tensor, " d"], k_new: Float[Tensor, " d"], v_new: Float[Tensor, " e"],
    K: Float[Tensor, "t d"], V: Float[Tensor, "t e"],
) -> tuple[Float[Tensor, " e"], Float[Tensor, "t+1 d"], Float[Tensor, "t+1 e"]]:
    """Right for small scores, NaN beyond 88 in float32 and 709 in float64."""
    j = index("t+1")
    d, width = size("d"), size("e")
    K_next = transpose(concat(transpose(K), split(k_new, d)))
    V_next = transpose(concat(transpose(V), split(v_new, width)))
    p = exp(q @ K_next[j] / sqrt(d))
    o = sum(j, p * V_next[j]) / sum(j, p)
    return o, K_next, V_next


@form(weights, says="softmax as exp(e − lse), the lse made up score by score, which loses digits where there are many")
def log_sum_in_turn(e: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """As numpy.logaddexp.reduce makes it: each of its steps rounds."""
    i, j = indices("n", "m")
    lse = scan(
        j,
        lambda lse: (
            where(lse[i] < e[i, j], e[i, j], lse[i])
            + log(1 + exp(where(lse[i] < e[i, j], lse[i] - e[i, j], e[i, j] - lse[i])))
        ).stack(i),
        zeros("n") - inf,
    )
    alpha = exp(e[i, j] - last(j, lse)[i])
    return alpha.stack(i, j)


@form(value_map, says="the matrix applied to the sum: (Σ α h) W_v")
def mapped_after(
    alpha: Float[Tensor, "n m"], h: Float[Tensor, "m d"], W_v: Float[Tensor, "d e"],
) -> Float[Tensor, "n e"]:
    """The other order of the two products."""
    i, j = indices("n", "m")
    c = sum(j, alpha[i, j] * h[j]) @ W_v
    return c.stack(i)


@form(bilinear, says="the matrix applied to the key first: q · (W k)")
def bilinear_key_first(
    q: Float[Tensor, "n p"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], W: Float[Tensor, "p d"],
) -> Float[Tensor, "n e"]:
    """The other order of the two products."""
    i, j = indices("n", "m")
    e = q[i] @ (W @ k[j])
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@form(scaled_dot_product, says="the sum divided at the end, as online softmax does")
def divided_at_the_end(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> Float[Tensor, "n e"]:
    """Σ exp(e − max e) v / Σ exp(e − max e)."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    p = exp(e - max(j, e))
    c = sum(j, p * v[j]) / sum(j, p)
    return c.stack(i)
