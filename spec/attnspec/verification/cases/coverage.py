"""Coverage: what was asked of a candidate, counted by kind of configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from attnspec.interpreters.evaluation.call import fit
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.verification.cases.case import LAYOUT_WORDS, Case

Cell = tuple[str, str, int]
"""What varies, such as "batch axes" or the name of a size; its value in words; in how many cases it has this value."""


def coverage(cases: Sequence[Case], equation: Equation[..., Any]) -> tuple[Cell, ...]:
    """Count the configurations of cases: batch axes, sizes, memory layouts, values, options."""
    counted: dict[str, Counter[Hashable]] = {}
    for case in cases:
        for what, value in _configuration(case, equation):
            counted.setdefault(what, Counter())[value] += 1
    return tuple(
        (what, str(value), count)
        for what, values in counted.items()
        for value, count in sorted(values.items(), key=lambda item: _order(item[0]))
    )


def _configuration(case: Case, equation: Equation[..., Any]) -> Iterator[tuple[str, Hashable]]:
    """What varies between cases, each with its value in a case."""
    described = case.description
    sizes = dict(described.sizes) if described is not None else _sizes(case, equation)
    batch = described.batch if described is not None else _batch(case, equation)
    yield "batch axes", len(batch)
    for size in batch:
        yield "size of a batch axis", size
    for name, size in sizes.items():
        yield f"size {name}", size
    yield "memory", LAYOUT_WORDS[case.layout].removeprefix("inputs ")
    yield "values", "recorded" if described is None else described.regime
    for name, pattern in described.patterns if described is not None else ():
        yield f"values of {name}", pattern
    for name, value in case.options.items():
        yield f"option {name}", value if isinstance(value, bool | int | str) else float(f"{value:.3g}")


def _sizes(case: Case, equation: Equation[..., Any]) -> dict[str, int]:
    """The named sizes of a case without a description."""
    shapes = {name: array.shape for name, array in case.arrays.items()}
    return dict(fit(equation.definition, shapes, case.options)[0])


def _batch(case: Case, equation: Equation[..., Any]) -> tuple[int, ...]:
    """The batch axes of a case without a description."""
    parameters = layers.written_out(equation.definition, case.arrays).parameters
    shapes = (case.arrays[each.name].shape[: case.arrays[each.name].ndim - len(each.dims)] for each in parameters)
    return max(shapes, key=len, default=())


def _order(value: Hashable) -> tuple[int, float, str]:
    """Numbers come by size, then words in alphabetical order."""
    return (0, float(value), "") if isinstance(value, bool | int | float) else (1, 0.0, str(value))
