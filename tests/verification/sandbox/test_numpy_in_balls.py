"""NumPy code on arrays of balls, beside the same code on float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import erf
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")
pytest.importorskip("scipy", reason="functions of SciPy are traced")

from scipy import special
from scipy.special import softmax as softmax_of_scipy

from attnspec.interpreters.balls.arrays import LIMBS, exactly, to_limbs
from attnspec.interpreters.balls.ball import Undecided, Untraceable, working
from attnspec.verification.sandbox.child.tracing.numpy_functions import Buffers, replaced

Array = Any

ROWS = np.array([4, 0, 0, 2, 1])
MASK = np.array([[True, False, True]] * 4 + [[False, False, False]])


def each(function: Callable[..., float], *arrays: Array) -> Array:
    """A loop over the elements of arrays."""
    out = np.zeros(arrays[0].shape, arrays[0].dtype)
    for at in np.ndindex(out.shape):
        out[at] = function(*(array[at] for array in arrays))
    return out


def written(x: Array, write: Callable[[Array], Any]) -> Array:
    out = x.copy()
    write(out)
    return out


def masked(x: Array) -> Array:
    out = np.zeros_like(x)
    np.exp(x, out=out, where=MASK)
    return out + np.where(MASK, np.sqrt(np.abs(x), where=MASK), 0.5)


def counted(x: Array) -> Array:
    """Elements that are read, added to and written one by one."""
    out = np.zeros(x.shape, x.dtype)
    for i, j in np.ndindex(x.shape):
        out[i % 2, j] += 1
        out[i, j] = out[i, j] + np.exp(x[i, j])
    return np.maximum(out, 1)


def gram(x: Array) -> Array:
    out = np.empty((len(x), len(x)), x.dtype)
    for i, j in np.ndindex(out.shape):
        out[i, j] = x[i] @ x[j]
    return np.exp(out).astype(np.float64)


erf_of_each = np.vectorize(math.erf, otypes=[np.float64])
softplus = np.vectorize(lambda x: math.log1p(math.exp(x)))
in_two = np.vectorize(lambda x: (x + 1, math.sin(x)))
outer = np.vectorize(lambda a, b: a @ b, signature="(n),(n)->()")

CALLS: dict[str, Callable[[Array, Array], Array]] = {
    # Single numbers.
    "exp, log, sqrt": lambda x, y: each(lambda a: math.exp(a) + math.log(abs(a)) + math.sqrt(abs(a)), x),
    "logarithms": lambda x, y: each(lambda a: math.log(a, 3) + math.log2(a) + math.log10(a) + math.log1p(a), abs(x)),
    "other exponentials": lambda x, y: each(lambda a: math.exp2(a) + math.expm1(a) + math.pow(abs(a), 1.5), x),
    "turns": lambda x, y: each(lambda a: math.sin(a) + math.cos(a) + math.tan(a) + math.atan(a) + math.atan2(a, 2), x),
    "turns back": lambda x, y: each(lambda a: math.asin(a) + math.acos(a) + math.atanh(a), np.tanh(x)),
    "hyperbolic": lambda x, y: each(lambda a: math.sinh(a) + math.cosh(a) + math.tanh(a) + math.asinh(a), x),
    "erf and gamma": lambda x, y: each(lambda a: math.erf(a) + math.erfc(a) + math.lgamma(abs(a)) + erf(a), x),
    "whole numbers": lambda x, y: each(lambda a: math.floor(a) + math.ceil(2 * a) + math.trunc(3 * a), x),
    "two numbers": lambda x, y: each(
        lambda a, b: math.hypot(a, b) + math.fmod(a, b) + math.copysign(a, b), x, y[:, :3]
    ),
    "roots and magnitudes": lambda x, y: each(lambda a: math.cbrt(a) + math.fabs(a) + (math.isfinite(a) or 0), x),
    "sums": lambda x, y: np.array([math.fsum(row) + math.prod(row) + sum(row) for row in x]),
    "a vectorised erf": lambda x, y: erf_of_each(x) + softplus(x),
    "a vectorised pair": lambda x, y: in_two(x)[0] * in_two(x)[1],
    "vectorised rows": lambda x, y: outer(x, x),
    # Arrays that are made.
    "casts": lambda x, y: np.asarray(x, dtype=float) + x.astype(np.float64) + np.array(x, np.float32) * 0,
    "a list of lists": lambda x, y: np.array([[a * 2 for a in row] for row in x], dtype=np.float64),
    "a list of arrays": lambda x, y: np.array([row / 2 for row in x]) + np.asarray([*x]),
    "a list of floats": lambda x, y: np.exp(np.array([x[0, 0], 1.0, x[1, 1]])),
    "lists of Python": lambda x, y: np.array(
        [sum(a * b for a, b in zip(p, q, strict=True)) for p, q in zip(x.tolist(), x.tolist(), strict=True)]
    ),
    "a number in the dtype": lambda x, y: x / np.sqrt(np.array(x.shape[-1], x.dtype)),
    "zeros in the dtype": lambda x, y: np.exp(np.zeros(x.shape, x.dtype)) + np.full((5, 3), 0.5, x.dtype) + x,
    "an order": lambda x, y: np.asarray(x, None, "F") + np.array([*x], float, order="C"),
    "a copy": lambda x, y: written(np.ascontiguousarray(x.T), lambda out: np.multiply(out, 2, out=out)),
    # SciPy.
    "sigmoids": lambda x, y: special.expit(x) + special.log_expit(x) + special.logit(special.expit(x)),
    "softmax": lambda x, y: special.softmax(x, axis=0) + special.softmax(x) + softmax_of_scipy(x, -1),
    "log-softmax": lambda x, y: special.log_softmax(x, axis=1) + special.logsumexp(x, axis=1, keepdims=True),
    "log-sum-exp": lambda x, y: special.logsumexp(x) + special.logsumexp(x, axis=(0, 1), b=abs(x)),
    "hidden scores": lambda x, y: special.softmax(np.where(MASK[:4], x[:4], -np.inf), axis=-1),
    "entropies": lambda x, y: special.xlogy(abs(x), 2) + special.entr(abs(x)) + special.xlog1py(x, abs(x)),
    "divergences": lambda x, y: special.rel_entr(abs(x), abs(y[:, :3])) + special.kl_div(abs(x), abs(y[:, :3])),
    "entropies of 0": lambda x, y: special.xlogy(x * 0, x * 0) + special.entr(x * 0) + special.rel_entr(x * 0, abs(x)),
    "erf of SciPy": lambda x, y: special.erf(x) + special.erfc(x) + special.erfinv(np.tanh(x)),
    "the normal distribution": lambda x, y: special.ndtr(x) + special.log_ndtr(x) + special.gammaln(abs(x)),
    # Universal functions.
    "signs": lambda x, y: np.copysign(y[:, :3], x) + np.sign(x) + np.heaviside(x, 0.5) + np.positive(x) + np.square(x),
    "rounding": lambda x, y: np.floor(x) + np.ceil(2 * x) + np.trunc(3 * x) + np.rint(4 * x),
    "remainders": lambda x, y: np.fmod(x, 0.75) + np.remainder(x, 0.75) + x % 0.5 + x // 0.5,
    "other functions": lambda x, y: np.hypot(x, 2) + np.cbrt(x) + np.arctan2(x, y[:, :3]) + np.logaddexp2(x, 1),
    "inverse functions": lambda x, y: np.arcsinh(x) + np.arccosh(1 + abs(x)) + np.arctanh(np.tanh(x)),
    "reductions": lambda x, y: np.add.reduce(x) * np.multiply.reduce(x) + np.maximum.reduce(x) + np.minimum.reduce(x),
    "reductions where": lambda x, y: np.sum(x, -1, where=MASK) + np.max(x, -1, where=MASK, initial=-9.0),
    "means where": lambda x, y: np.mean(x[:4], -1, where=MASK[:4]) + np.prod(x, -1, where=MASK)[:4],
    "accumulations": lambda x, y: np.add.accumulate(x) + np.maximum.accumulate(x, axis=1) + np.cumprod(x, axis=0),
    "sums of segments": lambda x, y: np.add.reduceat(x, [0, 2, 3], 0),
    "added at places": lambda x, y: written(x, lambda out: np.add.at(out, ROWS, y[:, :3])),
    "larger at places": lambda x, y: written(x, lambda out: np.maximum.at(out, ROWS, y[:, :3])),
    "outer": lambda x, y: np.subtract.outer(x[0], y[0]) + np.outer(x[1], y[1]),
    "into an array": lambda x, y: written(x, lambda out: np.tanh(x, out=out)),
    "into some elements": lambda x, y: masked(x),
    # Moves.
    "an ellipsis": lambda x, y: np.einsum("...i,...j->...ij", x, y) + np.einsum("ij,ik->jk", x, y),
    "a diagonal": lambda x, y: np.einsum("ii->i", x[:3]) + np.trace(x[:3]),
    "along an axis": lambda x, y: np.take_along_axis(x, np.argsort(x, 0), 0),
    "put along an axis": lambda x, y: written(x, lambda out: np.put_along_axis(out, ROWS[:, None] % 3, y[:, :1], 1)),
    "scalars": lambda x, y: (
        np.where(x > 0, 1.0, 0.25) * np.where(x > 0, x, 0) + np.select([x > 0, x < -1], [x, 2.0], 0.5)
    ),
    "windows": lambda x, y: np.lib.stride_tricks.sliding_window_view(x, 3, axis=0).sum(-1),
    "applied along an axis": lambda x, y: np.apply_along_axis(lambda row: np.exp(row) / np.exp(row).sum(), 1, x),
    "sorted": lambda x, y: np.sort(x, 0) + np.partition(x, 1, 0)[1] + np.median(x),
    "element by element": lambda x, y: counted(x),
    "an empty array in the dtype": lambda x, y: gram(x),
    "seen through asarray": lambda x, y: written(x, lambda out: np.asarray(out, out.dtype).__setitem__(1, 0.5)),
    "Fourier transforms": lambda x, y: np.fft.irfft(np.fft.rfft(x, 7) * np.fft.rfft(x * x, 7), 7),
    "clipped": lambda x, y: np.clip(x, -0.5, 0.5) + np.nan_to_num(x) + x.clip(0),
    "products": lambda x, y: (
        np.linalg.multi_dot([x.T, y, y.T]) + np.tensordot(x, x, ([1], [1]))[:3] + np.inner(x[:3], x)
    ),
    "norms": lambda x, y: np.linalg.norm(x, axis=-1) + x.std(-1) + np.var(x, -1, ddof=1) + np.ptp(x, -1),
    "differences": lambda x, y: np.diff(x, axis=0, prepend=0) + np.average(x, 0, weights=abs(y[:, 0])),
    "complex exponentials": lambda x, y: (np.exp(1j * x) * (x + 2j)).real + np.exp(1j * x).imag,
    "blocks": lambda x, y: np.block([[x, y], [y, x]]) @ np.concatenate([x, y], 1).T,
    "triangles": lambda x, y: np.tril(x) + np.triu(x) * np.tri(5, 3) + np.eye(5, 3) + np.roll(x, 1, 0),
    "rows padded": lambda x, y: np.pad(x, ((1, 0), (0, 2)), constant_values=0.5) + np.pad(x, ((1, 0), (0, 2)), "edge"),
}


def in_balls(call: Callable[..., Array], inputs: list[Array], buffers: Buffers | None = None) -> Array:
    with working(), replaced(buffers):
        return to_limbs(call(*map(exactly, inputs)))


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@pytest.mark.parametrize("name", CALLS)
def test_the_code_gives_the_numbers_that_it_gives_on_floats(name: str) -> None:
    generator = np.random.default_rng(3)
    inputs = [generator.standard_normal((5, width)) for width in (3, 4)]
    values = in_balls(CALLS[name], inputs)
    np.testing.assert_allclose(values[:LIMBS].sum(axis=0), CALLS[name](*inputs), rtol=1e-12, atol=1e-14)
    assert np.all(values[LIMBS] < 1e-12)


def by_loops(x: Array) -> Array:
    """An array of its own is written into, in a wider format."""
    out, total = np.zeros(x.shape, np.float64), np.full(len(x), -np.inf)
    for i, row in enumerate(x):
        total[i] = np.exp(row).sum()
        out[i] = row / total[i]
    np.add.at(out, ROWS, x)
    return out * np.ones(3) + np.empty((0, 3)).sum()


def waves(t: int, d: int) -> Array:
    table = np.empty((t, d), np.float32)
    j = np.arange(d)
    angle = np.arange(t)[:, None] / 10000.0 ** (2 * (j // 2) / d)
    table[:, 0::2], table[:, 1::2] = np.sin(angle)[:, 0::2], np.where(j % 2, np.cos(angle), 0.0)[:, 1::2]
    return table + np.linspace(0, t - 1, t)[:, None]


def test_arrays_that_the_code_makes_hold_balls_where_this_is_asked() -> None:
    x = np.random.default_rng(3).standard_normal((5, 3))
    formats: set[Any] = set()
    values = in_balls(by_loops, [x], Buffers(positions=False, formats=formats))
    np.testing.assert_allclose(values[:LIMBS].sum(axis=0), by_loops(x), rtol=1e-12)
    assert formats == {np.dtype(np.float64)}


def test_whole_numbers_that_are_counted_are_balls_where_this_is_asked() -> None:
    values = in_balls(lambda: waves(6, 4), [], Buffers(positions=True, formats=set()))
    np.testing.assert_allclose(values[:LIMBS].sum(axis=0), waves(6, 4), rtol=1e-6)
    assert np.all(values[LIMBS] < 1e-40)


REFUSED: dict[str, tuple[Callable[[Array], Array], str]] = {
    "the sign of 0": (lambda x: np.copysign(x, x * 0), "the sign of 0"),
    "untouched elements": (lambda x: np.exp(x, where=x > 9) + (np.exp(x, where=x > 9) > 0), "may be anything"),
    "a float": (lambda x: float(x[0, 0]) * x, "a number is converted to a Python float"),
    "a float array": (
        lambda x: written(np.zeros(x.shape), lambda out: np.add(x, x, out=out)),
        "it writes into an array",
    ),
    "bits": (lambda x: x.view(np.int64), "the bits of numbers are read"),
    "no numbers": (lambda x: np.sqrt(np.where(x > 0, x, None)), "NoneType stands where a number is needed"),
    "memory": (lambda x: np.asarray(x).ctypes.data, "its memory is handed to other code"),
    "the sign of a sum": (lambda x: special.logsumexp(x, return_sign=True)[0], "the sign of a sum of exponentials"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_certain_meaning_is_not_traced(name: str) -> None:
    call, reason = REFUSED[name]
    with pytest.raises((Untraceable, Undecided), match=reason):
        in_balls(call, [np.random.default_rng(3).standard_normal((5, 3))])


def test_the_functions_are_themselves_again_afterwards() -> None:
    before = math.exp, np.array, np.vectorize.__call__, softmax_of_scipy, erf
    with replaced():
        assert math.exp is not before[0]
        assert erf is not before[4]
    assert (math.exp, np.array, np.vectorize.__call__, softmax_of_scipy, erf) == before
