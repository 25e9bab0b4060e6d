"""The derivatives of elementwise operations: by each argument, the gradient that is handed to it."""

from __future__ import annotations

import math
from collections.abc import Callable

from attnspec.interpreters.gradient.simplify import chosen, negative, over, plus, times
from attnspec.language.tree import ONE, TWO, ZERO, Apply, Node, Number

Rule = Callable[[Node, Callable[[], Node], Callable[[int], Node]], Node]
"""From the incoming gradient to the gradient by one argument.

The other two arguments give the value of the operation, and the value of the argument at a position. What a rule reads
in this way is kept from the forward pass, so a rule reads no more than it needs.
"""


def _by_base(g: Node, base: Node, exponent: Node) -> Node:
    """g · b · a^(b − 1)."""
    if exponent == TWO:
        return times(g, times(exponent, base))
    less = Number(exponent.value - 1) if isinstance(exponent, Number) else Apply("-", (exponent, ONE))
    return times(g, times(exponent, Apply("**", (base, less))))


def _rest(a: Node) -> Node:
    return Apply("-", (ONE, a))


def _by_gelu(x: Node) -> Node:
    """Φ(x) + x φ(x), where Φ(x) is gelu(x) / x."""
    below = chosen(Apply("==", (x, ZERO)), Number(0.5), over(Apply("gelu", (x,)), x))
    density = over(Apply("exp", (negative(over(times(x, x), TWO)),)), Number(math.sqrt(2 * math.pi)))
    return plus(below, times(x, density))


def _by_silu(x: Node, y: Node) -> Node:
    """σ(x) + y (1 − σ(x)), where y is silu(x)."""
    gate = Apply("sigmoid", (x,))
    return plus(gate, times(y, _rest(gate)))


def _signed(g: Node, x: Node) -> Node:
    """g with the sign of x, 0 where x is 0."""
    return Apply("-", (chosen(Apply(">", (x, ZERO)), g), chosen(Apply("<", (x, ZERO)), g)))


RULES: dict[str, tuple[Rule, ...]] = {
    "+": (lambda g, y, a: g, lambda g, y, a: g),
    "-": (lambda g, y, a: g, lambda g, y, a: negative(g)),
    "*": (lambda g, y, a: times(g, a(1)), lambda g, y, a: times(g, a(0))),
    "/": (lambda g, y, a: over(g, a(1)), lambda g, y, a: negative(over(times(g, y()), a(1)))),
    "**": (lambda g, y, a: _by_base(g, a(0), a(1)), lambda g, y, a: times(times(g, y()), Apply("log", (a(0),)))),
    "neg": (lambda g, y, a: negative(g),),
    "exp": (lambda g, y, a: times(g, y()),),
    "log": (lambda g, y, a: over(g, a(0)),),
    "sin": (lambda g, y, a: times(g, Apply("cos", (a(0),))),),
    "cos": (lambda g, y, a: negative(times(g, Apply("sin", (a(0),)))),),
    "tanh": (lambda g, y, a: times(g, _rest(times(y(), y()))),),
    "sigmoid": (lambda g, y, a: times(times(g, y()), _rest(y())),),
    "relu": (lambda g, y, a: chosen(Apply(">", (a(0), ZERO)), g),),
    "gelu": (lambda g, y, a: times(g, _by_gelu(a(0))),),
    "silu": (lambda g, y, a: times(g, _by_silu(a(0), y())),),
    "softplus": (lambda g, y, a: times(g, Apply("sigmoid", (a(0),))),),
    "abs": (lambda g, y, a: _signed(g, a(0)),),
    "sqrt": (lambda g, y, a: over(g, times(TWO, y())),),
}
"""{operation: the rule for each of its arguments}; `where`, `@` and `transpose` have rules of their own."""
