"""torch.nn.MultiheadAttention.

It packs its projections q, k, v, and wants c = H * d, which `_torch.multihead` brings about with zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
TRAINED = ("float32",)  # of whose gradients are asked: a verdict on many lines takes long


@implements("multihead.attention", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
@implements("multihead.attention", framework="torch", dtypes=TRAINED, devices=CPU, smallest={"d": 1}, backward=True)
def torch_multihead(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, heads: int
) -> Tensor:
    """torch.nn.MultiheadAttention with bias=False."""
    from attnspec_peers import _torch

    return _torch.multihead(x_q, x_kv, W_q, W_k, W_v, W_o, heads)


# A mask of each example's own, the module cannot reshape where it is empty.
@implements(
    "multihead.masked",
    framework="torch",
    dtypes=ALL,
    devices=CPU,
    smallest={"batch": 1, "n": 1, "m": 1, "d": 1},
    finite=True,
)
def torch_multihead_masked(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, mask: Tensor, heads: int
) -> Tensor:
    """torch.nn.MultiheadAttention with attn_mask, true where a query may not look; the equation's is the opposite."""
    from attnspec_peers import _torch

    return _torch.multihead(x_q, x_kv, W_q, W_k, W_v, W_o, heads, ignored=~mask)


@implements("multihead.causal", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
def torch_multihead_causal(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, heads: int
) -> Tensor:
    """torch.nn.MultiheadAttention with a mask aligned bottom-right: its is_causal is a hint, and means top-left."""
    import torch

    from attnspec_peers import _torch

    n, m = x_q.shape[-2], x_kv.shape[-2]
    mask = torch.ones(n, m, dtype=torch.bool, device=x_q.device).tril(m - n)
    return _torch.multihead(x_q, x_kv, W_q, W_k, W_v, W_o, heads, ignored=~mask)


@implements("multihead.attention_biased", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
def torch_multihead_biased(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor, heads: int,
) -> Tensor:  # fmt: skip
    """torch.nn.MultiheadAttention with bias=True, its default."""
    from attnspec_peers import _torch

    return _torch.multihead(x_q, x_kv, W_q, W_k, W_v, W_o, heads, biases=(b_q, b_k, b_v, b_o))


@implements(
    "multihead.self_attention_biased", framework="torch", dtypes=TRAINED, devices=CPU, smallest={"d": 1}, finite=True
)
def torch_multihead_self(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor, heads: int,
) -> Tensor:  # fmt: skip
    """torch.nn.MultiheadAttention with one array for query, key and value, for which it has a shorter path."""
    from attnspec_peers import _torch

    return _torch.multihead(x, x, W_q, W_k, W_v, W_o, heads, biases=(b_q, b_k, b_v, b_o))


BIASED = {"batch": 1, "n": 1, "m": 1, "d": 1}


# A mask of each example's own, the module cannot reshape where it is empty.
@implements("multihead.masked_biased", framework="torch", dtypes=ALL, devices=CPU, smallest=BIASED, finite=True)
def torch_multihead_masked_biased(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor, mask: Tensor, heads: int,
) -> Tensor:  # fmt: skip
    """torch.nn.MultiheadAttention with attn_mask."""
    from attnspec_peers import _torch

    return _torch.multihead(x_q, x_kv, W_q, W_k, W_v, W_o, heads, ignored=~mask, biases=(b_q, b_k, b_v, b_o))


@implements("multihead.padded_biased", framework="torch", dtypes=ALL, devices=CPU, smallest=BIASED, finite=True)
def torch_multihead_padded_biased(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor, mask: Tensor, heads: int,
) -> Tensor:  # fmt: skip
    """torch.nn.MultiheadAttention with key_padding_mask, which is true where the equation's mask is false."""
    from attnspec_peers import _torch

    return _torch.multihead(x_q, x_kv, W_q, W_k, W_v, W_o, heads, padding=~mask, biases=(b_q, b_k, b_v, b_o))


@implements("multihead.causal_biased", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
def torch_multihead_causal_biased(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor, heads: int,
) -> Tensor:  # fmt: skip
    """torch.nn.MultiheadAttention with is_causal where n = m, and with a mask aligned bottom-right elsewhere."""
    import torch

    from attnspec_peers import _torch

    n, m = x_q.shape[-2], x_kv.shape[-2]
    ignored = torch.ones(n, m, dtype=torch.bool, device=x_q.device).triu(m - n + 1)
    biases = (b_q, b_k, b_v, b_o)
    return _torch.multihead(x_q, x_kv, W_q, W_k, W_v, W_o, heads, ignored=ignored, is_causal=n == m, biases=biases)
