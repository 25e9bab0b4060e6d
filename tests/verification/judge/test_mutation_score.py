"""The mutation score: a mistake counts as caught where a candidate that made it would be found wrong."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import preset
from attnspec.thresholds import CLEARLY
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.judge.mutation_score import MutationScore, mutation_score, shows
from attnspec.verification.judge.residuals import Compared
from synthetic import (
    MANY,
    Array,
    Floats,
    answers,
    case_of,
    compared,
    decidable,
    generator,
    honest_answers,
    noise,
    too_large,
)

ATTENTION = "attention.scaled_dot_product"
EQUATIONS = (ATTENTION, "recurrent.gru_cell", "transformer.layer_norm")
FACTORS = (2.0, 1.1, 1.05, 1.02, 1.01, 1.004, 1.001, 1.0001)
"""From a mistake that shows everywhere to one that shows nowhere in bfloat16."""


@cache
def judge(id: str) -> Judge:
    return Judge(REGISTRY[id], "bfloat16")


@cache
def honest(id: str, policy: str) -> tuple[Compared, ...]:
    """Right answers beside their noise."""
    observations = honest_answers(id, "bfloat16", policy)
    return tuple(judge(id).compare(observations, preset(policy, "bfloat16")))


def counted(score: MutationScore, mutant: Mutant) -> int:
    """2 where a mutant shows in an element, 1 where it shows only along its direction, 0 where it survived."""
    return 0 if mutant in score.survived else 1 if mutant in score.seen_in_aggregate else 2


@pytest.mark.parametrize("policy", ["float32-inside", "op-by-op"])
@pytest.mark.parametrize("id", EQUATIONS)
def test_a_smaller_mistake_is_no_more_visible(id: str, policy: str) -> None:
    """From killed by elements, through killed by direction, to survived; every one is counted once."""
    mutants = [too_large(id, factor) for factor in FACTORS]

    score = mutation_score(honest(id, policy), mutants, "bfloat16")
    counts = [counted(score, mutant) for mutant in mutants]

    assert counts == sorted(counts, reverse=True)
    assert set(counts) == {0, 1, 2}
    assert [*score.killed, *score.survived] == mutants
    assert score.of == len(mutants)


@pytest.mark.parametrize("policy", ["float32-inside", "op-by-op"])
@pytest.mark.parametrize("id", EQUATIONS)
def test_what_is_counted_as_caught_is_caught(id: str, policy: str) -> None:
    """Answers made with a mistake that the score counts as killed are not right."""
    under = preset(policy, "bfloat16")
    score = mutation_score(honest(id, policy), [too_large(id, factor) for factor in FACTORS], "bfloat16")
    cases = [each.case for each in honest(id, policy)]

    for mutant in score.killed:
        assert not judge(id).judge(answers(mutant.definition, cases, under), under, score.seen_in_aggregate).right, (
            mutant.id
        )


@pytest.mark.parametrize("id", EQUATIONS)
def test_generated_mistakes_that_are_counted_as_caught_are_caught(id: str) -> None:
    """The same of some mutants of the equation itself."""
    under = preset("op-by-op", "bfloat16")
    mutants = [each for each in non_equivalent_mutants(id) if not each.equal_sizes]
    score = mutation_score(honest(id, "op-by-op"), mutants[:: max(1, len(mutants) // 6)], "bfloat16")
    cases = [each.case for each in honest(id, "op-by-op")]

    assert score.killed
    for mutant in score.killed:
        assert not judge(id).judge(answers(mutant.definition, cases, under), under, score.seen_in_aggregate).right, (
            mutant.id
        )


# One case.

ONE = case_of(ATTENTION, "float64", n=2, m=2, d=2, e=2)


def beside(mutant: Mutant, size: float, undecidable: Array | None = None) -> Compared:
    """The right answer, where the largest deviation of a mutant is so many times the bound."""
    (value,) = (
        each.answers[0] for each in answers(REGISTRY[ATTENTION].definition, [ONE], preset("op-by-op", "float64"))
    )
    largest: Floats = np.abs((float(mutant.id.removeprefix("times ")) - 1) * value).max()
    bound = np.full(value.shape, largest / size)
    under = noise(value, bound / 8, bound=bound, undecidable=False if undecidable is None else undecidable)
    return compared(np.zeros(value.shape), under, ONE)


def test_a_mistake_shows_where_it_departs_by_clearly_more_than_the_bound() -> None:
    mutant = too_large(ATTENTION, 1.5)

    assert shows(mutant, [beside(mutant, 1.01 * CLEARLY)], "float64")
    assert not shows(mutant, [beside(mutant, 0.99 * CLEARLY)], "float64")


def test_what_shows_in_undecidable_elements_alone_does_not_show() -> None:
    mutant = too_large(ATTENTION, 1.5)

    assert not shows(mutant, [beside(mutant, 100, np.ones((2, 2), dtype=bool))], "float64")
    assert decidable(beside(mutant, 100)).all()


def test_a_mistake_that_is_not_finite_shows() -> None:
    assert shows(too_large(ATTENTION, float("inf")), [beside(too_large(ATTENTION, 1.5), 1e-9)], "float64")


def test_a_mistake_that_cannot_run_on_the_sizes_does_not_show() -> None:
    """A transposed weight on a matrix that is not square, say; it shows on a square one."""
    mutant = next(each for each in non_equivalent_mutants("recurrent.simple_rnn_cell") if each.equal_sizes)
    kinds = {
        size: Judge(REGISTRY["recurrent.simple_rnn_cell"], "float32").compare(
            honest_answers(
                "recurrent.simple_rnn_cell",
                "float32",
                "op-by-op",
                [case_of("recurrent.simple_rnn_cell", d=size, u=4)],
            ),
            preset("op-by-op", "float32"),
        )
        for size in (3, 4)
    }

    assert not shows(mutant, kinds[3], "float32")
    assert shows(mutant, kinds[4], "float32")


# Arithmetic of scores.

NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(NAMES, st.data())
@MANY
def test_scores_are_joined_by_what_became_of_the_survivors(names: list[str], data: st.DataObject) -> None:
    """Joining keeps the number of mutants; what more cases kill is killed, and nothing is counted twice."""
    mutants = tuple(replace(too_large(ATTENTION, 1.0), id=name) for name in names)
    first = data.draw(st.integers(0, len(mutants)))
    second = data.draw(st.integers(first, len(mutants)))
    before = MutationScore(mutants[:first], mutants[: first // 2], mutants[first:])
    after = MutationScore(mutants[first:second], mutants[first : (first + second) // 2], mutants[second:])

    both = before.extended(after)

    assert both.of == before.of == len(mutants)
    assert both.killed == mutants[:second]
    assert both.survived == mutants[second:]
    assert {mutant.id for mutant in both.seen_in_aggregate} <= {mutant.id for mutant in both.killed}
    assert str(both) == f"{second} of {len(mutants)}"


def test_no_mutants_are_no_score() -> None:
    score = mutation_score(honest(ATTENTION, "op-by-op"), [], "bfloat16")

    assert (score.killed, score.seen_in_aggregate, score.survived, score.of) == ((), (), (), 0)


def test_without_cases_every_mutant_survives() -> None:
    mutants = [too_large(ATTENTION, 2.0)]

    assert mutation_score([], mutants, "bfloat16").survived == tuple(mutants)


def test_several_outputs_are_one_case() -> None:
    """A mistake in the second output alone is killed."""
    id = "recurrent.lstm_cell"
    seen = judge(id).compare(honest_answers(id, "bfloat16", "op-by-op"), preset("op-by-op", "bfloat16"))
    in_second = [each for each in non_equivalent_mutants(id) if each.id.startswith("o/") or "result 2" in each.id][:3]

    assert in_second
    assert mutation_score(seen, in_second, "bfloat16").killed == tuple(in_second)


def test_the_order_of_cases_does_not_matter() -> None:
    mutants = [too_large(ATTENTION, factor) for factor in FACTORS]
    seen = [*honest(ATTENTION, "op-by-op")]
    shuffled = [seen[place] for place in generator(0).permutation(len(seen))]

    assert mutation_score(shuffled, mutants, "bfloat16").survived == mutation_score(seen, mutants, "bfloat16").survived
