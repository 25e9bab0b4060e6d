"""Reverse mode: what a gradient of an expression hands back to the names that the expression reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from attnspec.errors import SpecError
from attnspec.interpreters.gradient import axes
from attnspec.interpreters.gradient.draft import Draft
from attnspec.interpreters.gradient.flow import Flow, merged
from attnspec.interpreters.gradient.rules import RULES
from attnspec.interpreters.gradient.simplify import chosen, is_short, plus, product, times, transposed
from attnspec.language.check import COMPARISONS, LOGIC, Type
from attnspec.language.dims import Dim
from attnspec.language.traversal import children
from attnspec.language.tree import (
    TWO,
    ZERO,
    Apply,
    At,
    Call,
    Concat,
    ConcatOver,
    Definition,
    Last,
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
    Zeros,
)

CONSTANT = (*COMPARISONS, *LOGIC, "//")
"""Elementwise operations without a gradient."""

Derive = Callable[[Definition, tuple[int, ...], tuple[str, ...]], Definition]
"""Derives the gradient of a called equation, from those of some results to those by some parameters."""


@dataclass
class PullBack:
    """Hands gradients back through expressions, and collects those of names.

    Attributes:
        draft: the equation that is written.
        derive: derives the gradients of called equations.
        active: the names through which a gradient can flow.
        hint: the name of the line whose gradient is handed back.
        flows: {name: gradients that reached it}.
        last: {state: gradients of its last value}.
    """

    draft: Draft
    derive: Derive
    active: set[str]
    hint: str = ""
    flows: dict[str, list[Flow]] = field(default_factory=dict)
    last: dict[str, list[Flow]] = field(default_factory=dict)

    def is_active(self, node: Node) -> bool:
        """Whether a gradient can flow through an expression."""
        match node:
            case Name(id=name):
                return name in self.active
            case Apply(op=op) if op in CONSTANT:
                return False
            case Apply(op="where", args=(_, yes, no)):
                return self.is_active(yes) or self.is_active(no)
            case Apply(op="*", args=args) if ZERO in args:
                return False
            case Reduce(op=op, term=term):
                return op != "argmax" and self.is_active(term)
            case At(array=array) | Split(array=array):
                return self.is_active(array)
            case Scan(states=states, body=body, starts=starts):
                inner = replace(self, active=self.active - set(states))
                return any(map(self.is_active, starts)) or inner.is_active(body)
        return any(self.is_active(child) for _, child in children(node))

    def collected(self, name: str) -> Flow | None:
        """The sum of the gradients that reached a name; None if there are none."""
        return merged(self.flows[name]) if self.flows.get(name) else None

    def named(self, flow: Flow, name: str) -> Flow:
        """A gradient under a name, in a line of its own unless it is short."""
        if is_short(flow.value):
            return flow
        return Flow(self.draft.named(flow.node, name), flow.where, is_zero_elsewhere=True)

    def push(self, node: Node, flow: Flow) -> None:
        """Hand a gradient of an expression back to the names that it reads.

        Args:
            node: the expression.
            flow: its gradient, in its unnamed axes; over named axes that the gradient lacks it is the same.
        """
        if not self.is_active(node):
            return
        draft = self.draft
        match node:
            case Name(id=name):
                self.flows.setdefault(name, []).append(flow)
            case Number() | SizeOf() | Zeros() | Position():
                pass
            case Apply(op="@", args=(a, b)):
                self.matmul(node, a, b, flow)
            case Apply(op="transpose", args=(array,)):
                self.push(array, flow.map(transposed))
            case Apply(op="where", args=(condition, yes, no)):
                flow = self.shared(flow, (yes, no))
                self.hand(node, yes, self.under(flow, condition))
                self.hand(node, no, self.under(flow, Apply("not", (condition,))))
            case Apply():
                self.elementwise(node, flow)
            case At(array=array, places=places):
                self.push(array, Flow(axes.scattered(draft, array, places, flow)))
            case Reduce():
                self.reduction(node, flow)
            case Stack(array=array, indices=indices):
                self.push(array, Flow(draft.at(flow.node, tuple(map(Position, indices)))))
            case Concat(parts=parts):
                self.concat(parts, self.shared(flow, parts).node)
            case ConcatOver(index=index, array=array):
                self.push(array, Flow(axes.cut(draft, flow.node, index, draft.type(array).dims[-1])))
            case Split(array=array):
                self.push(array, Flow(axes.joined(draft, flow.node)))
            case Reshape(array=array, order=order):
                self.push(array, Flow(axes.reshaped_back(draft, array, order, flow.node)))
            case Last(state=Name(id=name)):
                self.last.setdefault(name, []).append(flow)
            case Call():
                self.call(node, [flow])
            case Scan() | Through() | Last():  # these have lines of their own
                raise SpecError(
                    f"the gradient of {draft.forward.id} cannot be derived",
                    given=f"{type(node).__name__.lower()} inside another expression",
                    expected="a line of its own for each recurrence",
                    mend="give it a name, and read that",
                )
            case _:
                assert_never(node)

    def hand(self, node: Node, part: Node, flow: Flow) -> None:
        """Hand a gradient on from an expression to a part of it, summed over the axes that the part lacks."""
        self.push(part, axes.reduced(self.draft, flow, self.draft.type(node), self.draft.type(part)))

    def shared(self, flow: Flow, readers: Iterable[Node]) -> Flow:
        """A gradient that several parts read, under a name."""
        return self.named(flow, f"d_a_{self.hint}") if sum(map(self.is_active, readers)) > 1 else flow

    def under(self, flow: Flow, condition: Node) -> Flow:
        """A gradient under one more condition."""
        if self.draft.type(condition).dims:
            return Flow(chosen(condition, flow.node))
        return flow.only(condition)

    # Operations.

    def elementwise(self, node: Apply, flow: Flow) -> None:
        """Hand back through an elementwise operation."""
        if node.op == "*" and node.args[0] == node.args[1]:  # a square
            factor = times(TWO, self.draft.keep(node.args[0]))
            self.push(node.args[0], flow.map(lambda g: times(g, factor)))
            return
        flow = self.shared(flow, node.args)
        for place, arg in enumerate(node.args):
            if self.is_active(arg):
                rule = RULES[node.op][place]
                value = rule(flow.value, lambda: self.draft.keep(node), lambda k: self.draft.keep(node.args[k]))
                self.hand(node, arg, Flow(value, flow.where))

    def matmul(self, node: Node, a: Node, b: Node, flow: Flow) -> None:
        """Hand back through a product of vectors or matrices."""
        draft, flow = self.draft, self.shared(flow, (a, b))
        ranks = len(draft.type(a).dims), len(draft.type(b).dims)
        if self.is_active(a):
            kept = draft.number(b)
            match ranks:
                case 1, 1:
                    self.hand(node, a, flow.map(lambda g: times(g, kept)))
                case 1, 2:
                    self.hand(node, a, flow.map(lambda g: product(kept, g)))
                case 2, 1:
                    self.outer(node, a, flow.node, kept)
                case _:
                    self.hand(node, a, flow.map(lambda g: product(g, transposed(kept))))
        if self.is_active(b):
            kept = draft.number(a)
            match ranks:
                case 1, 1:
                    self.hand(node, b, flow.map(lambda g: times(g, kept)))
                case 1, 2:
                    self.outer(node, b, kept, flow.node)
                case 2, 1:
                    self.hand(node, b, flow.map(lambda g: product(g, kept)))
                case _:
                    self.hand(node, b, flow.map(lambda g: product(transposed(kept), g)))

    def outer(self, node: Node, matrix: Node, rows: Node, columns: Node) -> None:
        """Hand an outer product back to a matrix, summed over the axes that the matrix lacks."""
        draft, wanted = self.draft, self.draft.type(matrix)
        common = sorted((draft.type(rows).names & draft.type(columns).names) - wanted.names)
        if common:
            index = common[-1]
            value = product(transposed(draft.stacked(rows, (index,))), draft.stacked(columns, (index,)))
        else:
            k, l = axes.over_axes(draft, (*draft.type(rows).dims, *draft.type(columns).dims), rows, columns)
            factors = draft.at(rows, (Position(k),)), draft.at(columns, (Position(l),))
            value = draft.stacked(times(*factors), (k, l))
        rest = Type("float", draft.type(node).names - {*common[-1:]}, draft.type(value).dims)
        self.push(matrix, axes.reduced(draft, Flow(value), rest, wanted))

    def reduction(self, node: Reduce, flow: Flow) -> None:
        """Hand back through a reduction."""
        draft, index, term, where = self.draft, node.index, node.term, node.where
        names = draft.type(term).names | (draft.type(where).names if where is not None else frozenset())
        given = Type("float", names, draft.type(term).dims)
        match node.op:
            case "sum":
                flow = flow.only(where)
            case "max":
                first = Apply("==", (Position(index), Reduce("argmax", index, term, where)))
                flow = self.under(flow.only(where), first)
            case "softmax":
                p = draft.keep(node)
                d_p = self.named(flow, f"d_p_{self.hint}").node
                common = draft.named(draft.sum(index, times(p, d_p), where), "D")
                flow = Flow(times(p, Apply("-", (d_p, common))), where)
            case _:  # log_softmax
                p = draft.keep(Reduce("softmax", index, term, where))
                d_l = self.named(flow, f"d_l_{self.hint}").node
                flow = Flow(Apply("-", (d_l, times(p, draft.sum(index, d_l, where)))), where)
        self.push(term, axes.reduced(draft, flow, given, draft.type(term)))

    def call(self, node: Call, flows: Sequence[Flow | None], only: Iterable[Node] | None = None) -> None:
        """Hand back through a call, by a call of the derived gradient of what is called.

        Args:
            node: the call.
            flows: the gradient of each result, None where nothing reads it.
            only: the arguments that get gradients; None for all.
        """
        draft, callee = self.draft, node.callee
        arguments = dict(zip([p.name for p in callee.parameters], node.args, strict=True))
        wanted = {
            parameter.name: arguments[parameter.name]
            for parameter in callee.parameters
            if parameter.kind == "float" and self.is_active(arguments[parameter.name])
            and (only is None or arguments[parameter.name] in only)
        }  # fmt: skip
        outputs = tuple(place for place, flow in enumerate(flows) if flow is not None)
        if not wanted or not outputs:
            return
        incoming = [self.named(flow, f"d_a_{self.hint}").node for flow in flows if flow is not None]
        args = (*incoming, *(draft.keep(arg) for arg in node.args))
        value = Call(self.derive(callee, outputs, tuple(wanted)), args, node.options)
        targets = tuple(draft.fresh(f"d_{self.name_of(arg)}") for arg in wanted.values())
        draft.add(targets, value)
        for target, arg in zip(targets, wanted.values(), strict=True):
            self.push(arg, axes.reduced(draft, Flow(Name(target)), draft.type(Name(target)), draft.type(arg)))

    def name_of(self, arg: Node) -> str:
        """The name of an argument, for that of its gradient; one after the current line if it has none."""
        match arg:
            case Name(id=name) | At(array=Name(id=name)) | Stack(array=Name(id=name)):
                return name
        return f"a_{self.hint}"

    def concat(self, parts: Sequence[Node], gradient: Node) -> None:
        """Hand back the columns of each part of a concatenation."""
        draft, start = self.draft, Dim(())
        names = frozenset[str]().union(*(draft.type(part).names for part in parts))
        *rows, _ = axes.over_axes(draft, draft.type(parts[0]).dims, gradient)
        for part in parts:
            *_, width = draft.type(part).dims
            if self.is_active(part):
                column = draft.fresh_index(width, gradient, *map(Position, rows))
                place: Node = plus(SizeOf(start), Position(column))
                cut = Flow(draft.stacked(At(gradient, (*map(Position, rows), place)), (*rows, column)))
                wanted = draft.type(part)
                self.push(part, axes.reduced(draft, cut, Type("float", names, wanted.dims), wanted))
            start = start + width
