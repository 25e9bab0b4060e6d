"""Places of a formula where another number may stand: a constant, a factor, or a term that does not belong there.

There is no end of numbers, so they are no mutants. A number is fitted to wrong answers, and then these places say what
the equation becomes with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.mutants import inside_scan, parts, sound
from attnspec.interpreters.mutation.operators import Site
from attnspec.language.check import called_with, check, infer, replaced
from attnspec.language.dims import Dim
from attnspec.language.layers import sizes_of
from attnspec.language.traversal import Path, map_definition, map_node, node_at, nodes, substitute, walk
from attnspec.language.tree import (
    SOFTMAXES,
    Apply,
    At,
    Call,
    Concat,
    ConcatOver,
    Definition,
    Name,
    Node,
    Number,
    Reduce,
    Scan,
    SizeOf,
    Split,
    Stack,
    Through,
)

CONSTANT, FACTOR, TERM, THROUGHOUT = "constant", "factor", "term", "throughout"

NOT_VALUES = ("places", "where", "parts", "state")
"""Fields of nodes that hold indices, conditions, counts, and the name of a recurrence's state."""

MOVED = (At, Stack, Split, ConcatOver, Scan)
"""Nodes whose elements are those of another: a number there is a number at the other."""

LINEAR = ("+", "-", "*", "/", "@", "neg", "transpose")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A size or an option that a number may be made of.

    Attributes:
        node: as it is written where the number stands.
        outside: as it is written in the whole equation, from whose sizes and options it is computed.
    """

    node: Node
    outside: Node


@dataclass(frozen=True, slots=True)
class FreeNumber:
    """A place where a number may stand that is not the equation's.

    Attributes:
        kind: "constant" (it stands in place of a constant), "factor" (a part of the formula is multiplied by it),
            "term" (it is added to one), or "throughout" (arguments are multiplied by it wherever they are read).
        line: the name of the line that it stands in.
        shown: the part of the formula, printed.
        old: the constant in place of which it stands, as it is written in the whole equation; None for other kinds.
        quantities: what it may be made of.
        insert: makes the equation that has a number here; for a constant, a factor of the constant.
        become: makes the equation that has a closed form here.
    """

    kind: str
    line: str
    shown: str
    old: Node | None
    quantities: tuple[Quantity, ...]
    insert: Callable[[float], Definition]
    become: Callable[[Node], Definition]

    @property
    def neutral(self) -> float:
        """The number with which the equation is as it should be."""
        return 0.0 if self.kind == TERM else 1.0


def free_numbers(definition: Definition) -> Iterator[FreeNumber]:
    """Every place of an equation and of those that it calls where a number that is not whole may stand."""
    quantities = tuple(Quantity(node, node) for node in _quantities(definition))
    throughout = (_throughout(definition, quantities, names) for names in _groups(definition))
    for place in (*_places(definition, quantities, lambda tree: tree), *throughout):
        if sound(place.insert(0.5)):
            yield place


def _groups(definition: Definition) -> Iterator[tuple[str, ...]]:
    """Arguments that software may treat alike: each by itself, and those whose names begin alike and that fit alike."""
    floats = [parameter for parameter in definition.parameters if parameter.kind == "float"]
    groups: dict[tuple[str, int], list[str]] = {}
    for parameter in floats:
        yield (parameter.name,)
        if "_" in parameter.name:
            groups.setdefault((parameter.name.split("_")[0], len(parameter.dims)), []).append(parameter.name)
    yield from (tuple(names) for names in groups.values() if len(names) > 1)


def _throughout(definition: Definition, quantities: tuple[Quantity, ...], names: tuple[str, ...]) -> FreeNumber:
    def become(number: Node) -> Definition:
        def change(node: Node) -> Node:
            return Apply("*", (number, node)) if isinstance(node, Name) and node.id in names else node

        return map_definition(definition, change)

    *first, last = [text_of(Name(name), definition) for name in names]
    shown = f"{', '.join(first)} and {last}" if first else last
    return FreeNumber(THROUGHOUT, "", shown, None, quantities, lambda number: become(Number(number)), become)


def _quantities(definition: Definition) -> Iterator[Node]:
    for size in sizes_of(definition):
        yield SizeOf(Dim.parse(size))
    for option in definition.options:
        if not option.size:
            yield Name(option.name)


def _places(
    definition: Definition, quantities: tuple[Quantity, ...], whole: Callable[[Definition], Definition]
) -> Iterator[FreeNumber]:
    types = check(definition)
    lines = [name for line in definition.lines for name in line.targets]
    uses = Counter(node.id for node in nodes(definition) if isinstance(node, Name))
    once = frozenset(name for name in lines if uses[name] == 1)
    known = {name: kind for name, kind in types.items() if name not in lines}
    for (label, root, build), targets in zip(
        parts(definition), [*(line.targets for line in definition.lines), *((),) * len(definition.returns)], strict=True
    ):
        site = Site(definition, dict(known), types, root)

        def with_root(node: Node, build: Callable[[Node], Definition] = build) -> Definition:
            return whole(build(node))

        seen: set[tuple[str, Node]] = set()
        for path, node in walk(root):
            for number in _at(node, root, path, inside_scan(site, root, path), once, label, quantities, with_root):
                if isinstance(node, Call) or (number.kind, node) not in seen:
                    seen.add((number.kind, node))
                    yield number
        known |= {name: types[name] for name in targets}


def _at(
    node: Node,
    root: Node,
    path: Path,
    site: Site,
    once: frozenset[str],
    label: str,
    quantities: tuple[Quantity, ...],
    build: Callable[[Node], Definition],
) -> Iterator[FreeNumber]:
    if any(field in NOT_VALUES for field, _ in path):
        return
    parent = node_at(root, path[:-1]) if path else None

    def made(kind: str, change: Callable[[Node], Node], old: Node | None = None, shown: str = "") -> FreeNumber:
        def become(number: Node) -> Definition:
            return build(map_node(root, lambda each: change(number) if each == node else each))

        def insert(number: float) -> Definition:
            return become(Apply("*", (Number(number), node)) if kind == CONSTANT else Number(number))

        return FreeNumber(kind, label, shown or site.show(node), old, quantities, insert, become)

    if _is_constant(node, site.definition):
        if parent is None or not _is_constant(parent, site.definition):
            outside = _outside(node, quantities)
            if outside is not None:
                yield made(CONSTANT, lambda number: number, outside)
        return
    if isinstance(node, Call):
        yield from _in_call(node, root, path, site, quantities, build)
    if not _is_float(node, site) or (parent is None and isinstance(node, MOVED)) or _line_of(node) in once:
        return  # a number here is a number elsewhere
    if isinstance(node, Reduce) and node.op == "softmax":
        shown = f"the denominator of {site.show(node)}"
        yield made(TERM, lambda number: _with_denominator(node, number), shown=shown)
    if parent is None or _takes_a_factor(parent):
        yield made(FACTOR, lambda number: Apply("*", (number, node)))
    if parent is None or _takes_a_term(parent, path):
        yield made(TERM, lambda number: Apply("+", (node, number)))


def _with_denominator(softmax: Reduce, number: Node) -> Node:
    """exp(x − max) / (Σ exp(x − max) + number), 0 where the softmax is masked."""
    largest = replace(softmax, op="max")
    exponential = Apply("exp", (Apply("-", (softmax.term, largest)),))
    total = replace(softmax, op="sum", term=exponential)
    weight = Apply("/", (exponential, Apply("+", (total, number))))
    return weight if softmax.where is None else Apply("where", (softmax.where, weight, Number(0.0)))


def _in_call(
    node: Call,
    root: Node,
    path: Path,
    site: Site,
    quantities: tuple[Quantity, ...],
    build: Callable[[Node], Definition],
) -> Iterator[FreeNumber]:
    """Places in an equation that is called."""
    args = [infer(arg, site.scope)[0] for arg in node.args]
    sizes, given = called_with(node, args, site.scope), dict(node.options)
    inside: list[Quantity] = []
    for quantity in _quantities(node.callee):
        match quantity:
            case SizeOf(dim=dim):
                theirs: Node | None = SizeOf(sizes[str(dim)]) if str(dim) in sizes else None
            case Name(id=name):
                theirs = given.get(name)
            case _:
                theirs = None
        outside = None if theirs is None else _outside(theirs, quantities)
        if outside is not None:
            inside.append(Quantity(quantity, outside))

    def whole(callee: Definition) -> Definition:
        return build(substitute(root, path, replace(node, callee=callee)))

    yield from _places(node.callee, tuple(inside), whole)


def _is_constant(node: Node, definition: Definition) -> bool:
    """Whether a part of the formula is made of numbers, sizes and options alone."""
    match node:
        case Number() | SizeOf():
            return True
        case Name(id=name):
            return any(option.name == name for option in definition.options)
        case Apply(args=args):
            return all(_is_constant(arg, definition) for arg in args)
        case _:
            return False


def _line_of(node: Node) -> str:
    """The name that is read here, with or without subscripts; "" where it is more."""
    inner = node.array if isinstance(node, At) else node
    return inner.id if isinstance(inner, Name) else ""


def _is_float(node: Node, site: Site) -> bool:
    try:
        kinds = infer(node, site.scope)
    except NotationError:
        return False
    return len(kinds) == 1 and kinds[0].kind == "float"


def _takes_a_factor(parent: Node) -> bool:
    """Whether a factor of what stands below this node is not simply a factor of the node."""
    match parent:
        case Apply(op=op):
            return op not in ("*", "/", "@", "neg", "transpose")
        case Reduce(op=op):
            return op in SOFTMAXES
        case Concat() | Call() | Through() | Scan():
            return True
        case _:
            return False


def _takes_a_term(parent: Node, path: Path) -> bool:
    """Whether a term of what stands below this node is not simply a term of the node."""
    match parent:
        case Apply(op="/"):
            return path[-1] == ("args", 1)
        case Apply(op="*"):
            return True
        case Apply(op=op):
            return op not in (*LINEAR, "where")
        case _:
            return False


def _outside(node: Node, quantities: tuple[Quantity, ...]) -> Node | None:
    """A constant as it is written in the whole equation; None where it is made of something that has no name there."""
    match node:
        case Number():
            return node
        case SizeOf(dim=dim):
            known = {
                str(quantity.node.dim): quantity.outside for quantity in quantities if isinstance(quantity.node, SizeOf)
            }
            if str(dim) in known:
                return known[str(dim)]
            outer = {name: outside.dim for name, outside in known.items() if isinstance(outside, SizeOf)}
            return SizeOf(replaced(dim, outer)) if all(name in outer for name in dim.names) else None
        case Name():
            return next((quantity.outside for quantity in quantities if quantity.node == node), None)
        case Apply(op=op, args=args):
            below = [_outside(arg, quantities) for arg in args]
            return None if None in below else Apply(op, tuple(arg for arg in below if arg is not None))
        case _:
            return None


def number_of(node: Node, sizes: Mapping[str, int], options: Mapping[str, float]) -> float:
    """The value of a constant; NaN where it has none."""
    match node:
        case Number(value=value):
            return value
        case SizeOf(dim=dim):
            return float(dim.value(sizes))
        case Name(id=name):
            return float(options.get(name, math.nan))
        case Apply(op=op, args=args) if op in COMPUTED:
            try:
                return COMPUTED[op](*(number_of(arg, sizes, options) for arg in args))
            except (ValueError, ZeroDivisionError, OverflowError):
                return math.nan
        case _:
            return math.nan


COMPUTED: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
}
"""How constants are computed."""
