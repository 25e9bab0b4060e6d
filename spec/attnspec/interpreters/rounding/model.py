"""How much error each operation adds by itself: one model, which propagation and ensemble both use.

Every function gives the variance of the error that is new at an operation, for the values that it made. One rounding of
v to a format with unit roundoff u is an error uniform over ±u|v|, of variance (u v)²/3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnspec.interpreters.evaluation.walk import Array
from attnspec.interpreters.rounding.policy import Format, Policy

ULPS = {"exp": 3, "log": 3, "sin": 4, "cos": 4, "tanh": 5, "sigmoid": 5, "gelu": 16, "sqrt": 3, "/": 2.5, "**": 16}
"""Accuracy that libraries promise, in units in the last place: the OpenCL C specification, full profile, and for
sigmoid and gelu what follows from exp, / and erf."""

ABSOLUTE = ("sigmoid", "tanh", "sin", "cos", "gelu")
"""Functions accurate in absolute terms only: ½ + ½ tanh(x/2) is a right sigmoid."""

ARITHMETIC = ("+", "-", "*", "/", "sqrt")
"""Operations that IEEE 754 rounds correctly: where the result can be held, it is exact. Of functions none is sure."""

CONDITIONS = ("<=", "<", ">=", ">", "==", "and", "or", "not")
"""Operations that give truth values, which are never rounded, though what they compare may be."""

EXACT = ("neg", "relu", "where", *CONDITIONS)
"""Operations that never round."""

COUNTING = ("+", "-", "*", "//", "sum")
"""Operations that make whole numbers of whole numbers: positions and sizes are counted with, in integers."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """The roundings of a policy, on arrays of one namespace."""

    policy: Policy
    xp: Any

    def once(self, form: Format, value: Array) -> Array:
        """One rounding to a format: uniform over ±u|v|; and uniform over ±least, what flushing to zero may lose."""
        return ((form.u * value) ** 2 + form.least**2) / 3

    def held(self, form: Format, value: Array) -> Array:
        """Where a format holds a value exactly, so that rounding to it changes nothing (Veltkamp's splitting).

        In float64 only where it is 0: another value was itself rounded to that. Not where it may be denormal, and lose
        bits.
        """
        if form.bits >= 53:
            return value == 0
        spread = value * (2.0 ** (53 - form.bits) + 1)
        normal = (value == 0) | (self.xp.abs(value) >= form.least * 2.0 ** (form.bits - 1))
        return normal & (value == spread - (spread - value))

    def counted(self, op: str, *values: Array) -> bool:
        """Whether whole numbers are made of whole numbers, of which none is rounded."""
        return op in COUNTING and all(bool(self.xp.all(value == self.xp.floor(value))) for value in values)

    def elementwise(self, op: str, value: Array, *args: Array) -> Array:
        """A library function's own error in the format it computes in, then the rounding of what is kept.

        A function that is accurate to n units in the last place errs by up to 2n half units, of which IEEE 754 allows
        one to correctly rounded operations: uniform over ±(n/2)·2u|v|, with n = 1 for those.
        """
        policy = self.policy
        kept = self.once(policy.intermediates, value)
        own = (ULPS.get(op, 1) / 2 * policy.compute.u) ** 2 / 3
        if op in ULPS and op != "/":
            floor = policy.compute.u**2 / 3 if op in ABSOLUTE else 0.0
            stored = kept if policy.intermediates.bits < policy.compute.bits else policy.intermediates.least**2 / 3
            kept = stored + own * value**2 + floor
        if op == "**":
            kept = self.xp.where(args[1] == 0, 0.0, kept)  # x⁰ is 1 everywhere
        return kept

    def contraction(self, count: int, squares: Array, value: Array, exact_products: bool) -> Array:
        """A sum of `count` products: the expectation over all orders of summation, and the rounding of the result.

        Each partial sum S_j of j products is rounded once: the variance is u²/3 Σ_j S_j². Over all orders of k products
        p with the sum v, E[S_j²] = j/k Σp² + j(j−1)/(k(k−1)) (v² − Σp²), and the sum over j is (k+1)/6 Σp² +
        (k+1)/3 v²; k stands for k + 1, since the first partial sum is exact.

        An accumulator that cuts off loses u·2^e at each addition, all in one direction: 0.36 k u|v| where the partial
        sums grow evenly to v. A deviation of k u/(8√3) times the larger of |v| and √Σp² covers that at `SIGMA_BOUND`.

        Args:
            squares: the sum of the squared products.
            exact_products: the accumulator holds each product without rounding.
        """
        policy = self.policy
        u = policy.accumulation.u
        total = u**2 / 3 * (count / 6 * squares + count / 3 * value**2)
        if not exact_products:
            total = total + u**2 / 3 * squares
        if policy.products is not None:
            total = total + (policy.products.u**2 * squares + count * policy.products.least**2) / 3
        if policy.truncates:
            total = total + (count / 8 * u) ** 2 / 3 * self.xp.maximum(value**2, squares)
        if policy.intermediates.bits < policy.accumulation.bits:
            total = total + self.once(policy.intermediates, value)
        else:
            total = total + policy.intermediates.least**2 / 3
        return self.xp.where((squares == 0) & (value == 0), 0.0, total)  # a sum of zeros is 0, in whatever order

    def joined(self, terms: int, other: Array) -> Array:
        """What is added to a sum of so many products may come anywhere in that sum: a bias often begins it.

        On average half of the partial sums have it in them, and each rounds it once.
        """
        return self.policy.accumulation.u**2 / 3 * (terms / 2) * other**2

    def softmax(self, weights: Array, shifted: Array, axis: int) -> Array:
        """exp of a rounded difference from the largest score, a sum, and a division.

        The relative error of exp(x − max) is that of the difference, u|x − max|, and of exp itself; the result is
        rounded once more, and divided by a sum that has an error of its own.
        """
        policy = self.policy
        depth = self.xp.where(weights > 0, shifted, self.xp.zeros_like(shifted))
        own = policy.intermediates.u**2 / 3 * (depth**2 + 1 + (ULPS["exp"] / 2) ** 2)
        own = own + self.total(weights, axis)
        own = weights**2 * own + policy.intermediates.least**2 / 3
        seen = self.xp.astype(shifted > -float("inf"), self.xp.int64)
        alone = self.xp.sum(seen, axis=axis, keepdims=True) == 1
        return self.xp.where(alone, self.xp.zeros_like(own), own)  # one key to look at has weight 1 exactly

    def total(self, weights: Array, axis: int) -> Array:
        """The relative error of the sum that softmax divides by: that of a contraction with v = 1."""
        count = self.xp.sum(self.xp.astype(weights > 0, self.xp.float64), axis=axis, keepdims=True)
        squares = self.xp.sum(weights**2, axis=axis, keepdims=True)
        return self.policy.accumulation.u**2 / 3 * (count / 6 * squares + count / 3)

    def log_softmax(self, logs: Array, shifted: Array, axis: int) -> Array:
        """A logarithm taken off a rounded difference from the largest score."""
        finite = self.xp.where(self.xp.isfinite(logs), logs, self.xp.zeros_like(logs))
        depth = self.xp.where(self.xp.isfinite(shifted), shifted, self.xp.zeros_like(shifted))
        total = self.total(self.xp.exp(logs), axis)
        return self.policy.intermediates.u**2 / 3 * (depth**2 + finite**2 + 2) + total
