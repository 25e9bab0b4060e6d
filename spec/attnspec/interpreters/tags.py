"""Tags of the parts of an equation: what a formula, a figure and a listing call the same thing by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attnspec.language.traversal import Path, map_definition, walk
from attnspec.language.tree import Apply, At, Definition, Last, Name, Node, Number, Position, Reduce, SizeOf

CONCEPTS = {
    "+": "plus", "-": "minus", "*": "times", "@": "times", "/": "divide", "//": "quotient", "%": "remainder",
    "**": "power", "neg": "negate", "sqrt": "square-root", "<=": "less-or-equal", "<": "less", ">=": "greater-or-equal",
    ">": "greater", "==": "equal", "where": "if",
}  # fmt: skip
"""{operation: name of its concept for speech}; other operations have their own name."""


@dataclass(frozen=True, slots=True)
class Tag:
    """The tag of one part of an equation.

    Attributes:
        term: what identifies the part: the position of its line among the roots, then the path from there, "0.args1".
        key: what it stands for: "n:h" for the value of the name h, "s:d" for the size d, "t:0.args1" for a part that
            has no name. Parts of one key belong together.
        arg: its role in the part around it, such as "args1"; "" for a whole line.
        intent: how it is read aloud, as MathML's `intent` has it; "" if it is read as it is written.
    """

    term: str
    key: str
    arg: str = ""
    intent: str = ""


def fresh(definition: Definition) -> Definition:
    """An equal equation in which no node object stands in two places, so that a node has one tag."""

    def copied(node: Node) -> Node:
        return type(node)(**{name: getattr(node, name) for name in node.__dataclass_fields__})

    return map_definition(definition, copied)


def tags(definition: Definition) -> dict[int, Tag]:
    """{Python id of a node: its tag} of all nodes of an equation in which each node is another object."""
    return {id(node): tag for node, tag in tagged_nodes(definition)}


def tagged_nodes(definition: Definition) -> Iterator[tuple[Node, Tag]]:
    """All nodes of the lines and results of an equation with their tags, a node before its descendants."""
    for root, tree in enumerate(definition.roots):
        for path, node in walk(tree):
            arg = f"{path[-1][0]}{_number(path[-1][1])}" if path else ""
            yield node, Tag(term_of(root, path), key_of(definition, root, path, node), arg, _intent(node))


def term_of(root: int, path: Path) -> str:
    """The identifier of a part: "2.args0.term"."""
    return ".".join([str(root), *(f"{name}{_number(place)}" for name, place in path)])


def name_key(name: str) -> str:
    """The key of the value of a name."""
    return f"n:{name}"


def key_of(definition: Definition, root: int, path: Path, node: Node) -> str:
    """The key of a part; the value of a line that has one name is that of the name."""
    if not path and root < len(definition.lines) and len(definition.lines[root].targets) == 1:
        return name_key(definition.lines[root].targets[0])
    match node:
        case Name(id=name) | At(array=Name(id=name)) | Last(state=Name(id=name)) | Position(index=name):
            return name_key(name)
        case SizeOf(dim=dim):
            return f"s:{dim}".replace(" ", "")
    return f"t:{term_of(root, path)}"


def _number(place: int | None) -> str:
    return "" if place is None else str(place)


def _intent(node: Node) -> str:
    match node:
        case Apply(op=op, args=args):
            return f"{CONCEPTS.get(op, op)}({','.join(f'$args{place}' for place in range(len(args)))})"
        case Reduce(op=op, where=where):
            return f"{op}($term)" if where is None else f"{op}($term,$where)"
        case Number(value=value) if value < 0:
            return f"negate({-value:g})"
    return ""
