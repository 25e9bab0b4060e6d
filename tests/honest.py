"""Honest ways to compute an equation: the project's implementations, its tree by PyTorch, and rounding simulated."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.implementation import ATTRIBUTE, DTYPES, Claim, Implementation
from attnspec.interpreters.evaluation.algebra import Named, Value
from attnspec.interpreters.evaluation.call import evaluate, fit
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.rewriting import apply_rewriting, multiplied
from attnspec.interpreters.rounding.policy import FORMATS, Format, Policy, preset
from attnspec.language.layers import gathered, sizes_of
from attnspec.language.tree import Definition
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import FEW, Case, Description, make, smallest
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge import statistics
from attnspec.verification.judge.forms import PLAIN, Form
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.residuals import Compared

Array = NDArray[Any]
Answers = tuple[Array, ...]


# Code that runs.


@dataclass(frozen=True)
class Way:
    """One way to compute an equation.

    Attributes:
        name: "torch" or "numpy", an implementation; "tree", the formula as it stands, a PyTorch call an operation.
        compute: answers a case in a dtype, as float64 arrays.
        policy: how it rounds, where that is known.
        constants: it meets √d as a tensor of the storage dtype; written code meets it as a Python number.
    """

    name: str
    claim: Claim
    compute: Callable[[Case, str], Answers]
    policy: str | None = None
    constants: bool = False

    def observe(self, case: Case, dtype: str) -> Observation:
        """What it answers."""
        with np.errstate(all="ignore"):
            return Observation(case, self.compute(case, dtype))

    def form(self, dtype: str) -> Form:
        """The form of the equation that it computes."""
        exact = dtype == "float64" or not self.constants
        return PLAIN if exact else Form("constants rounded", constants=int(FORMATS[dtype].bits))

    def judged(self, judge: Judge, observations: Sequence[Observation]) -> tuple[Policy, list[Compared]]:
        """Its answers beside their noise, under the policy that is known or that they tell."""
        form = self.form(judge.dtype)
        policy = preset(self.policy, judge.dtype) if self.policy else judge.infer_policy(observations)
        return policy, judge.compare(observations, policy, form)


def ways(id: str, dtype: str) -> list[Way]:
    """The ways that claim a dtype; the tree of an equation of sizes alone takes that of the oracle."""
    trees = [by_tree(id)] if REGISTRY[id].definition.dtype_is_given or dtype == "float64" else []
    return [way for way in (*implementations().get(id, ()), *trees) if dtype in (way.claim.dtypes or DTYPES)]


@cache
def implementations() -> dict[str, list[Way]]:
    """The implementations in `attnspec_torch` and `attnspec_numpy`, by the equation that they claim."""
    import attnspec_numpy
    import attnspec_torch  # late: a process that runs a candidate of a test imports that test, and need not import torch

    found: dict[str, list[Way]] = {}
    for package in (attnspec_torch, attnspec_numpy):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                for declared in getattr(value, ATTRIBUTE, ()) if callable(value) else ():
                    if value.__module__ == module.name:
                        found.setdefault(declared.equation, []).append(_written(value, declared))
    return found


def _written(function: Callable[..., Any], declared: Implementation) -> Way:
    arrays = tensors if declared.framework == "torch" else narrow
    asks_dtype = "dtype" in inspect.signature(function).parameters

    def compute(case: Case, dtype: str) -> Answers:
        told = {"dtype": _torch_dtype(dtype) if declared.framework == "torch" else dtype} if asks_dtype else {}
        return as_float64(function(**gathered(arrays(case, dtype)), **told))

    return Way(str(declared.framework), declared.claim, compute)


def by_tree(id: str) -> Way:
    """The formula by PyTorch, which stores what each operation gives."""
    tree = REGISTRY[id].definition

    def compute(case: Case, dtype: str) -> Answers:
        return as_float64(evaluate(tree, (), tensors(case, dtype)))

    return Way("tree", Claim(), compute, "op-by-op", constants=apply_rewriting(tree, multiplied) != tree)


def by_order(id: str, order: Order) -> Way:
    """Rounding simulated operation by operation, for the dtypes in which code shares the oracle's own sums."""
    tree = REGISTRY[id].definition

    def compute(case: Case, dtype: str) -> Answers:
        return simulated(tree, case, preset("op-by-op", dtype), order).answers

    return Way(order.__name__, Claim(), compute, "op-by-op")


def tensors(case: Case, dtype: str) -> dict[str, Any]:
    """A case's arguments for PyTorch."""
    import torch  # late, as above

    kind = _torch_dtype(dtype)
    placed = {name: torch.from_numpy(np.array(array)) for name, array in case.arrays.items()}
    return {name: a.to(kind) if a.is_floating_point() else a for name, a in placed.items()} | dict(case.options)


