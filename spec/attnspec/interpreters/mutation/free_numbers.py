"""Free numbers of a formula: places where a constant, a factor or a term may have another value.

They are not mutants of an equation, as there are infinitely many values. A number is fitted to wrong answers, and a
`FreeNumber` makes the equation with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from attnspec.errors import NotationError
from attnspec.interpreters.evaluation.several import Several
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.mutants import inside_scan, is_well_formed, parts
from attnspec.interpreters.mutation.operators import Site, where_seen
from attnspec.language.check import COMPARISONS, called_with, check, infer, replaced
from attnspec.language.dims import Dim
from attnspec.language.layers import sizes_of
from attnspec.language.traversal import Path, map_definition, map_node, node_at, nodes, replace_node, substitute, walk
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
    Position,
    Reduce,
    Scan,
    SizeOf,
    Split,
    Stack,
    Through,
)

CONSTANT, FACTOR, TERM, THROUGHOUT, SHARE = "constant", "factor", "term", "throughout", "share"

NOT_VALUES = ("places", "where", "parts", "state")
"""Fields of nodes that hold indices, conditions, counts, and the name of a recurrence's state."""


def leads_to_value(path: Path) -> bool:
    """Whether a path leads to a value, through no subscript, condition or count; what is concatenated is a value."""
    return not any(field in NOT_VALUES and (field != "parts" or place is None) for field, place in path)


def is_compared(root: Node, path: Path) -> bool:
    """Whether a node at the end of a path is part of a comparison."""
    above = (node_at(root, path[:length]) for length in range(len(path)))
    return any(isinstance(node, Apply) and node.op in COMPARISONS for node in above)


MOVED = (At, Stack, Split, ConcatOver, Scan)
"""Nodes that only move elements: a number there is equivalent to a number at their operand."""

LINEAR = ("+", "-", "*", "/", "@", "neg", "transpose")
"""Operations that are linear in each operand, except for a divisor."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A size or an option that a number may be computed from.

    Attributes:
        node: its syntax tree in the equation that has the number.
        outside: its syntax tree in the sizes and options of the outermost equation.
    """

    node: Node
    outside: Node


@dataclass(frozen=True, slots=True)
class FreeNumber:
    """A place in a formula where a number may differ from that of the equation.

    Attributes:
        kind: "constant" (it replaces a constant), "factor" (a part of the formula is multiplied by it), "term" (it is
            added to a part), "throughout" (arguments are multiplied by it wherever they are read), or "share" (how much
            the mean over an axis counts in the element of it that an argument chooses).
        line: the name of the line.
        shown: the part of the formula, as text.
        old: the replaced constant, in sizes and options of the outermost equation; None for other kinds.
        quantities: the sizes and options that it may be computed from.
        put: makes the equation with a number here; for a constant, with the constant multiplied by the number.
        become: makes the equation with an expression here.
        times: what the number of a term is multiplied by, as text; "" if it is added as it is. Of a share, what counts
            in place of the rest; "" for the mean over an axis.
    """

    kind: str
    line: str
    shown: str
    old: Node | None
    quantities: tuple[Quantity, ...]
    put: Callable[[Number], Definition]
    become: Callable[[Node], Definition]
    times: str = ""

    def insert(self, number: float) -> Definition:
        """The equation with a number here; for a constant, with the constant multiplied by the number."""
        return self.put(Number(number))

    def insert_each(self, numbers: Sequence[float]) -> Definition:
        """The same with several numbers, which are evaluated at once."""
        return self.put(Number(Several(numbers)))

    @property
    def neutral(self) -> float:
        """The number that leaves the equation unchanged."""
        return 0.0 if self.kind in (TERM, SHARE) else 1.0


def free_numbers(definition: Definition, roots: Collection[int] | None = None) -> Iterator[FreeNumber]:
    """The free numbers of an equation and of those that it calls, where a fraction is allowed.

    Args:
        roots: the positions of the lines that may be wrong among the roots of the equation; all of them by default.
    """
    quantities = tuple(Quantity(node, node) for node in _quantities(definition))
    throughout = (_throughout(definition, quantities, names) for names in _groups(definition))
    mixed = _mixed_results(definition, quantities, lambda tree: tree) if roots is None else ()
    options = _options(definition, quantities)
    for place in (*_places(definition, quantities, lambda tree: tree, roots), *throughout, *options, *mixed):
        if is_well_formed(place.insert(0.5)):
            yield place


