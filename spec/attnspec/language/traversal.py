"""Traversal of syntax trees: walk them, collect nodes, and make changed copies. No tree is changed in place.

The functions have three ranges: a node and its descendants (`walk`, `substitute`, `map_node`); an equation without
those that it calls (`nodes`, `map_definition`); an equation and all that it calls, directly or indirectly
(`nodes_throughout`, `map_throughout`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeGuard, get_args

from attnspec.language.tree import Call, CallLike, Definition, Line, Name, Node, Scan, Spanned

Step = tuple[str, int | None]
"""The step from a node to a child: the name of the field, and the position in it if the field has several nodes."""

Path = tuple[Step, ...]
"""The steps from a node to a descendant, outermost first; () for the node itself."""

_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(item.name for item in fields(kind) if "Node" in str(item.type) or item.type == "Name")
    for kind in get_args(Node)
}
"""{class of nodes: names of its fields that hold nodes}."""


def is_node(value: object) -> TypeGuard[Node]:
    """Whether a value is a node, by the base class: a check of the union of all classes takes five times as long."""
    return isinstance(value, Spanned)


# A node and its descendants.


def children(node: Node) -> Iterator[tuple[Step, Node]]:
    """The children of a node with the steps to them, in the order of the fields; a callee is not a child."""
    for name in _FIELDS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, tuple):
            for place, part in enumerate(value):
                child = part[-1] if isinstance(part, tuple) and part else part  # an option is a pair: name, value
                if is_node(child):
                    yield (name, place), child
        elif is_node(value):
            yield (name, None), value


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """A node and its descendants with their paths; a node comes before its descendants.

    Args:
        node: the node.
        path: its own path, with which all paths begin.
    """
    waiting = [(path, node)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting.extend([((*path, step), child) for step, child in children(node)][::-1])


def node_at(node: Node, path: Path) -> Node:
    """The node at the end of a path.

    Raises:
        LookupError: no node is there.
    """
    for step in path:
        node = dict(children(node))[step]
    return node


def scans_around(node: Node, path: Path) -> Iterator[Scan]:
    """The recurrences whose step contains the end of a path, outermost first."""
    for step in path:
        if isinstance(node, Scan) and step == ("body", None):
            yield node
        node = node_at(node, (step,))


def reads(node: Node) -> Iterator[str]:
    """The names that an expression reads, with repetitions, without the states of a recurrence in its step.

    The starts of a recurrence come before the reads of its step.
    """
    match node:
        case Name(id=name):
            yield name
        case Scan(states=states, body=body, starts=starts):
            for start in starts:
                yield from reads(start)
            yield from (name for name in reads(body) if name not in states)
        case _:
            for _, child in children(node):
                yield from reads(child)


def substitute(node: Node, path: Path, new: Node) -> Node:
    """`node` with the node at the end of a path replaced by `new`.

    Raises:
        LookupError: no node is there.
    """
    if not path:
        return new
    old = node_at(node, path[:1])
    (name, place), rest = path[0], path[1:]
    changed: Any = substitute(old, rest, new)
    if place is not None:
        parts = getattr(node, name)
        part = (*parts[place][:-1], changed) if isinstance(parts[place], tuple) else changed
        changed = (*parts[:place], part, *parts[place + 1 :])
    return replace(node, **{name: changed})


def map_node(node: Node, change: Callable[[Node], Node]) -> Node:
    """`node` with a function applied to it and all its descendants, from the leaves up; itself if nothing changes.

    Args:
        node: the node.
        change: maps a node, whose descendants are changed already, to its replacement.
    """
    changed = {}
    for name in _FIELDS[type(node)]:
        old = getattr(node, name)
        new = _mapped(old, change)
        if new is not old:
            changed[name] = new
    return change(replace(node, **changed) if changed else node)


def _mapped(value: Any, change: Callable[[Node], Node]) -> Any:
    """The changed value of a field: a node, a tuple of nodes or options, or something else."""
    if isinstance(value, tuple):
        parts = tuple([_mapped(part, change) for part in value])
        return value if all(map(operator.is_, parts, value)) else parts
    return map_node(value, change) if is_node(value) else value


# An equation, without those that it calls.


def nodes(tree: Node | Definition) -> Iterator[Node]:
    """All nodes of an expression, or of the lines and results of an equation; a node comes before its descendants."""
    for root in tree.roots if isinstance(tree, Definition) else (tree,):
        for _, node in walk(root):
            yield node


def with_roots(definition: Definition, roots: Sequence[Node]) -> Definition:
    """An equation with other values of its lines and other returned expressions.

    Args:
        definition: the equation.
        roots: a value for each line, then the returned expressions, as in `Definition.roots`.

    Raises:
        ValueError: there are fewer roots than lines.
    """
    count = len(definition.lines)
    lines = tuple(
        line if line.value is value else replace(line, value=value)
        for line, value in zip(definition.lines, roots[:count], strict=True)
    )
    return replace(definition, lines=lines, returns=tuple(roots[count:]))


def map_definition(definition: Definition, change: Callable[[Node], Node]) -> Definition:
    """An equation with a function applied to all nodes of its lines and results, from the leaves up."""
    return with_roots(definition, [map_node(root, change) for root in definition.roots])


def replace_node(root: Node, old: Node, new: Node) -> Node:
    """A node with another one wherever it has a given one."""
    return map_node(root, lambda node: new if node == old else node)


# An equation and those that it calls.


def callees(definition: Definition) -> Iterator[Definition]:
    """The equations that an equation calls directly, with repetitions."""
    return (node.callee for node in nodes(definition) if isinstance(node, CallLike))


def equations_throughout(definition: Definition) -> list[Definition]:
    """An equation and those that it calls, directly or not, each once."""
    called = {node.callee.id: node.callee for node in nodes_throughout(definition) if isinstance(node, CallLike)}
    return [*{definition.id: definition, **called}.values()]


def call_by_name(callee: Definition, arguments: Mapping[str, Node]) -> Call:
    """A call with these arguments and options; the other ones are names of the caller."""
    args = tuple(arguments.get(parameter.name, Name(parameter.name)) for parameter in callee.parameters)
    options = tuple((option.name, arguments.get(option.name, Name(option.name))) for option in callee.options)
    return Call(callee, args, options)


def replace_callee(definition: Definition, old: Definition, new: Definition) -> Definition:
    """An equation with calls of one equation replaced by calls of another with the same parameters."""

    def change(node: Node) -> Node:
        return replace(node, callee=new) if isinstance(node, CallLike) and node.callee == old else node

    return map_definition(definition, change)


def nodes_throughout(definition: Definition) -> Iterator[Node]:
    """All nodes of an equation and of those that it calls; the nodes of a callee follow each call of it."""
    for node in nodes(definition):
        yield node
        if isinstance(node, CallLike):
            yield from nodes_throughout(node.callee)


def map_throughout(
    definition: Definition,
    change: Callable[[Node, Definition], Node],
    after: Callable[[Definition], Definition] = lambda changed: changed,
) -> Definition:
    """An equation with a function applied to all nodes of it and of those that it calls; itself if nothing changes.

    Args:
        definition: the equation.
        change: maps a node and the equation that it belongs to to the replacement of the node. Descendants of the node
            and the callee of a call are changed already.
        after: maps an equation in which something changed to the result, such as one with another id.

    Returns:
        The changed equation. It and those that it calls keep their ids, unless `after` changes them.
    """

    def changed(node: Node) -> Node:
        if isinstance(node, CallLike):
            callee = map_throughout(node.callee, change, after)
            node = node if callee is node.callee else replace(node, callee=callee)
        return change(node, definition)

    result = map_definition(definition, changed)
    return definition if result == definition else after(result)


def without_unread_lines(definition: Definition) -> Definition:
    """An equation without lines that neither a later line nor a result reads."""
    wanted = {name for node in definition.returns for name in reads(node)}
    kept: list[Line] = []
    for line in reversed(definition.lines):
        if wanted.intersection(line.targets):
            kept.insert(0, line)
            wanted.update(reads(line.value))
    return replace(definition, lines=tuple(kept))
