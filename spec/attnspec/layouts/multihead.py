"""Multi-head attention as PyTorch keeps it: queries, keys and values in one matrix, from the left."""

from attnspec.equations import multihead
from attnspec.language.layouts import layout

MODULE = "torch.nn.modules.activation.MultiheadAttention"

NAMES = {
    "in_proj_weight": ("qkv.weight", "qkv_proj.weight", "in_proj.weight", "Wqkv.weight", "to_qkv.weight"),
    "in_proj_bias": ("qkv.bias", "qkv_proj.bias", "in_proj.bias", "Wqkv.bias", "to_qkv.bias"),
    "out_proj.weight": ("out_proj_weight", "out.weight", "proj.weight", "o_proj.weight", "to_out.weight"),
    "out_proj.bias": ("out_proj_bias", "out.bias", "proj.bias", "o_proj.bias", "to_out.bias"),
    "q_proj.weight": ("query.weight", "q.weight", "q_lin.weight", "to_q.weight", "W_q.weight", "wq.weight"),
    "k_proj.weight": ("key.weight", "k.weight", "k_lin.weight", "to_k.weight", "W_k.weight", "wk.weight"),
    "v_proj.weight": ("value.weight", "v.weight", "v_lin.weight", "to_v.weight", "W_v.weight", "wv.weight"),
    "q_proj.bias": ("query.bias", "q.bias", "q_lin.bias", "to_q.bias", "W_q.bias", "wq.bias"),
    "k_proj.bias": ("key.bias", "k.bias", "k_lin.bias", "to_k.bias", "W_k.bias", "wk.bias"),
    "v_proj.bias": ("value.bias", "v.bias", "v_lin.bias", "to_v.bias", "W_v.bias", "wv.bias"),
}
OUT = {"W_o": "out_proj.weight.T"}
PACKED = {
    "W_q": "in_proj_weight[0:H*d].T",
    "W_k": "in_proj_weight[H*d:2*H*d].T",
    "W_v": "in_proj_weight[2*H*d:3*H*d].T",
    **OUT,
}
APART = {"W_q": "q_proj.weight.T", "W_k": "k_proj.weight.T", "W_v": "v_proj.weight.T", **OUT}
PACKED_BIASES = {
    "b_q": "in_proj_bias[0:H*d]",
    "b_k": "in_proj_bias[H*d:2*H*d]",
    "b_v": "in_proj_bias[2*H*d:3*H*d]",
    "b_o": "out_proj.bias",
}
BIASES = {"b_q": "q_proj.bias", "b_k": "k_proj.bias", "b_v": "v_proj.bias", "b_o": "out_proj.bias"}
INPUTS = {"x_q": "query", "x_kv": "key, value"}
SETTINGS = {"embed_dim": "H*d", "num_heads": "heads", "batch_first": "true"}

for plain in (multihead.attention, multihead.causal):
    layout(plain, "", PACKED, names=NAMES, by_name=True)
    layout(plain, "", APART, names=NAMES, by_name=True)
for biased in (multihead.attention_biased, multihead.causal_biased, multihead.self_attention_biased):
    layout(biased, "", {**PACKED, **PACKED_BIASES}, names=NAMES, by_name=True)
    layout(biased, "", {**APART, **BIASES}, names=NAMES, by_name=True)
layout(
    multihead.attention,
    MODULE,
    {**PACKED, **INPUTS},
    names=NAMES,
    settings={**SETTINGS, "bias": "false"},
    returns="0",
    same={"c": "H*d"},
)
layout(
    multihead.attention_biased,
    MODULE,
    {**PACKED, **PACKED_BIASES, **INPUTS},
    names=NAMES,
    settings=SETTINGS,
    returns="0",
    same={"c": "H*d"},
)
layout(
    multihead.self_attention_biased,
    MODULE,
    {**PACKED, **PACKED_BIASES, "x": "query, key, value"},
    names=NAMES,
    settings=SETTINGS,
    returns="0",
    same={"c": "H*d"},
)
