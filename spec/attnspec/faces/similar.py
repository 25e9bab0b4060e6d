"""Equations that are like another one, or that have to do with a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attnspec.errors import UnknownName, nearest
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.traversal import nodes, nodes_throughout
from attnspec.language.tree import Apply, CallLike, Definition, Node, Reduce, Scan

MOST = 12
"""So many equations are listed, the most similar first."""


def similar(wanted: str) -> list[Equation[..., Any]]:
    """The equations that are like another one, the most similar first; or all that have to do with a word.

    Args:
        wanted: the id of an equation; or a word: an operation such as "softmax", or what an id or a docstring mentions.

    Raises:
        UnknownName: there is no such equation, and no equation has to do with the word.
    """
    if wanted in REGISTRY:
        return _like(REGISTRY[wanted])
    found = [equation for equation in REGISTRY.values() if _has_to_do_with(equation, wanted.lower())]
    if not found:
        raise UnknownName(
            f"no equation {wanted!r}, and none that has to do with it",
            given=wanted,
            expected="the id of an equation, or a word such as softmax",
            mend=nearest(wanted, REGISTRY),
        )
    return found


def _like(equation: Equation[..., Any]) -> list[Equation[..., Any]]:
    """The most similar other equations: those that share the largest part of what the two of them have."""
    own = _features(equation)
    shares = {other.id: _share(own, _features(other)) for other in REGISTRY.values() if other.id != equation.id}
    ranked = sorted(shares, key=lambda id: -shares[id])[:MOST]
    return [REGISTRY[id] for id in ranked if shares[id] > 0]


def _share(a: frozenset[object], b: frozenset[object]) -> float:
    """The size of what two sets share, over that of both together."""
    return len(a & b) / max(len(a | b), 1)


def _features(equation: Equation[..., Any]) -> frozenset[object]:
    """What an equation has: arguments with their shapes, options, results, lines, operations, equations it calls."""
    definition = equation.definition
    arguments = ((each.name, each.dims) for each in definition.parameters)
    results = (("result", each.kind, each.dims) for each in definition.results)
    lines = (name for line in definition.lines for name in line.targets)
    options = (option.name for option in definition.options)
    return frozenset([*arguments, *results, *lines, *options, *_callees(definition), *_operations(nodes(definition))])


def _callees(definition: Definition) -> Iterator[str]:
    return (node.callee.id for node in nodes(definition) if isinstance(node, CallLike))


def _operations(among: Iterable[Node]) -> Iterator[str]:
    """The operations of nodes by their words."""
    for node in among:
        if isinstance(node, Apply | Reduce):
            yield node.op
        elif isinstance(node, Scan):
            yield "scan"


def _has_to_do_with(equation: Equation[..., Any], word: str) -> bool:
    """Whether an equation, or one that it calls, has the word as an operation; or its id or first line mentions it."""
    text = f"{equation.id} {equation.doc.partition(chr(10))[0]}".lower()
    return word in text or word in _operations(nodes_throughout(equation.definition))
