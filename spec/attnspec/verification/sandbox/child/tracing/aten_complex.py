"""Operations of aten on complex numbers, and its Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from attnspec.interpreters.balls import fourier
from attnspec.interpreters.balls.arrays import BallArray
from attnspec.interpreters.balls.ball import exact
from attnspec.interpreters.balls.complex_ball import of_parts
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import Array


def _divided(rows: Any, normalization: int, places: int) -> Array:
    """Sums of so many places, divided by nothing, by the root of their number or by it."""
    whole = exact(places)
    return of.as_balls(rows if not normalization else rows / (whole.sqrt() if normalization == 1 else whole))


def _real_to_complex(x: Array, axes: Sequence[int], normalization: int, onesided: bool) -> Array:
    rows, places = of.plain(x), prod(x.shape[axis] for axis in axes)
    for axis in reversed(axes):
        rows = fourier.transform(rows, axis)
    return _divided(fourier.first_half(rows, axes[-1]) if onesided else rows, normalization, places)


def _complex_to_complex(x: Array, axes: Sequence[int], normalization: int, forward: bool) -> Array:
    rows = of.plain(x)
    for axis in axes:
        rows = fourier.transform(rows, axis, inverse=not forward)
    return _divided(rows, normalization, prod(x.shape[axis] for axis in axes))


def _complex_to_real(x: Array, axes: Sequence[int], normalization: int, places: int) -> Array:
    rows = of.plain(x)
    for axis in axes[:-1]:
        rows = fourier.transform(rows, axis, inverse=True)
    rows = fourier.transform(fourier.from_first_half(rows, axes[-1], places), axes[-1], inverse=True)
    summed = places * prod(x.shape[axis] for axis in axes[:-1])
    return _divided(fourier.real_part(rows), normalization, summed)


def _combined(real: Array, imaginary: Array) -> Array:
    return of.as_balls(np.frompyfunc(of_parts, 2, 1)(of.plain(real), of.plain(imaginary)))


def _polar(length: Array, angle: Array) -> Array:
    return _combined(length * np.cos(angle), length * np.sin(angle))


def _as_pairs(x: Array) -> Array:
    parts = [fourier.real_part(of.plain(x)), fourier.imaginary_part(of.plain(x))]
    return np.stack(parts, axis=-1).view(BallArray)


def _conjugated(x: Array) -> Array:
    return of.as_balls(fourier.conjugate(of.plain(x)))


COMPLEX: dict[str, Callable[..., Any]] = {
    "_fft_r2c": _real_to_complex, "_fft_c2c": _complex_to_complex, "_fft_c2r": _complex_to_real,
    "complex": _combined, "polar": _polar, "view_as_complex": lambda x: _combined(x[..., 0], x[..., 1]),
    "view_as_real": _as_pairs, "_conj": _conjugated, "_conj_physical": _conjugated, "conj_physical": _conjugated,
    "_neg_view": lambda x: -x,
}  # fmt: skip
