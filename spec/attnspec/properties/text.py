"""What must hold of tokens as vectors, of texts cut to one length, and of what reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import recurrent, text
from attnspec.language.equation import Equation
from attnspec.properties._parts import of_each, value, without
from attnspec.properties.law import Arguments, Equal, Function, Relation, holds

Of = Equation[..., Any]


@holds(text.one_hot, kills=(
    "missing_is_last", "missing_is_first", "counted_from_one", "e/exchange", "e/mask/<=", "e/mask/>=",
    "e/constant/double",
))  # fmt: skip
def rows_have_one_one_where_the_token_is(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each row sums to 1, or to 0 where the token is missing, and what is at the token's place is all of it."""
    e = f(**a)
    known = a["k"] >= 0
    yield Equal(e.sum(axis=1), known)
    yield Equal(e[np.arange(len(e)), np.maximum(a["k"], 0)], known)


@holds(text.one_hot, kills=("e/constant/double", "e/mask/<="), least={"v": 3})
def tokens_are_equally_far_apart(f: Function, a: Arguments) -> Iterator[Relation]:
    """The rows of any two tokens are √2 apart, so that none is nearer to another or the sum of two others."""
    e = f(k=np.arange(a["v"]), v=a["v"])
    apart = ((e[:, None] - e[None]) ** 2).sum(axis=-1)
    yield Equal(apart, 2 * (1 - np.eye(a["v"])))


@holds(text.record, kills=(
    "x/exchange", "x/exchange#2", "x/name/sex-country", "x/mask/late#3", "x/drop/2", "x/mask/<=#3", "swap/sex-country",
    "x/constant/double",
))  # fmt: skip
def it_is_age_sex_and_one_hot_country(f: Function, a: Arguments) -> Iterator[Relation]:
    """The age, the sex and the row of the country, end to end; as many numbers as countries and two."""
    x = f(**a)
    yield Equal(x[:2], np.array([a["age"], a["sex"]]))
    yield Equal(x[2:], value(text.one_hot, np.asarray(a["country"])[None], v=a["v"])[0])


ALIGNED = (text.align, text.align_keep_first, text.align_pad_behind)


