"""What is drawn beyond the fixed suite stays within the claim, and reaches every part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.implementation import Claim
from attnspec.verification.cases.case import CONTIGUOUS, LAYOUTS, Description, make, sized, smallest, within
from attnspec.verification.cases.distributions import HIDDEN, REGIMES, regime_applies
from attnspec.verification.cases.search import SEEDS, Menu, menu, regimes
from strategies import random_draws

MASKED, STACKED, ATTENTION = "attention.masked", "recurrent.stacked_lstm", "attention.scaled_dot_product"
EQUATIONS = (MASKED, STACKED, ATTENTION, "multihead.causal", "transformer.layer_norm", "position.sinusoidal",
             "recurrent.gru_lengths", "backward.gru", "attention.blocked")  # fmt: skip
SOME = settings(max_examples=40)
ANY = Claim(batch=(0, 1), finite=False)


def bounds(id: str, claim: Claim) -> Callable[[str], int]:
    """The smallest size of an axis, as a question has it."""
    return lambda name: max(smallest(REGISTRY[id], name) if name != "batch" else 0, claim.smallest.get(name, 0))


def menu_of(id: str, claim: Claim) -> Menu:
    return menu(REGISTRY[id], bounds(id, claim), claim)


def strategy(id: str, claim: Claim) -> st.SearchStrategy[Description]:
    return random_draws(menu_of(id, claim))


@cache
def sample(id: str) -> Sequence[Description]:
    """A few hundred descriptions, the same each time."""
    random = Random(0)
    return [menu_of(id, ANY).draw(random) for _ in range(300)]


@given(st.sampled_from(EQUATIONS), st.integers(0))
@SOME
def test_a_varied_description_differs_in_one_part_at_most(id: str, seed: int) -> None:
    """Sizes, regime, batch, layout or seed; the rest stays, and what is new is from the menu."""
    choices, random = menu_of(id, ANY), Random(seed)
    description = choices.draw(random)

    varied = choices.vary(description, random)

    parts = [each.name for each in fields(Description)]
    assert sum(getattr(varied, part) != getattr(description, part) for part in parts) <= 1
    assert varied.regime in choices.regimes
    assert varied.batch in choices.batches
    assert varied.layout in choices.layouts
    assert SEEDS[0] <= varied.seed <= SEEDS[1]


def test_draws_are_the_same_for_the_same_seed() -> None:
    choices = menu_of(MASKED, ANY)

    assert choices.draw(Random(7)) == choices.draw(Random(7))
    assert choices.draw(Random(7)) != choices.draw(Random(8))


@given(st.sampled_from(EQUATIONS), st.data())
@SOME
def test_what_is_drawn_can_be_made(id: str, data: st.DataObject) -> None:
    """A case of the sizes, the batch, the layout and the values that are said."""
    description = data.draw(strategy(id, ANY))

    case = make(REGISTRY[id], description, "float32")

    assert case.description == description
    assert case.layout == description.layout
    assert dict(description.sizes) == sized(REGISTRY[id].definition, dict(description.sizes))


@given(
    st.sampled_from(EQUATIONS),
    st.builds(
        Claim,
        smallest=st.dictionaries(st.sampled_from(["batch", "n", "t", "d", "u"]), st.integers(0, 6)),
        batch=st.sampled_from([(0,), (1,), (0, 1)]),
        finite=st.booleans(),
        contiguous=st.booleans(),
    ),
    st.data(),
)
@SOME
def test_what_is_drawn_is_claimed(id: str, claim: Claim, data: st.DataObject) -> None:
    """Sizes, batch, layout and values, each within the claim; and no size beyond what the equation allows."""
    description = data.draw(strategy(id, claim))

    for name, size in description.sizes:
        assert size >= bounds(id, claim)(name) or "_" in name
        assert size <= max(within(REGISTRY[id], name, size), bounds(id, claim)(name))
    assert len(description.batch) in claim.batch
    assert all(size >= claim.smallest.get("batch", 0) for size in description.batch)
    assert description.layout in CONTIGUOUS or not claim.contiguous
    assert description.regime != HIDDEN or not claim.finite
    assert description.regime == "ordinary" or regime_applies(REGISTRY[id], description.regime)


@pytest.mark.parametrize("id", [MASKED, STACKED])
def test_every_part_of_a_claim_is_reached(id: str) -> None:
    """Within a few hundred draws: each regime and layout, a batch and none, small sizes and those around 8 and 16."""
    drawn = sample(id)
    lengths = {size for each in drawn for name, size in each.sizes if name in ("n", "t")}

    assert {each.regime for each in drawn} == {*regimes(REGISTRY[id], finite=False)}
    assert {each.layout for each in drawn} == {*LAYOUTS}
    assert {each.batch for each in drawn} == {(), (1,), (2,), (4,)}
    assert lengths == {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17}


def test_there_are_few_layers_each_of_a_size_of_its_own() -> None:
    drawn = sample(STACKED)

    assert {dict(each.sizes)["L"] for each in drawn} == {1, 2, 3}
    assert any(dict(each.sizes).get("u_1", 0) not in (0, dict(each.sizes)["u_L"]) for each in drawn)


def test_drawn_seeds_are_none_of_the_fixed_suite() -> None:
    """So that no case is asked twice."""
    assert min(each.seed for each in sample(MASKED)) >= 10_000


@pytest.mark.parametrize("id", EQUATIONS)
def test_regimes_are_those_that_apply(id: str) -> None:
    """The ordinary one always; what is not finite only beyond finite inputs."""
    own = [name for name in REGIMES if name == "ordinary" or regime_applies(REGISTRY[id], name)]

    assert regimes(REGISTRY[id], finite=False) == own
    assert regimes(REGISTRY[id], finite=True) == [name for name in own if name != HIDDEN]


def test_what_is_drawn_under_a_finite_claim_is_finite() -> None:
    claimed = [each for each in sample(MASKED) if each.regime != HIDDEN]

    assert all(make(REGISTRY[MASKED], each, "float16").finite for each in claimed)
