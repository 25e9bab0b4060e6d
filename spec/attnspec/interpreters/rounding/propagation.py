"""Propagation of the variances of rounding errors through an equation.

It is of first order, and takes errors as independent. The simulated runs of `ensemble` cover correlated errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from attnspec.interpreters.evaluation.algebra import every, of_kind, some
from attnspec.interpreters.evaluation.walk import Array, Axis, Frame, Named, Value
from attnspec.interpreters.rounding.interpreter import EXACT_FORMAT, RoundingInterpreter
from attnspec.interpreters.rounding.model import ARITHMETIC, CONDITIONS, EXACT, POLES, Rounding
from attnspec.interpreters.rounding.policy import Format, Policy
from attnspec.language.tree import Apply, At, Node
from attnspec.thresholds import SIGMA_BOUND, STATE_UNDERFLOWS, UNDECIDABLE, UNDECIDABLE_SHARE

OVERFLOW = float("inf")
"""The variance of what may overflow, or be NaN because something overflows: 0 times it may be NaN."""


@dataclass(slots=True, eq=False)
class Noisy:
    """An array with the variance of its rounding error; not frozen for the reason that `Named` is not.

    Attributes:
        value: the array in float64, without rounding.
        variance: the variance of its error, of the same shape; None if it is exact. A truth value or an index that
            rounding may change has the variance `UNDECIDABLE`, and what may overflow or be NaN an infinite one.
        format: the coarsest format that represents the value.
        terms: the number of products whose sum it is; 0 if it is not a sum of products.
        exact_ties: whether equal largest elements stay equal under any rounding, as softmax weights of exact scores do.
        exact_sum: whether it is a sum that no order of summation rounds, so that a comparison is decided; one that is
            written in another way may still be rounded.
    """

    value: Array
    variance: Array | None
    format: Format
    terms: int = 0
    exact_ties: bool = False
    exact_sum: bool = False


class InexactNumber(float):
    """A number that was computed from options, sizes and constants in float64, with the variance of its error."""

    variance: float

    def __new__(cls, value: float, variance: float) -> InexactNumber:
        number = super().__new__(cls, value)
        number.variance = variance
        return number


class Propagation(RoundingInterpreter[Noisy]):
    """Computes values together with the variance of their rounding errors under a policy.

    Attributes:
        has_exact_numbers: whether what is computed of numbers alone has no error that shows.
    """

    def __init__(self, namespace: Any, policy: Policy, constants: int | None = None) -> None:
        super().__init__(namespace, policy, constants)
        self.has_exact_numbers = constants is None and policy.storage.name != "float64"

    def source(self, array: Array) -> Noisy:
        if not of_kind(array.dtype, "real floating", self.xp):
            return self.exact(array)
        operand = Noisy(array, self.rounding.flushed(array), self.policy.storage)
        return self.rounded_to(operand, self.policy.inputs) if self.policy.inputs else operand

    def exact(self, array: Array) -> Noisy:
        return Noisy(array, None, EXACT_FORMAT)

    def constant(self, value: float, like: Noisy) -> Noisy:
        array = self.values.constant(value, like.value)
        if not isinstance(value, InexactNumber):
            return self.exact(array)
        return Noisy(array, self.xp.full_like(array, value.variance), self.policy.intermediates)

    def elementwise(self, op: str, values: Sequence[Value[Noisy]]) -> Value[Noisy]:
        """Numbers are computed in float64 by the candidate too, unless it rounds constants to storage.

        An error there shows where answers are float64, and in differences such as 1 − β^t where numbers are rounded.
        """
        result = super().elementwise(op, values)
        if isinstance(result, (Named, int)) or self.has_exact_numbers:
            return result
        noisy = self.apply(op, *(self.number_with_error(value) for value in values))
        variance = float(self.variance(noisy))
        return InexactNumber(result, variance) if variance else result

    def number_with_error(self, value: Value[Noisy]) -> Noisy:
        """A number as an array, with the error of rounding it as constants are rounded."""
        operand = self.as_named(value).data
        if isinstance(value, InexactNumber | Named) or float(operand.value) == value:
            return operand
        return replace(operand, variance=self.rounding.one_rounding(self.policy.storage, operand.value))

    def rearrange(self, move: Callable[..., Array], *operands: Noisy) -> Noisy:
        if len(operands) == 1:
            (operand,) = operands
            variance = None if operand.variance is None else move(operand.variance)
            value, of_sum = move(operand.value), operand.exact_sum
            return Noisy(value, variance, operand.format, operand.terms, operand.exact_ties, of_sum)
        operands = self.met(operands)
        format = max((operand.format for operand in operands), key=lambda item: item.bits)
        value = move(*(operand.value for operand in operands))
        terms, exact_ties = max(operand.terms for operand in operands), all(operand.exact_ties for operand in operands)
        if all(operand.variance is None for operand in operands):
            return Noisy(value, None, format, terms, exact_ties)
        return Noisy(value, move(*(self.variance(operand) for operand in operands)), format, terms, exact_ties)

    def variance(self, operand: Noisy) -> Array:
        """The variance of an operand as an array: zeros if it is exact."""
        if operand.variance is not None:
            return operand.variance
        return self.xp.zeros(operand.value.shape, dtype=self.xp.float64, device=operand.value.device)

    def apply(self, op: str, *operands: Noisy) -> Noisy:
        value = self.values.apply(op, *(operand.value for operand in operands))
        if op in CONDITIONS:
            return Noisy(value, self.propagated(op, value, *operands), EXACT_FORMAT)
        operands = self.met(operands)
        propagated = self.propagated(op, value, *operands)
        if op in EXACT or self.is_integer_arithmetic(op, *operands):
            parts = operands[1:] if op == "where" else operands
            return Noisy(value, propagated, max((operand.format for operand in parts), key=lambda item: item.bits))
        rounding = self.rounding_of(*operands)
        added = rounding.elementwise(op, value, *(operand.value for operand in operands))
        if op in ARITHMETIC:
            added = self.zero_if_exact(value, propagated, added, rounding)
        added, terms = self.with_summands(op, added, rounding, operands)
        if op == "/" and operands[1].variance is not None:
            added = self.xp.where(self.may_vanish(operands[1]), OVERFLOW, added)
        if op == "*" and not all(self.is_bounded(operand) for operand in operands):
            lost = [self.variance(operand) == OVERFLOW for operand in operands]
            added = self.xp.where(lost[0] | lost[1], OVERFLOW, added)
        return self.rounded_result(
            value, propagated, added, terms, lambda: self.overflowed(op, value, *operands), rounding
        )

    def is_bounded(self, operand: Noisy) -> bool:
        """Whether no element may overflow."""
        return operand.variance is None or every(self.xp.isfinite(operand.variance), self.xp)

    def may_vanish(self, operand: Noisy) -> Array:
        """Where rounding may make 0 of an operand that is not, as a divisor does that underflows: 0/x is then 0/0."""
        reach = SIGMA_BOUND * self.xp.sqrt(self.variance(operand))
        return (operand.value != 0) & (self.xp.abs(operand.value) <= reach)

    def overflowed(self, op: str, value: Array, *operands: Noisy) -> Array:
        """Where a result is not finite because it, or an operand, overflows float64; not at a pole, as in 1/0."""
        xp = self.xp
        result = xp.isinf(value)
        if every(xp.isfinite(value), xp):
            return result
        for operand in operands:
            result = result & xp.isfinite(operand.value)
        if op in POLES:
            result = result & (operands[POLES[op]].value != 0)
        for operand in operands:
            result = result | (self.variance(operand) >= UNDECIDABLE)
        return result

    def operation(self, node: Apply, frame: Frame[Noisy]) -> Value[Noisy]:
        """An elementwise operation. Rounding does not change how an element compares with itself, as in s_j > s_i."""
        result = super().operation(node, frame)
        if node.op not in CONDITIONS or not isinstance(result, Named) or result.data.variance is None:
            return result
        match node.args:
            case (At(array=left, places=first), At(array=right, places=second)) if left == right:
                return self.decided_for_itself(result, zip(first, second, strict=True), frame)
        return result

    def decided_for_itself(
        self, result: Named[Noisy], places: Iterable[tuple[Node, Node]], frame: Frame[Noisy]
    ) -> Named[Noisy]:
        """A comparison of elements of one array, decided where both are the element at the same place."""
        equal = (Apply("==", pair) for pair in places)
        result, *same = self.aligned([result, *(self.named_value(node, frame) for node in equal)])
        variance = self.variance(result.data)
        itself = self.xp.ones(variance.shape, dtype=self.xp.bool)
        for each in same:
            itself = itself & each.data.value
        return replace(result, data=replace(result.data, variance=self.xp.where(itself, 0.0, variance)))

    def zero_if_exact(self, value: Array, propagated: Array | None, added: Array, rounding: Rounding) -> Array:
        """The added variance, 0 where exact operands give a representable result, as in 1 − 1."""
        exact = rounding.is_representable(rounding.policy.intermediates, value)
        if exact is None:
            return added
        if propagated is not None:
            exact = exact & (propagated == 0)
        return self.xp.where(exact, self.xp.zeros_like(added), added)

    def rounded_result(
        self,
        value: Array,
        propagated: Array | None,
        added: Array,
        terms: int,
        overflowed: Callable[[], Array],
        rounding: Rounding,
    ) -> Noisy:
        """A result with the sum of both variances.

        An element that may overflow in the format of intermediates is undecidable, and so is NaN or infinity that comes
        from an overflow. NaN and infinity from the inputs or from a pole have no noise.

        Args:
            overflowed: says where a value that is not finite comes from an overflow.
            rounding: the model of the operation's errors.
        """
        variance = added if propagated is None else propagated + added
        target = rounding.policy.intermediates
        reach = self.xp.abs(value) + SIGMA_BOUND * self.xp.sqrt(variance)
        if every(reach < min(target.largest, SIGMA_BOUND * UNDECIDABLE**0.5), self.xp):
            return Noisy(value, variance, target, terms)  # nothing is near an overflow
        over = (self.xp.abs(value) > target.largest) | ((reach > target.largest) & (variance < UNDECIDABLE))
        over = over | ~(variance < OVERFLOW)  # infinite or NaN
        variance = self.xp.where(over, OVERFLOW, self.xp.minimum(variance, UNDECIDABLE))
        variance = self.xp.where(self.xp.isfinite(value), variance, self.xp.where(overflowed(), OVERFLOW, 0.0))
        return Noisy(value, variance, target, terms)

    def propagated(self, op: str, v: Array, *operands: Noisy) -> Array | None:
        """The variance of a result from those of its operands: Σ (∂v/∂x)² Var(x); None if all operands are exact."""
        xp = self.xp
        if all(operand.variance is None for operand in operands):
            return None
        if op == "where":
            return self.where_variance(*operands)
        if op in CONDITIONS:
            return self.condition_variance(op, *operands)
        x, s = operands[0].value, self.variance(operands[0])
        if len(operands) == 2:
            y, r = operands[1].value, self.variance(operands[1])
            match op:
                case "+" | "-":
                    return s + r
                case "*":  # of independent errors: y² Var x + x² Var y + Var x Var y
                    return _times(y**2, s, xp) + _times(x**2, r, xp) + _times(s, r, xp)
                case "/":  # Var x / y² + (v/y)² Var y
                    return s / y**2 + _times(v**2, r, xp) / y**2
                case _:  # (y x^(y−1))² Var x + (v ln|x|)² Var y
                    exponent = xp.where(r == 0, 0.0, (v * xp.log(xp.abs(x))) ** 2 * r)
                    return _times((y * xp.pow(x, y - 1)) ** 2, s, xp) + exponent
        match op:
            case "neg" | "abs":
                return s
            case "relu":  # the derivative counts as 1 where rounding may change the sign
                return xp.where(x > -SIGMA_BOUND * xp.sqrt(s), s, xp.zeros_like(s))
            case "exp":
                return _times(v**2, s, xp)
            case "log":
                return s / x**2
            case "sqrt":  # Var x / (4x), and near 0 |√(x + ε) − √x| ≤ √|ε|
                return xp.where(s == 0, 0.0, xp.minimum(s / (4 * v**2), xp.sqrt(s)))
            case "tanh":
                return _times((1 - v**2) ** 2, s, xp)
            case "sigmoid":
                return _times((v * (1 - v)) ** 2, s, xp)
        return s  # sin, cos, gelu, silu and softplus have derivatives within about ±1

    def where_variance(self, condition: Noisy, yes: Noisy, no: Noisy) -> Array:
        """The variance of `where`; if rounding may change the condition, the squared difference of both is added."""
        xp = self.xp
        result = xp.where(condition.value, self.variance(yes), self.variance(no))
        if condition.variance is None:
            return result
        apart = xp.where(yes.value == no.value, 0.0, (yes.value - no.value) ** 2)
        either = xp.maximum(self.variance(yes), self.variance(no)) + apart
        either = xp.where(either < UNDECIDABLE, either, UNDECIDABLE)
        return xp.where(condition.variance > 0, either, result)

    def condition_variance(self, op: str, *operands: Noisy) -> Array | None:
        """`UNDECIDABLE` where rounding may change a truth value; None if it changes none."""
        xp, variances = self.xp, [self.variance(operand) for operand in operands]
        if op == "not":
            (doubtful,) = variances
        elif op in ("and", "or"):
            a, b = (operand.value if op == "and" else ~operand.value for operand in operands)
            s, r = (variance > 0 for variance in variances)
            doubtful = (s & (b | r)) | (r & (a | s))  # not doubtful if the other operand alone decides
        else:
            a, b = (operand.value for operand in operands)
            total = sum(0.0 if each.exact_sum else s for each, s in zip(operands, variances, strict=True))
            doubtful = (total > 0) & (xp.abs(a - b) <= SIGMA_BOUND * xp.sqrt(total))
        return xp.where(doubtful > 0, UNDECIDABLE, 0.0) if some(doubtful > 0, xp) else None

    def gathered(self, value: Named[Noisy], place: Named[Noisy]) -> Named[Noisy]:
        """Undecidable where rounding may change the index."""
        result = super().gathered(value, place)
        if place.data.variance is None:
            return result
        doubtful = self.variance(self.widened(place, result.axes, 0).data) > 0
        doubtful = self.xp.reshape(doubtful, (*doubtful.shape, *(1,) * self.rank(result)))
        variance = self.xp.where(doubtful, UNDECIDABLE, self.variance(result.data))
        return replace(result, data=replace(result.data, variance=variance))

    def fused(self, a: Named[Noisy], b: Named[Noisy], where: Named[Noisy] | None, axis: Axis) -> Named[Noisy] | None:
        """Σ a·b as a contraction; None if a hidden element may overflow, which `reduce` looks at."""
        if where is not None and any(
            each.data.variance is not None and some(each.data.variance == OVERFLOW, self.xp) for each in (a, b)
        ):
            return None
        return super().fused(a, b, where, axis)

    def round_operand(self, operand: Noisy) -> Noisy:
        """An operand of a product of matrices, rounded to the policy's format for operands."""
        target = self.policy.operands
        if operand.format.bits <= target.bits:
            return operand
        return Noisy(operand.value, self.variance_after_rounding(operand, target), target)

    def variance_after_rounding(self, operand: Noisy, target: Format) -> Array:
        """The variance after one more rounding, which changes nothing where the value is exact and representable."""
        variance, added = self.variance(operand), self.rounding.one_rounding(target, operand.value)
        representable, exact = self.rounding.is_representable(target, operand.value), ~self.xp.isfinite(operand.value)
        if representable is not None:
            exact = exact | (representable & (variance == 0))
        return variance + self.xp.where(exact, self.xp.zeros_like(added), added)

    def contract(self, a: Noisy, b: Noisy) -> Noisy:
        rounding = self.rounding_of(a, b)
        accumulation = rounding.policy.accumulation
        if rounding is self.rounding:
            a, b = self.round_operand(a), self.round_operand(b)
        value = self.values.contract(a.value, b.value)
        squared_a, squared_b = a.value**2, b.value**2
        propagated = None
        if a.variance is not None:
            other = squared_b if b.variance is None else squared_b + b.variance
            propagated = self.values.contract(self.counted(a.variance), other)  # equal elements err equally
        if b.variance is not None:
            second = self.values.contract(self.counted(squared_a), b.variance)
            propagated = second if propagated is None else propagated + second
        exact = a.format.bits + b.format.bits <= accumulation.bits
        squares = self.values.contract(squared_a, squared_b)
        added = rounding.contraction(
            self.number(a.value), squares, value, exact, self.repeated_products(a.value, b.value, rounding)
        )
        if self.may_overflow(a.value, b.value):  # a partial sum, in another order of the products
            reach = self.values.contract(self.xp.abs(a.value), self.xp.abs(b.value))
            added = self.xp.where(reach > accumulation.largest, OVERFLOW, added)
        return self.rounded_result(
            value, propagated, added, self.number(a.value), lambda: self.product_overflowed(value, a, b), rounding
        )

    def repeated(self, terms: Array, axis: int, rounding: Rounding) -> Array | float:
        """The factor by which equal terms raise the variance of a sum, with its axis kept.

        At production sizes, a place that stands for many counts as one: software adds these up in blocks.
        """
        return rounding.repeated(terms, axis) if self.counts is None else 1.0

    def repeated_products(self, a: Array, b: Array, rounding: Rounding) -> Array | float:
        """The same of the products of two matrices, which are equal where both factors are."""
        of_a = self.repeated(a, -1, rounding)
        of_b = 1.0 if isinstance(of_a, float) else self.repeated(b, -2, rounding)
        if isinstance(of_b, float):
            return 1.0
        return self.xp.minimum(of_a, of_b if a.ndim > 1 else self.xp.squeeze(of_b, axis=-2))

    def may_overflow(self, a: Array, b: Array) -> bool:
        """Whether a sum of products may be beyond the largest number of the accumulator, by its largest factors."""
        if not a.size or not b.size:
            return False
        largest = [float(self.xp.abs(factor).max()) for factor in (a, b)]
        return not largest[0] * largest[1] * self.number(a) <= self.policy.accumulation.largest

    def product_overflowed(self, value: Array, a: Noisy, b: Noisy) -> Array:
        """Where a sum of products is not finite because it, or a factor, overflows float64."""
        xp = self.xp
        lost, given = [], []
        for factor in (a, b):
            undecidable = self.variance(factor) >= UNDECIDABLE
            lost.append(xp.astype(undecidable, xp.float64))
            given.append(xp.astype(~xp.isfinite(factor.value) & ~undecidable, xp.float64))
        ones = [xp.ones_like(factor) for factor in lost]
        either = [self.values.contract(x[0], ones[1]) + self.values.contract(ones[0], x[1]) for x in (lost, given)]
        return (either[0] > 0) | (either[1] == 0)

    def reduce(self, op: str, axis: int, term: Noisy, where: Noisy | None) -> Noisy:
        xp = self.xp
        mask = where.value if where is not None else None
        value = self.values.reduce(op, axis, term.value, mask)
        s = self.variance(term)
        doubtful = None if where is None or where.variance is None else where.variance > 0
        if mask is not None:  # an overflow that a sum hides may be NaN where it is multiplied by a mask of zeros
            s = xp.where(mask if op != "sum" else mask | (s == OVERFLOW), s, xp.zeros_like(s))
        if doubtful is not None:  # a term may count or not: a sum changes by the term, other results by anything
            lost = xp.zeros_like(s) + UNDECIDABLE
            s = s + xp.where(doubtful, term.value**2 if op == "sum" else lost, xp.zeros_like(s))
            s = xp.where(s < UNDECIDABLE, s, lost)
        exact = term.variance is None and doubtful is None
        rounding = self.rounding_of(term)
        match op:
            case "sum" if self.is_integer_arithmetic(op, term):
                return Noisy(value, None if exact else xp.sum(s, axis=axis), EXACT_FORMAT)
            case "sum":
                shown = term.value if mask is None else xp.where(mask, term.value, xp.zeros_like(term.value))
                squares = xp.sum(self.counted(shown**2, axis), axis=axis)
                repeated = self.repeated(shown, axis, rounding)
                repeated = repeated if isinstance(repeated, float) else xp.squeeze(repeated, axis=axis)
                inner = max(term.terms, 1)  # a sum of sums may be one sum, of which each outer partial sum is many
                added = rounding.contraction(self.number(shown, axis), squares, value, True, repeated * inner)
                reach = xp.sum(self.counted(xp.abs(shown), axis), axis=axis)
                s = self.counted(s, axis, power=2)  # equal elements err equally
                added = xp.where(reach > rounding.policy.accumulation.largest, OVERFLOW, added)
                variance = None if exact else xp.sum(s, axis=axis)
                terms = self.number(shown, axis) * inner
                found = self.rounded_result(
                    value, variance, added, terms, lambda: self.sum_overflowed(shown, s, axis), rounding
                )
                return replace(found, exact_sum=exact and rounding.is_exact_sum(shown, axis, reach))
            case "max":
                return Noisy(value, self.max_variance(term.value, s, value, mask, axis), term.format)
            case "argmax":
                return Noisy(value, self.argmax_variance(term, s, mask, axis), EXACT_FORMAT)
        return self.weights(op, axis, term.value, s, value, mask, rounding)

    def sum_overflowed(self, terms: Array, s: Array, axis: int) -> Array:
        """Where a sum of terms with the variances s is not finite because it, or a term, overflows float64."""
        return self.xp.any(s >= UNDECIDABLE, axis=axis) | self.xp.all(self.xp.isfinite(terms), axis=axis)

    def argmax_variance(self, term: Noisy, s: Array, mask: Array | None, axis: int) -> Array | None:
        """`UNDECIDABLE` where rounding may make another element the largest; None if nowhere.

        Of equal exact elements, the first is the largest. Equal elements that are not exact may come from two
        computations, and are undecidable.
        """
        xp, x = self.xp, term.value
        if not x.shape[axis]:
            return None
        seen = x if mask is None else xp.where(mask, x, self.values.constant(-float("inf"), x))
        place = xp.argmax(seen, axis=axis, keepdims=True)
        top, top_variance = (xp.take_along_axis(array, place, axis=axis) for array in (seen, s))
        near = (s + top_variance > 0) & (top - seen <= SIGMA_BOUND * xp.sqrt(s + top_variance))
        if term.exact_ties:
            near = near & (seen != top)
        count = [1] * x.ndim
        count[axis] = x.shape[axis]
        near = near & (xp.reshape(xp.arange(x.shape[axis], device=x.device), tuple(count)) != place)
        doubtful = xp.any(near if mask is None else near & mask, axis=axis)
        return xp.where(doubtful, UNDECIDABLE, 0.0) if some(doubtful, xp) else None

    def max_variance(self, x: Array, s: Array, top: Array, mask: Array | None, axis: int) -> Array:
        """The largest variance among the elements that rounding may make the largest."""
        xp = self.xp
        if not x.shape[axis]:
            return xp.zeros_like(top)
        lost = xp.any(s >= UNDECIDABLE, axis=axis) & ~xp.isfinite(top)
        near = xp.expand_dims(top, axis=axis) - x <= SIGMA_BOUND * xp.sqrt(s + xp.max(s, axis=axis, keepdims=True))
        if mask is not None:
            near = xp.logical_and(near, mask)
        return xp.where(lost, OVERFLOW, xp.max(xp.where(near, s, xp.zeros_like(s)), axis=axis))

    def weights(
        self, op: str, axis: int, e: Array, s: Array, value: Array, mask: Array | None, rounding: Rounding
    ) -> Noisy:
        """softmax or log_softmax, whose errors share one sum.

        With the variances s of the scores, the relative variance of p_i is Σ_j (δ_ij − p_j)² s_j =
        (1 − 2p_i) s_i + Σ_j p_j² s_j.
        """
        xp = self.xp
        if not e.shape[axis]:
            return Noisy(value, s, rounding.policy.intermediates)
        p = value if op == "softmax" else xp.exp(value)
        seen = e if mask is None else xp.where(mask, e, self.values.constant(-float("inf"), e))
        shifted = seen - xp.max(seen, axis=axis, keepdims=True)
        largest = xp.max(s, axis=axis, keepdims=True)
        lost = largest >= UNDECIDABLE
        counts, repeated = self.counts_along(p, axis), self.repeated(p, axis, rounding)
        relative = (1 - 2 * p) * s + xp.sum(self.counted(p**2 * s, axis, power=2), axis=axis, keepdims=True)
        relative = xp.where(lost, largest, xp.maximum(relative, xp.zeros_like(relative)))
        if op == "softmax":
            same_ties = (p == xp.max(p, axis=axis, keepdims=True)) == (shifted == 0)  # weights tie where scores do
            propagated = xp.where(lost, relative, p**2 * relative)
            result = self.rounded_result(
                value, propagated, rounding.softmax(p, shifted, axis, counts, repeated), 0, lambda: lost, rounding
            )
            return replace(result, exact_ties=every(s == 0, xp) and every(same_ties, xp))
        return self.rounded_result(
            value, relative, rounding.log_softmax(value, shifted, axis, counts, repeated), 0, lambda: lost, rounding
        )

    def masked(self, operand: Noisy, where: Noisy) -> Noisy | None:
        value = self.values.masked(operand.value, where.value)
        if value is None:
            return None
        if operand.variance is None and where.variance is None:
            return Noisy(value, None, operand.format)
        variance = self.variance(operand)
        shown = self.xp.where(where.value, variance, self.xp.zeros_like(variance))
        if where.variance is not None:
            shown = self.xp.where(where.variance > 0, variance + operand.value**2, shown)
        return Noisy(value, shown, operand.format)

    def state(self, value: Value[Noisy], before: Value[Noisy]) -> Value[Noisy]:
        """A state rounded to the policy's format for states; an undecidable element stays so in all later steps."""
        assert isinstance(value, Named)
        assert isinstance(before, Named)
        old, value = self.aligned([Named(Noisy(self.variance(before.data), None, EXACT_FORMAT), before.axes), value])
        now = self.rounded_to(value.data, self.policy.state)
        scale = self.xp.max(self.xp.abs(now.value)) if now.value.size else 0.0
        variance = self.variance(now)
        lost = (
            SIGMA_BOUND * self.xp.sqrt(variance)
            > UNDECIDABLE_SHARE * scale + STATE_UNDERFLOWS * SIGMA_BOUND * self.policy.state.least
        )
        lost = self.xp.logical_or(lost, old.data.value >= UNDECIDABLE)
        variance = self.xp.where(lost, self.xp.maximum(variance, UNDECIDABLE), variance)
        return Named(Noisy(now.value, variance, now.format), value.axes)

    def rounded_to(self, operand: Noisy, target: Format) -> Noisy:
        """One rounding to a format, unless the format represents the value already."""
        if operand.format.bits <= target.bits:
            return operand
        variance = self.variance_after_rounding(operand, target)
        over = self.xp.isfinite(operand.value) & (
            self.xp.abs(operand.value) + SIGMA_BOUND * self.xp.sqrt(variance) > target.largest
        )
        return Noisy(operand.value, self.xp.where(over, OVERFLOW, variance), target)


def _times(factor: Array, variance: Array, xp: Any) -> Array:
    """factor · variance, with 0 instead of NaN where an infinite variance meets a factor of 0."""
    product = factor * variance
    if every(xp.isfinite(product), xp):
        return product
    return xp.where(factor == 0, xp.zeros_like(factor * 0.0), product)
