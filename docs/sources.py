"""The page on the source documents: which equations define what each part of them describes.

python docs/sources.py            write it
python docs/sources.py --check    say whether it is stale, and fail if it is
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from attnspec.language.equation import REGISTRY, Source
from attnspec.language.procedure import PROCEDURES
from writing import ROOT, Folder, Texts, anchor, joined, table

FOLDER = Folder(ROOT / "docs", "<!-- Written by docs/sources.py: change the equations, then run `make pages`. -->")

DOCUMENTS: Mapping[str, Mapping[str, str]] = {
    "000": {
        "序列到序列任务当中的注意力机制": "",
        "编码器，解码器架构": "",
        "attention架构本身": "",
        "评分函数": "",
        "多头注意力机制": "",
    },
    "001": {
        "简介": "",
        "要解决的一类问题：Seq2Seq模型": "lists tasks and says what a fixed context loses, which is a property of "
        "`seq2seq.translator_lstm`",
        "为什么要发明循环神经网络": "",
        "RNN 结构": "",
        "RNN 代码": "",
        "GRU 和 LSTM": "",
        "Encoder-Decoder/两个RNN加context": "",
        "注意力机制/抛弃RNN": "",
        "Attention 另一种表述": "",
    },
    "002": {"Sequence to Sequence": ""},
    "003": {
        "数据处理基础": "",
        "文本处理与 Word Embedding": "",
        "Word Embedding": "",
        "Logistic Regression": "",
        "RNN": "",
        "参数量的计算｜结果的计算": "",
        "存在的问题": "says in words that an RNN forgets; `backward.rnn_jacobian` and gradient-reach.md measure it",
        "提升RNN的若干技巧": "introduces the three headings below it",
        "多层RNN (Stacked RNN)": "",
        "双向 RNN (Bidirectional RNN)": "",
        "预训练": "",
        "自动文本生成": "",
        "简单字符生成器的实现": "",
        "Seq2Seq 模型（机器翻译）": "says that both lengths of a translation vary",
        "Tokenization & Build dictionary": "",
        "One-hot encoding": "applies `text.one_hot` to characters",
        "Train seq2seq": "",
        "总结": "",
        "Attention 注意力机制": "introduces the heading below it",
        "Attention + Simple RNN": "",
        "Self-Attention": "",
        "Transformer": "says what a Transformer consists of; the headings below it have the equations",
        "Attention + Seq2Seq": "",
        "Attention Layer": "",
        "Conclusion": "repeats the attention layer, `self_attention.cross`",
        "Self- Attention Layer": "",
    },
    "004": {
        "输入": "shows kinds of input in pictures, which are lost",
        "输出": "shows kinds of output in pictures, which are lost",
        "第一种任务": "",
        "self-attention原理": "",
        "多头注意力机制": "",
        "位置资讯": "",
    },
}
"""The parts of each document, in order; for one without an equation, the reason.

000 is a transcript and 002 has one heading. The parts of 000 are named by the words that announce them.
"""

LEFT_OUT = (
    ("image captioning that attends to an image (SAT)", "001 names it; its encoder is a convolutional network"),
    ("word2vec", "001 names it; how it is trained is not described"),
    ("graph convolutional networks", "001 names them as another use of attention"),
    ("cosine similarity and retrieval", "001 names them as applications"),
    ("summaries of long texts", "001 names them as an application"),
    ("local, global, hierarchical and memory attention", "000 shows an overview in a picture, which is lost"),
)
"""What the documents mention without defining it."""


def cited() -> dict[tuple[str, str], list[str]]:
    """The ids of the equations and procedures that cite each part of a document."""
    ids: dict[tuple[str, str], list[str]] = {}
    listed: Iterable[tuple[str, Iterable[Source]]] = [
        *((equation.id, equation.sources) for equation in REGISTRY.values()),
        *((procedure.id, procedure.sources) for procedure in PROCEDURES.values()),
    ]
    for id, sources in listed:
        for source in sources:
            if source.document:
                ids.setdefault((source.document, source.heading), []).append(id)
    return ids


def pages() -> Texts:
    """The page, by the name of its file."""
    return {"sources.md": joined(_paragraphs())}


def _paragraphs() -> Iterator[str]:
    ids = cited()
    yield FOLDER.mark
    yield "# The source documents"
    yield "Which equations define what each part of the source documents describes."
    for document, parts in DOCUMENTS.items():
        yield f"## {document}"
        rows = [(part, _cell(ids.get((document, part), []), reason)) for part, reason in parts.items()]
        yield table(("part", "equations"), rows)
    yield "## Mentioned only"
    yield table(("what", "why there is no equation"), LEFT_OUT)


def _cell(ids: Iterable[str], reason: str) -> str:
    links = [f"[{id}](equations/{id.partition('.')[0]}.md#{anchor(id)})" for id in sorted(set(ids))]
    return ", ".join(links) or f"none: {reason}"


if __name__ == "__main__":
    sys.exit(FOLDER.main(pages, (__doc__ or "").partition("\n")[0]))
