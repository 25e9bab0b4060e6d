"""From text to whole numbers: the words of a text, the vocabulary of many, each word as its index."""

from collections import Counter
from collections.abc import Mapping
from itertools import chain
from unicodedata import category

from attnspec import Source, procedure

PREPARATION = Source("003", "文本处理与 Word Embedding")
FREQUENCIES = Source("003", "数据处理基础")
GENERATION = Source("003", "自动文本生成")
TRANSLATION = Source("003", "Tokenization & Build dictionary")
SIGNS = Source("003", "Train seq2seq")


def words(text: str) -> list[str]:
    """The longest runs of letters, marks and numbers, as Unicode has them, and of single apostrophes between these."""
    inside = [category(sign)[0] in "LMN" for sign in text]
    inner = [0 < k < len(text) - 1 and inside[k - 1] and inside[k + 1] for k in range(len(text))]
    kept = [inside[k] or (inner[k] and text[k] in "'’") for k in range(len(text))]
    return "".join(sign if keep else " " for sign, keep in zip(text, kept, strict=True)).split()


@procedure(PREPARATION)
def tokenize(text: str, *, lower: bool, stop_words: tuple[str, ...], typos: Mapping[str, str]) -> tuple[str, ...]:
    """The words of a text in their order, with 003's three cautions: case, stop words, typos.

    A word is a longest run of letters, marks and numbers (Unicode's L, M and N), with single apostrophes, ' or ’,
    between them; all else only parts words, the hyphen and the underscore too. Where `lower` says so each word is
    lower-cased; then a typo becomes what was meant, once; and what is a stop word by then is left out. So typos and
    stop words are looked for as they stand in lower case. The words of the answer, joined by spaces, give the answer
    again, unless what was meant is a typo itself, or no word in that case.

    Differs: `\\w` of Python's re ends a word at a mark, as in हिन्दी, and takes the underscore for a letter; Keras'
    Tokenizer parts words at spaces, and at signs that it is given.
    """
    found = [word.lower() if lower else word for word in words(text)]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@procedure(GENERATION, TRANSLATION)
def characters(text: str, *, lower: bool) -> tuple[str, ...]:
    """The characters of a text in their order, spaces and punctuation too: the tokens at the level of characters.

    Where `lower` is true the whole text is lower-cased first. A character is a code point of Unicode, so that a letter
    and its combining mark are two.
    """
    return tuple(text.lower() if lower else text)


@procedure(SIGNS)
def delimit(tokens: tuple[str, ...], *, start: str, stop: str) -> tuple[str, ...]:
    """The tokens of a target between a start symbol, which a decoder reads first, and a stop symbol, which ends it.

    003 keeps two vocabularies, one for each language. Made of delimited texts, that of the target has both symbols.
    """
    return (start, *tokens, stop)


@procedure(PREPARATION, FREQUENCIES)
def vocabulary(texts: tuple[tuple[str, ...], ...], *, v: int) -> dict[str, int]:
    """The index of each known word, from 1 in the order of falling frequency over all texts; 0 is kept for null.

    Of words as frequent as each other the one seen first comes first. v counts the indices, null included, as the v of
    one_hot and the rows of embedding do: v − 1 words are known, or all where there are fewer, and the rest is unknown.

    Differs: Keras, given an oov_token, keeps one more index, 1, for what is unknown.
    """
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@procedure(PREPARATION)
def encode(tokens: tuple[str, ...], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """The index of each word: as many as there are words. One that is unknown is −1, missing.

    So one_hot and embedding give it zeros, as 003 has it for what is not filled in; align pads with null, which is 0.

    Differs: Keras without an oov_token leaves it out; others give it an index of its own.
    """
    return tuple(vocabulary.get(word, -1) for word in tokens)
