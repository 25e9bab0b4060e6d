"""Layers of the Transformer as modules of PyTorch."""

from attnspec.equations import transformer
from attnspec.language.layouts import layout

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
