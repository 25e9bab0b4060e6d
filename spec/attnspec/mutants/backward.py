"""Mistakes with gradients that no operator makes."""

from jaxtyping import Bool, Float

from attnspec import mutant, mutate
from attnspec.equations import multihead
from attnspec.equations.backward import (
    additive,
    embedding_padding_idx,
    layer_norm,
    linear,
    masked,
    multihead_attention,
    scaled_dot_product,
    softmax_rows,
)
from attnspec.notation import Tensor, concat, exp, indices, size, softmax, sqrt, sum, tanh, transpose, where

DIAGONAL = "the softmax Jacobian is its diagonal alone, p (1 − p), as for a sigmoid"


UNWEIGHTED = "D is the sum of ∂P, not weighted by P"


UNSCALED = "∂Q and ∂K both lack the scale"


OVERFLOWS = "the largest score is not taken off before exp: large scores overflow"


mutate(
    softmax_rows, "diagonal_alone",
    says=DIAGONAL,
    lines={"d_e": "alpha * (1 - alpha) * d_alpha[i, j]"},
)


@mutant(softmax_rows, says=OVERFLOWS, in_storage=True)
def unstable(d_alpha: Float[Tensor, "n m"], e: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Right for small scores, NaN beyond 88 in float32 and 709 in float64."""
    i, j = indices("n", "m")
    p = exp(e[i, j])
    alpha = p / sum(j, p)
    d_e = alpha * (d_alpha[i, j] - sum(j, alpha * d_alpha[i, j]))
    return d_e.stack(i, j)


mutate(
    embedding_padding_idx, "padding_learns",
    says="the row of padding gets its gradient like any other",
    lines={"d_P": "sum(i, d_x[i], where=k[i] == w)"},
)


mutate(
    linear, "mean_over_rows",
    says="the gradients of matrix and bias are means over the rows, not sums",
    lines={"T": 'size("t")', "return": "d_y @ transpose(W), transpose(x) @ d_y / T, sum(t, d_y[t]) / T"},
)


mutate(
    layer_norm, "statistics_held",
    says="mean and variance are held constant: both of their terms are missing in ∂x",
    lines={
        "s": "sqrt(sum(k, (x[k] - mu) * (x[k] - mu)) / d + eps)",
        "d_x": "d_y[k] * gamma[k] / s",
        "d_gamma": "d_y[k] * (x[k] - mu) / s",
    },
)


mutate(
    layer_norm, "sample_variance",
    says="the variance is the sample's, over d − 1",
    lines={
        "s": "sqrt(sum(k, (x[k] - mu) * (x[k] - mu)) / (d - 1) + eps)",
        "d_x": "(d_x_hat - sum(k, d_x_hat) / d - x_hat * sum(k, d_x_hat * x_hat) / (d - 1)) / s",
    },
)


@mutant(additive, says="∂v_a is of the hidden layer before its tanh")
def before_its_tanh(
    d_e: Float[Tensor, "n m"],
    s: Float[Tensor, "n p"], h: Float[Tensor, "m q"],
    W: Float[Tensor, "p a"], U: Float[Tensor, "q a"], v_a: Float[Tensor, " a"],
) -> tuple[
    Float[Tensor, "n p"], Float[Tensor, "m q"], Float[Tensor, "p a"], Float[Tensor, "q a"], Float[Tensor, " a"],
]:
    """The wrong one of two arrays that were kept."""
    i, j = indices("n", "m")
    a = s[i] @ W + h[j] @ U
    f = tanh(a)
    d_f = d_e[i, j] * v_a * (1 - f * f)
    d_q, d_k = sum(j, d_f), sum(i, d_f)
    d_s, d_h = W @ d_q, U @ d_k
    d_v_a = sum(i, sum(j, d_e[i, j] * a))
    return d_s.stack(i), d_h.stack(j), transpose(s) @ d_q.stack(i), transpose(h) @ d_k.stack(j), d_v_a


mutate(
    scaled_dot_product, "diagonal_alone_scaled",
    says=DIAGONAL,
    lines={"p": "softmax(j, q[i] @ k[j] / sqrt(d))", "d_e": "p * (1 - p) * (d_o[i] @ v[j])"},
)


mutate(
    scaled_dot_product, "unweighted",
    says=UNWEIGHTED,
    lines={"p": "softmax(j, q[i] @ k[j] / sqrt(d))", "d_e": "p * (d_p - sum(j, d_p))"},
)


mutate(
    scaled_dot_product, "unscaled",
    says=UNSCALED,
    lines={
        "p": "softmax(j, q[i] @ k[j] / sqrt(d))",
        "d_e": "p * (d_o[i] @ v[j] - d_o[i] @ o)",
        "d_q": "sum(j, d_e * k[j])",
        "d_k": "sum(i, d_e * q[i])",
    },
)


mutate(
    scaled_dot_product, "unstable_scaled", in_storage=True,
    says=OVERFLOWS,
    lines={"x": "exp(q[i] @ k[j] / sqrt(d))", "p": "x / sum(j, x)", "d_e": "p * (d_o[i] @ v[j] - d_o[i] @ o)"},
)


@mutant(masked, says="masked scores are −10000 and not left out: a query that sees nothing hands back to all keys")
def finite_mask(
    d_o: Float[Tensor, "n e"],
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"], Float[Tensor, "m e"]]:
    """Also what any other large negative number does."""
    i, j = indices("n", "m")
    d = size("d")
    p = softmax(j, where(mask[i, j], q[i] @ k[j] / sqrt(d), -10000))
    o = sum(j, p * v[j])
    d_v = sum(i, p * d_o[i])
    d_e = p * (d_o[i] @ v[j] - d_o[i] @ o)
    d_q = sum(j, d_e * k[j]) / sqrt(d)
    d_k = sum(i, d_e * q[i]) / sqrt(d)
    return d_q.stack(i), d_k.stack(j), d_v.stack(j)


@mutant(multihead_attention, says="the scale is √(H·d), the model's width, instead of √d, the head's")
def scaled_by_the_model(
    d_o: Float[Tensor, "n c"],
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> tuple[
    Float[Tensor, "n c"], Float[Tensor, "m c"],
    Float[Tensor, "c H*d"], Float[Tensor, "c H*d"], Float[Tensor, "c H*d"], Float[Tensor, "H*d c"],
]:
    """Scores √H times too small, there and back."""
    i, j, h = indices("n", "m", "H")
    width = size("H*d")
    q = multihead.split_heads(x_q @ W_q, heads=heads)
    k = multihead.split_heads(x_kv @ W_k, heads=heads)
    v = multihead.split_heads(x_kv @ W_v, heads=heads)
    p = softmax(j, q[h, i] @ k[h, j] / sqrt(width))
    o = sum(j, p * v[h, j])
    d_head = multihead.split_heads(d_o @ transpose(W_o), heads=heads)[h, i]
    d_e = p * (d_head @ v[h, j] - d_head @ o) / sqrt(width)
    d_q = concat(h, sum(j, d_e * k[h, j]).stack(i))
    d_k = concat(h, sum(i, d_e * q[h, i]).stack(j))
    d_v = concat(h, sum(i, p * d_head).stack(j))
    d_x_kv = d_k @ transpose(W_k) + d_v @ transpose(W_v)
    d_W_o = transpose(concat(h, o.stack(i))) @ d_o
    return d_q @ transpose(W_q), d_x_kv, transpose(x_q) @ d_q, transpose(x_kv) @ d_k, transpose(x_kv) @ d_v, d_W_o
