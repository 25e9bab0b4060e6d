"""Honest ways to compute an equation: the project's implementations, its tree in PyTorch, rounding simulated in several orders."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import attnspec_numpy
import attnspec_torch
from attnspec import REGISTRY
from attnspec.implementation import ATTRIBUTE, DTYPES, Claim, Implementation
from attnspec.interpreters.policy import FORMATS, Format, Policy
from attnspec.interpreters.value import ValueOf, evaluate, fit
from attnspec.interpreters.walk import Named, Value
from attnspec.language.tree import Definition
from attnspec.verify.cases import Case, Description, rounded, smallest, telling

Array = NDArray[Any]
Answers = tuple[Array, ...]


@dataclass(frozen=True)
class Way:
    """One way to compute an equation: a case and a dtype in, float64 arrays out."""

    name: str
    claim: Claim
    compute: Callable[[Case, str], Answers]

    def described(self, id: str) -> Iterator[Description]:
        """The cases that are always there, as far as they are claimed; how arrays lie in memory is no matter of noise."""
        equation, claim = REGISTRY[id], self.claim

        def least(name: str) -> int:
            return max(smallest(equation, name) if name != "batch" else 0, claim.smallest.get(name, 0))

        return (each for each in telling(equation, least, claim.batch) if each.layout == "contiguous")


def ways(id: str, dtype: str) -> list[Way]:
    """PyTorch and NumPy code that the project holds to be right, and the equation's own tree, operation by operation."""
    found = [*implementations().get(id, []), by_tree(id)]
    return [way for way in found if dtype in (way.claim.dtypes or DTYPES)]


@cache
def implementations() -> dict[str, list[Way]]:
    """The implementations of `attnspec_torch` and `attnspec_numpy`, by the equation that they claim."""
    found: dict[str, list[Way]] = {}
    for package in (attnspec_torch, attnspec_numpy):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                for declared in getattr(value, ATTRIBUTE, ()):
                    listed = found.setdefault(declared.equation, [])
                    if value.__module__ == module.name:
                        listed.append(Way(str(declared.framework), declared.claim, _called(value, declared)))
    return found


def by_tree(id: str) -> Way:
    """PyTorch, one call for each operation of the formula: every intermediate is stored."""
    definition = REGISTRY[id].definition
    return Way("tree", Claim(), lambda case, dtype: _read(evaluate(definition, (), _tensors(case, dtype))))


def _called(function: Callable[..., Any], declared: Implementation) -> Callable[[Case, str], Answers]:
    arrays = _tensors if declared.framework == "torch" else _narrow
    return lambda case, dtype: _read(function(**arrays(case, dtype)))


def _tensors(case: Case, dtype: str) -> dict[str, Any]:
    kind = getattr(torch, dtype)
    placed = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in case.arrays.items()}
    return {name: a.to(kind) if a.is_floating_point() else a for name, a in placed.items()} | dict(case.options)


def _narrow(case: Case, dtype: str) -> dict[str, Any]:
    return {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in case.arrays.items()} | dict(case.options)


def _read(answer: Any) -> Answers:
    parts = answer if isinstance(answer, tuple) else (answer,)
    return tuple(
        part.to(torch.float64).numpy() if isinstance(part, torch.Tensor) else np.asarray(part, dtype=np.float64)
        for part in parts
    )


# Simulated rounding.

Order = Callable[[Array, int, Callable[[Array], Array]], Array]
"""How a sum is taken: terms, the axis, and the rounding of every partial sum."""


def forward(terms: Array, axis: int, keep: Callable[[Array], Array]) -> Array:
    """From the first to the last."""
    parts = np.moveaxis(terms, axis, 0)
    total = np.zeros(parts.shape[1:])
    for part in parts:
        total = keep(total + part)
    return total


def backward(terms: Array, axis: int, keep: Callable[[Array], Array]) -> Array:
    """From the last to the first."""
    return forward(np.flip(terms, axis), axis, keep)


def pairwise(terms: Array, axis: int, keep: Callable[[Array], Array]) -> Array:
    """Halves of halves."""
    parts = np.moveaxis(terms, axis, 0)
    if len(parts) < 2:
        return parts[0] + 0.0 if len(parts) else np.zeros(parts.shape[1:])
    half = len(parts) // 2
    return keep(pairwise(parts[:half], 0, keep) + pairwise(parts[half:], 0, keep))


