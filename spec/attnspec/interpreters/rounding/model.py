"""The variance of the error that each operation adds; propagation and ensemble share this model.

One rounding of v to a format with unit roundoff u is modelled as an error uniform over ±u|v|, of variance (u v)²/3. All
functions return variances, in the squared unit of the value and with its shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnspec.interpreters.evaluation.algebra import every, some
from attnspec.interpreters.evaluation.walk import Array
from attnspec.interpreters.rounding.policy import Format, Policy
from attnspec.thresholds import SIGMA_BOUND

ULPS = {
    "exp": 3,
    "log": 3,
    "sin": 4,
    "cos": 4,
    "tanh": 5,
    "sigmoid": 5,
    "gelu": 16,
    "silu": 6,
    "softplus": 7,
    "sqrt": 3,
    "/": 2.5,
    "**": 16,
}
"""Largest error of library functions in units in the last place: the limits of the OpenCL C specification, full
profile; those of sigmoid, gelu, silu and softplus follow from exp, log, / and erf."""

ABSOLUTE = ("sigmoid", "tanh", "sin", "cos", "gelu", "silu", "softplus")
"""Functions with an absolute accuracy only: ½ + ½ tanh(x/2) is a correct sigmoid, with an error of u near 0,
and ln(1 + e^x) a correct softplus."""

ARITHMETIC = ("+", "-", "*", "/", "sqrt")
"""Operations that IEEE 754 rounds correctly, unlike library functions: a representable result is exact."""

CONDITIONS = ("<=", "<", ">=", ">", "==", "and", "or", "not")
"""Operations that return truth values. These are never rounded, but rounding of the operands may change them."""

POLES = {"/": 1, "**": 0, "log": 0}
"""{operation that may be infinite for finite operands: the place of the operand that is 0 there}."""

EXACT = ("neg", "relu", "abs", "where", *CONDITIONS)
"""Operations that never round."""

INTEGER_OPERATIONS = ("+", "-", "*", "//", "%", "abs", "sum")
"""Operations that return integers for integers. Positions and sizes are computed with integer arithmetic, exactly."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """The rounding model of one policy.

    Attributes:
        policy: the formats that results are rounded to.
        xp: the array namespace.
    """

    policy: Policy
    xp: Any

    def one_rounding(self, target: Format, value: Array) -> Array:
        """The variance of one rounding: (u v)²/3, and least²/3 for what is lost near zero."""
        return ((target.u * value) ** 2 + target.least**2) / 3

    def flushed(self, array: Array) -> Array | None:
        """The variance of inputs that hardware may read as 0, least²/3; None if there are none."""
        lost = (array != 0) & (self.xp.abs(array) < self.policy.storage.least)
        if not some(lost, self.xp):
            return None
        return self.xp.astype(lost, self.xp.float64) * (self.policy.storage.least**2 / 3)

    def is_representable(self, target: Format, value: Array) -> Array | None:
        """Where a format represents a value exactly, so that rounding to it changes nothing; None if nowhere.

        In float64 this holds for 0 only, since every other value has itself been rounded to float64. Values that may be
        subnormal count as not representable.
        """
        if target.bits >= 53:
            zero = value == 0
            return zero if some(zero, self.xp) else None
        scaled = value * (2.0 ** (53 - target.bits) + 1)
        same = value == scaled - (scaled - value)  # Veltkamp's splitting: the leading `bits` bits of the value
        if not some(same, self.xp):
            return None
        smallest_normal = target.least * 2.0 ** (target.bits - 1)  # least is the spacing of subnormal numbers
        return ((value == 0) | (self.xp.abs(value) >= smallest_normal)) & same

    def is_integer_arithmetic(self, op: str, *values: Array) -> bool:
        """Whether an operation has integers as operands and result, so that nothing is rounded."""
        return op in INTEGER_OPERATIONS and all(every(value == self.xp.floor(value), self.xp) for value in values)

    def is_exact_sum(self, terms: Array, axis: int, reach: Array) -> bool:
        """Whether no order of summation rounds: all terms are multiples of one power of 2, and few of it.

        The least that works is tried: if Σ|terms| is up to 2^bits times it, no partial sum has more bits.

        Args:
            reach: Σ|terms|.
        """
        xp, bits = self.xp, min(self.policy.accumulation.bits, self.policy.intermediates.bits)
        least = 2.0 ** (xp.ceil(xp.log2(xp.where(reach > 0, reach, xp.ones_like(reach)))) - bits)
        count = terms / xp.expand_dims(least, axis=axis)
        return every(count == xp.floor(count), xp)

    def elementwise(self, op: str, value: Array, *args: Array) -> Array:
        """The error of an elementwise operation: that of the function itself, then the rounding of its result.

        A function with a limit of n units in the last place errs by at most 2n u|v|. Its error is modelled as uniform
        over ±(n/2) u|v|: a `SIGMA_BOUND` of 8 deviations is then 2.3 n u|v|, above the limit.

        Args:
            op: the operation.
            value: its result.
            args: its operands.
        """
        policy = self.policy
        variance = self.one_rounding(policy.intermediates, value)
        if op in ULPS and op != "/":
            function = (ULPS[op] / 2 * policy.compute.u) ** 2 / 3 * value**2  # uniform over ±(n/2) u|v|
            floor = policy.compute.u**2 / 3 if op in ABSOLUTE else 0.0  # uniform over ±u: absolute accuracy
            stored = variance if policy.intermediates.bits < policy.compute.bits else policy.intermediates.least**2 / 3
            variance = stored + function + floor
        if op == "**":
            variance = self.xp.where(args[1] == 0, 0.0, variance)  # x⁰ is exactly 1
        return variance

    def contraction(
        self, count: float, squares: Array, value: Array, exact_products: bool, repeated: Array | float = 1.0
    ) -> Array:
        """The error of a sum of products: its expectation over all orders of summation, and the rounding of the result.

        Each partial sum S_j of j products is rounded once: the variance is u²/3 Σ_j S_j². Over all orders of k products
        p with the sum v, E[S_j²] = j/k Σp² + j(j−1)/(k(k−1)) (v² − Σp²), and the sum over j is (k+1)/6 Σp² +
        (k+1)/3 v². The code has k for k + 1, since the first partial sum is exact.

        A truncating accumulator loses up to one unit at each addition, always in the same direction: 0.36 k u|v| if the
        partial sums grow evenly to v. A deviation of k u/(8√3) times the larger of |v| and √Σp² covers that: 8
        deviations are 0.58 k u|v|.

        Args:
            count: the number of products, k.
            squares: the sum of the squared products, Σp².
            value: the sum of the products, v.
            exact_products: whether the accumulator represents each product exactly.
            repeated: the factor by which equal products raise the variance of the partial sums.
        """
        policy = self.policy
        u = policy.accumulation.u
        total = u**2 / 3 * (count / 6 * squares + count / 3 * value**2)  # u²/3 (k/6 Σp² + k/3 v²)
        if not isinstance(repeated, float) or repeated != 1.0:
            total = total * repeated
        if not exact_products:
            total = total + u**2 / 3 * squares  # each product is rounded once: u²/3 Σp²
        if policy.products is not None:
            total = total + (policy.products.u**2 * squares + count * policy.products.least**2) / 3
        if policy.truncates:
            total = total + (count / 8 * u) ** 2 / 3 * self.xp.maximum(value**2, squares)  # (k u/8)²/3 max(v², Σp²)
        if policy.intermediates.bits < policy.accumulation.bits:
            total = total + self.one_rounding(policy.intermediates, value)
        else:
            total = total + policy.intermediates.least**2 / 3
        zeros = squares == 0
        if not some(zeros, self.xp):
            return total
        return self.xp.where(zeros & (value == 0), 0.0, total)  # a sum of zeros is 0 in any order

    def repeated(self, terms: Array, axis: int) -> Array | float:
        """The factor by which equal terms raise the variance of partial sums, with the axis kept; at least 1.

        Partial sums between two powers of 2 have one spacing, so that each addition of the same term errs by the same
        amount. In a sum of k terms that grows evenly to v, c equal terms err by c/2 times what they err by in the half
        of the additions where partial sums are largest, c/4 times in the next quarter, and so on: the variance is
        c² u²v²/3 (1/16 + 1/256 + …) = c² u²v²/45. Over all terms it is Σc²/(5k) of the variance of `contraction`. The
        largest such error is k u|v| (1/4 + 1/16 + …) = k u|v|/3, which `SIGMA_BOUND` deviations of k different terms
        cover up to k = `SIGMA_BOUND`².
        """
        xp, count = self.xp, terms.shape[axis]
        if count <= SIGMA_BOUND**2:
            return 1.0
        ordered = xp.moveaxis(xp.sort(terms, axis=axis), axis, -1)
        ordered = xp.where(ordered == 0, float("nan"), ordered)  # what adds 0 does not round
        pairs, lag = xp.sum(xp.astype(ordered == ordered, xp.float64), axis=-1), 1
        while lag < count:  # Σc², at most twice: equal terms that are 2^n apart stand for those up to 2^(n+1) apart
            alike = xp.sum(xp.astype(ordered[..., lag:] == ordered[..., :-lag], xp.float64), axis=-1)
            if not some(alike > 0, xp):
                break
            pairs, lag = pairs + 2 * lag * alike, 2 * lag
        return xp.expand_dims(xp.maximum(pairs / (5 * count), xp.ones_like(pairs)), axis=axis)

    def added_to_sum(self, terms: int, other: Array) -> Array:
        """The error that a summand adds to a sum of products, as it may come anywhere in that sum.

        Software often starts a sum with the bias. On average half of the k partial sums contain the summand b, and each
        rounds it once: u²/3 · k/2 · b².

        Args:
            terms: the number of products in the sum, k.
            other: the summand, b.
        """
        return self.policy.accumulation.u**2 / 3 * (terms / 2) * other**2

    def softmax(
        self,
        weights: Array,
        shifted: Array,
        axis: int,
        counts: Array | float = 1.0,
        repeated: Array | float = 1.0,
    ) -> Array:
        """The error of a softmax: exp of the rounded difference from the largest score, a sum, and a division.

        The relative variance of a weight is u²/3 ((x − max)² + 1 + (n/2)²) for the rounding of the difference, of the
        quotient, and of exp with its n units in the last place; the relative variance of the sum is added.

        Args:
            weights: the softmax.
            shifted: the scores less the largest one; −∞ where masked.
            axis: the axis of the softmax.
            counts: how many equal scores each stands for, an array that broadcasts with the weights.
            repeated: the factor by which equal weights raise the variance of the sum, likewise.
        """
        policy = self.policy
        depth = self.xp.where(weights > 0, shifted, self.xp.zeros_like(shifted))
        relative = policy.intermediates.u**2 / 3 * (depth**2 + 1 + (ULPS["exp"] / 2) ** 2)
        relative = relative + self.softmax_sum(weights, axis, counts, repeated)
        variance = weights**2 * relative + policy.intermediates.least**2 / 3
        visible = self.xp.astype(shifted > -float("inf"), self.xp.float64) * counts
        alone = self.xp.sum(visible, axis=axis, keepdims=True) == 1
        return self.xp.where(alone, self.xp.zeros_like(variance), variance)  # a single visible key has weight 1 exactly

    def softmax_sum(
        self, weights: Array, axis: int, counts: Array | float = 1.0, repeated: Array | float = 1.0
    ) -> Array:
        """The relative variance of the sum that softmax divides by: that of `contraction` with v = 1."""
        count = self.xp.sum(self.xp.astype(weights > 0, self.xp.float64) * counts, axis=axis, keepdims=True)
        squares = self.xp.sum(weights**2 * counts, axis=axis, keepdims=True)
        return self.policy.accumulation.u**2 / 3 * (count / 6 * squares + count / 3) * repeated  # u²/3 (k/6 Σp² + k/3)

    def log_softmax(
        self, logs: Array, shifted: Array, axis: int, counts: Array | float = 1.0, repeated: Array | float = 1.0
    ) -> Array:
        """The error of a log-softmax: the logarithm of the sum is subtracted from the difference to the largest score.

        The variance is u²/3 ((x − max)² + y² + 2) for the rounding of the difference, of the result y, and of exp and
        log at a magnitude of 1; the relative variance of the sum is added.
        """
        finite = self.xp.where(self.xp.isfinite(logs), logs, self.xp.zeros_like(logs))
        depth = self.xp.where(self.xp.isfinite(shifted), shifted, self.xp.zeros_like(shifted))
        total = self.softmax_sum(self.xp.exp(logs), axis, counts, repeated)
        return self.policy.intermediates.u**2 / 3 * (depth**2 + finite**2 + 2) + total
