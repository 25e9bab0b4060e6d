"""Gradients of an equation with a mistake in it, and gradients that do not flow through a part of it.

They are what automatic differentiation makes of a wrong forward pass. They are not mutants of the equation of the
gradients, whose lines of the forward and of the backward pass are changed one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from attnspec.errors import SpecError
from attnspec.interpreters.gradient.gradient import gradient
from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.free_numbers import is_float
from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed, mutants
from attnspec.interpreters.mutation.operators import FUNCTIONS, where_seen
from attnspec.language.equation import Equation
from attnspec.language.traversal import call_by_name
from attnspec.language.tree import Apply, Call, Definition, Line, Name, Node, Reduce

DETACHED = "detached"
"""The line of a part through which no gradient flows."""


def gradients_of_mistakes(forward: Equation[..., Any], backward: Definition) -> Iterator[Mutant]:
    """The gradients of the mutants of an equation, and those that do not flow through a part of it.

    Args:
        forward: the equation.
        backward: the equation of its gradients.
    """
    for mutant in (*mutants(forward), *function_substitutions(forward.definition)):
        if not mutant.in_storage and not mutant.equal_sizes:
            yield from _gradient(mutant.id, mutant.says, mutant.definition, backward)
    for place in everywhere(forward.definition):
        if _is_part(place):
            for name, says, instead, detached in _detached(place):
                tree = _with_line(place, instead, detached)
                yield from _gradient(f"{place.label}/{name}", f"in {place.line}: {says}", tree, backward, (DETACHED,))


def _is_part(place: Occurrence) -> bool:
    """Whether a node is computed by the equation itself, outside of recurrences."""
    is_own = "/" not in place.label and not place.site.bound
    return is_own and isinstance(place.node, Apply | Reduce | Call) and is_float(place.node, place.site)


def _detached(place: Occurrence) -> Iterator[tuple[str, str, Node, Node]]:
    """What stands at a place instead, so that less gradient flows: id, sentence, node, the constant that it reads."""
    shown, constant = place.site.show(place.node), Name(DETACHED)
    yield "detached", f"no gradient flows through {shown}", constant, place.node
    match place.node:
        case Apply(op=op, args=(x,)) if op in FUNCTIONS:
            says = f"the gradient flows through {op} as if it were the identity"
            yield "straight", says, Apply("+", (x, constant)), Apply("-", (place.node, x))
        case Reduce(op="log_softmax", term=term):
            says = f"no gradient flows through the log-sum-exp of {shown}"
            yield "detached sum", says, Apply("-", (term, constant)), Apply("-", (term, place.node))
        case Reduce(op="softmax", term=term) as softmax:
            says = f"no gradient flows through the denominator of {shown}"
            shifted = Apply("-", (term, constant))
            weight = where_seen(softmax, Apply("exp", (shifted,)))
            yield "detached sum", says, weight, Apply("-", (term, replace(softmax, op="log_softmax")))


def _with_line(place: Occurrence, instead: Node, value: Node) -> Definition:
    """The equation with another node at a place, which reads a line of its own."""
    tree, old = place.put(instead), place.site.definition
    root = next(k for k, (new, before) in enumerate(zip(tree.roots, old.roots, strict=True)) if new != before)
    at = min(root, len(tree.lines))
    return replace(tree, lines=(*tree.lines[:at], Line((DETACHED,), value), *tree.lines[at:]))


def _gradient(
    id: str, says: str, tree: Definition, backward: Definition, constant: tuple[str, ...] = ()
) -> Iterator[Mutant]:
    """The gradient of a variant, as a function of the arguments of the right one; none if it has none."""
    try:
        derived = gradient(tree, constant)
    except SpecError:  # it has no gradient, or the notation has no words for it
        return
    if [each.dims for each in derived.parameters] == [each.dims for each in backward.parameters]:
        theirs = {own.name: Name(each.name) for own, each in zip(derived.parameters, backward.parameters, strict=True)}
        names = tuple(f"gradient_{k}" for k in range(len(derived.results)))
        line = Line(names, call_by_name(derived, theirs))
        variant = replace(backward, indices=(), lines=(line,), returns=tuple(map(Name, names)))
        if is_well_formed(variant):
            yield Mutant(f"gradient/{id}", says if constant else f"the gradient is of another formula: {says}", variant)
