"""More of PyTorch: Transformer layers without biases in their attention, losses, and what its modules hand back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attnspec import ClaimFields, implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
LONG = ("float32",)  # a verdict on a whole layer takes long
FLEX: ClaimFields = {
    "dtypes": LONG, "devices": CPU, "smallest": {"batch": 1, "n": 1, "m": 1, "d": 1, "e": 1}, "finite": True,
}  # fmt: skip
NOT_EMPTY = {"batch": 1, "t": 1, "c": 1, "d": 1, "f": 1}
LAYER: ClaimFields = {"dtypes": LONG, "devices": CPU, "smallest": NOT_EMPTY, "finite": True}
DECODER: ClaimFields = {**LAYER, "smallest": {"batch": 1, "n": 1, "m": 1, "c": 1, "d": 1, "f": 1}}


def _encoder_layer(norm_first: bool, x: Tensor, weights: tuple[Tensor, ...], heads: int, eps: float) -> Tensor:
    from attnspec_peers import _torch_layers

    form = _torch_layers.FIRST if norm_first else _torch_layers.LAST
    W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2 = weights
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _torch_layers.encoder_layer(form, x, (W_q, W_k, W_v, W_o), own, heads, eps)


@implements("transformer.encoder_layer", framework="torch", **LAYER)
def torch_encoder_layer_plain(x: Tensor, *weights: Tensor, heads: int, eps: float) -> Tensor:
    """torch.nn.TransformerEncoderLayer with an attention that has bias=False."""
    return _encoder_layer(False, x, weights, heads, eps)


@implements("transformer.encoder_layer_pre", framework="torch", **LAYER)
def torch_encoder_layer_plain_pre(x: Tensor, *weights: Tensor, heads: int, eps: float) -> Tensor:
    """torch.nn.TransformerEncoderLayer with norm_first=True and an attention that has bias=False."""
    return _encoder_layer(True, x, weights, heads, eps)


def _decoder_layer(
    norm_first: bool, x: Tensor, z: Tensor, weights: tuple[Tensor, ...], heads: int, eps: float
) -> Tensor:
    import torch

    from attnspec_peers import _torch_layers

    form = _torch_layers.FIRST if norm_first else _torch_layers.LAST
    own = (*weights[12:16], *weights[4:6], *weights[10:12], *weights[16:])
    mask = torch.ones(z.shape[:-1], dtype=torch.bool, device=z.device)
    return _torch_layers.decoder_layer(form, x, z, (weights[:4], weights[6:10]), own, heads, eps, mask)


@implements("transformer.decoder_layer", framework="torch", **DECODER)
def torch_decoder_layer_plain(x: Tensor, z: Tensor, *weights: Tensor, heads: int, eps: float) -> Tensor:
    """torch.nn.TransformerDecoderLayer with attentions that have bias=False."""
    return _decoder_layer(False, x, z, weights, heads, eps)


@implements("transformer.decoder_layer_pre", framework="torch", **DECODER)
def torch_decoder_layer_plain_pre(x: Tensor, z: Tensor, *weights: Tensor, heads: int, eps: float) -> Tensor:
    """torch.nn.TransformerDecoderLayer with norm_first=True and attentions that have bias=False."""
    return _decoder_layer(True, x, z, weights, heads, eps)


@implements("transformer.decoder_only_layer", framework="torch", **LAYER)
def torch_decoder_only_layer(x: Tensor, *weights: Tensor, heads: int, eps: float) -> Tensor:
    """torch.nn.TransformerEncoderLayer with norm_first=True, is_causal=True and gelu by tanh for its activation."""
    from attnspec_peers import _torch_layers

    own = (*weights[10:14], *weights[8:10], *weights[14:])
    return _torch_layers.encoder_layer(_torch_layers.FIRST_GELU_TANH, x, weights[:8], own, heads, eps, is_causal=True)


@implements("transformer.feed_forward", framework="torch", dtypes=ALL, devices=CPU)
def torch_feed_forward(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """torch.nn.functional.relu between two of its linear layers."""
    from torch.nn import functional

    return functional.linear(functional.relu(functional.linear(x, W_1.mT, b_1)), W_2.mT, b_2)


@implements("attention.key_value", framework="torch", dtypes=ALL, devices=CPU, finite=True)
def torch_key_value(e: Tensor, v: Tensor) -> Tensor:
    """scaled_dot_product_attention of zeros, with the scores for attn_mask, which it adds."""
    import torch

    from attnspec_peers import _torch

    n, m = e.shape[-2:]
    q, k = (torch.zeros(*e.shape[:-2], rows, 1, dtype=e.dtype, device=e.device) for rows in (n, m))
    return _torch.attention(q, k, v, attn_mask=e.unsqueeze(-3))


@implements("attention.padded", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
def torch_padded(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """scaled_dot_product_attention with one row of attn_mask for all queries."""
    from attnspec_peers import _torch

    return _torch.attention(q, k, v, attn_mask=mask[..., None, None, :].expand(*mask.shape[:-1], 1, q.shape[-2], -1))


@implements("attention.dot_product", framework="torch", dtypes=ALL, devices=CPU, finite=True)
def torch_dot_product(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """scaled_dot_product_attention with scale=1."""
    from attnspec_peers import _torch

    return _torch.attention(q, k, v, scale=1.0)


@implements("attention.blocked", framework="torch", **FLEX)
def torch_blocked(q: Tensor, k: Tensor, v: Tensor, *, block: int) -> Tensor:
    """torch.nn.attention.flex_attention, which takes keys in blocks of its own size where it is compiled."""
    from attnspec_peers import _torch

    return _torch.flex(q, k, v)[0]


@implements("attention.with_lse", framework="torch", **FLEX)
def torch_with_lse(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """torch.nn.attention.flex_attention with the logarithm of each row's sum of exponentials."""
    from attnspec_peers import _torch

    return _torch.flex(q, k, v)


