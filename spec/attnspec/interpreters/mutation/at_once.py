"""Variants of an equation that are evaluated at once: one equation that chooses between them by a number.

On small arrays most of the time of an evaluation goes into the walk. Where variants differ, the number chooses; what is
computed from that is computed for all variants together, along the axis of the number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from attnspec.errors import NotationError
from attnspec.interpreters.evaluation.several import Places, choice
from attnspec.interpreters.mutation.free_numbers import NOT_VALUES
from attnspec.language.traversal import Step, children, substitute, with_roots
from attnspec.language.tree import Call, CallLike, Definition, Node, Scan

Item = TypeVar("Item")

MOST_KEPT = 256
"""So many merged equations are kept; then all are forgotten. Speed alone depends on it."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Variants, of which those that are like the first one are one equation.

    Attributes:
        variants: the variants, which are kept so that no other object gets their ids.
        whole: the equation that has the values of those that are like the first one; a variant itself if it is alone.
        places: their places.
        others: the places of all others.
    """

    variants: tuple[Definition, ...]
    whole: Definition
    places: tuple[int, ...]
    others: tuple[int, ...]


class UnlikeError(NotationError):
    """Variants cannot be evaluated at once.

    Attributes:
        places: those that cannot be evaluated at once with the first one.
    """

    def __init__(self, headline: str, places: Sequence[int]) -> None:
        super().__init__(headline)
        self.places = frozenset(places)


class MergedVariants:
    """Variants merged to one equation, found by the identity of the variants."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, ...], Merged] = {}

    def of(self, variants: Sequence[Definition]) -> Merged:
        """Those of some variants that are like the first one as one equation."""
        key = tuple(map(id, variants))
        if key not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = _merged(tuple(variants))
        return self._kept[key]


def _merged(variants: tuple[Definition, ...]) -> Merged:
    """Those of some variants that are like the first one as one equation."""
    places = [*range(len(variants))]
    while True:
        try:
            whole = at_once([variants[place] for place in places])
        except UnlikeError as error:
            places = [place for k, place in enumerate(places) if k not in error.places]
        else:
            return Merged(variants, whole, tuple(places), tuple(k for k in range(len(variants)) if k not in places))


def at_once(variants: Sequence[Definition]) -> Definition:
    """One equation that has the values of several variants along the axis of a number with as many values.

    Raises:
        UnlikeError: the variants differ in more than values, as in their indices or in which equation they call.
    """
    first, distinct = variants[0], _distinct(variants)
    if len(distinct) == 1:
        return first
    unlike = {id(each) for each in distinct if _frame(each) != _frame(first)}
    if unlike:
        raise UnlikeError("the variants have other lines, indices or results", _places(variants, unlike))
    return with_roots(first, [_chosen(nodes) for nodes in zip(*(each.roots for each in variants), strict=True)])


def _places(items: Sequence[object], ids: Collection[int]) -> list[int]:
    """The places of the items with some ids."""
    return [place for place, item in enumerate(items) if id(item) in ids]


def _frame(variant: Definition) -> tuple[object, ...]:
    """What variants must have in common."""
    return variant.parameters, variant.indices, tuple(line.targets for line in variant.lines), len(variant.returns)


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
    unlike = {id(node) for node in distinct if not _are_alike(first, node, steps)}
    if not unlike:
        for step in differing:
            first = substitute(first, (step,), _chosen([steps[id(node)][step] for node in nodes]))
        return first
    if isinstance(first, CallLike | Scan):
        raise UnlikeError("a call or a recurrence differs in more than values", _places(nodes, unlike))
    return _by_place(nodes)


def _calling_all(nodes: Sequence[Node]) -> list[CallLike]:
    """Calls of one equation that has the values of all that they called."""
    callees = [node.callee for node in nodes if isinstance(node, CallLike)]
    if len(callees) < len(nodes):
        others = [place for place, node in enumerate(nodes) if not isinstance(node, CallLike)]
        raise UnlikeError("a call stands for another expression", others)
    differ = any(each != callees[0] for each in _distinct(callees))
    whole = at_once(callees) if differ else callees[0]
    calling = {id(node): replace(node, callee=whole) for node in _distinct(nodes) if isinstance(node, CallLike)}
    return [calling[id(node)] for node in nodes]


def _are_alike(first: Node, node: Node, steps: Mapping[int, Mapping[Step, Node]]) -> bool:
    """Whether two nodes differ only in some of their children, which are values.

    Args:
        steps: {id of a node: its children}.
    """
    own_first, own = steps[id(first)], steps[id(node)]
    if type(node) is not type(first) or own.keys() != own_first.keys():
        return False
    for step, part in own.items():
        if part != own_first[step]:
            if step[0] in NOT_VALUES or _is_size(first, step):
                return False
            node = substitute(node, (step,), own_first[step])
    return node == first


def _is_size(node: Node, step: Step) -> bool:
    """Whether a step leads to an option of a call that sets a size."""
    field, place = step
    if not isinstance(node, Call) or field != "options" or place is None:
        return False
    return node.options[place][0] in node.callee.size_options


def _by_place(nodes: Sequence[Node]) -> Node:
    """node k at place k."""
    places, counts = Places(len(nodes)), Counter(map(id, nodes))
    chosen = usual = max(nodes, key=lambda node: counts[id(node)])  # variants share what they do not change
    for place, node in enumerate(nodes):
        if node is not usual:
            chosen = choice(places, place, node, chosen)
    return chosen
