"""An ensemble of runs in float64 with simulated roundings, which shows the correlated errors that propagation misses.

The error of a rounding is a hash of the member and the value. Equal values therefore round equally, which keeps the
correlations of reused intermediates, tied weights and recurrences. The members are one more named axis, so a single
evaluation computes all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.algebra import of_kind
from attnspec.interpreters.evaluation.walk import Array, Axis, Named, Value
from attnspec.interpreters.rounding.interpreter import EXACT_FORMAT, RoundingInterpreter
from attnspec.interpreters.rounding.model import ARITHMETIC, CONDITIONS, EXACT, Rounding
from attnspec.interpreters.rounding.policy import Format, Policy
from attnspec.thresholds import SAMPLES, STRESS, STRESSED_SAMPLES

MEMBER: Axis = (-2, 0)

LARGEST_AT_ONCE = 100_000
"""Where all members have more numbers than this, one is moved after the other, so that what is between stays in the
processor's cache. Speed alone depends on it."""


@dataclass(slots=True, eq=False)
class Rounded:
    """The values of all members; never changed, although not frozen, since a frozen one takes twice as long to make.

    Attributes:
        value: an array in float64, with the members along the first axis where they differ.
        format: the coarsest format that represents the values.
        terms: the number of products whose sum it is; 0 if it is not a sum of products.
        exact: the values without errors of a sum that no order of summation rounds, which comparisons read; else None.
    """

    value: Array
    format: Format
    terms: int = 0
    exact: Array | None = None


