"""Variants of an equation that are evaluated at once: one equation that chooses between them by a number.

On small arrays most of the time of an evaluation goes into the walk. Where variants differ, the number chooses; what is
computed from that is computed for all variants together, along the axis of the number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from attnspec.errors import NotationError
from attnspec.interpreters.evaluation.several import Places, choice
from attnspec.interpreters.mutation.free_numbers import NOT_VALUES
from attnspec.language.traversal import Step, children, substitute, with_roots
from attnspec.language.tree import CallLike, Definition, Node, Scan

Item = TypeVar("Item")

MOST_KEPT = 256
"""So many merged equations are kept; then all are forgotten. Speed alone depends on it."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Variants as one equation.

    Attributes:
        variants: the variants, which are kept so that no other object gets their ids.
        whole: the equation that has the values of all; None if there is none.
        parts: their places in two parts, to be tried in turn where all at once have no value.
    """

    variants: tuple[Definition, ...]
    whole: Definition | None
    parts: tuple[tuple[int, ...], tuple[int, ...]]


class MergedVariants:
    """Variants merged to one equation, found by the identity of the variants."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, ...], Merged] = {}

    def of(self, variants: Sequence[Definition]) -> Merged:
        """Two or more variants as one equation, or split in two parts."""
        key = tuple(map(id, variants))
        if key not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = _merged(tuple(variants))
        return self._kept[key]


def _merged(variants: tuple[Definition, ...]) -> Merged:
    """Variants as one equation; where there is none, those that are like the first are one part."""
    half, whole = tuple(range(len(variants) // 2)), None
    with suppress(NotationError):
        whole = at_once(variants)
    first = half if whole is not None else _like_the_first(variants) or half
    return Merged(variants, whole, (first, tuple(k for k in range(len(variants)) if k not in first)))


def _like_the_first(variants: Sequence[Definition]) -> tuple[int, ...]:
    """The places of variants that can be evaluated at once with the first; none if that is all of them."""
    places = [0]
    for place, variant in enumerate(variants[1:], 1):
        with suppress(NotationError):
            at_once([variants[0], variant])
            places.append(place)
    return tuple(places) if len(places) < len(variants) else ()


def at_once(variants: Sequence[Definition]) -> Definition:
    """One equation that has the values of several variants along the axis of a number with as many values.

    Raises:
        NotationError: the variants differ in more than values, as in their indices or in which equation they call.
    """
    first, distinct = variants[0], _distinct(variants)
    if any(_frame(each) != _frame(first) for each in distinct):
        raise NotationError("the variants have other lines or indices")
    if any(len(each.returns) != len(first.returns) for each in distinct):
        raise NotationError("the variants have other results")
    return with_roots(first, [_chosen(nodes) for nodes in zip(*(each.roots for each in variants), strict=True)])


def _frame(variant: Definition) -> tuple[object, ...]:
    """What variants must have in common."""
    return variant.parameters, variant.indices, tuple(line.targets for line in variant.lines)


def _distinct(items: Sequence[Item]) -> list[Item]:
    """Items without those that are the same object as another; most variants share most of their parts."""
    return list({id(item): item for item in items}.values())


def _chosen(nodes: Sequence[Node]) -> Node:
    """A node with the values of several, one for each variant; the choice is as deep inside as they are alike."""
    first, distinct = nodes[0], _distinct(nodes)
    if all(node is first or node == first for node in distinct):
        return first
    if isinstance(first, CallLike):
        nodes = _calling_all(nodes)
        first, distinct = nodes[0], _distinct(nodes)
    steps = {id(node): dict(children(node)) for node in distinct}
    differing = [
        step for step, part in steps[id(first)].items() if any(own.get(step) != part for own in steps.values())
    ]
    if not any(field in NOT_VALUES for field, _ in differing) and _are_alike(first, distinct, steps, differing):
        for step in differing:
            first = substitute(first, (step,), _chosen([steps[id(node)][step] for node in nodes]))
        return first
    if isinstance(first, CallLike | Scan):
        raise NotationError("a call or a recurrence differs in more than values")
    return _by_place(nodes)


def _calling_all(nodes: Sequence[Node]) -> list[CallLike]:
    """Calls of one equation that has the values of all that they called."""
    callees = [node.callee for node in nodes if isinstance(node, CallLike)]
    if len(callees) < len(nodes):
        raise NotationError("a call stands for another expression")
    differ = any(each != callees[0] for each in _distinct(callees))
    whole = at_once(callees) if differ else callees[0]
    calling = {id(node): replace(node, callee=whole) for node in _distinct(nodes) if isinstance(node, CallLike)}
    return [calling[id(node)] for node in nodes]


def _are_alike(
    first: Node, distinct: Sequence[Node], steps: Mapping[int, Mapping[Step, Node]], differing: Sequence[Step]
) -> bool:
    """Whether nodes differ only in some of their children."""
    own_first = steps[id(first)]
    for node in distinct:
        own = steps[id(node)]
        if type(node) is not type(first) or own.keys() != own_first.keys():
            return False
        for step in differing:
            node = substitute(node, (step,), own_first[step])
        if node != first:
            return False
    return True


def _by_place(nodes: Sequence[Node]) -> Node:
    """node k at place k."""
    places, counts = Places(len(nodes)), Counter(map(id, nodes))
    chosen = usual = max(nodes, key=lambda node: counts[id(node)])  # variants share what they do not change
    for place, node in enumerate(nodes):
        if node is not usual:
            chosen = choice(places, place, node, chosen)
    return chosen
