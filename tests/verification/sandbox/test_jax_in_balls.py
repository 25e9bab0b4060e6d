"""JAX's primitives on arrays of balls, beside their own in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.interpreters.balls.arrays import LIMBS, to_limbs
from attnspec.interpreters.balls.ball import Undecided, Untraceable, working
from attnspec.verification.sandbox.child.tracing import jaxpr

jax: Any = pytest.importorskip("jax")
jnp, lax = jax.numpy, jax.lax

Array = Any

ROWS = np.array([4, 0, 0, 2, -1])
ONE = np.array([3, 1, 0])
SIDE = [(2, 1), (1, 0)]


def scattered(apply: Callable[..., Array], mode: str | None = None, places: Any = ROWS) -> Callable[..., Array]:
    return lambda x, y: apply(x.at[places], mode=mode)


def windows(x: Array, start: Any, of: Any, **kinds: Any) -> Array:
    numbers = lax.ScatterDimensionNumbers((0,), (0,), (0, 1))
    return lax.scatter_add(x, np.asarray(start), of, numbers, **kinds)


def convolved(x: Array, kernel: Array, **kinds: Any) -> Array:
    return lax.conv_general_dilated(x, kernel, **{"window_strides": (1, 1), "padding": "SAME", **kinds})


@jax.custom_jvp  # type: ignore[untyped-decorator]  # jax is typed as Any here
def own_slope(x: Array) -> Array:
    return jnp.sin(x)


own_slope.defjvp(lambda primal, tangent: (own_slope(*primal), 2 * tangent[0]))


@jax.custom_vjp  # type: ignore[untyped-decorator]  # jax is typed as Any here
def own_gradient(x: Array) -> Array:
    return x * x


own_gradient.defvjp(lambda x: (x * x, x), lambda x, above: (above * 3 * x,))


def looped(x: Array) -> Array:
    return lax.while_loop(lambda at: at[0] < 4, lambda at: (at[0] + 1, at[1].at[at[0]].set(at[1][at[0]] * 2)), (0, x))[
        1
    ]


def unused(x: Array) -> Array:
    """What is computed and not used has no meaning in balls, in a call, in a branch and in a loop."""

    @jax.jit  # type: ignore[untyped-decorator]  # jax is typed as Any here
    def two(x: Array) -> tuple[Array, Array]:
        return x + 1, lax.bitcast_convert_type(x, jnp.int64)

    def step(h: Array, row: Array) -> tuple[Array, Array]:
        return h + row, lax.bitcast_convert_type(row, jnp.int64)

    lax.bitcast_convert_type(x, jnp.int64)
    chosen, _ = lax.cond(x[0, 0] > 9, two, lambda x: (x, jnp.zeros(x.shape, jnp.int64)), x)
    return two(x)[0] + lax.scan(step, x[0], x)[0] + chosen


CALLS: dict[str, Callable[[Array, Array], Array]] = {
    # Written at places.
    "set": lambda x, y: x.at[np.array([3, 1])].set(y[:2, :3]),
    "set at an element": lambda x, y: x.at[2, 1].set(y[0, 0]),
    "set in a window": lambda x, y: x.at[1:3, ::2].set(y[:2, :2]),
    "add": scattered(lambda at, **how: at.add(1.5, **how)),
    "subtract": scattered(lambda at, **how: at.subtract(0.5, **how)),
    "multiply": scattered(lambda at, **how: at.multiply(3.0, **how)),
    "max": scattered(lambda at, **how: at.max(0.25, **how)),
    "min": scattered(lambda at, **how: at.min(0.25, **how)),
    "add, clipped": scattered(lambda at, **how: at.add(1.5, **how), "clip", np.array([7, 1, -9])),
    "add, dropped": scattered(lambda at, **how: at.add(1.5, **how), "drop", np.array([7, 1, -9])),
    "set, dropped": scattered(lambda at, **how: at.set(1.5, **how), "drop", np.array([7, 1])),
    "add of integers": lambda x, y: x + jnp.zeros(5, int).at[ROWS].add(np.arange(5))[:, None],
    "max of integers": lambda x, y: x + jnp.zeros(5, int).at[ROWS].max(np.arange(5))[:, None],
    "windows": lambda x, y: windows(x, [[1, 0], [1, 1]], y[:2, :2]),
    "windows that are clipped": lambda x, y: windows(x, [[1, 2], [9, 1]], y[:2, :2], mode="clip"),
    "windows that are dropped": lambda x, y: windows(x, [[1, 2], [3, 1]], y[:2, :2], mode="fill"),
    "each row at its place": lambda x, y: jax.vmap(lambda row, k: row.at[k].add(row[0]))(x, ROWS % 3),
    "segments": lambda x, y: jax.ops.segment_sum(x, ROWS, 6),
    "largest of segments": lambda x, y: jax.ops.segment_max(x, ROWS % 3, 3),
    "the gradient of places": lambda x, y: jax.grad(lambda x: (x[ROWS] * y[:, :3]).sum())(x),
    "the gradient of an order": lambda x, y: jax.grad(lambda x: (jnp.sort(x, 0) * y[:, :3]).sum())(x),
    "a slice updated": lambda x, y: lax.dynamic_update_slice(x, y[:2, :2], (1, 0)),
    "a slice updated beyond the end": lambda x, y: lax.dynamic_update_slice(x, y[:2, :2], (9, -4)),
    "a loop that writes": lambda x, y: looped(x),
    # Read at places.
    "gather": lambda x, y: x[ROWS] + jnp.take(x, ONE, 1)[:, :3],
    "gather, clipped": lambda x, y: x.at[np.array([9, 1, -9])].get(mode="clip"),
    "gather, filled": lambda x, y: x.at[np.array([9, 1, -9])].get(mode="fill", fill_value=0.5),
    "gather, all filled": lambda x, y: x.at[np.array([9, 8])].get(mode="fill", fill_value=0.0),
    "gather, NaN": lambda x, y: jnp.nan_to_num(x.at[np.array([9, 1])].get(mode="fill"), nan=0.25),
    "gather, promised": lambda x, y: x.at[ROWS].get(mode="promise_in_bounds"),
    "along an axis": lambda x, y: jnp.take_along_axis(x, np.array([[0, 2], [1, 1], [2, 0], [0, 0], [1, 2]]), 1),
    "a slice read beyond the end": lambda x, y: lax.dynamic_slice(x, (9, -4), (2, 2)),
    # In order.
    "sort": lambda x, y: jnp.sort(x, 0),
    "sort downwards": lambda x, y: jnp.sort(x, 1, descending=True),
    "argsort": lambda x, y: jnp.take_along_axis(x, jnp.argsort(x, 0), 0) * jnp.argsort(y[:, :3], 1),
    "sort by two keys": lambda x, y: jnp.stack(lax.sort((jnp.sign(x), x, y[:, :3]), dimension=0, num_keys=2)),
    "lexsort": lambda x, y: y[jnp.lexsort((x[:, 0], jnp.sign(x[:, 1])))],
    "top k": lambda x, y: lax.top_k(y, 2)[0] + lax.top_k(y, 2)[1],
    "top k of equal numbers": lambda x, y: lax.top_k(jnp.floor(y), 3)[1] + x,
    "top k of another axis": lambda x, y: lax.top_k(y, 2, axis=0)[0],
    "the gradient of top k": lambda x, y: jax.grad(lambda y: (lax.top_k(y, 2)[0] ** 2).sum())(y),
    "argmax": lambda x, y: jnp.argmax(x, 1) + jnp.argmin(y, 1) + x[:, 0],
    "ranks": lambda x, y: x + jnp.searchsorted(jnp.sort(x[:, 0]), y[:, 0])[:, None],
    # Moved.
    "padding": lambda x, y: lax.pad(x, 0.5, [(1, 2, 0), (0, 3, 0)]),
    "padding inside": lambda x, y: lax.pad(x, 0.5, [(1, 2, 2), (0, 0, 1)]),
    "padding that cuts": lambda x, y: lax.pad(x, 0.5, [(-1, -2, 0), (-1, 3, 0)]),
    "padding that cuts inside": lambda x, y: lax.pad(x, 0.5, [(-2, -1, 2), (1, -3, 1)]),
    "a transposing reshape": lambda x, y: lax.reshape(y, (2, 10), dimensions=(1, 0)),
    "reshape": lambda x, y: y.reshape(2, -1),
    "stack, tile and unstack": lambda x, y: (
        jnp.tile(jnp.stack([x, 2 * x], 1), (2, 1, 1)) - sum(jnp.unstack(y, axis=1))[0]
    ),
    "stack of one without balls": lambda x, y: jnp.stack([x, jnp.ones(x.shape), jnp.zeros(x.shape)]),
    "split": lambda x, y: jnp.split(y, [1, 3], 1)[1],
    "roll and flip": lambda x, y: jnp.roll(x, 2, 0)[::-1],
    "rows repeated": lambda x, y: jnp.repeat(x, np.array([1, 0, 2, 1, 3]), axis=0, total_repeat_length=7),
    # Reduced.
    "cumulated": lambda x, y: jnp.cumsum(x, 0) + jnp.cumprod(x, 1) + lax.cummax(x, 0) + lax.cummin(x, 1),
    "cumulated backwards": lambda x, y: lax.cumsum(x, 0, reverse=True) * lax.cumlogsumexp(x, 0, reverse=True),
    "integers cumulated": lambda x, y: x + jnp.cumsum(jnp.arange(5))[:, None] + lax.cummax(jnp.asarray(ROWS))[:, None],
    "logarithms cumulated": lambda x, y: lax.cumlogsumexp(x, 1),
    "the gradient of products": lambda x, y: jax.grad(lambda x: (jnp.cumprod(x, 1) * y[:, :3]).sum())(x),
    "associative scan": lambda x, y: lax.associative_scan(lambda a, b: (a[0] * b[0], a[1] * b[0] + b[1]), (x, x))[1],
    "associative scan backwards": lambda x, y: lax.associative_scan(jnp.add, x, reverse=True, axis=0),
    "product": lambda x, y: jnp.prod(x, 0) + jnp.prod(jnp.arange(1, 4)),
    "convolution": lambda x, y: convolved(y.reshape(1, 2, 5, 2), x[:4].reshape(3, 2, 2, 1)),
    "convolution, strided": lambda x, y: convolved(
        y.reshape(1, 2, 5, 2), x[:4].reshape(3, 2, 2, 1), window_strides=(2, 1), padding=SIDE, rhs_dilation=(2, 1)
    ),
    "convolution, transposed": lambda x, y: convolved(
        y.reshape(1, 2, 5, 2), x[:4].reshape(3, 2, 1, 2), padding=[(1, 1), (-1, 2)], lhs_dilation=(3, 2)
    ),
    "convolution in groups": lambda x, y: convolved(
        y.reshape(1, 4, 5, 1), x[:4].reshape(2, 2, 3, 1), feature_group_count=2
    ),
    "convolution in groups of a batch": lambda x, y: convolved(
        y.reshape(2, 2, 5, 1), x[:4].reshape(2, 2, 3, 1), batch_group_count=2
    ),
    "convolution, channels last": lambda x, y: convolved(
        y.reshape(2, 5, 1, 2), x[:4].reshape(2, 1, 2, 3), dimension_numbers=("NHWC", "HWIO", "NHWC")
    ),
    "the gradient of a convolution": lambda x, y: jax.grad(
        lambda x: (convolved(y.reshape(1, 4, 5, 1), x[:4].reshape(4, 1, 3, 1), feature_group_count=4) ** 2).sum()
    )(x),
    "windows summed": lambda x, y: lax.reduce_window(x, 0.0, lax.add, (2, 2), (2, 1), "SAME"),
    "largest of windows": lambda x, y: lax.reduce_window(x, -np.inf, lax.max, (2, 2), (1, 1), SIDE, (2, 1), (1, 2)),
    "smallest of windows": lambda x, y: lax.reduce_window(x, np.inf, lax.min, (3, 1), (1, 1), "VALID"),
    # Each element.
    "rounded": lambda x, y: jnp.round(x) + jnp.floor(2 * x) + jnp.ceil(3 * x) + jnp.trunc(4 * x),
    "halves rounded": lambda x, y: jnp.round(jnp.floor(x) + 0.5) + lax.round(jnp.floor(x) + 0.5),
    "remainders": lambda x, y: lax.rem(x, y[:, :3]) + jnp.mod(x, 0.75) + lax.rem(jnp.asarray(ROWS), 3)[:, None],
    "quotients of integers": lambda x, y: x + lax.div(jnp.asarray(ROWS) - 2, 2)[:, None] + (ROWS // 3)[:, None],
    "cast to integers": lambda x, y: (3 * x).astype(int) + x.astype(bool) + x,
    "clamp": lambda x, y: lax.clamp(-0.5, x, 0.5) + jnp.clip(y[:, :3], x) + jnp.clip(jnp.asarray(ROWS), 0, 2)[:, None],
    "powers": lambda x, y: x**3 + x**-2 + jnp.abs(x) ** 1.5 + jnp.abs(x) ** y[:, :3] + jnp.exp2(x),
    "roots": lambda x, y: jnp.cbrt(x) + lax.rsqrt(jnp.abs(x)) + jnp.sqrt(jnp.abs(x)),
    "erf": lambda x, y: lax.erf(x) + lax.erfc(x) + lax.erf_inv(jnp.tanh(x)),
    "gamma": lambda x, y: lax.lgamma(jnp.abs(x)) + lax.digamma(jnp.abs(x)),
    "logistic": lambda x, y: jax.nn.sigmoid(x) + jax.nn.softplus(x) + jax.nn.log_sigmoid(x) + jax.nn.silu(x),
    "turns": lambda x, y: jnp.tan(x) + jnp.arctan2(x, y[:, :3]) + jnp.arcsin(jnp.tanh(x)) + jnp.arccos(jnp.tanh(x)),
    "hyperbolic": lambda x, y: jnp.arcsinh(x) + jnp.arccosh(1 + x * x) + jnp.arctanh(jnp.tanh(x)) + jnp.sinh(x),
    "select": lambda x, y: lax.select_n(jnp.asarray(ROWS % 3), x[:, 0], y[:, 0], y[:, 1])[:, None] + jnp.sign(x),
    "precision reduced": lambda x, y: lax.reduce_precision(jnp.floor(x), 8, 10),
    "logarithms of sums": lambda x, y: jax.nn.logsumexp(x, 0) + jnp.logaddexp(x, y[:, :3]),
    # Calls.
    "unused": lambda x, y: unused(x),
    "remat": lambda x, y: jax.grad(lambda x: jax.checkpoint(jnp.sin)(x).sum())(x),
    "own slopes": lambda x, y: jax.grad(lambda x: (own_slope(x) + own_gradient(x)).sum())(x) + own_slope(x),
    "switch": lambda x, y: lax.switch(jnp.asarray(7), [jnp.sin, jnp.cos, jnp.exp], x),
    "a loop for each number": lambda x, y: jax.vmap(
        lambda one: lax.while_loop(lambda at: at < 3, lambda at: at + jnp.exp(at), one)
    )(x[:, 0]),
    "by platform": lambda x, y: lax.platform_dependent(x, default=jnp.sin, cpu=jnp.cos) + jnp.diag(x[:, 0])[:, :3],
    "bits of integers": lambda x, y: x + (jnp.bitwise_count(jnp.arange(3)) << 2) - (jnp.arange(3) >> 1),
    "complex exponentials": lambda x, y: (jnp.exp(1j * x) * (x + 2j)).real,
    "map": lambda x, y: lax.map(lambda row: row / row.sum(), x) + lax.fori_loop(0, 3, lambda k, c: c + x[k], x[0]),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_primitive_is_that_of_jax(name: str) -> None:
    generator = np.random.default_rng(3)
    with jax.enable_x64(True):
        inputs = [jnp.asarray(generator.standard_normal((5, width))) for width in (3, 4)]
        with working():
            values = to_limbs(jaxpr.trace(jax, lambda inputs: CALLS[name](*inputs), inputs))
        expected = np.asarray(CALLS[name](*inputs))
    np.testing.assert_allclose(values[:LIMBS].sum(axis=0), expected, rtol=1e-12, atol=1e-14)
    assert np.all(values[LIMBS] < 1e-12)


REFUSED: dict[str, tuple[Callable[[Array], Array], str]] = {
    "written twice": (lambda x: x.at[ROWS].set(x), "scatter writes an element twice, in no order"),
    "not unique": (
        lambda x: x.at[ROWS].add(x, unique_indices=True),
        "scatter-add writes an element twice, in no order",
    ),
    "applied": (lambda x: x.at[2].apply(jnp.sin), "a function is applied to elements at places"),
    "a promise": (lambda x: x.at[7].set(1.0, mode="promise_in_bounds"), "it writes beyond the end of an array"),
    "not stable": (
        lambda x: jnp.stack(lax.sort((jnp.sign(x), x), dimension=0, is_stable=False, num_keys=1)),
        "which of two equal numbers comes first is not said",
    ),
    "the largest of NaN": (lambda x: lax.top_k(x.at[0].set(np.nan), 2)[0], "the place of NaN in an order is not said"),
    "bits": (lambda x: lax.bitcast_convert_type(x, jnp.int32), "the primitive bitcast_convert_type has no meaning"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_certain_meaning_is_not_traced(name: str) -> None:
    call, reason = REFUSED[name]
    x = jnp.asarray(np.random.default_rng(3).standard_normal((5, 3)).astype(np.float32))
    with working(), pytest.raises((Untraceable, Undecided), match=reason):
        jaxpr.trace(jax, lambda inputs: call(*inputs), [x])
