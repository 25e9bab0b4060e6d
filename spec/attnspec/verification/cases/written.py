"""Cases at the numbers that are written in a candidate's code: sizes and options of these values and their neighbours.

A kernel with a 48 in it may change its ways at 48 rows, where no fixed case is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.tree import Option
from attnspec.verification.cases.case import FEW, Description, within
from attnspec.verification.cases.describer import Describer
from attnspec.verification.cases.distributions import extreme_values
from attnspec.verification.cases.grid import MOST_WORK, SEVERAL_TILES, is_of_grid, several_long
from attnspec.verification.cases.work import axes_together, work

FIRST_SEED = 7_000
"""Of these cases; those of the grid are below."""

MOST_SIZES, MOST_VALUES, MOST_PAIRS, MOST_BATCHES = 24, 12, 12, 6
"""Conventions: how many cases have a size from the code, how many an option, how many a size while another axis has
size 1 or is as long or an option is another number, and how many a small number of examples, a size beyond a mask of
bits or many rows of all examples."""

IN_SOURCES = 4
"""Convention: of a source that the caller names, so many times as many: it has more numbers, and is meant."""

CODE = "the code"
"""Where the numbers of the candidate's own Python code are, in words."""

MOST_EXAMPLES, WORK_OF_MANY = 520, 4 * MOST_WORK
"""Conventions: the largest number of examples of any equation, and the work of a case with more of them."""

MOST_OWN_WORK = 700_000
"""Convention: a loss of 100,001 classes costs less, and so do 257 queries of as many keys. A case at a number of the
code may cost so much, with all other axes short."""

BEYOND_BITS, MOST_MASKED_WORK = 8, 2 * MOST_OWN_WORK
"""Conventions: how many places are beyond a mask of bits, more than one since two may be alike; and the work of such a
case: attention of 65,544 queries costs less."""

MOST_ROWS_WORK = 3 * MOST_OWN_WORK
"""Convention: the work of a case of many rows of all examples: layer norm of 65,537 rows of two costs less."""


ROWS = 64
"""Convention: how many rows each example has in a case of many rows of all examples."""


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
        yield from islice(_beside_one(made, new, where), times * MOST_PAIRS)
        yield from islice(_few_examples(made, new, where), times * MOST_BATCHES)
        yield from islice(_on_two_axes(made, new, where), times * MOST_PAIRS)
        yield from islice(_with_options(made, new, where), times * MOST_PAIRS)
        yield from islice(_beyond_bits(made, new, where), times * MOST_BATCHES)
        yield from islice(_rows_of_all(made, new, where), times * MOST_BATCHES)


