"""The grid: small cases in which one thing at a time is special, asked in every verdict after the fixed suite.

Real faults hide where ordinary cases do not go: a bias of zero, a row of equal values, a whole tile of masked keys, an
axis of 2,049, a view of a larger array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from attnspec.interpreters.conditions import conditions, indices_of
from attnspec.interpreters.evaluation.call import outputs
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.traversal import nodes
from attnspec.language.tree import At, Name, Parameter, Position, Reduce
from attnspec.verification.cases.case import FEW, LAYOUTS, Description, make, within
from attnspec.verification.cases.describer import Describer
from attnspec.verification.cases.distributions import (
    UNBOUNDED,
    distribution_of,
    draws_from,
    extreme_values,
    regime_applies,
)
from attnspec.verification.cases.patterns import FLOAT_PATTERNS, INT_PATTERNS, MASK_PATTERNS
from attnspec.verification.cases.work import MOST_ASKED, axes_together, shortened, work

FIRST_SEED = 4_000
"""Of the grid; those of the fixed suite are below."""

EDGES = (16, 31, 64, 128, 777, 1025, 2049, 4097)
"""Sizes along one axis at a time: full tiles, one less, between the longest ones of kernels, and one more.

The fixed suite has others: 1 to 3, 33, 65, 129, 160, 288, 300 and 1,100.
"""

MOST_WORK = 60_000
"""Convention: the work of a cell; an axis is no longer where this would be exceeded."""

LONG, LONGEST_SUM, MOST_LONG_WORK = 1025, EDGES[-1], 2 * MOST_WORK
"""The size beyond which kernels take other paths, and places are not exact in bfloat16; the one along which a sum in
half precision stops growing or loses its small terms; the work of a case in which one axis alone is as long."""

VECTOR = 8
"""The width of rows that kernels read at once, and put several of in a tile."""

SEVERAL_TILES = 65
"""The size of an axis that several tiles of rows take, each with largest values of its own."""

MANY_EXAMPLES, MOST_SUMMED_WORK = 129, 4 * MOST_WORK
"""Examples of a case with an axis of several tiles: one beyond the longest block of those that are summed together; and
the work of such a case."""

TIED = 391
"""The size of an axis on which elements tie: threads, 32 to 256 of them, compare their own elements first."""

LAST_OF_ONE = (33, 17, 9)
"""The size of all axes in a layout, the first that is not too much work: one more than full tiles of up to 32."""

BELOW_ONE = 41
"""The smallest whole number whose product with its reciprocal in float32 is below 1: the row of a place in a flat
array, found by such a product, is then one too low."""

WIDE_ROW = 17
"""The width of rows of which 4,097 lie beyond 65,536 numbers, which 16 bits count."""

UNBOUNDED_PATTERNS = ("large", "negative", "one-hot")
"""Patterns of what may have any values."""

SEVERAL_HEADS, MORE_HEADS = 5, 7
"""Heads, groups or experts where all values are below 0, or far below: some are left that code does not choose, and
may read as 0. No tile ends at the same place in both."""

ALIKE = ("mixed", "shared")
"""Layouts that need arguments of equal shapes."""

MASKED_KEYS = 161
"""Keys of a case of padding: more than the longest padding, so that some are left behind it."""

COUNTED = 65_537
"""The size of all axes of a count: a product of two is more than 32 bits count, and no float32."""

HIDING_PLACES, MOST_HIDDEN_WORK = 129, 3 * MOST_WORK
"""The size of both axes whose places hide one another: one beyond the longest tile. The work of such a case."""


def grid(
    equation: Equation[..., Any], least: Callable[[str], int], batches: tuple[int, ...], *, half: bool = False
) -> Iterator[Description]:
    """The cells of the grid, as far as they are claimed.

    Args:
        least: the smallest size of an axis that is asked; "batch" is every batch axis.
        batches: the numbers of leading batch axes that are asked, at least one.
        half: whether the dtype is one of half precision, in which long sums are asked too.
    """
    made = Describer(equation, least, batches, iter(range(FIRST_SEED, 10_000)), special=True)
    yield from _values(made)
    yield from _opposite(made)
    yield from _cancelling(made)
    yield from _single(made)
    yield from _options(made)
    yield from _masks(made)
    yield from _hidden_tiles(made)
    yield from _edges(made)
    yield from _tiles_of_several(made)
    yield from _ties(made)
    yield from _memory(made)
    yield from _large_values(made)
    yield from _flat_places(made)
    yield from _wide_tables(made)
    yield from _large_counts(made)
    yield from _long(made, 0, LONG)
    yield from _narrow(made)
    yield from _zero_rows(made)
    if half:
        yield from _long(made, LONG, LONGEST_SUM)
        yield from _long(made, LONG, LONGEST_SUM, of_one_sign=True)
    else:  # in half precision so many examples would decide under which policy all cases are judged
        yield from _many_examples(made)


def _values(made: Describer) -> Iterator[Description]:
    """Each argument in turn has a pattern: a weight or state of zero, a row of equal values, one token everywhere."""
    for parameter in _parameters(made):
        for pattern in _patterns(made, parameter):
            why, patterns = f"{parameter.name} {pattern}", ((parameter.name, pattern),)
            sizes = dict.fromkeys(made.of_role("heads"), SEVERAL_HEADS) if pattern == "negative" else {}
            description = made.at(why, batch=made.batch, sizes=sizes, patterns=patterns)
            if pattern != "large" or _stays_finite(made, description):
                yield description


def _stays_finite(made: Describer, description: Description) -> bool:
    """Whether the value of the equation is finite in float64: an infinity is not asked of finite inputs."""
    if work(made.equation.definition, dict(description.sizes)) > MOST_ASKED:
        return False
    arguments = make(made.equation, description, "float64").arguments
    return all(bool(np.isfinite(each).all()) for each in outputs(made.equation.definition, arguments))


def _patterns(made: Describer, parameter: Parameter) -> list[str]:
    """Of weights only zero; rows of equal values or equal rows only where there is such an axis."""
    if parameter.kind == "int":
        return list(INT_PATTERNS)
    if parameter.kind == "bool":
        return []
    if _is_weight(made, parameter):
        return ["zero"]
    bounded = distribution_of(made.equation, parameter.name) not in UNBOUNDED
    axes = len(parameter.dims) + len(made.batch)
    fewest = {"zero": 0, "large": 0, "negative": 0, "equal rows": 2}
    return [
        name
        for name in FLOAT_PATTERNS
        if axes >= fewest.get(name, 1)
        and name not in ("ties", "zero rows", "positive")  # which are asked in cells of their own
        and not (bounded and name in UNBOUNDED_PATTERNS)
    ]


def _zero_rows(made: Describer) -> Iterator[Description]:
    """All inputs have rows of zeros behind others, which code may take for padding that nobody declared."""
    inputs = [each for each in _parameters(made) if each.kind == "float" and not _is_weight(made, each)]
    rows = [each.name for each in inputs if len(each.dims) + len(made.batch) > 1]
    if rows:
        patterns = tuple((name, "zero rows") for name in rows)
        yield made.at("inputs zero rows", batch=made.batch, patterns=patterns)


def _opposite(made: Describer) -> Iterator[Description]:
    """One input in turn is minus hundreds, and all others are plus: scores that are all far below 0, say."""
    inputs = _unbounded_inputs(made)
    for name in inputs:
        patterns = tuple((each, "large negative" if each == name else "large positive") for each in inputs)
        sizes = dict.fromkeys(made.of_role("heads"), MORE_HEADS)
        why = f"{name} large negative, all others positive"
        description = made.at(why, batch=made.batch, sizes=sizes, patterns=patterns)
        if _stays_finite(made, description):
            yield description


def _cancelling(made: Describer) -> Iterator[Description]:
    """One input in turn is hundreds of either sign that sum to 0: parts of a sum are large, and the whole is not."""
    role = made.equation.definition.role
    even = {name: size + size % 2 for name, size in made.usual.items() if role(name) not in FEW}
    for name in _unbounded_inputs(made):
        description = made.at(f"{name} cancelling", made.batch, sizes=even, patterns=((name, "cancelling"),))
        if _stays_finite(made, description):
            yield description


def _unbounded_inputs(made: Describer) -> list[str]:
    """The floating-point arguments that are no weights and may have any values."""
    inputs = [each for each in _parameters(made) if each.kind == "float" and not _is_weight(made, each)]
    return [each.name for each in inputs if distribution_of(made.equation, each.name) in UNBOUNDED]


def _single(made: Describer) -> Iterator[Description]:
    """One axis in turn is 1 in a batch, with options at an end: what a decoder asks at each step."""
    options = tuple(dict(extreme_values(made.equation)).items())
    for name in made.names if made.batch else ():
        if made.equation.definition.role(name) not in FEW and made.least(name) <= 1:
            yield made.at(f"{name} = 1 in a batch", batch=made.batch, sizes={name: 1}, options=options)


def _options(made: Describer) -> Iterator[Description]:
    """Each option at its ends, on usual values, and where each input is zero or its rows are of equal values."""
    inputs = [each.name for each in _parameters(made) if each.kind == "float" and not _is_weight(made, each)]
    for name, value in extreme_values(made.equation):
        fixed = ((name, value),)
        yield made.at(f"{name} = {value:g}", batch=made.batch, options=fixed)
        for pattern in ("zero", "constant rows"):
            patterns = tuple((each, pattern) for each in inputs)
            yield made.at(f"{name} = {value:g}, inputs {pattern}", batch=made.batch, patterns=patterns, options=fixed)


def _masks(made: Describer) -> Iterator[Description]:
    """Padding before or behind, several tiles long."""
    for parameter in _parameters(made):
        keys = parameter.dims[-1:]
        if parameter.kind == "bool" and keys and str(keys[0]) in made.names:
            for pattern in MASK_PATTERNS:
                sizes = {str(keys[0]): MASKED_KEYS}
                padded = made.at(pattern, batch=made.batch, sizes=sizes, patterns=((parameter.name, pattern),))
                yield shortened(padded, made.equation.definition, made.least)


def _hidden_tiles(made: Describer) -> Iterator[Description]:
    """Whole tiles are hidden, by a mask or by places, and the scores of all others are far below 0.

    A running largest score that begins at 0 stays there where the first tiles hide everything.
    """
    definition, inputs = made.equation.definition, _unbounded_inputs(made)
    if len(inputs) < 2:
        return
    by_places = {name for each in conditions(definition) for index in indices_of(each) for name in _axes(made, index)}
    asked = [("places hidden", "", dict.fromkeys(by_places, HIDING_PLACES))] if len(by_places) > 1 else []
    for parameter in _parameters(made):
        keys = str(("", *parameter.dims)[-1])
        if parameter.kind == "bool" and keys in made.names:
            asked += [(pattern, parameter.name, {keys: MASKED_KEYS}) for pattern in MASK_PATTERNS]
    small = made.alike(2, few=1)
    for why, mask, sizes in asked:
        for below in inputs[:2]:  # of a gradient the first one is no factor of a score
            signs = tuple((each, "large negative" if each == below else "large positive") for each in inputs)
            patterns = (*signs, (mask, why)) if mask else signs
            description = made.at(f"{why}, {below} far below 0", made.plain, small | sizes, patterns=patterns)
            fits = all(within(made.equation, name, size) == size for name, size in sizes.items())
            is_cheap = fits and work(definition, dict(description.sizes)) <= MOST_HIDDEN_WORK
            if is_cheap and _stays_finite(made, description):
                yield description


def _axes(made: Describer, index: str) -> list[str]:
    """The named sizes along which an index runs that may be long."""
    definition = made.equation.definition
    return [name for name in definition.ranges[index].names if name in made.names and definition.role(name) not in FEW]


def _edges(made: Describer) -> Iterator[Description]:
    """One axis at a time at the edges of tiles, and as long as the cost allows."""
    for name in made.names:
        if made.equation.definition.role(name) in FEW:
            continue
        sizes = (within(made.equation, name, size) for size in EDGES)
        for size in dict.fromkeys(size for size in sizes if size > made.usual[name]):
            description = made.at(f"{name} = {size}", batch=made.plain, sizes={name: size})
            if _is_edge(made, name, size):
                yield description


def is_of_grid(made: Describer, name: str, size: int) -> bool:
    """Whether the grid asks a size of an axis beside the usual ones of the others."""
    return size in EDGES and _is_edge(made, name, size)


def _is_edge(made: Describer, name: str, size: int) -> bool:
    """Whether a size is larger than the usual one, and not too much work beside the others."""
    return size > made.usual[name] and work(made.equation.definition, made.all_sizes({name: size})) <= MOST_WORK


def _tiles_of_several(made: Describer) -> Iterator[Description]:
    """All axes of a result several tiles long, or two that arrays have together, and the others 2: tiles that are
    neither in the first row nor column.
    """
    definition = made.equation.definition
    results = [tuple(name for name in map(str, result.dims) if name in made.names) for result in definition.results]
    for axes in {frozenset(axes): axes for axes in (*axes_together(definition), *results)}.values():
        if len(axes) > 1 and (sizes := several_long(made, axes, SEVERAL_TILES)):
            yield made.at(f"{' and '.join(axes)} = {SEVERAL_TILES}, all others 2", batch=made.plain, sizes=sizes)


def _many_examples(made: Describer) -> Iterator[Description]:
    """Of gradients, which are summed over examples: each axis in turn several tiles long in many of them, so that
    blocks of rows meet tiles of columns.
    """
    definition = made.equation.definition
    for name in made.names if made.batch and made.equation.gradient_of else ():
        batch, sizes = (*made.batch[:-1], MANY_EXAMPLES), made.alike(2, few=1) | {name: SEVERAL_TILES}
        fits = definition.role(name) not in FEW and within(made.equation, name, SEVERAL_TILES) == SEVERAL_TILES
        if fits and work(definition, made.all_sizes(sizes), MANY_EXAMPLES) <= MOST_SUMMED_WORK:
            yield made.at(f"{MANY_EXAMPLES} examples, {name} = {SEVERAL_TILES}", batch, sizes)


def several_long(made: Describer, axes: tuple[str, ...], size: int, most: int = MOST_LONG_WORK) -> dict[str, int]:
    """Sizes of which some have this one, and all others are 2; none if that is not claimed, or too much work."""
    definition = made.equation.definition
    sizes = made.alike(2, few=1) | dict.fromkeys(axes, size)
    fits = all(definition.role(name) not in FEW and within(made.equation, name, size) == size for name in axes)
    return sizes if fits and work(definition, made.all_sizes(sizes)) <= most else {}


def _large_values(made: Describer) -> Iterator[Description]:
    """One axis at a time is several tiles long, with large values: exp overflows less the maximum of another row."""
    definition = made.equation.definition
    if not regime_applies(made.equation, "overflowing") or not any(draws_from(made.equation, way) for way in UNBOUNDED):
        return
    for name in made.names:
        size = within(made.equation, name, SEVERAL_TILES)
        if definition.role(name) in (*FEW, "steps") or size <= made.usual[name]:
            continue
        why = f"{name} = {size}, large values"
        description = made.at(why, regime="overflowing", batch=made.plain, sizes={name: size})
        if work(definition, dict(description.sizes)) <= MOST_WORK:
            yield description


def _long(made: Describer, least: int, most: int, *, of_one_sign: bool = False) -> Iterator[Description]:
    """Each axis in turn much longer than all others, which have size 2, if its edges reach `least` and not `most`.

    Args:
        of_one_sign: whether arguments along the axis are positive, so that their sums do not cancel: one that stops
            growing is then far off.
    """
    small = made.alike(2, few=1)
    for name in made.names:
        if made.equation.definition.role(name) in FEW:
            continue
        reached = _longest(made, name, made.usual, MOST_WORK)
        longest = _longest(made, name, small, MOST_LONG_WORK)
        if not least <= reached < most <= longest:
            continue
        along = [each.name for each in _parameters(made) if each.kind == "float" and name in map(str, each.dims)]
        patterns = tuple((each, "positive") for each in along if of_one_sign)
        if patterns or not of_one_sign:
            why = f"{name} = {longest}, all others 2" + ", positive" * of_one_sign
            yield made.at(why, batch=made.plain, sizes=small | {name: longest}, patterns=patterns)


def _narrow(made: Describer) -> Iterator[Description]:
    """Each axis in turn is long beside full vectors: many narrow rows, of which kernels take several at a time."""
    vectors = made.alike(VECTOR, few=1)
    for name in made.names:
        if made.equation.definition.role(name) not in FEW and within(made.equation, name, LONG) == LONG:
            description = made.at(f"{name} = {LONG}, all others {VECTOR}", made.plain, vectors | {name: LONG})
            if work(made.equation.definition, dict(description.sizes)) <= MOST_LONG_WORK:
                yield description


def _longest(made: Describer, name: str, others: dict[str, int], most: int) -> int:
    """The largest size at an edge that an axis may have beside those of other axes, if the work is not too much."""
    sizes = (within(made.equation, name, size) for size in EDGES)
    return max((size for size in sizes if work(made.equation.definition, others | {name: size}) <= most), default=0)


def _flat_places(made: Describer) -> Iterator[Description]:
    """Of equations that give whole numbers: rows of equal values, so that the first places of a row are chosen."""
    definition = made.equation.definition
    if all(result.kind != "int" for result in definition.results):
        return
    for parameter in _parameters(made):
        name = str(parameter.dims[-1]) if len(parameter.dims) > 1 else ""
        is_asked = parameter.kind == "float" and not _is_weight(made, parameter) and name in made.names
        if is_asked and within(made.equation, name, BELOW_ONE) == BELOW_ONE:
            sizes, patterns = {name: BELOW_ONE}, ((parameter.name, "constant rows"),)
            why = f"{name} = {BELOW_ONE}, {parameter.name} constant rows"
            description = made.at(why, batch=made.batch, sizes=sizes, patterns=patterns)
            if work(definition, dict(description.sizes)) <= MOST_WORK:
                yield description


def _wide_tables(made: Describer) -> Iterator[Description]:
    """Each table that whole numbers read at has more numbers than 16 bits count, and is read at its last rows."""
    definition = made.equation.definition
    parameters = {each.name: each for each in _parameters(made)}
    numbers = tuple((each.name, "in turn") for each in parameters.values() if each.kind == "int" and each.dims)
    read = {node.array.id for node in nodes(definition)
            if isinstance(node, At) and isinstance(node.array, Name) and not isinstance(node.places[0], Position)
            and any(isinstance(part, Name) for part in nodes(node.places[0]))}  # fmt: skip
    for name in sorted(read & parameters.keys()):
        axes = tuple(str(dim) for dim in parameters[name].dims)
        if len(axes) != 2 or not numbers or not {*axes} <= {*made.names}:
            continue
        rows, width = axes
        sizes = made.alike(2, few=1) | {rows: EDGES[-1], width: WIDE_ROW}
        fits = all(within(made.equation, axis, sizes[axis]) == sizes[axis] for axis in axes)
        if fits and work(definition, made.all_sizes(sizes)) <= MOST_LONG_WORK:
            yield made.at(f"last rows of {name}, {rows} = {EDGES[-1]}", made.plain, sizes, patterns=numbers)


def _large_counts(made: Describer) -> Iterator[Description]:
    """Of equations that count by sizes alone: all sizes so large that whole numbers of 32 bits overflow."""
    definition = made.equation.definition
    if definition.parameters or any(result.kind != "int" or result.dims for result in definition.results):
        return
    long = [name for name in made.names if definition.role(name) not in FEW]
    if sizes := {name: COUNTED for name in long if within(made.equation, name, COUNTED) == COUNTED}:
        yield made.at(f"all sizes {COUNTED}", batch=made.plain, sizes=sizes)


def _ties(made: Describer) -> Iterator[Description]:
    """Of an argument whose first largest element is taken: several are largest, also beyond a tile."""
    definition = made.equation.definition
    for node in nodes(definition):
        if not isinstance(node, Reduce) or node.op != "argmax" or not isinstance(node.term, At | Name):
            continue
        array = node.term.array if isinstance(node.term, At) else node.term
        if not isinstance(array, Name) or array.id not in {parameter.name for parameter in _parameters(made)}:
            continue
        for name in definition.ranges[node.index].names:
            size, patterns = within(made.equation, name, TIED), ((array.id, "ties"),)
            description = made.at(f"{name} = {size}, ties", batch=made.batch, sizes={name: size}, patterns=patterns)
            if work(definition, dict(description.sizes)) <= MOST_WORK:
                yield description


def _memory(made: Describer) -> Iterator[Description]:
    """Each layout but the contiguous one; in the largest number of axes, since some need three; then with last tiles of
    one place.
    """
    if not made.equation.definition.parameters:
        return
    most = Describer(made.equation, made.least, (max(made.batches),)).batch
    for layout in LAYOUTS[1:]:
        sizes = made.alike(4, few=2) if layout in ALIKE else None
        batch = made.plain if layout == "crossed" else most  # of two axes, it is stored by columns
        yield made.at(f"{layout} memory", batch=batch, sizes=sizes, layout=layout)
    for sizes in (made.alike(size, few=2) for size in LAST_OF_ONE):
        asked = [made.at(f"{each} memory, last tiles of one place", most, sizes, layout=each) for each in LAYOUTS[1:]]
        if work(made.equation.definition, dict(asked[0].sizes)) <= MOST_WORK:
            yield from asked
            return


def _parameters(made: Describer) -> tuple[Parameter, ...]:
    """The arguments that are arrays; of layers, those of the usual number of them."""
    definition = layers.of_count(made.equation.definition, made.usual.get(layers.COUNT, 1))
    return definition.parameters


def _is_weight(made: Describer, parameter: Parameter) -> bool:
    return parameter.symbol.weight
