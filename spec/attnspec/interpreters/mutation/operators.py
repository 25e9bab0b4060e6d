"""Mutation operators at one node of the syntax tree: mistakes that people make when they implement a formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.formula.symbols import is_name
from attnspec.language.check import Scope, Type, infer, layer_of
from attnspec.language.dims import Dim
from attnspec.language.layers import WIRING_ERRORS, same_sizes
from attnspec.language.symbols import Symbol
from attnspec.language.traversal import nodes
from attnspec.language.tree import (
    Apply,
    At,
    Concat,
    ConcatOver,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Reshape,
    Scan,
    SizeOf,
    Split,
    Stack,
    Through,
)

FUNCTIONS = {
    "sigmoid": ("tanh", "relu"), "tanh": ("sigmoid", "relu"), "relu": ("tanh", "gelu"), "gelu": ("relu", "tanh"),
    "silu": ("gelu", "sigmoid", "relu"), "softplus": ("relu", "exp"), "abs": ("relu",),
    "exp": (), "log": (), "sin": ("cos",), "cos": ("sin",), "sqrt": (),
}  # fmt: skip
"""{function: functions that it may be confused with}; each may also be left out."""

COMPARISONS = {"<=": ("<", ">="), "<": ("<=", ">"), ">=": (">", "<="), ">": (">=", "<"), "==": ("<=", ">=")}
"""{comparison: comparisons that it may be confused with}."""

GROUPS = "the groups of"
"""How the sentence of a mutation of groups begins."""

LocalMutation = tuple[str, str, Node, tuple[tuple[str, str], ...]]
"""A mutation of a node: id, sentence, replacement of the node, sizes that must be equal for it to run."""


@dataclass(frozen=True, slots=True)
class Site:
    """The place of a mutation, with the types of the names there.

    Attributes:
        definition: the equation.
        known: {name: type} of the arrays that are defined there.
        types: {name: type} of all arrays of the equation.
        root: the line of the mutation.
        bound: indices of the scans around it.
    """

    definition: Definition
    known: Mapping[str, Type]
    types: Mapping[str, Type]
    root: Node
    bound: frozenset[str] = field(default=frozenset())

    def type_of(self, node: Node) -> Type:
        """The type of a node at this place."""
        (type_,) = infer(node, self.scope)
        return type_

    @property
    def scope(self) -> Scope:
        """The scope in which types are inferred."""
        lines = self.definition.lines
        scanned = {name: line.value.index for line in lines if isinstance(line.value, Scan) for name in line.targets}
        return Scope(self.definition, {**self.types, **self.known}, self.bound, scanned)

    def show(self, node: Node) -> str:
        """A node as a formula in Unicode."""
        return text_of(node, self.definition)


def local_mutations(node: Node, site: Site) -> Iterator[LocalMutation]:
    """The mutations of one node."""
    for operator in (
        dropped,
        exchanged,
        misnamed,
        transposed,
        complemented,
        misapplied,
        rescaled,
        regrouped,
        regrouped_index,
        memory_order,
        step_offset,
        mismasked,
        layer_wiring,
    ):
        yield from operator(node, site)


def dropped(node: Node, site: Site) -> Iterator[LocalMutation]:
    """A term, factor, divisor, exponent, matrix or sign is missing; a bias is added twice."""
    match node:
        case Apply(op="+", args=(_, Name(id=name) as bias)) if symbol_of(name, site.definition).group == "bias":
            yield f"twice/{name}", f"{name} is added twice", Apply("+", (node, bias)), ()
    match node:
        case Apply(op="+" | "*" as op, args=(a, b)):
            word = "the term" if op == "+" else "the factor"
            yield f"drop/{_slug(b, site)}", f"{word} {site.show(b)} is missing", a, ()
            yield f"drop/{_slug(a, site)}", f"{word} {site.show(a)} is missing", b, ()
        case Apply(op="-", args=(a, b)):
            yield f"drop/{_slug(b, site)}", f"the term {site.show(b)} is missing", a, ()
            yield f"drop/{_slug(a, site)}", f"the term {site.show(a)} is missing", Apply("neg", (b,)), ()
        case Apply(op="/", args=(a, b)):
            yield f"drop/{_slug(b, site)}", f"the division by {site.show(b)} is missing", a, ()
        case Apply(op="**", args=(a, b)):
            yield f"drop/{_slug(b, site)}", f"the exponent {site.show(b)} is missing", a, ()
        case Apply(op="@", args=(a, b)):
            yield f"drop/{_slug(b, site)}", f"the matrix {site.show(b)} is missing", a, _square(b, site)
        case Apply(op="neg", args=(a,)):
            yield "drop/sign", f"the sign of {site.show(node)} is missing", a, ()


def _square(matrix: Node, site: Site) -> tuple[tuple[str, str], ...]:
    """The sizes that must be equal for a product without this matrix to have the same shape."""
    dims = site.type_of(matrix).dims
    return (must_equal(*dims) or ()) if len(dims) == 2 else ()


def exchanged(node: Node, site: Site) -> Iterator[LocalMutation]:
    """Two operands are swapped."""
    match node:
        case Apply(op="-" | "/" | "@" as op, args=(a, b)):
            yield "exchange", f"{site.show(a)} and {site.show(b)} are swapped", Apply(op, (b, a)), ()
        case Apply(op="where", args=(condition, a, b)):
            yield "exchange", f"{site.show(a)} and {site.show(b)} are swapped", Apply("where", (condition, b, a)), ()
        case Concat(parts=(a, b)):
            yield (
                "exchange",
                f"{site.show(a)} and {site.show(b)} are concatenated in the other order",
                Concat((b, a)),
                (),
            )


def misnamed(node: Node, site: Site) -> Iterator[LocalMutation]:
    """Another array of the same type and role is used: a weight instead of a weight, a state instead of a state."""
    if not isinstance(node, Name) or node.id not in site.known:
        return
    expected = site.known[node.id]
    for other, kind in site.known.items():
        if other != node.id and kind == expected and _same_role(node.id, other, site.definition):
            yield f"name/{node.id}-{other}", f"{other} is used instead of {node.id}", Name(other), ()


def transposed(node: Node, site: Site) -> Iterator[LocalMutation]:
    """A matrix is transposed; if it is not square, its sizes must be equal."""
    match node:
        case Name(id=name) if name in site.known and len(site.known[name].dims) == 2:
            rows, columns = site.known[name].dims
            yield f"transpose/{name}", f"{name} is transposed", Apply("transpose", (node,)), must_equal(rows, columns)
        case Apply(op="transpose", args=(a,)):
            yield f"transpose/{_slug(a, site)}", f"{site.show(a)} is not transposed", a, ()
        case At(array=Name(id=name) as array, places=(Position() as i, Position() as j)):
            if not {i.index, j.index} & site.bound:
                equal = must_equal(site.definition.ranges[i.index], site.definition.ranges[j.index])
                sentence = f"{name} is transposed"
                yield f"transpose/{name}", sentence, At(Apply("transpose", (array,)), node.places), equal


def complemented(node: Node, site: Site) -> Iterator[LocalMutation]:
    """A gate is used instead of its complement, or the reverse."""
    match node:
        case Apply(op="-", args=(Number(value=1.0), Name(id=gate))):
            yield f"complement/{gate}", f"{gate} is used instead of 1 − {gate}", Name(gate), ()
        case Apply(op="+", args=(Apply(op="*", args=(Name(id=gate), a)), Apply(op="*", args=(Apply(op="-"), b)))):
            swapped = Apply("+", (Apply("*", (_complement(gate), a)), Apply("*", (Name(gate), b))))
            if node.args[1] == Apply("*", (_complement(gate), b)):
                yield f"swap/{gate}", f"{gate} and 1 − {gate} are swapped", swapped, ()
        case Name(id=gate) if _is_gate(gate, site):
            yield f"complement/{gate}", f"1 − {gate} is used instead of {gate}", _complement(gate), ()


def misapplied(node: Node, site: Site) -> Iterator[LocalMutation]:
    """Another function is applied, or none."""
    match node:
        case Apply(op=op, args=(a,)) if op in FUNCTIONS:
            yield f"function/no-{op}", f"{op} of {site.show(a)} is left out", a, ()
            for other in FUNCTIONS[op]:
                yield f"function/{other}", f"{other} is used instead of {op}", Apply(other, (a,)), ()
        case Reduce(op="softmax" | "log_softmax" as op, index=index, term=term, where=where):
            if where is None:
                yield f"function/no-{op}", f"{op} over {index} is left out", term, ()
            for other in _indices(node, site):
                if other != index:
                    yield f"axis/{other}", f"{op} is over {other} instead of {index}", replace(node, index=other), ()
        case Reduce(op="max", index=index, term=term, where=where):
            yield "function/sum", "the sum is used instead of the maximum", Reduce("sum", index, term, where), ()


def rescaled(node: Node, site: Site) -> Iterator[LocalMutation]:
    """A constant or a size is wrong, or a scale is applied twice."""
    match node:
        case Apply(op="/", args=(a, b)) if isinstance(b, SizeOf | Apply | Number):
            yield "scale/twice", f"the division by {site.show(b)} is applied twice", Apply("/", (node, b)), ()
            sentence = f"{site.show(a)} is multiplied by {site.show(b)} instead of divided"
            yield "scale/times", sentence, Apply("*", (a, b)), ()
        case SizeOf(dim=dim):
            for other in _sizes(site.definition):
                if other != dim:
                    yield f"size/{other}", f"{other} is used instead of {dim}", SizeOf(other), ()
            plus = Apply("+", (node, Number(1.0)))
            yield f"size/{dim}+1", f"{dim} + 1 is used instead of {dim}", plus, ()
        case Number(value=value) if value not in (0.0, float("inf")):
            yield "constant/double", f"the constant {value:g} is {2 * value:g}", Number(2 * value), ()


def regrouped(node: Node, site: Site) -> Iterator[LocalMutation]:
    """A bracket is in another place."""
    match node:
        case Apply(op="@", args=(Apply(op="*", args=(a, b)), matrix)):
            moved = Apply("*", (a, Apply("@", (b, matrix))))
            sentence = f"{site.show(a)} acts after {site.show(matrix)} instead of before it"
            yield f"bracket/{_slug(a, site)}", sentence, moved, ()
        case Apply(op="*", args=(a, Apply(op="@", args=(b, matrix)))):
            moved = Apply("@", (Apply("*", (a, b)), matrix))
            sentence = f"{site.show(a)} acts before {site.show(matrix)} instead of after it"
            yield f"bracket/{_slug(a, site)}", sentence, moved, ()
        case Apply(op="+", args=(Apply(op="@") as a, Apply(op="@", args=(Apply(op="*", args=(gate, b)), matrix)))):
            moved = Apply("+", (Apply("*", (gate, a)), Apply("@", (b, matrix))))
            sentence = f"{site.show(gate)} acts on {site.show(a)} instead of {site.show(b)}"
            yield f"bracket/{_slug(gate, site)}-other", sentence, moved, ()
        case Apply(op=f, args=(Apply(op="+", args=(a, b)),)) if f in FUNCTIONS:
            moved = Apply("+", (Apply(f, (a,)), b))
            yield f"bracket/{f}-{_slug(b, site)}", f"{site.show(b)} is outside {f}", moved, ()
        case Apply(op="*" | "@" as op, args=(Apply(op="+" | "-" as inner, args=(a, b)), c)):
            moved = Apply(inner, (a, Apply(op, (b, c))))
            yield "bracket/right", f"{site.show(c)} acts on {site.show(b)} alone", moved, ()
        case Apply(op="*" | "@" as op, args=(c, Apply(op="+" | "-" as inner, args=(a, b)))):
            moved = Apply(inner, (Apply(op, (c, a)), b))
            yield "bracket/left", f"{site.show(c)} acts on {site.show(a)} alone", moved, ()


def regrouped_index(node: Node, site: Site) -> Iterator[LocalMutation]:
    """Groups of an index are tiled instead of repeated, or repeated instead of tiled."""
    match node:
        case Apply(op="//" | "%" as op, args=(Position(index=index), SizeOf(dim=part))) if is_name(part):
            other = site.definition.ranges[index].over(str(part))
            if other is not None:
                done, due = ("tiled", "repeated") if op == "//" else ("repeated", "tiled")
                moved = Apply("%" if op == "//" else "//", (Position(index), SizeOf(other)))
                sentence = f"{GROUPS} {index} are {done} instead of {due}: {site.show(moved)}"
                yield f"groups/{done}", sentence, moved, ()


def memory_order(node: Node, site: Site) -> Iterator[LocalMutation]:
    """Elements are read in another memory order: heads interleaved, a matrix in column-major order."""
    match node:
        case Split(array=array):
            heads, width = site.type_of(node).dims[-2:]
            cut = Apply("transpose", (Reshape(array, (0,), (width, heads)),))
            if len(site.type_of(array).dims) == 1:
                yield "heads/interleaved", "the heads are interleaved: every H-th column belongs to one head", cut, ()
        case ConcatOver(index=index, array=array):
            stacked, dims = Stack(array, (index,)), site.type_of(node).dims
            last = len(dims)
            joined = Reshape(stacked, tuple(range(last + 1)), dims)
            yield "heads/no-transpose", "the heads are joined by reshaping, without the transpose", joined, ()
            joined = Reshape(stacked, (*range(1, last + 1), 0), dims)
            yield "heads/interleaved", "the parts are interleaved where they are joined", joined, ()
        case Name(id=name) if _is_matrix(name, site):
            rows, columns = dims = site.known[name].dims
            if rows != columns:
                sentence = f"{name} is read in column-major order"
                yield f"memory/{name}", sentence, Reshape(node, (1, 0), dims), ()


def _is_matrix(name: str, site: Site) -> bool:
    """Whether a name is a matrix of weights that software keeps with others."""
    symbol = symbol_of(name, site.definition)
    return bool(symbol.pack) and symbol.group != "bias" and len(site.known[name].dims) == 2


def step_offset(node: Node, site: Site) -> Iterator[LocalMutation]:
    """A recurrence reads the input of another step, ignores its start, or runs backwards."""
    match node:
        case At(array=array, places=(Position(index=t), *rest)) if t in site.bound:
            for shift, op in ((-1, "-"), (1, "+")):
                place = Apply(op, (Position(t), Number(1.0)))
                shown = site.show(array)
                sentence = f"{shown} of the {'previous' if shift < 0 else 'next'} step is read"
                yield f"step/{'before' if shift < 0 else 'after'}", sentence, At(array, (place, *rest)), ()
            end = Apply("-", (SizeOf(site.definition.ranges[t]), Number(1.0)))
            place = Apply("-", (end, Position(t)))
            yield "step/reversed", f"{site.show(array)} is read backwards", At(array, (place, *rest)), ()
            first = At(array, (Number(0.0), *rest))
            yield "step/first", f"{site.show(array)} of the first step is read at every step", first, ()
        case Scan(starts=starts):
            for k, start in enumerate(starts):
                zero = Apply("*", (Number(0.0), start))
                new = replace(node, starts=(*starts[:k], zero, *starts[k + 1 :]))
                sentence = f"{site.show(start)} is ignored: the recurrence starts from 0"
                yield f"start/{_slug(start, site)}", sentence, new, ()


def mismasked(node: Node, site: Site) -> Iterator[LocalMutation]:
    """A condition is off by one, inverted, ignored, or uses another comparison."""
    match node:
        case Apply(op=op, args=(a, b)) if op in COMPARISONS:
            for other in COMPARISONS[op]:
                sentence = f"{site.show(Apply(other, (a, b)))} is used instead of {site.show(node)}"
                yield f"mask/{other}", sentence, Apply(other, (a, b)), ()
            late = Apply(op, (a, Apply("+", (b, Number(1.0)))))
            if all(_counts(each, site) for each in (a, b)):
                yield "mask/late", f"the mask is off by one: {site.show(late)}", late, ()
        case Reduce(where=where) if where is not None:
            yield "mask/none", f"{node.op} ignores the mask", replace(node, where=None), ()
            yield "mask/not", f"the mask of {node.op} is inverted", replace(node, where=Apply("not", (where,))), ()
            if node.op == "softmax":
                late = Apply("where", (where, replace(node, where=None), Number(0.0)))
                yield "mask/after", f"the mask acts on the weights, after {node.op}", late, ()


def _counts(node: Node, site: Site) -> bool:
    """Whether a node is a whole number, which may be off by one: a place, a size or a token, say."""
    return node.value.is_integer() if isinstance(node, Number) else site.type_of(node).kind == "int"


def layer_wiring(node: Node, site: Site) -> Iterator[LocalMutation]:
    """Layers are left out, applied in another order, or read the wrong input, weights or initial state."""
    if not isinstance(node, Through):
        return
    layer = layer_of(node, site.scope)
    has_states = any(not array.symbol.weight for array in layer.takes)
    applies = {"begun": has_states, "rest": len(node.callee.results) > 1}
    equal = [pair for below, above in same_sizes(layer) for pair in must_equal(below, above)]
    for fault, sentence in WIRING_ERRORS.items():
        if applies.get(fault, True):
            yield f"layers/{fault}", sentence, replace(node, fault=fault), tuple(equal)


def _sizes(definition: Definition) -> list[Dim]:
    """The named sizes of an equation."""
    names = sorted({name for p in definition.parameters for dim in p.dims for name in dim.names})
    return [Dim.parse(name) for name in names]


def _indices(node: Reduce, site: Site) -> list[str]:
    """The indices that the term of a reduction depends on."""
    indices: set[str] = set()
    for inner in nodes(node.term):
        if isinstance(inner, Position):
            indices.add(inner.index)
        if isinstance(inner, Name) and inner.id in site.types:
            indices |= site.types[inner.id].names
    return sorted(indices - site.bound)


def must_equal(rows: Dim, columns: Dim) -> tuple[tuple[str, str], ...]:
    """The pair of sizes that must be equal for two axes to be exchanged; empty if they are always equal."""
    return () if rows == columns else ((str(rows), str(columns)),)


def _same_role(name: str, other: str, definition: Definition) -> bool:
    """Whether two names have the same role: weights of one group, or arrays that are not weights."""
    first, second = symbol_of(name, definition), symbol_of(other, definition)
    return first.group == second.group if is_grouped(first) or is_grouped(second) else True


def is_grouped(symbol: Symbol) -> bool:
    """Whether an argument is a weight that can only be confused with one of its group."""
    return symbol.weight and bool(symbol.group)


def symbol_of(name: str, definition: Definition) -> Symbol:
    """The symbol of an argument; that of a line says nothing."""
    return next((parameter.symbol for parameter in definition.parameters if parameter.name == name), Symbol())


def _is_gate(name: str, site: Site) -> bool:
    """Whether a name is the value of a sigmoid."""
    return outermost(site.definition, name) == "sigmoid"


def where_seen(softmax: Reduce, weight: Node) -> Node:
    """A weight in place of those of a softmax: 0 where it is masked."""
    return weight if softmax.where is None else Apply("where", (softmax.where, weight, Number(0.0)))


def outermost(definition: Definition, name: str) -> str:
    """The outermost operation in the line that computes a name; "" if there is none."""
    for line in definition.lines:
        if line.targets == (name,) and isinstance(line.value, Apply):
            return line.value.op
    return ""


def _complement(gate: str) -> Node:
    """1 − gate."""
    return Apply("-", (Number(1.0), Name(gate)))


def _slug(node: Node, site: Site) -> str:
    """A node as a part of an id."""
    return site.show(node).replace(" ", "")