def _torch_dtype(dtype: str) -> Any:
    import torch  # late, as above

    return getattr(torch, dtype)


def narrow(case: Case, dtype: str) -> dict[str, Any]:
    """A case's arguments for NumPy."""
    return {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in case.arrays.items()} | dict(case.options)


def as_float64(answer: Any) -> Answers:
    """Every output, exactly; a tensor of PyTorch by its own conversion, as NumPy has no bfloat16."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    return tuple(np.asarray(part.double() if hasattr(part, "double") else part, dtype=np.float64) for part in parts)


# Cases.


def always(id: str, claim: Claim | None = None) -> Iterator[Description]:
    """The cases that are always there, as far as they are claimed. Where arrays lie in memory is no matter of noise."""
    equation, claim = REGISTRY[id], claim or Claim()

    def least(name: str) -> int:
        return max(smallest(equation, name) if name != "batch" else 0, claim.smallest.get(name, 0))

    cases = (*standard_suite(equation, least, claim.batch), *grid(equation, least, claim.batch))
    return (each for each in cases if each.layout == "contiguous")


def regimes(id: str) -> list[Description]:
    """One case for each regime."""
    first: dict[str, Description] = {}
    for each in always(id):
        first.setdefault(each.regime, each)
    return list(first.values())


def ordinary(id: str, count: int, seed: int = 0, batch: int = 2) -> list[Description]:
    """Ordinary values in drawn sizes; equations of one example are asked of several at once."""
    equation = REGISTRY[id]
    draw = np.random.Generator(np.random.Philox(seed))
    found = []
    for _ in range(count):
        drawn = {
            name: int(draw.integers(2, 4 if equation.definition.role(name) in FEW else 10))
            for name in sizes_of(equation.definition)
        }
        sizes = tuple((name, max(size, smallest(equation, name))) for name, size in drawn.items())
        found.append(Description(sizes, batch=(batch,), seed=int(draw.integers(2**40))))
    return found


# Rounding, simulated.

Keep = Callable[[Array], Array]
Order = Callable[[Array, int, Keep], Array]
"""How a sum is taken: of which terms, along which axis, and the rounding of every partial sum."""


def forward(terms: Array, axis: int, keep: Keep) -> Array:
    """From the first to the last."""
    parts = np.moveaxis(terms, axis, 0)
    total = np.zeros(parts.shape[1:])
    for part in parts:
        total = keep(total + part)
    return total


def backward(terms: Array, axis: int, keep: Keep) -> Array:
    """From the last to the first."""
    return forward(np.flip(terms, axis), axis, keep)


def pairwise(terms: Array, axis: int, keep: Keep) -> Array:
    """Halves of halves."""
    parts = np.moveaxis(terms, axis, 0)
    if len(parts) < 2:
        return np.asarray(parts.sum(axis=0))
    half = len(parts) // 2
    return keep(pairwise(parts[:half], 0, keep) + pairwise(parts[half:], 0, keep))


def lanes(terms: Array, axis: int, keep: Keep) -> Array:
    """Four sums side by side, as vector units take them, then those."""
    parts = np.moveaxis(terms, axis, 0)
    return forward(np.stack([forward(parts[k::4], 0, keep) for k in range(4)]), 0, keep)


ORDERS: tuple[Order, ...] = (forward, backward, pairwise, lanes)


def nearest(form: Format, value: Array) -> Array:
    """The nearest value of a format."""
    if form.bits >= 53:
        return value
    if form.name != "tf32":
        return rounded(value, form.name)
    single = rounded(value, "float32")
    with np.errstate(invalid="ignore"):
        spread = single * (2.0 ** (53 - form.bits) + 1)
        return np.where(np.isfinite(single), spread - (spread - single), single)


def cut(form: Format, value: Array) -> Array:
    """The next value of a format towards zero, as some tensor cores accumulate."""
    near = nearest(form, value)
    below = np.nextafter(near.astype(np.float32), np.float32(0)).astype(np.float64)
    return np.where(np.abs(near) > np.abs(value), below, near)


def flushed(form: Format, value: Array) -> Array:
    """The nearest value of a format that lost what is below its smallest normal number, where that is allowed."""
    near = nearest(form, value)
    return np.where(np.abs(near) < form.least, 0.0, near)


class Simulated(ValueOf):
    """Float64 arrays, every result rounded as a policy says, every sum in an order of one's own."""

    def __init__(
        self,
        policy: Policy,
        order: Order,
        constants: int | None = None,
        round: Callable[[Format, Array], Array] = nearest,
    ) -> None:
        super().__init__(np, constants)
        self.policy, self.order, self.round = policy, order, round

    def positions(self, count: int) -> Array:
        """Positions, and what is computed of them alone, in float32 unless all is float64: they are not stored."""
        return np.arange(count).astype(self.policy.compute.name)

    def kept(self, value: Array) -> Array:
        return self.round(self.policy.intermediates, value) if value.dtype == np.float64 else value

    def total(self, terms: Array, axis: int) -> Array:
        """A sum, before it is kept."""
        form = self.policy.accumulation
        add = cut if self.policy.truncates else self.round
        return self.order(self.round(form, terms), axis, lambda value: add(form, value))

    def apply(self, op: str, *things: Array) -> Array:
        if any(thing.dtype == np.float64 for thing in things):
            things = tuple(
                self.kept(thing.astype(np.float64)) if thing.dtype == np.float32 else thing for thing in things
            )
        return self.kept(super().apply(op, *things))

    def contract(self, a: Array, b: Array) -> Array:
        if a.ndim == 1:
            return self.contract(a[None], b)[..., 0, :]
        a, b = (self.round(self.policy.operands, thing) for thing in (a, b))
        return self.kept(self.total(a[..., :, :, None] * b[..., None, :, :], -2))

    def reduce(self, op: str, axis: int, term: Array, where: Array | None) -> Array:
        if op == "sum":
            return self.kept(self.total(term if where is None else np.where(where, term, 0.0), axis))
        return np.asarray(super().reduce(op, axis, term, where))

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
        total = np.where(some, self.kept(np.expand_dims(self.total(parts, axis), axis)), 1.0)
        return self.kept(shifted - self.kept(np.log(total))) if log else self.kept(parts / total)

    def state(self, value: Value[Array], before: Value[Array]) -> Value[Array]:
        assert isinstance(value, Named)
        return Named(self.round(self.policy.state, value.data), value.axes)


