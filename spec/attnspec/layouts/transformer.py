"""Layers of the Transformer as modules of PyTorch."""

from attnspec.equations import transformer
from attnspec.language.layouts import layout
from attnspec.layouts.multihead import PACKED, PACKED_BIASES

layout(
    transformer.layer_norm,
    "torch.nn.modules.normalization.LayerNorm",
    {"gamma": "weight", "beta": "bias"},
    settings={"normalized_shape": "(d,)", "eps": "eps"},
)
layout(
    transformer.linear,
    "torch.nn.modules.linear.Linear",
    {"W": "weight.T", "b": "bias"},
    settings={"in_features": "d", "out_features": "e"},
)

ENCODER = {
    "x": "src",
    **{argument: f"self_attn.{place}" for argument, place in (PACKED | PACKED_BIASES).items()},
    "gamma_1": "norm1.weight",
    "beta_1": "norm1.bias",
    "W_1": "linear1.weight.T",
    "b_1": "linear1.bias",
    "W_2": "linear2.weight.T",
    "b_2": "linear2.bias",
    "gamma_2": "norm2.weight",
    "beta_2": "norm2.bias",
    "mask": "~src_key_padding_mask",
}
SETTINGS = {"d_model": "H*d", "nhead": "heads", "dim_feedforward": "f", "layer_norm_eps": "eps", "batch_first": "true"}

for encoder, settings in (
    (transformer.encoder_layer_biased, {}),
    (transformer.encoder_layer_biased_gelu, {"activation": "gelu"}),
    (transformer.encoder_layer_biased_pre, {"norm_first": "true"}),
    (transformer.encoder_layer_biased_pre_gelu, {"norm_first": "true", "activation": "gelu"}),
):
    layout(
        encoder,
        "torch.nn.modules.transformer.TransformerEncoderLayer",
        ENCODER,
        settings={**SETTINGS, **settings},
        same={"c": "H*d"},
    )
