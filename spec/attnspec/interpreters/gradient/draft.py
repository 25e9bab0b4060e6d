"""What is written while a gradient is derived: new lines, with names and indices of their own, and their types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from string import ascii_lowercase

from attnspec.interpreters.gradient.simplify import (
    closed_indices,
    free_name,
    indices_in,
    is_cheap,
    is_short,
    negative,
    over,
    repeated,
    times,
)
from attnspec.language.check import Scope, Type, check, infer, single
from attnspec.language.dims import Dim
from attnspec.language.traversal import children, map_node, reads, substitute
from attnspec.language.tree import (
    ONE,
    ZERO,
    Apply,
    At,
    Definition,
    Line,
    Name,
    Node,
    Parameter,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Stack,
)

NOT_ELEMENTWISE = ("@", "transpose")
"""Operations of `Apply` that combine elements of different places."""


@dataclass
class Draft:
    """An equation to which lines are added.

    Attributes:
        forward: the equation whose lines come first.
        lines: the lines that were added.
        kept: {part of a forward line that is read again: the name of the line that it becomes}.
        taken: all names in use.
    """

    forward: Definition
    lines: list[Line] = field(default_factory=list)
    kept: dict[Node, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.scope = Scope(self.forward, check(self.forward))
        for line in self.forward.lines:
            if isinstance(line.value, Scan):
                self.scope.scanned |= dict.fromkeys(line.targets, line.value.index)
        sizes = {name for _, dim in self.forward.indices for name in dim.names}
        sizes |= {name for parameter in self.forward.parameters for dim in parameter.dims for name in dim.names}
        self.taken |= {*self.scope.names, *self.forward.ranges, *sizes}
        self.forward_parts = {part for root in self.forward.roots for part in _outside_scans(root)}
        self.lines_by_value = {line.value: line.targets[0] for line in self.forward.lines if len(line.targets) == 1}

    # Names, indices and lines.

    def fresh(self, name: str) -> str:
        """A name that is not in use: `name`, or with a number behind it."""
        new = free_name(name, self.taken)
        self.taken.add(new)
        return new

    def fresh_index(self, size: Dim, *avoid: Node) -> str:
        """An index over a size that does not occur in the given expressions: one of the equation, or a new one."""
        used = {index for node in avoid for index in (*indices_in(node), *self.type(node).names)}
        used |= {index for node in avoid for index in self.indices_of_names(node)}
        for index, range_ in self.scope.definition.indices:
            if range_ == size and index not in used:
                return index
        letters = [letter for letter in f"klw{ascii_lowercase}" if letter not in self.taken]
        index = letters[0] if letters else self.fresh("k")
        self.taken.add(index)
        definition = self.scope.definition
        self.scope.definition = replace(definition, indices=(*definition.indices, (index, size)))
        return index

    def add(self, targets: tuple[str, ...], value: Node) -> None:
        """Add a line."""
        self.scope.names |= dict(zip(targets, infer(value, self.scope), strict=True))
        if isinstance(value, Scan):
            self.scope.scanned |= dict.fromkeys(targets, value.index)
        self.lines.append(Line(targets, value))

    def named(self, value: Node, name: str) -> Node:
        """An expression under a name, in a line of its own unless it is short."""
        return value if is_short(value) else self.in_line(value, name)

    def in_line(self, value: Node, name: str) -> Node:
        """An expression under a name, in a line of its own unless it is a name."""
        if isinstance(value, Name):
            return value
        known = next((line.targets[0] for line in self.lines if line.value == value), None)
        if known is None:
            known = self.fresh(name)
            self.add((known,), value)
        return Name(known)

    def keep(self, node: Node) -> Node:
        """The value of a part of a forward line: written again if that is cheap, or else kept in a line of its own."""
        if is_cheap(node):
            return node
        if node in self.lines_by_value:
            return Name(self.lines_by_value[node])
        if node not in self.kept:
            self.kept[node] = self.fresh("p" if isinstance(node, Reduce) else "y")
            self.scope.names[self.kept[node]] = self.type(node)
            if node not in self.forward_parts:
                self.lines.append(Line((self.kept[node],), node))
        return Name(self.kept[node])

    def number(self, node: Node) -> Node:
        """The kept value of a factor, with 1 and 0 for truth values."""
        kept = self.keep(node)
        return Apply("where", (kept, ONE, ZERO)) if self.type(node).kind == "bool" else kept

    def all_lines(self) -> Iterator[Line]:
        """The forward lines, with what is kept in lines of its own, then the lines that were added."""
        written: set[str] = set()
        for line in (*self.forward.lines, *(Line((), value) for value in self.forward.returns)):
            for part in reversed(list(_outside_scans(line.value))):
                if part in self.kept and self.kept[part] not in written:
                    written.add(self.kept[part])
                    yield Line((self.kept[part],), self.with_names(part))
            if line.targets:
                yield replace(line, value=self.read(line.value))
        yield from self.lines

    def read(self, node: Node) -> Node:
        """A forward expression that reads what is kept."""
        return Name(self.kept[node]) if node in self.kept else self.with_names(node)

    def with_names(self, node: Node) -> Node:
        """A forward expression whose parts are read where they are kept."""
        for step, child in children(node):
            if not (isinstance(node, Scan) and step == ("body", None)):
                new = self.read(child)
                node = node if new is child else substitute(node, (step,), new)
        return node

    # Expressions that depend on types.

    def declare(self, parameters: Iterable[Parameter]) -> None:
        """Add parameters."""
        self.scope.names |= {parameter.name: Type(parameter.kind, dims=parameter.dims) for parameter in parameters}

    def type(self, node: Node) -> Type:
        """The type of an expression."""
        return single(node, self.scope)

    def size(self, index: str) -> SizeOf:
        """The size that an index runs over."""
        return SizeOf(self.scope.definition.ranges[index])

    def sum(self, index: str, term: Node, where: Node | None = None) -> Node:
        """Σ over an index; what does not depend on it stands in front."""
        if isinstance(term, Apply) and term.op == "neg":
            return negative(self.sum(index, term.args[0], where))
        if where is not None and index in self.type(where).names:
            return Reduce("sum", index, term, where)
        if index not in self.type(term).names:
            return times(term, self.size(index))
        match term:
            case Apply(op="/", args=(top, bottom)) if index not in self.type(bottom).names:
                return over(self.sum(index, top), bottom)
            case Apply(op="*", args=(a, b)) if index not in self.type(b).names and self.type(a).dims:
                return times(self.sum(index, a), b)
        return Reduce("sum", index, term)

    def broadcast(self, node: Node, indices: Iterable[str]) -> Node:
        """An expression that has the indices, and is the same for all values of those that it did not have."""
        for index in indices:
            if index not in self.type(node).names:
                node = repeated(node, index)
        return node

    def stacked(self, node: Node, indices: tuple[str, ...]) -> Node:
        """`node.stack(i, j)`; X if the node is X[i, j]."""
        match node:
            case At(array=array, places=places) if places == tuple(map(Position, indices)):
                type_ = self.type(array)
                ranges = tuple(self.scope.definition.ranges[index] for index in indices)
                if not type_.names & set(indices) and type_.dims[: len(ranges)] == ranges:
                    return array
            case Apply(op="neg", args=(inner,)):
                return negative(self.stacked(inner, indices))
        return Stack(self.broadcast(node, indices), indices)

    def at(self, node: Node, places: tuple[Node, ...]) -> Node:
        """`node[i, j]`; the subscripts of an elementwise operation are those of its arguments."""
        match node:
            case Stack(array=array, indices=indices) if len(indices) == len(places):
                renamed = self.renamed(array, dict(zip(indices, places, strict=True)))
                if renamed is not None:
                    return renamed
            case Apply(op=op, args=args) if op not in NOT_ELEMENTWISE:
                return Apply(op, tuple(self.at(arg, places) if self.type(arg).dims else arg for arg in args))
        return At(node, places)

    def indices_of_names(self, node: Node) -> set[str]:
        """The indices of the named axes of all names that an expression reads."""
        return {index for name in reads(node) for index in self.scope.names[name].names}

    def renamed(self, node: Node, places: dict[str, Node]) -> Node | None:
        """An expression with other indices in the place of its own; None if they cannot be replaced in it."""
        changed = {old: new for old, new in places.items() if new != Position(old)}
        if not all(isinstance(new, Position) for new in changed.values()):
            return None
        if not changed:
            return node
        new_indices = {new.index for new in changed.values() if isinstance(new, Position)}
        named = self.indices_of_names(node)
        if (named | closed_indices(node)) & changed.keys() or new_indices & (indices_in(node) | named):
            return None
        return map_node(node, lambda part: changed.get(part.index, part) if isinstance(part, Position) else part)


def _outside_scans(node: Node) -> Iterator[Node]:
    """A node and its descendants, without the steps of recurrences; a node comes before its descendants."""
    yield node
    for step, child in children(node):
        if not (isinstance(node, Scan) and step == ("body", None)):
            yield from _outside_scans(child)