def _mixed_results(
    definition: Definition, quantities: tuple[Quantity, ...], whole: Callable[[Definition], Definition]
) -> Iterator[FreeNumber]:
    """How much an argument, such as the old state, counts in a result of its shape.

    Args:
        whole: makes the outermost equation of a changed one.
    """
    many = len(definition.results) > 1
    for k, (result, node) in enumerate(zip(definition.results, definition.returns, strict=False)):
        for parameter in definition.parameters:
            if parameter.symbol.weight or not parameter.kind == result.kind == "float":
                continue
            if parameter.dims != result.dims:
                continue

            def become(number: Node, k: int = k, node: Node = node, name: str = parameter.name) -> Definition:
                returns = (*definition.returns[:k], _mixed(node, Name(name), number), *definition.returns[k + 1 :])
                return whole(replace(definition, returns=returns))

            shown, old = f"result {k + 1}" if many else "the result", text_of(Name(parameter.name), definition)
            yield FreeNumber(SHARE, "", shown, None, quantities, become, become, old)


def _groups(definition: Definition) -> Iterator[tuple[str, ...]]:
    """Groups of arguments that software may scale together: single ones, and those of one group and rank."""
    floats = [parameter for parameter in definition.parameters if parameter.kind == "float"]
    groups: dict[tuple[str, int], list[str]] = {}
    for parameter in floats:
        yield (parameter.name,)
        if group := parameter.symbol.group:
            groups.setdefault((group, len(parameter.dims)), []).append(parameter.name)
    yield from (tuple(names) for names in groups.values() if len(names) > 1)


def _throughout(definition: Definition, quantities: tuple[Quantity, ...], names: tuple[str, ...]) -> FreeNumber:
    """The factor of some arguments wherever they are read."""

    def become(number: Node) -> Definition:
        def change(node: Node) -> Node:
            return Apply("*", (number, node)) if isinstance(node, Name) and node.id in names else node

        return map_definition(definition, change)

    *first, last = [text_of(Name(name), definition) for name in names]
    shown = f"{', '.join(first)} and {last}" if first else last
    return FreeNumber(THROUGHOUT, "", shown, None, quantities, become, become)


def _options(definition: Definition, quantities: tuple[Quantity, ...]) -> Iterator[FreeNumber]:
    """The options that are read in several lines: one number may stand for all of them."""
    read = Counter(name for _, root, _ in parts(definition) for name in {each.id for each in _names(root)})
    for quantity in quantities:
        if isinstance(quantity.node, Name) and read[quantity.node.id] > 1:  # in one line it is a constant of that line
            yield _option(definition, quantities, quantity.node)


def _names(root: Node) -> Iterator[Name]:
    return (node for _, node in walk(root) if isinstance(node, Name))


def _option(definition: Definition, quantities: tuple[Quantity, ...], option: Name) -> FreeNumber:
    """The number that an option is, wherever it is read."""

    def become(number: Node) -> Definition:
        return map_definition(definition, lambda node: number if node == option else node)

    def put(number: Number) -> Definition:
        return become(Apply("*", (number, option)))

    return FreeNumber(CONSTANT, "", text_of(option, definition), option, quantities, put, become)


def _quantities(definition: Definition) -> Iterator[Node]:
    """The sizes of an equation, and the options that are not sizes."""
    for size in sizes_of(definition):
        yield SizeOf(Dim.parse(size))
    for option in definition.options:
        if not option.size:
            yield Name(option.name)


