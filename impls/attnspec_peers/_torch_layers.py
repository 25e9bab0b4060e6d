"""PyTorch's layers of the Transformer: their own forward methods, on weights of any widths.

A layer's norms need its true width c, its attention the width H * d. So the layer is built with c, and in place of its
nn.MultiheadAttention stands one of the width that the heads need, filled up with zeros, see `_torch.multihead`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from attnspec_peers import _torch


@dataclass(frozen=True, slots=True)
class Form:
    """How a layer is built: norm_first, and its activation."""

    norm_first: bool
    activation: str | Callable[[Tensor], Tensor]


def gelu_tanh(a: Tensor) -> Tensor:
    """nn.functional.gelu with approximate="tanh"."""
    return F.gelu(a, approximate="tanh")


LAST, FIRST = Form(False, "relu"), Form(True, "relu")
LAST_GELU, FIRST_GELU = Form(False, "gelu"), Form(True, "gelu")
LAST_GELU_TANH, FIRST_GELU_TANH = Form(False, gelu_tanh), Form(True, gelu_tanh)


class _Attention(nn.Module):
    """What a layer calls for its attention, with nn.MultiheadAttention inside."""

    batch_first = True

    def __init__(self, weights: Sequence[Tensor], heads: int) -> None:
        super().__init__()
        self.projections, self.biases, self.heads = weights[:4], weights[4:], heads

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor,
        attn_mask: Tensor | None = None, key_padding_mask: Tensor | None = None,
        need_weights: bool = False, is_causal: bool = False,
    ) -> tuple[Tensor, None]:  # fmt: skip
        """The masks as the layer hands them on: true, or −∞, where nothing is to be seen."""
        W_q, W_k, W_v, W_o = self.projections
        y = _torch.multihead(
            query, key, W_q, W_k, W_v, W_o, self.heads,
            biases=self.biases, ignored=attn_mask, padding=key_padding_mask, is_causal=is_causal,
        )  # fmt: skip
        return y, None


def _built(kind: str, c: int, f: int, form: Form, eps: float) -> Any:
    return getattr(nn, kind)(
        c, 1, f, dropout=0.0, activation=form.activation, layer_norm_eps=eps,
        batch_first=True, norm_first=form.norm_first, device="meta",
    )  # fmt: skip


_layer = cache(_built)


def _own(W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, *norms: Tensor, prefix: str = "") -> dict[str, Tensor]:
    """The weights of a layer but for its attentions: gain and shift of each norm in turn."""
    weights = {"linear1.weight": W_1.T, "linear1.bias": b_1, "linear2.weight": W_2.T, "linear2.bias": b_2}
    for number, (gamma, beta) in enumerate(zip(norms[::2], norms[1::2], strict=True), 1):
        weights |= {f"norm{number}.weight": gamma, f"norm{number}.bias": beta}
    return {prefix + name: weight for name, weight in weights.items()}


def causal_mask(length: int, x: Tensor) -> Tensor:
    """True where a position may not look."""
    return torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)


def encoder_layer(
    form: Form, x: Tensor, attention: Sequence[Tensor], own: Sequence[Tensor], heads: int, eps: float,
    mask: Tensor | None = None, is_causal: bool = False,
) -> Tensor:  # fmt: skip
    """nn.TransformerEncoderLayer.

    Args:
        attention: W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o.
        own: W_1, b_1, W_2, b_2, and gain and shift of each norm.
        mask: true where a position is not padding.
        is_causal: whether no position looks ahead; the layer then wants the mask too.
    """
    module = _layer("TransformerEncoderLayer", x.shape[-1], own[0].shape[1], form, eps)
    module.self_attn = _Attention(attention, heads)
    options: dict[str, Any] = {"src_key_padding_mask": None if mask is None else ~mask}
    if is_causal:
        options |= {"src_mask": causal_mask(x.shape[-2], x), "is_causal": True}
    y: Tensor = functional_call(module, _own(*own), (x,), options)
    return y


def encoder(
    form: Form, x: Tensor, attention: Sequence[Tensor], own: Sequence[Tensor], norm: Sequence[Tensor],
    heads: int, eps: float, mask: Tensor,
) -> Tensor:  # fmt: skip
    """nn.TransformerEncoder; every weight has an axis for the layers, and norm, where it is not empty, is the last."""
    c, f = x.shape[-1], own[0].shape[-1]
    last = nn.LayerNorm(c, eps, device="meta") if norm else None
    layer = _built("TransformerEncoderLayer", c, f, form, eps)  # of nobody else's, since it is copied
    module = nn.TransformerEncoder(layer, len(own[0]), last, enable_nested_tensor=False)
    weights = {"norm.weight": norm[0], "norm.bias": norm[1]} if norm else {}
    for number, layer in enumerate(module.layers):
        layer.self_attn = _Attention([weight[number] for weight in attention], heads)
        weights |= _own(*(weight[number] for weight in own), prefix=f"layers.{number}.")
    y: Tensor = functional_call(module, weights, (x,), {"src_key_padding_mask": ~mask})
    return y


def decoder_layer(
    form: Form, x: Tensor, z: Tensor, attentions: Sequence[Sequence[Tensor]], own: Sequence[Tensor],
    heads: int, eps: float, mask: Tensor,
) -> Tensor:  # fmt: skip
    """nn.TransformerDecoderLayer with a causal tgt_mask; mask is true where what the encoder read is not padding."""
    module = _layer("TransformerDecoderLayer", x.shape[-1], own[0].shape[1], form, eps)
    module.self_attn, module.multihead_attn = (_Attention(attention, heads) for attention in attentions)
    options = {
        "tgt_mask": causal_mask(x.shape[-2], x), "tgt_is_causal": True, "memory_key_padding_mask": ~mask,
    }  # fmt: skip
    y: Tensor = functional_call(module, _own(*own), (x, z), options)
    return y
