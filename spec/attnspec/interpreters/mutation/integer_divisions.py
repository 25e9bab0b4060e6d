"""Divisions that drop the rest where they should not, as `//` does for `/` or by its precedence.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.language.traversal import nodes
from attnspec.language.tree import Apply, At, Definition, Name, Node, Number, Position, SizeOf

DIVISORS = (1.0, 2.0, 4.0)
"""What the rate of a power is divided by too: of a / (d // 2), written a / d // 2, a quarter is rounded."""


LARGEST_RATE = 20
"""The largest whole rate that is tried."""

LARGEST_ROOT = 64
"""The largest root of a size that is rounded."""


def integer_divisions(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with one division that drops the rest."""
    for place in everywhere(definition):
        for name, sentence, new in (*_of_division(place), *_of_rate(place), *_of_root(place)):
            tree = place.put(new)
            if is_well_formed(tree):
                yield Mutant(f"{place.label}/{name}", f"in {place.line}: {sentence}", tree)


def _of_division(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """A quotient of sizes, places and constants is rounded down."""
    match place.node:
        case Apply(op="/", args=args) if not any(isinstance(node, At) for node in nodes(place.node)):
            yield "integer", f"{place.site.show(place.node)} is rounded down to a whole number", Apply("//", args)


def _of_rate(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """base^(c·i) is computed as exp(i · (c log base)), and the rate c log base is rounded to a whole number."""
    match place.node:
        case Apply(op="**", args=(Number(value=base), exponent)) if base > 1:
            for i, coefficient in _split(exponent):
                rate = Apply("*", (Apply("log", (Number(base),)), coefficient))
                for divisor in DIVISORS:
                    part = rate if divisor == 1 else Apply("/", (rate, Number(divisor)))
                    shown = place.site.show(part)
                    for word, whole in (("up", _counted(part, 0)), ("down", _counted(part, 1))):
                        sentence = f"{place.site.show(place.node)} is exp(i · n), with n = {shown} rounded {word}"
                        sentence = sentence.replace("exp(i", f"exp({place.site.show(i)}")
                        yield f"rate-{word}/{divisor:g}", sentence, Apply("exp", (Apply("*", (i, whole)),))


def _of_root(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """The root of a size is rounded to a whole number: how many squares from 1 on are not beyond the size."""
    match place.node:
        case Apply(op="sqrt", args=(SizeOf() as size,)):
            shown = place.site.show(place.node)
            for word, words, shift in (("down", " down", 0.0), ("nearest", "", 0.5)):
                squares = (Number((number - shift) ** 2) for number in range(1, LARGEST_ROOT + 1))
                reached = (Apply("where", (Apply("<=", (each, size)), Number(1.0), Number(0.0))) for each in squares)
                whole = reduce(lambda total, one: Apply("+", (total, one)), reached)
                yield f"root-{word}", f"{shown} is rounded{words} to a whole number", whole


def _counted(rate: Node, first: int) -> Node:
    """A positive number rounded up (`first` = 0) or down (1): how many whole numbers from `first` on it is beyond."""
    zero, one = Number(0.0), Number(1.0)
    whole: Node = zero
    for number in range(first, first + LARGEST_RATE):
        beyond = Apply("<", (Number(float(number)), rate)) if first == 0 else Apply("<=", (Number(float(number)), rate))
        whole = Apply("+", (whole, Apply("where", (beyond, one, zero))))
    return whole


def _split(exponent: Node) -> Iterator[tuple[Node, Node]]:
    """The place that an exponent is proportional to, and what it is multiplied by."""
    for node in nodes(exponent):
        match node:
            case Name() | Position():
                coefficient = _without(exponent, node)
                if coefficient is not None:
                    yield node, coefficient


def _without(product: Node, factor: Node) -> Node | None:
    """A product of numbers and sizes without one of its factors; None if it is not such a product."""
    match product:
        case Number() | SizeOf():
            return None
        case Apply(op="*", args=(a, b)):
            for one, other in ((a, b), (b, a)):
                if one == factor:
                    return other
                rest = _without(one, factor)
                if rest is not None:
                    return Apply("*", (rest, other))
        case Apply(op="/", args=(a, b)):
            rest = Number(1.0) if a == factor else _without(a, factor)
            return None if rest is None else Apply("/", (rest, b))
    return None