def _places(
    definition: Definition,
    quantities: tuple[Quantity, ...],
    whole: Callable[[Definition], Definition],
    roots: Collection[int] | None = None,
) -> Iterator[FreeNumber]:
    """The free numbers of an equation at single nodes.

    Args:
        definition: the equation.
        quantities: its sizes and options.
        whole: makes the outermost equation of a changed one.
        roots: the positions of the lines; all of them by default.
    """
    types = check(definition)
    lines = [name for line in definition.lines for name in line.targets]
    uses = Counter(node.id for node in nodes(definition) if isinstance(node, Name))
    once = frozenset(name for name in lines if uses[name] == 1)
    known = {name: kind for name, kind in types.items() if name not in lines}
    targets_of = [*(line.targets for line in definition.lines), *((),) * len(definition.returns)]
    for position, ((label, root, build), targets) in enumerate(zip(parts(definition), targets_of, strict=True)):
        site = Site(definition, dict(known), types, root)

        def with_root(node: Node, build: Callable[[Node], Definition] = build) -> Definition:
            return whole(build(node))

        seen: set[tuple[str, str, str, Node]] = set()
        for path, node in walk(root) if roots is None or position in roots else ():
            for number in _at(node, root, path, inside_scan(site, root, path), once, label, quantities, with_root):
                if isinstance(node, Call) or (number.kind, number.shown, number.times, node) not in seen:
                    seen.add((number.kind, number.shown, number.times, node))
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
    """The free numbers at one node.

    Args:
        node: the node.
        root: the line or result that it belongs to.
        path: its path from there.
        site: its place, with the types of names.
        once: the lines that are read once; a number at such a name is equivalent to one in the line.
        label: the name of the line or result.
        quantities: the sizes and options of the equation.
        build: makes the outermost equation with another tree in place of `root`.
    """
    if not leads_to_value(path):
        return
    parent = node_at(root, path[:-1]) if path else None

    def made(
        kind: str, change: Callable[[Node], Node], old: Node | None = None, shown: str = "", times: str = ""
    ) -> FreeNumber:
        def become(number: Node) -> Definition:
            return build(map_node(root, lambda part: change(number) if part == node else part))

        def put(number: Number) -> Definition:
            return become(Apply("*", (number, node)) if kind == CONSTANT else number)

        return FreeNumber(kind, label, shown or site.show(node), old, quantities, put, become, times)

    if _is_constant(node, site.definition):
        if parent is None or not _is_constant(parent, site.definition):
            outside = _outside(node, quantities)
            if outside is not None:
                yield made(CONSTANT, lambda number: number, outside)
        return
    if isinstance(node, Call):
        yield from _in_call(node, root, path, site, quantities, build)
    if isinstance(node, At) and (mean := _mean_over_chosen(node, site)) is not None:
        yield made(SHARE, lambda number: _mixed(node, mean, number))
    if not _is_real(node, parent, site) or (parent is None and isinstance(node, MOVED)) or _line_of(node) in once:
        return  # equivalent to a number elsewhere
    if isinstance(node, Reduce) and node.op == "softmax":
        shown = f"the denominator of {site.show(node)}"
        yield made(TERM, lambda number: _with_denominator(node, number), shown=shown)
    if isinstance(node, Reduce) and node.op == "log_softmax":
        shown = site.show(replace(node, op="softmax"))
        yield made(TERM, partial(_log_of_sum, replace(node, op="softmax")), shown=f"{shown} under the logarithm")
    if isinstance(node, Reduce) and node.op in SOFTMAXES:
        for distance, times in _distances(node, site):
            yield made(TERM, partial(_with_slope, node, distance), shown=site.show(node.term), times=times)
    if parent is None or _takes_a_factor(parent):
        yield made(FACTOR, lambda number: Apply("*", (number, node)))
    if parent is None or _takes_a_term(parent, path, site.definition):
        yield made(TERM, lambda number: Apply("+", (node, number)))
    for other in _alike(node, parent, site.definition):
        yield made(TERM, partial(_plus, node, other), times=site.show(other))


def _plus(node: Node, other: Node, number: Node) -> Node:
    return Apply("+", (node, Apply("*", (number, other))))


def _alike(node: Node, parent: Node | None, definition: Definition) -> Iterator[Node]:
    """The other arguments of the axes of one that no model learns, but for those that it is added to."""
    array = node.array if isinstance(node, At) else node
    floats = {each.name: each for each in definition.parameters if each.kind == "float" and not each.symbol.weight}
    if not isinstance(array, Name) or array.id not in floats or isinstance(parent, At):
        return
    beside = parent.args if isinstance(parent, Apply) and parent.op in ("+", "-") else ()
    for name, other in floats.items():
        alike = replace_node(node, array, Name(name))
        if name != array.id and other.dims == floats[array.id].dims and alike not in beside:
            yield alike


def _with_denominator(softmax: Reduce, number: Node) -> Node:
    """A softmax with a number added to its denominator: exp(x − max) / (Σ exp(x − max) + number), 0 where masked."""
    largest = replace(softmax, op="max")
    exponential = Apply("exp", (Apply("-", (softmax.term, largest)),))
    total = replace(softmax, op="sum", term=exponential)
    return where_seen(softmax, Apply("/", (exponential, Apply("+", (total, number)))))


def _log_of_sum(probability: Node, number: Node) -> Node:
    return Apply("log", (Apply("+", (probability, number)),))


def _distances(softmax: Reduce, site: Site) -> Iterator[tuple[Node, str]]:
    """How far the index of a softmax is from each other index of its scores, with and without the sign, and as text."""
    for other in sorted(site.type_of(softmax.term).names - {softmax.index, *site.bound}):
        distance = Apply("-", (Position(softmax.index), Position(other)))
        yield distance, f"({site.show(distance)})"
        yield Apply("abs", (distance,)), f"|{site.show(distance)}|"


