"""Layers of the models of Hugging Face's transformers: their own forward methods, on weights of any widths.

A layer of these models has heads of the width c / H, where c is the width of its norms. The equations have heads of any
width d. So a layer is built with c and one head, and the width of a head is set afterwards: nothing else in the forward
methods depends on it. The modules are on the meta device, without weights of their own, and never in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, MarianConfig
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.gpt2.modeling_gpt2 import GPT2Block
from transformers.models.marian.modeling_marian import MarianDecoderLayer, MarianEncoderLayer

Weights = dict[str, Tensor]


@cache
def _bert(c: int, f: int, layers: int, activation: str, eps: float) -> Any:
    """A layer of BERT, or with layers > 0 the model."""
    config = BertConfig(
        vocab_size=1, hidden_size=c, intermediate_size=f, num_attention_heads=1, num_hidden_layers=layers,
        hidden_act=activation, layer_norm_eps=eps, attn_implementation="sdpa", max_position_embeddings=8192,
    )  # fmt: skip
    with torch.device("meta"):
        return (BertModel(config, add_pooling_layer=False) if layers else BertLayer(config)).eval()


@cache
def _gpt2(c: int, f: int, layers: int, words: int, positions: int, eps: float) -> Any:
    """A block of GPT-2, or with layers > 0 the model."""
    config = GPT2Config(
        vocab_size=words, n_positions=positions, n_embd=c, n_inner=f, n_head=1, n_layer=layers,
        layer_norm_epsilon=eps, attn_implementation="sdpa", bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    with torch.device("meta"):
        return (GPT2LMHeadModel(config) if layers else GPT2Block(config, layer_idx=0)).eval()


@cache
def _marian(kind: Any, c: int, f: int, activation: str) -> Any:
    """A layer of Marian's encoder or decoder."""
    config = MarianConfig(
        vocab_size=1, pad_token_id=0, eos_token_id=0, decoder_start_token_id=0, forced_eos_token_id=None,
        d_model=c, encoder_ffn_dim=f, decoder_ffn_dim=f, encoder_attention_heads=1, decoder_attention_heads=1,
        activation_function=activation, attn_implementation="sdpa",
    )  # fmt: skip
    with torch.device("meta"):
        return kind(config, layer_idx=0).eval()


def _called(module: Any, weights: Weights, x: Tensor, **given: Any) -> Tensor:
    """The answer of a module to x, which has no batch axis or one."""
    batched = x if x.ndim == 3 else x[None]
    answer = functional_call(module, weights, (batched,), given)
    y: Tensor = answer[0] if isinstance(answer, tuple) else answer
    return y if x.ndim == 3 else y[0]


def _visible(mask: Tensor) -> Tensor:
    """A mask of keys for every head and query; it is true where a key is read."""
    return (mask if mask.ndim == 2 else mask[None])[:, None, None, :]


def _linear(name: str, W: Tensor, b: Tensor) -> Weights:
    return {f"{name}.weight": W.mT, f"{name}.bias": b}


def _norm(name: str, gamma: Tensor, beta: Tensor) -> Weights:
    return {f"{name}.weight": gamma, f"{name}.bias": beta}


def _bert_weights(attention: Sequence[Tensor], own: Sequence[Tensor], prefix: str = "") -> Weights:
    W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o = attention
    W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2 = own
    weights = {
        **_linear("attention.self.query", W_q, b_q),
        **_linear("attention.self.key", W_k, b_k),
        **_linear("attention.self.value", W_v, b_v),
        **_linear("attention.output.dense", W_o, b_o),
        **_norm("attention.output.LayerNorm", gamma_1, beta_1),
        **_linear("intermediate.dense", W_1, b_1),
        **_linear("output.dense", W_2, b_2),
        **_norm("output.LayerNorm", gamma_2, beta_2),
    }
    return {prefix + name: weight for name, weight in weights.items()}


def _head_width(attention: Any, name: str, d: int) -> None:
    """Set the width of a head, and the scale that follows from it."""
    setattr(attention, name, d)
    attention.scaling = d**-0.5


