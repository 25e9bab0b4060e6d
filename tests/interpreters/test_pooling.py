"""Axes of repeated places: what is computed on the distinct ones is what all places have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.pooling import largest_array, ordered_sizes, pooled, reduced_sizes
from attnspec.interpreters.rounding.in_parts import noise_in_parts
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.tree import Parameter
from attnspec.verification.cases.case import Case, Description, make

SIZES = {"t": 3, "d": 4, "u": 4, "c": 4, "H": 2, "L": 2, "v": 5}


def alike(equation: Equation[..., Any]) -> list[str]:
    """The sizes along which all places of an equation are alike."""
    if layers.of(equation.definition):
        return []
    ordered = ordered_sizes(equation.definition)
    return [name for name in sizes_of(equation.definition) if name not in ordered]


POOLED = [id for id, equation in REGISTRY.items() if alike(equation)]


def distinct_and_whole(id: str) -> tuple[Case, Case, dict[str, NDArray[np.int64]]]:
    """A case of an equation, a larger one of the same rows, and which of them stands at each place."""
    equation = REGISTRY[id]
    free = alike(equation)
    sizes = {name: 4 if name in free else SIZES.get(name, 3) for name in sizes_of(equation.definition)}
    small = make(equation, Description(tuple(sizes.items()), seed=3), "float32")
    entries = {name: np.array([2, 0, 1, 3, 0, 2, 2, 3, 2]) for name in free}
    arrays = {each.name: spread(small.arrays[each.name], each, entries) for each in equation.definition.parameters}
    options = {
        option.name: len(entries[option.size]) if option.size in entries else small.options[option.name]
        for option in equation.definition.options
    }
    return small, Case(arrays, options), entries


def spread(array: NDArray[Any], of: Parameter, entries: dict[str, NDArray[np.int64]]) -> NDArray[Any]:
    for place, dim in enumerate(of.dims):
        if str(dim) in entries:
            array = np.take(array, entries[str(dim)], axis=place)
    return array


def counts(entries: dict[str, NDArray[np.int64]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(map(int, np.bincount(each))) for name, each in entries.items()}


@pytest.mark.parametrize("id", POOLED)
def test_the_value_on_distinct_rows_is_that_on_all_rows(id: str) -> None:
    """For any equation: evaluated with counts on distinct rows, and spread, it is the equation on all rows."""
    definition = REGISTRY[id].definition
    small, whole, entries = distinct_and_whole(id)
    few = evaluate(pooled(definition, counts(entries)), (), small.arguments)
    many = evaluate(definition, (), whole.arguments)
    pairs = zip(few, many, strict=True) if isinstance(many, tuple) else [(few, many)]
    for result, (of_few, of_many) in zip(definition.results, pairs, strict=True):
        np.testing.assert_allclose(spread(of_few, result, entries), of_many, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("id", POOLED)
def test_the_noise_on_distinct_rows_is_not_less_than_that_on_all_rows(id: str) -> None:
    """For any equation: equal rows err equally or independently, so their noise is at least that of all rows.

    The simulated runs differ, since they are drawn by value: hence the factor.
    """
    definition, policy = REGISTRY[id].definition, preset("op-by-op", "float32")
    small, whole, entries = distinct_and_whole(id)
    few = noise(pooled(definition, counts(entries)), small.arrays, small.options, policy)
    many = noise(definition, whole.arrays, whole.options, policy)
    for result, of_few, of_many in zip(definition.results, few, many, strict=True):
        assert (spread(of_few.bound, result, entries) >= 0.6 * of_many.bound).all()
        assert (spread(of_few.sigma, result, entries) <= 6 * of_many.sigma + 1e-30).all()


@pytest.mark.parametrize("id", ["attention.masked", "recurrent.gru", "backward.scaled_dot_product", "attention.hard"])
@pytest.mark.parametrize("policy", ["op-by-op", "flash"])
def test_noise_in_parts_is_the_noise(id: str, policy: str) -> None:
    equation = REGISTRY[id]
    sizes = {name: SIZES.get(name, 5) for name in sizes_of(equation.definition)}
    case = make(equation, Description(tuple(sizes.items()), batch=(2,), seed=1), "bfloat16")
    under = preset(policy, "bfloat16")
    once = noise(equation.definition, case.arrays, case.options, under)
    parts = noise_in_parts(equation.definition, case.arrays, case.options, under, 0, None, at_once=7)
    for whole, part in zip(once, parts, strict=True):
        np.testing.assert_allclose(part.value, whole.value, rtol=1e-12)
        np.testing.assert_allclose(part.sigma, whole.sigma, rtol=1e-6)
        np.testing.assert_allclose(part.bound, whole.bound, rtol=1e-6)
        assert (part.undecidable == whole.undecidable).all()


def test_places_that_an_equation_tells_apart_are_not_pooled() -> None:
    ordered = ordered_sizes(REGISTRY["attention.causal"].definition)
    assert ordered["n"] == "i is a number in it"
    assert ordered["m"] == "j is a number in it"
    assert "t" in ordered_sizes(REGISTRY["recurrent.gru"].definition)
    assert alike(REGISTRY["attention.scaled_dot_product"]) == ["n", "m"]
    assert "m" not in alike(REGISTRY["attention.hard"])


def test_only_what_is_summed_is_reduced() -> None:
    assert reduced_sizes(REGISTRY["attention.scaled_dot_product"].definition) == {"m"}
    assert reduced_sizes(REGISTRY["backward.scaled_dot_product"].definition) == {"n", "m"}
    assert "m" in reduced_sizes(REGISTRY["transformer.decoder_layer_biased"].definition)  # in an equation that it calls


def test_the_largest_array_is_that_of_the_scores_also_in_a_called_equation() -> None:
    sizes = {"n": 7, "m": 11, "d": 3, "e": 2}
    assert largest_array(REGISTRY["attention.scaled_dot_product"].definition, sizes) == 77
    assert largest_array(REGISTRY["attention.additive"].definition, {**sizes, "p": 3, "q": 3, "a": 5}) == 385