def _with_slope(softmax: Reduce, distance: Node, number: Node) -> Node:
    """A softmax whose scores fall or rise with a distance."""
    return replace(softmax, term=Apply("+", (softmax.term, Apply("*", (number, distance)))))


def _mean_over_chosen(node: At, site: Site) -> Node | None:
    """The mean over the axis along which an argument of whole numbers chooses; None if there is no such axis."""
    arguments = {each.name for each in site.definition.parameters if each.kind == "int"}
    chosen = [k for k, place in enumerate(node.places) if isinstance(place, Name) and place.id in arguments]
    dims = infer(node.array, site.scope)[0].dims
    over = [index for index, range_ in site.definition.ranges.items() if chosen and range_ == dims[chosen[0]]]
    if len(chosen) != 1 or not over or over[0] in site.bound:
        return None
    places = (*node.places[: chosen[0]], Position(over[0]), *node.places[chosen[0] + 1 :])
    return Apply("/", (Reduce("sum", over[0], At(node.array, places)), SizeOf(dims[chosen[0]])))


def _mixed(chosen: Node, mean: Node, share: Node) -> Node:
    """(1 − share)·chosen + share·mean."""
    rest = Apply("-", (Number(1.0), share))
    return Apply("+", (Apply("*", (rest, chosen)), Apply("*", (share, mean))))


def _in_call(
    node: Call,
    root: Node,
    path: Path,
    site: Site,
    quantities: tuple[Quantity, ...],
    build: Callable[[Node], Definition],
) -> Iterator[FreeNumber]:
    """The free numbers in a called equation."""
    args = [infer(arg, site.scope)[0] for arg in node.args]
    sizes, given = called_with(node, args, site.scope), dict(node.options)
    inside: list[Quantity] = []
    for quantity in _quantities(node.callee):
        match quantity:
            case SizeOf(dim=dim):
                argument: Node | None = SizeOf(sizes[str(dim)]) if str(dim) in sizes else None
            case Name(id=name):
                argument = given.get(name)
            case _:
                argument = None
        outside = None if argument is None else _outside(argument, quantities)
        if outside is not None:
            inside.append(Quantity(quantity, outside))

    def whole(callee: Definition) -> Definition:
        return build(substitute(root, path, replace(node, callee=callee)))

    yield from _places(node.callee, tuple(inside), whole)
    for mixed in _mixed_results(node.callee, tuple(inside), whole):
        yield replace(mixed, shown=f"{mixed.shown} of {node.callee.id.rpartition('.')[2]}")


def _is_constant(node: Node, definition: Definition) -> bool:
    """Whether a node consists of numbers, sizes and options only."""
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
    """The name that a node reads, with or without subscripts; "" for other nodes."""
    inner = node.array if isinstance(node, At) else node
    return inner.id if isinstance(inner, Name) else ""


def is_float(node: Node, site: Site) -> bool:
    """Whether a node has one floating-point value."""
    return _kind(node, site) == "float"


def _is_real(node: Node, parent: Node | None, site: Site) -> bool:
    """Whether a node's value is a real number, or an integer that is used as one, as in an exponent."""
    kind = _kind(node, site)
    return kind == "float" or (kind == "int" and isinstance(parent, Apply) and is_float(parent, site))


def _kind(node: Node, site: Site) -> str:
    """The kind of a node that has one value; "" for other nodes."""
    try:
        kinds = infer(node, site.scope)
    except NotationError:
        return ""
    return kinds[0].kind if len(kinds) == 1 else ""


def _takes_a_factor(parent: Node) -> bool:
    """Whether a factor of a child is not equivalent to a factor of this node."""
    match parent:
        case Apply(op=op):
            return op not in ("*", "/", "@", "neg", "transpose")
        case Reduce(op=op):
            return op in SOFTMAXES
        case Concat() | Call() | Through() | Scan():
            return True
        case _:
            return False


def _takes_a_term(parent: Node, path: Path, definition: Definition) -> bool:
    """Whether a term added to a child is not equivalent to a term added to this node."""
    match parent:
        case Apply(op="/", args=(_, divisor)):
            return path[-1] == ("args", 1) or not _is_constant(divisor, definition)
        case Apply(op="*"):
            return True
        case Apply(op=op):
            return op not in (*LINEAR, "where")
        case _:
            return False


def _outside(node: Node, quantities: tuple[Quantity, ...]) -> Node | None:
    """A constant in sizes and options of the outermost equation; None if it cannot be written so."""
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
    """The value of a constant; NaN if it is undefined."""
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
"""The operations of constants."""
