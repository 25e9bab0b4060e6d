"""Equal rewritings of an equation that real software makes, generated from its tree."""

from __future__ import annotations

from dataclasses import replace

from attnspec.interpreters.throughout import mapped
from attnspec.language.tree import Apply, Call, Definition, Node, Number, SizeOf, walk


def multiplied(definition: Definition) -> Definition:
    """Every division by a constant, such as √d, made a product with its reciprocal; also in the equations it calls."""

    def change(node: Node) -> Node:
        match node:
            case Apply(op="/", args=(a, b)) if _constant(b) and not _constant(a):
                return Apply("*", (a, Apply("/", (Number(1.0), b))))
            case Call(callee=callee):
                inner = multiplied(callee)
                return node if inner == callee else replace(node, callee=inner)
        return node

    return mapped(definition, change)


def _constant(node: Node) -> bool:
    """Made of numbers and sizes alone."""
    return all(isinstance(part, Number | SizeOf | Apply) for _, part in walk(node))
