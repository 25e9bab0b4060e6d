"""Two mistakes at once in one line of an equation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

from attnspec.interpreters.mutation.mutants import Fit, Mutant, in_words, inside_scan, parts, site_of
from attnspec.interpreters.mutation.operators import local_mutations
from attnspec.language.check import check
from attnspec.language.traversal import Path, map_node, substitute, walk
from attnspec.language.tree import Definition, Node

MOST_PAIRS = 6_000
"""Of a line with more pairs, none is made: it would take too long to try them."""


@dataclass(frozen=True, slots=True)
class _Single:
    """A mutation of a node of a line."""

    path: Path
    old: Node
    id: str
    says: str
    new: Node


def pairs(definition: Definition, roots: Collection[int]) -> Iterator[Mutant]:
    """The mutants with two mutations in one line, or in one result.

    Args:
        roots: the positions of the lines among the roots of the equation.
    """
    types = check(definition)
    for root, (label, node, build) in enumerate(parts(definition)):
        if root not in roots:
            continue
        site, fits = site_of(definition, types, root), Fit(definition, types, root)
        singles = [
            _Single(path, part, id, in_words(node, path, new, says, inner), new)
            for path, part in walk(node)
            for inner in (inside_scan(site, node, path),)
            for id, says, new, equal in local_mutations(part, inner)
            if not equal
        ]
        singles = [each for each in singles if fits(substitute(node, each.path, each.new))]
        if len(singles) ** 2 > 2 * MOST_PAIRS:
            continue
        for one, other in combinations(singles, 2):
            both = _both(node, one, other)
            if both is not None:
                says = f"{one.says}, twice" if one.says == other.says else f"{one.says}, and {other.says}"
                yield Mutant(f"{label}/{one.id}+{other.id}", f"in {label}: {says}", build(both))


def _both(root: Node, one: _Single, other: _Single) -> Node | None:
    """A line with two mutations; None if they exclude each other."""
    if one.path == other.path:
        return None
    outer, inner = sorted((one, other), key=lambda each: len(each.path))
    if inner.path[: len(outer.path)] != outer.path:
        return substitute(substitute(root, outer.path, outer.new), inner.path, inner.new)
    changed = map_node(outer.new, lambda node: inner.new if node is inner.old else node)
    return None if changed is outer.new else substitute(root, outer.path, changed)
