"""Mistakes with the Transformer's layers that no operator makes."""

from attnspec import mutate
from attnspec.equations.transformer import (
    decoder_layer_biased_gelu,
    decoder_layer_biased_pre_gelu,
    decoder_layer_pre,
    decoder_only,
    decoder_only_layer,
    encoder_biased_pre,
    encoder_layer,
    encoder_layer_biased_pre_gelu,
    encoder_only,
    feed_forward_gelu,
    feed_forward_gelu_tanh,
    layer_norm,
)

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

# The two forms of gelu differ by 0.0005 at most.
BY_ERF = "gelu is by the error function instead of tanh"
BY_TANH = "gelu is by tanh instead of the error function"

mutate(decoder_only_layer, "gelu_by_erf", says=BY_ERF, calls={feed_forward_gelu_tanh: feed_forward_gelu})

mutate(
    encoder_layer_biased_pre_gelu, "gelu_by_tanh", says=BY_TANH, calls={feed_forward_gelu: feed_forward_gelu_tanh},
)

mutate(
    decoder_layer_biased_gelu, "decoder_gelu_by_tanh", says=BY_TANH, calls={feed_forward_gelu: feed_forward_gelu_tanh},
)

mutate(
    decoder_layer_biased_pre_gelu, "decoder_pre_gelu_by_tanh", says=BY_TANH,
    calls={feed_forward_gelu: feed_forward_gelu_tanh},
)

# PyTorch's nn.TransformerEncoder has no last norm where it is given none.
mutate(
    encoder_biased_pre, "last_norm_left_out",
    says="what the last layer gives is not normalised",
    lines={"o": "last(l, y)[t]"},
)

mutate(
    encoder_only, "first_norm_of_all_left_out",
    says="what was embedded is not normalised",
    lines={"start": "x"},
)

mutate(
    decoder_only, "scores_before_the_last_norm",
    says="what the last block gives is scored without the last norm",
    lines={"o": "last(l, y)[t]"},
)

# What Vaswani et al. do, who tie input and output too.
mutate(
    decoder_only, "tokens_scaled",
    says="the tokens' vectors are multiplied by √c before the positions are added",
    lines={"c": 'size("c")', "x": "(sqrt(c) * P[k[t]] + P_pos[pos]).stack(t)"},
)

mutate(
    decoder_only, "positions_from_one",
    says="positions are counted from 1",
    lines={"pos": "t + 1"},
)
