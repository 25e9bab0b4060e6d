"""Inputs for unit tests of the verifier, made without a candidate: noise, answers, outcomes and small cases.

Names that the engine may change are read here alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

import numpy as np
from hypothesis import settings
from numpy.typing import ArrayLike, NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.mutation.mutants import Mutant, by_id, mutants
from attnspec.interpreters.rounding.noise import Noise
from attnspec.interpreters.rounding.policy import FORMATS, Format, Policy, preset
from attnspec.language.layers import sizes_of
from attnspec.language.tree import Apply, Call, Definition, Name, Number
from attnspec.thresholds import SAMPLES, SIGMA_BOUND
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.sandbox.messages import Outcome, Output, Trouble
from honest import Order, Simulated, nearest, pairwise

Array = NDArray[Any]
Floats = NDArray[np.float64]

NO_CASE = Case({}, {})
"""For what is compared on no equation."""

MANY = settings(max_examples=50)
"""For properties that are quick to check."""


def generator(seed: int) -> np.random.Generator:
    """Random numbers that depend on the seed alone."""
    return np.random.Generator(np.random.Philox(seed))


# What the engine says of its results, whatever the attribute is called.


class _HasSentence(Protocol):
    @property
    def says(self) -> str: ...


def sentence(result: _HasSentence) -> str:
    """The sentence of a finding, a diagnosis, a mutant, a form or a property."""
    return result.says


def decidable(compared: Compared) -> Array:
    """Elements about which the noise says something."""
    return compared.decidable


# Noise and answers.


def noise(
    value: ArrayLike,
    sigma: ArrayLike = 1.0,
    *,
    bound: ArrayLike | None = None,
    undecidable: ArrayLike = False,
    members: ArrayLike | None = None,
    seed: int = 0,
) -> Noise:
    """The noise of one output; where runs are not given, they have independent normal errors of this σ."""
    value = np.asarray(value, dtype=np.float64)
    sigma = np.broadcast_to(np.asarray(sigma, dtype=np.float64), value.shape)
    if members is None:
        members = sigma * generator(seed).standard_normal((SAMPLES, *value.shape))
    return Noise(
        value,
        sigma,
        SIGMA_BOUND * sigma if bound is None else np.broadcast_to(np.asarray(bound, dtype=np.float64), value.shape),
        np.broadcast_to(np.asarray(undecidable, dtype=bool), value.shape),
        np.broadcast_to(np.asarray(members, dtype=np.float64), (SAMPLES, *value.shape)),
    )


def compared(error: ArrayLike, under: Noise, case: Case = NO_CASE, output: int = 0) -> Compared:
    """An answer with this error beside its noise."""
    return Compared(case, output, under.value + np.asarray(error), under)


def random_comparison(seed: int, *shape: int, scale: float = 0.7) -> Compared:
    """An honest answer: independent normal errors, a few tenths below σ as those of real software are."""
    draw = generator(seed)
    under = noise(draw.standard_normal(shape), draw.uniform(0.1, 1.0, shape), seed=seed + 1)
    return compared(scale * under.sigma * draw.standard_normal(shape), under)


def along_value(each: Compared) -> Floats:
    """The direction of an output that is too large."""
    return np.asarray(each.noise.value)


# Cases and honest answers.


def described(
    id: str, *, seed: int = 0, regime: str = "ordinary", batch: int | None = None, **sizes: int
) -> Description:
    """A description of a case; sizes that are not given are 3."""
    equation = REGISTRY[id]
    named = {name: max(sizes.get(name, 3), smallest(equation, name)) for name in sizes_of(equation.definition)}
    return Description(tuple(named.items()), regime, () if batch is None else (batch,), seed=seed)


def case_of(id: str, dtype: str = "float32", /, **how: Any) -> Case:
    """A case of an equation; the keywords are those of `described`."""
    return make(REGISTRY[id], described(id, **how), dtype)


def small_cases(
    id: str,
    dtype: str = "float32",
    *,
    most: int = 20,
    least: int = 2,
    regimes: Iterable[str] = ("ordinary", "large", "offset"),
    batches: tuple[int, ...] = (0,),
) -> list[Case]:
    """The small cases of the fixed suite, in some regimes, with no axis below `least` or beyond `most`."""
    equation = REGISTRY[id]
    suite = standard_suite(
        equation, lambda name: max(smallest(equation, name) if name != "batch" else 1, least), batches
    )
    kept = [each for each in suite if each.regime in (*regimes,) and each.layout == "contiguous"]
    cases = {(*each.sizes, (each.regime, each.batch or 0)): each for each in reversed(kept)}
    small = [each for each in reversed(cases.values()) if all(size <= most for _, size in each.sizes)]
    return [case for each in small if (case := make(equation, each, dtype)).finite]


class _Simulated(Simulated):
    """Also of a policy that rounds one line in its own way."""

    def line(self, name: str) -> None:
        self.policy = self.whole.at(name)

    def __init__(self, policy: Policy, order: Order) -> None:
        super().__init__(policy, order, round=to_bits)
        self.whole = policy


def answers(
    definition: Definition, cases: Iterable[Case], policy: Policy, order: Order = pairwise
) -> list[Observation]:
    """What software would answer that computes a definition, right or wrong, and rounds as a policy says."""
    return [_answer(definition, case, policy, order) for case in cases]


def _answer(definition: Definition, case: Case, policy: Policy, order: Order) -> Observation:
    arrays = {
        name: to_bits(policy.inputs, array) if policy.inputs and array.dtype.kind == "f" else array
        for name, array in case.arrays.items()
    }
    sizes, batch = fit(definition, {name: array.shape for name, array in arrays.items()}, case.options)
    with np.errstate(all="ignore"):
        found, _ = _Simulated(policy, order).run(definition, arrays, case.options, sizes, batch)
        kept = zip(found, definition.results, strict=True)
        lead = batch_shape(definition, arrays)
        shapes = [(*lead, *(dim.value(sizes) for dim in result.dims)) for result in definition.results]
        rounded = (a if result.kind == "int" else to_bits(policy.storage, a) for a, result in kept)
        return Observation(case, tuple(np.broadcast_to(a, shape) for a, shape in zip(rounded, shapes, strict=True)))


def honest_answers(id: str, dtype: str, policy: str, cases: Sequence[Case] = ()) -> list[Observation]:
    """What honest software would answer on small cases."""
    return answers(REGISTRY[id].definition, cases or small_cases(id, dtype), preset(policy, dtype))


def changed(observations: Iterable[Observation], change: Callable[[Array, Case], Array]) -> list[Observation]:
    """The same observations, every answer changed."""
    return [replace(one, answers=tuple(change(answer, one.case) for answer in one.answers)) for one in observations]


def to_bits(form: Format, value: Array) -> Array:
    """The nearest values of a format, also of one whose number of significant bits no hardware has."""
    if form.name in FORMATS:
        return nearest(form, value)
    fraction, power = np.frexp(value)
    return np.asarray(np.ldexp(np.rint(np.ldexp(fraction, int(form.bits))), power - int(form.bits)))


@cache
def mutant_of(id: str, name: str) -> Mutant:
    """A mutant of an equation, by its own id."""
    return by_id(_mutants(id))[name]


@cache
def _mutants(id: str) -> tuple[Mutant, ...]:
    return mutants(REGISTRY[id])


def too_large(id: str, factor: float) -> Mutant:
    """A mistake of any size: the only output of an equation times a factor."""
    own = REGISTRY[id].definition
    options = tuple((option.name, Name(option.name)) for option in own.options)
    call = Call(own, tuple(Name(parameter.name) for parameter in own.parameters), options)
    tree = replace(own, indices=(), lines=(), returns=(Apply("*", (Number(factor), call)),))
    return Mutant(f"times {factor}", f"the output is {factor} times too large", tree)


# Outcomes of calls.


def returned(*values: Array, dtype: str = "float32", device: str = "cpu", **facts: Any) -> Outcome:
    """The outcome of a call that returned arrays."""
    outputs = tuple(Output("array of numpy", value, dtype, value.shape, device) for value in values)
    return Outcome("ok", outputs, **facts)


def trouble(status: Any, type: str = "ValueError", message: str = "bad", traceback: str = "", **facts: Any) -> Outcome:
    """The outcome of a call that returned nothing."""
    return Outcome(status, trouble=Trouble(type, message, traceback), **facts)
