"""From text to vectors: tokens as vectors, texts of one length, what a classifier reads of them."""

from jaxtyping import Float, Int

from attnspec import Place, Source, equation
from attnspec.notation import Tensor, concat, exp, index, indices, log, relu, sigmoid, size, where

TABULAR = Source("003", "数据处理基础")
ALIGNMENT = Source("003", "文本处理与 Word Embedding")
EMBEDDING = Source("003", "Word Embedding")
PADDING = Source(paper="PyTorch, nn.Embedding(padding_idx=…)")
REGRESSION = Source("003", "Logistic Regression")
BINARY = Source(paper="PyTorch, binary_cross_entropy_with_logits")
GENERATION = Source("003", "自动文本生成")
LABELLING = Source("004", "第一种任务")

NULL = {"null": (0, 3)}


@equation(TABULAR)
def one_hot(k: Int[Tensor, " t"], *, v: int) -> Int[Tensor, "t v"]:
    """Each token as a row that is 1 at its place and 0 elsewhere; a missing token, −1, as a row of zeros.

    Tokens are names: the sum of two rows is the row of no third, as 1 + 2 = 3 would have it.
    """
    i, j = indices("t", "v")
    e = where(k[i] == j, 1, 0)
    return e.stack(i, j)


@equation(TABULAR)
def record(
    age: Float[Tensor, ""], sex: Int[Tensor, ""], country: Int[Tensor, ""], *, v: int
) -> Float[Tensor, " v+2"]:
    """A person in numbers: the age, the sex as 0 or 1, the country of v as one_hot has it, 0 where it is missing."""
    j = index("v+2")
    x = where(j == 0, age, where(j == 1, sex, where(j == country + 2, 1, 0)))
    return x.stack(j)


@equation(ALIGNMENT, options=NULL)
def align(k: Int[Tensor, " t"], *, w: int, null: int) -> Int[Tensor, " w"]:
    """A text of any length as one of w tokens: of a longer one the last are kept, a shorter one is filled in front.

    Differs: the first are kept, `align_keep_first`; it is filled behind, `align_pad_behind`.
    """
    i = index("w")
    t = size("t")
    aligned = where(i + (t - w) < 0, null, k[i + (t - w)])
    return aligned.stack(i)


@equation(ALIGNMENT, convention_of=align, says="of a longer text the first tokens are kept", options=NULL)
def align_keep_first(k: Int[Tensor, " t"], *, w: int, null: int) -> Int[Tensor, " w"]:
    """align, but of a longer text the first w tokens are kept; a shorter one is filled in front all the same."""
    i = index("w")
    t = size("t")
    aligned = where(i < w - t, null, k[i - where(t < w, w - t, 0)])
    return aligned.stack(i)


@equation(ALIGNMENT, convention_of=align, says="a shorter text is filled behind", options=NULL)
def align_pad_behind(k: Int[Tensor, " t"], *, w: int, null: int) -> Int[Tensor, " w"]:
    """align, but a shorter text is filled behind; of a longer one the last w tokens are kept all the same."""
    i = index("w")
    t = size("t")
    aligned = where(i < t, k[i + where(t > w, t - w, 0)], null)
    return aligned.stack(i)


@equation(GENERATION, Source("003", "简单字符生成器的实现"))
def segments(
    k: Int[Tensor, " t"], *, w: int, s: int
) -> tuple[Int[Tensor, "ceil((t-w)/s) w"], Int[Tensor, " ceil((t-w)/s)"]]:
    """Pieces of a text to learn from: w tokens, the next piece s further on, and the token that follows each.

    Every piece has one that follows; of a text of w tokens or fewer there are none.
    """
    a, i = indices("ceil((t-w)/s)", "w")
    segment = k[a * s + i]
    label = k[a * s + w]
    return segment.stack(a, i), label.stack(a)


@equation(EMBEDDING)
def embedding(k: Int[Tensor, " t"], P: Float[Tensor, "v d"]) -> Float[Tensor, "t d"]:
    """Each token as a vector that is learned: x = Pᵀ e, which is a row of P; a missing token, −1, as zeros.

    Differs: where one row stands for padding it is not learned, `embedding_padding_idx`.
    """
    i = index("t")
    x = P[k[i]]
    return x.stack(i)


@equation(PADDING, convention_of=embedding, says="row padding_idx is read as any other, and gets no gradient",
          options={"padding_idx": Place("v")})
def embedding_padding_idx(k: Int[Tensor, " t"], P: Float[Tensor, "v d"], *, padding_idx: int) -> Float[Tensor, "t d"]:
    """embedding, in value; what tells it apart is its gradient, in which the row of padding is 0."""
    return embedding(k, P)


@equation(REGRESSION, smallest={"t": 1})
def logistic_regression(
    X: Float[Tensor, "t d"], w: Float[Tensor, " t*d"], b: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """How likely a text is of the one class of two, from its vectors end to end, token by token."""
    i = index("t")
    x = concat(i, X[i])
    return sigmoid(x @ w + b)


@equation(BINARY, scales={"logit": "scores", "target": "bit"})
def binary_cross_entropy(logit: Float[Tensor, ""], target: Int[Tensor, ""]) -> Float[Tensor, ""]:
    """What it costs that a text is of class 1 (target 1) or 0, of which σ(logit) is the probability of 1.

    −y log p − (1 − y) log(1 − p) at p = σ(logit), written so that nothing overflows: a sure model is not charged ∞ for
    p that rounds to 0 or 1. 003 trains such classifiers, and leaves open with which loss.
    """
    a = where(logit < 0, -logit, logit)  # |logit|
    return relu(logit) - target * logit + log(1 + exp(-a))


@equation(LABELLING)
def window_labels(
    x: Float[Tensor, "t d"], W: Float[Tensor, "(2*w+1)*d o"], b: Float[Tensor, " o"], *, w: int
) -> Float[Tensor, "t o"]:
    """A label for each vector, from it and the w before and behind it, end to end; beyond the ends there are zeros."""
    i, j = indices("t", "2*w+1")
    window = concat(j, x[i + j - w])
    y = window @ W + b
    return y.stack(i)
