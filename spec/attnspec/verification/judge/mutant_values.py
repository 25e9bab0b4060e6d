"""Values of mutants, and the mutants that are not equivalent to their equation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.call import evaluate, fit
from attnspec.interpreters.evaluation.memo import Memory
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.mutation.at_once import MergedVariants
from attnspec.interpreters.mutation.mutants import Mutant, mutants
from attnspec.interpreters.mutation.perturbations import perturbations
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.dims import Dim
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.tree import Definition
from attnspec.thresholds import EQUIVALENCE_SIZES, EQUIVALENT
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import Case, few, make, smallest
from attnspec.verification.cases.restricted import of_any_size
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.kept_values import KeptValues, Outputs

VALUE, OVERFLOW = "value", "overflow"
"""How a mutant differs: in finite numbers, or only by elements that are not finite."""


AT_ONCE, LARGEST_AT_ONCE = 64, 50_000
"""So many variants of an equation are evaluated at once, with inputs of so many elements together; more take as long
for each, and memory. Speed alone depends on it."""

MEMORY = Memory()
"""The values of expressions that mutants share with their equation, of the cases that they were tried on last."""

MERGED = MergedVariants()
"""Variants that are evaluated at once: those that show on few cases are tried together on many."""

KEPT = KeptValues()
"""The values of mutants on cases: one is tried on a case for its score, for its direction, and in the next round."""


def values(
    definition: Definition,
    case: Case,
    several: int = 0,
    inputs: Mapping[str, NDArray[Any]] | None = None,
    by: ValueOf | None = None,
) -> Outputs:
    """Evaluate an equation or a mutant on a case in float64; None if it cannot be evaluated for these sizes.

    Args:
        several: how many values a number of it has, or an array, for each of which it is evaluated, along a leading
            axis.
        inputs: {name: the values of an array, along a first axis}, in place of the arrays of these names.
        by: what evaluates it, in place of NumPy's operations.
    """
    with np.errstate(all="ignore"):
        try:
            value = evaluate(lift_over_batch(definition, case), (), case.arguments, MEMORY, several, inputs, by)
        except (SpecError, ValueError, IndexError, ZeroDivisionError, OverflowError, TypeError):
            return None
    outputs = value if isinstance(value, tuple) else (value,)
    return tuple(output.astype(np.float64) if output.dtype.kind == "b" else output for output in outputs)


def at_once(case: Case) -> int:
    """How many variants of an equation, or of a case, are evaluated at once."""
    return max(1, min(AT_ONCE, LARGEST_AT_ONCE // max(case.elements, 1)))


def values_of_each(variants: Sequence[Definition], case: Case) -> Iterator[Outputs]:
    """The values of variants of an equation on a case, as `values` gives them; many are evaluated at once."""
    step = at_once(case)
    for start in range(0, len(variants), step):
        yield from together(variants[start : start + step], lambda variant, several: values(variant, case, several))


def together(variants: Sequence[Definition], evaluate: Callable[[Definition, int], Outputs]) -> list[Outputs]:
    """The values of variants, evaluated at once as far as they are alike; in two halves where that is not possible.

    Args:
        evaluate: evaluates one variant, with 0; or several merged ones, with their number, along a first axis.
    """
    if len(variants) < 2:
        return [evaluate(variant, 0) for variant in variants]
    merged = MERGED.of(variants)
    alike, count = [variants[place] for place in merged.places], len(merged.places)
    outputs = evaluate(merged.whole, count) if count > 1 else None
    if outputs is not None:
        values: list[Outputs] = [tuple(output[place] for output in outputs) for place in range(count)]
    else:
        values = [*together(alike[: count // 2], evaluate), *together(alike[count // 2 :], evaluate)]
    others = together([variants[place] for place in merged.others], evaluate)
    found = dict(zip((*merged.places, *merged.others), (*values, *others), strict=True))
    return [found[place] for place in range(len(variants))]


def mutant_values(mutant: Mutant, case: Case, dtype: str, overflowing: str = "float32") -> Outputs:
    """Evaluate a mutant on a case; None if it cannot be evaluated for these sizes.

    It is evaluated in float64, except one that only overflow makes wrong.

    Args:
        dtype: the dtype in which answers are judged.
        overflowing: the dtype in which a mutant that only overflow makes wrong is evaluated.

    Returns:
        The outputs in float64.
    """
    if not mutant.in_storage or dtype == "float64":
        return next(_each_in_float64([mutant.definition], case))
    arrays = {name: a.astype(overflowing) if a.dtype.kind == "f" else a for name, a in case.arrays.items()}
    outputs = values(mutant.definition, replace(case, arrays=arrays))
    return None if outputs is None else tuple(output.astype(np.float64) for output in outputs)


def each_mutants_values(mutants: Sequence[Mutant], case: Case, dtype: str) -> Iterator[Outputs]:
    """The values of mutants on a case, as `mutant_values` gives them; many are evaluated at once."""
    together = _each_in_float64([each.definition for each in mutants if not each.in_storage], case)
    for mutant in mutants:
        yield mutant_values(mutant, case, dtype) if mutant.in_storage else next(together)


def _each_in_float64(variants: Sequence[Definition], case: Case) -> Iterator[Outputs]:
    """The values of variants on a case, which are computed unless they are kept from an earlier time."""
    known = [KEPT.get(variant, case) for variant in variants]
    computed = values_of_each([variant for variant, kept in zip(variants, known, strict=True) if kept is None], case)
    for variant, kept in zip(variants, known, strict=True):
        yield KEPT.keep(variant, case, next(computed)) if kept is None else kept.outputs


def fits(mutant: Mutant, case: Case) -> bool:
    """Whether a mutant can be evaluated on a case: whether sizes that it needs to be equal are equal."""
    if not mutant.equal_sizes:
        return True
    shapes = {name: array.shape for name, array in case.arrays.items()}
    sizes = case.sizes if case.description else fit(mutant.definition, shapes, case.options)[0]
    return all(Dim.parse(a).value(sizes) == Dim.parse(b).value(sizes) for a, b in mutant.equal_sizes)


def possible(mutant: Mutant, sizes: Mapping[str, float]) -> bool:
    """Whether a mutant can be made where these are the only values of some sizes."""
    pairs = [(Dim.parse(a), Dim.parse(b)) for a, b in mutant.equal_sizes]
    known = {name: int(size) for name, size in sizes.items()}
    return all(a.value(known) == b.value(known) for a, b in pairs if a.names | b.names <= known.keys())


def differ(a: Sequence[NDArray[Any]] | None, b: Sequence[NDArray[Any]] | None) -> bool:
    """Whether two answers differ by more than float64 rounding."""
    if a is None or b is None:
        return False
    for left, right in zip(a, b, strict=True):
        if left.shape != right.shape:
            return True
        scale = max(_scale(left), _scale(right))
        with np.errstate(invalid="ignore"):
            far = np.abs(left - right) > EQUIVALENT * scale
        if bool((far | (np.isfinite(left) != np.isfinite(right))).any()):
            return True
    return False


@lru_cache(maxsize=256)
def non_equivalent_mutants(equation: str | Equation[..., Any], finite: bool = True) -> tuple[Mutant, ...]:
    """The mutants of an equation that are not equivalent to it: each differs on some case, in float64.

    Args:
        equation: the equation, or its id.
        finite: False includes mutants that differ only by NaN and infinity at masked positions.
    """
    equation = _equation(equation)
    differing = _differing(equation, mutants(equation), finite)
    return tuple(replace(mutant, in_storage=True) if how == OVERFLOW else mutant for mutant, how in differing if how)


@lru_cache(maxsize=256)
def effective_perturbations(equation: str | Equation[..., Any]) -> tuple[Mutant, ...]:
    """The perturbations of an equation that change its value on some case; a constant before a softmax does not."""
    equation = _equation(equation)
    differing = _differing(equation, perturbations(equation), finite=True)
    return tuple(mutant for mutant, how in differing if how == VALUE)


def _equation(equation: str | Equation[..., Any]) -> Equation[..., Any]:
    """An equation by its id; or a restricted one, without the restriction of its sizes."""
    return REGISTRY[equation] if isinstance(equation, str) else of_any_size(equation)


def _differing(equation: Equation[..., Any], tried: Sequence[Mutant], finite: bool) -> Iterator[tuple[Mutant, str]]:
    """Each mutant, with how it differs from the equation: VALUE, OVERFLOW, or "" if it does not."""
    cases = stacked([case for case in sample_cases(equation) if case.finite or not finite])
    how = [""] * len(tried)
    for case in sorted(cases, key=lambda case: case.elements):  # most mutants differ on small cases already
        right = values(equation.definition, case)
        bounds = _Bounds(equation.definition, case)
        places = [place for place, mutant in enumerate(tried) if how[place] != VALUE and fits(mutant, case)]
        found = each_mutants_values([tried[place] for place in places], case, "float32")
        for place, wrong in zip(places, found, strict=True):
            if wrong is not None and right is not None:
                how[place] = _how_they_differ(wrong, right, bounds) or how[place]
    yield from zip(tried, how, strict=True)


def sample_cases(equation: Equation[..., Any]) -> list[Case]:
    """Cases on which every mutant differs that is not equivalent: without long axes and without axes of size 1."""
    suite = standard_suite(equation, lambda name: smallest(equation, name) if name != "batch" else 1, (0,))
    rare = few(equation.definition)
    plain = (description for description in suite if description.layout == "contiguous")
    return [
        make(equation, description, "float64")
        for description in plain
        if all(size <= EQUIVALENCE_SIZES and (size > 1 or name in rare) for name, size in description.sizes)
    ]


def stacked(cases: Sequence[Case]) -> list[Case]:
    """Stack cases of equal sizes and options into one case, along a new leading axis of its arrays."""
    groups: dict[object, list[Case]] = {}
    for case in cases:
        groups.setdefault((case.outline, case.finite), []).append(case)
    return [
        replace(group[0], arrays={name: np.stack([case.arrays[name] for case in group]) for name in group[0].arrays})
        for group in groups.values()
    ]


@dataclass(frozen=True)
class _Bounds:
    """By how much rounding in float64 may change each value of an equation on a case."""

    definition: Definition
    case: Case

    @cached_property
    def of_outputs(self) -> list[NDArray[Any]]:
        """The bound of each element of each output; where it is undecidable, by what values count as equal."""
        tree, policy = lift_over_batch(self.definition, self.case), preset("op-by-op", "float64")
        found = noise(tree, self.case.arrays, self.case.options, policy)
        return [np.where(each.undecidable, EQUIVALENT * _scale(each.value), each.bound) for each in found]


def _scale(values: NDArray[Any]) -> float:
    """The largest finite magnitude of values."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _how_they_differ(wrong: Sequence[NDArray[Any]], right: Sequence[NDArray[Any]], bounds: _Bounds) -> str:
    """How values differ on the examples of a stacked case: VALUE, OVERFLOW, or "" if they do not."""
    arrays = bounds.case.arrays
    count = len(next(iter(arrays.values()))) if arrays else 0
    examples = [([a[k] for a in wrong], [b[k] for b in right]) for k in range(count)]
    differing = [pair for pair in examples or [([*wrong], [*right])] if differ(*pair)]
    if any(differ_where_finite(*pair) for pair in differing):
        if any(left.shape != right.shape for left, right in zip(wrong, right, strict=True)):
            return VALUE
        with np.errstate(invalid="ignore"):  # variants are evaluated at once, which rounds otherwise than one alone
            far = [np.abs(a - b) > bound for a, b, bound in zip(wrong, right, bounds.of_outputs, strict=True)]
        return VALUE if any(bool(each.any()) for each in far) else ""
    return OVERFLOW if differing else ""


def differ_where_finite(a: Sequence[NDArray[Any]], b: Sequence[NDArray[Any]]) -> bool:
    """Whether two answers that differ do so in elements where both are finite."""
    if any(left.shape != right.shape for left, right in zip(a, b, strict=True)):
        return True
    finite = [np.isfinite(left) & np.isfinite(right) for left, right in zip(a, b, strict=True)]
    return differ(
        [np.where(s, x, 0) for s, x in zip(finite, a, strict=True)],
        [np.where(s, x, 0) for s, x in zip(finite, b, strict=True)],
    )
