"""Mistakes with the Transformer's layers that no operator makes, and equal forms of them."""

from jaxtyping import Float

from attnspec import mutant, mutate
from attnspec.equations import multihead
from attnspec.equations.transformer import decoder_layer_pre, encoder_layer, feed_forward, layer_norm
from attnspec.notation import Tensor, indices

mutate(
    layer_norm, "sample_variance",
    says="the variance is the sample's, over d − 1",
    lines={"variance": "sum(k, (x[k] - mu) * (x[k] - mu)) / (d - 1)"},
)


mutate(
    layer_norm, "root_mean_square",
    says="the mean is taken off nowhere: this is the root mean square norm",
    lines={"variance": "sum(k, x[k] * x[k]) / d", "y": "x[k] / sqrt(variance + eps) * gamma[k] + beta[k]"},
)


mutate(
    layer_norm, "gain_from_one",
    says="the gain is 1 + gamma: gamma is read as what is added to a gain of 1",
    lines={"y": "(x[k] - mu) / sqrt(variance + eps) * (1 + gamma[k]) + beta[k]"},
)


mutate(
    encoder_layer, "first_norm_left_out",
    says="the sum after the attention is not normalised",
    lines={"y": "x[t] + a[t]", "o": "layer_norm(y + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)"},
)


mutate(
    encoder_layer, "last_norm_left_out",
    says="the sum after the feed-forward network is not normalised",
    lines={"o": "y + feed_forward(y, W_1, b_1, W_2, b_2)"},
)


mutate(
    encoder_layer, "residual_from_the_start",
    says="the second residual adds x, the layer's input, not what the feed-forward network reads",
    lines={"o": "layer_norm(x[t] + feed_forward(y, W_1, b_1, W_2, b_2), gamma_2, beta_2, eps=eps)"},
)


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