def simulated(
    tree: Definition, case: Case, policy: Policy, order: Order, round: Callable[[Format, Array], Array] = nearest
) -> Observation:
    """What software would answer that rounds as a policy says and sums in an order."""
    sizes, batch = fit(tree, {name: array.shape for name, array in case.arrays.items()}, case.options)
    with np.errstate(all="ignore"):
        found, _ = Simulated(policy, order, round=round).run(tree, case.arrays, case.options, sizes, batch)
        kept = zip(found, tree.results, strict=True)  # counts are stored as whole numbers
        return Observation(case, tuple(a if each.kind == "int" else round(policy.storage, a) for a, each in kept))


# Error over noise, pooled.


@dataclass(frozen=True)
class Pooled:
    """What many cases come to, under one policy.

    Attributes:
        elements: how many have a σ and are asked.
        rms: the root mean square of error/σ over them.
        median: of |error|/σ.
        largest: |error| over its bound.
    """

    policy: Policy
    cases: int
    elements: int
    rms: float
    median: float
    largest: float


CHUNK = 100
"""Cases held at a time: the noise of each has 32 runs of every element."""


def pooled(id: str, dtype: str, way: Way, descriptions: Sequence[Description]) -> Pooled:
    """A way on many cases, under the policy that is known of it or that its first cases tell."""
    policy: Policy | None = None
    sizes, largest = [np.zeros(0)], 0.0
    for start in range(0, len(descriptions), CHUNK):
        judge = Judge(REGISTRY[id], dtype)
        made = (make(REGISTRY[id], each, dtype) for each in descriptions[start : start + CHUNK])
        observations = [way.observe(case, dtype) for case in made]
        if policy is None:
            policy, compared = way.judged(judge, observations)
        else:
            compared = judge.compare(observations, policy, way.form(dtype))
        largest = max(largest, statistics.largest(compared))
        sizes += [np.abs(each.z[each.counted]) for each in compared]
    assert policy is not None
    z = np.concatenate(sizes)
    rms, median = (float(np.sqrt(np.mean(z**2))), float(np.median(z))) if z.size else (0.0, 0.0)
    return Pooled(policy, len(descriptions), z.size, rms, median, largest)


def said(compared: Sequence[Compared]) -> str:
    """The worst element, in words, for a test that fails."""
    worst = statistics.worst(compared)
    if worst is None:
        return "nothing was asked"
    place = tuple(int(k) for k in np.unravel_index(int(np.argmax(worst.ratio)), worst.ratio.shape))
    value, answer, bound = worst.noise.value[place], worst.answer[place], worst.noise.bound[place]
    return f"{worst.case.description}: output {worst.output}{list(place)} is {answer}, not {value} ± {bound}"