def bert_layer(
    activation: str, x: Tensor, attention: Sequence[Tensor], own: Sequence[Tensor], heads: int, eps: float, mask: Tensor
) -> Tensor:
    """BertLayer.

    Args:
        attention: W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o.
        own: W_1, b_1, W_2, b_2, and gain and shift of each norm.
        mask: true where a position is not padding.
    """
    module = _bert(x.shape[-1], own[0].shape[-1], 0, activation, eps)
    _head_width(module.attention.self, "attention_head_size", attention[0].shape[-1] // heads)
    return _called(module, _bert_weights(attention, own), x, attention_mask=_visible(mask))


def bert(
    x: Tensor, attention: Sequence[Tensor], own: Sequence[Tensor], norm: Sequence[Tensor],
    heads: int, eps: float, mask: Tensor,
) -> Tensor:  # fmt: skip
    """BertModel on vectors, with 0 for those of positions and segments; weights have an axis for the layers."""
    c, f, layers = x.shape[-1], own[0].shape[-1], len(own[0])
    module = _bert(c, f, layers, "gelu", eps)
    weights = _norm("embeddings.LayerNorm", *norm)
    for name in ("position", "token_type"):
        rows = getattr(module.embeddings, f"{name}_embeddings").num_embeddings
        weights[f"embeddings.{name}_embeddings.weight"] = x.new_zeros(1, 1).expand(rows, c)
    weights["embeddings.word_embeddings.weight"] = x.new_zeros(1, c)
    weights["embeddings.position_ids"] = torch.arange(module.config.max_position_embeddings)[None]
    weights["embeddings.token_type_ids"] = torch.zeros_like(weights["embeddings.position_ids"])
    for number, layer in enumerate(module.encoder.layer):
        _head_width(layer.attention.self, "attention_head_size", attention[0].shape[-1] // heads)
        parts = [weight[number] for weight in attention], [weight[number] for weight in own]
        weights |= _bert_weights(*parts, prefix=f"encoder.layer.{number}.")
    batched, seen = (x, mask) if x.ndim == 3 else (x[None], mask[None])
    y: Tensor = functional_call(module, weights, (), {"inputs_embeds": batched, "attention_mask": seen})[0]
    return y if x.ndim == 3 else y[0]


def _gpt2_weights(attention: Sequence[Tensor], own: Sequence[Tensor], prefix: str = "") -> Weights:
    """Its layers take weights as the equation has them, Conv1D of transformers."""
    W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o = attention
    W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2 = own
    weights = {
        "attn.c_attn.weight": torch.cat([W_q, W_k, W_v], dim=-1),
        "attn.c_attn.bias": torch.cat([b_q, b_k, b_v]),
        "attn.c_proj.weight": W_o,
        "attn.c_proj.bias": b_o,
        "mlp.c_fc.weight": W_1,
        "mlp.c_fc.bias": b_1,
        "mlp.c_proj.weight": W_2,
        "mlp.c_proj.bias": b_2,
        **_norm("ln_1", gamma_1, beta_1),
        **_norm("ln_2", gamma_2, beta_2),
    }
    return {prefix + name: weight for name, weight in weights.items()}


def _gpt2_heads(block: Any, width: int, heads: int) -> None:
    """Set the width of all heads and that of one."""
    block.attn.split_size, block.attn.c_attn.nf = width, 3 * width
    _head_width(block.attn, "head_dim", width // heads)


def gpt2_block(x: Tensor, attention: Sequence[Tensor], own: Sequence[Tensor], heads: int, eps: float) -> Tensor:
    """GPT2Block, without a cache; attention and own as `bert_layer` has them."""
    module = _gpt2(x.shape[-1], own[0].shape[-1], 0, 1, 1, eps)
    _gpt2_heads(module, attention[0].shape[-1], heads)
    return _called(module, _gpt2_weights(attention, own), x)


def gpt2(
    k: Tensor, P: Tensor, P_pos: Tensor, attention: Sequence[Tensor], own: Sequence[Tensor], norm: Sequence[Tensor],
    heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """GPT2LMHeadModel, whose scores are made by the table that embeds the tokens; weights have an axis of layers."""
    module = _gpt2(P.shape[-1], own[0].shape[-1], len(own[0]), len(P), len(P_pos), eps)
    weights = {"transformer.wte.weight": P, "lm_head.weight": P, "transformer.wpe.weight": P_pos}
    weights |= _norm("transformer.ln_f", *norm)
    for number, block in enumerate(module.transformer.h):
        _gpt2_heads(block, attention[0].shape[-1], heads)
        parts = [weight[number] for weight in attention], [weight[number] for weight in own]
        weights |= _gpt2_weights(*parts, prefix=f"transformer.h.{number}.")
    batched = k if k.ndim == 2 else k[None]
    y: Tensor = functional_call(module, weights, (), {"input_ids": batched, "use_cache": False}).logits
    return y if k.ndim == 2 else y[0]


def _marian_attention(name: str, attention: Sequence[Tensor]) -> Weights:
    W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o = attention
    return {
        **_linear(f"{name}.q_proj", W_q, b_q),
        **_linear(f"{name}.k_proj", W_k, b_k),
        **_linear(f"{name}.v_proj", W_v, b_v),
        **_linear(f"{name}.out_proj", W_o, b_o),
    }


def _marian_weights(own: Sequence[Tensor], norms: Sequence[str]) -> Weights:
    W_1, b_1, W_2, b_2, *parts = own
    weights = {**_linear("fc1", W_1, b_1), **_linear("fc2", W_2, b_2)}
    for name, gamma, beta in zip(norms, parts[::2], parts[1::2], strict=True):
        weights |= _norm(name, gamma, beta)
    return weights


def marian_encoder_layer(
    activation: str, x: Tensor, attention: Sequence[Tensor], own: Sequence[Tensor], heads: int, eps: float, mask: Tensor
) -> Tensor:
    """MarianEncoderLayer; its arguments are those of `bert_layer`. Marian's own eps is 1e-5."""
    module = _marian(MarianEncoderLayer, x.shape[-1], own[0].shape[-1], activation)
    norms = ("self_attn_layer_norm", "final_layer_norm")
    for name in norms:
        getattr(module, name).eps = eps
    _head_width(module.self_attn, "head_dim", attention[0].shape[-1] // heads)
    weights = _marian_attention("self_attn", attention) | _marian_weights(own, norms)
    return _called(module, weights, x, attention_mask=_visible(mask))


def marian_decoder_layer(
    activation: str, x: Tensor, z: Tensor, attentions: Sequence[Sequence[Tensor]], own: Sequence[Tensor],
    heads: int, eps: float, mask: Tensor,
) -> Tensor:  # fmt: skip
    """MarianDecoderLayer without a cache; mask is true where what the encoder read is not padding."""
    module = _marian(MarianDecoderLayer, x.shape[-1], own[0].shape[-1], activation)
    norms = ("self_attn_layer_norm", "encoder_attn_layer_norm", "final_layer_norm")
    for name in norms:
        getattr(module, name).eps = eps
    weights = _marian_weights(own, norms)
    for name, attention in zip(("self_attn", "encoder_attn"), attentions, strict=True):
        _head_width(getattr(module, name), "head_dim", attention[0].shape[-1] // heads)
        weights |= _marian_attention(name, attention)
    read = {"encoder_hidden_states": z if z.ndim == 3 else z[None], "encoder_attention_mask": _visible(mask)}
    return _called(module, weights, x, **read)
