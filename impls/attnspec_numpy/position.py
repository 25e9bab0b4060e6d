"""Positions, and how a row is told its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from attnspec import implements
from attnspec_numpy._functions import DEVICES, DTYPES, Array


@implements("position.add", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def add(a: Array, e: Array) -> Array:
    """One sum."""
    return a + e


@implements("position.learned", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def learned(a: Array, P: Array) -> Array:
    """The first rows of the table, as many as there are inputs."""
    return a + P[: a.shape[-2]]


@implements("position.sinusoidal", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def sinusoidal(*, t: int, d: int, dtype: DTypeLike = np.float64) -> Array:
    """Sines into the even columns, cosines into the odd ones; angles in float64, as a table is made once."""
    angle = _angles(t, (d + 1) // 2, 2 / d)
    table = np.empty((t, d))
    table[:, 0::2] = np.sin(angle)
    table[:, 1::2] = np.cos(angle[:, : d // 2])
    return table.astype(dtype)


@implements("position.sinusoidal_halves", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def sinusoidal_halves(*, t: int, d: int, dtype: DTypeLike = np.float64) -> Array:
    """Sines beside cosines."""
    angle = _angles(t, (d + 1) // 2, 2 / d)
    return np.concatenate([np.sin(angle), np.cos(angle[:, : d // 2])], axis=1).astype(dtype)


@implements("position.sinusoidal_tensor2tensor", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def sinusoidal_tensor2tensor(*, t: int, d: int, dtype: DTypeLike = np.float64) -> Array:
    """Sines beside cosines, and a column of zeros where d is odd."""
    angle = _angles(t, d // 2, 1 / max(d // 2 - 1, 1))
    table = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return np.pad(table, ((0, 0), (0, d % 2))).astype(dtype)


def _angles(t: int, waves: int, step: float) -> Array:
    """Positions times frequencies, which fall from 1 by powers of 10000 to the minus `step`."""
    return np.outer(np.arange(t), 10000.0 ** (-step * np.arange(waves)))
