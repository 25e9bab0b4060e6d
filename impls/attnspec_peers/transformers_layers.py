"""Layers of BERT, GPT-2 and Marian of Hugging Face's transformers, and the models BERT and GPT-2, on given weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
LONG = ("float32",)  # a verdict on a whole layer takes long
NOT_EMPTY = {"batch": 1, "t": 1, "c": 1, "d": 1, "f": 1}
DECODER = {"batch": 1, "n": 1, "m": 1, "c": 1, "d": 1, "f": 1}
STACK = {**NOT_EMPTY, "N": 1}


@implements(
    "transformer.encoder_layer_biased_gelu", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def transformers_bert_layer(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """BertLayer with hidden_act="gelu", its default."""
    from attnspec_peers import _transformers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _transformers.bert_layer("gelu", x, attention, own, heads, eps, mask)


@implements(
    "transformer.encoder_layer_biased_gelu_tanh", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def transformers_bert_layer_gelu_new(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """BertLayer with hidden_act="gelu_new", the gelu of BERT's own code."""
    from attnspec_peers import _transformers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _transformers.bert_layer("gelu_new", x, attention, own, heads, eps, mask)


@implements(
    "transformer.encoder_layer_biased_gelu", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY,
    finite=True,
)  # fmt: skip
def transformers_marian_encoder_layer(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """MarianEncoderLayer with activation_function="gelu", its default."""
    from attnspec_peers import _transformers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _transformers.marian_encoder_layer("gelu", x, attention, own, heads, eps, mask)


@implements(
    "transformer.encoder_layer_biased", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY, finite=True
)
def transformers_marian_encoder_layer_relu(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """MarianEncoderLayer with activation_function="relu"."""
    from attnspec_peers import _transformers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _transformers.marian_encoder_layer("relu", x, attention, own, heads, eps, mask)


@implements(
    "transformer.decoder_layer_biased_gelu", framework="torch", dtypes=LONG, devices=CPU, smallest=DECODER, finite=True
)
def transformers_marian_decoder_layer(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """MarianDecoderLayer with activation_function="gelu", its default; it looks at no later position by itself."""
    from attnspec_peers import _transformers

    itself = (W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s)
    encoder = (W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2, gamma_3, beta_3)
    return _transformers.marian_decoder_layer("gelu", x, z, (itself, encoder), own, heads, eps, mask)


@implements(
    "transformer.decoder_layer_biased", framework="torch", dtypes=LONG, devices=CPU, smallest=DECODER, finite=True
)
def transformers_marian_decoder_layer_relu(
    x: Tensor, z: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor,
    b_q_s: Tensor, b_k_s: Tensor, b_v_s: Tensor, b_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor,
    b_q_c: Tensor, b_k_c: Tensor, b_v_c: Tensor, b_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor,
    mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """MarianDecoderLayer with activation_function="relu"."""
    from attnspec_peers import _transformers

    itself = (W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s)
    encoder = (W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2, gamma_3, beta_3)
    return _transformers.marian_decoder_layer("relu", x, z, (itself, encoder), own, heads, eps, mask)


@implements(
    "transformer.decoder_only_layer", framework="torch", dtypes=LONG, devices=CPU, smallest=NOT_EMPTY, finite=True
)
def transformers_gpt2_block(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """GPT2Block with activation_function="gelu_new", its default."""
    from attnspec_peers import _transformers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _transformers.gpt2_block(x, attention, own, heads, eps)


@implements("transformer.encoder_only", framework="torch", dtypes=LONG, devices=CPU, smallest=STACK, finite=True)
def transformers_bert(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, gamma: Tensor, beta: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """BertModel with inputs_embeds, and 0 for the vectors of positions and segments."""
    from attnspec_peers import _transformers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _transformers.bert(x, attention, own, (gamma, beta), heads, eps, mask)


@implements(
    "transformer.decoder_only", framework="torch", dtypes=LONG, devices=CPU, smallest={**STACK, "v": 1}, finite=True
)
def transformers_gpt2(
    k: Tensor, P: Tensor, P_pos: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, gamma: Tensor, beta: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    """GPT2LMHeadModel, its scores of the next token."""
    from attnspec_peers import _transformers

    attention = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    own = (W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)
    return _transformers.gpt2(k, P, P_pos, attention, own, (gamma, beta), heads, eps)
