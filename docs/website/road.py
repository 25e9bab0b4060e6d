"""The road from the RNN to the Transformer: its steps, the reason for each, and which equations belong to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from attnspec.language.equation import Equation


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the road.

    Attributes:
        name: the name of its page.
        title: its heading.
        why: what the step before could not do, and what this one does about it; paragraphs of Markdown.
        seeds: the source documents that the reason is drawn from: pairs of a number and a heading.
        prefixes: how the ids of its equations begin; the longest prefix of all steps decides.
        judged: ids of equations whose implementations in NumPy and PyTorch are judged while the site is built.
        guides: guides that show more: pairs of the name of a page and the text of the link.
    """

    name: str
    title: str
    why: str
    seeds: tuple[tuple[str, str], ...]
    prefixes: tuple[str, ...]
    judged: tuple[str, ...] = ()
    guides: tuple[tuple[str, str], ...] = ()


STEPS = (
    Step(
        "text",
        "From text to vectors",
        """A network multiplies matrices, and a sentence is not a matrix. The text is cut into tokens, each token gets
a number in a vocabulary, and each number selects a row of a table, the embedding. The rows are learned with
everything else.

Texts have different lengths, and a batch is a rectangle. Short texts are padded and long ones are cut, at one end
or at the other: whether the first or the last tokens are kept is a convention, and libraries differ in it.""",
        (("003", "文本处理与 Word Embedding"), ("003", "Word Embedding")),
        ("text.",),
    ),
    Step(
        "rnn",
        "A state that is carried along",
        """A layer with a fixed number of inputs cannot read a sentence of any length. A recurrent network reads one
vector at a time and keeps a state: the new state is made of the old state and of the input, with the same
weights at every step.

The state is all that remains of what was read. One step waits for the one before, so that a sequence of n tokens
takes n steps in a row, however many processors there are.""",
        (("001", "为什么要发明循环神经网络"), ("001", "RNN 结构"), ("001", "RNN 代码"), ("003", "RNN")),
        ("recurrent.",),
        ("recurrent.simple_rnn_cell",),
    ),
    Step(
        "gates",
        "Gates, against forgetting",
        """The gradient of an early state is a product of one matrix for each later step. It soon vanishes or grows
without limit, so that a simple RNN learns nothing from what it read long ago. Gates are factors between 0
and 1, computed from the input and the state. They let a network keep a part of its state as it is: then the
product is close to 1.

The GRU has two gates, of which r chooses what of the old state the candidate reads, and z how much of the old state
stays. The LSTM has a second state c, which is only scaled and added to. Two papers and several libraries disagree
on where r acts and on what z means: these are three equations, and weights trained for one give wrong numbers in
another.""",
        (("001", "GRU 和 LSTM"), ("003", "存在的问题")),
        ("recurrent.gru", "recurrent.lstm"),
        (
            "recurrent.gru_cell",
            "recurrent.gru_cell_reset_after",
            "recurrent.lstm_cell",
        ),
        (("gradient-reach", "How far back gradients reach, measured and drawn"),),
    ),
    Step(
        "deeper",
        "Deeper, and from both ends",
        """The outputs of one recurrent layer are a sequence again, which another layer can read. And a layer can read
from the right as well as from the left: the two halves have weights of their own, and at every position
their states stand end to end. What the last state of a single reader would have forgotten of the beginning,
the other reader has just seen.""",
        (("003", "多层RNN (Stacked RNN)"), ("003", "双向 RNN (Bidirectional RNN)")),
        ("recurrent.bidirectional", "recurrent.stacked"),
    ),
    Step(
        "seq2seq",
        "One network reads, another writes",
        """A translation is seldom as long as its source, so that one output for each input will not do. An encoder
reads the source to its end. A decoder starts from the encoder's state, and writes a word at a time, each
time with its last word as its input, until it writes the word that stops.

Everything about the source must fit in that one vector, the context. Short sentences survive this; long ones do
not. And the context is the same for every word, although the words of a translation depend on different words of
the source.""",
        (
            ("001", "Encoder-Decoder/两个RNN加context"),
            ("001", "要解决的一类问题：Seq2Seq模型"),
            ("003", "Train seq2seq"),
        ),
        ("seq2seq.",),
        ("seq2seq.cross_entropy",),
    ),
    Step(
        "scores",
        "How well do two vectors match?",
        """A decoder that may look back needs a number that says how relevant a state of the encoder is to what it is
about to write: the score of a query and a key. A small network can compute it (additive), or a matrix
between the two, or their inner product alone, which is the cheapest and is one product of matrices for all
pairs.

The inner product of two vectors of d independent entries with variance 1 has the variance d. Divided by √d, it has
the variance 1 again, and the softmax stays where it has a gradient.""",
        (("003", "Attention + Simple RNN"), ("000", "评分函数")),
        ("scores.",),
        ("scores.additive", "scores.scaled_dot"),
    ),
    Step(
        "attention",
        "Attention: a weighted mean of what was read",
        """Softmax makes weights of scores: positive numbers that sum to 1. The context is the mean of the values with
these weights, and it is another one for each query. Nothing has to fit in one vector any more, and the path
from an output to any input is one step long.

Positions that must not be read are masked: padding, and for a decoder the future. What a row gives in which
everything is masked, the formula does not say; implementations give 0, NaN or a mean.""",
        (("001", "注意力机制/抛弃RNN"), ("001", "Attention 另一种表述"), ("000", "attention架构本身")),
        ("attention.",),
        (
            "attention.scaled_dot_product",
            "attention.masked",
        ),
    ),
    Step(
        "attention_rnn",
        "Recurrent decoders that attend",
        """The first to use attention were recurrent decoders: at each step the state asks, the encoder's states
answer, and the context goes into the next state, into the output, or into both. The lectures and papers
differ in which of these they mean, and each has an equation of its own here.

It costs time: each of t steps looks at all m states of the source.""",
        (("003", "Attention + Simple RNN"), ("002", "Sequence to Sequence"), ("000", "序列到序列任务当中的注意力机制")),
        ("attention_rnn.",),
        ("attention_rnn.bahdanau_step",),
    ),
    Step(
        "self_attention",
        "Self-attention: without the recurrence",
        """If attention reaches any position in one step, the recurrence is no longer needed to carry information, and
it is what forces the steps to wait for each other. In self-attention the queries, keys and values are three
linear maps of the same sequence. All positions are computed at once, as products of matrices.""",
        (("001", "注意力机制/抛弃RNN"), ("003", "Self-Attention"), ("004", "self-attention原理")),
        ("self_attention.",),
        ("self_attention.scaled",),
    ),
    Step(
        "multihead",
        "Several attentions side by side",
        """One set of weights expresses one kind of relation between words, and there are several. So the vectors are
split into heads, each of which attends by itself; the results are put end to end and mixed by a matrix. It
costs as much as one head of the whole width.""",
        (("004", "多头注意力机制"), ("000", "多头注意力机制")),
        ("multihead.",),
        ("multihead.attention",),
    ),
    Step(
        "position",
        "Where a word stands",
        """Self-attention does not know the order of its inputs: if they are exchanged, its outputs are exchanged, and
nothing else happens. So a vector that depends on the position is added to each input. It can be learned, or
made of sines and cosines whose periods grow from column to column; software has three tables of these,
which are not equal.""",
        (("004", "位置资讯"),),
        ("position.",),
        ("position.sinusoidal",),
    ),
    Step(
        "transformer",
        "The Transformer",
        """A layer is self-attention, then a small network at each position; around each stands a residual, x + f(x),
and a normalisation. The paper normalises after the sum, most later models before f. The two are different
functions. A decoder layer masks the future, and attends to the encoder between the two parts.""",
        (("001", "注意力机制/抛弃RNN"), ("003", "Transformer")),
        ("transformer.",),
        ("transformer.layer_norm", "transformer.encoder_layer"),
    ),
    Step(
        "generation",
        "Writing with it",
        """A model gives probabilities for the next word. The likeliest word each time is not the likeliest sentence,
so a beam keeps the best few hypotheses. A drawn word instead gives texts that differ from each other.""",
        (("003", "自动文本生成"), ("003", "简单字符生成器的实现")),
        ("generation.",),
        ("generation.beam_step",),
    ),
    Step(
        "training",
        "Training: gradients and updates",
        """The weights are learned from the gradient of a loss. Training kernels compute gradients by hand, and a wrong
one does not crash; it trains a worse model. The gradients are equations too, derived from the lines of
their equations or written as kernels return them. One update of the weights by a gradient is an optimizer.""",
        (("001", "GRU 和 LSTM"), ("003", "Logistic Regression")),
        ("backward.", "optimizer."),
        ("optimizer.adamw",),
    ),
    Step(
        "cost",
        "What it costs",
        """Parameters, products, memory and steps that must wait for each other, counted from the sizes. Attention does
not compute less than a recurrence. It waits less.""",
        (("003", "参数量的计算｜结果的计算"), ("001", "RNN 代码")),
        ("cost.",),
        ("cost.gru_parameters",),
    ),
)
"""The steps, in order."""


def step_of(id: str) -> Step:
    """The step that an equation belongs to.

    Raises:
        LookupError: it belongs to none.
    """
    found = [(len(prefix), step) for step in STEPS for prefix in step.prefixes if id.startswith(prefix)]
    if not found:
        raise LookupError(f"{id} belongs to no step of the road: add its family to docs/website/road.py")
    return max(found, key=lambda pair: pair[0])[1]


def by_step(equations: Iterable[Equation[..., Any]]) -> dict[str, list[Equation[..., Any]]]:
    """The equations of each step, by the name of the step."""
    found: dict[str, list[Equation[..., Any]]] = {step.name: [] for step in STEPS}
    for equation in equations:
        found[step_of(equation.id).name].append(equation)
    return found
