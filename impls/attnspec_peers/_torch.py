"""PyTorch: weights in the layout of its modules, which are run without ever being initialised.

The modules live on the meta device: they draw no random numbers, hold no memory, and one of a size serves every call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

Gates = Sequence[Tensor]


@cache
def _module(name: str, *sizes: int, **options: bool) -> nn.Module:
    module: nn.Module = getattr(nn, name)(*sizes, **options, device="meta")
    return module


def _weights(W_x: Gates, W_h: Gates, b: Gates, b_hh: Tensor | None, suffix: str = "") -> dict[str, Tensor]:
    """Gates stacked in the order given, each weight from the left: (d, u) a gate becomes (gates * u, d).

    The modules add two biases a gate. The state's is 0, but for the last gate where b_hh is given.
    """
    b_state = [torch.zeros_like(bias) for bias in b]
    if b_hh is not None:
        b_state[-1] = b_hh
    weights = {
        "weight_ih": torch.cat([W.T for W in W_x]),
        "weight_hh": torch.cat([W.T for W in W_h]),
        "bias_ih": torch.cat(list(b)),
        "bias_hh": torch.cat(b_state),
    }
    return {name + suffix: weight for name, weight in weights.items()}


def cell(name: str, x: Tensor, state: Any, W_x: Gates, W_h: Gates, b: Gates, b_hh: Tensor | None = None) -> Any:
    """What nn.RNNCell, nn.GRUCell or nn.LSTMCell makes of one step."""
    module = _module(name, *W_x[0].shape)
    return functional_call(module, _weights(W_x, W_h, b, b_hh), (x, state))


def sequence(name: str, x: Tensor, state: Any, W_x: Gates, W_h: Gates, b: Gates, b_hh: Tensor | None = None) -> Any:
    """What nn.RNN, nn.GRU or nn.LSTM makes of a sequence; in front of a state's axes is one for the layers."""
    module = _module(name, *W_x[0].shape, batch_first=True)
    return functional_call(module, _weights(W_x, W_h, b, b_hh, "_l0"), (x, state))


def embedding(k: Tensor, P: Tensor, padding_idx: int | None = None) -> Tensor:
    """nn.functional.embedding, with a row of zeros behind the others for what is missing, −1."""
    nothing = P.new_zeros((1, P.shape[-1]))
    return F.embedding(torch.where(k < 0, len(P), k), torch.cat([P, nothing]), padding_idx)


def attention(q: Tensor, k: Tensor, v: Tensor, **options: Any) -> Tensor:
    """scaled_dot_product_attention with the axis for the heads that its fused kernels ask for."""
    q, k, v = q.unsqueeze(-3), k.unsqueeze(-3), v.unsqueeze(-3)
    return F.scaled_dot_product_attention(q, k, v, **options).squeeze(-3)


def attention_with_weights(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """nn.MultiheadAttention on the path that returns the weights too, with one head and identities for its matrices.

    The module knows one width: zeros fill up the narrower, and the queries make up for its scale.
    """
    d, e = q.shape[-1], v.shape[-1]
    width = max(d, e)
    wide_q, wide_k, wide_v = (F.pad(a, (0, width - a.shape[-1])) for a in (q * math.sqrt(width / d), k, v))
    identity = torch.eye(width, dtype=q.dtype, device=q.device)
    weights = {"in_proj_weight": identity.repeat(3, 1), "out_proj.weight": identity}
    module = _module("MultiheadAttention", width, 1, bias=False, batch_first=True)
    y, _ = functional_call(module, weights, (wide_q, wide_k, wide_v), {"attn_mask": ~mask, "need_weights": True})
    out: Tensor = y[..., :e]
    return out


def multihead(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, heads: int,
    *, ignored: Tensor | None = None, padding: Tensor | None = None, is_causal: bool = False,
    biases: Sequence[Tensor] = (),
) -> Tensor:  # fmt: skip
    """nn.MultiheadAttention. Its masks are true, or −∞, where a query may not look, and where a key is padding.

    The module knows one width, c = H * d. Where c is the larger, heads whose weights are 0 are added; where it is the
    smaller, zeros fill it up. Both are exact.
    """
    c, packed = W_q.shape
    d = packed // heads
    added = max(heads, -(-c // d))
    width = added * d

    def fill(weight: Tensor) -> Tensor:
        widths = [side for size in reversed(weight.shape) for side in (0, width - size)]
        return F.pad(weight, widths)

    def fill_width(x: Tensor) -> Tensor:
        return F.pad(x, (0, width - c))

    weights = {
        "in_proj_weight": torch.cat([fill(W).T for W in (W_q, W_k, W_v)]),  # packed q, k, v
        "out_proj.weight": fill(W_o).T,
    }
    if biases:
        *b_qkv, b_o = (fill(b) for b in biases)
        weights |= {"in_proj_bias": torch.cat(b_qkv), "out_proj.bias": b_o}
    if ignored is not None and ignored.ndim == 3:
        ignored = ignored.repeat_interleave(added, dim=0)  # (batch * heads, n, m)
    keys = fill_width(x_kv)
    module = _module("MultiheadAttention", width, added, bias=bool(biases), batch_first=True)
    # need_weights=True takes another path, where a row with nothing to look at is NaN.
    options = {
        "attn_mask": ignored, "key_padding_mask": padding, "is_causal": is_causal, "need_weights": False,
    }  # fmt: skip
    y, _ = functional_call(module, weights, (fill_width(x_q), keys, keys), options)
    out: Tensor = y[..., :c]
    return out
