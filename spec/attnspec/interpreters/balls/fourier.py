"""Discrete Fourier transforms of rows of balls, and those of `numpy.fft`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from flint import acb

from attnspec.interpreters.balls.ball import exact
from attnspec.interpreters.balls.complex_ball import ComplexBall, as_complex, of_parts

Elements: TypeAlias = Any  # an array of NumPy with balls as its elements


def of_complex(function: Callable[[ComplexBall], Any]) -> Callable[[Any], Elements]:
    """A function of complex numbers as one of arrays of balls."""
    apply = np.frompyfunc(lambda x: function(as_complex(x)), 1, 1)
    return lambda rows: np.asarray(apply(rows), object)


conjugate = of_complex(ComplexBall.conjugate)
real_part = of_complex(lambda x: x.real)
imaginary_part = of_complex(lambda x: x.imag)
as_complexes = of_complex(lambda x: x)
_taken_for_real = of_complex(lambda x: of_parts(x.real, 0))


def transform(rows: Elements, axis: int, *, inverse: bool = False) -> Elements:
    """The transform along an axis, or its inverse, neither divided by the number of places."""
    return np.apply_along_axis(_row, axis, rows, inverse) if rows.size else rows


def _row(row: Any, inverse: bool) -> Elements:
    values = [as_complex(each).value for each in row]
    made = np.ndarray(len(values), object)
    if any(value is None for value in values):
        made[:] = [ComplexBall(None)] * len(values)
        return made
    found = acb.dft(values, inverse)
    made[:] = [ComplexBall(each * len(values) if inverse else each) for each in found]  # its inverse is divided
    return made


def first_half(rows: Elements, axis: int) -> Elements:
    """Of the transform of real rows the part that says it all."""
    return rows[_along(axis, slice(rows.shape[axis] // 2 + 1), rows)]


def from_first_half(rows: Elements, axis: int, places: int) -> Elements:
    """The whole transform of real rows from its first half; what must be real there is taken for real."""
    rows = np.moveaxis(rows, axis, -1)
    whole = np.ndarray((*rows.shape[:-1], places), object)
    for k in range(places):
        at = rows[..., min(k, places - k)]
        alone = k == 0 or 2 * k == places
        whole[..., k] = _taken_for_real(at) if alone else at if 2 * k < places else conjugate(at)
    return np.moveaxis(whole, -1, axis)


def resized(rows: Elements, axis: int, places: int) -> Elements:
    """Rows cut to so many places, or with zeros behind."""
    rows = rows[_along(axis, slice(places), rows)]
    widths = [(0, 0)] * rows.ndim
    widths[axis] = (0, places - rows.shape[axis])
    return np.pad(rows, widths, constant_values=0)


def _along(axis: int, key: Any, rows: Elements) -> tuple[Any, ...]:
    before: tuple[Any, ...] = (slice(None),) * (axis % rows.ndim)
    return (*before, key)


def _scaled(rows: Elements, places: int, norm: str | None, inverse: bool) -> Elements:
    """Sums of so many places with the factor that NumPy gives them."""
    if norm == "ortho":
        return rows / exact(places).sqrt()
    divided = (norm or "backward") == ("backward" if inverse else "forward")
    return rows / exact(places) if divided else rows


def _fft(inverse: bool) -> Callable[..., Elements]:
    def apply(a: Elements, n: int | None = None, axis: int = -1, norm: str | None = None) -> Elements:
        n = a.shape[axis] if n is None else n
        return _scaled(transform(resized(a, axis, n), axis, inverse=inverse), n, norm, inverse)

    return apply


def _rfft(a: Elements, n: int | None = None, axis: int = -1, norm: str | None = None) -> Elements:
    return first_half(_fft(False)(a, n, axis, norm), axis)


def _irfft(a: Elements, n: int | None = None, axis: int = -1, norm: str | None = None) -> Elements:
    n = 2 * (a.shape[axis] - 1) if n is None else n
    whole = from_first_half(resized(a, axis, n // 2 + 1), axis, n)
    return _scaled(real_part(transform(whole, axis, inverse=True)), n, norm, True)


FOURIER: dict[str, Callable[..., Elements]] = {"fft": _fft(False), "ifft": _fft(True), "rfft": _rfft, "irfft": _irfft}
"""{name in numpy.fft: what it does on arrays of balls, as NumPy's own}."""
