"""Conditions on places alone, such as j ≤ i of a causal mask, as masks: what an equation compares becomes an input.

Then all places are alike, since what tells them apart is in the mask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.named_axes import FOLD
from attnspec.language.check import COMPARISONS
from attnspec.language.traversal import map_definition, nodes
from attnspec.language.tree import Apply, At, Definition, Name, Node, Number, Parameter, Position, SizeOf

ARITHMETIC = ("+", "-", "*", "neg", *COMPARISONS)


def conditions(definition: Definition) -> tuple[Node, ...]:
    """The comparisons of places with one another and with sizes in an equation, each once."""
    found = (node for root in definition.roots for node in nodes(root) if _compares_places(node))
    return tuple(dict.fromkeys(found))


def _compares_places(node: Node) -> bool:
    if not isinstance(node, Apply) or node.op not in COMPARISONS:
        return False
    parts = list(nodes(node))
    plain = all(
        isinstance(part, Position | Number | SizeOf) or (isinstance(part, Apply) and part.op in ARITHMETIC)
        for part in parts
    )
    return plain and any(isinstance(part, Position) for part in parts)


def indices_of(condition: Node) -> tuple[str, ...]:
    """The indices that a condition compares."""
    return tuple(dict.fromkeys(part.index for part in nodes(condition) if isinstance(part, Position)))


def with_masks(definition: Definition, found: Sequence[Node]) -> Definition:
    """An equation that reads masks in place of conditions; `truths` gives them."""
    masks = dict(zip(found, names(found), strict=True))

    def read(node: Node) -> Node:
        if node not in masks:
            return node
        return At(Name(masks[node]), tuple(map(Position, indices_of(node))))

    parameters = tuple(
        Parameter(name, "bool", tuple(definition.ranges[index] for index in indices_of(node)))
        for node, name in masks.items()
    )
    changed = map_definition(definition, read)
    return replace(changed, parameters=(*definition.parameters, *parameters))


def names(found: Sequence[Node]) -> Iterator[str]:
    """The names of the masks, none of which an equation can have."""
    return (f"condition {place}" for place in range(len(found)))


def truths(
    condition: Node, definition: Definition, places: Mapping[str, NDArray[np.int64]], sizes: Mapping[str, int]
) -> NDArray[np.bool_]:
    """Where a condition holds.

    Args:
        places: {named size: the places along it that are asked}.
        sizes: all named sizes.

    Returns:
        An array with an axis for each of `indices_of`.
    """
    asked = [places[str(definition.ranges[index])] for index in indices_of(condition)]
    grids = dict(zip(indices_of(condition), np.meshgrid(*asked, indexing="ij", sparse=True), strict=True))

    def value(node: Node) -> Any:
        match node:
            case Position(index=index):
                return grids[index]
            case Number(value=number):
                return number
            case SizeOf(dim=dim):
                return dim.value(sizes)
            case Apply(op=op, args=args):
                return FOLD[op](*map(value, args))
        raise TypeError(f"{type(node).__name__} is not in a condition on places")

    return np.broadcast_to(np.asarray(value(condition), bool), [len(each) for each in asked])
