"""Arrays of balls, which NumPy code takes for arrays of numbers.

They are NumPy arrays of Python objects, so that whatever moves elements works as it is. Functions that compare or
classify elements are defined here. What NumPy cannot do with objects raises an error, and is then not traced.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from attnspec.interpreters.balls.ball import (
    UNKNOWN,
    Ball,
    Untraceable,
    constant,
    exact,
    is_exact,
    largest,
    least,
    number,
)
from attnspec.interpreters.balls.complex_ball import ComplexBall, exponential, of_parts
from attnspec.interpreters.balls.elementary import FUNCTIONS, of_numbers
from attnspec.interpreters.balls.fourier import FOURIER, as_complexes, imaginary_part, real_part

LIMBS = 4
"""So many float64 numbers add up to a midpoint."""


class BallArray(np.ndarray[Any, Any]):
    """An array of balls, or of Python numbers among them."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        into = kwargs.pop("out", ())
        for name in ("dtype", "casting"):
            kwargs.pop(name, None)
        if kwargs.get("initial") is not None and isinstance(kwargs["initial"], float):
            kwargs["initial"] = number(kwargs["initial"])
        if into:
            kwargs["out"] = tuple(map(_target, into))
        elif kwargs.get("where", True) is not True:
            _complete(ufunc, method, inputs, kwargs)
        own = OWN.get(ufunc.__name__, ufunc)
        try:
            operands = [_target(inputs[0]), *map(_plain, inputs[1:])] if method == "at" else map(_plain, inputs)
            result = getattr(own, method)(*operands, **kwargs)
        except TypeError as error:
            if "not supported for the input types" in str(error):  # a function of another library, on numbers alone
                raise Untraceable(f"{ufunc.__name__} has no meaning in balls") from error
            raise
        if ufunc.__name__ in TESTS:
            result = np.asarray(result).astype(bool)
        return (into[0] if len(into) == 1 else into) if into else _wrapped(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        for target in (args[0] if function.__name__ in WRITERS and args else None, kwargs.get("out")):
            _target(target)
        if function.__module__ == "numpy.fft" and function.__name__ in FOURIER:
            return _wrapped(FOURIER[function.__name__](*map(_plain, args), **kwargs))
        return _wrapped(super().__array_function__(function, types, _converted(args), _converted(kwargs)))

    def __getitem__(self, key: Any) -> Any:
        return _wrapped(super().__getitem__(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value.item() if isinstance(value, BallArray) and not value.ndim else value)

    def __float__(self) -> float:
        return float(self.item())

    def view(self, *args: Any, **kwargs: Any) -> Any:
        """The same elements as another kind of array, never as bits."""
        try:
            return super().view(*args, **kwargs)
        except TypeError as error:
            raise Untraceable("the bits of numbers are read") from error

    @property
    def ctypes(self) -> Any:
        """Never given: what stands in memory are no numbers."""
        raise Untraceable("its memory is handed to other code")

    @property  # type: ignore[misc]  # parts are not written into
    def real(self) -> Any:
        """The real parts."""
        return _wrapped(real_part(_plain(self))) if is_complex(self) else self

    @property  # type: ignore[misc]  # likewise
    def imag(self) -> Any:
        """The imaginary parts."""
        return _wrapped(imaginary_part(_plain(self)))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The same numbers: no format rounds. Whole numbers may become integers, and all numbers truths."""
        kind = np.dtype(dtype).kind
        if kind == "c":
            return as_complexes(_plain(self)).view(BallArray)
        if kind != "O" and is_complex(self):
            raise Untraceable("a complex number is taken for a real one")
        if kind in "fO" or np.dtype(dtype).name == "bfloat16":
            return self.copy()
        elements = [bool(each) if kind == "b" else int(each) for each in self.flat]
        return np.array(elements, dtype).reshape(self.shape)


def is_complex(array: Any) -> bool:
    """Whether an array of balls has complex numbers."""
    return any(isinstance(each, ComplexBall) for each in array.view(np.ndarray).flat)


def exactly(values: NDArray[Any]) -> BallArray:
    """The exact numbers of an array, as balls of radius 0."""
    return _array([exact(value) for value in np.asarray(values).ravel().tolist()], values.shape)


def constants(values: NDArray[Any], written_in: str = "") -> BallArray:
    """An array of constants of code.

    Args:
        values: the constants.
        written_in: the format in which they are written, if it is another than that of the array.

    Raises:
        Untraceable: it has several numbers that were computed before the trace, by how many roundings is not known.
    """
    array = np.asarray(values)
    flat, format = array.astype(np.float64).ravel().tolist(), written_in or array.dtype.name
    if array.size > 1 and not all(is_exact(value, format) for value in flat):
        raise Untraceable("it has a table of constants")
    return _array([constant(value, format) for value in flat], array.shape)


def complex_constants(values: NDArray[Any]) -> BallArray:
    """An array of complex constants of code, as `constants` makes one of real ones."""
    parts = constants(np.real(values)), constants(np.imag(values))
    made = np.frompyfunc(of_parts, 2, 1)(*(part.view(np.ndarray) for part in parts))
    return np.asarray(made, object).view(BallArray)


def _array(elements: list[Any], shape: tuple[int, ...]) -> BallArray:
    made = np.ndarray(len(elements), object)
    made[:] = elements
    return made.reshape(shape).view(BallArray)


def _plain(value: Any) -> Any:
    """An operand as NumPy's own array."""
    if isinstance(value, BallArray):
        return value.view(np.ndarray)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.name in FLOATS:
        return constants(np.asarray(value)).view(np.ndarray)
    if isinstance(value, complex | np.ndarray | np.generic) and np.asarray(value).dtype.kind == "c":
        return complex_constants(np.asarray(value)).view(np.ndarray)
    return value


def _target(value: Any) -> Any:
    """An array that is written into, as NumPy's own: one of numbers cannot hold balls."""
    if isinstance(value, np.ndarray) and (value.dtype.name in FLOATS or value.dtype.kind == "c"):
        raise Untraceable(f"it writes into an array of {value.dtype.name}")
    return _plain(value)


def _complete(ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]) -> None:
    """Say what objects need beside `where`: from which number a reduction starts, and what an untouched element is."""
    if method == "reduce" and ufunc.__name__ in IDENTITIES:
        kwargs.setdefault("initial", number(IDENTITIES[ufunc.__name__]))
    elif method == "__call__" and ufunc.nout == 1:
        out = np.ndarray(np.broadcast_shapes(*map(np.shape, (*inputs, kwargs["where"]))), object)
        out.fill(UNKNOWN)
        kwargs["out"] = (out,)


IDENTITIES = {"add": 0, "multiply": 1}
"""What reductions of nothing give."""

WRITERS = ("copyto", "put", "putmask", "place", "fill_diagonal", "put_along_axis")
"""Functions of NumPy that write into their first argument."""

FLOATS = ("float64", "float32", "float16", "bfloat16")


def _converted(value: Any) -> Any:
    """Arguments of a function with floating-point arrays as arrays of balls."""
    if isinstance(value, tuple | list):
        return type(value)(map(_converted, value))
    if isinstance(value, dict):
        return {name: _converted(each) for name, each in value.items() if name != "dtype" or each in (bool, int)}
    if isinstance(value, np.ndarray) and value.dtype.name in FLOATS:
        return constants(value)
    return value


def _wrapped(value: Any) -> Any:
    """A result of NumPy as an array of balls, if it has numbers."""
    if type(value) in (tuple, list):  # integers in one are places, as in the path of an einsum
        return type(value)(each if type(each) is int else _wrapped(each) for each in value)
    if isinstance(value, ComplexBall):
        return _array([value], ())
    if isinstance(value, Ball | float) or type(value) is int:
        return _array([number(value)], ())
    if isinstance(value, np.ndarray):
        return value.view(BallArray) if value.dtype == object else value.view(np.ndarray)
    return value


def elementwise(function: Callable[..., Any], operands: int = 1, identity: Any = None) -> Any:
    """A function of balls as a function of arrays, as NumPy's are, with reductions; of nothing they give `identity`."""
    return np.frompyfunc(function, operands, 1, identity=identity)


def _clipped(x: Any, low: Any, high: Any) -> Ball:
    return least(largest(x, low), high)


OWN: dict[str, Any] = {
    **{name: elementwise(of_numbers(function), operands) for name, (function, operands) in FUNCTIONS.items()},
    "exp": elementwise(exponential),
    "maximum": elementwise(largest, 2),
    "minimum": elementwise(least, 2),
    "fmax": elementwise(largest, 2),
    "fmin": elementwise(least, 2),
    "clip": elementwise(_clipped, 3),
    "divide": elementwise(lambda a, b: (a if isinstance(a, ComplexBall) else number(a)) / b, 2),
    "reciprocal": elementwise(lambda x: 1 / (x if isinstance(x, ComplexBall) else number(x))),
    "isnan": elementwise(lambda x: number(x).is_nan()),
    "isinf": elementwise(lambda x: number(x).is_infinite()),
    "isfinite": elementwise(lambda x: not (number(x).is_nan() or number(x).is_infinite())),
    "signbit": elementwise(lambda x: number(x) < 0),
    "logical_or": elementwise(lambda a, b: bool(a) or bool(b), 2, identity=False),
    "logical_and": elementwise(lambda a, b: bool(a) and bool(b), 2, identity=True),
    "logical_xor": elementwise(lambda a, b: bool(a) != bool(b), 2, identity=False),
    "logical_not": elementwise(lambda x: not bool(x)),
}
"""Functions of NumPy that objects do not have, or that compare them; `or` of two objects would be one of them."""

TESTS = ("isnan", "isinf", "isfinite", "signbit", "logical_or", "logical_and", "logical_xor", "logical_not")


def to_limbs(array: Any) -> NDArray[np.float64]:
    """Balls as plain numbers: LIMBS of them add up to the midpoint, then comes the radius, along the first axis.

    Infinity and NaN are the first of them; of a number of which nothing is known the radius is infinite.
    """
    if not isinstance(array, BallArray):
        array = np.asarray(array)
        array = array if array.dtype == object else exactly(array) if array.dtype.kind in "biu" else constants(array)
    flat = [_limbs(number(each)) for each in array.view(np.ndarray).ravel()]
    return np.array(flat, np.float64).reshape(-1, LIMBS + 1).T.reshape(LIMBS + 1, *array.shape)


def _limbs(ball: Any) -> list[float]:
    value = None if ball is NotImplemented else ball.value
    if isinstance(value, float):
        return [value, *[0.0] * LIMBS]
    limbs: list[float] = []
    rest = value.mid() if value is not None else arb(0)
    for _ in range(LIMBS):
        limbs.append(float(rest))
        if not math.isfinite(limbs[-1]):
            break
        rest = (rest - arb(limbs[-1])).mid()
    if value is None or not math.isfinite(limbs[-1]):
        return [*[0.0] * LIMBS, math.inf]
    return [*limbs, _upper(value.rad() + abs(rest))]


def _upper(radius: arb) -> float:
    """A float64 number that is not smaller."""
    above = float(radius.upper()) * (1 + 2.0**-40)
    return above if above or radius.is_zero() else math.ulp(0.0)


def from_limbs(limbs: NDArray[np.float64]) -> BallArray:
    """The balls that `to_limbs` made numbers of."""
    flat = limbs.reshape(LIMBS + 1, -1).T.tolist()
    return _array([_of_limbs(each[:-1], each[-1]) for each in flat], limbs.shape[1:])


def _of_limbs(limbs: list[float], radius: float) -> Ball:
    if not math.isfinite(radius) or radius < 0:
        return UNKNOWN
    if not math.isfinite(limbs[0]):
        return Ball(limbs[0])
    if not all(map(math.isfinite, limbs)):
        return UNKNOWN
    middle = arb(0)
    for limb in limbs:
        middle += arb(limb)
    return Ball(middle + arb(0, radius))
