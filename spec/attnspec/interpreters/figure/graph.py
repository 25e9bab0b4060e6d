"""The data flow of an equation as a graph: arrays, lines and operations, and what each of them reads.

A value that is only named, indexed or stacked is no operation: it is written on the edge that it flows along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from attnspec.interpreters.dataflow import shape
from attnspec.interpreters.formula.formula import Callees
from attnspec.interpreters.formula.symbols import symbols
from attnspec.interpreters.formula.terminal import TERMINAL
from attnspec.interpreters.formula.terms import Terms
from attnspec.interpreters.tags import Tag, fresh, name_key, tags
from attnspec.language.registry import name_in_family
from attnspec.language.traversal import children
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    Concat,
    Definition,
    Last,
    Line,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Stack,
    Through,
    Zeros,
)

GIVEN, WEIGHT, STATE, OPERATION, LINE, RESULT = "given", "weight", "state", "operation", "line", "result"
"""The kinds of vertices: a parameter, a learned one, the state of a recurrence before a step, an operation, the value
of a line, and a result."""

CONSTANTS = (Number, SizeOf, Position, Zeros)
"""The nodes that are written within the operation that reads them."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A value.

    Attributes:
        id: what identifies it.
        kind: one of the kinds above.
        key: what it stands for, as in `attnspec.interpreters.tags`.
        operation: how it is computed, such as "σ" or "1 −"; of a state, the number that it begins with; "" if it is
            given.
        names: the names that it has, as the formula writes them; of an operation, its formula.
        shape: its shape; "" if it is not known.
        comment: the comment of the line.
    """

    id: str
    kind: str
    key: str
    operation: str = ""
    names: tuple[str, ...] = ()
    shape: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A value that is read.

    Attributes:
        source: the id of the vertex that computes it.
        target: the id of the vertex that reads it.
        symbol: how the formula writes it there, such as "k_j".
        shape: its shape there.
        is_loop: whether it is the state of a recurrence, read at the next step.
        index: of a loop, the index that counts the steps, such as "t".
    """

    source: str
    target: str
    symbol: str
    shape: str
    is_loop: bool = False
    index: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """The data flow of an equation; a vertex comes after what it reads, but for loops."""

    id: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]

    def json(self) -> dict[str, Any]:
        """The graph as JSON has it."""
        return {
            "equation": self.id,
            "nodes": [{name: getattr(each, name) for name in Vertex.__slots__} for each in self.vertices],
            "edges": [{name: getattr(each, name) for name in Edge.__slots__} for each in self.edges],
        }

    def text(self) -> Iterator[tuple[Vertex, str]]:
        """Each vertex with a sentence on it, in order."""
        for vertex in self.vertices:
            yield vertex, _sentence(vertex, [edge for edge in self.edges if edge.target == vertex.id])


def graph(definition: Definition) -> Graph:
    """The data flow of an equation."""
    return _Builder(fresh(definition)).graph()


def _sentence(vertex: Vertex, reads: Sequence[Edge]) -> str:
    of = ", ".join(f"{edge.symbol}, of the step before" if edge.is_loop else edge.symbol for edge in reads)
    name = ", ".join(vertex.names) + (f" {vertex.shape}" if vertex.shape else "")
    if vertex.kind in (GIVEN, WEIGHT):
        return f"{name}, {'a weight' if vertex.kind == WEIGHT else 'given'}"
    if vertex.kind == STATE:
        return f"{name} = {of}" + (f", from {vertex.operation}" if vertex.operation else "")
    how = f"{vertex.operation} of {of}" if vertex.operation and of else vertex.operation or of
    return f"{name} = {how}"


