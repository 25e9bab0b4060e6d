"""Functions of arrays of balls that several frameworks have as single operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb

from attnspec.interpreters.balls import elementary
from attnspec.interpreters.balls.arrays import BallArray, elementwise, exactly
from attnspec.interpreters.balls.ball import UNKNOWN, Ball, exact, largest, least, number

Array = Any


def mapped(function: Callable[..., Any], operands: int = 1) -> Callable[..., Array]:
    """A function of balls as a function of arrays of them."""
    apply = elementwise(lambda *each: function(*map(number, each)), operands)
    return lambda *arrays: as_balls(apply(*map(plain, arrays)))


def plain(value: Any) -> Any:
    """An operand as NumPy's own array, without its functions of balls."""
    return value.view(np.ndarray) if isinstance(value, BallArray) else value


def as_balls(value: Any) -> Array:
    """Numbers as an array of balls; floating-point ones are not expected here."""
    if isinstance(value, BallArray):
        return value
    array = np.asarray(value)
    if array.dtype == object:
        return np.array(array, object).view(BallArray)
    return exactly(array)


def filled(shape: Sequence[int], value: Any) -> Array:
    """An array of one number."""
    made = np.ndarray(tuple(shape), object)  # `numpy.empty` makes an array of balls while NumPy code is traced
    made.fill(number(value))
    return made.view(BallArray)


def unknown(shape: Sequence[int]) -> Array:
    """An array of which nothing is known, as uninitialised memory."""
    return filled(shape, UNKNOWN)


relu = mapped(lambda x: largest(x, 0))
sigmoid = mapped(Ball.sigmoid)
erf = mapped(Ball.erf)
erfc = mapped(Ball.erfc)
rsqrt = mapped(lambda x: 1 / x.sqrt())
silu = mapped(lambda x: x * x.sigmoid())
softplus = mapped(lambda x: x if x.value == float("inf") else (1 + x.exp()).log())
maximum = mapped(largest, 2)
minimum = mapped(least, 2)
sign = mapped(elementary.sign)
truncated = mapped(elementary.truncated)
rounded_away = mapped(lambda x: elementary.rounded(x, to_even=False))


@mapped
def gelu(x: Ball) -> Any:
    """x Φ(x)."""
    return x * (1 + (x / exact(2).sqrt()).erf()) / 2


@mapped
def gelu_tanh(x: Ball) -> Any:
    """The approximation of gelu by tanh."""
    inner = Ball((2 / arb.pi()).sqrt()) * (x + number(0.044715) * x * x * x)
    return x * (1 + inner.tanh()) / 2


def gelu_tanh_slope(x: Array) -> Array:
    """The derivative of the approximation of gelu by tanh."""
    scale, cubic = Ball((2 / arb.pi()).sqrt()), number(0.044715)
    bent = np.tanh(scale * (x + cubic * x * x * x))
    return (1 + bent + x * (1 - bent * bent) * scale * (1 + 3 * cubic * x * x)) / 2


def gelu_slope(x: Array) -> Array:
    """The derivative of gelu."""
    normal = np.exp(-x * x / 2) / Ball((2 * arb.pi()).sqrt())
    return (1 + erf(x / exact(2).sqrt())) / 2 + x * normal


def total(x: Array, axes: Any = None, keepdims: bool = False) -> Array:
    """The sum along axes."""
    axes = None if axes is None or (isinstance(axes, list | tuple) and not axes) else axes
    return as_balls(np.sum(plain(as_balls(x)), axis=_axes(axes), keepdims=keepdims))


def accumulated(function: np.ufunc, x: Array, axis: int) -> Array:
    """The sums, or products, of the elements up to each along an axis."""
    found = function.accumulate(plain(x), axis=axis)
    return found.view(BallArray) if isinstance(x, BallArray) else found


def extreme(x: Array, axes: Any, keepdims: bool, smallest: bool = False) -> Array:
    """The largest or the smallest number along axes."""
    function = elementwise(least if smallest else largest, 2)
    return as_balls(function.reduce(plain(as_balls(x)), axis=_axes(axes), keepdims=keepdims))


def _axes(axes: Any) -> Any:
    return tuple(axes) if isinstance(axes, list | tuple) else axes


def count(x: Array, axes: Any) -> int:
    """How many elements are reduced along axes."""
    chosen = range(x.ndim) if axes is None or axes == [] else [axes] if isinstance(axes, int) else axes
    return int(np.prod([x.shape[axis] for axis in chosen], dtype=int))


def mean(x: Array, axes: Any = None, keepdims: bool = False) -> Array:
    """The mean along axes."""
    return total(x, axes, keepdims) / count(x, axes)


def variance(x: Array, axes: Any = None, correction: float = 1, keepdims: bool = False) -> Array:
    """The variance along axes."""
    centred = x - mean(x, axes, True)
    return total(centred * centred, axes, keepdims) / number(max(count(x, axes) - correction, 0))


def softmax(x: Array, axis: int) -> Array:
    """softmax with the largest score subtracted, so that what masks hide is 0."""
    if not x.size:
        return x
    parts = np.exp(x - _shift(x, axis))
    return parts / total(parts, axis, True)


def log_softmax(x: Array, axis: int) -> Array:
    """The logarithm of softmax."""
    if not x.size:
        return x
    shifted = x - _shift(x, axis)
    return shifted - np.log(total(np.exp(shifted), axis, True))


def _shift(x: Array, axis: int) -> Array:
    """A number near the largest score, exactly the same for all: softmax does not depend on it."""
    middle = mapped(lambda each: Ball(each.value.mid()) if isinstance(each.value, arb) else each)
    return middle(extreme(x, axis, True))


def product(a: Array, b: Array) -> Array:
    """The product of matrices, with leading axes."""
    if not a.shape[-1]:
        return filled((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), 0)
    return as_balls(np.matmul(plain(as_balls(a)), plain(as_balls(b))))
