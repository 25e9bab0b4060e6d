"""The closed vocabulary of equations. What is here can be written; all else the lint refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, overload

from attnspec.language.tensor import Index, Layers, Operand, Scalar, Tensor, unread

R = TypeVar("R")

inf = math.inf


def index(size: str) -> Index:
    """An index over a size named in the signature: `t = index("t")`."""
    return unread()


def indices(*sizes: str) -> tuple[Index, ...]:
    """Indices over sizes named in the signature: `i, j = indices("n", "m")`."""
    return unread()


def size(name: str) -> int:
    """A size named in the signature, as a number: `d = size("d")`."""
    return unread()


def zeros(sizes: str) -> Tensor:
    """An array of zeros of named sizes: `zeros("n d")`."""
    return unread()


def exp(x: Operand) -> Tensor:
    """e to the x."""
    return unread()


def log(x: Operand) -> Tensor:
    """The natural logarithm."""
    return unread()


def sin(x: Operand) -> Tensor:
    """The sine, of radians."""
    return unread()


def cos(x: Operand) -> Tensor:
    """The cosine, of radians."""
    return unread()


def tanh(x: Operand) -> Tensor:
    """The hyperbolic tangent."""
    return unread()


def sigmoid(x: Operand) -> Tensor:
    """1 / (1 + exp(-x)), written σ."""
    return unread()


def relu(x: Operand) -> Tensor:
    """x where it is positive, else 0."""
    return unread()


def gelu(x: Operand) -> Tensor:
    """x Φ(x), by the error function."""
    return unread()


def sqrt(x: Operand) -> Tensor:
    """The square root."""
    return unread()


def where(condition: Tensor | bool, yes: Operand, no: Operand) -> Tensor:
    """`yes` where the condition holds, else `no`; what is not chosen never shows, also NaN."""
    return unread()


def transpose(x: Tensor) -> Tensor:
    """A matrix with its two axes exchanged."""
    return unread()


def sum(over: Index, term: Operand, where: Tensor | None = None) -> Tensor:
    """Σ over an index, over those of its values for which `where` holds; an empty sum is 0."""
    return unread()


def max(over: Index, term: Operand, where: Tensor | None = None) -> Tensor:
    """The largest over an index; −∞ over nothing."""
    return unread()


def argmax(over: Index, term: Operand, where: Tensor | None = None) -> Tensor:
    """The first value of the index at which the term is largest."""
    return unread()


def softmax(over: Index, scores: Operand, where: Tensor | None = None) -> Tensor:
    """exp e_j / Σ_j' exp e_j' over an index; 0 where `where` does not hold, so all 0 over nothing."""
    return unread()


def log_softmax(over: Index, scores: Operand, where: Tensor | None = None) -> Tensor:
    """The logarithm of `softmax`; −∞ where `where` does not hold."""
    return unread()


@overload
def concat(first: Index, second: Tensor, /) -> Tensor: ...
@overload
def concat(first: Tensor, second: Tensor, /, *rest: Tensor) -> Tensor: ...
def concat(first: Index | Tensor, second: Tensor, /, *rest: Tensor) -> Tensor:
    """[a; b; …] along the last axis; `concat(h, head)` is [head_1; head_2; …] over the index h."""
    return unread()


def split(x: Tensor, parts: Scalar) -> Tensor:
    """The last axis cut into equal parts: (…, parts·d) becomes (…, parts, d)."""
    return unread()


@overload
def scan(over: Index, step: Callable[[Tensor], Tensor], start: Operand, /) -> Tensor: ...
@overload
def scan(
    over: Index, step: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], start: Operand, second: Operand, /
) -> tuple[Tensor, Tensor]: ...
@overload
def scan(
    over: Index,
    step: Callable[..., tuple[Tensor, ...]],
    start: Operand,
    second: Operand,
    third: Operand,
    /,
    *rest: Operand,
) -> tuple[Tensor, ...]: ...
def scan(over: Index, step: object, start: Operand, /, *rest: Operand) -> Tensor | tuple[Tensor, ...]:
    """The states of a recurrence: from the start, each the step of the one before; named by the index."""
    return unread()


def last(over: Index, state: Tensor) -> Tensor:
    """The last of a scanned state; where the index has no values, what the scan started from."""
    return unread()


def through(layers: Layers, layer: Callable[..., R], start: Tensor, /) -> R:
    """An input through layers, each of which is an equation of what the one below gives: `through(layers, gru, x)`.

    Of several results the first is handed up; what comes out is what the top layer gives.
    """
    return unread()


ELEMENTWISE: dict[Callable[..., Tensor], str] = {
    function: function.__name__ for function in (exp, log, sin, cos, tanh, sigmoid, relu, gelu, sqrt, where, transpose)
}
REDUCTIONS: dict[Callable[..., Tensor], str] = {
    function: function.__name__ for function in (sum, max, argmax, softmax, log_softmax)
}
SPECIAL: dict[object, str] = {
    function: function.__name__ for function in (index, indices, size, zeros, concat, split, scan, last, through)
}
ARITY = {"where": 3} | {name: 1 for name in ELEMENTWISE.values() if name != "where"}
WORDS = sorted([*ELEMENTWISE.values(), *REDUCTIONS.values(), *SPECIAL.values(), "inf"])
