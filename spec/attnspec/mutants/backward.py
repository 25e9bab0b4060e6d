"""Mistakes with gradients that no operator makes."""

from attnspec import mutate
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

# What one score hands back to the others is left out.
DIAGONAL = "the softmax Jacobian is its diagonal alone, p (1 − p), as for a sigmoid"
# Right for small scores, NaN beyond 88 in float32 and 709 in float64.
OVERFLOWS = "the largest score is not taken off before exp: large scores overflow"

mutate(softmax_rows, "diagonal_alone", says=DIAGONAL, lines={"d_e": "alpha * (1 - alpha) * d_alpha[i, j]"})

mutate(
    softmax_rows, "unstable", in_storage=True, says=OVERFLOWS,
    lines={"p": "exp(e[i, j])", "alpha": "p / sum(j, p)"},
)

# The option is ignored.
mutate(
    embedding_padding_idx, "padding_learns",
    says="the row of padding gets its gradient like any other",
    lines={"d_P": "sum(i, d_x[i], where=k[i] == w)"},
)

# The mean of a loss taken twice.
mutate(
    linear, "mean_over_rows",
    says="the gradients of matrix and bias are means over the rows, not sums",
    lines={"T": 'size("t")', "d_W": "transpose(x) @ d_y / T", "d_b": "sum(t, d_y[t]) / T"},
)

# As for a norm whose statistics come from elsewhere.
mutate(
    layer_norm, "statistics_held",
    says="mean and variance are held constant: both of their terms are missing in ∂x",
    lines={"d_x": "d_x_hat / s"},
)

# NaN for one component.
mutate(
    layer_norm, "sample_variance",
    says="the variance is the sample's, over d − 1",
    lines={
        "variance": "sum(k, (x[k] - mu) * (x[k] - mu)) / (d - 1)",
        "by_variance": "sum(k, d_x_hat * x_hat) / (d - 1)",
    },
)

# The wrong one of two arrays that were kept.
mutate(
    additive, "before_its_tanh",
    says="∂v_a is of the hidden layer before its tanh",
    lines={"d_v_a": "sum(i, sum(j, d_e[i, j] * (s[i] @ W + h[j] @ U)))"},
)

mutate(scaled_dot_product, "diagonal_alone_scaled", says=DIAGONAL, lines={"d_e": "p * (1 - p) * d_p"})

# rowsum(∂P) where rowsum(P ⊙ ∂P) belongs.
mutate(
    scaled_dot_product, "unweighted",
    says="D is the sum of ∂P, not weighted by P",
    lines={"D": "sum(j, d_p)"},
)

# The scale is used on the way to the scores, and not on the way back.
mutate(
    scaled_dot_product, "unscaled",
    says="∂Q and ∂K both lack the scale",
    lines={"d_q": "sum(j, d_e * k[j])", "d_k": "sum(i, d_e * q[i])"},
)

mutate(
    scaled_dot_product, "unstable_scaled", in_storage=True, says=OVERFLOWS,
    lines={"x": "exp(e)", "p": "x / sum(j, x)"},
)

# Other large negative numbers do the same.
mutate(
    masked, "finite_mask",
    says="masked scores are −10000 and not left out: a query that sees nothing hands back to all keys",
    lines={
        "p": "softmax(j, where(mask[i, j], e, -10000))",
        "o": "sum(j, p * v[j])",
        "d_v": "sum(i, p * d_o[i])",
        "d_e": "p * (d_p - D)",
        "d_q": "sum(j, d_e * k[j]) / sqrt(d)",
        "d_k": "sum(i, d_e * q[i]) / sqrt(d)",
    },
)

# Scores √H times too small, there and back.
mutate(
    multihead_attention, "scaled_by_the_model",
    says="the scale is √(H·d), the model's width, instead of √d, the head's",
    lines={
        "q": "multihead.split_heads(x_q @ W_q, heads=heads) / sqrt(heads)",
        "d_q": "concat(h, d_q_head / sqrt(heads))",
    },
)
