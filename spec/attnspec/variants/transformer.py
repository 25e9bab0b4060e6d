"""Mistakes with the Transformer's layers that no operator makes, and equal forms of them."""

from jaxtyping import Float

from attnspec import form, mutant
from attnspec.equations import multihead
from attnspec.equations.transformer import decoder_layer_pre, encoder_layer, feed_forward, layer_norm
from attnspec.notation import Tensor, index, indices, size, sqrt, sum


@mutant(layer_norm, says="the variance is the sample's, over d − 1")
def sample_variance(
    x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], beta: Float[Tensor, " d"], *, eps: float,
) -> Float[Tensor, " d"]:
    """What `std` gives by default in PyTorch; NaN for one component."""
    k = index("d")
    d = size("d")
    mu = sum(k, x[k]) / d
    variance = sum(k, (x[k] - mu) * (x[k] - mu)) / (d - 1)
    y = (x[k] - mu) / sqrt(variance + eps) * gamma[k] + beta[k]
    return y.stack(k)


@mutant(layer_norm, says="the mean is taken off nowhere: this is the root mean square norm")
def root_mean_square(
    x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], beta: Float[Tensor, " d"], *, eps: float,
) -> Float[Tensor, " d"]:
    """RMSNorm with a shift."""
    k = index("d")
    d = size("d")
    variance = sum(k, x[k] * x[k]) / d
    y = x[k] / sqrt(variance + eps) * gamma[k] + beta[k]
    return y.stack(k)


@mutant(layer_norm, says="the gain is 1 + gamma: gamma is read as what is added to a gain of 1")
def gain_from_one(
    x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], beta: Float[Tensor, " d"], *, eps: float,
) -> Float[Tensor, " d"]:
    """The parameters of a norm whose gain is kept around 0."""
    k = index("d")
    d = size("d")
    mu = sum(k, x[k]) / d
    variance = sum(k, (x[k] - mu) * (x[k] - mu)) / d
    y = (x[k] - mu) / sqrt(variance + eps) * (1 + gamma[k]) + beta[k]
    return y.stack(k)


@form(layer_norm, says="the variance as the mean of x² less μ², which loses digits where μ is large")
def fast_variance(
    x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], beta: Float[Tensor, " d"], *, eps: float,
) -> Float[Tensor, " d"]:
    """One pass over x."""
    k = index("d")
    d = size("d")
    mu = sum(k, x[k]) / d
    variance = sum(k, x[k] * x[k]) / d - mu * mu
    y = (x[k] - mu) / sqrt(variance + eps) * gamma[k] + beta[k]
    return y.stack(k)


@mutant(encoder_layer, says="the sum after the attention is not normalised")
def first_norm_left_out(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """One norm in place of two."""
    t = index("t")
    a = multihead.attention(x, x, W_q, W_k, W_v, W_o, heads=heads)
    y = x[t] + a[t]
    o = layer_norm(y + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)
    return o.stack(t)


@mutant(encoder_layer, says="the sum after the feed-forward network is not normalised")
def last_norm_left_out(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """One norm in place of two."""
    t = index("t")
    a = multihead.attention(x, x, W_q, W_k, W_v, W_o, heads=heads)
    y = layer_norm(x[t] + a[t], gamma_1, beta_1, eps=eps)
    o = y + feed_forward(y, W_1, b_1, W_2, b_2)
    return o.stack(t)


@mutant(encoder_layer, says="the second residual adds x, the layer's input, not what the feed-forward network reads")
def residual_from_the_start(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """Both residuals start from x."""
    t = index("t")
    a = multihead.attention(x, x, W_q, W_k, W_v, W_o, heads=heads)
    y = layer_norm(x[t] + a[t], gamma_1, beta_1, eps=eps)
    o = layer_norm(x[t] + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)
    return o.stack(t)


@mutant(decoder_layer_pre, says="what the encoder gives is normalised too, by the norm of what asks")
def encoder_normed_too(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """The encoder's last norm has been here already."""
    i, j = indices("n", "m")
    n_1 = layer_norm(x[i], gamma_1, beta_1, eps=eps).stack(i)
    s = multihead.causal(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads)
    y = x[i] + s[i]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps).stack(i)
    z_n = layer_norm(z[j], gamma_2, beta_2, eps=eps).stack(j)
    c = multihead.attention(n_2, z_n, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads)
    u = y + c[i]
    n_3 = layer_norm(u, gamma_3, beta_3, eps=eps)
    o = u + feed_forward(n_3, W_1, b_1, W_2, b_2)
    return o.stack(i)
