"""Where two variants of an equation differ."""

from __future__ import annotations

from collections.abc import Iterator

from attnspec.language.traversal import children
from attnspec.language.tree import At, Definition, Node


def differing(definition: Definition, other: Definition) -> Iterator[Node]:
    """The smallest parts of an equation that another variant of it writes otherwise, or leaves out.

    Of variants of another number of lines nothing is known, and nothing is yielded.
    """
    if len(definition.roots) == len(other.roots):
        for node, instead in zip(definition.roots, other.roots, strict=True):
            yield from _differing(node, instead)


def _differing(node: Node, instead: Node) -> Iterator[Node]:
    if node == instead:
        return
    steps, others = dict(children(node)), dict(children(instead))
    kept = [step for step, child in steps.items() if child == instead][:1]
    if kept and len(steps) > 1:
        yield from (child for step, child in steps.items() if step not in kept)
    elif _own_fields(node) != _own_fields(instead) or steps.keys() != others.keys() or isinstance(node, At):
        yield node  # an element with its indices is written as one
    else:
        yield from [part for step, child in steps.items() for part in _differing(child, others[step])] or [node]


def _own_fields(node: Node) -> tuple[object, ...]:
    """What a node is, without its children and its position."""
    names = [name for name in node.__dataclass_fields__ if name != "span"]
    values = [getattr(node, name) for name in names]
    return (type(node), *(value for value in values if not isinstance(value, Node | tuple)))
