"""Mistakes with the Transformer's layers that no operator makes."""

from attnspec import mutate
from attnspec.equations.transformer import decoder_layer_pre, encoder_layer, layer_norm

# What `std` gives by default in PyTorch; NaN for one component.
mutate(
    layer_norm, "sample_variance",
    says="the variance is the sample's, over d − 1",
    lines={"variance": "sum(k, (x[k] - mu) * (x[k] - mu)) / (d - 1)"},
)

# RMSNorm with a shift.
mutate(
    layer_norm, "root_mean_square",
    says="the mean is taken off nowhere: this is the root mean square norm",
    lines={"variance": "sum(k, x[k] * x[k]) / d", "y": "x[k] / sqrt(variance + eps) * gamma[k] + beta[k]"},
)

# The parameters of a norm whose gain is kept around 0.
mutate(
    layer_norm, "gain_from_one",
    says="the gain is 1 + gamma: gamma is read as what is added to a gain of 1",
    lines={"y": "(x[k] - mu) / sqrt(variance + eps) * (1 + gamma[k]) + beta[k]"},
)

# One norm in place of two.
mutate(
    encoder_layer, "first_norm_left_out",
    says="the sum after the attention is not normalised",
    lines={"y": "x[t] + a[t]"},
)

# One norm in place of two.
mutate(
    encoder_layer, "last_norm_left_out",
    says="the sum after the feed-forward network is not normalised",
    lines={"o": "y + f_y"},
)

mutate(
    encoder_layer, "residual_from_the_start",
    says="the second residual adds x, the layer's input, not what the feed-forward network reads",
    lines={"o": "layer_norm(x[t] + f_y, gamma_2, beta_2, eps=eps)"},
)

# The encoder's last norm has been here already.
mutate(
    decoder_layer_pre, "encoder_normed_too",
    says="what the encoder gives is normalised too, by the norm of what asks",
    lines={
        "j": 'index("m")',
        "z_n": "layer_norm(z[j], gamma_2, beta_2, eps=eps).stack(j)",
        "c": "multihead.attention(n_2, z_n, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads)",
    },
)
