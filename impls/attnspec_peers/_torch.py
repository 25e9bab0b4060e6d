"""PyTorch: weights in the layout of its modules, which are run without ever being initialised.

The modules live on the meta device: they draw no random numbers, hold no memory, and one of a size serves every call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention.flex_attention import AuxRequest, flex_attention
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Gates = Sequence[Tensor]


class Direction(NamedTuple):
    """The weights that read a sequence in one direction, a list of gates each, in the order of the module.

    Attributes:
        b_hh: the second bias of the last gate, where there is one.
    """

    W_x: Gates
    W_h: Gates
    b: Gates
    b_hh: Tensor | None = None


@cache
def _module(name: str, *sizes: int, **options: int) -> nn.Module:
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


def direction(arrays: Sequence[Tensor]) -> Direction:
    """W_x, W_h and b of each gate in turn, then b_hh where it is given."""
    gates = arrays[: len(arrays) // 3 * 3]
    return Direction(gates[0::3], gates[1::3], gates[2::3], *arrays[len(gates) :])


def both_ways(arrays: Sequence[Tensor]) -> list[Direction]:
    """The weights of the forward half, then as many of the backward one."""
    half = len(arrays) // 2
    return [direction(arrays[:half]), direction(arrays[half:])]


def sequence(name: str, x: Tensor, state: Any, *layers: Sequence[Direction]) -> Any:
    """What nn.RNN, nn.GRU or nn.LSTM makes of a sequence, layer on layer, each of one direction or both.

    In front of a state's axes is one for the layers and, within each, the directions; None starts from 0.
    """
    return _run(name, x, state, layers)


def packed(
    name: str, x: Tensor, length: Tensor, state: Sequence[Tensor] | None, directions: Sequence[Direction]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """What they make of a padded sequence that is packed, and unpacked again: every output, and the last states.

    A length of 0 is refused. So such a sequence is read as far as its first row, and the answer is what nothing gives:
    0, and the first states.
    """
    one = x.ndim == 2
    rows, lengths = (x[None], length[None]) if one else (x, length)
    batch, u = len(rows), directions[0].W_h[0].shape[0]
    count = 2 if name == "LSTM" else 1
    zero = [rows.new_zeros(batch, u)] * count
    starts = [h if h.ndim == 2 else h[None] for h in state] if state is not None else zero
    starts = [h.expand(len(directions), -1, -1) for h in starts]  # (directions, batch, u)
    given = pack_padded_sequence(rows, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
    answer, last = _run(name, given, tuple(starts) if count == 2 else starts[0], [directions])
    y, _ = pad_packed_sequence(answer, batch_first=True, total_length=rows.shape[1])
    some = (lengths > 0)[:, None]
    ends = last if isinstance(last, tuple) else (last,)
    ends = tuple(torch.where(some, end, start) for end, start in zip(ends, starts, strict=True))
    y, left = y.where(some[..., None], 0), tuple(torch.cat(tuple(end), dim=-1) for end in ends)
    return (y[0], tuple(end[0] for end in left)) if one else (y, left)


def stacked(
    name: str, x: Tensor, layers: Sequence[tuple[Sequence[Tensor], Sequence[Direction]]]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Layers of any sizes, each with its first states: every output of the top one, and its last states.

    The modules know one size for all layers. Where a layer is smaller, units whose weights are 0 are added; they stay
    0, which is exact.
    """
    sizes = [directions[0].W_h[0].shape[0] for _, directions in layers]
    width = max(sizes)

    def wide(a: Tensor) -> Tensor:
        return F.pad(a, (0, width - a.shape[-1]))

    def below(W: Tensor, place: int) -> Tensor:
        """A block of rows for each direction of the layer below."""
        if not place:
            return wide(W)
        u = sizes[place - 1]
        blocks = W.split_with_sizes([u] * (len(W) // u))
        return wide(torch.cat([F.pad(a, (0, 0, 0, width - u)) for a in blocks]))

    def filled(each: Direction, place: int) -> Direction:
        W_h = [F.pad(W, (0, width - len(W), 0, width - len(W))) for W in each.W_h]
        b_hh = None if each.b_hh is None else wide(each.b_hh)
        return Direction([below(W, place) for W in each.W_x], W_h, [wide(b) for b in each.b], b_hh)

    starts = [torch.stack([wide(a) for a in states]) for states in zip(*(states for states, _ in layers), strict=True)]
    state = None if not starts else tuple(starts) if name == "LSTM" else starts[0]
    y, last = _run(name, x, state, [[filled(each, k) for each in parts] for k, (_, parts) in enumerate(layers)])
    u, ends = sizes[-1], last if isinstance(last, tuple) else (last,)
    y = torch.cat([half[..., :u] for half in y.split(width, dim=-1)], dim=-1)
    return y, tuple(end[-1][..., :u] for end in ends)


def _run(name: str, x: Any, state: Any, layers: Sequence[Sequence[Direction]]) -> Any:
    first = layers[0][0].W_x[0]
    options = {"num_layers": len(layers), "bidirectional": len(layers[0]) == 2}
    module = _module(name, len(first), first.shape[1], batch_first=True, **options)
    weights: dict[str, Tensor] = {}
    for place, directions in enumerate(layers):
        for each, end in zip(directions, ("", "_reverse"), strict=False):
            weights |= _weights(*each, suffix=f"_l{place}{end}")
    return functional_call(module, weights, (x, state))


def embedding(k: Tensor, P: Tensor, padding_idx: int | None = None) -> Tensor:
    """nn.functional.embedding, with a row of zeros behind the others for what is missing, −1."""
    nothing = P.new_zeros((1, P.shape[-1]))
    return F.embedding(torch.where(k < 0, len(P), k), torch.cat([P, nothing]), padding_idx)


def attention(q: Tensor, k: Tensor, v: Tensor, **options: Any) -> Tensor:
    """scaled_dot_product_attention with the axis for the heads that its fused kernels ask for."""
    q, k, v = q.unsqueeze(-3), k.unsqueeze(-3), v.unsqueeze(-3)
    return F.scaled_dot_product_attention(q, k, v, **options).squeeze(-3)


def flex(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """flex_attention, and the logarithm of each row's sum of exponentials; it wants batch and heads."""
    queries, keys, values = ((a if a.ndim == 3 else a[None])[:, None] for a in (q, k, v))
    o, more = flex_attention(queries, keys, values, return_aux=AuxRequest(lse=True))
    assert more.lse is not None, "it was requested"
    o, lse = o[:, 0], more.lse[:, 0]
    return (o, lse) if q.ndim == 3 else (o[0], lse[0])


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
