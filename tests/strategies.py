"""Every generator of the tests: a small description is drawn, and the arrays are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from hypothesis import strategies as st

from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.layers import sizes_of
from attnspec.properties.property import Property
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.distributions import HIDDEN, REGIMES
from attnspec.verification.cases.search import Menu
from attnspec.verification.properties.relations import nearest_sizes

SIZES = (1, 2, 3, 4, 5, 8, 9, 0)
"""Sizes of an axis, the simplest first: a failing case shrinks towards it."""

MOST = {"H": 3, "L": 3, "t": 5}
"""The largest size of an axis along which a case costs most."""

MASKS = ("open", "empty rows")
"""Regimes that say something of masks alone."""


def random_draws(choices: Menu) -> st.SearchStrategy[Description]:
    """Descriptions as the verifier draws them, which Hypothesis can shrink."""
    return st.randoms(use_true_random=False).map(choices.draw)


def descriptions(id: str, law: Property | None = None) -> st.SearchStrategy[Description]:
    """Descriptions of a single example of an equation, of the sizes that a property needs."""
    equation = REGISTRY[id]
    sizes = st.fixed_dictionaries({name: _sizes(equation, name) for name in sizes_of(equation.definition)})
    return st.builds(
        Description,
        sizes=sizes.map(lambda drawn: tuple((nearest_sizes(law, drawn) if law else drawn).items())),
        regime=st.sampled_from(_regimes(equation)),
        seed=st.integers(0, 2**16),
    )


def cases(id: str, law: Property | None = None, dtype: str = "float64") -> st.SearchStrategy[Case]:
    """Single examples of an equation, of the sizes that a property needs."""
    return descriptions(id, law).map(lambda description: make(REGISTRY[id], description, dtype))


def a_few(
    law: Property,
    count: int,
    dtype: str = "float64",
    equal: Iterable[tuple[str, str]] = (),
    regimes: tuple[str, ...] = (),
) -> Iterator[Case]:
    """The same cases each time, of ordinary sizes: for what costs too much to ask of every case that can be drawn.

    Args:
        equal: pairs of sizes to be equal besides those that the property needs.
        regimes: the regimes to go through; left out, all.
    """
    equation = REGISTRY[law.equation]
    generator = np.random.Generator(np.random.Philox(len(law.name)))
    chosen = regimes or _regimes(equation)
    for seed in range(count):
        sizes = {name: int(generator.integers(2, 6)) for name in sizes_of(equation.definition)}
        regime = chosen[(seed + len(law.name)) % len(chosen)]
        yield make(equation, Description(tuple(_made_equal(law, sizes, equal).items()), regime, seed=seed), dtype)


def _made_equal(law: Property, sizes: Mapping[str, int], equal: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Sizes equal in pairs, those of a property too; a pair may share a size with another."""
    found = nearest_sizes(law, sizes)
    for first, second in (*equal, *law.equal, *equal):
        if first in found and second in found:
            found[first] = found[second] = max(found[first], found[second])
    return nearest_sizes(law, found)


def _sizes(equation: Equation[..., object], name: str) -> st.SearchStrategy[int]:
    least = smallest(equation, name)
    return st.sampled_from([size for size in SIZES if least <= size <= MOST.get(name, max(SIZES))])


def _regimes(equation: Equation[..., object]) -> tuple[str, ...]:
    masked = any(parameter.kind == "bool" for parameter in equation.definition.parameters)
    return tuple(name for name in REGIMES if name != HIDDEN and (masked or name not in MASKS))
