"""What an equation cites is where it is published: citations that were wrong once, each with what is right.

Whether a paper says it nobody can test here; that a mended citation stays mended, one can.
"""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY

CITED: list[tuple[str, str, str | None]] = [
    ("seq2seq.decoder_step_context_outside", "with one context, and z as Cho's", "where c does not change"),
    ("seq2seq.decoder_step_context_outside", "there the context changes", "where c does not change"),
    ("seq2seq.encode_bidirectional", "003, “双向 RNN (Bidirectional RNN)”", "app. A.2.1"),
    ("seq2seq.encode_bidirectional_update_writes", "app. A.2.1", "Schuster"),
    ("seq2seq.perplexity", "001, “为什么要发明循环神经网络”", "003"),
    ("seq2seq.teacher_forced", "Cho et al. 2014", "003"),
    ("seq2seq.greedy_step", "Cho et al. 2014", "003"),
    ("seq2seq.greedy_decode", "003, “简单字符生成器的实现”", "总结"),
    ("seq2seq.encode_gru", "arXiv:1406.1078v3, app. A.1", "A.1.1"),
    ("seq2seq.decoder_start", "arXiv:1406.1078v3, app. A.1", "A.1.2"),
    ("seq2seq.decoder_start", "编码器，解码器架构", "000, “Encoder-Decoder”"),
    ("seq2seq.output_distribution", "编码器，解码器架构", "000, “Encoder-Decoder”"),
    ("attention_rnn.bahdanau_step", "序列到序列任务当中的注意力机制", "“Attention”"),
    ("attention_rnn.input_feeding_step", "002, “Sequence to Sequence”", "arXiv:1508.04025"),
    ("attention_rnn.input_feeding_step", "Luong et al. feed the attentional state", "sec. 3.3"),
    ("attention_rnn.attentional_state", "arXiv:1508.04025v5, eq. 5", "002"),
    ("attention.additive", "app. A.1.2", None),  # the score; eq. 5 and 6 are what is made of it
    ("attention.masked_empty_is_nan", "nn.MultiheadAttention", "scaled_dot_product_attention"),  # which gives 0
    ("multihead.causal", "sec. 3.2.3", "sec. 3.2.2"),
    ("scores.linear", "002", None),
    ("transformer.feed_forward_gelu", "Hendrycks and Gimpel", "Devlin"),  # BERT's own code has the form by tanh
    ("transformer.feed_forward_gelu_tanh", "BERT's code", None),
    ("transformer.embed", "004", "sec. 3.4"),  # where the vectors are multiplied by √c
    ("transformer.embed_scaled", "sec. 3.4", "004"),
    ("backward.softmax", "Bridle", "eq. 21"),
    ("backward.cross_entropy", "Bridle", "eq. 21"),
]
"""An id, what its sources or docstring must contain, and what its sources must not contain."""


@pytest.mark.parametrize(("id", "right", "wrong"), CITED, ids=[f"{id}-{right}" for id, right, _ in CITED])
def test_a_citation_that_was_mended_stays_so(id: str, right: str, wrong: str | None) -> None:
    equation = REGISTRY[id]
    cited = "; ".join(map(str, equation.sources))

    assert right in f"{cited}; {equation.doc}"
    assert wrong is None or wrong not in cited


@pytest.mark.parametrize("id", ["backward.softmax", "backward.cross_entropy"])
def test_a_citation_that_nobody_could_check_says_so(id: str) -> None:
    assert "could not be checked" in REGISTRY[id].doc


def test_the_bound_of_the_jacobian_is_not_taken_for_its_size() -> None:
    """Where the norm of W_hh is above 1 the Jacobian may vanish all the same: here it is 0 after two steps."""
    steps, W_hh = np.zeros((2, 1)), np.array([[0.0, 2.0], [0.0, 0.0]])
    jacobian = REGISTRY["backward.rnn_jacobian"](steps, np.zeros(2), np.zeros((1, 2)), W_hh, np.zeros(2))

    assert np.linalg.norm(W_hh, 2) > 1
    assert not jacobian.any()
    assert "it may explode or vanish" in " ".join(REGISTRY["backward.rnn_jacobian"].doc.split())
