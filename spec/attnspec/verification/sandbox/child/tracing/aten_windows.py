"""Operations of aten on windows, packed rows and memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from flint import arb

from attnspec.interpreters.balls.arrays import BallArray, exactly
from attnspec.interpreters.balls.ball import Untraceable, number
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import Array


def _convolved(
    x: Array,
    kernel: Array,
    bias: Any,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Array:
    """A convolution: at each place of the kernel the product of its matrix with the elements under it."""
    if transposed:
        raise Untraceable("a transposed convolution")
    axes = kernel.ndim - 2
    stride, padding, dilation = ([*each] * axes if len(each) == 1 else each for each in (stride, padding, dilation))
    alone = x.ndim == kernel.ndim - 1
    x = x[None] if alone else x
    wide = of.filled((*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))), 0)
    of.plain(wide)[(..., *(slice(p, p + n) for n, p in zip(x.shape[2:], padding, strict=True)))] = of.plain(x)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel.shape[2:], strict=True)]
    sizes = [(n - r - 1) // s + 1 for n, r, s in zip(wide.shape[2:], reach, stride, strict=True)]
    parts = []
    outputs, inputs = len(kernel) // groups, kernel.shape[1]
    for group in range(groups):
        rows, matrix = wide[:, group * inputs : (group + 1) * inputs], kernel[group * outputs : (group + 1) * outputs]
        found: Any = of.filled((len(x), outputs, int(np.prod(sizes))), 0)
        for at in product(*map(range, kernel.shape[2:])):
            under = tuple(
                slice(k * d, k * d + (n - 1) * s + 1, s) for k, d, n, s in zip(at, dilation, sizes, stride, strict=True)
            )
            seen = rows[(..., *under)].reshape(len(x), inputs, -1)
            found = found + of.product(matrix[(..., *at)], seen)
        parts.append(of.plain(found).reshape(len(x), outputs, *sizes))
    result = of.as_balls(np.concatenate(parts, axis=1))
    result = result if bias is None else result + bias.reshape(-1, *(1,) * axes)
    return result[0] if alone else result


def in_memory(x: Array, size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """The elements so far apart in the memory of an array; a view, if the array is its memory."""
    flat = of.plain(x).reshape(-1)
    shifted = flat[offset:]
    view = np.lib.stride_tricks.as_strided(shifted, tuple(size), tuple(step * flat.itemsize for step in stride))
    return view.view(BallArray) if isinstance(x, BallArray) else view


def _packed(x: Array, lengths: Array, batch_first: bool) -> tuple[Array, Array]:
    """The rows of sequences that go on, step by step, and how many do."""
    by_step = np.swapaxes(x, 0, 1) if batch_first else x
    going = np.asarray([int((lengths > step).sum()) for step in range(int(np.max(lengths, initial=0)))], np.int64)
    rows = [of.plain(by_step[step, :count]) for step, count in enumerate(going)]
    joined = np.concatenate(rows)
    return (joined.view(BallArray) if isinstance(x, BallArray) else joined), going


def _unpacked(grad: Array, sizes: Sequence[int], going: Array, batch_first: bool) -> Array:
    """The gradients of packed rows at their places, and 0 elsewhere."""
    found, start = of.filled(sizes, 0), 0
    by_step = np.swapaxes(of.plain(found), 0, 1) if batch_first else of.plain(found)
    for step, count in enumerate(int(each) for each in going):
        by_step[step, :count] = of.plain(grad)[start : start + count]
        start += count
    return found


def _solved(a: Array, b: Array, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Array:
    """The solution of a triangular system, row by row."""
    if not left:
        turned = _solved(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2), upper=not upper, unitriangular=unitriangular)
        return np.swapaxes(turned, -1, -2)
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    one, found = of.plain(a), np.broadcast_to(of.plain(b), (*lead, *b.shape[-2:])).copy()
    size = a.shape[-1]
    for row in range(size - 1, -1, -1) if upper else range(size):
        for other in range(row + 1, size) if upper else range(row):
            found[..., row, :] = found[..., row, :] - one[..., row, other, None] * found[..., other, :]
        if not unitriangular:
            found[..., row, :] = found[..., row, :] / one[..., row, row, None]
    return of.as_balls(found)


def _middle(ball: Any) -> float:
    """A number in a ball; NaN of one of which nothing is known."""
    value = number(ball).value
    return float(value.mid()) if isinstance(value, arb) else math.nan if value is None else float(value)


def _inverse(x: Array, *rest: Any, **options: Any) -> tuple[Array, Array]:
    """The inverse of each matrix, by elimination with the largest pivot, and that there is one."""
    size, found = x.shape[-1], of.plain(of.filled(x.shape, 0))
    for at in np.ndindex(x.shape[:-2]):
        rows = np.concatenate([of.plain(x)[at], of.plain(exactly(np.eye(size)))], axis=1)
        for column in range(size):
            pivot = max(range(column, size), key=lambda row: abs(_middle(rows[row, column])))
            rows[[column, pivot]] = rows[[pivot, column]]
            rows[column] = rows[column] / rows[column, column]
            for row in range(size):
                if row != column:
                    rows[row] = rows[row] - rows[row, column] * rows[column]
        found[at] = rows[:, size:]
    return of.as_balls(found), np.zeros(x.shape[:-2], np.int32)


def _bags(
    table: Array,
    index: Array,
    starts: Array,
    by_frequency: bool = False,
    mode: int = 0,
    sparse: bool = False,
    weights: Any = None,
    closed: bool = False,
    padding: int = -1,
) -> tuple[Any, ...]:
    """The sum or the mean of the rows of each bag; one of none is 0."""
    if mode == 2:
        raise Untraceable("the largest of bags")
    ends = [*map(int, starts)] if closed else [*map(int, starts), len(index)]
    found = of.filled((len(ends) - 1, table.shape[1]), 0)
    for bag, (start, end) in enumerate(pairwise(ends)):
        places = [place for place in range(start, end) if index[place] != padding]
        rows = table[index[places]]
        summed = of.total(rows if weights is None else rows * weights[places][:, None], 0)
        found[bag] = summed / max(len(places), 1) if mode == 1 else summed
    return found, None, None, None


WINDOWS: dict[str, Callable[..., Any]] = {
    "convolution": _convolved, "_pack_padded_sequence": _packed, "_pack_padded_sequence_backward": _unpacked,
    "_embedding_bag": _bags, "_embedding_bag_forward_only": _bags,
    "linalg_solve_triangular": _solved, "linalg_inv_ex": _inverse,
}  # fmt: skip
"""{name of the operation: what it does on arrays of balls}."""
