"""What must hold of words and their indices, of tokens as vectors, of texts of one length, and of what reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any
from unicodedata import category

import numpy as np

from attnspec.equations import recurrent, text
from attnspec.language.equation import Equation
from attnspec.procedures.text import encode, tokenize, vocabulary
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, value, without

Of = Equation[..., Any]


@property_of(text.one_hot, kills=(
    "missing_is_last", "missing_is_first", "counted_from_one", "e/exchange", "e/mask/<=", "e/mask/>=",
    "e/constant/double",
))  # fmt: skip
def rows_have_one_one_where_the_token_is(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each row sums to 1, or to 0 where the token is missing, and what is at the token's place is all of it."""
    e = f(**a)
    known = a["k"] >= 0
    yield Equal(e.sum(axis=1), known)
    yield Equal(e[np.arange(len(e)), np.maximum(a["k"], 0)], known)


@property_of(text.one_hot, kills=("e/constant/double", "e/mask/<="), least={"v": 3})
def tokens_are_equally_far_apart(f: Function, a: Arguments) -> Iterator[Relation]:
    """The rows of any two tokens are √2 apart, so that none is nearer to another or the sum of two others."""
    e = f(k=np.arange(a["v"]), v=a["v"])
    apart = ((e[:, None] - e[None]) ** 2).sum(axis=-1)
    yield Equal(apart, 2 * (1 - np.eye(a["v"])))


@property_of(text.record, kills=(
    "x/exchange", "x/exchange#2", "x/name/sex-country", "x/mask/late#3", "x/drop/2", "x/mask/<=#3", "swap/sex-country",
    "x/constant/double",
))  # fmt: skip
def it_is_age_sex_and_one_hot_country(f: Function, a: Arguments) -> Iterator[Relation]:
    """The age, the sex and the row of the country, end to end; as many numbers as countries and two."""
    x = f(**a)
    yield Equal(x[:2], np.array([a["age"], a["sex"]]))
    yield Equal(x[2:], value(text.one_hot, np.asarray(a["country"])[None], v=a["v"])[0])


ALIGNED = (text.align, text.align_keep_first, text.align_pad_behind)


