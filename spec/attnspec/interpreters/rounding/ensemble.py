"""An equation run many times in float64 with every rounding simulated: what propagation cannot see.

A rounding is a hash of the member and of the value, so that equal values round equally and the correlations of reused
intermediates, tied weights and recurrences are there. The members are one more named axis: one evaluation, not many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array, Axis, Interpreter, Named, Value
from attnspec.interpreters.rounding.model import ARITHMETIC, CONDITIONS, EXACT, Rounding
from attnspec.interpreters.rounding.policy import Format, Policy
from attnspec.interpreters.rounding.propagation import EXACTLY
from attnspec.thresholds import SAMPLES, STRESS, STRESSED_SAMPLES

MEMBER: Axis = (-2, 0)


@dataclass(frozen=True, slots=True)
class Rounded:
    """A value of every member, the coarsest format that holds it, and of how many products it is the sum."""

    value: Array
    grain: Format
    terms: int = 0


class Ensemble(Interpreter[Rounded]):
    """Values of honestly rounded runs, members along the first axis."""

    def __init__(self, namespace: Any, policy: Policy, seed: int = 0, constants: int | None = None) -> None:
        self.values = ValueOf(namespace, constants)
        self.policy = policy
        self.rounding = Rounding(policy, namespace)
        self.seed = seed
        scales = np.concatenate([np.ones(SAMPLES), np.full(STRESSED_SAMPLES, STRESS)])
        self.scales = namespace.asarray(scales * np.sqrt(3.0))
        keys = np.random.Generator(np.random.Philox(seed)).integers(1, 2**62, SAMPLES + STRESSED_SAMPLES)
        self.keys = namespace.asarray(keys | 1)

    @property
    def xp(self) -> Any:
        return self.values.xp

    def line(self, name: str) -> None:
        """A policy may name one line that is rounded in its own way."""
        self.rounding = Rounding(self.policy.at(name), self.xp)

    def enter(self, array: Array, axes: tuple[Axis, ...]) -> Named[Rounded]:
        """An input is the same for every member until something rounds it."""
        if not self.xp.isdtype(array.dtype, "real floating"):
            return Named(Rounded(array, EXACTLY), axes)
        thing = Rounded(self.repeated(array), self.policy.storage)
        return Named(self.kept(thing, self.policy.inputs) if self.policy.inputs else thing, (MEMBER, *axes))

    def leave(self, value: Value[Rounded]) -> Rounded:
        """A result, of every member also where it is the same for all."""
        return self.spread(self.as_thing(value), MEMBER, SAMPLES + STRESSED_SAMPLES).data

    def repeated(self, array: Array) -> Array:
        return self.xp.broadcast_to(array, (SAMPLES + STRESSED_SAMPLES, *array.shape))

    def source(self, array: Array) -> Rounded:
        return Rounded(array, self.policy.storage)

    def constant(self, value: float, like: Rounded) -> Rounded:
        return Rounded(self.values.constant(value, like.value), EXACTLY)

    def blank(self, shape: tuple[int, ...]) -> Rounded:
        return Rounded(self.values.blank(shape), EXACTLY)

    def positions(self, count: int) -> Rounded:
        return Rounded(self.values.positions(count), EXACTLY)

    def numbers(self, thing: Rounded) -> Array:
        return self.values.numbers(thing.value)

    def shape(self, thing: Rounded) -> tuple[int, ...]:
        return tuple(thing.value.shape)

    def rearrange(self, move: Callable[..., Array], *things: Rounded) -> Rounded:
        if len(things) == 1:
            (thing,) = things
            return Rounded(move(thing.value), thing.grain, thing.terms)
        grain = max((thing.grain for thing in things), key=lambda form: form.bits)
        return Rounded(move(*(thing.value for thing in things)), grain, max(thing.terms for thing in things))

    def elementwise(self, op: str, values: Sequence[Value[Rounded]]) -> Value[Rounded]:
        """Of every member where something is rounded that was the same for all, such as an angle made of positions."""
        things = [value for value in values if isinstance(value, Named)]
        alike = all(MEMBER not in thing.axes for thing in things)
        if things and alike and op not in EXACT and not self.counted(op, *(self.as_thing(v).data for v in values)):
            values = [self.full(value) if isinstance(value, Named) else value for value in values]
        return super().elementwise(op, values)

    def apply(self, op: str, *things: Rounded) -> Rounded:
        value = self.values.apply(op, *(thing.value for thing in things))
        if op in CONDITIONS:
            return Rounded(value, EXACTLY)
        if op in EXACT or self.counted(op, *things):
            parts = things[1:] if op == "where" else things
            return Rounded(value, max((thing.grain for thing in parts), key=lambda form: form.bits))
        fresh = self.rounding.elementwise(op, value, *(thing.value for thing in things))
        if op in ARITHMETIC:
            fresh = self.unless_held(value, fresh, self.rounding.policy.intermediates)
        terms = sum(thing.terms for thing in things) if op in ("+", "-") and len(things) == 2 else 0
        if terms:
            x, y = things
            fresh = fresh + self.rounding.joined(x.terms, y.value) + self.rounding.joined(y.terms, x.value)
        return self.settled(value, fresh, terms)

    def counted(self, op: str, *things: Rounded) -> bool:
        """Whether whole numbers that nothing rounded are made of such."""
        values = (thing.value for thing in things)
        return all(thing.grain is EXACTLY for thing in things) and self.rounding.counted(op, *values)

    def unless_held(self, value: Array, fresh: Array, form: Format) -> Array:
        """No error where a member's value is one that the format holds."""
        return self.xp.where(self.rounding.held(form, value), self.xp.zeros_like(fresh), fresh)

    def settled(self, value: Array, fresh: Array, terms: int = 0) -> Rounded:
        return Rounded(self.perturbed(value, fresh), self.rounding.policy.intermediates, terms)

    def perturbed(self, value: Array, variance: Array) -> Array:
        """Each member's value with an error of that variance, the same for the same value of the same member."""
        xp = self.xp
        tail = (1,) * (value.ndim - 1)
        scale, key = xp.reshape(self.scales, (-1, *tail)), xp.reshape(self.keys, (-1, *tail))
        bits = self.bits(xp.abs(value)) * key
        bits = bits ^ (bits >> 29)
        bits = bits * 0x2545F4914F6CDD1D
        uniform = xp.astype((bits >> 21) & 0x3FFFFFFFFFF, xp.float64) * 2.0**-41 - 1.0
        error = scale * xp.sqrt(variance) * xp.sign(value) * uniform
        return value + xp.where(xp.isfinite(value), error, xp.zeros_like(error))

    def bits(self, value: Array) -> Array:
        """The bits of float64 values, as whole numbers."""
        value = value + 0.0
        return value.view(self.xp.int64)

    def operand(self, thing: Rounded) -> Rounded:
        return self.kept(thing, self.policy.operands)

    def kept(self, thing: Rounded, form: Format) -> Rounded:
        """One rounding to a format, unless the format holds it already."""
        if thing.grain.bits <= form.bits:
            return thing
        fresh = self.unless_held(thing.value, self.rounding.once(form, thing.value), form)
        return Rounded(self.perturbed(thing.value, fresh), form)

    def full(self, term: Named[Rounded]) -> Named[Rounded]:
        """Of every member, also what is the same for all, such as a count."""
        return self.spread(term, MEMBER, SAMPLES + STRESSED_SAMPLES)

    def contraction(
        self,
        a: Named[Rounded],
        a_tail: tuple[str, ...],
        b: Named[Rounded],
        b_tail: tuple[str, ...],
        over: Axis | str,
        tail: tuple[str, ...],
    ) -> Named[Rounded]:
        """Every member by itself, also where one side is the same for all."""
        a, b = (self.spread(side, MEMBER, SAMPLES + STRESSED_SAMPLES) for side in (a, b))
        return super().contraction(a, a_tail, b, b_tail, over, tail)

    def contract(self, a: Rounded, b: Rounded) -> Rounded:
        a, b = self.operand(a), self.operand(b)
        value = self.values.contract(a.value, b.value)
        squares = self.values.contract(a.value**2, b.value**2)
        exact = a.grain.bits + b.grain.bits <= self.policy.accumulation.bits
        fresh = self.rounding.contraction(a.value.shape[-1], squares, value, exact)
        return self.settled(value, fresh, a.value.shape[-1])

    def reduce(self, op: str, axis: int, term: Rounded, where: Rounded | None) -> Rounded:
        xp = self.xp
        mask = where.value if where is not None else None
        x = term.value
        value = self.values.reduce(op, axis, x, mask)
        if op in ("max", "argmax"):
            return Rounded(value, term.grain if op == "max" else EXACTLY)
        if op == "sum" and self.counted(op, term):
            return Rounded(value, EXACTLY)
        if op == "sum":
            shown = x if mask is None else xp.where(mask, x, xp.zeros_like(x))
            squares = xp.sum(shown**2, axis=axis)
            return self.settled(value, self.rounding.contraction(x.shape[axis], squares, value, exact_products=True))
        if not x.shape[axis]:
            return Rounded(value, self.policy.intermediates)
        seen = x if mask is None else xp.where(mask, x, self.values.constant(-float("inf"), x))
        shifted = seen - xp.max(seen, axis=axis, keepdims=True)
        fresh = self.rounding.softmax if op == "softmax" else self.rounding.log_softmax
        return self.settled(value, fresh(value, shifted, axis))

    def masked(self, thing: Rounded, where: Rounded) -> Rounded | None:
        value = self.values.masked(thing.value, where.value)
        return None if value is None else Rounded(value, thing.grain)

    def finite(self, thing: Rounded) -> bool:
        return self.values.finite(thing.value)

    def state(self, value: Value[Rounded], before: Value[Rounded]) -> Value[Rounded]:
        assert isinstance(value, Named)
        return Named(self.kept(value.data, self.policy.state), value.axes)
