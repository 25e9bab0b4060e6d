"""Words for recurrences over an index, and for stacks of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

from attnspec.language.tensor import Index, Layers, Operand, Tensor, unread

R = TypeVar("R")


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
    """The states of a recurrence h_t = step(h_{t−1}), for all values t of an index.

    Args:
        over: the index t.
        step: a lambda with a parameter for each state, which may use `t`. For several states it calls an equation
            that returns as many.
        start: the first state before the first step: an array, a number, or `zeros`.
        *rest: the other states before the first step.

    Returns:
        The state after each step, with the index as a named axis; a tuple of them if there are several. ``.stack(t)``
        makes the index the leading axis, `last` takes the last state.

    Examples:
        >>> @equation()
        ... def average(x: Float[Tensor, "t d"], h_0: Float[Tensor, " d"]) -> Float[Tensor, "t d"]:
        ...     t = index("t")
        ...     h = scan(t, lambda h: (h + x[t]) / 2, h_0)
        ...     return h.stack(t)
        >>> average(np.array([[2.0], [4.0]]), np.array([0.0]))
        array([[1. ],
               [2.5]])
    """
    return unread()


def last(over: Index, state: Tensor) -> Tensor:
    """The last state of a recurrence.

    Args:
        over: the index that was scanned over.
        state: a name that `scan` was assigned to.

    Returns:
        The state after the last step; where the index has no values, the state that the scan started from.

    Examples:
        >>> @equation()
        ... def product(x: Float[Tensor, "t d"]) -> Float[Tensor, " d"]:
        ...     t = index("t")
        ...     p = scan(t, lambda p: p * x[t], 1 + zeros("d"))
        ...     return last(t, p)
        >>> product(np.array([[2.0], [3.0]])), product(np.zeros((0, 1)))
        (array([6.]), array([1.]))
    """
    return unread()


def through(layers: Layers, layer: Callable[..., R], start: Tensor, /) -> R:
    """The output of several layers, which are the same equation with different arrays.

    Args:
        layers: a parameter of the type `Layers`: for each layer, the bottom one first, a tuple of the arrays that the
            equation takes after its first.
        layer: the equation. Its first parameter is the first result of the layer below.
        start: what the bottom layer reads.

    Returns:
        The results of the top layer. The call stands on a line of its own or after ``return``.

    Examples:
        >>> @equation()
        ... def linear(x: Float[Tensor, "t d"], W: Float[Tensor, "d u"]) -> Float[Tensor, "t u"]:
        ...     return x @ W
        >>> @equation()
        ... def deep(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t u_L"]:
        ...     return through(layers, linear, x)
        >>> deep(np.array([[1.0]]), ((np.array([[2.0, 3.0]]),), (np.array([[4.0], [5.0]]),)))
        array([[23.]])
    """
    return unread()
