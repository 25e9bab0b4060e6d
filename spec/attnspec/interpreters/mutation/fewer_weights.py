"""Softmaxes without some scores or weights, or with one score too many: all but the largest, those below a threshold,
one of 0 besides; exponentials cut to 0.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.mutation.tiling_errors import at_second, restricted, second_name, with_second_names
from attnspec.language.traversal import map_throughout
from attnspec.language.tree import ONE, ZERO, Apply, Definition, Node, Number, Reduce

COUNTS = (1, 2, 3, 4, 5, 8, 10, 16, 32, 64)
"""How many scores sparse attention may keep."""

THRESHOLDS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4)
"""The weights below which software may skip values."""

CUTS = (4, 8, 10, 16, 20)
"""How far below the largest score others may be skipped, besides the numbers of the candidate's code; of numbers beyond
`LOWEST` the exponential is lost to rounding."""

LOWEST = 100


def fewer_weights(definition: Definition, numbers: Iterable[int] = ()) -> Iterator[Mutant]:
    """The variants of an equation whose softmaxes leave out weights, also in the equations that it calls.

    Args:
        numbers: numbers in the candidate's code.
    """
    for cut in dict.fromkeys((*(number for number in numbers if number < LOWEST), *CUTS)):
        yield from _variant(
            definition, f"far/{cut}", _within(cut), f"scores more than {cut} below the largest are left out"
        )
        tree = map_throughout(definition, lambda node, _, cut=cut: _cut_off(node, cut), with_second_names)  # type: ignore[misc]  # mypy does not infer a lambda with a default
        if tree is not definition and is_well_formed(tree):
            yield Mutant(f"weights/exp/{cut}", f"exp of less than −{cut} is taken for 0", tree)
    yield from _variant(
        definition, "besides", _beside_zero, "softmax has an extra 1 in its sum, as of one more score, which is 0"
    )
    for count in COUNTS:
        yield from _variant(
            definition, f"largest/{count}", _largest(count), f"only the {count} largest scores are used"
        )
    for least in THRESHOLDS:
        says = f"weights below {least:g} are left out"
        yield from _variant(definition, f"least/{least:g}", _at_least(least, rescaled=False), says)
        says = f"{says}, and the others divided by their sum"
        yield from _variant(definition, f"least/{least:g}/rescaled", _at_least(least, rescaled=True), says)


Weights = Callable[[Reduce], Node]
"""Makes other weights of a softmax."""


def _variant(definition: Definition, name: str, weights: Weights, says: str) -> Iterator[Mutant]:
    def change(node: Node, _: Definition) -> Node:
        return weights(node) if isinstance(node, Reduce) and node.op == "softmax" else node

    tree = map_throughout(definition, change, with_second_names)
    if tree is not definition and is_well_formed(tree):
        yield Mutant(f"weights/{name}", says, tree)


def _largest(count: int) -> Weights:
    """The softmax over the scores that fewer than `count` others exceed."""

    def weights(softmax: Reduce) -> Node:
        larger: Node = Apply(">", (at_second(softmax.term, softmax.index), softmax.term))
        if softmax.where is not None:
            larger = Apply("and", (at_second(softmax.where, softmax.index), larger))
        rank = Reduce("sum", second_name(softmax.index), Apply("where", (larger, ONE, ZERO)))
        return restricted(softmax, Apply("<", (rank, Number(float(count)))))

    return weights


def _within(cut: int) -> Weights:
    """The softmax over the scores that are not so far below the largest."""

    def weights(softmax: Reduce) -> Node:
        lowest = Apply("-", (replace(softmax, op="max"), Number(float(cut))))
        return restricted(softmax, Apply(">=", (softmax.term, lowest)))

    return weights


def _beside_zero(softmax: Reduce) -> Node:
    """The weights beside a further score of 0, as of a place that nothing was written to."""
    largest = replace(softmax, op="max")
    top = Apply("where", (Apply(">", (largest, ZERO)), largest, ZERO))
    total = replace(softmax, op="sum", term=Apply("exp", (Apply("-", (softmax.term, top)),)))
    besides = Apply("exp", (Apply("neg", (top,)),))
    return Apply("/", (Apply("*", (softmax, total)), Apply("+", (total, besides))))


def _cut_off(node: Node, cut: int) -> Node:
    """An exponential that is 0 below a number."""
    match node:
        case Apply(op="exp", args=(exponent,)):
            return Apply("where", (Apply("<", (exponent, Number(-float(cut)))), ZERO, node))
    return node


def _at_least(least: float, rescaled: bool) -> Weights:
    """The weights that are at least a threshold, and 0 instead of others."""

    def weights(softmax: Reduce) -> Node:
        kept = Apply("where", (Apply(">=", (softmax, Number(least))), softmax, ZERO))
        return Apply("/", (kept, Reduce("sum", softmax.index, kept))) if rescaled else kept

    return weights
