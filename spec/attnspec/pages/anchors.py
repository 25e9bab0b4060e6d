"""Anchor comments: `#: z` behind code says that the value of z is made there, or within what is made there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from attnspec.interpreters.tags import name_key
from attnspec.pages.code_views import fused
from attnspec.pages.listing import Listing
from attnspec.verification.mapping import Mapped

NAMES = re.compile(r"#:\s*(\w+(?:\s*,\s*\w+)*)\s*")
"""A comment that names lines of an equation."""


def untrue_anchors(mapped: Mapped, path: str, listing: Listing) -> dict[int, list[str]]:
    """{line: names that its anchor claims, and that no array of its statement has, neither alone nor within a part}.

    A comment without the name of a line of the equation is no anchor of it. Nothing is said of code without links.

    Args:
        mapped: the candidate.
        path: the file of a listing.
        listing: what is shown of it.
    """
    definition = mapped.equation.definition
    known = {name for line in definition.lines for name in line.targets}
    within, found = fused(mapped), {}
    links = [link for link in mapped.links if link.equation == definition.id]
    own = [link for link in links if Path(link.file).resolve() == Path(path).resolve()]
    statements = _statements(listing.source) if links else []
    for line, names in _anchors(listing.source) if links else ():
        if not known & set(names) or not any(first <= line <= last for first, last in listing.ranges):
            continue
        first, last = _smallest(statements, line)
        made = {link.key for link in own if first <= link.line <= last}
        wrong = [name for name in names if not made & {name_key(name), *within.get(name_key(name), ())}]
        if wrong:
            found[line] = wrong
    return found


def _anchors(source: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file whose comments name something, and the names."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        named = NAMES.fullmatch(token.string) if token.type == tokenize.COMMENT else None
        if named is not None:
            yield token.start[0], [name.strip() for name in named[1].split(",")]


def _statements(source: str) -> list[tuple[int, int]]:
    """The first and the last line of each statement of a file."""
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return [(node.lineno, node.end_lineno or node.lineno) for node in statements]


def _smallest(ranges: Sequence[tuple[int, int]], line: int) -> tuple[int, int]:
    """The smallest of some ranges of lines that has a line; the line itself if none has."""
    around = [(last - first, first, last) for first, last in ranges if first <= line <= last]
    return min(around)[1:] if around else (line, line)