@of_each({
    text.align: ("aligned/exchange",),
    text.align_keep_first: ("aligned/exchange", "aligned/drop/i"),
    text.align_pad_behind: ("aligned/exchange", "aligned/drop/i"),
})  # fmt: skip
def aligned_twice_is_aligned(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A text of w tokens stays as it is, as one that was aligned does."""
    once = np.asarray(f(**a)).astype(np.int64)
    yield Equal(f(**{**a, "k": once}), once)
    if len(a["k"]) >= a["w"]:
        exact = a["k"][: a["w"]]
        yield Equal(f(**{**a, "k": exact}), exact)


FIRST, BEHIND = "text.align_keep_first", "text.align_pad_behind"


@of_each({
    text.align: (FIRST, "aligned/exchange#3"),
    text.align_pad_behind: (FIRST, "aligned/exchange#2", "aligned/mask/<"),
})  # fmt: skip
def of_a_longer_text_the_last_are_kept(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With tokens before it a text of w tokens is still all that is kept."""
    whole = np.concatenate([a["k"], np.arange(a["w"])])
    yield Equal(f(**{**a, "k": whole}), np.arange(a["w"]))


@holds(text.align_keep_first, kills=("text.align", BEHIND, "aligned/exchange#4"))
def of_a_longer_text_the_first_are_kept(f: Function, a: Arguments) -> Iterator[Relation]:
    """With tokens behind it a text of w tokens is still all that is kept, and a shorter text is one of align."""
    whole = np.concatenate([np.arange(a["w"]), a["k"]])
    yield Equal(f(**{**a, "k": whole}), np.arange(a["w"]))
    short = {**a, "k": a["k"][: a["w"]]}
    yield Equal(f(**short), value(text.align, **short))
    yield Equal(f(**{**a, "k": a["k"][:0]}), np.full(a["w"], a["null"]))


@holds(text.align, kills=(BEHIND, "aligned/exchange", "aligned/mask/late", "aligned/mask/>"))
def shorter_text_is_filled_in_front(f: Function, a: Arguments) -> Iterator[Relation]:
    """All of a shorter text is kept, at the end."""
    longer = f(**{**a, "w": len(a["k"]) + 2})
    yield Equal(longer, np.concatenate([np.full(2, a["null"]), a["k"]]))


@holds(text.align_pad_behind, kills=("text.align", FIRST, "aligned/exchange", "aligned/mask/late"))
def shorter_text_is_filled_behind(f: Function, a: Arguments) -> Iterator[Relation]:
    """All of a shorter text is kept, at the beginning."""
    longer = f(**{**a, "w": len(a["k"]) + 2})
    yield Equal(longer, np.concatenate([a["k"], np.full(2, a["null"])]))


@holds(text.segments, kills=("apart", "label_within", "segment/drop/s", "label/drop/w"), least={"t": 16})
def every_piece_is_read_again_from_the_text(f: Function, a: Arguments) -> Iterator[Relation]:
    """The piece that begins at every s-th place, and the token after it, are what stands there in the text."""
    w, s, k = a["w"], a["s"], a["k"]
    pieces, labels = f(**a)
    begins = range(0, max(len(k) - w, 0), s)
    yield Equal(pieces, np.array([k[at : at + w] for at in begins]).reshape(-1, w))
    yield Equal(labels, np.array([k[at + w] for at in begins]))


@holds(text.segments, kills=("label_within",), least={"t": 2})
def pieces_of_two_in_single_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """With w = 2 and s = 1, 001's example, each piece ends in the label of the one before."""
    pieces, labels = f(k=a["k"], w=2, s=1)
    yield Equal(pieces[1:, -1], labels[:-1])


@holds(text.embedding, kills=("missing_reads_last", "missing_reads_first", "counted_from_one_row"))
def it_is_a_product_with_one_hot_rows(f: Function, a: Arguments) -> Iterator[Relation]:
    """x = Pᵀ e: what is looked up is what the matrix makes of the token's one-hot row."""
    yield Equal(f(**a), value(text.one_hot, a["k"], v=len(a["P"])) @ a["P"])


@holds(text.embedding, kills=("counted_from_one_row", "missing_reads_last", "missing_reads_first"))
def tokens_are_read_one_by_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """The text reversed is embedded reversed; a missing token is zeros; all tokens in order give the matrix."""
    yield Equal(f(**{**a, "k": a["k"][::-1]}), f(**a)[::-1])
    yield Equal(f(**{**a, "k": np.full_like(a["k"], -1)}), np.zeros((len(a["k"]), a["P"].shape[1])))
    yield Equal(f(**{**a, "k": np.arange(len(a["P"]))}), a["P"])


@holds(text.embedding_padding_idx, kills=("missing_reads_padding", "padding_reads_zeros"))
def padding_is_read_as_any_other_token(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is embedding, whichever row is the one of padding."""
    expected = value(text.embedding, a["k"], a["P"])
    for place in range(len(a["P"])):
        yield Equal(f(**{**a, "padding_idx": place}), expected)


@holds(text.logistic_regression, kills=(
    "x/heads/interleaved", "the result/drop/b", "the result/twice/b", "the result/bracket/sigmoid-b",
    "the result/function/no-sigmoid",
))  # fmt: skip
def each_token_has_weights_of_its_own(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the sigmoid of what each token, with its own part of the weights, adds to the bias."""
    parts = a["w"].reshape(a["X"].shape)
    yield Equal(f(**a), 1 / (1 + np.exp(-((a["X"] * parts).sum() + a["b"]))))


@holds(text.logistic_regression, kills=("the result/function/tanh", "the result/function/relu", "the result/drop/b"))
def text_of_one_token_is_a_classifier(f: Function, a: Arguments) -> Iterator[Relation]:
    """Of one token alone it is what the classifier says of a last state."""
    one = {**a, "X": a["X"][:1], "w": a["w"][: a["X"].shape[1]]}
    yield Equal(f(**one), value(recurrent.classifier, one["X"], one["w"], one["b"]))
    yield Equal(f(**without(a, "w", "b")), 0.5)


@holds(text.window_labels, kills=("ends_repeated", "ends_joined", "looks_back", "window/exchange", "y/drop/b"))
def only_the_window_shows(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each label is that of its window alone, with zeros for what is beyond the ends."""
    x, w, t = a["x"], a["w"], len(a["x"])
    y = f(**a)
    for i in range(t):
        rows = [x[at] if 0 <= at < t else np.zeros(x.shape[1]) for at in range(i - w, i + w + 1)]
        alone = np.where(np.abs(np.arange(t)[:, None] - i) <= w, x, 0)
        yield Equal(y[i], f(**{**a, "x": alone})[i])
        yield Equal(y[i], np.concatenate(rows) @ a["W"] + a["b"])


@holds(text.window_labels, kills=("y/drop/b", "y/twice/b", "looks_back", "window/drop/w"))
def window_of_zeros_gives_the_bias(f: Function, a: Arguments) -> Iterator[Relation]:
    """Zeros give the bias; where the middle of the window alone counts, each label is of its own vector."""
    d, w = a["x"].shape[1], a["w"]
    yield Equal(f(**without(a, "x")), np.broadcast_to(a["b"], (len(a["x"]), len(a["b"]))))
    place = np.arange(len(a["W"])) // d
    middle = np.where((place == w)[:, None], a["W"], 0)
    yield Equal(f(**{**a, "W": middle}), a["x"] @ a["W"][w * d : (w + 1) * d] + a["b"])
