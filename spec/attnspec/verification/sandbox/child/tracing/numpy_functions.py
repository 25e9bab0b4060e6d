"""Functions that NumPy code calls on balls although they take nothing but floats: math, SciPy, makers of arrays.

While code is traced, each is replaced by one that does the same on balls and calls the original on all else.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, exactly
from attnspec.interpreters.balls.ball import UNKNOWN, Ball, Untraceable, number
from attnspec.interpreters.balls.elementary import FUNCTIONS
from attnspec.verification.sandbox.child.tracing import functions as of

Array = Any
Replaced = dict[Callable[..., Any], Callable[..., Any]]


def _is_ball(value: Any) -> bool:
    return isinstance(value, Ball | BallArray)


def _single(value: Any) -> Any:
    """An argument of a function of numbers, as a ball."""
    found = number(value.item() if isinstance(value, np.ndarray) else value)
    if found is NotImplemented:
        raise TypeError(f"a number is needed, not {type(value).__name__}")
    return found


def _of_numbers(original: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        return function(*map(_single, values)) if any(map(_is_ball, values)) else original(*values)

    return call


def _logarithm(x: Ball, base: Ball | None = None) -> Any:
    return x.log() if base is None else x.log() / base.log()


def _summed(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(values: Iterable[Any]) -> Any:
        listed = list(values)
        return sum(map(_single, listed), _single(0)) if any(map(_is_ball, listed)) else original(listed)

    return call


OTHER_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
               "acosh": "arccosh", "atanh": "arctanh", "lgamma": "gammaln"}  # fmt: skip
"""{name in math: the name that NumPy or SciPy has}."""

SAME_NAMES = ("exp", "exp2", "expm1", "log2", "log10", "log1p", "sqrt", "cbrt", "fabs", "sin", "cos", "tan", "sinh",
              "cosh", "tanh", "erf", "erfc", "fmod", "copysign")  # fmt: skip

OF_MATH: dict[str, Callable[..., Any]] = {
    **{name: FUNCTIONS[name][0] for name in SAME_NAMES},
    **{name: FUNCTIONS[own][0] for name, own in OTHER_NAMES.items()},
    "pow": pow,
    "log": _logarithm,
    "hypot": lambda *each: sum((x * x for x in each), _single(0)).sqrt(),
    "floor": lambda x: int(x.floor()),
    "ceil": lambda x: int(FUNCTIONS["ceil"][0](x)),
    "trunc": lambda x: int(FUNCTIONS["trunc"][0](x)),
    "isnan": Ball.is_nan,
    "isinf": Ball.is_infinite,
    "isfinite": lambda x: not (x.is_nan() or x.is_infinite()),
}
"""{name in math: the same of balls}."""


def _softmax(x: Array, axis: Any = None) -> Array:
    return of.softmax(x, axis)


def _log_softmax(x: Array, axis: Any = None) -> Array:
    return of.log_softmax(x, axis)


def _logsumexp(a: Array, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Array:
    if return_sign:
        raise Untraceable("the sign of a sum of exponentials")
    return np.log(of.total(np.exp(a) if b is None else b * np.exp(a), axis, keepdims))


OF_SCIPY: dict[str, Callable[..., Any]] = {"softmax": _softmax, "log_softmax": _log_softmax, "logsumexp": _logsumexp}
"""{name in scipy.special: the same of arrays of balls}; SciPy's universal functions need no replacement."""