class Ensemble(RoundingInterpreter[Rounded]):
    """Computes the values of runs with simulated roundings: `SAMPLES` as modelled, `STRESSED_SAMPLES` with more noise.

    Attributes:
        scales: for each member, the half-width of a uniform error with a variance of 1, times its amount of noise.
        keys: the hash key of each member.
        shared: whether inputs that all members share are kept once for all, which costs less memory and is slower for
            small arrays.
    """

    def __init__(
        self,
        namespace: Any,
        policy: Policy,
        seed: int = 0,
        constants: int | None = None,
        members: slice = slice(None),
        shared: bool = False,
    ) -> None:
        """Make an ensemble.

        Args:
            members: those that are run; all by default.
        """
        super().__init__(namespace, policy, constants)
        self.seed = seed
        scales = np.concatenate([np.ones(SAMPLES), np.full(STRESSED_SAMPLES, STRESS)])
        self.scales = namespace.asarray(scales[members] * np.sqrt(3.0))  # uniform over ±√3 has a variance of 1
        keys = np.random.Generator(np.random.Philox(seed)).integers(1, 2**62, SAMPLES + STRESSED_SAMPLES)
        self.keys = namespace.asarray(keys[members] | 1)
        self.members, self.shared = len(scales[members]), shared
        self._of_rank: dict[int, tuple[Array, Array]] = {}

    def enter(self, array: Array, axes: tuple[Axis, ...]) -> Named[Rounded]:
        """An input, repeated for every member if it can be rounded."""
        if not of_kind(array.dtype, "real floating", self.xp):
            return Named(self.exact(array), axes)
        operand = Rounded(self.repeated(array), self.policy.storage)
        return Named(self.rounded_to(operand, self.policy.inputs) if self.policy.inputs else operand, (MEMBER, *axes))

    def leave(self, value: Value[Rounded]) -> Rounded:
        """A result with an axis for the members."""
        return self.expanded(self.as_named(value), MEMBER, self.members).data

    def repeated(self, array: Array) -> Array:
        """The same values for every member."""
        if self.shared:
            return array[None]
        return self.xp.broadcast_to(array, (self.members, *array.shape))

    def source(self, array: Array) -> Rounded:
        return Rounded(array, self.policy.storage)

    def exact(self, array: Array) -> Rounded:
        return Rounded(array, EXACT_FORMAT)

    def constant(self, value: float, like: Rounded) -> Rounded:
        return self.exact(self.values.constant(value, like.value))

    def rearrange(self, move: Callable[..., Array], *operands: Rounded) -> Rounded:
        if len(operands) == 1:
            (operand,) = operands
            exact = None if operand.exact is None else move(operand.exact)
            return Rounded(move(operand.value), operand.format, operand.terms, exact)
        operands = self.met(operands)
        format = max((operand.format for operand in operands), key=lambda item: item.bits)
        values = (operand.value for operand in operands)
        return Rounded(move(*values), format, max(operand.terms for operand in operands))

    def elementwise(self, op: str, values: Sequence[Value[Rounded]]) -> Value[Rounded]:
        """An elementwise operation; operands that all members share are repeated before they are rounded."""
        operands = [value for value in values if isinstance(value, Named)]
        same_for_all = all(MEMBER not in operand.axes for operand in operands)
        if (
            operands
            and same_for_all
            and op not in EXACT
            and not self.is_integer_arithmetic(op, *(self.as_named(v).data for v in values))
        ):
            values = [self.full(value) if isinstance(value, Named) else value for value in values]
        return super().elementwise(op, values)

    def apply(self, op: str, *operands: Rounded) -> Rounded:
        if op not in CONDITIONS:
            operands = self.met(operands)
        if op in CONDITIONS:
            compared = (operand.value if operand.exact is None else operand.exact for operand in operands)
            return Rounded(self.values.apply(op, *compared), EXACT_FORMAT)
        value = self.values.apply(op, *(operand.value for operand in operands))
        if op in EXACT or self.is_integer_arithmetic(op, *operands):
            parts = operands[1:] if op == "where" else operands
            return Rounded(value, max((operand.format for operand in parts), key=lambda item: item.bits))
        rounding = self.rounding_of(*operands)
        added = rounding.elementwise(op, value, *(operand.value for operand in operands))
        if op in ARITHMETIC:
            added = self.zero_if_representable(value, added, rounding.policy.intermediates)
        added, terms = self.with_summands(op, added, rounding, operands)
        return self.rounded_result(value, added, rounding, terms)

    def zero_if_representable(self, value: Array, added: Array, target: Format) -> Array:
        """The added variance, 0 where a member's value is representable in the format."""
        exact = self.rounding.is_representable(target, value)
        return added if exact is None else self.xp.where(exact, self.xp.zeros_like(added), added)

    def rounded_result(self, value: Array, added: Array, rounding: Rounding, terms: int = 0) -> Rounded:
        """A result with errors of the added variance, infinite where it overflows the format of intermediates."""
        target = rounding.policy.intermediates
        return Rounded(self.perturbed(value, added, target), target, terms)

    def perturbed(self, value: Array, variance: Array, target: Format) -> Array:
        """The values with an error of the given variance, infinite where they are beyond the format's largest number.

        The error is a function of the member and of the value. A multiplicative hash of the value's bits and the
        member's key gives 42 bits, taken as a number in [−1, 1).
        """
        xp = self.xp
        scale, key = self.of_rank(value.ndim)
        if math.prod(value.shape) > LARGEST_AT_ONCE and value.shape[0] == self.members:
            variance, moved = xp.broadcast_to(variance, value.shape), xp.empty_like(value)
            for member in range(self.members):
                moved[member, ...] = self.moved(value[member, ...], variance[member, ...], scale[member], key[member])
        else:
            moved = self.moved(value, variance, scale, key)
        if not math.prod(moved.shape) or bool(-target.largest <= moved.min() and moved.max() <= target.largest):
            return moved
        moved = xp.where(xp.isfinite(value), moved, value)
        return xp.where(xp.abs(moved) > target.largest, xp.sign(moved) * float("inf"), moved)

    def moved(self, value: Array, variance: Array, scale: Array, key: Array) -> Array:
        """The values with their errors; two arrays of their size serve for all that is between."""
        bits = self.bits(self.xp.abs(value)) * key
        bits ^= bits >> 29
        bits *= 0x2545F4914F6CDD1D  # the multiplier of xorshift64*
        bits >>= 11
        bits &= 0xFFFFFFFFFFC00  # 42 bits, as the first ones behind the point of a number in [2, 4)
        bits |= 0x4000000000000000
        moved = bits.view(self.xp.float64)
        moved -= 3.0
        moved *= self.xp.sqrt(variance)
        moved *= scale
        moved *= self.xp.sign(value)
        moved += value
        return moved

    def of_rank(self, rank: int) -> tuple[Array, Array]:
        """The scale and the key of each member, for values with so many axes."""
        if rank not in self._of_rank:
            shape = (-1, *(1,) * (rank - 1))
            self._of_rank[rank] = self.xp.reshape(self.scales, shape), self.xp.reshape(self.keys, shape)
        return self._of_rank[rank]

    def bits(self, value: Array) -> Array:
        """The bits of float64 values, as integers."""
        return value.view(self.xp.int64)

    def round_operand(self, operand: Rounded) -> Rounded:
        return self.rounded_to(operand, self.policy.operands)

    def rounded_to(self, operand: Rounded, target: Format) -> Rounded:
        """One rounding to a format, unless the format represents the values already."""
        if operand.format.bits <= target.bits:
            return operand
        added = self.zero_if_representable(operand.value, self.rounding.one_rounding(target, operand.value), target)
        return Rounded(self.perturbed(operand.value, added, target), target)

    def full(self, term: Named[Rounded]) -> Named[Rounded]:
        """A term with an axis for the members, also where they all share its values."""
        return self.expanded(term, MEMBER, self.members)

    def matmul(self, a: Named[Rounded], b: Named[Rounded]) -> Named[Rounded]:
        """A product of matrices for every member, also where they all share both."""
        return super().matmul(a if MEMBER in (*a.axes, *b.axes) else self.full(a), b)

    def contraction(
        self,
        a: Named[Rounded],
        a_tail: tuple[str, ...],
        b: Named[Rounded],
        b_tail: tuple[str, ...],
        over: Axis | str,
        tail: tuple[str, ...],
    ) -> Named[Rounded]:
        """A contraction for every member, also where they all share one factor."""
        if self.shared:
            a, b = (self.widened(side, tuple(sorted({MEMBER, *side.axes})), self.rank(side)) for side in (a, b))
        else:
            a, b = (self.expanded(side, MEMBER, self.members) for side in (a, b))
        return super().contraction(a, a_tail, b, b_tail, over, tail)

    def contract(self, a: Rounded, b: Rounded) -> Rounded:
        rounding = self.rounding_of(a, b)
        if rounding is self.rounding:
            a, b = self.round_operand(a), self.round_operand(b)
        value = self.product(a.value, b.value)
        squares = self.product(a.value**2, b.value**2)
        exact = a.format.bits + b.format.bits <= rounding.policy.accumulation.bits
        added = rounding.contraction(self.number(a.value), squares, value, exact)
        return self.rounded_result(value, added, rounding, self.number(a.value))

    def product(self, a: Array, b: Array) -> Array:
        """The product of matrices of each member; where all members share the right one, as one large product."""
        if a.ndim != 3 or b.shape[0] != 1 or a.shape[0] == 1:
            return self.values.contract(a, b)
        members, rows, inner = a.shape
        flat = self.values.contract(self.xp.reshape(a, (1, members * rows, inner)), b)
        return self.xp.reshape(flat, (members, rows, flat.shape[-1]))

    def reduce(self, op: str, axis: int, term: Rounded, where: Rounded | None) -> Rounded:
        xp = self.xp
        mask = where.value if where is not None else None
        x = term.value
        value = self.values.reduce(op, axis, x, mask)
        rounding = self.rounding_of(term)
        if op in ("max", "argmax"):
            return Rounded(value, term.format if op == "max" else EXACT_FORMAT)
        if op == "sum" and self.is_integer_arithmetic(op, term):
            return Rounded(value, EXACT_FORMAT)
        if op == "sum":
            shown = x if mask is None else xp.where(mask, x, xp.zeros_like(x))
            squares = xp.sum(self.counted(shown**2, axis), axis=axis)
            inner = max(term.terms, 1)  # a sum of sums may be one sum
            added = rounding.contraction(self.number(x, axis), squares, value, True, inner)
            found = self.rounded_result(value, added, rounding, self.number(x, axis) * inner)
            is_exact = all(  # first of one member, which is soon told
                rounding.is_exact_sum(some, axis, xp.sum(self.counted(xp.abs(some), axis), axis=axis))
                for some in (shown[:1, ...], shown)
            )
            return replace(found, exact=value) if is_exact else found
        if not x.shape[axis]:
            return Rounded(value, rounding.policy.intermediates)
        seen = x if mask is None else xp.where(mask, x, self.values.constant(-float("inf"), x))
        shifted = seen - xp.max(seen, axis=axis, keepdims=True)
        variance = rounding.softmax if op == "softmax" else rounding.log_softmax
        return self.rounded_result(value, variance(value, shifted, axis, self.counts_along(x, axis)), rounding)

    def masked(self, operand: Rounded, where: Rounded) -> Rounded | None:
        value = self.values.masked(operand.value, where.value)
        return None if value is None else Rounded(value, operand.format)

    def state(self, value: Value[Rounded], before: Value[Rounded]) -> Value[Rounded]:
        assert isinstance(value, Named)
        return Named(self.rounded_to(value.data, self.policy.state), value.axes)
