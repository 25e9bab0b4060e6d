"""Cases at the numbers that are written in a candidate's code: sizes and options of these values and their neighbours.

A kernel with a 48 in it may change its ways at 48 rows, where no fixed case is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from attnspec.language.equation import Equation
from attnspec.verification.cases.case import FEW, Description, within
from attnspec.verification.cases.describer import Describer
from attnspec.verification.cases.distributions import extreme_values
from attnspec.verification.cases.grid import EDGES, MOST_WORK
from attnspec.verification.cases.work import work

FIRST_SEED = 7_000
"""Of these cases; those of the grid are below."""

MOST_SIZES, MOST_VALUES = 24, 12
"""Conventions: how many cases have a size, and how many an option, from the code."""

IN_SOURCES = 4
"""Convention: of a source that the caller names, so many times as many: it has more numbers, and is meant."""

CODE = "the code"
"""Where the numbers of the candidate's own Python code are, in words."""

MOST_EXAMPLES, WORK_OF_MANY = 520, 4 * MOST_WORK
"""Conventions: the largest number of examples of any equation, and the work of a case with more of them."""


def written(
    equation: Equation[..., Any],
    least: Callable[[str], int],
    batches: tuple[int, ...],
    numbers: Mapping[str, Sequence[float]],
) -> Iterator[Description]:
    """The cases at some numbers, as far as they are claimed.

    Args:
        least: the smallest size of an axis that is asked; "batch" is every batch axis.
        batches: the numbers of leading batch axes that are asked, at least one.
        numbers: {where they are, in words: the numbers}; `CODE` is the code of the candidate, the others are sources.
    """
    made, seen = Describer(equation, least, batches, iter(range(FIRST_SEED, 10_000)), special=True), set[float]()
    for where, given in numbers.items():
        new, times = [number for number in given if number not in seen], 1 if where == CODE else IN_SOURCES
        seen |= {*new}
        yield from islice(_sizes(made, new, where), times * MOST_SIZES)
        yield from islice(_values(made, new, where), times * MOST_VALUES)


def _sizes(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """One axis at a time, of a number and of one more; and as many examples."""
    whole = [int(number) for number in numbers if number.is_integer() and max(made.usual.values(), default=0) < number]
    for number in dict.fromkeys(whole):
        for size in (number, number + 1):
            for name in made.names:
                if made.equation.definition.role(name) in FEW or within(made.equation, name, size) != size:
                    continue
                description = made.at(f"{name} = {size}, near a {number} in {where}", made.plain, {name: size})
                if size not in EDGES and work(made.equation.definition, dict(description.sizes)) <= MOST_WORK:
                    yield description
            several = [axes for axes in made.batches if axes]
            many = work(made.equation.definition, made.usual, size) <= WORK_OF_MANY
            if several and (size <= MOST_EXAMPLES or many):
                batch = (*(1,) * (min(several) - 1), size)
                yield made.at(f"{size} examples, near a {number} in {where}", batch)


def _values(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """Each option at a number, a little less and a little more, within the ends that it is drawn from."""
    ends: dict[str, list[float]] = {}
    for name, value in extreme_values(made.equation):
        ends.setdefault(name, []).append(value)
    kinds = {option.name: option.kind for option in made.equation.definition.options}
    for name, values in ends.items():
        for number in dict.fromkeys(numbers):
            near = (number - 1, number, number + 1) if kinds[name] == "int" else (0.9 * number, number, 1.1 * number)
            for value in near:
                if min(values) <= value <= max(values) and (kinds[name] != "int" or value.is_integer()):
                    why = f"{name} = {value:g}, near a {number:g} in {where}"
                    yield made.at(why, made.batch, options=((name, value),))