@of_each(
    {
        text.align: ("aligned/exchange",),
        text.align_keep_first: ("aligned/exchange", "aligned/drop/i"),
        text.align_pad_behind: ("aligned/exchange", "aligned/drop/i"),
    }
)
def aligned_twice_is_aligned(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A text of w tokens stays as it is, as one that was aligned does."""
    once = np.asarray(f(**a)).astype(np.int64)
    yield Equal(f(**{**a, "k": once}), once)
    if len(a["k"]) >= a["w"]:
        exact = a["k"][: a["w"]]
        yield Equal(f(**{**a, "k": exact}), exact)


FIRST, BEHIND = "text.align_keep_first", "text.align_pad_behind"


@of_each(
    {
        text.align: (FIRST, "aligned/exchange#3"),
        text.align_pad_behind: (FIRST, "aligned/exchange#2", "aligned/mask/<"),
    }
)
def of_a_longer_text_the_last_are_kept(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With tokens before it a text of w tokens is still all that is kept."""
    whole = np.concatenate([a["k"], np.arange(a["w"])])
    yield Equal(f(**{**a, "k": whole}), np.arange(a["w"]))


@property_of(text.align_keep_first, kills=("text.align", BEHIND, "aligned/exchange#4"))
def of_a_longer_text_the_first_are_kept(f: Function, a: Arguments) -> Iterator[Relation]:
    """With tokens behind it a text of w tokens is still all that is kept, and a shorter text is one of align."""
    whole = np.concatenate([np.arange(a["w"]), a["k"]])
    yield Equal(f(**{**a, "k": whole}), np.arange(a["w"]))
    short = {**a, "k": a["k"][: a["w"]]}
    yield Equal(f(**short), value(text.align, **short))
    yield Equal(f(**{**a, "k": a["k"][:0]}), np.full(a["w"], a["null"]))


@property_of(text.align, kills=(BEHIND, "aligned/exchange", "aligned/mask/late", "aligned/mask/>"))
def shorter_text_is_filled_in_front(f: Function, a: Arguments) -> Iterator[Relation]:
    """All of a shorter text is kept, at the end."""
    longer = f(**{**a, "w": len(a["k"]) + 2})
    yield Equal(longer, np.concatenate([np.full(2, a["null"]), a["k"]]))


@property_of(text.align_pad_behind, kills=("text.align", FIRST, "aligned/exchange", "aligned/mask/late"))
def shorter_text_is_filled_behind(f: Function, a: Arguments) -> Iterator[Relation]:
    """All of a shorter text is kept, at the beginning."""
    longer = f(**{**a, "w": len(a["k"]) + 2})
    yield Equal(longer, np.concatenate([a["k"], np.full(2, a["null"])]))


@property_of(text.segments, kills=("apart", "label_within", "segment/drop/s", "label/drop/w"), least={"t": 16})
def every_piece_is_read_again_from_the_text(f: Function, a: Arguments) -> Iterator[Relation]:
    """The piece that begins at every s-th place, and the token after it, are what stands there in the text."""
    w, s, k = a["w"], a["s"], a["k"]
    pieces, labels = f(**a)
    begins = range(0, max(len(k) - w, 0), s)
    yield Equal(pieces, np.array([k[at : at + w] for at in begins]).reshape(-1, w))
    yield Equal(labels, np.array([k[at + w] for at in begins]))


@property_of(text.segments, kills=("label_within",), least={"t": 2})
def pieces_of_two_in_single_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """With w = 2 and s = 1, 001's example, each piece ends in the label of the one before."""
    pieces, labels = f(k=a["k"], w=2, s=1)
    yield Equal(pieces[1:, -1], labels[:-1])


@property_of(text.embedding, kills=("missing_reads_last", "missing_reads_first", "counted_from_one_row"))
def it_is_a_product_with_one_hot_rows(f: Function, a: Arguments) -> Iterator[Relation]:
    """x = Pᵀ e: what is looked up is what the matrix makes of the token's one-hot row."""
    yield Equal(f(**a), value(text.one_hot, a["k"], v=len(a["P"])) @ a["P"])


@property_of(text.embedding, kills=("counted_from_one_row", "missing_reads_last", "missing_reads_first"))
def tokens_are_read_one_by_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """The text reversed is embedded reversed; a missing token is zeros; all tokens in order give the matrix."""
    yield Equal(f(**{**a, "k": a["k"][::-1]}), f(**a)[::-1])
    yield Equal(f(**{**a, "k": np.full_like(a["k"], -1)}), np.zeros((len(a["k"]), a["P"].shape[1])))
    yield Equal(f(**{**a, "k": np.arange(len(a["P"]))}), a["P"])


@property_of(text.embedding_padding_idx, kills=("missing_reads_padding", "padding_reads_zeros"))
def padding_is_read_as_any_other_token(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is embedding, whichever row is the one of padding."""
    expected = value(text.embedding, a["k"], a["P"])
    for place in range(len(a["P"])):
        yield Equal(f(**{**a, "padding_idx": place}), expected)


@property_of(text.logistic_regression, kills=(
    "x/heads/interleaved", "the result/drop/b", "the result/twice/b", "the result/bracket/sigmoid-b",
    "the result/function/no-sigmoid",
))  # fmt: skip
def each_token_has_weights_of_its_own(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the sigmoid of what each token, with its own part of the weights, adds to the bias."""
    parts = a["w"].reshape(a["X"].shape)
    yield Equal(f(**a), 1 / (1 + np.exp(-((a["X"] * parts).sum() + a["b"]))))


@property_of(
    text.logistic_regression, kills=("the result/function/tanh", "the result/function/relu", "the result/drop/b")
)
def text_of_one_token_is_a_classifier(f: Function, a: Arguments) -> Iterator[Relation]:
    """Of one token alone it is what the classifier says of a last state."""
    one = {**a, "X": a["X"][:1], "w": a["w"][: a["X"].shape[1]]}
    yield Equal(f(**one), value(recurrent.classifier, one["X"], one["w"], one["b"]))
    yield Equal(f(**without(a, "w", "b")), 0.5)


@property_of(text.window_labels, kills=("ends_repeated", "ends_joined", "looks_back", "window/exchange", "y/drop/b"))
def only_the_window_shows(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each label is that of its window alone, with zeros for what is beyond the ends."""
    x, w, t = a["x"], a["w"], len(a["x"])
    y = f(**a)
    for i in range(t):
        rows = [x[at] if 0 <= at < t else np.zeros(x.shape[1]) for at in range(i - w, i + w + 1)]
        alone = np.where(np.abs(np.arange(t)[:, None] - i) <= w, x, 0)
        yield Equal(y[i], f(**{**a, "x": alone})[i])
        yield Equal(y[i], np.concatenate(rows) @ a["W"] + a["b"])


@property_of(text.window_labels, kills=("y/drop/b", "y/twice/b", "looks_back", "window/drop/w"))
def window_of_zeros_gives_the_bias(f: Function, a: Arguments) -> Iterator[Relation]:
    """Zeros give the bias; where the middle of the window alone counts, each label is of its own vector."""
    d, w = a["x"].shape[1], a["w"]
    yield Equal(f(**without(a, "x")), np.broadcast_to(a["b"], (len(a["x"]), len(a["b"]))))
    place = np.arange(len(a["W"])) // d
    middle = np.where((place == w)[:, None], a["W"], 0)
    yield Equal(f(**{**a, "W": middle}), a["x"] @ a["W"][w * d : (w + 1) * d] + a["b"])


tokenize.example(("apple", "apple"), "Apple, apple", lower=True, stop_words=(), typos={})
tokenize.example(("Apple", "apple"), "Apple, apple", lower=False, stop_words=(), typos={})
tokenize.example(("taste", "apple"), "The taste of A apple", lower=True, stop_words=("a", "the", "of"), typos={})
tokenize.example(("so", "good", "good"), "so gooood! Gooood", lower=True, stop_words=(), typos={"gooood": "good"})
tokenize.example(("apple",), "teh apple THE", lower=True, stop_words=("the",), typos={"teh": "the"})
tokenize.example(("b", "c"), "a b", lower=False, stop_words=(), typos={"a": "b", "b": "c"})
tokenize.example(("don't", "well", "known", "l’eau", "हिन्दी", "ß", "1984"), "don't 'well-known' l’eau हिन्दी_ß 1984",
                 lower=True, stop_words=(), typos={})  # fmt: skip
vocabulary.example({"b": 1, "c": 2, "a": 3}, (("c", "b"), ("a", "b")), v=10_000)
vocabulary.example({"b": 1}, (("c", "b"), ("a", "b")), v=2)
vocabulary.example({}, (("c", "b"), ("a", "b")), v=1)
encode.example((1, -1, 1, 2), ("b", "d", "b", "c"), {"b": 1, "c": 2})

KEPT: dict[str, Any] = {"lower": False, "stop_words": (), "typos": {}}
"""Options that leave the words as they stand."""


@property_of(tokenize, kills=("stops_before_case", "stops_before_typos", "typos_before_case", "first_typo"))
def words_of_the_answer_are_the_answer(f: Function, a: Arguments) -> Iterator[Relation]:
    """The words of the answer, joined by spaces, give the answer again, unless what was meant is a typo, or no word."""
    typos = {typo: meant for typo, meant in a["typos"].items()
             if meant not in a["typos"] and f(meant, **{**KEPT, "lower": a["lower"]}) == (meant,)}  # fmt: skip
    once = f(**{**a, "typos": typos})
    yield Equal(f(**{**a, "typos": typos, "text": " ".join(once)}), once)


@property_of(tokenize, kills=("case_kept", "case_folded", "stops_before_case", "typos_before_case"))
def lower_case_merges(f: Function, a: Arguments) -> Iterator[Relation]:
    """Asked for lower case, Apple is apple: the text in lower case gives the same, and asks for it no more."""
    merged = f(**{**a, "lower": True})
    yield Equal(f(**{**a, "lower": True, "text": a["text"].lower()}), merged)
    yield Equal(f(**{**a, "lower": False, "text": a["text"].lower()}), merged)


@property_of(tokenize, kills=("marks_part", "ascii_letters", "numbers_left_out", "case_lost", "once_each"))
def every_letter_is_in_a_word(f: Function, a: Arguments) -> Iterator[Relation]:
    """With nothing asked for, the letters, marks and numbers of the text are those of its words, as they stand."""
    yield Equal(_signs("".join(f(a["text"], **KEPT))), _signs(a["text"]))


def _signs(text: str) -> str:
    return "".join(sign for sign in text if category(sign)[0] in "LMN")


@property_of(tokenize, kills=("parted_at_spaces", "hyphen_joins", "underscore_joins", "marks_part"))
def signs_part_words(f: Function, a: Arguments) -> Iterator[Relation]:
    """Words joined by a comma, a hyphen or an underscore are the words."""
    found = f(a["text"], **KEPT)
    for sign in (", ", "-", "_"):
        yield Equal(f(sign.join(found), **KEPT), found)


@property_of(tokenize, kills=("apostrophe_parts", "apostrophe_straight", "apostrophe_gone"))
def apostrophes_join_words(f: Function, a: Arguments) -> Iterator[Relation]:
    """Words joined by apostrophes are one."""
    found = f(a["text"], **KEPT)
    for sign in "'’" if found else "":
        yield Equal(f(sign.join(found), **KEPT), (sign.join(found),))


@property_of(tokenize, kills=("typos_kept", "first_typo", "typos_within", "typos_mended_again"))
def every_typo_is_mended_once(f: Function, a: Arguments) -> Iterator[Relation]:
    """A typo becomes what was meant wherever it is a word, and nothing else changes."""
    found = f(**{**a, "stop_words": (), "typos": {}})
    yield Equal(f(**{**a, "stop_words": ()}), tuple(a["typos"].get(word, word) for word in found))


@property_of(tokenize, kills=("stops_kept", "stops_before_case", "stops_before_typos"))
def stop_words_and_no_others_are_left_out(f: Function, a: Arguments) -> Iterator[Relation]:
    """The answer is what it is without stop words, less these."""
    kept = f(**{**a, "stop_words": ()})
    yield Equal(f(**a), tuple(word for word in kept if word not in a["stop_words"]))


@property_of(tokenize, kills=("once_each", "first_typo"))
def text_twice_has_its_words_twice(f: Function, a: Arguments) -> Iterator[Relation]:
    """A text and itself again give the words and themselves again."""
    yield Equal(f(**{**a, "text": f"{a['text']} {a['text']}"}), f(**a) * 2)


@property_of(vocabulary, kills=(
    "null_not_kept", "null_not_kept_of_fewer", "null_not_counted", "all_known", "unknown_has_an_index",
    "seen_once_unknown", "first_text", "cases_merged",
))  # fmt: skip
def indices_are_below_v(f: Function, a: Arguments) -> Iterator[Relation]:
    """The indices are 1, 2 and so on below v, as far as there are words: 0 is kept for null."""
    found = f(**a)
    there = len({*chain.from_iterable(a["texts"])})
    yield Equal([*found.values()], [index for index in range(1, there + 1) if index < a["v"]])


@property_of(vocabulary, kills=(
    "ties_by_alphabet", "ties_by_alphabet_back", "ties_backwards", "ties_by_last_seen", "rising", "by_appearance",
    "texts_counted",
))  # fmt: skip
def frequency_falls_and_ties_keep_their_order(f: Function, a: Arguments) -> Iterator[Relation]:
    """The more often a word is seen the lower is its index; of two seen as often the one seen first has the lower."""
    said = [*chain.from_iterable(a["texts"])]
    counted = Counter(said)
    found = f(**{**a, "v": len(counted) + 1})
    falling = sorted(found, key=lambda word: (-counted[word], said.index(word)))
    yield Equal(sorted(found, key=found.__getitem__), falling)


@property_of(vocabulary, kills=("texts_counted", "first_text"))
def one_text_is_as_good_as_several(f: Function, a: Arguments) -> Iterator[Relation]:
    """All texts in one give the same."""
    yield Equal(f(**{**a, "texts": (tuple(chain.from_iterable(a["texts"])),)}), f(**a))


@property_of(vocabulary, kills=("null_not_counted", "all_known"))
def fewer_are_the_most_frequent(f: Function, a: Arguments) -> Iterator[Relation]:
    """A smaller vocabulary is the beginning of a larger one."""
    larger = f(**{**a, "v": a["v"] + 2})
    yield Equal(f(**a), {word: index for word, index in larger.items() if index < a["v"]})


@property_of(encode, kills=("unknown_left_out", "repeats_left_out"))
def there_are_as_many_as_words(f: Function, a: Arguments) -> Iterator[Relation]:
    """As many indices as words: text by text they differ, which is why there is align."""
    yield Equal(len(f(**a)), len(a["tokens"]))


@property_of(encode, kills=("counted_from_none", "repeats_left_out", "cases_looked_up"))
def decoding_known_words_gives_them_back(f: Function, a: Arguments) -> Iterator[Relation]:
    """The words of the indices are the words that are known."""
    known = tuple(word for word in a["tokens"] if word in a["vocabulary"])
    back = {index: word for word, index in a["vocabulary"].items()}
    yield Equal(tuple(map(back.get, f(**{**a, "tokens": known}))), known)


@property_of(encode, kills=(
    "unknown_is_null", "unknown_is_next", "unknown_is_most_frequent", "unknown_left_out", "cases_looked_up",
    "repeats_left_out",
))  # fmt: skip
def unknown_words_are_rows_of_zeros(f: Function, a: Arguments) -> Iterator[Relation]:
    """What one_hot makes of the indices is 1 somewhere for each known word, and nowhere for the others."""
    indices = np.array(f(**a), dtype=np.int64)
    rows = value(text.one_hot, indices, v=len(a["vocabulary"]) + 2)
    yield Equal(rows.sum(axis=1).tolist(), [int(word in a["vocabulary"]) for word in a["tokens"]])
