"""Two mistakes at once are named, and one is not taken for two."""

from __future__ import annotations

from collections.abc import Sequence

from attnspec import REGISTRY
from attnspec.interpreters.mutation.free_numbers import free_numbers
from attnspec.interpreters.mutation.mutants import generated_mutations
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.tree import Definition
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.two_mistakes import two_mistakes
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.verdict import Diagnosis
from synthetic import answers, case_of, changed, honest_answers, mutant_of, small_cases

NORM = "transformer.layer_norm"
POLICY = preset("op-by-op", "float32")


def found(observations: Sequence[Observation]) -> Diagnosis | None:
    return two_mistakes(Judge(REGISTRY[NORM], "float32"), observations, non_equivalent_mutants(NORM), POLICY)


def doubly_wrong() -> Definition:
    """The variance of a sample, and eps outside of the root."""
    first = mutant_of(NORM, "sample_variance").definition
    [second] = (tree for id, _, tree, _ in generated_mutations(first) if id == "y/bracket/sqrt-eps")
    return second


def test_two_mistakes_are_named() -> None:
    named = found(answers(doubly_wrong(), small_cases(NORM), POLICY))

    assert named is not None
    assert "over d − 1" in named.says
    assert "eps is outside sqrt" in named.says


def test_another_function_and_a_scale_are_named() -> None:
    """σ for tanh, and the scores of it halved by the root of the width."""
    id = "attention.additive"
    other = mutant_of(id, "e/function/sigmoid").definition
    e = next(place for place in free_numbers(other) if (place.kind, place.line) == ("factor", "e"))
    wrong = answers(e.insert(0.25), small_cases(id), POLICY)

    named = two_mistakes(Judge(REGISTRY[id], "float32"), wrong, non_equivalent_mutants(id), POLICY)

    assert named is not None
    assert "sigmoid is used instead of tanh" in named.says
    assert "0.25" in named.says


def test_two_mistakes_must_explain_every_case() -> None:
    """A case without them refutes them."""
    wrong, right = small_cases(NORM)[::2], small_cases(NORM)[1::2]

    assert found([*answers(doubly_wrong(), wrong, POLICY), *honest_answers(NORM, "float32", "op-by-op", right)]) is None


def test_a_mistake_that_needs_equal_sizes_is_not_a_first_one() -> None:
    """Its formula has types for these sizes alone, so that no second mistake can be made in it."""
    id = "scores.bilinear"
    mistakes = non_equivalent_mutants(id)
    square = [case_of(id, n=4, m=5, seed=seed) for seed in range(4)]  # p = d = 3
    wrong = changed(honest_answers(id, "float32", "op-by-op", square), lambda answer, case: answer + 0.3 * answer**2)

    assert any(mutant.equal_sizes for mutant in mistakes)
    assert two_mistakes(Judge(REGISTRY[id], "float32"), wrong, mistakes, POLICY) is None
