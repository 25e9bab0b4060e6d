"""Mistakes with tokens and texts that no operator makes."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import chain

from attnspec import mutate
from attnspec.equations.text import (
    binary_cross_entropy,
    embedding,
    embedding_padding_idx,
    one_hot,
    segments,
    window_labels,
)
from attnspec.procedures.text import characters, delimit, encode, tokenize, vocabulary, words

Words = tuple[str, ...]

mutate(
    one_hot, "missing_is_last",
    says="a missing token is taken for the last of the vocabulary, as −1 counts from behind",
    lines={"e": "where(where(k[i] < 0, k[i] + v, k[i]) == j, 1, 0)"},
)

mutate(
    one_hot, "missing_is_first",
    says="a missing token is taken for the first of the vocabulary",
    lines={"e": "where(where(k[i] < 0, 0, k[i]) == j, 1, 0)"},
)

# The first of the vocabulary has no place.
mutate(
    one_hot, "counted_from_one",
    says="tokens are counted from 1",
    lines={"e": "where(k[i] == j + 1, 1, 0)"},
)

mutate(
    embedding, "missing_reads_last",
    says="a missing token reads the last row, as −1 counts from behind",
    lines={"v": 'size("v")', "x": "P[where(k[i] < 0, k[i] + v, k[i])]"},
)

mutate(
    embedding, "missing_reads_first",
    says="a missing token reads the first row",
    lines={"x": "P[where(k[i] < 0, 0, k[i])]"},
)

# Every token reads the row of the one before.
mutate(
    embedding, "counted_from_one_row",
    says="tokens are counted from 1",
    lines={"x": "P[k[i] - 1]"},
)

# What fills a text is something, what is missing from it is nothing.
mutate(
    embedding_padding_idx, "missing_reads_padding",
    says="a missing token reads the row of padding",
    lines={"i": 'index("t")', "return": "P[where(k[i] < 0, padding_idx, k[i])].stack(i)"},
)

# It is zeros only where it began as zeros, since it does not learn.
mutate(
    embedding_padding_idx, "padding_reads_zeros",
    says="the row of padding is read as zeros",
    lines={"i": 'index("t")', "return": "where(k[i] == padding_idx, 0, P[k[i]]).stack(i)"},
)

# The stride is taken for w.
mutate(
    segments, "apart",
    says="pieces do not overlap: each begins where the one before ended",
    lines={"segment": "k[a * w + i]", "label": "k[a * w + w]"},
)

mutate(
    segments, "label_within",
    says="the label is the last token of the piece, not the one that follows",
    lines={"label": "k[a * s + w - 1]"},
)

# The loss is small where the model is wrong.
mutate(
    binary_cross_entropy, "classes_exchanged",
    says="the classes are exchanged: 0 is taken for 1",
    lines={"return": "relu(logit) - (1 - target) * logit + log(1 + exp(-a))"},
)

# No text costs less than log(1 + 1/e).
mutate(
    binary_cross_entropy, "sigmoid_twice",
    says="the sigmoid is taken twice: a probability is given where the logit belongs",
    lines={
        "p": "sigmoid(logit)",
        "return": "p - target * p + log(1 + exp(-p))",
    },
)

# A sigmoid rounds to 0 or 1; that of a large logit less than 1 is 0.
mutate(
    binary_cross_entropy, "unstable", in_storage=True,
    says="the logarithms are of σ(logit) and of 1 − σ(logit), which round to 0",
    lines={"p": "sigmoid(logit)", "return": "0 - target * log(p) - (1 - target) * log(1 - p)"},
)

# Each number is one that software adds to keep a logarithm from −∞.
for added in ("1e-12", "1e-10", "1e-8", "1e-7", "1e-6"):
    mutate(
        binary_cross_entropy, f"roles_exchanged_{added[3:]}",
        says=f"probability and target are exchanged: the logarithms are of the target, to which {added} is added",
        lines={
            "p": "sigmoid(logit)",
            "return": f"0 - p * log(target + {added}) - (1 - p) * log(1 - target + {added})",
        },
    )  # fmt: skip

# Half of the loss: that of class 0 is missing.
mutate(
    binary_cross_entropy, "of_class_1_alone",
    says="a text of class 0 costs nothing",
    lines={"return": "target * (relu(logit) - logit + log(1 + exp(-a)))"},
)

# Padding by the edge, not by zeros.
mutate(
    window_labels, "ends_repeated",
    says="beyond the ends the first and the last vector are repeated",
    lines={
        "t": 'size("t")',
        "place": "i + j - w",
        "window": "concat(j, x[where(place < 0, 0, where(place < t, place, t - 1))])",
    },
)

# Padding by going round, not by zeros.
mutate(
    window_labels, "ends_joined",
    says="beyond one end the other end follows",
    lines={
        "t": 'size("t")',
        "place": "i + j - w",
        "window": "concat(j, x[where(place < 0, place + t, where(place < t, place, place - t))])",
    },
)

mutate(
    window_labels, "looks_back",
    says="the window ends at the vector itself: w · 2 before it, none behind",
    lines={"window": "concat(j, x[i + j - 2 * w])"},
)


@tokenize.mutant("nothing is lower-cased, though asked")
def case_kept(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Apple and apple stay two."""
    found = words(text)
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("words are lower-cased, asked or not")
def case_lost(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Apple and apple become one."""
    found = [word.lower() for word in words(text)]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("letters are folded, not lower-cased: ß becomes ss")
def case_folded(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """What casefold is for is comparing."""
    found = [word.casefold() if lower else word for word in words(text)]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("stop words are looked for before lower-casing: The stays")
def stops_before_case(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Only those that stand in lower case are found."""
    found = [word.lower() if lower else word for word in words(text) if word not in stop_words]
    meant = [typos.get(word, word) for word in found]
    return tuple(meant)


@tokenize.mutant("stop words are looked for before typos are mended")
def stops_before_typos(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """A typo of a stop word stays."""
    found = [word.lower() if lower else word for word in words(text)]
    meant = [typos.get(word, word) for word in found if word not in stop_words]
    return tuple(meant)


@tokenize.mutant("stop words are kept")
def stops_kept(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """The list is not read."""
    found = [word.lower() if lower else word for word in words(text)]
    meant = [typos.get(word, word) for word in found]
    return tuple(meant)


@tokenize.mutant("typos are not mended")
def typos_kept(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """The map is not read."""
    found = [word.lower() if lower else word for word in words(text)]
    return tuple(word for word in found if word not in stop_words)


@tokenize.mutant("typos are looked for before lower-casing: Gooood stays")
def typos_before_case(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Only those that stand in lower case are found."""
    found = [typos.get(word, word) for word in words(text)]
    meant = [word.lower() if lower else word for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("of a typo only the first is mended")
def first_typo(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """As if it were made but once."""
    found = [word.lower() if lower else word for word in words(text)]
    first = {word: place for place, word in reversed([*enumerate(found)])}
    meant = [typos.get(word, word) if first[word] == place else word for place, word in enumerate(found)]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("a typo is mended within words too")
def typos_within(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Replacing in the text asks for no word's end."""
    for typo in filter(None, typos):
        text = (text.lower() if lower else text).replace(typo, typos[typo])
    found = [word.lower() if lower else word for word in words(text)]
    return tuple(word for word in found if word not in stop_words)


@tokenize.mutant("what was meant by a typo is taken for a typo in turn")
def typos_mended_again(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """One replacement after the other."""
    found = [word.lower() if lower else word for word in words(text)]
    meant = found
    for typo in typos:
        meant = [typos[typo] if word == typo else word for word in meant]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("words are parted at spaces alone: their punctuation stays")
def parted_at_spaces(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Good and good, are two words."""
    found = [word.lower() if lower else word for word in text.split()]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("a mark ends a word and an underscore does not, as \\w of re has it")
def marks_part(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """The letters of several scripts are taken apart."""
    found = [word.lower() if lower else word for word in re.findall(r"\w+(?:['’]\w+)*", text)]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("only the letters of ASCII make a word")
def ascii_letters(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """The others part words as a comma does."""
    found = [word.lower() if lower else word for word in re.findall(r"[A-Za-z0-9]+(?:['’][A-Za-z0-9]+)*", text)]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("an underscore does not part words")
def underscore_joins(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """A name in a program, no word of a text."""
    joined = text.replace("_", "\u02bd")
    found = [word.replace("\u02bd", "_").strip("_") for word in words(joined)]
    found = [word.lower() if lower else word for word in found if word]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("an apostrophe parts words")
def apostrophe_parts(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Don't becomes don and t."""
    found = [word.lower() if lower else word for word in words(re.sub("['’]", " ", text))]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("only the straight apostrophe joins a word")
def apostrophe_straight(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """What printers set is taken for a quotation mark."""
    found = [word.lower() if lower else word for word in words(text.replace("’", " "))]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("apostrophes are taken out before words are looked for")
def apostrophe_gone(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Don't becomes dont."""
    found = [word.lower() if lower else word for word in words(re.sub("['’]", "", text))]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("a hyphen does not part words")
def hyphen_joins(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """Well-known is taken for one word."""
    joined = text.replace("-", "\u02bd")
    found = [word.replace("\u02bd", "-").strip("-") for word in words(joined)]
    found = [word.lower() if lower else word for word in found if word]
    meant = [typos.get(word, word) for word in found]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("words without a letter are left out")
def numbers_left_out(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """A year is a word too."""
    found = [word.lower() if lower else word for word in words(text)]
    meant = [typos.get(word, word) for word in found if any(sign.isalpha() for sign in word)]
    return tuple(word for word in meant if word not in stop_words)


@tokenize.mutant("a word is given once, however often it stands there")
def once_each(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> Words:
    """The vocabulary of a text, not the text."""
    found = [word.lower() if lower else word for word in words(text)]
    meant = [typos.get(word, word) for word in found]
    return tuple(dict.fromkeys(word for word in meant if word not in stop_words))


@characters.mutant("spaces are left out")
def spaces_left_out(text: str, *, lower: bool) -> Words:
    """The text that is generated has no words."""
    return tuple(sign for sign in (text.lower() if lower else text) if not sign.isspace())


@characters.mutant("signs that are neither letters nor numbers are left out")
def letters_alone(text: str, *, lower: bool) -> Words:
    """As if characters were words."""
    return tuple(sign for sign in (text.lower() if lower else text) if sign.isalnum())


@characters.mutant("nothing is lower-cased, though asked")
def capitals_kept(text: str, *, lower: bool) -> Words:
    """A and a stay two."""
    return tuple(text)


@characters.mutant("the text is lower-cased, asked or not")
def capitals_lost(text: str, *, lower: bool) -> Words:
    """A and a become one."""
    return tuple(text.lower())


@characters.mutant("each character stands once, as in a vocabulary")
def each_once(text: str, *, lower: bool) -> Words:
    """The order of first appearance."""
    return tuple(dict.fromkeys(text.lower() if lower else text))


@delimit.mutant("the start symbol is left out")
def no_start(tokens: Words, *, start: str, stop: str) -> Words:
    """A decoder has nothing to read first."""
    return (*tokens, stop)


@delimit.mutant("the stop symbol is left out")
def no_stop(tokens: Words, *, start: str, stop: str) -> Words:
    """A decoder does not learn to end."""
    return (start, *tokens)


@delimit.mutant("start and stop symbol are exchanged")
def symbols_exchanged(tokens: Words, *, start: str, stop: str) -> Words:
    """Both stand where the other belongs."""
    return (stop, *tokens, start)


@delimit.mutant("the stop symbol ends what stands before the tokens too")
def stop_twice(tokens: Words, *, start: str, stop: str) -> Words:
    """As between two sentences of one text."""
    return (stop, *tokens, stop)


@vocabulary.mutant("words as frequent as each other come by the alphabet")
def ties_by_alphabet(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """Sorted once more than is asked."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: (-counted[word], word))
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("words as frequent as each other come by the alphabet, backwards")
def ties_by_alphabet_back(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """Pairs of number and word, sorted and reversed."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: (counted[word], word), reverse=True)
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("of words as frequent as each other the one seen first comes last")
def ties_backwards(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """Sorted rising, then reversed."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: counted[word])[::-1]
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("words as frequent as each other come by where they were seen last")
def ties_by_last_seen(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """A table that is moved to its end with each word."""
    counted = Counter(chain.from_iterable(texts))
    last = {word: place for place, word in enumerate(chain.from_iterable(texts))}
    frequent = sorted(counted, key=lambda word: (-counted[word], last[word]))
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("the rarest word comes first")
def rising(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """Sorted the other way."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: counted[word])
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("words come as they were seen, however frequent")
def by_appearance(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """Nothing is counted."""
    frequent = dict.fromkeys(chain.from_iterable(texts))
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("what is counted is in how many texts a word stands")
def texts_counted(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """Document frequency."""
    counted = Counter(chain.from_iterable(dict.fromkeys(text) for text in texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("only the first text is read")
def first_text(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """The rest is unknown."""
    counted = Counter(chain.from_iterable(texts[:1]))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("0 is a word, and none is kept for null")
def null_not_kept(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """What is padded is the most frequent word."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent) if index < v}


@vocabulary.mutant("0 is a word, and none is kept for null; v − 1 words are known all the same")
def null_not_kept_of_fewer(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """The right words, counted from 0."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent) if index < v - 1}


@vocabulary.mutant("v words are known beside null")
def null_not_counted(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """The last one has no row in an embedding of v."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=1) if index <= v}


@vocabulary.mutant("every word is known, whatever v says")
def all_known(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """Names and typos too."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=1)}


@vocabulary.mutant("1 is kept for what is unknown, and words are counted from 2")
def unknown_has_an_index(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """As Keras counts with an oov_token."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=2) if index < v}


@vocabulary.mutant("a word seen but once is unknown")
def seen_once_unknown(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """A least frequency that nobody asked for."""
    counted = Counter(chain.from_iterable(texts))
    frequent = sorted((word for word in counted if counted[word] > 1), key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@vocabulary.mutant("words are lower-cased")
def cases_merged(texts: tuple[Words, ...], *, v: int) -> dict[str, int]:
    """What is a word has been said before."""
    counted = Counter(word.lower() for word in chain.from_iterable(texts))
    frequent = sorted(counted, key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent, start=1) if index < v}


@encode.mutant("an unknown word is left out, as Keras does without an oov_token")
def unknown_left_out(tokens: Words, vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """The others move up."""
    return tuple(vocabulary[word] for word in tokens if word in vocabulary)


@encode.mutant("an unknown word is null, 0")
def unknown_is_null(tokens: Words, vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """It looks like padding."""
    return tuple(vocabulary.get(word, 0) for word in tokens)


@encode.mutant("an unknown word has the index after the last")
def unknown_is_next(tokens: Words, vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """An index that the vocabulary does not have."""
    return tuple(vocabulary.get(word, len(vocabulary) + 1) for word in tokens)


@encode.mutant("an unknown word is taken for the most frequent, 1")
def unknown_is_most_frequent(tokens: Words, vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """As if it were an oov_token."""
    return tuple(vocabulary.get(word, 1) for word in tokens)


@encode.mutant("indices are one less: 0 is a word")
def counted_from_none(tokens: Words, vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """Null is taken for the most frequent word."""
    return tuple(vocabulary.get(word, 0) - 1 for word in tokens)


@encode.mutant("a word is looked up in lower case")
def cases_looked_up(tokens: Words, vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """What is a word has been said before."""
    return tuple(vocabulary.get(word.lower(), -1) for word in tokens)


@encode.mutant("a word is encoded once, however often it stands there")
def repeats_left_out(tokens: Words, vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """The vocabulary of a text, not the text."""
    return tuple(vocabulary.get(word, -1) for word in dict.fromkeys(tokens))
