"""Mistakes with tokens and texts that no operator makes."""

from jaxtyping import Float, Int

from attnspec import Tensor, concat, index, indices, mutant, size, where
from attnspec.equations.text import embedding, embedding_padding_idx, one_hot, segments, window_labels


@mutant(one_hot, says="a missing token is taken for the last of the vocabulary, as −1 counts from behind")
def missing_is_last(k: Int[Tensor, " t"], *, v: int) -> Int[Tensor, "t v"]:
    """What is not there is something."""
    i, j = indices("t", "v")
    e = where(where(k[i] < 0, k[i] + v, k[i]) == j, 1, 0)
    return e.stack(i, j)


@mutant(one_hot, says="a missing token is taken for the first of the vocabulary")
def missing_is_first(k: Int[Tensor, " t"], *, v: int) -> Int[Tensor, "t v"]:
    """What is not there is something."""
    i, j = indices("t", "v")
    e = where(where(k[i] < 0, 0, k[i]) == j, 1, 0)
    return e.stack(i, j)


@mutant(one_hot, says="tokens are counted from 1")
def counted_from_one(k: Int[Tensor, " t"], *, v: int) -> Int[Tensor, "t v"]:
    """The first of the vocabulary has no place."""
    i, j = indices("t", "v")
    e = where(k[i] == j + 1, 1, 0)
    return e.stack(i, j)


@mutant(embedding, says="a missing token reads the last row, as −1 counts from behind")
def missing_reads_last(k: Int[Tensor, " t"], P: Float[Tensor, "v d"]) -> Float[Tensor, "t d"]:
    """What is not there has a vector."""
    i = index("t")
    v = size("v")
    x = P[where(k[i] < 0, k[i] + v, k[i])]
    return x.stack(i)


@mutant(embedding, says="a missing token reads the first row")
def missing_reads_first(k: Int[Tensor, " t"], P: Float[Tensor, "v d"]) -> Float[Tensor, "t d"]:
    """What is not there has a vector."""
    i = index("t")
    x = P[where(k[i] < 0, 0, k[i])]
    return x.stack(i)


@mutant(embedding, says="tokens are counted from 1")
def counted_from_one_row(k: Int[Tensor, " t"], P: Float[Tensor, "v d"]) -> Float[Tensor, "t d"]:
    """Every token reads the row of the one before."""
    i = index("t")
    x = P[k[i] - 1]
    return x.stack(i)


@mutant(embedding_padding_idx, says="a missing token reads the row of padding")
def missing_reads_padding(k: Int[Tensor, " t"], P: Float[Tensor, "v d"], *, padding_idx: int) -> Float[Tensor, "t d"]:
    """What fills a text is something, what is missing from it is nothing."""
    i = index("t")
    x = P[where(k[i] < 0, padding_idx, k[i])]
    return x.stack(i)


@mutant(embedding_padding_idx, says="the row of padding is read as zeros")
def padding_reads_zeros(k: Int[Tensor, " t"], P: Float[Tensor, "v d"], *, padding_idx: int) -> Float[Tensor, "t d"]:
    """It is zeros only where it began as zeros, since it does not learn."""
    i = index("t")
    x = where(k[i] == padding_idx, 0, P[k[i]])
    return x.stack(i)


@mutant(segments, says="pieces do not overlap: each begins where the one before ended")
def apart(
    k: Int[Tensor, " t"], *, w: int, s: int
) -> tuple[Int[Tensor, "ceil((t-w)/s) w"], Int[Tensor, " ceil((t-w)/s)"]]:
    """The stride is taken for w."""
    a, i = indices("ceil((t-w)/s)", "w")
    segment = k[a * w + i]
    label = k[a * w + w]
    return segment.stack(a, i), label.stack(a)


@mutant(segments, says="the label is the last token of the piece, not the one that follows")
def label_within(
    k: Int[Tensor, " t"], *, w: int, s: int
) -> tuple[Int[Tensor, "ceil((t-w)/s) w"], Int[Tensor, " ceil((t-w)/s)"]]:
    """What is to be told is given."""
    a, i = indices("ceil((t-w)/s)", "w")
    segment = k[a * s + i]
    label = k[a * s + w - 1]
    return segment.stack(a, i), label.stack(a)


@mutant(window_labels, says="beyond the ends the first and the last vector are repeated")
def ends_repeated(
    x: Float[Tensor, "t d"], W: Float[Tensor, "(2*w+1)*d o"], b: Float[Tensor, " o"], *, w: int
) -> Float[Tensor, "t o"]:
    """Padding by the edge, not by zeros."""
    i, j = indices("t", "2*w+1")
    t = size("t")
    place = i + j - w
    window = concat(j, x[where(place < 0, 0, where(place < t, place, t - 1))])
    y = window @ W + b
    return y.stack(i)


@mutant(window_labels, says="beyond one end the other end follows")
def ends_joined(
    x: Float[Tensor, "t d"], W: Float[Tensor, "(2*w+1)*d o"], b: Float[Tensor, " o"], *, w: int
) -> Float[Tensor, "t o"]:
    """Padding by going round, not by zeros."""
    i, j = indices("t", "2*w+1")
    t = size("t")
    place = i + j - w
    window = concat(j, x[where(place < 0, place + t, where(place < t, place, place - t))])
    y = window @ W + b
    return y.stack(i)


@mutant(window_labels, says="the window ends at the vector itself: w · 2 before it, none behind")
def looks_back(
    x: Float[Tensor, "t d"], W: Float[Tensor, "(2*w+1)*d o"], b: Float[Tensor, " o"], *, w: int
) -> Float[Tensor, "t o"]:
    """Not centred."""
    i, j = indices("t", "2*w+1")
    window = concat(j, x[i + j - 2 * w])
    y = window @ W + b
    return y.stack(i)
