"""Conditions on places as masks, and which rows of a large case are sampled for them."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.conditions import conditions, names, truths, with_masks
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.pooling import ordered_sizes, pooled
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.sampling import sampling

CAUSAL = ["attention.causal", "attention.causal_top_left"]


@pytest.mark.parametrize("id", CAUSAL)
def test_an_equation_with_masks_is_the_equation(id: str) -> None:
    definition, sizes = REGISTRY[id].definition, {"n": 5, "m": 7, "d": 3, "e": 2}
    case = make(REGISTRY[id], Description(tuple(sizes.items()), seed=1), "float32")
    found = conditions(definition)
    places = {name: np.arange(size) for name, size in sizes.items()}
    masks = {name: truths(c, definition, places, sizes) for name, c in zip(names(found), found, strict=True)}
    masked = with_masks(definition, found)
    assert not ordered_sizes(masked).keys() & {"n", "m"}
    given = {**case.arguments, **masks}
    np.testing.assert_array_equal(evaluate(masked, (), given), evaluate(definition, (), case.arguments))


@pytest.mark.parametrize("id", CAUSAL)
@pytest.mark.parametrize("sizes", [(700, 600), (600, 700), (300, 2), (1, 900)])
def test_sampled_rows_have_the_value_of_the_whole(id: str, sizes: tuple[int, int]) -> None:
    """For any sizes: on the sampled rows, with keys counted, the equation is that of all rows and keys."""
    definition = REGISTRY[id].definition
    whole = {"n": sizes[0], "m": sizes[1], "d": 4, "e": 3}
    chosen = sampling(definition, whole, seed=2)
    assert chosen is not None
    assert chosen.rows == ("n",)
    assert {0, sizes[0] - 1} <= set(chosen.places["n"])
    few = {**whole, **{name: len(places) for name, places in chosen.places.items()}}
    small = make(REGISTRY[id], Description(tuple(few.items()), seed=1), "float32")
    n, m = chosen.entries["n"], chosen.entries["m"]
    large = Case({"q": small.arrays["q"][n], "k": small.arrays["k"][m], "v": small.arrays["v"][m]}, {})
    counts = {name: tuple(map(int, np.bincount(each))) for name, each in chosen.entries.items()}
    tree = pooled(with_masks(definition, chosen.conditions), counts)
    got = evaluate(tree, (), {**small.arguments, **chosen.masks})
    expected = evaluate(definition, (), large.arguments)
    np.testing.assert_allclose(got, expected[chosen.places["n"]], rtol=1e-9, atol=1e-12)
    judged = chosen.judged("n")
    assert (judged[chosen.places["n"]] == np.arange(len(chosen.places["n"]))).all()
    assert (judged >= 0).sum() == len(chosen.places["n"])


def test_what_is_compared_and_summed_in_both_directions_is_not_sampled() -> None:
    sizes = {"n": 50, "m": 50, "d": 3, "e": 2}
    assert sampling(REGISTRY["backward.causal"].definition, sizes, 0) is None
    assert sampling(REGISTRY["attention.scaled_dot_product"].definition, sizes, 0) is None
    assert sampling(REGISTRY["position.sinusoidal"].definition, {"t": 50, "d": 4}, 0) is None
