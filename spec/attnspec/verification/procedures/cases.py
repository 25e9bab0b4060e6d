"""Cases of a procedure: drawn from its types, out of few words, so that they repeat, tie and meet in every argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, get_origin

import hypothesis
from hypothesis import strategies as st

from attnspec.errors import SpecError
from attnspec.language.procedure import Procedure

Case = Mapping[str, Any]

WORDS = (
    "apple", "Apple", "APPLE", "the", "The", "of", "a", "A", "good", "gooood", "don't", "l’eau", "naïve", "nai\u0308ve",
    "Straße", "İzmir", "हिन्दी", "東京", "1984", "x2",
)  # fmt: skip
BETWEEN = (" ", " ", " ", "  ", ", ", ". ", "-", "_", "\n", "\t", "!", "…", " — ", " '", "' ", "''", "’ ", " (", ") ")


def standard_cases(procedure: Procedure[..., Any], seed: int, count: int) -> list[Case]:
    """Those that are always there, and `count` drawn ones.

    Some have the first argument of the one before and other options: who remembers by that argument alone is found out.
    """
    some = drawn(procedure, seed, count)
    first = procedure.parameters[0]
    crossed = [{**then, first: before[first]} for before, then in pairwise(some)]
    empty = [{**some[0], name: value} for name, value in least(procedure).items()]
    return [*procedure.examples, least(procedure), *empty, *some, *crossed[::2]]


def least(procedure: Procedure[..., Any]) -> dict[str, Any]:
    """No text, no words, nothing known, 0, false."""
    kinds = ((name, get_origin(kind) or kind) for name, kind in _taken(procedure))
    return {name: {} if kind is Mapping else kind() for name, kind in kinds}


def drawn(procedure: Procedure[..., Any], seed: int, count: int) -> list[Case]:
    """So many drawn ones, the same for the same seed."""
    found: list[Case] = []

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
        found.append(case)

    collect()
    return found


def cases(procedure: Procedure[..., Any]) -> st.SearchStrategy[Case]:
    """Whole cases, each of a few words in several cases."""

    def made_of(few: list[str]) -> st.SearchStrategy[Case]:
        forms = dict.fromkeys(form for each in few for form in (each, each.lower(), each.capitalize()))
        word = st.sampled_from([*forms])
        names = [name for name, _ in _taken(procedure)]
        values = st.tuples(*(_of(kind, word, procedure.id) for _, kind in _taken(procedure)))
        return values.map(lambda given: dict(zip(names, given, strict=True)))

    return st.lists(st.sampled_from(WORDS), min_size=1, max_size=5, unique=True).flatmap(made_of)


def _taken(procedure: Procedure[..., Any]) -> Iterator[tuple[str, Any]]:
    return ((name, kind) for name, kind in procedure.types.items() if name != "return")


def _of(kind: Any, word: st.SearchStrategy[str], id: str) -> st.SearchStrategy[Any]:
    """Values of a type.

    Raises:
        SpecError: it is none that is drawn.
    """
    few = st.lists(word, max_size=10).map(tuple)
    ways: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (bool, st.booleans()),
        (int, st.integers(0, 8)),
        (str, st.lists(word | st.sampled_from(BETWEEN), max_size=24).map("".join)),
        (tuple[str, ...], few),
        (tuple[tuple[str, ...], ...], st.lists(few, max_size=4).map(tuple)),
        (Mapping[str, str], st.dictionaries(word, word, max_size=3)),
        (Mapping[str, int], st.lists(word, unique=True, max_size=6).flatmap(_numbered)),
    ]
    found = next((way for known, way in ways if known == kind), None)
    if found is None:
        expected = ", ".join(str(known) for known, _ in ways)
        raise SpecError(f"{id}: no cases can be drawn of {kind}", given=str(kind), expected=expected)
    return found


def _numbered(words: list[str]) -> st.SearchStrategy[dict[str, int]]:
    """Each with a number of its own, from 1, in any order."""
    return st.permutations(range(1, len(words) + 1)).map(lambda numbers: dict(zip(words, numbers, strict=True)))
