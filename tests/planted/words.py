"""Wrong ways with words: each a candidate for text.tokenize, text.vocabulary or text.encode."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

Words = tuple[str, ...]
Texts = tuple[Words, ...]

# encode.


def index_of_words(words: Words, table: Mapping[str, int]) -> list[int]:
    """Right: other names, and a list."""
    return [table.get(word, -1) for word in words]


def raises_on_unknown(tokens: Words, vocabulary: Mapping[str, int]) -> Words:
    return tuple(vocabulary[word] for word in tokens)  # type: ignore[misc]  # it is wrong


def hangs(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    while tokens:
        time.sleep(1)
    return []


def dies(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    import os

    os._exit(3)


def gives_a_generator(tokens: Words, vocabulary: Mapping[str, int]) -> Iterator[int]:
    return (vocabulary.get(word, -1) for word in tokens)


def gives_an_array(tokens: Words, vocabulary: Mapping[str, int]) -> Any:
    return np.array([vocabulary.get(word, -1) for word in tokens])


def gives_numbers_of_numpy(tokens: Words, vocabulary: Mapping[str, int]) -> Any:
    return list(gives_an_array(tokens, vocabulary))


def gives_truth(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    return [True if vocabulary.get(word) == 1 else vocabulary.get(word, -1) for word in tokens]


def gives_text(tokens: Words, vocabulary: Mapping[str, int]) -> str:
    return " ".join(str(vocabulary.get(word, -1)) for word in tokens)


def gives_nothing(tokens: Words, vocabulary: Mapping[str, int]) -> None:
    return None


def learns(tokens: Words, vocabulary: dict[str, int]) -> list[int]:
    """An unknown word is put down as unknown."""
    return [vocabulary.setdefault(word, -1) for word in tokens]


tables: dict[int, dict[str, int]] = {}


def remembers_the_table(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    """By where it is, not by what it says; no table is let go of."""
    kept.append(vocabulary)
    table = tables.setdefault(id(vocabulary), dict(vocabulary))
    return [table.get(word, -1) for word in tokens]


kept: list[Mapping[str, int]] = []
answer: list[int] = []


def hands_out_one_list(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    answer[:] = [vocabulary.get(word, -1) for word in tokens]
    return answer


calls = itertools.count()


def tires(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    return [] if next(calls) > 400 else [vocabulary.get(word, -1) for word in tokens]


def draws(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    chosen = random.Random().choice([-1, -1, -1, 0])
    return [vocabulary.get(word, chosen) for word in tokens]


def seeds(tokens: Words, vocabulary: Mapping[str, int]) -> list[int]:
    random.seed(0)
    return [vocabulary.get(word, -1) for word in tokens]


def only_tokens(tokens: Words) -> list[int]:
    return [-1 for _ in tokens]


# tokenize.


def regular(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> list[str]:
    """As most people would write it."""
    words = re.findall(r"\w+(?:['’]\w+)*", text.lower() if lower else text)
    return [typos.get(word, word) for word in words if typos.get(word, word) not in stop_words]


def stops_first(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> list[str]:
    from attnspec.mutants.text import stops_before_typos

    return list(stops_before_typos(text, lower=lower, stop_words=stop_words, typos=typos))


answers: dict[str, list[str]] = {}


def caches_by_text(text: str, *, lower: bool, stop_words: Words, typos: Mapping[str, str]) -> list[str]:
    from attnspec.procedures.text import tokenize

    if text not in answers:
        answers[text] = list(tokenize(text, lower=lower, stop_words=stop_words, typos=typos))
    return answers[text]


# vocabulary.


def through_a_set(texts: Texts, *, v: int) -> dict[str, int]:
    """Ties go by the order of a set, which another process has otherwise."""
    counted = Counter(word for text in texts for word in text)
    frequent = sorted(set(counted), key=lambda word: -counted[word])
    return {word: index for index, word in enumerate(frequent[: max(v - 1, 0)], start=1)}


def gives_pairs(texts: Texts, *, v: int) -> list[tuple[str, int]]:
    counted = Counter(word for text in texts for word in text)
    return [(word, index) for index, (word, _) in enumerate(counted.most_common(v - 1), start=1)]


def with_a_count(texts: Texts, v: int) -> Counter[str]:
    """Right: a Counter is a mapping, and v may be passed by keyword."""
    counted = Counter(word for text in texts for word in text)
    return Counter({word: index for index, (word, _) in enumerate(counted.most_common(v - 1), start=1)})