def _sizes(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """One axis at a time, of a number and of one more; and as many examples."""
    for number in _beyond_usual(made, numbers):
        for size in (number, number + 1):
            for name in _axes(made, size):
                if not is_of_grid(made, name, size) and (sizes := _affordable(made, {name: size})):
                    yield made.at(f"{name} = {size}, near a {number} in {where}", made.plain, sizes)
            several = [axes for axes in made.batches if axes]
            many = work(made.equation.definition, made.usual, size) <= WORK_OF_MANY
            if several and (size <= MOST_EXAMPLES or many):
                batch = (*(1,) * (min(several) - 1), size)
                yield made.at(f"{size} examples, near a {number} in {where}", batch)


def _beyond_usual(made: Describer, numbers: Sequence[float]) -> list[int]:
    """The whole numbers that are larger than the usual sizes."""
    largest = max(made.usual.values(), default=0)
    return list(dict.fromkeys(int(number) for number in numbers if number.is_integer() and number > largest))


def _axes(made: Describer, size: int) -> list[str]:
    """The axes that may have a size."""
    role = made.equation.definition.role
    return [name for name in made.names if role(name) not in FEW and within(made.equation, name, size) == size]


def _affordable(made: Describer, fixed: Mapping[str, int], most: int = MOST_OWN_WORK) -> dict[str, int]:
    """Some sizes, and those of other axes made smaller as far as the cost wants it; none if it is too high."""
    definition, sizes = made.equation.definition, {**made.usual, **fixed}
    while work(definition, sizes) > MOST_WORK:
        smaller = {name: max(size // 2, 2, made.least(name)) for name, size in sizes.items() if name not in fixed}
        if all(sizes[name] <= size for name, size in smaller.items()):
            return sizes if work(definition, sizes) <= most else {}
        sizes |= {name: min(size, sizes[name]) for name, size in smaller.items()}
    return sizes


def _beside_one(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """One axis beyond a number while another one has size 1, as the queries of a decoder have."""
    for number in _beyond_usual(made, numbers):
        for one in _axes(made, 1):
            for name in _axes(made, number + 1):
                fixed = {name: number + 1, one: 1}
                if len(fixed) > 1 and made.least(one) <= 1 and (sizes := _affordable(made, fixed)):
                    yield made.at(f"{name} = {number + 1}, {one} = 1, near a {number} in {where}", made.plain, sizes)


def _on_two_axes(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """Two axes that arrays have together, both beyond a number: the second tile of queries reads that of keys."""
    for number in _beyond_usual(made, numbers):
        for axes in axes_together(made.equation.definition):
            if number + 1 > SEVERAL_TILES and (sizes := several_long(made, axes, number + 1, MOST_OWN_WORK)):
                yield made.at(f"{' and '.join(axes)} = {number + 1}, near a {number} in {where}", made.plain, sizes)


def _with_options(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """One axis of a number while an option is another one: a path may be that of 128 experts of which 8 are chosen."""
    for number in _beyond_usual(made, numbers):
        others = [other for other in numbers if other != number]
        values = [(each.name, value) for each in _free_options(made) for value in _drawable(made, each, others)]
        for (option, value), name in product(values, _axes(made, number)):
            if sizes := _affordable(made, {name: number}):
                why = f"{name} = {number}, {option} = {value:g}, numbers in {where}"
                yield made.at(why, made.plain, sizes, options=((option, value),))


def _beyond_bits(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """One axis with places of which a mask of bits, a number such as 255, leaves those of the first ones."""
    for number in _beyond_usual(made, numbers):
        size = number + 1 + BEYOND_BITS
        for name in _axes(made, size) if number & (number + 1) == 0 else ():
            if sizes := _affordable(made, {name: size}, MOST_MASKED_WORK):
                yield made.at(f"{name} = {size}, beyond a mask of {number} in {where}", made.plain, sizes)


def _rows_of_all(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """More rows of all examples together than a number, as of a grid, where so many examples cost too much.

    An example is one row if no argument but weights has rows.
    """
    several = [axes for axes in made.batches if axes]
    parameters = layers.of_count(made.equation.definition, made.usual.get(layers.COUNT, 1)).parameters
    rows = {str(each.dims[0]) for each in parameters if len(each.dims) > 1 and not each.symbol.weight}
    for number in _beyond_usual(made, numbers) if several else ():
        if number <= MOST_EXAMPLES or work(made.equation.definition, made.usual, number + 1) <= WORK_OF_MANY:
            continue
        each_of = [({name: ROWS}, ROWS) for name in _axes(made, ROWS) if name in rows] if rows else [({}, 1)]
        for fixed, count in each_of:
            batch = (*(1,) * (min(several) - 1), number // count + 1)
            for size in (2, 1):
                sizes = {other: max(size, made.least(other)) for other in made.names} | made.few(1) | fixed
                if work(made.equation.definition, sizes, batch[-1]) <= MOST_ROWS_WORK:
                    yield made.at(
                        f"{count * batch[-1]} rows of all examples, beyond a {number} in {where}", batch, sizes
                    )
                    break


def _few_examples(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """As many examples as a number says that is no larger than the usual sizes; one and two are always asked."""
    several, large = [axes for axes in made.batches if axes], _beyond_usual(made, numbers)
    for number in dict.fromkeys(int(number) for number in numbers if number.is_integer() and number > 2):
        if several and number not in large:
            yield made.at(f"{number} examples, a number in {where}", (*(1,) * (min(several) - 1), number))


def _values(made: Describer, numbers: Sequence[float], where: str) -> Iterator[Description]:
    """Each option at a number, a little less and a little more, within the ends that it is drawn from."""
    for option in _free_options(made):
        for number in dict.fromkeys(numbers):
            whole = option.kind == "int"
            near = (number - 1, number, number + 1) if whole else (0.9 * number, number, 1.1 * number)
            for value in _drawable(made, option, near):
                why = f"{option.name} = {value:g}, near a {number:g} in {where}"
                yield made.at(why, made.batch, options=((option.name, value),))


def _free_options(made: Describer) -> list[Option]:
    """The options that are numbers and neither sizes nor places."""
    free = {name for name, _ in extreme_values(made.equation)}
    return [option for option in made.equation.definition.options if option.name in free]


def _drawable(made: Describer, option: Option, numbers: Sequence[float]) -> list[float]:
    """The numbers within the ends that an option is drawn from."""
    ends = [value for name, value in extreme_values(made.equation) if name == option.name]
    within_ends = [number for number in numbers if min(ends) <= number <= max(ends)]
    return [number for number in within_ends if option.kind != "int" or number.is_integer()]
