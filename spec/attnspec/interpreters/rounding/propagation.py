"""Rounding errors carried through an equation by their variances, each error taken as independent of the others.

First order, diagonal, one pass. What it cannot see, errors that are correlated, `ensemble` sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array, Interpreter, Named, Value
from attnspec.interpreters.rounding.model import ARITHMETIC, CONDITIONS, EXACT, Rounding
from attnspec.interpreters.rounding.policy import Format, Policy
from attnspec.thresholds import NARROW_RANGE, SIGMA_BOUND, STATE_UNDERFLOWS, UNDECIDABLE, UNDECIDABLE_SHARE

EXACTLY = Format("exact", 0, 0.0, float("inf"))
"""The grain of what every format holds exactly."""


@dataclass(frozen=True, slots=True)
class Noisy:
    """A value with what is known of its error.

    Attributes:
        variance: of its error; None where it is exact. A truth value, or a place, that rounding may change has one.
        grain: the coarsest format that holds it without rounding.
        terms: of how many products it is the sum, 0 where it is none: what is added to it may begin that sum.
        alike: the largest ones that are equal here are equal however they are rounded: weights of exact, equal scores.
    """

    value: Array
    variance: Array | None
    grain: Format
    terms: int = 0
    alike: bool = False


class Propagation(Interpreter[Noisy]):
    """Values with the variance that rounding under a policy gives them."""

    def __init__(self, namespace: Any, policy: Policy, constants: int | None = None) -> None:
        self.values = ValueOf(namespace, constants)
        self.policy = policy
        self.rounding = Rounding(policy, namespace)

    def line(self, name: str) -> None:
        """A policy may name one line that is rounded in its own way."""
        self.rounding = Rounding(self.policy.at(name), self.xp)

    @property
    def xp(self) -> Any:
        return self.values.xp

    def source(self, array: Array) -> Noisy:
        if not self.xp.isdtype(array.dtype, "real floating"):
            return Noisy(array, None, EXACTLY)
        thing = Noisy(array, None, self.policy.storage)
        return self.kept(thing, self.policy.inputs) if self.policy.inputs else thing

    def constant(self, value: float, like: Noisy) -> Noisy:
        return Noisy(self.values.constant(value, like.value), None, EXACTLY)

    def blank(self, shape: tuple[int, ...]) -> Noisy:
        return Noisy(self.values.blank(shape), None, EXACTLY)

    def positions(self, count: int) -> Noisy:
        return Noisy(self.values.positions(count), None, EXACTLY)

    def numbers(self, thing: Noisy) -> Array:
        return self.values.numbers(thing.value)

    def shape(self, thing: Noisy) -> tuple[int, ...]:
        return tuple(thing.value.shape)

    def rearrange(self, move: Callable[..., Array], *things: Noisy) -> Noisy:
        if len(things) == 1:
            (thing,) = things
            variance = None if thing.variance is None else move(thing.variance)
            return Noisy(move(thing.value), variance, thing.grain, thing.terms, thing.alike)
        grain = max((thing.grain for thing in things), key=lambda form: form.bits)
        value = move(*(thing.value for thing in things))
        terms, alike = max(thing.terms for thing in things), all(thing.alike for thing in things)
        if all(thing.variance is None for thing in things):
            return Noisy(value, None, grain, terms, alike)
        return Noisy(value, move(*(self.variance(thing) for thing in things)), grain, terms, alike)

    def variance(self, thing: Noisy) -> Array:
        """The variance, as an array also where it is exact."""
        if thing.variance is not None:
            return thing.variance
        return self.xp.zeros(thing.value.shape, dtype=self.xp.float64, device=thing.value.device)

    def apply(self, op: str, *things: Noisy) -> Noisy:
        value = self.values.apply(op, *(thing.value for thing in things))
        carried = self.carried(op, value, *things)
        if op in CONDITIONS:
            return Noisy(value, carried, EXACTLY)
        if op in EXACT or self.counted(op, *things):
            parts = things[1:] if op == "where" else things
            return Noisy(value, carried, max((thing.grain for thing in parts), key=lambda form: form.bits))
        fresh = self.rounding.elementwise(op, value, *(thing.value for thing in things))
        if op in ARITHMETIC:
            fresh = self.unless_exact(value, carried, fresh)
        terms = sum(thing.terms for thing in things) if op in ("+", "-") and len(things) == 2 else 0
        if terms:
            x, y = things
            fresh = fresh + self.rounding.joined(x.terms, y.value) + self.rounding.joined(y.terms, x.value)
        return self.settled(value, carried, fresh, terms)

    def counted(self, op: str, *things: Noisy) -> bool:
        """Whether whole numbers that nothing rounds are made of such."""
        exact = all(thing.grain is EXACTLY for thing in things)
        return exact and self.rounding.counted(op, *(thing.value for thing in things))

    def unless_exact(self, value: Array, carried: Array | None, fresh: Array) -> Array:
        """No new error where exact arguments give a value that the format holds: 1 − 1, or small whole numbers."""
        exact = self.rounding.held(self.rounding.policy.intermediates, value)
        if carried is not None:
            exact = self.xp.logical_and(exact, carried == 0)
        return self.xp.where(exact, self.xp.zeros_like(fresh), fresh)

    def settled(self, value: Array, carried: Array | None, fresh: Array, terms: int = 0) -> Noisy:
        """What was carried and what is new; where the format may overflow, the element is not asked.

        NaN and infinity that come from the inputs have no noise: they are asked as they are.
        """
        variance = fresh if carried is None else carried + fresh
        largest = self.rounding.policy.intermediates.largest
        reach = self.xp.abs(value) + SIGMA_BOUND * self.xp.sqrt(variance)
        variance = self.xp.where(
            reach > largest, UNDECIDABLE, self.xp.where(variance < UNDECIDABLE, variance, UNDECIDABLE)
        )
        variance = self.xp.where(self.xp.isfinite(value), variance, 0.0)
        return Noisy(value, variance, self.rounding.policy.intermediates, terms)

    def carried(self, op: str, v: Array, *things: Noisy) -> Array | None:
        """Errors of the arguments, through the derivatives, squared."""
        xp = self.xp
        if all(thing.variance is None for thing in things):
            return None
        if op == "where":
            return self.chosen(*things)
        if op in CONDITIONS:
            return self.undecided(op, *things)
        x, s = things[0].value, self.variance(things[0])
        if len(things) == 2:
            y, r = things[1].value, self.variance(things[1])
            match op:
                case "+" | "-":
                    return s + r
                case "*":
                    return _times(y**2, s, xp) + _times(x**2, r, xp) + _times(s, r, xp)
                case "/":
                    return s / y**2 + _times(v**2, r, xp) / y**2
                case _:
                    exponent = xp.where(r == 0, 0.0, (v * xp.log(xp.abs(x))) ** 2 * r)
                    return _times((y * xp.pow(x, y - 1)) ** 2, s, xp) + exponent
        match op:
            case "neg":
                return s
            case "relu":
                return xp.where(x > -SIGMA_BOUND * xp.sqrt(s), s, xp.zeros_like(s))
            case "exp":
                return _times(v**2, s, xp)
            case "log":
                return s / x**2
            case "sqrt":
                return xp.minimum(s / (4 * v**2), xp.sqrt(s))
            case "tanh":
                return _times((1 - v**2) ** 2, s, xp)
            case "sigmoid":
                return _times((v * (1 - v)) ** 2, s, xp)
        return s  # sin, cos and gelu have derivatives within about ±1

    def chosen(self, condition: Noisy, yes: Noisy, no: Noisy) -> Array:
        """The error of what is chosen; where rounding may choose the other, how far apart the two are."""
        xp = self.xp
        found = xp.where(condition.value, self.variance(yes), self.variance(no))
        if condition.variance is None:
            return found
        apart = xp.where(yes.value == no.value, 0.0, (yes.value - no.value) ** 2)
        either = xp.maximum(self.variance(yes), self.variance(no)) + apart
        either = xp.where(either < UNDECIDABLE, either, UNDECIDABLE)
        return xp.where(condition.variance > 0, either, found)

    def undecided(self, op: str, *things: Noisy) -> Array | None:
        """Where rounding may turn a truth value round; None where nowhere."""
        xp, doubts = self.xp, [self.variance(thing) for thing in things]
        if op == "not":
            (doubt,) = doubts
        elif op in ("and", "or"):
            a, b = (thing.value if op == "and" else ~thing.value for thing in things)
            s, r = (each > 0 for each in doubts)
            doubt = (s & (b | r)) | (r & (a | s))  # what is false whatever the other is, is false
        else:
            a, b = (thing.value for thing in things)
            total = doubts[0] + doubts[1]
            doubt = (total > 0) & (xp.abs(a - b) <= SIGMA_BOUND * xp.sqrt(total))
        return xp.where(doubt > 0, UNDECIDABLE, 0.0) if bool(xp.any(doubt > 0)) else None

    def looked_up(self, value: Named[Noisy], place: Named[Noisy]) -> Named[Noisy]:
        """Where rounding may change the place, what is read there is anything."""
        found = super().looked_up(value, place)
        if place.data.variance is None:
            return found
        doubt = self.variance(self.widened(place, found.axes, 0).data) > 0
        doubt = self.xp.reshape(doubt, (*doubt.shape, *(1,) * self.rank(found)))
        variance = self.xp.where(doubt, UNDECIDABLE, self.variance(found.data))
        return replace(found, data=replace(found.data, variance=variance))

    def operand(self, thing: Noisy) -> Noisy:
        """What goes into a product, rounded to the policy's operands."""
        form = self.policy.operands
        if thing.grain.bits <= form.bits:
            return thing
        return Noisy(thing.value, self.rerounded(thing, form), form)

    def rerounded(self, thing: Noisy, form: Format) -> Array:
        """The variance after one more rounding, which changes nothing where the value is exact and held."""
        variance, fresh = self.variance(thing), self.rounding.once(form, thing.value)
        exact = self.xp.logical_and(self.rounding.held(form, thing.value), variance == 0)
        exact = self.xp.logical_or(exact, ~self.xp.isfinite(thing.value))
        return variance + self.xp.where(exact, self.xp.zeros_like(fresh), fresh)

    def contract(self, a: Noisy, b: Noisy) -> Noisy:
        a, b = self.operand(a), self.operand(b)
        value = self.values.contract(a.value, b.value)
        squared_a, squared_b = a.value**2, b.value**2
        carried = None
        if a.variance is not None:
            other = squared_b if b.variance is None else squared_b + b.variance
            carried = self.values.contract(a.variance, other)
        if b.variance is not None:
            second = self.values.contract(squared_a, b.variance)
            carried = second if carried is None else carried + second
        exact = a.grain.bits + b.grain.bits <= self.policy.accumulation.bits
        squares = self.values.contract(squared_a, squared_b)
        fresh = self.rounding.contraction(a.value.shape[-1], squares, value, exact)
        if self.policy.accumulation.largest < NARROW_RANGE:
            reach = self.values.contract(self.xp.abs(a.value), self.xp.abs(b.value))
            fresh = self.xp.where(reach > self.policy.accumulation.largest, UNDECIDABLE, fresh)
        return self.settled(value, carried, fresh, a.value.shape[-1])

    def reduce(self, op: str, axis: int, term: Noisy, where: Noisy | None) -> Noisy:
        xp = self.xp
        mask = where.value if where is not None else None
        value = self.values.reduce(op, axis, term.value, mask)
        s = self.variance(term)
        doubt = None if where is None or where.variance is None else where.variance > 0
        if mask is not None:
            s = xp.where(mask, s, xp.zeros_like(s))
        if doubt is not None:  # a term that may count or not; of what is no sum, nothing is known
            lost = xp.zeros_like(s) + UNDECIDABLE
            s = s + xp.where(doubt, term.value**2 if op == "sum" else lost, xp.zeros_like(s))
            s = xp.where(s < UNDECIDABLE, s, lost)
        exact = term.variance is None and doubt is None
        match op:
            case "sum" if self.counted(op, term):
                return Noisy(value, None if exact else xp.sum(s, axis=axis), EXACTLY)
            case "sum":
                shown = term.value if mask is None else xp.where(mask, term.value, xp.zeros_like(term.value))
                squares = xp.sum(shown**2, axis=axis)
                fresh = self.rounding.contraction(shown.shape[axis], squares, value, exact_products=True)
                return self.settled(value, None if exact else xp.sum(s, axis=axis), fresh)
            case "max":
                return Noisy(value, self.contenders(term.value, s, value, mask, axis), term.grain)
            case "argmax":
                return Noisy(value, self.rivals(term, s, mask, axis), EXACTLY)
        return self.weights(op, axis, term.value, s, value, mask)

    def rivals(self, term: Noisy, s: Array, mask: Array | None, axis: int) -> Array | None:
        """Where rounding might make another the largest; None where nowhere.

        Of equal ones that are exact the first is the largest. Those that are not exact may be two computations.
        """
        xp, x = self.xp, term.value
        if not x.shape[axis]:
            return None
        seen = x if mask is None else xp.where(mask, x, self.values.constant(-float("inf"), x))
        place = xp.argmax(seen, axis=axis, keepdims=True)
        top, own = (xp.take_along_axis(each, place, axis=axis) for each in (seen, s))
        near = (s + own > 0) & (top - seen <= SIGMA_BOUND * xp.sqrt(s + own))
        if term.alike:
            near = near & (seen != top)
        count = [1] * x.ndim
        count[axis] = x.shape[axis]
        near = near & (xp.reshape(xp.arange(x.shape[axis], device=x.device), tuple(count)) != place)
        doubt = xp.any(near if mask is None else near & mask, axis=axis)
        return xp.where(doubt, UNDECIDABLE, 0.0) if bool(xp.any(doubt)) else None

    def contenders(self, x: Array, s: Array, top: Array, mask: Array | None, axis: int) -> Array:
        """The largest variance among those that rounding might make the largest."""
        xp = self.xp
        if not x.shape[axis]:
            return xp.zeros_like(top)
        near = xp.expand_dims(top, axis=axis) - x <= SIGMA_BOUND * xp.sqrt(s + xp.max(s, axis=axis, keepdims=True))
        if mask is not None:
            near = xp.logical_and(near, mask)
        return xp.max(xp.where(near, s, xp.zeros_like(s)), axis=axis)

    def weights(self, op: str, axis: int, e: Array, s: Array, value: Array, mask: Array | None) -> Noisy:
        """softmax as a whole: its errors are tied by their common sum."""
        xp = self.xp
        if not e.shape[axis]:
            return Noisy(value, s, self.policy.intermediates)
        p = value if op == "softmax" else xp.exp(value)
        seen = e if mask is None else xp.where(mask, e, self.values.constant(-float("inf"), e))
        shifted = seen - xp.max(seen, axis=axis, keepdims=True)
        lost = xp.any(s >= UNDECIDABLE, axis=axis, keepdims=True)
        tied = (1 - 2 * p) * s + xp.sum(p**2 * s, axis=axis, keepdims=True)
        tied = xp.where(lost, UNDECIDABLE, xp.maximum(tied, xp.zeros_like(tied)))
        if op == "softmax":
            equal = (p == xp.max(p, axis=axis, keepdims=True)) == (shifted == 0)  # as they should be
            found = self.settled(value, xp.where(lost, tied, p**2 * tied), self.rounding.softmax(p, shifted, axis))
            return replace(found, alike=bool(xp.all(s == 0)) and bool(xp.all(equal)))
        return self.settled(value, tied, self.rounding.log_softmax(value, shifted, axis))

    def masked(self, thing: Noisy, where: Noisy) -> Noisy | None:
        value = self.values.masked(thing.value, where.value)
        if value is None:
            return None
        if thing.variance is None and where.variance is None:
            return Noisy(value, None, thing.grain)
        variance = self.variance(thing)
        shown = self.xp.where(where.value, variance, self.xp.zeros_like(variance))
        if where.variance is not None:
            shown = self.xp.where(where.variance > 0, variance + thing.value**2, shown)
        return Noisy(value, shown, thing.grain)

    def finite(self, thing: Noisy) -> bool:
        return self.values.finite(thing.value)

    def state(self, value: Value[Noisy], before: Value[Noisy]) -> Value[Noisy]:
        """Rounded to the format that is carried; what the noise has undecidable once stays undecidable."""
        assert isinstance(value, Named)
        assert isinstance(before, Named)
        old, value = self.lined_up([Named(Noisy(self.variance(before.data), None, EXACTLY), before.axes), value])
        now = self.kept(value.data, self.policy.state)
        scale = self.xp.max(self.xp.abs(now.value)) if now.value.size else 0.0
        variance = self.variance(now)
        lost = (
            SIGMA_BOUND * self.xp.sqrt(variance)
            > UNDECIDABLE_SHARE * scale + STATE_UNDERFLOWS * SIGMA_BOUND * self.policy.state.least
        )
        lost = self.xp.logical_or(lost, old.data.value >= UNDECIDABLE)
        return Named(Noisy(now.value, self.xp.where(lost, UNDECIDABLE, variance), now.grain), value.axes)

    def kept(self, thing: Noisy, form: Format) -> Noisy:
        """One rounding to a format, unless the format holds it already."""
        if thing.grain.bits <= form.bits:
            return thing
        variance = self.rerounded(thing, form)
        over = self.xp.isfinite(thing.value) & (
            self.xp.abs(thing.value) + SIGMA_BOUND * self.xp.sqrt(variance) > form.largest
        )
        return Noisy(thing.value, self.xp.where(over, UNDECIDABLE, variance), form)


def _times(factor: Array, variance: Array, xp: Any) -> Array:
    """factor · variance, where a undecidable element times 0 is 0, and not NaN."""
    return xp.where(factor == 0, xp.zeros_like(factor * 0.0), factor * variance)
