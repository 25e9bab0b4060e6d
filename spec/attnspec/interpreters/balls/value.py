"""The value of an equation in balls: the walk of `evaluation` over arrays of them, with exact constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from attnspec.interpreters.balls.arrays import BallArray, elementwise, exactly
from attnspec.interpreters.balls.ball import PRECISION, Ball, exact, is_exact, largest, number, working
from attnspec.interpreters.evaluation.call import batch_shape, bind, fit
from attnspec.interpreters.evaluation.named_axes import FOLD
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array, Named, Value
from attnspec.language import layers
from attnspec.language.tree import Definition

WHOLE = ("+", "-", "*", "neg", "//", "%", "<=", "<", ">=", ">", "==", "and", "or", "not", "where")
"""Operations on whole numbers that Python computes exactly."""


class Namespace:
    """NumPy as an array namespace whose floating-point arrays are arrays of balls."""

    float64 = np.dtype(object)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def isdtype(self, dtype: Any, kind: str) -> bool:
        """Whether a dtype is of a kind; balls are real floating."""
        return kind == "real floating" if np.dtype(dtype).kind == "O" else bool(np.isdtype(dtype, kind))

    def argmax(self, x: Any, axis: int | None = None) -> Any:
        """The place of the first largest element."""
        return np.argmax(np.asarray(x), axis=axis)


class ValueInBalls(ValueOf):
    """Evaluates an equation on arrays of balls.

    Attributes:
        rounded: whether numbers of many digits that are written in the equation, such as 0.044715 and π, stand for all
            numbers that round to them in float64; otherwise they are exact.
    """

    def __init__(self, rounded: bool = False) -> None:
        super().__init__(Namespace())
        self.dtype = np.dtype(object)
        self.rounded = rounded

    def literal(self, number: float) -> Any:
        if self.rounded and not is_exact(number):
            return Ball(arb(number, abs(number) * 2.0**-53))
        return super().literal(number)

    def source(self, array: Array) -> Array:
        return exactly(array) if array.dtype.kind == "f" else array

    def constant(self, value: Any, like: Array) -> Array:
        if isinstance(value, bool) or (isinstance(value, int) and like.dtype.kind in "iu"):
            return np.asarray(value)
        return exactly(np.asarray(value)) if not isinstance(value, Ball) else np.asarray(value).view(BallArray)

    def blank(self, shape: tuple[int, ...]) -> Array:
        return exactly(np.zeros(shape))

    def positions(self, count: int) -> Array:
        return exactly(np.arange(count))

    def leave(self, value: Value[Array]) -> Array:
        return value.data if isinstance(value, Named) else self.constant(value, self.positions(1))

    def elementwise(self, op: str, values: Sequence[Value[Array]]) -> Value[Array]:
        if any(isinstance(value, Named) for value in values):
            return super().elementwise(op, values)
        found: Value[Array] = self.folded(op, values)
        return found

    def folded(self, op: str, values: Sequence[Any]) -> Any:
        """An operation on numbers alone: whole numbers stay whole, others are balls."""
        whole = all(not isinstance(value, Ball) and float(value).is_integer() for value in values)
        if whole and (op in WHOLE or (op == "/" and values[1] and values[0] % values[1] == 0)):
            return FOLD[op](*values)
        return self.functions[op](*(self.constant(value, self.positions(1)) for value in values)).item()

    def as_integers(self, operand: Array) -> Array:
        return operand.astype(np.int64)

    @cached_property
    def functions(self) -> dict[str, Callable[..., Array]]:
        of = {
            "relu": lambda x: largest(x, 0),
            "sigmoid": Ball.sigmoid,
            "silu": lambda x: x * x.sigmoid(),
            "softplus": lambda x: x if x.value == math.inf else (1 + x.exp()).log(),
            "gelu": lambda x: x * (1 + (x / exact(2).sqrt()).erf()) / 2,
        }
        made = {name: _of_arrays(function) for name, function in of.items()}
        return {**super().functions, **made}

    def softmax(self, e: Array, axis: int, where: Array | None, log: bool = False) -> Array:
        """softmax or its logarithm. What is subtracted need not be the largest score: any number gives the same."""
        if not e.shape[axis]:
            return e
        seen = np.broadcast_to(np.True_ if where is None else where, e.shape)
        rows = np.moveaxis(np.asarray(e), axis, -1)
        result = np.empty(rows.shape, object)
        for place in np.ndindex(rows.shape[:-1]):
            result[place] = _softmax_of(rows[place], np.moveaxis(seen, axis, -1)[place], log)
        return np.moveaxis(result, -1, axis).view(BallArray)


def _of_arrays(function: Callable[[Ball], Ball]) -> Callable[[Array], Array]:
    mapped = elementwise(lambda x: function(number(x)))
    return lambda x: np.asarray(mapped(np.asarray(x)), object).view(BallArray)


def _softmax_of(scores: NDArray[Any], seen: NDArray[Any], log: bool) -> NDArray[Any]:
    result = np.empty(scores.shape, object)
    result[:] = [exact(-math.inf if log else 0.0)] * scores.size
    if seen.any():
        shown = [number(each) for each in scores[seen]]
        top = shown[0]
        for each in shown[1:]:
            top = largest(top, each)
        shift = Ball(top.value.mid()) if hasattr(top.value, "mid") else top
        shifted = [each - shift for each in shown]
        total = sum((each.exp() for each in shifted[1:]), shifted[0].exp())
        made = [each - total.log() if log else each.exp() / total for each in shifted]
        result[np.flatnonzero(seen)] = made
    return result


def value_in_balls(
    definition: Definition, arguments: Mapping[str, Any], bits: int = PRECISION, *, rounded: bool = False
) -> tuple[Any, ...]:
    """The value of an equation, each element a ball that contains it.

    Args:
        definition: the equation.
        arguments: arrays and options by name, which count as exact.
        bits: significant bits of midpoints.
        rounded: whether numbers of many digits in the equation stand for all numbers that round to them in float64.

    Returns:
        An array of balls for each output, with the batch axes first; of whole numbers where the equation has these.

    Raises:
        Undecided: the equation compares numbers that are equal to all digits.
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    given, options = bind(definition, (), arguments)
    arrays = {name: np.asarray(value) for name, value in given.items()}
    definition = layers.written_out(definition, arrays)
    sizes, batch = fit(definition, {name: array.shape for name, array in arrays.items()}, options)
    with working(bits):
        interpreter = ValueInBalls(rounded)
        results, _ = interpreter.run(definition, arrays, options, sizes, batch)
        lead = batch_shape(definition, arrays)
        return tuple(
            np.broadcast_to(
                interpreter.as_integers(result) if announced.kind == "int" else result,
                (*lead, *(dim.value(sizes) for dim in announced.dims)),
                subok=True,
            )
            for result, announced in zip(results, definition.results, strict=True)
        )
