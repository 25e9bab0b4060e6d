"""The value of an equation to 100 digits: mpmath's numbers in NumPy's arrays, every function mpmath's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast

import mpmath
import numpy as np

from attnspec.interpreters.evaluation.algebra import Named, Value
from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.evaluation.named_axes import FOLD
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Case

MP = mpmath.MPContext()
MP.dps = 100

Array = Any


def numbers(array: Array) -> Array:
    """A float64 array's values, exactly; masks stay."""
    if array.dtype.kind != "f":
        return array
    found = np.empty(array.shape, dtype=object)
    found.reshape(-1)[:] = [MP.mpf(value) for value in array.ravel().tolist()]
    return found


def _whole(found: Array) -> Array:
    """NumPy gives a bare object for an array without axes."""
    return found if isinstance(found, np.ndarray) else np.asarray(found, dtype=object)


def _over(a: Any, b: Any) -> Any:
    if b:
        return a / b
    return MP.nan if not a or MP.isnan(a) else MP.sign(a) * MP.inf


def _log(x: Any) -> Any:
    return MP.log(x) if x > 0 else -MP.inf if x == 0 else MP.nan


def _root(x: Any) -> Any:
    return MP.sqrt(x) if x >= 0 else MP.nan


def _power(x: Any, y: Any) -> Any:
    found = MP.power(x, y)
    return found if MP.im(found) == 0 else MP.nan


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": _over, "**": _power,
    "//": lambda a, b: MP.floor(_over(a, b)), "%": lambda a, b: a - b * MP.floor(_over(a, b)),
    "silu": lambda a: a / (1 + MP.exp(-a)), "softplus": lambda a: MP.log(1 + MP.exp(a)), "abs": lambda a: abs(a),
    "neg": lambda a: -a, "exp": MP.exp, "log": _log, "sin": MP.sin, "cos": MP.cos, "tanh": MP.tanh, "sqrt": _root,
    "sigmoid": lambda a: 1 / (1 + MP.exp(-a)), "relu": lambda a: a if a > 0 else MP.mpf(0),
    "gelu": lambda a: a * (1 + MP.erf(a / MP.sqrt(2))) / 2,
}  # fmt: skip

BINARY = ("+", "-", "*", "/", "//", "%", "**")


class Exact(ValueOf):
    """Object arrays of mpmath's numbers; what it computes it computes its own way, not the oracle's."""

    def __init__(self) -> None:
        super().__init__(np)

    def constant(self, value: Any, like: Array) -> Array:
        return np.asarray(MP.mpf(value), dtype=object)

    def positions(self, count: int) -> Array:
        return numbers(np.arange(count, dtype=np.float64))

    def elementwise(self, op: str, values: Sequence[Value[Array]]) -> Value[Array]:
        """Numbers among themselves are folded to 100 digits too."""
        if any(isinstance(value, Named) for value in values):
            return super().elementwise(op, values)
        if op not in FUNCTIONS:
            return FOLD[op](*values)
        return cast(float, FUNCTIONS[op](*(MP.mpf(value) for value in values)))

    @cached_property
    def functions(self) -> dict[str, Callable[..., Array]]:
        own = {op: np.frompyfunc(function, 2 if op in BINARY else 1, 1) for op, function in FUNCTIONS.items()}
        plain = {
            "<=": np.less_equal,
            "<": np.less,
            ">=": np.greater_equal,
            ">": np.greater,
            "==": np.equal,
            "and": np.logical_and,
            "or": np.logical_or,
            "not": np.logical_not,
            "where": np.where,
        }
        return {**plain, **own}

    def apply(self, op: str, *things: Array) -> Array:
        return _whole(super().apply(op, *things))

    def rearrange(self, move: Callable[..., Array], *things: Array) -> Array:
        return _whole(super().rearrange(move, *things))

    def contract(self, a: Array, b: Array) -> Array:
        if a.ndim == 1:
            return self.contract(a[None], b)[..., 0, :]
        return self._sum(a[..., :, :, None] * b[..., None, :, :], -2)

    def _sum(self, terms: Array, axis: int) -> Array:
        return _whole(np.sum(terms, axis=axis, initial=MP.mpf(0)))

    def reduce(self, op: str, axis: int, term: Array, where: Array | None) -> Array:
        """By the definition, where the condition holds."""
        term, seen = np.broadcast_arrays(term, True if where is None else where)
        match op:
            case "sum":
                return self._sum(np.where(seen, term, MP.mpf(0)), axis)
            case "max" | "argmax":
                low = np.where(seen, term, -MP.inf)
                return _whole(np.max(low, axis=axis, initial=-MP.inf)) if op == "max" else np.argmax(low, axis=axis)
        top = np.expand_dims(self.reduce("max", axis, term, where), axis)
        parts = np.where(seen, self.apply("exp", np.where(seen, term - top, MP.mpf(0))), MP.mpf(0))
        weights = self.apply("/", parts, np.expand_dims(self._sum(parts, axis), axis))
        shown = weights if op == "softmax" else self.apply("log", weights)
        return np.where(seen, shown, MP.mpf(0) if op == "softmax" else -MP.inf)

    def finite(self, thing: Array) -> bool:
        return all(MP.isfinite(value) for value in thing.ravel())


def exact(definition: Definition, case: Case) -> tuple[Array, ...]:
    """Every output of an equation, to 100 digits."""
    sizes, batch = fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    arrays = {name: numbers(array) for name, array in case.arrays.items()}
    found, _ = Exact().run(definition, arrays, case.options, sizes, batch)
    return found


def distance(value: Array, right: Array) -> Array:
    """|value − right|, rounded to float64 once; 0 where both are the same infinity, or NaN."""

    def apart(a: Any, b: Any) -> float:
        a, b = MP.mpf(a), MP.mpf(b)
        if MP.isfinite(a) and MP.isfinite(b):
            return float(abs(a - b))
        return 0.0 if a == b or (MP.isnan(a) and MP.isnan(b)) else float("inf")

    pairs = zip(value.ravel().tolist(), right.ravel().tolist(), strict=True)
    return np.asarray([apart(a, b) for a, b in pairs], dtype=np.float64).reshape(value.shape)
