"""The layer norm, the linear layer, gelu and the Transformer's layers of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
TRAINED = ("float32", "bfloat16")  # of whose gradients are asked
LONG = ("float32",)  # a verdict on a whole layer takes long
NOT_EMPTY = {"batch": 1, "t": 1, "c": 1, "d": 1, "f": 1}
DECODER = {"batch": 1, "n": 1, "m": 1, "c": 1, "d": 1, "f": 1}


@implements("transformer.layer_norm", framework="torch", dtypes=ALL, devices=CPU)
@implements("transformer.layer_norm", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    """torch.nn.functional.layer_norm."""
    from torch.nn import functional

    return functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)


@implements("transformer.linear", framework="torch", dtypes=ALL, devices=CPU)
@implements("transformer.linear", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """torch.nn.functional.linear, which takes its weights the other way round."""
    from torch.nn import functional

    return functional.linear(x, W.mT, b)


@implements("transformer.feed_forward_gelu", framework="torch", dtypes=ALL, devices=CPU)
def torch_feed_forward_gelu(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """torch.nn.functional.gelu with approximate="none", its default, between two of its linear layers."""
    from torch.nn import functional

    return functional.linear(functional.gelu(functional.linear(x, W_1.mT, b_1)), W_2.mT, b_2)


@implements("transformer.feed_forward_gelu_tanh", framework="torch", dtypes=ALL, devices=CPU)
def torch_feed_forward_gelu_tanh(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """torch.nn.functional.gelu with approximate="tanh", between two of its linear layers."""
    from torch.nn import functional

    return functional.linear(functional.gelu(functional.linear(x, W_1.mT, b_1), approximate="tanh"), W_2.mT, b_2)


@implements(
    "transformer.encoder_layer_biased", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def torch_encoder_layer(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerEncoderLayer with src_key_padding_mask."""
    from attnspec_peers import _torch_layers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder_layer(_torch_layers.LAST, x, attention, own, heads, eps, mask)


@implements(
    "transformer.encoder_layer_biased_gelu", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def torch_encoder_layer_gelu(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerEncoderLayer with activation="gelu", as BERT is ported to it."""
    from attnspec_peers import _torch_layers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder_layer(_torch_layers.LAST_GELU, x, attention, own, heads, eps, mask)


@implements(
    "transformer.encoder_layer_biased_gelu_tanh", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def torch_encoder_layer_gelu_tanh(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerEncoderLayer with gelu by tanh for activation."""
    from attnspec_peers import _torch_layers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder_layer(_torch_layers.LAST_GELU_TANH, x, attention, own, heads, eps, mask)


@implements(
    "transformer.encoder_layer_biased_pre", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def torch_encoder_layer_pre(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerEncoderLayer with norm_first=True."""
    from attnspec_peers import _torch_layers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder_layer(_torch_layers.FIRST, x, attention, own, heads, eps, mask)


@implements(
    "transformer.encoder_layer_biased_pre_gelu", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def torch_encoder_layer_pre_gelu(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerEncoderLayer with norm_first=True and activation="gelu"."""
    from attnspec_peers import _torch_layers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder_layer(_torch_layers.FIRST_GELU, x, attention, own, heads, eps, mask)


@implements(
    "transformer.decoder_only_layer", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY, finite=True
)
def torch_decoder_only_layer(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerEncoderLayer with norm_first=True, gelu by tanh and a causal src_mask, as GPT-2 is built."""
    from attnspec_peers import _torch_layers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder_layer(_torch_layers.FIRST_GELU_TANH, x, attention, own, heads, eps, is_causal=True)


@implements(
    "transformer.encoder_biased_pre", framework="torch", dtypes=LONG, devices=CPU, smallest={**NOT_EMPTY, "N": 1},
    finite=True,
)  # fmt: skip
def torch_encoder_pre(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, gamma: Tensor, beta: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerEncoder of layers with norm_first=True, with a LayerNorm for its norm."""
    from attnspec_peers import _torch_layers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder(_torch_layers.FIRST, x, attention, own, (gamma, beta), heads, eps, mask)


@implements(
    "transformer.encoder_only", framework="torch", dtypes=LONG, devices=CPU, smallest={**NOT_EMPTY, "N": 1},
    finite=True,
)  # fmt: skip
def torch_encoder_only(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, gamma: Tensor, beta: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.LayerNorm, then torch.nn.TransformerEncoder of layers with gelu."""
    from torch.nn import functional

    from attnspec_peers import _torch_layers

    start = functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)
    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder(_torch_layers.LAST_GELU, start, attention, own, (), heads, eps, mask)


@implements(
    "transformer.decoder_layer_biased", framework="torch", dtypes=LONG, devices=CPU, smallest=DECODER,
    finite=True,
)  # fmt: skip
def torch_decoder_layer(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerDecoderLayer with a causal tgt_mask and memory_key_padding_mask."""
    from attnspec_peers import _torch_layers

    itself = (W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s)
    encoder = (W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2, gamma_3, beta_3)
    return _torch_layers.decoder_layer(_torch_layers.LAST, x, z, (itself, encoder), own, heads, eps, mask)


@implements(
    "transformer.decoder_layer_biased_gelu", framework="torch", dtypes=LONG, devices=CPU, smallest=DECODER,
    finite=True,
)  # fmt: skip
def torch_decoder_layer_gelu(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerDecoderLayer with activation="gelu"."""
    from attnspec_peers import _torch_layers

    itself = (W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s)
    encoder = (W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2, gamma_3, beta_3)
    return _torch_layers.decoder_layer(_torch_layers.LAST_GELU, x, z, (itself, encoder), own, heads, eps, mask)


@implements(
    "transformer.decoder_layer_biased_pre", framework="torch", dtypes=LONG, devices=CPU, smallest=DECODER,
    finite=True,
)  # fmt: skip
def torch_decoder_layer_pre(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerDecoderLayer with norm_first=True."""
    from attnspec_peers import _torch_layers

    itself = (W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s)
    encoder = (W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2, gamma_3, beta_3)
    return _torch_layers.decoder_layer(_torch_layers.FIRST, x, z, (itself, encoder), own, heads, eps, mask)


@implements(
    "transformer.decoder_layer_biased_pre_gelu", framework="torch", dtypes=LONG, devices=CPU, smallest=DECODER,
    finite=True,
)  # fmt: skip
def torch_decoder_layer_pre_gelu(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """torch.nn.TransformerDecoderLayer with norm_first=True and activation="gelu"."""
    from attnspec_peers import _torch_layers

    itself = (W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s)
    encoder = (W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2, gamma_3, beta_3)
    return _torch_layers.decoder_layer(_torch_layers.FIRST_GELU, x, z, (itself, encoder), own, heads, eps, mask)