@dataclass
class _Builder:
    """Collects the vertices and edges of an equation in which each node is another object."""

    definition: Definition
    vertices: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tags: Mapping[int, Tag] = tags(self.definition)
        callees = Callees(TERMINAL, "")
        self.outer = Terms(
            symbols(self.definition, TERMINAL), lambda callee: name_in_family(callee.id) + callees.primes(callee)
        )

    def graph(self) -> Graph:
        names: dict[str, str] = {}
        for item in self.definition.parameters:
            kind = WEIGHT if item.symbol.weight else GIVEN
            shaped = f"({', '.join(map(str, item.dims))})" if item.layer is None else "(L layers)"
            shown = (self.outer.symbols.name(item.name),)
            names[item.name] = self.add(Vertex(item.name, kind, name_key(item.name), names=shown, shape=shaped))
        for root, line in enumerate(self.definition.lines):
            self.line(root, line, names)
        for place, node in enumerate(self.definition.returns):
            self.result(len(self.definition.lines) + place, node, names)
        return Graph(self.definition.id, tuple(self.vertices), tuple(self.edges))

    def add(self, vertex: Vertex) -> str:
        self.vertices.append(vertex)
        return vertex.id

    def line(self, root: int, line: Line, names: dict[str, str]) -> None:
        """Add the value of a line, and what it is computed from."""
        types = [self.outer.symbols.scope.names.get(name) for name in line.targets]
        shapes = ", ".join(shape(each, self.definition) for each in types if each is not None)
        shown = tuple(map(self.outer.symbols.name, line.targets))
        vertex = Vertex(str(root), LINE, self.tags[id(line.value)].key, "", shown, shapes, line.comment)
        names |= dict.fromkeys(line.targets, self.operation(line.value, vertex, names, self.outer))

    def result(self, root: int, node: Node, names: dict[str, str]) -> None:
        """Add a result."""
        place = root - len(self.definition.lines)
        results = self.definition.results
        own = results if len(self.definition.returns) == 1 else results[place : place + 1]
        shapes = ", ".join(f"({', '.join(map(str, each.dims))})" for each in own)
        title = "result" if len(own) == 1 == len(results) else ", ".join(each.name for each in own)
        vertex = Vertex(str(root), RESULT, self.tags[id(node)].key, "", (title,), shapes)
        self.operation(node, vertex, names, self.outer)

    def operation(self, node: Node, vertex: Vertex, names: Mapping[str, str], terms: Terms) -> str:
        """Add the vertex of a node, after those that it reads."""
        if isinstance(node, Scan):
            return self.scan(node, vertex, names, terms)
        reads: list[tuple[Node, str]]
        if is_passed_on(node):
            reads = [(node, source) for source in self.sources(node, names, terms)]
            return self.reading(vertex if reads else replace(vertex, operation=terms.show(node)), reads, terms)
        reads = [(child, source) for _, child in children(node) for source in self.sources(child, names, terms)]
        return self.reading(replace(vertex, operation=_operation(node, terms)), reads, terms)

    def reading(self, vertex: Vertex, reads: list[tuple[Node, str]], terms: Terms) -> str:
        """Add a vertex with the edges of what it reads."""
        for child, source in reads:
            self.edges.append(Edge(source, vertex.id, terms.show(child), self.shape(child, terms)))
        return self.add(vertex)

    def sources(self, node: Node, names: Mapping[str, str], terms: Terms) -> Iterator[str]:
        """The vertices of what a node passes on: itself if it is an operation, else what it names or looks up."""
        match node:
            case Name(id=name):
                if name in names:  # an option is no array
                    yield names[name]
            case _ if is_passed_on(node):
                for step, child in children(node):
                    if step[0] != "places" or not isinstance(child, Position):
                        yield from self.sources(child, names, terms)
            case _ if not isinstance(node, CONSTANTS):
                if _is_written_out(node, terms):
                    for _, child in children(node):
                        yield from self.sources(child, names, terms)
                    return
                tag = self.tags[id(node)]
                shown = (terms.show(node),)
                vertex = Vertex(tag.term, OPERATION, tag.key, names=shown, shape=self.shape(node, terms))
                yield self.operation(node, vertex, names, terms)

    def scan(self, node: Scan, vertex: Vertex, names: Mapping[str, str], terms: Terms) -> str:
        """Add a recurrence: its states before a step, the step, and the loop from it to the states."""
        inside = terms.step(node)
        states: dict[str, str] = {}
        for place, (name, start) in enumerate(zip(node.states, node.starts, strict=True)):
            id_ = f"{vertex.id}.state{place}"
            begun = terms.show(start) if _is_number(start, terms) else ""
            before = Vertex(id_, STATE, name_key(name), begun, (inside.symbols.name(name),))
            reads = [(start, source) for source in self.sources(start, names, terms)]
            states[name] = self.reading(before, reads, terms)
        body = replace(vertex, operation="")
        made = self.operation(node.body, body, {**names, **states}, inside)
        index = inside.symbols.index(node.index)
        self.edges += [
            Edge(made, state, inside.symbols.ending(name, index), "", is_loop=True, index=index)
            for name, state in states.items()
        ]
        return made

    def shape(self, node: Node, terms: Terms) -> str:
        kind = terms.symbols.type(node)
        return shape(kind, self.definition) if kind is not None else ""


