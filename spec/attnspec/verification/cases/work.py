"""About how long a case takes to judge, by its sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import combinations

from attnspec.interpreters.cost.cost import Cost, cost
from attnspec.language import layers
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Description, sized

STEP = 1_000
"""Measured: elements in the time of one step of a recurrence."""

MOST_WORK = 5_000_000
"""Convention: the work of a case of the fixed suite or with padding. Only products of several long axes exceed it, such
as r·G heads of full tiles, which take gigabytes; the axes are then shorter."""

MOST_ASKED = 200_000_000
"""Convention: no case with more work is asked: a claim of huge sizes alone would take all memory of the judge."""


@lru_cache(maxsize=256)
def _counted(definition: Definition) -> Cost:
    return cost(definition)


def work(definition: Definition, sizes: Mapping[str, int], examples: int = 1) -> int:
    """About how much the noise of a case costs: the elements that are computed for all examples, and for each step of a
    recurrence as much as for `STEP` elements.
    """
    counted, each = _at(definition, sizes)
    elements = counted.at(counted.inputs + counted.parameters + counted.outputs + counted.elementwise, each)
    elements += counted.at(counted.products, each) // 16
    return examples * elements + STEP * counted.at(counted.steps, each)


def repetitions(definition: Definition, sizes: Mapping[str, int]) -> int:
    """How often most of an equation is evaluated: in each layer, at each step of a recurrence, and at least once."""
    counted, each = _at(definition, sizes)
    return max(1, counted.at(counted.steps, each)) * max(1, sizes.get(layers.COUNT, 1))


def _at(definition: Definition, sizes: Mapping[str, int]) -> tuple[Cost, dict[str, int]]:
    """The cost of an equation with the layers of a case, and all sizes of the case."""
    each = sized(definition, sizes)
    return _counted(layers.of_count(definition, each.get(layers.COUNT, 1))), each


def axes_together(definition: Definition) -> list[tuple[str, ...]]:
    """The pairs of axes that some array of an equation has together: an argument, a result or one in between.

    Weights do not count: a kernel is not called with large ones alone.
    """
    counted = _counted(layers.of_count(definition, 1))
    products = (names for names, _ in (counted.inputs + counted.outputs + counted.elementwise).terms)
    return [*dict.fromkeys(pair for names in products for pair in combinations(dict.fromkeys(names), 2))]


def shortened(description: Description, definition: Definition, least: Callable[[str], int]) -> Description:
    """The description, with its longest axes halved as long as its work is more than `MOST_WORK`."""
    sizes = dict(description.sizes)
    while work(definition, sizes) > MOST_WORK:
        longest = max(sizes.values())
        halved = {name: max(size // 2, least(name), 1) for name, size in sizes.items() if size == longest}
        if all(sizes[name] == size for name, size in halved.items()):
            break
        sizes |= halved
    return replace(description, sizes=tuple(sizes.items()))
