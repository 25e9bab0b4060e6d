"""The page on the source documents has every part of them, with its equations or the reason why it has none."""

from __future__ import annotations

import sources

PARTS = {(document, part): reason for document, parts in sources.DOCUMENTS.items() for part, reason in parts.items()}


def test_the_page_is_not_stale() -> None:
    assert not sources.FOLDER.stale(sources.pages()), "make pages"


def test_every_part_that_is_cited_is_a_part() -> None:
    assert not sources.cited().keys() - PARTS.keys()


def test_every_part_has_equations_or_a_reason_and_not_both() -> None:
    cited = sources.cited()

    assert not [part for part, reason in PARTS.items() if bool(cited.get(part)) == bool(reason)]
