"""Mistakes with attention that no operator makes, and equal forms of it."""

from jaxtyping import Bool, Float

from attnspec import Tensor, exp, form, indices, max, mutant, size, softmax, sqrt, sum, where
from attnspec.equations.attention import bilinear, causal, key_value, masked, scaled_dot_product, weights


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
