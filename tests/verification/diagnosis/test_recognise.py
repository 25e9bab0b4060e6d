"""Answers made with a known mistake are recognised as that mistake, or as one that the cases cannot tell from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.mutation.software_mistakes import software_mistakes
from attnspec.interpreters.mutation.tiling_errors import tiling_errors
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.tree import Apply, Number
from attnspec.thresholds import CONTROLS, TRIED_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.recognise import BESIDES, recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import fits, mutant_values, non_equivalent_mutants
from attnspec.verification.verdict import Diagnosis
from synthetic import answers, case_of, changed, honest_answers, mutant_of, sentence, small_cases, too_large

ATTENTION, ADDITIVE, NORM = "attention.scaled_dot_product", "scores.additive", "transformer.layer_norm"
EQUATIONS = (ATTENTION, ADDITIVE, NORM)


@cache
def judge(id: str, dtype: str = "float32") -> Judge:
    return Judge(REGISTRY[id], dtype)


@cache
def cases(id: str, dtype: str = "float32") -> tuple[Case, ...]:
    return tuple(small_cases(id, dtype, most=12))


def mistakes(id: str) -> tuple[Mutant, ...]:
    return non_equivalent_mutants(id)


def recognised(
    id: str, observations: Sequence[Observation], among: Sequence[Mutant] = (), **how: bool
) -> Diagnosis | None:
    return recognise(judge(id), observations, among or mistakes(id), preset("op-by-op", "float32"), **how)


def made_with(mutant: Mutant, on: Sequence[Case], dtype: str = "float32") -> list[Observation]:
    """What software would answer that makes a mistake, where its sizes let it run."""
    return answers(mutant.definition, [case for case in on if fits(mutant, case)], preset("op-by-op", dtype))


SOME = [
    (id, mutant.id)
    for id in EQUATIONS
    for mutant in [each for each in mistakes(id) if not each.in_storage][:: max(1, len(mistakes(id)) // 7)]
]


def test_some_twenty_mistakes_are_tried() -> None:
    assert len(SOME) >= 20
    assert {id for id, _ in SOME} == {*EQUATIONS}


@pytest.mark.parametrize(("id", "name"), SOME)
def test_a_mistake_is_recognised(id: str, name: str) -> None:
    """As itself, or beside it as one that fits as well."""
    mutant = mutant_of(id, name)

    found = recognised(id, made_with(mutant, cases(id)))

    assert found is not None
    assert found.id == name or sentence(mutant) in found.also


@pytest.mark.parametrize("id", EQUATIONS)
def test_a_mistake_is_recognised_in_bfloat16(id: str) -> None:
    mutant = [each for each in mistakes(id) if not each.in_storage and not each.equal_sizes][1]

    found = recognise(
        judge(id, "bfloat16"),
        made_with(mutant, cases(id, "bfloat16"), "bfloat16"),
        mistakes(id),
        preset("op-by-op", "bfloat16"),
    )

    assert found is not None
    assert found.id == mutant.id or sentence(mutant) in found.also


@pytest.mark.parametrize("id", EQUATIONS)
def test_honest_answers_are_no_mistake(id: str) -> None:
    observations = honest_answers(id, "float32", "op-by-op", cases(id))

    assert recognised(id, observations) is None
    assert recognised(id, observations, refute=True) is None


def test_an_unknown_error_is_no_known_mistake() -> None:
    wrong = changed(honest_answers(ATTENTION, "float32", "op-by-op", cases(ATTENTION)), lambda a, case: np.sin(9 * a))

    assert recognised(ATTENTION, wrong) is None


def test_of_no_mutants_none_is_recognised() -> None:
    wrong = made_with(too_large(ATTENTION, 2.0), cases(ATTENTION))

    assert recognise(judge(ATTENTION), wrong, (), preset("op-by-op", "float32")) is None


# Mistakes that coincide.


def test_mistakes_that_coincide_on_all_cases_are_both_named() -> None:
    """Where m = e, the one size for the other makes no difference; it does as soon as a case has other sizes."""
    first, second = mutant_of(ATTENTION, "e/size/m"), mutant_of(ATTENTION, "e/size/e")
    alike = [case_of(ATTENTION, n=2 + seed, m=6, d=4, e=6, seed=seed) for seed in range(4)]

    ambiguous = recognised(ATTENTION, made_with(second, alike), (first, second))
    settled = recognised(ATTENTION, made_with(second, [*alike, case_of(ATTENTION, m=7, d=4, e=6)]), (first, second))

    assert ambiguous == Diagnosis(first.id, sentence(first), (sentence(second),))
    assert settled == Diagnosis(second.id, sentence(second))


def test_one_case_of_many_tells_two_mistakes_apart() -> None:
    """It fails, and is not among the few that are tried first; or it is right, and not among the first controls."""
    first, second = mutant_of(ATTENTION, "e/size/m"), mutant_of(ATTENTION, "e/size/e")
    alike = [case_of(ATTENTION, n=20 + seed, m=6, d=4, e=6, seed=seed) for seed in range(2 * TRIED_CASES)]
    apart = case_of(ATTENTION, n=2, m=30, d=4, e=6)
    equal = [case_of(ATTENTION, n=2, m=4, d=4, e=4, seed=seed) for seed in range(CONTROLS)]  # both are right here
    told = case_of(ATTENTION, n=2, m=4, d=4, e=6)

    failing = made_with(second, [*alike, apart])
    right = honest_answers(ATTENTION, "float32", "op-by-op", [*equal, told])

    assert recognised(ATTENTION, failing, (first, second)) == Diagnosis(second.id, sentence(second))
    assert recognised(ATTENTION, [*failing[:-1], *right], (second, first)) == Diagnosis(first.id, sentence(first))


def test_a_mistake_that_right_cases_contradict_explains_all_that_fail() -> None:
    """The cases that are tried first agree with it, and the others have another mistake."""
    mutant = mutant_of(ATTENTION, "e/size/m")
    same = [case_of(ATTENTION, n=20, m=6, d=4, e=5, seed=seed) for seed in range(TRIED_CASES)]
    others = [case_of(ATTENTION, n=2, m=7, d=4, e=5, seed=seed) for seed in range(TRIED_CASES)]
    right = honest_answers(ATTENTION, "float32", "op-by-op", [case_of(ATTENTION, n=4, m=5, d=4, e=5)])
    failing = [*made_with(mutant, same), *made_with(mutant_of(ATTENTION, "e/size/d+1"), others)]

    assert recognised(ATTENTION, [*made_with(mutant, same), *right], (mutant,)) is not None
    assert recognised(ATTENTION, [*failing, *right], (mutant,)) is None


@pytest.mark.parametrize("refute", [True, False])
def test_a_mistake_of_software_that_a_failing_case_contradicts_is_not_named(refute: bool) -> None:
    """Also if more cases fail than are tried, and the case is one of the others."""
    drawn = [case_of(ATTENTION, n=5, m=4, d=3, e=6, seed=seed) for seed in range(TRIED_CASES)]
    large = case_of(ATTENTION, n=2, m=2, d=3, e=1, seed=99)
    made = made_with(too_large(ATTENTION, 2.0), drawn)
    other = changed(honest_answers(ATTENTION, "float32", "op-by-op", [large]), lambda a, case: a + 100)

    found = recognised(ATTENTION, [*made, *other], [too_large(ATTENTION, 2.0)], refute=refute)

    assert (found is None) is refute


@pytest.mark.parametrize(("others", "named"), [(2, True), (2 * TRIED_CASES, False)])
def test_a_known_mistake_explains_most_of_the_cases_beyond_those_that_are_tried(others: int, named: bool) -> None:
    """If it does not explain all of them, the diagnosis says so, as something else is to be looked for."""
    made = made_with(
        too_large(ATTENTION, 2.0),
        [case_of(ATTENTION, n=5, m=4, d=3, e=6, seed=seed) for seed in range(TRIED_CASES)],
    )
    small = [case_of(ATTENTION, n=2, m=2, d=3, e=1, seed=seed) for seed in range(others)]
    other = changed(honest_answers(ATTENTION, "float32", "op-by-op", small), lambda a, case: a + 100)

    found = recognised(ATTENTION, [*made, *other], [too_large(ATTENTION, 2.0)], refute=False)

    assert (found is not None) is named
    assert found is None or "in 20% of the cases that fail something else besides" in found.says


def test_of_alike_mistakes_one_that_would_show_in_right_cases_is_not_named() -> None:
    """Wrong on cases with m = e, right on others: of two mistakes that explain the wrong ones, that one is named that
    the right ones do not refute."""
    first, second = mutant_of(ATTENTION, "e/size/m"), mutant_of(ATTENTION, "e/size/e")
    alike = [case_of(ATTENTION, n=2 + seed, m=6, d=4, e=6, seed=seed) for seed in range(4)]
    right = [case_of(ATTENTION, n=4, m=4, d=4, e=6, seed=seed) for seed in range(4)]  # d = m: the first is right here

    observations = [*made_with(second, alike), *honest_answers(ATTENTION, "float32", "op-by-op", right)]

    assert recognised(ATTENTION, observations, (first, second)) == Diagnosis(first.id, sentence(first))
    assert recognised(ATTENTION, observations, (second, first)) == Diagnosis(first.id, sentence(first))


def test_a_mistake_alone_may_be_made_in_some_cases_unless_it_must_be_always() -> None:
    """Software may take another path for other sizes; what is a slip of a whole kernel may not."""
    mutant = mutant_of(ATTENTION, "e/size/d+1")
    some, others = cases(ATTENTION)[::2], cases(ATTENTION)[1::2]
    observations = [*made_with(mutant, some), *honest_answers(ATTENTION, "float32", "op-by-op", others)]

    found = recognised(ATTENTION, observations)

    assert found == Diagnosis(mutant.id, f"{sentence(mutant)} (wrong in 5 of 10 cases)")
    assert recognised(ATTENTION, observations, (mutant,), refute=True) is None
    always = recognised(ATTENTION, made_with(mutant, some), (mutant,), refute=True)
    assert always == Diagnosis(mutant.id, sentence(mutant))


def test_nought_in_some_cases_is_not_explained_by_a_mistake_that_gives_nought() -> None:
    """Many mistakes give that; one of them is named where no case is right."""
    definition = REGISTRY[ATTENTION].definition
    returns = (Apply("*", (Number(0.0), definition.returns[0])),)
    nought = Mutant("nought", "it is multiplied by 0", replace(definition, returns=returns))
    some, others = cases(ATTENTION)[::2], cases(ATTENTION)[1::2]
    right = honest_answers(ATTENTION, "float32", "op-by-op", others)

    assert recognised(ATTENTION, [*made_with(nought, some), *right], (nought,)) is None
    assert recognised(ATTENTION, made_with(nought, some), (nought,)) == Diagnosis(nought.id, nought.says)


def test_nan_in_a_few_cases_is_not_explained_by_a_mistake_that_gives_nan_there() -> None:
    """The mistake would give numbers in one case more, which is NaN too: that case is asked, however many there are."""
    definition = REGISTRY[ATTENTION].definition
    mutant = next(each for each in tiling_errors(definition) if "last full tile of 16 are not read" in each.says)
    some = [case_of(ATTENTION, n=3, m=7, d=4, e=6, seed=seed) for seed in range(12)]
    longer = case_of(ATTENTION, n=3, m=20, d=4, e=6, seed=0)
    nan = changed(honest_answers(ATTENTION, "float32", "op-by-op", [*some, longer]), lambda answer, _: answer * np.nan)

    assert recognised(ATTENTION, nan[:-1], (mutant,)) == Diagnosis(mutant.id, mutant.says)
    assert recognised(ATTENTION, nan, (mutant,), refute=True) is None


@pytest.mark.parametrize("refute", [False, True])
def test_a_mistake_that_needs_equal_sizes_does_not_explain_other_cases(refute: bool) -> None:
    """W is square in one case alone, and wrong in another way in the other."""
    mutant = next(each for each in mistakes(ADDITIVE) if each.says == "in e: W is transposed")
    square, oblong = (case_of(ADDITIVE, n=3, m=4, p=p, q=2, a=3, seed=p) for p in (3, 5))
    [other] = honest_answers(ADDITIVE, "float32", "op-by-op", [oblong])
    wrong = replace(other, answers=tuple(answer + 1.0 for answer in other.answers))

    alone = recognised(ADDITIVE, made_with(mutant, [square]), [mutant], refute=refute)
    found = recognised(ADDITIVE, [*made_with(mutant, [square]), wrong], [mutant], refute=refute)

    assert alone is not None
    assert sentence(alone) == mutant.says
    assert (found is None) == refute
    assert found is None or sentence(found) == f"{mutant.says} (and in 50% of the cases that fail {BESIDES})"


def test_a_mistake_with_the_same_values_and_more_noise_explains_nothing() -> None:
    """Weights from a rounded logarithm are a few bounds off. gelu of it has the same value, and more noise."""
    id = "attention.merge"
    large = [case_of(id, n=9, e=4, seed=seed, regime="common offset") for seed in range(6)]
    found = recognised(
        id, [merged_by_logarithm(case) for case in large], [*insertions(REGISTRY[id].definition)], refute=True
    )

    assert found is None


def merged_by_logarithm(case: Case) -> Observation:
    """Two attentions merged in float32, with weights exp(lse_i − lse)."""
    o_1, lse_1, o_2, lse_2 = (case.arrays[name].astype(np.float32) for name in ("o_1", "lse_1", "o_2", "lse_2"))
    lse = np.logaddexp(lse_1, lse_2)
    o = np.exp(lse_1 - lse)[:, None] * o_1 + np.exp(lse_2 - lse)[:, None] * o_2
    return Observation(case, (o.astype(np.float64), lse.astype(np.float64)))


# What else is wrong.


@pytest.mark.parametrize(
    ("spoilt", "besides"), [(1, " (and in 12% of the cases that fail something else besides)"), (3, None)]
)
def test_a_mistake_explains_most_of_what_fails(spoilt: int, besides: str | None) -> None:
    """A second slip may spoil some cases, which is said, but not a quarter of them or more."""
    mutant = mutant_of(ATTENTION, "e/size/d+1")
    wrong = made_with(mutant, [case_of(ATTENTION, n=3, m=7, d=4, e=6, seed=seed) for seed in range(8)])
    wrong[:spoilt] = changed(wrong[:spoilt], lambda answer, case: answer + 0.5)

    found = recognised(ATTENTION, wrong)

    assert found == (None if besides is None else Diagnosis(mutant.id, sentence(mutant) + besides))


def test_one_bad_element_does_not_hide_a_mistake_from_the_shortlist() -> None:
    """An error counts for so much at most, so that the mistake is compared first; it explains seven cases of eight."""
    mutant = mutant_of(ATTENTION, "e/size/d+1")
    wrong = made_with(mutant, [case_of(ATTENTION, n=3, m=7, d=4, e=6, seed=seed) for seed in range(8)])
    answer = wrong[0].answers[0].copy()
    answer[0, 0] = 1e30
    wrong[0] = replace(wrong[0], answers=(answer,))

    found = recognised(ATTENTION, wrong)

    assert found is not None
    assert found.id == mutant.id


def test_overflow_is_recognised_by_where_it_strikes() -> None:
    """Softmax without its maximum taken off is right until the exponential overflows; then NaN stands where it does."""
    id, dtype = "attention.weights", "float16"
    unstable = next(each for each in mistakes(id) if each.in_storage)
    e = np.zeros((2, 3, 4))
    e[0, 1, 2] = 100.0  # beyond the exponential of float32
    e[1] = np.arange(12).reshape(3, 4)
    cases = [Case({"e": scores}, {}) for scores in e]
    with np.errstate(over="ignore", invalid="ignore"):
        naive = [np.exp(c.arrays["e"].astype(np.float32)) for c in cases]
        observations = [
            Observation(c, ((n / n.sum(-1, keepdims=True)).astype(np.float64).astype(np.float16).astype(np.float64),))
            for c, n in zip(cases, naive, strict=True)
        ]
    assert np.isnan(observations[0].answers[0]).any()

    found = recognise(judge(id, dtype), observations, mistakes(id), preset("float32-inside", dtype))

    assert found is not None
    assert found.id == unstable.id


def test_bits_that_underflow_loses_are_recognised_beside_nan() -> None:
    """The search for the largest score starts from 0: exponentials far below 0 have few bits, then none."""
    id, largest = "attention.weights", "overflow/largest-from-zero"
    (mutant,) = [each for each in software_mistakes(REGISTRY[id]) if each.id == largest]
    cases = [Case({"e": np.array([[low, low - 0.3, low - 0.7]])}, {}) for low in (-102.0, -2000.0)]
    with np.errstate(invalid="ignore", under="ignore"):
        parts = [np.exp(case.arrays["e"].astype(np.float32)) for case in cases]
        observations = [
            Observation(case, ((part / part.sum(-1, keepdims=True)).astype(np.float64),))
            for case, part in zip(cases, parts, strict=True)
        ]
    assert [np.isnan(each.answers[0]).any() for each in observations] == [False, True]

    found = recognised(id, observations, (mutant,), refute=True)

    assert found == Diagnosis(mutant.id, mutant.says)


def test_mistakes_of_some_sizes_come_first_where_asked() -> None:
    """None is left out, and within both parts they are in the same order."""
    equation = REGISTRY["recurrent.simple_rnn"]
    usual, first = ([each.id for each in software_mistakes(equation, (), sizes)] for sizes in (False, True))
    chunks = "h/again/8" if "h/again/8" in usual else next(id for id in usual if "/again/8" in id)

    assert sorted(usual) == sorted(first)
    assert first.index(chunks) < first.index(next(each.id for each in insertions(equation.definition)))
    assert first.index(chunks) < usual.index(chunks)


def test_what_overflows_alike_is_found_among_all_mistakes_of_software() -> None:
    """Of what is equal to the equation in most elements, that is asked first which overflows where the answer does."""
    id = "optimizer.adam"
    among = [*software_mistakes(REGISTRY[id])]
    (mutant,) = [each for each in among if each.id == "v_next/overflow/g ⊙ g"]
    g = np.array([0.5, -300.0, 1.5])
    case = Case(
        {"theta": g / 300, "g": g, "m": np.zeros(3), "v": np.full(3, 0.25)},
        {"step": 10, "lr": 0.1, "beta_1": 0.7, "beta_2": 0.95, "eps": 1e-5},
    )
    values = mutant_values(mutant, case, "float16", "float16")
    assert values is not None
    assert [np.isfinite(value).all() for value in values] == [True, True, False]
    found = recognise(
        judge(id, "float16"), [Observation(case, values)], among, preset("op-by-op", "float16"), refute=True
    )

    assert found is not None
    assert found.says == mutant.says


def test_what_the_equation_gives_in_storage_too_says_nothing_of_what_overflows() -> None:
    """Where eps is 0 in float16, 0 / (0 + eps) is NaN however the moments are multiplied out."""
    id = "optimizer.adam"
    (mutant,) = [each for each in software_mistakes(REGISTRY[id]) if each.id == "v_next/overflow/g ⊙ g"]
    case = Case(
        {name: np.zeros(3) for name in ("theta", "g", "m", "v")},
        {"step": 3, "lr": 0.5, "beta_1": 0.8, "beta_2": 0.999, "eps": 1e-8},
    )
    with np.errstate(invalid="ignore"):
        values = mutant_values(mutant, case, "float16", "float16")
    assert values is not None
    assert np.isnan(values[0]).all()

    assert recognise(judge(id, "float16"), [Observation(case, values)], [mutant], preset("op-by-op", "float16")) is None


def test_one_wrong_text_is_no_evidence_of_one_mistake_of_many() -> None:
    """Of whole numbers, as many rows must be wrong as it takes to choose among the mistakes that are tried."""
    id = "seq2seq.until_stop"
    among = [*software_mistakes(REGISTRY[id])]
    mutant = next(each for each in among if each.id == "stops/unasked/j < i")
    wrong = [
        each
        for each in made_with(mutant, small_cases(id, batches=(0, 5)))
        if not judge(id).holds(each, preset("op-by-op", "float32"))
    ]

    assert recognised(id, wrong[:1], among, refute=True) is None
    assert recognised(id, wrong[:1], [mutant], refute=True) is not None
    found = recognised(id, wrong, among, refute=True)
    assert found is not None
    assert mutant.says in (found.says, *found.also)
