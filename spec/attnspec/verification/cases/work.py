"""About how long a case takes to judge, by its sizes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from attnspec.interpreters.cost.cost import Cost, cost
from attnspec.language import layers
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import sized

STEP = 1_000
"""Measured: elements in the time of one step of a recurrence."""


@lru_cache(maxsize=256)
def _counted(definition: Definition) -> Cost:
    return cost(definition)


def work(definition: Definition, sizes: Mapping[str, int]) -> int:
    """About how much the noise of a case costs: the elements that are computed, and for each step of a recurrence as
    much as for `STEP` elements.
    """
    each = sized(definition, sizes)
    counted = _counted(layers.of_count(definition, each.get(layers.COUNT, 1)))
    elements = counted.at(counted.inputs + counted.parameters + counted.outputs + counted.elementwise, each)
    return elements + counted.at(counted.products, each) // 16 + STEP * counted.at(counted.steps, each)
