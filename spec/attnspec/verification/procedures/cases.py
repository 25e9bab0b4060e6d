"""Cases of a procedure, drawn from its types. They are made of few words, so that words repeat, tie and meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, get_origin

import hypothesis
from hypothesis import strategies as st

from attnspec.errors import SpecError
from attnspec.language.procedure import Procedure
from attnspec.verification.procedures.storage import temporary_storage

Case = Mapping[str, Any]
"""The arguments of a procedure, by name."""

WORDS = (
    "apple", "Apple", "APPLE", "the", "The", "of", "a", "A", "good", "gooood", "don't", "l’eau", "naïve", "nai\u0308ve",
    "Straße", "İzmir", "हिन्दी", "東京", "1984", "x2",
)  # fmt: skip
SEPARATORS = (
    " ", " ", " ", "  ", ", ", ". ", "-", "_", "\n", "\t", "!", "…", " — ", " '", "' ", "''", "’ ", " (", ") ",
)  # fmt: skip


def standard_cases(procedure: Procedure[..., Any], seed: int, count: int) -> list[Case]:
    """Return the fixed cases of a procedure, and `count` drawn ones.

    Some have the first argument of the case before and other options, for candidates that remember calls by their first
    argument alone.
    """
    random = drawn(procedure, seed, count)
    first = procedure.parameters[0]
    crossed = [{**case, first: before[first]} for before, case in pairwise(random)]
    empty = least(procedure)
    partly_empty = [{**random[0], name: value} for name, value in empty.items()]
    return [*procedure.examples, empty, *partly_empty, *random, *crossed[::2]]


def least(procedure: Procedure[..., Any]) -> dict[str, Any]:
    """Return the case of empty texts, sequences and mappings, of 0 and of False."""
    kinds = ((name, get_origin(kind) or kind) for name, kind in _arguments(procedure))
    return {name: {} if kind is Mapping else kind() for name, kind in kinds}


def drawn(procedure: Procedure[..., Any], seed: int, count: int) -> list[Case]:
    """Return `count` drawn cases, the same for the same seed."""
    drawn_cases: list[Case] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=max(count, 1),
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(cases(procedure))
    def collect(case: Case) -> None:
        drawn_cases.append(case)

    with temporary_storage():
        collect()
    return drawn_cases


def cases(procedure: Procedure[..., Any]) -> st.SearchStrategy[Case]:
    """Draw whole cases. Each is made of a few words, as they are, in lower case and capitalised.

    Raises:
        SpecError: the procedure takes an argument of a type that is not drawn.
    """

    def made_of(words: list[str]) -> st.SearchStrategy[Case]:
        forms = dict.fromkeys(form for word in words for form in (word, word.lower(), word.capitalize()))
        word = st.sampled_from([*forms])
        names = [name for name, _ in _arguments(procedure)]
        values = st.tuples(*(_values(kind, word, procedure.id) for _, kind in _arguments(procedure)))
        return values.map(lambda values: dict(zip(names, values, strict=True)))

    return st.lists(st.sampled_from(WORDS), min_size=1, max_size=5, unique=True).flatmap(made_of)


def _arguments(procedure: Procedure[..., Any]) -> Iterator[tuple[str, Any]]:
    return ((name, kind) for name, kind in procedure.types.items() if name != "return")


def _values(kind: Any, word: st.SearchStrategy[str], id: str) -> st.SearchStrategy[Any]:
    """Draw values of a type."""
    words = st.lists(word, max_size=10).map(tuple)
    strategies: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (bool, st.booleans()),
        (int, st.integers(0, 8)),
        (str, st.lists(word | st.sampled_from(SEPARATORS), max_size=24).map("".join)),
        (tuple[str, ...], words),
        (tuple[tuple[str, ...], ...], st.lists(words, max_size=4).map(tuple)),
        (Mapping[str, str], st.dictionaries(word, word, max_size=3)),
        (Mapping[str, int], st.lists(word, unique=True, max_size=6).flatmap(_numbered)),
    ]
    strategy = next((strategy for known, strategy in strategies if known == kind), None)
    if strategy is None:
        expected = ", ".join(str(known) for known, _ in strategies)
        raise SpecError(f"{id}: no cases can be drawn of {kind}", given=str(kind), expected=expected)
    return strategy


def _numbered(words: list[str]) -> st.SearchStrategy[dict[str, int]]:
    """Number words from 1, in any order."""
    return st.permutations(range(1, len(words) + 1)).map(lambda numbers: dict(zip(words, numbers, strict=True)))