def lanes(terms: Array, axis: int, keep: Callable[[Array], Array]) -> Array:
    """Four sums side by side, as vector units take them, then those."""
    parts = np.moveaxis(terms, axis, 0)
    return forward(np.stack([forward(parts[k::4], 0, keep) for k in range(4)]), 0, keep)


ORDERS: tuple[Order, ...] = (forward, backward, pairwise, lanes)


def to(form: Format, value: Array, cut: bool = False) -> Array:
    """The nearest value of a format, or the next one towards zero."""
    if form.name == "float64":
        return value
    if form.name == "tf32":
        single = rounded(value, "float32")
        spread = single * (2.0**13 + 1)
        return np.where(np.isfinite(spread), spread - (spread - single), single)
    near = rounded(value, form.name)
    if cut:
        beyond = np.abs(near) > np.abs(value)
        near = np.where(beyond, np.nextafter(near.astype(np.float32), np.float32(0)).astype(np.float64), near)
    return near


class Simulated(ValueOf):
    """Float64 arrays, every result rounded as a policy says, sums in an order of one's own."""

    def __init__(self, policy: Policy, order: Order, constants: int | None = None) -> None:
        super().__init__(np, constants)
        self.policy, self.order = policy, order

    def kept(self, value: Array) -> Array:
        return to(self.policy.intermediates, value) if value.dtype.kind == "f" else value

    def accumulated(self, terms: Array, axis: int) -> Array:
        form, cut = self.policy.accumulation, self.policy.truncates
        return self.order(to(form, terms), axis, lambda value: to(form, value, cut))

    def apply(self, op: str, *things: Array) -> Array:
        return self.kept(super().apply(op, *things))

    def contract(self, a: Array, b: Array) -> Array:
        a, b = (to(self.policy.operands, thing) for thing in (a, b))
        if a.ndim == 1:
            return self.contract(a[None], b)[..., 0, :]
        return self.kept(self.accumulated(a[..., :, :, None] * b[..., None, :, :], -2))

    def reduce(self, op: str, axis: int, term: Array, where: Array | None) -> Array:
        if op == "sum":
            return self.kept(self.accumulated(term if where is None else np.where(where, term, 0.0), axis))
        return super().reduce(op, axis, term, where)

    def softmax(self, e: Array, axis: int, where: Array | None, log: bool = False) -> Array:
        """Step by step, each step kept."""
        if not e.shape[axis]:
            return e
        seen = np.ones(e.shape, dtype=bool) if where is None else np.broadcast_to(where, e.shape)
        some = seen.any(axis=axis, keepdims=True)
        low = np.where(seen, e, -np.inf)
        top = np.where(some, low.max(axis=axis, keepdims=True), 0.0)
        shifted = np.where(seen, self.kept(low - top), -np.inf)
        parts = np.where(seen, self.kept(np.exp(shifted)), 0.0)
        total = np.where(some, self.kept(np.expand_dims(self.accumulated(parts, axis), axis)), 1.0)
        return self.kept(shifted - self.kept(np.log(total))) if log else self.kept(parts / total)

    def state(self, value: Value[Array], before: Value[Array]) -> Value[Array]:
        assert isinstance(value, Named)
        return Named(to(self.policy.state, value.data), value.axes)


def simulated(definition: Definition, case: Case, policy: Policy, order: Order, constants: int | None = None) -> Answers:
    """What software that rounds by a policy, and sums in an order, would answer."""
    sizes, batch = fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    with np.errstate(all="ignore"):
        results, _ = Simulated(policy, order, constants).run(definition, case.arrays, case.options, sizes, batch)
    return tuple(to(policy.storage, result) for result in results)


def storage_bits(dtype: str) -> int | None:
    """To how many bits an array library rounds a constant such as √d that meets an array; None: to no fewer than the oracle's."""
    return None if dtype == "float64" else int(FORMATS[dtype].bits)


__all__ = ["ORDERS", "Answers", "Sequence", "Way", "backward", "by_tree", "forward", "implementations", "lanes", "pairwise", "simulated", "storage_bits", "ways"]
