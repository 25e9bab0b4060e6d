"""Citations that were once wrong stay mended: what the source and the docstring of an equation name, and what not."""

from __future__ import annotations

import pytest

from attnspec.language.equation import REGISTRY

CITED = [
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
]
"""An equation, what is to be read in what it cites and says, and what is not."""


@pytest.mark.parametrize(("id", "names", "avoids"), CITED)
def test_an_equation_cites_what_it_computes(id: str, names: str, avoids: str) -> None:
    equation = REGISTRY[id]
    text = "\n".join([*map(str, equation.sources), equation.doc])

    assert names in text
    assert avoids not in text
