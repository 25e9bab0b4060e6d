"""Equal rewritings of an equation that software uses, generated from its syntax tree. Each rounds in its own way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from attnspec.interpreters.rewriting_rules import RULES, apply_rule, is_constant
from attnspec.language.traversal import map_throughout
from attnspec.language.tree import Apply, Definition, Node, Number, Reduce

Rewriting = Callable[[Node], Node]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A rewritten equation.

    Attributes:
        names: names of the rewritings, one or two, as users write them in ``forms=``.
        description: what is computed in another way, and what it costs.
        definition: the rewritten equation.
    """

    names: tuple[str, ...]
    description: str
    definition: Definition


def rewritten(definition: Definition) -> Iterator[Rewritten]:
    """The equation with each rewriting that changes it, with each pair of them, then with each rule."""
    trees = {name: apply_rewriting(definition, rewriting) for name, (_, rewriting) in REWRITINGS.items()}
    single = {name: tree for name, tree in trees.items() if tree != definition}
    for name, tree in single.items():
        yield Rewritten((name,), REWRITINGS[name][0], tree)
    for one, other in combinations(single, 2):
        tree = apply_rewriting(single[one], REWRITINGS[other][1])
        if tree not in (single[one], single[other]):
            yield Rewritten((one, other), f"{REWRITINGS[one][0]}; {REWRITINGS[other][0]}", tree)
    for name, (description, rule) in RULES.items():
        tree = apply_rule(definition, rule)
        if tree != definition:
            yield Rewritten((name,), description, tree)


def apply_rewriting(definition: Definition, rewriting: Rewriting) -> Definition:
    """Apply a rewriting to every node of an equation, also in the equations that it calls."""
    return map_throughout(definition, lambda node, _: rewriting(node))


def multiplied(node: Node) -> Node:
    """a / c as a · (1/c), for a constant such as √d."""
    match node:
        case Apply(op="/", args=(a, c)) if is_constant(c) and not is_constant(a):
            return Apply("*", (a, Apply("/", (Number(1.0), c))))
    return node


def on_the_left(node: Node) -> Node:
    """(a @ b) / c as (a / c) @ b: the query is scaled."""
    match node:
        case Apply(op="/", args=(Apply(op="@", args=(a, b)), c)) if is_constant(c):
            return Apply("@", (Apply("/", (a, c)), b))
    return node


def on_the_right(node: Node) -> Node:
    """(a @ b) / c as a @ (b / c): the key is scaled."""
    match node:
        case Apply(op="/", args=(Apply(op="@", args=(a, b)), c)) if is_constant(c):
            return Apply("@", (a, Apply("/", (b, c))))
    return node


def on_both(node: Node) -> Node:
    """(a @ b) / c as (a / √c) @ (b / √c)."""
    match node:
        case Apply(op="/", args=(Apply(op="@", args=(a, b)), c)) if is_constant(c):
            root = Apply("sqrt", (c,))
            return Apply("@", (Apply("/", (a, root)), Apply("/", (b, root))))
    return node


def by_log_sum(node: Node) -> Node:
    """softmax as exp(e − lse), as in the backward pass of fused kernels, and its logarithm as e − lse."""
    match node:
        case Reduce(op="softmax" | "log_softmax" as op, index=j, term=e, where=where):
            top = Reduce("max", j, e, where)
            total = Reduce("sum", j, Apply("exp", (Apply("-", (e, top)),)), where)
            shifted = Apply("-", (e, Apply("+", (top, Apply("log", (total,))))))
            weights, masked = (shifted, -math.inf) if op == "log_softmax" else (Apply("exp", (shifted,)), 0.0)
            return weights if where is None else Apply("where", (where, weights, Number(masked)))
    return node


def by_powers_of_two(node: Node) -> Node:
    """softmax with 2^(x log₂ e) for exp x, as in kernels; the product rounds the scores once more."""
    match node:
        case Reduce(op="softmax", index=j, term=e, where=where):
            scaled = Apply("*", (Apply("*", (e, Number(math.log2(math.e)))), Number(math.log(2.0))))
            return Reduce("softmax", j, scaled, where)
    return node


def by_sigmoid(node: Node) -> Node:
    """tanh x as 2 σ(2x) − 1: loses digits near 0."""
    match node:
        case Apply(op="tanh", args=(x,)):
            twice = Apply("*", (Number(2.0), Apply("sigmoid", (Apply("*", (Number(2.0), x)),))))
            return Apply("-", (twice, Number(1.0)))
    return node


def by_tanh(node: Node) -> Node:
    """σ(x) as ½ + ½ tanh(x/2), also in silu(x), which is x σ(x): loses digits in the lower tail."""
    match node:
        case Apply(op="sigmoid", args=(x,)):
            half = Apply("*", (Number(0.5), Apply("tanh", (Apply("*", (Number(0.5), x)),))))
            return Apply("+", (Number(0.5), half))
        case Apply(op="silu", args=(x,)):
            return Apply("*", (x, by_tanh(Apply("sigmoid", (x,)))))
    return node


def interpolated(node: Node) -> Node:
    """z a + (1 − z) b as b + z (a − b)."""
    match node:
        case Apply(op="+", args=(Apply(op="*", args=(z, a)), Apply(op="*", args=(rest, b)))) if rest == _rest(z):
            return Apply("+", (b, Apply("*", (z, Apply("-", (a, b))))))
        case Apply(op="+", args=(Apply(op="*", args=(rest, a)), Apply(op="*", args=(z, b)))) if rest == _rest(z):
            return Apply("+", (a, Apply("*", (z, Apply("-", (b, a))))))
    return node


def _rest(gate: Node) -> Node:
    return Apply("-", (Number(1.0), gate))


REWRITINGS: dict[str, tuple[str, Rewriting]] = {
    "reciprocal": ("multiplied by the reciprocal of a constant", multiplied),
    "query_scaled": ("the query scaled before the product", on_the_left),
    "key_scaled": ("the key scaled before the product", on_the_right),
    "both_scaled": ("query and key each scaled by half", on_both),
    "log_sum_exp": (
        "softmax as exp(e − lse), or its logarithm as e − lse, which loses digits when |e| is large",
        by_log_sum,
    ),
    "powers_of_two": ("softmax by powers of two, exp x as 2^(x log₂ e)", by_powers_of_two),
    "tanh_by_sigmoid": ("tanh as 2σ(2x) − 1, which loses digits near 0", by_sigmoid),
    "sigmoid_by_tanh": ("σ as ½ + ½ tanh(x/2), which loses digits in the lower tail", by_tanh),
    "interpolated": ("z a + (1 − z) b as b + z (a − b)", interpolated),
}
"""{name: (description, rewriting)}."""
