"""Arithmetic on arrays with named axes: alignment by name, contraction and reduction over a named axis."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from attnspec.interpreters.evaluation.algebra import Algebra, Array, Axis, Named, T, Value
from attnspec.language.tree import SOFTMAXES


def _float64(function: Callable[..., float]) -> Callable[..., float]:
    """A NumPy function as a function of Python numbers: an overflow gives infinity, an undefined result NaN."""

    def folded(*numbers: float) -> float:
        with np.errstate(all="ignore"):
            return float(function(*map(np.float64, numbers)))

    return folded


def _sigmoid(a: float) -> float:
    return math.exp(a) / (1 + math.exp(a)) if a < 0 else 1 / (1 + math.exp(-a))


def _softplus(a: float) -> float:
    return (0.0 if a < 0 else a) + math.log1p(math.exp(-abs(a)))


_divide, _floor_divide = _float64(np.divide), _float64(np.floor_divide)

FOLD: dict[str, Callable[..., float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "neg": operator.neg, "**": _float64(np.power),
    "//": lambda a, b: a // b if b else _floor_divide(a, b), "/": lambda a, b: a / b if b else _divide(a, b),
    "sqrt": _float64(np.sqrt), "exp": _float64(np.exp), "log": _float64(np.log),
    "sin": _float64(np.sin), "cos": _float64(np.cos), "tanh": math.tanh, "sigmoid": _sigmoid,
    "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt, "==": operator.eq,
    "and": lambda a, b: a and b, "or": lambda a, b: a or b, "not": operator.not_,
    "where": lambda c, a, b: a if c else b,
    "%": lambda a, b: a % b if b else math.nan,
    "silu": lambda a: a * _sigmoid(a), "softplus": _softplus, "abs": abs,
    "relu": lambda a: 0.0 if a < 0 else a, "gelu": lambda a: a * (1 + math.erf(a / math.sqrt(2))) / 2,
}  # fmt: skip
"""The elementwise operations on Python numbers; integers stay integers."""


class NamedAxes(Algebra[T]):
    """Extends an algebra on aligned arrays to arrays with named axes."""

    # Elementwise operations.

    def elementwise(self, op: str, values: Sequence[Value[T]]) -> Value[T]:
        """An elementwise operation with axes aligned by name; numbers alone are folded to a number."""
        operands = [value for value in values if isinstance(value, Named)]
        if not operands:
            return FOLD[op](*values)
        if len(operands) < len(values):
            like = operands[0].data
            operands = [
                value if isinstance(value, Named) else Named(self.constant(value, like), ()) for value in values
            ]
        aligned = self.aligned(operands)
        return Named(self.apply(op, *(x.data for x in aligned)), aligned[0].axes)

    def rank(self, value: Named[T]) -> int:
        """The number of unnamed axes."""
        return len(self.shape(value.data)) - len(value.axes)

    def aligned(self, values: Sequence[Named[T]]) -> list[Named[T]]:
        """The same arrays with the same axes; axes that one lacks are inserted with size 1."""
        first, *others = values
        if not others:
            return [first]
        axes, ranks = first.axes, [self.rank(value) for value in values]
        rank = max(ranks)
        if any(value.axes != axes for value in others):
            axes = united(*(value.axes for value in values))
        elif rank == min(ranks):
            return [*values]
        return [
            self.with_axes_inserted(value, _insertions(value.axes, axes, own, rank), axes)
            for value, own in zip(values, ranks, strict=True)
        ]

    def widened(self, value: Named[T], axes: tuple[Axis, ...], rank: int) -> Named[T]:
        """An array with more named axes, or with unnamed ones if it has none, each inserted with size 1."""
        return self.with_axes_inserted(value, _insertions(value.axes, axes, self.rank(value), rank), axes)

    def with_axes_inserted(
        self, value: Named[T], places: tuple[slice | None, ...] | None, axes: tuple[Axis, ...]
    ) -> Named[T]:
        """An array with axes of size 1 where `places` has None."""
        return value if places is None else Named(self.rearrange(lambda a: a[places], value.data), axes)

    # Contractions.

    def matmul(self, a: Named[T], b: Named[T]) -> Named[T]:
        """The product of vectors or matrices along the last unnamed axis of one and the first of the other."""
        if not b.axes and self.rank(a) == 1 and self.rank(b) == 2:
            return Named(self.contract(a.data, b.data), a.axes)  # vectors by one matrix need no rearrangement
        left = ("k",) if self.rank(a) == 1 else ("r", "k")
        right = ("k",) if self.rank(b) == 1 else ("k", "s")
        return self.contraction(a, left, b, right, "k", (*left[:-1], *right[1:]))

    def contraction(
        self,
        a: Named[T],
        a_tail: tuple[str, ...],
        b: Named[T],
        b_tail: tuple[str, ...],
        over: Axis | str,
        tail: tuple[str, ...],
    ) -> Named[T]:
        """The sum of products over one label, computed as one batched product of matrices.

        Args:
            a, b: the factors.
            a_tail, b_tail: labels of their unnamed axes.
            over: the label that is summed over.
            tail: labels of the unnamed axes of the result, in order.
        """
        plan = _plan((*a.axes, *a_tail), (*b.axes, *b_tail), over, tail)
        flat_a, rows = self.arranged(a.data, plan.a, plan.shared, plan.only_a)
        flat_b, columns = self.arranged(b.data, plan.b, plan.shared, 1)
        product = self.contract(flat_a, flat_b)
        both = self.shape(product)[: plan.shared]
        shape = (*both, *rows[plan.shared : plan.shared + plan.only_a], *columns[plan.shared + 1 :])
        moved = self.rearrange(lambda x: self.permuted(self.xp.reshape(x, shape), plan.order), product)
        return Named(moved, plan.axes)

    def arranged(self, data: T, places: tuple[int, ...], batch: int, left: int) -> tuple[T, list[int]]:
        """The axes in the given order, flattened to (batch…, left, right), and their sizes in that order."""
        sizes = self.shape(data)
        shape = [sizes[place] for place in places]
        flat = (*shape[:batch], math.prod(shape[batch : batch + left]), math.prod(shape[batch + left :]))
        return self.rearrange(lambda x: self.xp.reshape(self.permuted(x, places), flat), data), shape

    def permuted(self, array: Array, order: tuple[int, ...]) -> Array:
        """An array with its axes in another order."""
        return array if order == tuple(range(len(order))) else self.xp.permute_dims(array, order)

    def with_axis_moved(self, data: T, source: int, target: int) -> T:
        """One axis moved to another position."""
        if source == target:
            return data
        order = list(range(len(self.shape(data))))
        order.insert(target, order.pop(source))
        return self.rearrange(lambda a: self.xp.permute_dims(a, tuple(order)), data)

    # Reductions.

    def fused(self, a: Named[T], b: Named[T], where: Named[T] | None, axis: Axis) -> Named[T] | None:
        """Σ a·b as a contraction; None if a masked element is not finite, since 0·∞ is NaN."""
        if where is not None:
            first, condition = self.aligned([a, where])
            masked = self.masked(first.data, condition.data)
            if masked is None or not self.finite(b.data):
                return None
            a = Named(masked, first.axes)
        rank = max(self.rank(a), self.rank(b))
        tail = tuple(f"p{k}" for k in range(rank))
        return self.contraction(a, tail[: self.rank(a)], b, tail[: self.rank(b)], axis, tail)

    def full(self, term: Named[T]) -> Named[T]:
        """The term of a reduction, expanded over the axes that an interpretation adds."""
        return term

    def reduced(self, op: str, term: Value[T], where: Named[T] | None, axis: Axis, length: int) -> Named[T]:
        """A reduction over a named axis, of elements where a condition holds."""
        if not isinstance(term, Named):
            assert where is not None, "`check` requires a term or a condition that depends on the index"
            term = Named(self.constant(term, where.data), ())
        term = self.expanded(self.full(term), axis, length)
        condition = None
        if where is not None:
            term, aligned = self.aligned([term, where])
            condition = self.expanded(aligned, axis, length).data
        place = term.axes.index(axis)
        kept = op in SOFTMAXES
        if kept and condition is not None:
            term = self.as_wide_as(term, condition)
        data = self.reduce(op, place, term.data, condition)
        return Named(data, term.axes if kept else tuple(name for name in term.axes if name != axis))

    # Named axes, and back.

    def expanded(self, value: Named[T], axis: Axis, length: int) -> Named[T]:
        """An array with the axis at its full length; it is broadcast if it did not depend on the axis."""
        axes = united(value.axes, (axis,))
        wide = self.widened(value, axes, self.rank(value))
        shape = list(self.shape(wide.data))
        place = axes.index(axis)
        if shape[place] == length:
            return wide
        shape[place] = length
        return Named(self.rearrange(lambda a: self.xp.broadcast_to(a, tuple(shape)), wide.data), axes)

    def unname(self, value: Named[T], axis: Axis, length: int) -> Named[T]:
        """Make a named axis the first unnamed one."""
        value = self.expanded(value, axis, length)
        moved = self.with_axis_moved(value.data, value.axes.index(axis), len(value.axes) - 1)
        return Named(moved, tuple(name for name in value.axes if name != axis))

    def name(self, value: Named[T], axis: Axis) -> Named[T]:
        """Give the first unnamed axis a name."""
        axes = tuple(sorted((*value.axes, axis)))
        return Named(self.with_axis_moved(value.data, len(value.axes), axes.index(axis)), axes)

    def slice_at(self, value: Named[T], place: int, wraps: bool = True) -> Named[T]:
        """One slice of the first unnamed axis, zero beyond its ends; if it `wraps`, −1 is the last."""
        lead = (slice(None),) * len(value.axes)
        size = self.shape(value.data)[len(value.axes)]
        if wraps and -size <= place < 0:
            place += size
        if 0 <= place < size:
            return Named(self.rearrange(lambda a: a[(*lead, place)], value.data), value.axes)
        shape = self.shape(value.data)
        rest = shape[: len(lead)] + shape[len(lead) + 1 :]
        return Named(self.rearrange(lambda a: self.zeros(a, rest), value.data), value.axes)

    def gathered(self, value: Named[T], place: Named[T]) -> Named[T]:
        """The slices of the first unnamed axis at the indices in another array, zero beyond the ends."""
        axes = tuple(sorted({*value.axes, *place.axes}))
        wide, at = self.widened(value, axes, self.rank(value)), self.as_integers(self.widened(place, axes, 0).data)
        xp, lead = self.xp, len(axes)

        def take(a: Array) -> Array:
            size, rest = a.shape[lead], a.shape[lead + 1 :]
            inside = xp.reshape((at >= 0) & (at < size), (*at.shape, *(1,) * len(rest)))
            if not size:
                return self.zeros(a, (*broadcast([a.shape[:lead], at.shape]), *rest))
            rows = [
                xp.reshape(xp.arange(count, device=at.device), (count, *(1,) * (lead - 1 - k)))
                for k, count in enumerate(a.shape[:lead])
            ]
            result = a[(*rows, xp.clip(at, 0, size - 1))]
            return xp.where(inside, result, xp.zeros_like(result))

        return Named(self.rearrange(take, wide.data), axes)

    def as_wide_as(self, value: Named[T], other: T) -> Named[T]:
        """An array, repeated along the axes that only another aligned one has."""
        shape = broadcast([self.shape(value.data), self.shape(other)])
        if shape == self.shape(value.data):
            return value
        return Named(self.rearrange(lambda a: self.xp.broadcast_to(a, shape), value.data), value.axes)

    def zeros(self, like: Array, shape: tuple[int, ...]) -> Array:
        """An array of zeros with the dtype and device of another."""
        return self.xp.zeros(shape, dtype=like.dtype, device=like.device)

    def shifted(self, value: Named[T], shift: int) -> Named[T]:
        """The first unnamed axis shifted: element i is element i + `shift` of the operand, or zero beyond the ends."""
        if not shift:
            return value
        place = len(value.axes)
        lead = (slice(None),) * place
        size = self.shape(value.data)[place]

        def move(array: Array) -> Array:
            kept = array[(*lead, slice(max(shift, 0), max(size + min(shift, 0), 0)))]
            shape = list(array.shape)
            shape[place] = size - kept.shape[place]
            gap = self.zeros(array, tuple(shape))
            return self.xp.concat([kept, gap] if shift > 0 else [gap, kept], axis=place)

        return Named(self.rearrange(move, value.data), value.axes)

    def reversed_from(self, value: Named[T], end: int) -> Named[T]:
        """The first unnamed axis reversed: element i is element `end` − i of the operand, or zero beyond the ends."""
        place = len(value.axes)
        turned = self.rearrange(lambda a: self.xp.flip(a, axis=place), value.data)
        return self.shifted(Named(turned, value.axes), self.shape(value.data)[place] - 1 - end)

    # Concatenation and reshaping.

    def concatenated(self, parts: Sequence[Array]) -> Array:
        """Arrays concatenated along the last axis, with the leading ones broadcast."""
        lead = broadcast([part.shape[:-1] for part in parts])
        wide = [self.xp.broadcast_to(part, (*lead, part.shape[-1])) for part in parts]
        return self.xp.concat(wide, axis=-1)

    def concat_over(self, value: Named[T], axis: Axis, length: int) -> Named[T]:
        """The concatenation [a_1; a_2; …] over a named axis along the last axis."""
        value = self.expanded(value, axis, length)
        source = value.axes.index(axis)
        shape = self.shape(value.data)
        rest = shape[:source] + shape[source + 1 :]
        flat = (*rest[:-1], length * rest[-1])
        moved = self.with_axis_moved(value.data, source, len(shape) - 2)
        joined = self.rearrange(lambda a: self.xp.reshape(a, flat), moved)
        return Named(joined, tuple(name for name in value.axes if name != axis))

    def reshaped(self, value: Named[T], order: tuple[int, ...], dims: tuple[int, ...]) -> Named[T]:
        """The unnamed axes transposed to `order` and reshaped to `dims`."""
        lead = len(value.axes)
        places = (*range(lead), *(lead + place for place in order))
        shape = (*self.shape(value.data)[:lead], *dims)
        moved = self.rearrange(lambda a: self.xp.reshape(self.permuted(a, places), shape), value.data)
        return Named(moved, value.axes)

    # The steps of a recurrence along an axis.

    def sequence(self, past: list[Named[T]], start: Named[T], axis: Axis) -> Named[T]:
        """The states of a scan stacked along a named axis, which is empty if there are none."""
        aligned = self.aligned(past or [start])
        axes = tuple(sorted((*aligned[0].axes, axis)))
        place = axes.index(axis)

        def stacked(*arrays: Array) -> Array:
            shape = broadcast([array.shape for array in arrays])
            result = self.xp.stack([self.xp.broadcast_to(a, shape) for a in arrays], axis=place)
            return result if past else result[(*(slice(None),) * place, slice(0, 0))]

        return Named(self.rearrange(stacked, *(state.data for state in aligned)), axes)

    def last(self, value: Value[T], start: Value[T], axis: Axis, length: int) -> Value[T]:
        """The last state of a scan, or its start if it has no steps."""
        if not length:
            return start
        assert isinstance(value, Named)
        place = value.axes.index(axis)
        data = self.rearrange(lambda a: a[(*(slice(None),) * place, -1)], value.data)
        return Named(data, tuple(name for name in value.axes if name != axis))


class _Plan(NamedTuple):
    """The layout of a contraction as a product of matrices.

    Attributes:
        a, b: permutation of the axes of each factor: shared ones first, then rows and columns.
        shared, only_a: number of axes that both factors have, and that only the first has.
        axes: the named axes of the result.
        order: permutation of the axes of the product.
    """

    a: tuple[int, ...]
    b: tuple[int, ...]
    shared: int
    only_a: int
    axes: tuple[Axis, ...]
    order: tuple[int, ...]


@lru_cache(maxsize=4096)
def _plan(
    labels_a: tuple[Axis | str, ...], labels_b: tuple[Axis | str, ...], over: Axis | str, tail: tuple[str, ...]
) -> _Plan:
    """The layout of a contraction; the arguments are those of `contraction`."""
    shared = [label for label in labels_a if label in labels_b and label != over]
    only_a = [label for label in labels_a if label not in labels_b]
    only_b = [label for label in labels_b if label not in labels_a]
    labels: list[Axis | str] = [*shared, *only_a, *only_b]
    axes: tuple[Axis, ...] = tuple(sorted(label for label in labels if isinstance(label, tuple)))
    order = [labels.index(label) for label in axes] + [labels.index(label) for label in tail]
    return _Plan(
        a=tuple(labels_a.index(label) for label in (*shared, *only_a, over)),
        b=tuple(labels_b.index(label) for label in (*shared, over, *only_b)),
        shared=len(shared),
        only_a=len(only_a),
        axes=axes,
        order=tuple(order),
    )


@lru_cache(maxsize=4096)
def united(*axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes of several arrays in order."""
    return tuple(sorted(set().union(*axes)))


@lru_cache(maxsize=4096)
def _insertions(
    axes: tuple[Axis, ...], wider: tuple[Axis, ...], rank: int, wider_rank: int
) -> tuple[slice | None, ...] | None:
    """Subscripts that insert the axes that an array lacks, unnamed ones too if it has none; None if it has all."""
    named = [slice(None) if axis in axes else None for axis in wider]
    unnamed = [slice(None)] * rank if rank else [None] * wider_rank
    places = (*named, *unnamed)
    return places if None in places else None


def broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that shapes of equal length broadcast to."""
    return tuple(max(sizes) if min(sizes) else 0 for sizes in zip(*shapes, strict=True))