@implements("multihead.queries", framework="torch", dtypes=LONG, devices=CPU, smallest={"d": 1}, finite=True)
def torch_queries(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """scaled_dot_product_attention, flattened."""
    from attnspec_peers import _torch

    return _torch.attention(q, k, v).flatten(-2)


@implements("scores.bilinear", framework="torch", dtypes=LONG, devices=CPU, finite=True)
def torch_bilinear(q: Tensor, k: Tensor, W: Tensor) -> Tensor:
    """torch.nn.functional.bilinear of every pair."""
    from torch.nn import functional

    n, m = q.shape[-2], k.shape[-2]
    queries = q.unsqueeze(-2).expand(*q.shape[:-1], m, -1)
    keys = k.unsqueeze(-3).expand(*k.shape[:-2], n, m, -1)
    return functional.bilinear(queries.contiguous(), keys.contiguous(), W[None])[..., 0]


@implements("text.binary_cross_entropy", framework="torch", dtypes=LONG, devices=CPU, finite=True)
@implements("text.binary_cross_entropy", framework="torch", dtypes=LONG, devices=CPU, finite=True, backward=True)
def torch_binary_cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """torch.nn.functional.binary_cross_entropy_with_logits, with a loss for each example."""
    from torch.nn import functional

    return functional.binary_cross_entropy_with_logits(logit, target.to(logit.dtype), reduction="none")


@implements("text.window_labels", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 1}, finite=True)
def torch_window_labels(x: Tensor, W: Tensor, b: Tensor, *, w: int) -> Tensor:
    """torch.nn.functional.conv1d with padding."""
    from torch.nn import functional

    kernel = W.reshape(2 * w + 1, x.shape[-1], -1).permute(2, 1, 0)
    return functional.conv1d(x.mT, kernel, b, padding=w).mT


IGNORED = -100  # the default of ignore_index


def _mean_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    import torch
    from torch.nn import functional

    counted = torch.where(valid, target, IGNORED)
    if logits.ndim == 2:
        return functional.cross_entropy(logits, counted)
    losses = [functional.cross_entropy(*example) for example in zip(logits, counted, strict=True)]
    return torch.stack(losses) if losses else logits.new_zeros(0)


@implements(
    "seq2seq.sequence_loss", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "v": 1}, finite=True
)
def torch_sequence_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """torch.nn.functional.cross_entropy with ignore_index, for each example."""
    return _mean_loss(logits, target, valid)


@implements("seq2seq.perplexity", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "v": 1}, finite=True)
def torch_perplexity(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """exp of torch.nn.functional.cross_entropy with ignore_index, for each example."""
    return _mean_loss(logits, target, valid).exp()


@implements("seq2seq.distillation_logits", framework="torch", dtypes=LONG, devices=CPU, finite=True)
def torch_distillation_logits(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    """torch.nn.functional.cross_entropy with probabilities for its targets, which torch.softmax makes."""
    import torch
    from torch.nn import functional

    p = torch.softmax(logits_teacher / tau, dim=-1)
    return functional.cross_entropy(logits_student / tau, p, reduction="none")


@implements(
    "backward.rnn_jacobian", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 1, "u": 1}, batch=(0,)
)
def torch_rnn_jacobian(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """torch.func.jacrev of torch.nn.RNN."""
    import torch

    from attnspec_peers import _torch

    def last(h: Tensor) -> Any:
        return _torch.sequence("RNN", x, h[None], [_torch.direction([W_xh, W_hh, b_h])])[1][0]

    jacobian: Tensor = torch.func.jacrev(last)(h_0)
    return jacobian


@implements(
    "recurrent.gru_reset_after", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 1, "u": 1},
    backward=True,
)  # fmt: skip
def torch_gru_trained(x: Tensor, h_0: Tensor, *weights: Tensor) -> Tensor:
    """torch.nn.GRU."""
    from attnspec_peers import _torch

    h: Tensor = _torch.sequence("GRU", x, h_0[None], [_torch.direction(weights)])[0]
    return h


@implements(
    "recurrent.lstm", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 1, "u": 1}, backward=True
)
def torch_lstm_trained(x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    """torch.nn.LSTM."""
    from attnspec_peers import _torch

    h, (_, c) = _torch.sequence("LSTM", x, (h_0[None], c_0[None]), [_torch.direction(weights)])
    return h, c[0]
