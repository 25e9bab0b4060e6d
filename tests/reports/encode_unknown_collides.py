"""An unknown word has the index of the first special one.

https://github.com/pytorch/text/issues/447
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

EQUATION = "text.encode"
OPTIONS: dict[str, object] = {}


def faulty(tokens: tuple[str, ...], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    index: defaultdict[str, int] = defaultdict(int)
    index.update(vocabulary)
    return tuple(index[word] for word in tokens)


def mended(tokens: tuple[str, ...], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(vocabulary.get(word, -1) for word in tokens)
