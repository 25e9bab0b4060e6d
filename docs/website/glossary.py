"""The glossary: the terms of the road in English and in the Chinese of the source documents, and the symbols."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import peers
from website.language import Language
from writing import prose, table


@dataclass(frozen=True, slots=True)
class Term:
    """A term.

    Attributes:
        name: the term in English.
        chinese: the term in Chinese, first as most of the documents write it.
        says: what it is, in a sentence.
        documents: the source documents that use the Chinese term; "" if it is the usual one, and none of them does.
        equations: the ids of equations that show it.
    """

    name: str
    chinese: str
    says: str
    documents: str
    equations: tuple[str, ...] = ()


TERMS = (
    Term("token", "词元 (token)", "A piece of text that has a number of its own.", "001", ("text.one_hot",)),
    Term("vocabulary", "字典、词表", "The list of all tokens.", "000, 001, 003", ("text.one_hot",)),
    Term(
        "one-hot vector",
        "one-hot 向量",
        "A vector that is 1 at the index of a token and 0 elsewhere.",
        "003",
        ("text.one_hot",),
    ),
    Term(
        "word embedding",
        "词向量 (word embedding)",
        "A learned vector for each token, a row of a table.",
        "003",
        ("text.embedding",),
    ),
    Term("padding", "填充 (padding)", "Entries that fill a short sequence up to the length of a batch.", ""),
    Term("sequence", "序列", "Vectors in an order, one for each token or step.", "000, 001, 002, 003"),
    Term("time step", "时间步", "One position of a sequence that is read in order.", "000, 001, 002"),
    Term(
        "recurrent network (RNN)",
        "循环神经网络 (RNN)",
        "A network that carries a state from step to step.",
        "000, 001",
        ("recurrent.simple_rnn_cell",),
    ),
    Term(
        "hidden state",
        "隐藏状态、隐状态、状态向量",
        "The vector h that a recurrent network carries along.",
        "000, 001, 002, 003",
        ("recurrent.simple_rnn_cell",),
    ),
    Term("weight matrix", "参数矩阵、权重矩阵", "A matrix that is learned.", "001, 002, 003"),
    Term("bias", "偏移项、偏置", "A learned vector that is added.", "003"),
    Term("number of parameters", "参数量", "How many learned numbers there are.", "003", ("cost.gru_parameters",)),
    Term("vanishing gradient", "梯度消失", "A gradient that shrinks with every step back in time.", "001"),
    Term("exploding gradient", "梯度爆炸", "A gradient that grows with every step back in time.", "000, 001"),
    Term("back-propagation", "反向传播", "The chain rule, from the loss back to the weights.", "001, 003"),
    Term(
        "gate",
        "门",
        "A factor between 0 and 1 for each entry of a state.",
        "000, 001",
        ("recurrent.gru_cell", "recurrent.lstm_cell"),
    ),
    Term(
        "update gate",
        "更新门",
        "z of a GRU: how much of the old state stays, or how much of the candidate is written.",
        "001",
        ("recurrent.gru_cell", "recurrent.gru_cell_update_writes"),
    ),
    Term(
        "reset gate",
        "重置门",
        "r of a GRU: how much of the old state the candidate reads.",
        "000, 001",
        ("recurrent.gru_cell", "recurrent.gru_cell_reset_after"),
    ),
    Term(
        "candidate state", "候选状态", "The new state that a gate mixes with the old one.", "", ("recurrent.gru_cell",)
    ),
    Term(
        "cell state",
        "传送带、细胞状态",
        "c of an LSTM: a state that is only scaled and added to.",
        "003",
        ("recurrent.lstm_cell",),
    ),
    Term("element-wise product", "按元素乘法", "The product of two arrays, entry by entry, written ⊙.", "001"),
    Term(
        "stacked RNN",
        "多层 RNN",
        "A recurrent layer that reads the states of another.",
        "003",
        ("recurrent.stacked_simple_rnn",),
    ),
    Term(
        "bidirectional RNN",
        "双向 RNN",
        "Two recurrent layers, one from the left and one from the right.",
        "003",
        ("recurrent.bidirectional_simple_rnn",),
    ),
    Term("encoder", "编码器", "The network that reads the source.", "000, 001, 002"),
    Term("decoder", "解码器", "The network that writes, a word at a time.", "000, 001, 002"),
    Term(
        "context",
        "上下文、上下文序列",
        "What the decoder knows of the source: one vector, or with attention one for each step.",
        "000, 001",
        ("attention.context_vector",),
    ),
    Term("start token", "起始符", "The token that a decoder reads first.", "003"),
    Term("stop token", "停止符", "The token after which a decoder stops.", "003", ("seq2seq.until_stop",)),
    Term("autoregressive", "自回归", "Each output is an input of the next step.", "001"),
    Term(
        "cross-entropy",
        "交叉熵",
        "The loss of a predicted distribution: minus the logarithm of the true word's probability.",
        "003",
        ("seq2seq.cross_entropy",),
    ),
    Term("loss", "损失函数", "The number that training makes small.", "003"),
    Term(
        "attention",
        "注意力机制",
        "A mean of values, weighted by how well their keys match a query.",
        "000, 001, 003, 004",
        ("attention.scaled_dot_product",),
    ),
    Term("query", "查询 (query)", "The vector that asks.", "000, 001, 002"),
    Term("key", "键 (key)", "The vector that is compared with a query.", "000, 001, 002"),
    Term("value", "值、真值 (value)", "The vector that is averaged.", "001, 002"),
    Term(
        "score",
        "注意力得分、注意力分数",
        "The number that says how well a query and a key match.",
        "001, 002, 004",
        ("scores.additive", "scores.dot"),
    ),
    Term("scoring function", "评分函数、打分函数", "The function of a query and a key that gives the score.", "000"),
    Term("inner product", "内积、点积", "The sum of the products of the entries of two vectors.", "001, 002, 003"),
    Term(
        "attention weight",
        "注意力权重",
        "α: a score after the softmax; the weights of a query sum to 1.",
        "001",
        ("attention.weights",),
    ),
    Term("weighted sum", "加权和", "A sum of vectors, each times its weight.", "001, 002"),
    Term("normalisation", "归一化", "Making numbers sum to 1, or have mean 0 and variance 1.", "001, 003, 004"),
    Term(
        "self-attention",
        "自注意力机制",
        "Attention whose queries, keys and values come from one sequence.",
        "000, 001, 004",
        ("self_attention.scaled",),
    ),
    Term("linear map", "线性变换", "A product with a matrix.", "000, 001, 002, 003", ("self_attention.qkv",)),
    Term(
        "multi-head attention",
        "多头注意力机制",
        "Several attentions side by side, whose results are put end to end.",
        "000, 001, 004",
        ("multihead.attention",),
    ),
    Term("mask", "掩码", "True where a query may look at a key.", "", ("attention.masked",)),
    Term("causal mask", "因果掩码", "A mask that hides the future.", "", ("attention.causal",)),
    Term(
        "positional encoding",
        "位置编码",
        "A vector for each position, which is added to the input.",
        "004",
        ("position.sinusoidal",),
    ),
    Term("feed-forward network", "前馈神经网络", "The small network at each position.", "001"),
    Term("residual connection", "残差连接", "x + f(x).", "", ("transformer.residual",)),
    Term("layer normalisation", "层归一化", "Mean 0 and variance 1 for each vector.", "", ("transformer.layer_norm",)),
    Term("activation function", "激活函数", "A function of one number, such as tanh, sigmoid or ReLU.", "003"),
    Term("greedy choice", "贪心选择 (greedy selection)", "The likeliest word at each step.", ""),
    Term("sampling", "抽样、采样", "A word that is drawn with its probability.", "001, 003", ("seq2seq.sample",)),
    Term("temperature", "temperature（温度）", "A number that makes a distribution sharper or flatter.", "003"),
    Term("beam search", "束搜索", "A search that keeps the best few sentences.", "", ("generation.beam_step",)),
    Term("in parallel", "并行", "At the same time, without waiting for each other.", "000, 001, 004"),
)
"""The terms, in the order of the road."""

FEW = 3
"""A symbol of fewer equations stands on their pages alone."""


def glossary(language: Language, shown: Collection[str]) -> Iterator[str]:
    """The page of the glossary.

    Args:
        language: the language of the page.
        shown: the ids of the equations that the site shows.
    """
    say = language.say
    yield "---\nhtml_theme.sidebar_secondary.remove: true\n---"
    yield f"# {say('Glossary')}"
    yield say(
        "The Chinese terms are those of the source documents, whose numbers are in brackets; without a number, a term "
        "is the usual one of the field, and the documents do not name it."
    )
    yield f"## {say('Terms')}"
    heads = [say(each) for each in ("term", "Chinese", "what it is", "equations")]
    yield table(heads, [_term(each, language, shown) for each in TERMS])
    yield f"## {say('Symbols')}"
    yield say("What a letter stands for in most equations; a page says where it stands for something else.")
    yield table([say(each) for each in ("symbol", "meaning", "equations")], list(_symbols(language, shown)))


def _term(term: Term, language: Language, shown: Collection[str]) -> tuple[str, str, str, str]:
    links = language.list(f"{{attnspec:eq}}`{id}`" if id in shown else f"`{id}`" for id in term.equations)
    source = f" [{term.documents}]" if term.documents else ""
    return term.name, f"{term.chinese}{prose(source)}", prose(language.say(term.says)), links


def _symbols(language: Language, shown: Collection[str]) -> Iterator[tuple[str, str, str]]:
    meanings: dict[str, Counter[str]] = defaultdict(Counter)
    for equation in peers.catalogue().values():
        if equation.id in shown:
            for each in equation.definition.parameters:
                if each.layer is None and "gradient of" not in each.symbol.meaning:
                    meanings[each.name][each.symbol.meaning] += 1
    for name, found in sorted(meanings.items(), key=lambda pair: (pair[0].lower(), pair[0])):
        number = sum(found.values())
        if number >= FEW:
            usual = found.most_common(1)[0][0]
            yield f"`{name}`", prose(language.of(usual)), str(number)