def _first(original: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return function(x, *args, **kwargs) if isinstance(x, BallArray) else original(x, *args, **kwargs)

    return call


def _array(original: Callable[..., Any]) -> Callable[..., Any]:
    """`numpy.array` and its like: of balls, in lists too, they make an array of balls, whatever dtype is asked."""

    def call(value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, BallArray):
            found = value if dtype is None or np.dtype(dtype) == object else value.astype(dtype)
            return original(found, None, *args, **kwargs).view(type(found)) if isinstance(found, BallArray) else found
        if isinstance(value, list | tuple | Ball) and _has_balls(value):
            plain = original(_plain(value), object, *args, **kwargs).view(BallArray)
            return plain if dtype is None else plain.astype(dtype)
        return _of_objects(original(value, dtype, *args, **kwargs))

    return call


def _has_balls(value: Any) -> bool:
    return any(map(_has_balls, value)) if isinstance(value, list | tuple) else _is_ball(value)


def _plain(value: Any) -> Any:
    """Lists and tuples of arrays of balls with arrays of objects in their place, and single ones with their element."""
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value.item() if isinstance(value, BallArray) and not value.ndim else of.plain(value)


def _of_objects(array: Any) -> Any:
    """An array of numbers in the dtype of a traced array, as an array of balls."""
    if type(array) is np.ndarray and array.dtype == object and all(_is_number(each) for each in array.flat):
        return array.view(BallArray)
    return array


def _is_number(value: Any) -> bool:
    return number(value) is not NotImplemented


def _empty(original: Callable[..., Any]) -> Callable[..., Any]:
    """`numpy.empty`, of whose elements nothing is known in the dtype of a traced array."""

    def make(*args: Any, **kwargs: Any) -> Any:
        array = original(*args, **kwargs)
        if array.dtype != object:
            return array
        array.fill(UNKNOWN)
        return array.view(BallArray)

    return make


def _made(original: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes an array, which holds balls if it has the dtype of a traced one."""
    return lambda *args, **kwargs: _of_objects(original(*args, **kwargs))


def _filled(original: Callable[..., Any], fill: Any, formats: set[Any]) -> Callable[..., Any]:
    """The same, of which an array in a floating-point format, too, holds balls: copies of a number."""
    in_dtype = _empty(original) if fill is UNKNOWN else _made(original)

    def make(*args: Any, **kwargs: Any) -> Any:
        array = original(*args, **kwargs)
        if array.dtype.kind != "f":
            return in_dtype(*args, **kwargs)
        formats.add(array.dtype)
        return of.filled(array.shape, fill)

    return make


def _full(original: Callable[..., Any], formats: set[Any]) -> Callable[..., Any]:
    def make(shape: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
        one = np.ndim(fill_value) == 0
        return (_filled(original, fill_value, formats) if one else _made(original))(shape, fill_value, *args, **kwargs)

    return make


def _whole(original: Callable[..., Any]) -> Callable[..., Any]:
    """A function that counts, whose whole numbers are balls."""

    def make(*args: Any, **kwargs: Any) -> Any:
        array = original(*args, **kwargs)
        return exactly(array) if array.dtype.kind in "if" and np.all(array == np.floor(array)) else array

    return make


def _vectorized(replaced: Replaced) -> Callable[..., Any]:
    """The call of `numpy.vectorize`, of which the numbers that it returns may be balls."""
    original = np.vectorize.__call__

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not any(map(_is_ball, (*args, *kwargs.values()))):
            return original(self, *args, **kwargs)
        kinds = ["O" if np.dtype(each).kind == "f" else each for each in self.otypes or ()]
        function = replaced.get(self.pyfunc, self.pyfunc)

        def on_balls(*each: Any, **named: Any) -> Any:
            return _plain(function(*map(_of_objects, each), **named))

        made = np.vectorize(on_balls, otypes=kinds or None, excluded=self.excluded, signature=self.signature)
        given = {name: of.plain(value) for name, value in kwargs.items()}
        found = original(made, *map(of.plain, args), **given)
        return tuple(map(_of_objects, found)) if isinstance(found, tuple) else _of_objects(found)

    return call


MAKERS = ("zeros", "ones", "full", "eye", "identity")
COUNTERS = ("arange", "linspace")
TAKERS = ("array", "asarray", "asanyarray", "ascontiguousarray")


class Buffers(NamedTuple):
    """How arrays that NumPy makes as floating-point ones hold balls too.

    Attributes:
        positions: whether whole numbers that are counted are balls, as in a table of positions.
        formats: the dtypes that were asked of the arrays that hold balls.
    """

    positions: bool
    formats: set[Any]


def _replacements(buffers: Buffers | None) -> Replaced:
    """{function: what is called instead}."""
    found = {getattr(math, name): _of_numbers(getattr(math, name), own) for name, own in OF_MATH.items()}
    found[math.fsum] = _summed(math.fsum)
    found |= {getattr(np, name): _array(getattr(np, name)) for name in TAKERS}
    found |= {getattr(np, name): _made(getattr(np, name)) for name in MAKERS}
    found[np.empty] = _empty(np.empty)
    if buffers is not None:
        fills = {"zeros": 0, "ones": 1, "empty": UNKNOWN}
        found |= {getattr(np, name): _filled(getattr(np, name), fill, buffers.formats) for name, fill in fills.items()}
        found[np.full] = _full(np.full, buffers.formats)
        if buffers.positions:
            found |= {getattr(np, name): _whole(getattr(np, name)) for name in COUNTERS}
    if "scipy.special" in sys.modules:
        special = importlib.import_module("scipy.special")
        found |= {getattr(special, name): _first(getattr(special, name), own) for name, own in OF_SCIPY.items()}
    return found


UNTOUCHED = ("numpy", "scipy", "attnspec", "flint", "unittest")
"""Packages whose own code calls the originals."""

OWNERS = ("numpy", "math", "scipy.special")


@contextmanager
def replaced(buffers: Buffers | None = None) -> Iterator[None]:
    """Replace the functions, under whatever names the modules have them that are imported."""
    functions = _replacements(buffers)
    instead = {id(original): function for original, function in functions.items()}
    with ExitStack() as undone:
        undone.enter_context(mock.patch.object(np.vectorize, "__call__", _vectorized(functions)))
        for names in _namespaces():
            for name, value in [(name, value) for name, value in names.items() if id(value) in instead]:
                names[name] = instead[id(value)]
                undone.callback(names.__setitem__, name, value)
        yield


def _namespaces() -> Iterator[dict[str, Any]]:
    for name, module in list(sys.modules.items()):
        if name in OWNERS or name.partition(".")[0] not in UNTOUCHED:
            names = getattr(module, "__dict__", None)
            if isinstance(names, dict):
                yield names
