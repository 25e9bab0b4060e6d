"""From text to vectors: tokens as vectors, texts of one length, what a classifier reads of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from unicodedata import category

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from attnspec import implements
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single, sigmoid


@implements("text.one_hot", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def one_hot(k: Array, *, v: int) -> Array:
    """Every token is compared with every place; −1 is none of them."""
    return np.asarray(k[..., None] == np.arange(v), dtype=np.int64)


@implements("text.record", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def record(age: Array, sex: Array, country: Array, *, v: int) -> Array:
    """Zeros, into which what is known is written."""
    x = np.zeros((*age.shape, v + 2), dtype=age.dtype)
    x[..., 0], x[..., 1], x[..., 2:] = age, sex, country[..., None] == np.arange(v)
    return x


@implements("text.align", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def align(k: Array, *, w: int, null: int) -> Array:
    """What is kept is written behind what is filled."""
    kept = k[..., max(k.shape[-1] - w, 0) :]
    return np.concatenate([_filled(kept, w, null), kept], axis=-1)


@implements("text.align_keep_first", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def align_keep_first(k: Array, *, w: int, null: int) -> Array:
    """The first ones, behind what is filled."""
    kept = k[..., :w]
    return np.concatenate([_filled(kept, w, null), kept], axis=-1)


@implements("text.align_pad_behind", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def align_pad_behind(k: Array, *, w: int, null: int) -> Array:
    """The last ones, before what is filled."""
    kept = k[..., max(k.shape[-1] - w, 0) :]
    return np.concatenate([kept, _filled(kept, w, null)], axis=-1)


def _filled(kept: Array, w: int, null: int) -> Array:
    return np.full((*kept.shape[:-1], w - kept.shape[-1]), null, dtype=kept.dtype)


@implements("text.segments", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def segments(k: Array, *, w: int, s: int) -> tuple[Array, Array]:
    """Windows of all but the last token, every s-th; what follows each stands w further on."""
    label = k[..., w::s].copy()
    if not label.size:
        return np.empty((*label.shape, w), dtype=k.dtype), label
    return sliding_window_view(k[..., :-1], w, axis=-1)[..., ::s, :].copy(), label


@implements("text.embedding", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def embedding(k: Array, P: Array) -> Array:
    """Rows are looked up; for a missing token some row is, and replaced."""
    return np.where((k >= 0)[..., None], P[np.maximum(k, 0)], P.dtype.type(0))


@implements("text.embedding_padding_idx", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def embedding_padding_idx(k: Array, P: Array, *, padding_idx: int) -> Array:
    """The same: a forward pass does not know what is learned."""
    return embedding(k, P)


@implements("text.logistic_regression", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def logistic_regression(X: Array, w: Array, b: Array) -> Array:
    """One product with the rows end to end, which costs no copy."""
    return np.asarray(sigmoid(X.reshape(*X.shape[:-2], len(w)) @ w + b))


@implements("text.binary_cross_entropy", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def binary_cross_entropy(logit: Array, target: Array) -> Array:
    """log(1 + e^−|a|) as one function, which is exact where the exponential is small."""
    return np.asarray(np.maximum(logit, 0) - target * logit + np.log1p(np.exp(-np.abs(logit))), dtype=logit.dtype)


@implements("text.window_labels", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def window_labels(x: Array, W: Array, b: Array, *, w: int) -> Array:
    """One product for each place in the window, of the rows that stand there."""
    t, d = x.shape[-2:]
    edge = np.zeros((*x.shape[:-2], w, d), dtype=x.dtype)
    padded = np.concatenate([edge, x, edge], axis=-2)
    window = np.concatenate([padded[..., j : j + t, :] for j in range(2 * w + 1)], axis=-1)
    y: Array = window @ W + b
    return y


WORD = re.compile(r"[^\s'’]+(?:['’][^\s'’]+)*")


@implements("text.tokenize")
def tokenize(text: str, *, lower: bool, stop_words: Collection[str], typos: Mapping[str, str]) -> list[str]:
    """Signs that are in no word become spaces, by a table of those that occur; the rest is one expression."""
    apart = {ord(sign): " " for sign in set(text) if category(sign)[0] not in "LMN" and sign not in "'’"}
    found = WORD.findall(text.translate(apart))
    if lower:
        found = [word.lower() for word in found]
    stops = frozenset(stop_words)
    return [word for word in (typos.get(each, each) for each in found) if word not in stops]


@implements("text.characters")
def characters(text: str, *, lower: bool) -> list[str]:
    """A text is a sequence of its characters."""
    return list(text.lower() if lower else text)


@implements("text.delimit")
def delimit(tokens: Sequence[str], *, start: str, stop: str) -> list[str]:
    """A list of both symbols, into which the tokens are put."""
    delimited = [start, stop]
    delimited[1:1] = tokens
    return delimited


@implements("text.vocabulary")
def vocabulary(texts: Sequence[Sequence[str]], *, v: int) -> dict[str, int]:
    """Words, where each is first and how often it is, in one sort; a second one by the last two."""
    said = np.array(list(chain.from_iterable(texts)), dtype=object)
    known, first, count = np.unique(said, return_index=True, return_counts=True)
    falling = np.lexsort((first, -count))[: max(v - 1, 0)]
    return {str(word): index for index, word in enumerate(known[falling], start=1)}


@implements("text.encode")
def encode(tokens: Sequence[str], vocabulary: Mapping[str, int]) -> list[int]:
    """Each word is looked up once, however often it stands there."""
    known = {word: vocabulary.get(word, -1) for word in set(tokens)}
    return [known[word] for word in tokens]
