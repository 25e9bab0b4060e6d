"""Tools for the trees of equations: walk them, collect their nodes, and make changed copies.

They have three ranges. A node and what is below it: `walk`, `substitute`, `map_node`. An equation, its lines and what
it returns: `nodes`, `map_definition`. An equation and all that it calls, by a call or layer by layer, directly or by
way of another: `nodes_throughout`, `map_throughout`. No tree is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, get_args

from attnspec.language.tree import Call, CallLike, Definition, Line, Name, Node, Scan

Step = tuple[str, int | None]
"""From a node to one directly below: the field that holds it, and its place there where a field holds several."""

Path = tuple[Step, ...]
"""From a node to one below it, outermost step first; () is the node itself."""

_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(item.name for item in fields(kind) if item.name != "span") for kind in get_args(Node)
}
"""What may hold nodes, for each kind of node."""


# A node and what is below it.


def children(node: Node) -> Iterator[tuple[Step, Node]]:
    """The nodes directly below, in the order of the fields, each with the step to it; a callee is none of them."""
    for name in _FIELDS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield (name, None), value
        elif isinstance(value, tuple):
            for place, part in enumerate(value):
                child = part[-1] if isinstance(part, tuple) and part else part  # an option is a pair: name, value
                if isinstance(child, Node):
                    yield (name, place), child


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node at or below `node`, each before those below it, with its path.

    Args:
        path: where `node` itself stands: what all paths begin with.
    """
    yield path, node
    for step, child in children(node):
        yield from walk(child, (*path, step))


def node_at(node: Node, path: Path) -> Node:
    """The node at the end of a path.

    Raises:
        LookupError: no node is there.
    """
    for step in path:
        node = dict(children(node))[step]
    return node


def scans_around(node: Node, path: Path) -> Iterator[Scan]:
    """The recurrences in whose step a path from `node` ends, outermost first."""
    for step in path:
        if isinstance(node, Scan) and step == ("body", None):
            yield node
        node = node_at(node, (step,))


def reads(node: Node) -> Iterator[str]:
    """The names that are read, as often as they are written, without the states of a recurrence in its own step.

    A recurrence reads its starts first, then what its step reads.
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
    """`node` with `new` in place of what stands at the end of a path.

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
    """`node` with a change made at every node at or below it, from the leaves up; itself where nothing changes.

    Args:
        change: what stands in place of a node, below which all is changed already.
    """
    old = {name: getattr(node, name) for name in _FIELDS[type(node)]}
    new = {name: _mapped(value, change) for name, value in old.items()}
    changed = {name: value for name, value in new.items() if value is not old[name]}
    return change(replace(node, **changed) if changed else node)


def _mapped(value: Any, change: Callable[[Node], Node]) -> Any:
    """What a field holds, its nodes changed: a node, a tuple of nodes or of options, or something else."""
    if isinstance(value, Node):
        return map_node(value, change)
    if isinstance(value, tuple):
        parts = tuple(_mapped(part, change) for part in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    return value


# An equation, without those that it calls.


def nodes(tree: Node | Definition) -> Iterator[Node]:
    """Every node of an expression, or of an equation's lines and returns, each before those below it."""
    for root in tree.roots if isinstance(tree, Definition) else (tree,):
        for _, node in walk(root):
            yield node


def with_roots(definition: Definition, roots: Sequence[Node]) -> Definition:
    """An equation with other values of its lines and other returns.

    Args:
        roots: first a value for each line, then what is returned, as in `Definition.roots`.

    Raises:
        ValueError: there are fewer than lines.
    """
    count = len(definition.lines)
    lines = tuple(replace(line, value=value) for line, value in zip(definition.lines, roots[:count], strict=True))
    return replace(definition, lines=lines, returns=tuple(roots[count:]))


def map_definition(definition: Definition, change: Callable[[Node], Node]) -> Definition:
    """An equation with a change made at every node of its lines and returns, from the leaves up."""
    return with_roots(definition, [map_node(root, change) for root in definition.roots])


# An equation and those that it calls.


def callees(definition: Definition) -> Iterator[Definition]:
    """The equations that an equation calls directly, by `Call` or layer by layer, as often as it does."""
    return (node.callee for node in nodes(definition) if isinstance(node, CallLike))


def call_by_name(callee: Definition, arguments: Mapping[str, Node]) -> Call:
    """A call with these arguments and options; the others are what the caller has under their names."""
    args = tuple(arguments.get(each.name, Name(each.name)) for each in callee.parameters)
    return Call(callee, args, tuple((each.name, arguments.get(each.name, Name(each.name))) for each in callee.options))


def replace_callee(definition: Definition, old: Definition, new: Definition) -> Definition:
    """An equation with every call of one equation made to another, which takes the same arguments."""

    def change(node: Node) -> Node:
        return replace(node, callee=new) if isinstance(node, CallLike) and node.callee == old else node

    return map_definition(definition, change)


def nodes_throughout(definition: Definition) -> Iterator[Node]:
    """Every node of an equation and of all that it calls; those of a callee come after its call, once for each."""
    for node in nodes(definition):
        yield node
        if isinstance(node, CallLike):
            yield from nodes_throughout(node.callee)


def map_throughout(
    definition: Definition,
    change: Callable[[Node, Definition], Node],
    after: Callable[[Definition], Definition] = lambda changed: changed,
) -> Definition:
    """An equation with a change made at every node of it and of all that it calls; itself where nothing changes.

    Args:
        change: what stands in place of a node, given the equation that it is in; all below the node is changed
            already, and so is the callee of a call.
        after: what becomes of an equation in which something changed, such as the same under another id.

    Returns:
        The changed equation, under its own id, as are those that it calls, unless `after` renames them.
    """

    def changed(node: Node) -> Node:
        if isinstance(node, CallLike):
            callee = map_throughout(node.callee, change, after)
            node = node if callee is node.callee else replace(node, callee=callee)
        return change(node, definition)

    found = map_definition(definition, changed)
    return definition if found == definition else after(found)


def without_unread_lines(definition: Definition) -> Definition:
    """An equation without the lines that no later line and no result reads."""
    wanted = {name for node in definition.returns for name in reads(node)}
    kept: list[Line] = []
    for line in reversed(definition.lines):
        if wanted.intersection(line.targets):
            kept.insert(0, line)
            wanted.update(reads(line.value))
    return replace(definition, lines=tuple(kept))
