"""Derived gradients are those that were written by hand, to 57 digits: both in balls, which overlap and are small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.language.equation import Equation
from attnspec.verification.cases.case import Case, Description, make, smallest

flint = pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.interpreters.balls.ball import Ball  # noqa: E402  # after the extra is known to be there
from attnspec.interpreters.balls.value import value_in_balls  # noqa: E402  # as above

DIGITS = 57
BITS = 256
"""57 digits have 190 bits; what sums and recurrences lose is far less than the other 66."""

NO_SLOPE = "backward.embedding_padding_idx"
"""By intent: its row of padding gets no gradient."""

BY_HAND = sorted(each.id for each in REGISTRY.values() if isinstance(each, Equation) and each.gradient_of)


def case_of(equation: Equation[..., Any]) -> Case:
    """A small case of ordinary values, with sizes that differ."""
    names = dict.fromkeys(name for parameter in equation.definition.parameters for name in sizes(parameter))
    described = tuple((name, max(2 + place % 3, smallest(equation, name))) for place, name in enumerate(names))
    return make(equation, Description(described, "ordinary", seed=5), "float64")


def sizes(parameter: Any) -> Sequence[str]:
    return [name for dim in parameter.dims for name in dim.names]


def gradients(id: str) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The gradient in balls, as derived and as written by hand, of the same arguments."""
    by_hand = REGISTRY[id]
    derived = REGISTRY[by_hand.gradient_of].gradient()
    case = case_of(by_hand)
    pairs = zip(derived.definition.parameters, by_hand.definition.parameters, strict=True)
    renamed = {**{mine.name: case.arrays[theirs.name] for mine, theirs in pairs}, **case.options}
    return value_in_balls(derived.definition, renamed, BITS), value_in_balls(by_hand.definition, case.arguments, BITS)


def is_equal(one: Any, other: Any) -> bool:
    """Whether two balls overlap and both are smaller than the last of 57 digits."""
    least = flint.arb(10) ** -DIGITS
    small = all(each.value.rad() <= least * (1 + abs(each.value)) for each in (one, other))
    return small and bool(one.value.overlaps(other.value))


def all_equal(found: Any, expected: Any) -> bool:
    pairs = zip(np.asarray(found).flat, np.asarray(expected).flat, strict=True)
    return all(is_equal(*pair) if isinstance(pair[0], Ball) else pair[0] == pair[1] for pair in pairs)


@pytest.mark.parametrize("id", [id for id in BY_HAND if id != NO_SLOPE])
def test_derived_gradients_are_those_by_hand_to_57_digits(id: str) -> None:
    """Every element of every result."""
    derived, by_hand = gradients(id)

    assert [each.shape for each in derived] == [each.shape for each in by_hand]
    assert all(map(all_equal, derived, by_hand))


def test_57_digits_tell_a_gradient_from_one_that_is_off_in_the_50th() -> None:
    derived, by_hand = gradients("backward.layer_norm")
    off = by_hand[0] * (1 + Ball(flint.arb(10) ** -50))

    assert all_equal(derived[0], by_hand[0])
    assert not all_equal(derived[0], off)
