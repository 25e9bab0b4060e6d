"""The value of an equation: the oracle in float64, or any other dtype and Array API namespace."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
from array_api_compat import is_torch_array

from attnspec.interpreters.evaluation.algebra import every, of_kind
from attnspec.interpreters.evaluation.walk import Array, Interpreter, Named, Value
from attnspec.language.tree import SOFTMAXES


class ValueOf(Interpreter[Array]):
    """Evaluates an equation on plain arrays with the functions of their namespace.

    Attributes:
        constants: significant bits that constants such as √d are rounded to; None if they are exact.
        dtype, device: those of the first floating input; None until one is read.
    """

    def __init__(self, namespace: Any, constants: int | None = None) -> None:
        self.xp = namespace
        self.constants = constants
        self.dtype: Any = None
        self.device: Any = None
        self._positions: dict[int, Array] = {}
        self._constants: dict[tuple[type, float, Any], Array] = {}

    def source(self, array: Array) -> Array:
        if self.dtype is None and of_kind(array.dtype, "real floating", self.xp):
            self.dtype, self.device = array.dtype, array.device
        return array

    def constant(self, value: float, like: Array) -> Array:
        if not value:  # 0 and −0 are equal, but not alike
            return self.made_constant(value, like)
        key = type(value), value, like.dtype
        if key not in self._constants:
            self._constants[key] = self.made_constant(value, like)
        return self._constants[key]

    def made_constant(self, value: float, like: Array) -> Array:
        """A number as an array without axes."""
        if isinstance(value, bool):
            return self.xp.asarray(value, device=like.device)
        if of_kind(like.dtype, "integral", self.xp) and value == int(value if math.isfinite(value) else 0):
            return self.xp.asarray(int(value), dtype=like.dtype, device=like.device)  # a float may not represent it
        if self.constants is not None and math.isfinite(value):
            mantissa, exponent = math.frexp(value)
            value = math.ldexp(round(math.ldexp(mantissa, self.constants)), exponent - self.constants)
        return self.xp.asarray(value, dtype=self.floating(like), device=like.device)

    def floating(self, like: Array) -> Any:
        """The dtype of an array, or that of the inputs if the array is a mask or an index."""
        return like.dtype if of_kind(like.dtype, "real floating", self.xp) else self.dtype or self.xp.float64

    def blank(self, shape: tuple[int, ...]) -> Array:
        return self.xp.zeros(shape, dtype=self.dtype or self.xp.float64, device=self.device)

    def leave(self, value: Value[Array]) -> Array:
        return super().leave(value) if isinstance(value, Named | float) else self.xp.asarray(value)

    def positions(self, count: int) -> Array:
        if count not in self._positions:
            self._positions[count] = self.xp.arange(count, dtype=self.xp.float64)
        return self._positions[count]

    def as_integers(self, operand: Array) -> Array:
        return self.xp.astype(operand, self.xp.int64)

    def shape(self, operand: Array) -> tuple[int, ...]:
        return tuple(operand.shape)

    def rearrange(self, move: Callable[..., Array], *operands: Array) -> Array:
        return move(*operands)

    def apply(self, op: str, *operands: Array) -> Array:
        return self.functions[op](*self.same_dtype(*operands))

    def same_dtype(self, *operands: Array) -> tuple[Array, ...]:
        """Convert operands that were computed from positions alone, in float64, to the dtype of the inputs."""
        if self.dtype is None or self.dtype == self.xp.float64 or all(a.dtype != self.dtype for a in operands):
            return operands
        return tuple(self.xp.astype(a, self.dtype) if a.dtype == self.xp.float64 else a for a in operands)

    @cached_property
    def functions(self) -> dict[str, Callable[..., Array]]:
        """The elementwise operations, by the name that the syntax tree gives them."""
        xp = self.xp
        return {
            "+": xp.add,
            "-": xp.subtract,
            "*": xp.multiply,
            "/": xp.divide,
            "//": partial(self.divided, xp.floor_divide),
            "%": partial(self.divided, xp.remainder),
            "**": xp.pow,
            "neg": xp.negative,
            "<=": xp.less_equal,
            "<": xp.less,
            ">=": xp.greater_equal,
            ">": xp.greater,
            "==": xp.equal,
            "and": xp.logical_and,
            "or": xp.logical_or,
            "not": xp.logical_not,
            "where": xp.where,
            "exp": xp.exp,
            "log": xp.log,
            "sin": xp.sin,
            "cos": xp.cos,
            "tanh": xp.tanh,
            "sqrt": xp.sqrt,
            "sigmoid": self.sigmoid,
            "relu": lambda x: xp.where(x < 0, xp.zeros_like(x), x),
            "gelu": self.gelu,
            "silu": lambda x: x * self.sigmoid(x),
            "softplus": self.softplus,
            "abs": xp.abs,
        }

    def sigmoid(self, x: Array) -> Array:
        """1 / (1 + e^−x), computed as e^x / (1 + e^x) for negative x, which keeps the digits of both tails."""
        e = self.xp.exp(-self.xp.abs(x))
        return self.xp.where(x < 0, e, self.xp.ones_like(e)) / (1 + e)

    def softplus(self, x: Array) -> Array:
        """ln(1 + e^x), computed as max(x, 0) + ln(1 + e^−|x|), which cannot overflow."""
        return self.xp.where(x < 0, self.xp.zeros_like(x), x) + self.xp.log1p(self.xp.exp(-self.xp.abs(x)))

    def gelu(self, x: Array) -> Array:
        return x * (1 + self.erf(x / math.sqrt(2))) / 2

    def erf(self, x: Array) -> Array:
        """erf, which the Array API standard lacks: PyTorch's, or that of Python's math module for each element."""
        if is_torch_array(x):
            return x.erf()
        return np.vectorize(math.erf, otypes=[x.dtype])(x)

    def divided(self, division: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
        """A division of whole numbers. By 0 it gives 0, as in NumPy; PyTorch raises an error."""
        if not all(of_kind(array.dtype, "integral", self.xp) for array in (a, b)):
            return division(a, b)
        by_zero = b == 0
        result = division(a, self.xp.where(by_zero, self.xp.ones_like(b), b))
        return self.xp.where(by_zero, self.xp.zeros_like(result), result)

    def contract(self, a: Array, b: Array) -> Array:
        return self.xp.matmul(*self.same_dtype(self.counted(a), b))

    def reduce(self, op: str, axis: int, term: Array, where: Array | None) -> Array:
        xp = self.xp
        if op == "sum":
            shown = term if where is None else xp.where(where, term, xp.zeros_like(term))
            return xp.squeeze(self.total(shown, axis), axis=axis)
        if op in SOFTMAXES:
            return self.softmax(term, axis, where, log=op == "log_softmax")
        low = self.constant(-math.inf, term)
        if where is not None:
            term = xp.where(where, term, low)
        if not term.shape[axis]:
            term = xp.broadcast_to(low, (*term.shape[:axis], 1, *term.shape[axis + 1 :]))
        return xp.max(term, axis=axis) if op == "max" else xp.argmax(term, axis=axis)

    def total(self, terms: Array, axis: int) -> Array:
        """The sum along an axis, which stays with one place."""
        return self.xp.sum(self.counted(terms, axis), axis=axis, keepdims=True)

    def softmax(self, e: Array, axis: int, where: Array | None, log: bool = False) -> Array:
        """softmax or its logarithm, with the largest score subtracted so that exp cannot overflow.

        If no element is visible, all weights are 0.
        """
        xp = self.xp
        if not e.shape[axis]:
            return e
        if where is None:
            shifted = e - xp.max(e, axis=axis, keepdims=True)
            parts = xp.exp(shifted)
            total = self.total(parts, axis)
            return shifted - xp.log(total) if log else parts / total
        seen = xp.broadcast_to(where, e.shape)
        low = xp.where(seen, e, self.constant(-math.inf, e))
        top = xp.max(low, axis=axis, keepdims=True)
        some = xp.any(seen, axis=axis, keepdims=True)
        shifted = xp.where(seen, low - xp.where(some, top, xp.zeros_like(top)), xp.zeros_like(low))
        parts = xp.where(seen, xp.exp(shifted), xp.zeros_like(shifted))
        total = self.total(parts, axis)
        total = xp.where(some, total, xp.ones_like(total))
        if log:
            return xp.where(seen, shifted - xp.log(total), self.constant(-math.inf, e))
        return parts / total

    def masked(self, operand: Array, where: Array) -> Array | None:
        return self.xp.where(where, operand, self.xp.zeros_like(operand)) if self.finite(operand) else None

    def finite(self, operand: Array) -> bool:
        return every(self.xp.isfinite(operand), self.xp)