def is_passed_on(node: Node) -> bool:
    """Whether a node only names, indexes or stacks a value."""
    return isinstance(node, Name | At | Stack | Last)


def _is_written_out(node: Node, terms: Terms) -> bool:
    """Whether an operation computes a number from numbers, such as m − n + i, and is no vertex."""
    return isinstance(node, Apply) and all(_is_number(child, terms) for _, child in children(node))


def _is_number(node: Node, terms: Terms) -> bool:
    """Whether a node reads no array, and is written within the operation that reads it."""
    options = terms.symbols.scope.definition.options
    is_option = isinstance(node, Name) and any(option.name == node.id for option in options)
    return is_option or isinstance(node, CONSTANTS) or _is_written_out(node, terms)


def _written(nodes: Sequence[Node], terms: Terms) -> list[str]:
    """Operands of which the numbers are written, and the others are read."""
    return [terms.show(node) if _is_number(node, terms) else "…" for node in nodes]


def _concatenation(terms: Terms, node: Concat) -> str:
    parts = _written(node.parts, terms)
    return "[;]" if set(parts) == {"…"} else f"[{'; '.join(parts)}]"


FUNCTIONS: Mapping[str, Callable[[Terms, Any], str]] = {
    "Concat": _concatenation,
    "ConcatOver": lambda terms, node: f"concat_{terms.symbols.index(node.index)}",
    "Split": lambda terms, node: f"split {terms.show(node.parts)}",
    "Reshape": lambda terms, node: f"reshape {terms.symbols.dims(node.dims)}",
}
"""{class of nodes: writes the operation}."""


def _operation(node: Node, terms: Terms) -> str:
    """An operation without what it reads."""
    match node:
        case Reduce(op=op, index=index, where=where):
            condition = where if where is not None and _is_number(where, terms) else None  # else it is read
            return terms.over(TERMINAL.words.get(op, op), index, condition)
        case Call(callee=callee, args=args, options=options):
            numbers = [terms.show(arg) for arg in args if _is_number(arg, terms)]
            numbers += [terms.option(name, value) for name, value in options if _is_number(value, terms)]
            return terms.callees(callee) + (f"({', '.join(numbers)})" if numbers else "")
        case Through(callee=callee, fault=fault):
            return terms.callees(callee) + (f", {fault}" if fault else "")
        case Apply(op="where", args=args) if any(_is_number(arg, terms) for arg in args):
            shown = _written(args, terms)
            return f"{shown[1]} if {shown[0]} else {shown[2]}"
        case Apply(op=op, args=(left, right)) if op not in ("where",):
            sign = _sign(op, left, right, terms)
            before = f"{terms.show(left)} " if _is_number(left, terms) else ""
            after = f" {terms.show(right)}" if _is_number(right, terms) else ""
            return f"{before}{sign}{after}"
        case Apply(op=op):
            return TERMINAL.words.get(op) or UNARY.get(op, op)
    written = FUNCTIONS.get(type(node).__name__)
    return written(terms, node) if written is not None else terms.show(node)


UNARY = {"neg": "−", "not": "¬", "sqrt": "√", "transpose": "ᵀ", "where": "if"}


def _sign(op: str, left: Node, right: Node, terms: Terms) -> str:
    """The sign of an operation on two operands, where the formula may have none."""
    if op in ("*", "@"):
        return terms.sign(op, left, right).replace("·", "@") or ("×" if op == "*" else "@")
    return {"/": "/", "//": "⌊/⌋", "%": "mod", "**": "^"}.get(op) or TERMINAL.signs.get(op, op).strip()
