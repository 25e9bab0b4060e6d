"""The values of mutants, and which mutants are not equivalent to their equation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.call import evaluate, fit
from attnspec.interpreters.mutation.mutants import Mutant, mutants
from attnspec.language.dims import Dim
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.tree import Definition
from attnspec.thresholds import EQUIVALENCE_SIZES, EQUIVALENT
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import FEW, Case, make, smallest
from attnspec.verification.cases.suite import standard_suite

VALUE, OVERFLOW = "value", "overflow"
"""How a mutant differs: in numbers, or only by what is not finite."""


def values(definition: Definition, case: Case) -> tuple[NDArray[Any], ...] | None:
    """The values of an equation or a mutant on a case, in float64; None if it cannot run on these sizes."""
    with np.errstate(all="ignore"):
        try:
            found = evaluate(lift_over_batch(definition, case), (), case.arguments)
        except (SpecError, ValueError, IndexError, ZeroDivisionError, OverflowError, TypeError):
            return None
    return found if isinstance(found, tuple) else (found,)


def mutant_values(
    mutant: Mutant, case: Case, dtype: str, overflowing: str = "float32"
) -> tuple[NDArray[Any], ...] | None:
    """The values of a mutant on a case, in float64, or in the format whose overflow makes it wrong."""
    if not mutant.in_storage or dtype == "float64":
        return values(mutant.definition, case)
    arrays = {name: a.astype(overflowing) if a.dtype.kind == "f" else a for name, a in case.arrays.items()}
    found = values(mutant.definition, replace(case, arrays=arrays))
    return None if found is None else tuple(array.astype(np.float64) for array in found)


def fits(mutant: Mutant, case: Case) -> bool:
    """Whether a mutant can run on a case: some need two sizes to be equal."""
    if not mutant.equal_sizes:
        return True
    shapes = {name: array.shape for name, array in case.arrays.items()}
    sizes = dict(case.description.sizes) if case.description else fit(mutant.definition, shapes, case.options)[0]
    return all(Dim.parse(a).value(sizes) == Dim.parse(b).value(sizes) for a, b in mutant.equal_sizes)


def differ(a: Sequence[NDArray[Any]] | None, b: Sequence[NDArray[Any]] | None) -> bool:
    """Whether two answers differ by more than float64 rounding."""
    if a is None or b is None:
        return False
    for left, right in zip(a, b, strict=True):
        if left.shape != right.shape:
            return True
        scale = max((float(np.abs(x[np.isfinite(x)]).max(initial=0.0)) for x in (left, right)), default=0.0)
        with np.errstate(invalid="ignore"):
            apart = np.abs(left - right) > EQUIVALENT * scale
        if bool((apart | (np.isfinite(left) != np.isfinite(right))).any()):
            return True
    return False


@lru_cache(maxsize=256)
def non_equivalent_mutants(id: str, finite: bool = True) -> tuple[Mutant, ...]:
    """The mutants of an equation that are not equivalent to it: each differs on some case, in float64.

    Args:
        finite: False counts what differs by NaN and infinity at masked places too.
    """
    equation = REGISTRY[id]
    cases = stacked([case for case in sample_cases(equation) if case.finite or not finite])
    together = sorted(cases, key=lambda case: case.elements)  # most mutants show where it costs least
    right = [values(equation.definition, case) for case in together]
    told = ((mutant, _ever_differs(mutant, together, right)) for mutant in mutants(equation))
    return tuple(replace(mutant, in_storage=True) if how == OVERFLOW else mutant for mutant, how in told if how)


def sample_cases(equation: Equation[..., Any]) -> list[Case]:
    """Small cases: no mutant is wrong only on long axes, or only on axes of 1."""
    told = standard_suite(equation, lambda name: smallest(equation, name) if name != "batch" else 1, (0,))
    plain = (each for each in told if each.layout == "contiguous")
    return [
        make(equation, each, "float64")
        for each in plain
        if all(size <= EQUIVALENCE_SIZES and (size > 1 or name in FEW) for name, size in each.sizes)
    ]


def stacked(cases: Sequence[Case]) -> list[Case]:
    """Cases of equal sizes and options joined into one, with their arrays along a new leading axis."""
    groups: dict[object, list[Case]] = {}
    for case in cases:
        sizes = tuple((name, array.shape) for name, array in case.arrays.items())
        groups.setdefault((sizes, tuple(case.options.items()), case.finite), []).append(case)
    return [
        replace(group[0], arrays={name: np.stack([case.arrays[name] for case in group]) for name in group[0].arrays})
        for group in groups.values()
    ]


def _ever_differs(mutant: Mutant, cases: list[Case], right: list[tuple[NDArray[Any], ...] | None]) -> str:
    """How a mutant differs from the equation on some case: `VALUE`, `OVERFLOW`, or "" if it never does."""
    how = ""
    for case, value in zip(cases, right, strict=True):
        found = mutant_values(mutant, case, "float32") if fits(mutant, case) else None
        if found is None or value is None:
            continue
        count = len(next(iter(case.arrays.values()))) if case.arrays else 0
        examples = [([a[k] for a in found], [b[k] for b in value]) for k in range(count)]
        examples = examples or [([*found], [*value])]
        apart = [pair for pair in examples if differ(*pair)]
        if any(_in_numbers(*pair) for pair in apart):
            return VALUE
        how = OVERFLOW if apart else how
    return how


def _in_numbers(a: Sequence[NDArray[Any]], b: Sequence[NDArray[Any]]) -> bool:
    """Whether two answers differ where both are finite."""
    if any(left.shape != right.shape for left, right in zip(a, b, strict=True)):
        return True
    seen = [np.isfinite(left) & np.isfinite(right) for left, right in zip(a, b, strict=True)]
    return differ(
        [np.where(s, x, 0) for s, x in zip(seen, a, strict=True)],
        [np.where(s, x, 0) for s, x in zip(seen, b, strict=True)],
    )
