"""The judge on simulated answers: honest ones are right under a policy no looser than theirs, small errors show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest

from attnspec import REGISTRY, equation
from attnspec.interpreters.rounding.policy import policies, preset
from attnspec.notation import Float, Tensor
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.equations.conclusion import weakness
from attnspec.verification.judge.directions import only_last
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge, has_carried_state
from attnspec.verification.judge.mutation_score import MutationScore
from attnspec.verification.judge.residuals import Compared
from honest import ORDERS, Order
from synthetic import (
    Array,
    answers,
    case_of,
    changed,
    compared,
    decidable,
    honest_answers,
    noise,
    sentence,
    small_cases,
    too_large,
)

ATTENTION, GRU, READ = "attention.scaled_dot_product", "recurrent.gru", "attention.context_vector"
REGIMES = ("ordinary", "tiny", "large", "saturating", "ties", "spread", "offset")
HALF = ("bfloat16", "float16")


@cache
def cases(id: str, dtype: str) -> tuple[Case, ...]:
    most, regimes = (17, ("ordinary", "large", "offset")) if id == GRU else (20, REGIMES)
    return tuple(small_cases(id, dtype, most=most, regimes=regimes))


@cache
def judge(id: str, dtype: str = "bfloat16") -> Judge:
    """One judge for all tests: it keeps the noise of the cases."""
    return Judge(REGISTRY[id], dtype)


@cache
def honest(id: str, dtype: str, policy: str) -> tuple[Observation, ...]:
    return tuple(honest_answers(id, dtype, policy, cases(id, dtype)))


def presets(id: str, dtype: str) -> list[str]:
    return [policy.name for policy in judge(id, dtype).presets]


EVERY_PRESET = [
    (id, dtype, policy)
    for id, dtypes in (
        (ATTENTION, ("float32", *HALF)),
        ("recurrent.simple_rnn", HALF),
        ("transformer.layer_norm", ("float32", *HALF)),
        ("scores.additive", HALF),
        (READ, HALF),
    )
    for dtype in dtypes
    for policy in presets(id, dtype)
]


# Which policy.


@pytest.mark.parametrize(("id", "dtype", "policy"), EVERY_PRESET)
def test_honest_answers_are_right_under_a_policy_no_looser_than_theirs(id: str, dtype: str, policy: str) -> None:
    observations = honest(id, dtype, policy)

    inferred = judge(id, dtype).infer_policy(observations)
    judged = judge(id, dtype).judge(observations, inferred)

    names = presets(id, dtype)
    assert names.index(inferred.name) <= names.index(policy)
    assert judged.right, sentence(judged.findings[0])
    assert judged.rms < 1.4
    assert not judge(id, dtype).failing(observations, inferred)


@pytest.mark.parametrize(
    ("id", "policy"), [(id, policy) for id in (ATTENTION, GRU) for policy in presets(id, "bfloat16")]
)
def test_the_policy_of_honest_answers_is_inferred(id: str, policy: str) -> None:
    """Where an equation rounds differently under each; all cases hold under it."""
    observations = honest(id, "bfloat16", policy)

    assert judge(id).infer_policy(observations).name == policy
    assert not judge(id).failing(observations, preset(policy, "bfloat16"))
    assert [other.name for other in judge(id).indistinguishable(any_answers(id), preset(policy, "bfloat16"))] == [
        policy
    ]


def any_answers(id: str) -> tuple[Observation, ...]:
    """Some answers: what policies say of the cases does not depend on them."""
    return honest(id, "bfloat16", "float32-inside")


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_sums_does_not_change_the_policy(order: Order) -> None:
    tree = REGISTRY[ATTENTION].definition
    observations = answers(tree, cases(ATTENTION, "bfloat16"), preset("flash", "bfloat16"), order)

    assert judge(ATTENTION).infer_policy(observations).name == "flash"


def test_policies_that_round_an_equation_alike_are_alike() -> None:
    """A single product whose operands are inputs: nothing but the output is rounded, under any policy."""
    names = [
        policy.name for policy in judge(READ).indistinguishable(any_answers(READ), preset("float32-inside", "bfloat16"))
    ]

    assert names == presets(READ, "bfloat16")


def test_of_policies_looser_ones_alone_are_alike() -> None:
    loosest = judge(READ).presets[-1]

    assert judge(READ).indistinguishable(any_answers(READ), loosest) == [loosest]


def test_a_policy_that_is_no_preset_is_like_none_of_them() -> None:
    declared = preset("tf32", "float32")

    assert judge(ATTENTION, "float32").indistinguishable(honest(ATTENTION, "float32", "op-by-op"), declared) == [
        declared
    ]


def test_only_what_carries_a_state_may_round_it_between_steps() -> None:
    assert presets(GRU, "bfloat16") == list(policies("bfloat16"))
    assert presets(ATTENTION, "bfloat16") == ["float32-inside", "flash", "op-by-op"]
    assert has_carried_state(REGISTRY["recurrent.stacked_lstm"].definition), "its layers do"
    assert not has_carried_state(REGISTRY["recurrent.gru_cell"].definition), "a cell is a single step"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_there_is_one_policy_nothing_is_inferred(dtype: str) -> None:
    assert presets(GRU, dtype) == ["op-by-op"]
    assert not judge(GRU, dtype).can_infer_policy
    assert judge(GRU, "bfloat16").can_infer_policy


def test_a_bad_row_does_not_loosen_the_policy() -> None:
    """One wrong row in an otherwise precise case fails under the policy of all the rest."""
    right = honest(ATTENTION, "bfloat16", "float32-inside")
    worst = max(right, key=lambda one: one.answers[0].size)
    wrong = [*right]
    wrong[right.index(worst)] = changed([worst], lambda a, case: rounded(a + 0.1 * only_last(a, -2), "bfloat16"))[0]

    inferred = judge(ATTENTION).infer_policy(wrong)

    assert inferred.name == "float32-inside"
    assert judge(ATTENTION).failing(wrong, inferred) == [wrong[right.index(worst)]]


def test_answers_that_no_policy_explains_are_judged_by_the_loosest() -> None:
    wrong = changed(honest(ATTENTION, "bfloat16", "float32-inside"), lambda answer, case: answer + 1)

    assert judge(ATTENTION).infer_policy(wrong) == judge(ATTENTION).presets[-1]


def test_another_path_for_long_axes_may_have_a_looser_policy() -> None:
    """Software may keep float32 for small sizes and round operands from a tile's size on; one policy for all sizes is
    that of the small ones."""
    long = [case_of(ATTENTION, "bfloat16", n=9, m=64, d=8, e=8, seed=seed) for seed in range(4)]
    tight = honest(ATTENTION, "bfloat16", "float32-inside")
    both = [*tight, *honest_answers(ATTENTION, "bfloat16", "flash", long)]

    assert judge(ATTENTION).infer_policy(both).name == "flash"
    assert judge(ATTENTION).infer_policy(both, paths=False).name == "float32-inside"


def test_overflow_that_a_looser_policy_leaves_open_is_a_matter_of_policy() -> None:
    """Scores beyond float16: NaN is wrong where scores are kept in float32, and may come where they are stored."""
    id = "attention.dot_product"
    k = np.array([[1.0], [0.5], [0.25]]) * np.full((3, 4), 300.0)
    case = Case({"q": np.full((2, 4), 300.0), "k": k, "v": np.arange(6.0).reshape(3, 2)}, {})

    lost, kept = Observation(case, (np.full((2, 2), np.nan),)), Observation(case, (np.array([[0.0, 1.0]] * 2),))

    assert judge(id, "float16").infer_policy([lost]).name == "op-by-op"
    assert judge(id, "float16").infer_policy([kept]).name == "float32-inside"


@equation()
def over_square(x: Float[Tensor, " d"], y: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """A quotient whose divisor may overflow."""
    return x / (y * y)


def over(x: Array, y: Array) -> Observation:
    """An answer that is rounded once."""
    return Observation(Case({"x": x, "y": y}, {}), (rounded(x / (y * y), "float16"),))


def test_a_divisor_that_overflows_is_a_matter_of_policy() -> None:
    """In float16 300² is infinite, and 10,000 over it 0; where it is float32, 0 is wrong."""
    exact = [over(np.array([2.0, 1.0]), np.array([1.0, 2.0 + k])) for k in range(20)]
    case = Case({"x": np.array([10_000.0, 1.0]), "y": np.array([300.0, 1.0])}, {})
    answers = (float(rounded(np.array(10_000 / 300**2), "float16")), 0.0)
    inside, stored = (Observation(case, (np.array([value, 1.0]),)) for value in answers)

    assert Judge(over_square, "float16").infer_policy([*exact, inside]).name == "float32-inside"
    assert Judge(over_square, "float16").infer_policy([*exact, stored]).name == "op-by-op"


# Small errors.


def times(answer: Array, case: Case) -> Array:
    """The output 0.4 % too large: half a unit in the last place of bfloat16."""
    return rounded(1.004 * answer, "bfloat16")


def last_row_times(answer: Array, case: Case) -> Array:
    """The last row 1 % too large."""
    return rounded(answer + 0.01 * only_last(answer, -2), "bfloat16")


SMALL = [
    (id, policy, change, kind, says)
    for id in (ATTENTION, "recurrent.simple_rnn", "scores.additive")
    for policy in presets(id, "bfloat16")
    for change, kind, says in (
        (times, "direction", "the output is 1.00"),
        (last_row_times, "part", "the last row of the output is 1.0"),
    )
    if not (change is last_row_times and policy == "op-by-op")  # a row of a few elements is within that noise
]


@pytest.mark.parametrize(("id", "policy", "change", "kind", "says"), SMALL)
def test_an_error_that_no_element_shows_is_seen_along_its_direction(
    id: str, policy: str, change: Callable[[Array, Case], Array], kind: str, says: str
) -> None:
    """Of half a unit in the last place of every output, or of the last row alone; inference does not hide it."""
    observations = changed(honest(id, "bfloat16", policy), change)

    judged = judge(id).judge(observations, judge(id).infer_policy(observations))

    assert [judged.findings[0].kind, sentence(judged.findings[0])[: len(says)]] == [kind, says]


@pytest.mark.parametrize("policy", presets(ATTENTION, "bfloat16"))
def test_a_mistake_too_small_for_an_element_is_named(policy: str) -> None:
    """Answers made with a mistake whose whole deviation is within the bound: the mutant that it is, and not a smaller
    or larger one."""
    under = preset(policy, "bfloat16")
    mutants = [too_large(ATTENTION, factor) for factor in (1.005, 1.01, 1.02)]
    observations = answers(mutants[1].definition, cases(ATTENTION, "bfloat16"), under)

    seen = list(judge(ATTENTION).mutant_findings(judge(ATTENTION).compare(observations, under), mutants))

    assert [finding.mutant for finding in seen] == [mutants[1]]


@pytest.mark.parametrize("policy", presets(ATTENTION, "bfloat16"))
def test_no_mistake_is_seen_in_honest_answers(policy: str) -> None:
    under = preset(policy, "bfloat16")
    seen = judge(ATTENTION).compare(honest(ATTENTION, "bfloat16", policy), under)

    assert not list(judge(ATTENTION).mutant_findings(seen, [too_large(ATTENTION, 1.01), too_large(ATTENTION, 0.99)]))


def test_the_residual_is_what_a_mistake_leaves_unexplained() -> None:
    under, mutant = preset("op-by-op", "bfloat16"), too_large(ATTENTION, 1.05)
    right = honest(ATTENTION, "bfloat16", "op-by-op")
    wrong = answers(mutant.definition, cases(ATTENTION, "bfloat16"), under)

    own, rest = judge(ATTENTION).residual_rms(judge(ATTENTION).compare(wrong, under), mutant)
    before, after = judge(ATTENTION).residual_rms(judge(ATTENTION).compare(right, under), mutant)

    assert rest < 1.5 < own
    assert before < 1.5 < after


# Findings.


def spoilt(change: Callable[[Array], Array]) -> list[Observation]:
    """Honest answers in float32, the largest one changed."""
    right = honest(ATTENTION, "float32", "op-by-op")
    largest = max(right, key=lambda one: one.answers[0].size)
    return [*changed([largest], lambda answer, case: change(answer)), *(one for one in right if one is not largest)]


def judged(observations: Sequence[Observation]) -> Judged:
    return judge(ATTENTION, "float32").judge(observations, preset("op-by-op", "float32"))


def test_one_wrong_element_is_a_finding_at_its_comparison() -> None:
    def one_element(answer: Array) -> Array:
        answer = answer.copy()
        answer[3, 2] += 0.01
        return answer

    found = judged(spoilt(one_element)).findings[0]

    assert found.kind == "element"
    assert sentence(found).startswith("1 of ")
    assert found.compared is not None
    assert np.argwhere(found.compared.ratio > 1).tolist() == [[3, 2]]
    assert found.severity == pytest.approx(found.compared.ratio.max())


def test_findings_stand_in_the_order_of_gravity() -> None:
    """Elements before all of them, before rows; directions only where none of these shows."""
    kinds = [finding.kind for finding in judged(spoilt(lambda answer: answer + 1)).findings]

    assert kinds == ["element", "whole", "slice"]


@pytest.mark.parametrize(
    ("shape", "place", "says"),
    [((5, 40), (3, slice(None)), "row 3: "), ((40, 5), (slice(None), 2), "column 2: "),
     ((3, 9, 8), (1, slice(None), slice(None)), "slice along axis 0 1: ")],
)  # fmt: skip
def test_a_row_whose_errors_are_large_together_is_named(
    shape: tuple[int, ...], place: tuple[int | slice, ...], says: str
) -> None:
    """Each within its bound: seven σ, where rounding leaves one."""
    *batch, n, e = shape
    case = case_of(ATTENTION, n=n, e=e, batch=batch[0] if batch else None)
    (right,) = honest_answers(ATTENTION, "float32", "op-by-op", [case])
    (under,) = judge(ATTENTION, "float32").noise(case, preset("op-by-op", "float32"))
    answer = right.answers[0].copy()
    answer[place] = (under.value + 7 * under.sigma)[place]

    found = judged([Observation(case, (answer,))]).findings

    assert [finding.kind for finding in found] in (["slice"], ["whole", "slice"])
    assert sentence(found[-1]).startswith(f"{says}the root mean square of error/σ is 7.0")


@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_an_answer_that_is_not_finite_is_wrong(lost: float) -> None:
    assert judged(spoilt(lambda answer: np.full_like(answer, lost))).findings[0].kind == "element"


def test_a_first_look_leaves_directions_out() -> None:
    observations = changed(honest(ATTENTION, "bfloat16", "float32-inside"), times)
    under = preset("float32-inside", "bfloat16")

    assert judge(ATTENTION).judge(observations, under, directions=False).right
    assert not judge(ATTENTION).judge(observations, under).right


def test_a_judgement_counts_what_could_be_decided() -> None:
    some = noise(np.ones(4), undecidable=[True, False, False, False])
    result = Judged(preset("op-by-op", "float32"), (compared(np.full(4, 2.0), some), compared([0.0], noise([1.0]))))

    assert result.decidable == (4, 5)
    assert result.decidable_of_outputs == (3 / 4 + 1) / 2
    assert result.rms == pytest.approx(np.sqrt(3))
    assert result.right


@pytest.mark.parametrize(("large", "weak"), [(1, ""), (9, "rounding noise exceeds the signal in 900 of 905 elements")])
def test_a_large_size_that_cannot_be_judged_leaves_a_verdict_on_the_others(large: int, weak: str) -> None:
    """Nothing can be judged there, and everything in five cases of one element."""
    one, none = noise([1.0]), noise(np.ones(100), undecidable=np.full(100, True))
    outputs = [compared([0.0], one)] * 5 + [compared(np.zeros(100), none)] * large

    found = weakness(Judged(preset("op-by-op", "float32"), tuple(outputs)), MutationScore((), (), ()), ())

    assert found == weak


# Which cases.


def test_failing_cases_are_those_with_an_element_beyond_its_bound() -> None:
    """In their order, the same objects."""
    right = honest(ATTENTION, "float32", "op-by-op")
    wrong = [*right]
    for place in (1, 4):
        wrong[place] = changed([right[place]], lambda answer, case: answer * 1.01)[0]

    under = preset("op-by-op", "float32")

    assert judge(ATTENTION, "float32").failing(wrong, under) == [wrong[1], wrong[4]]
    assert [judge(ATTENTION, "float32").holds(one, under) for one in wrong[:3]] == [True, False, True]


def test_ordinary_cases_are_those_that_show_the_most() -> None:
    """Ordinary values, no output of a single element, the first that were made; all cases where none is so."""
    single = honest_answers(ATTENTION, "float32", "op-by-op", [case_of(ATTENTION, n=1, e=1)])
    other = [one for one in honest(ATTENTION, "float32", "op-by-op") if regime(one) != "ordinary"]
    plain = [one for one in honest(ATTENTION, "float32", "op-by-op") if regime(one) == "ordinary"]
    own = judge(ATTENTION, "float32")

    assert own.ordinary([*other, *single, *plain], 3) == plain[:3]
    assert own.ordinary([*single, *other], 3) == [*single, *other][:3]


def regime(observation: Observation) -> str:
    return observation.case.description.regime if observation.case.description is not None else ""


def test_long_cases_are_those_beyond_a_tile() -> None:
    made = [case_of(ATTENTION, m=size, regime=name) for size in (99, 100) for name in ("ordinary", "large")]
    observations = honest_answers(ATTENTION, "float32", "op-by-op", made)

    assert judge(ATTENTION, "float32").long(observations) == [observations[2]]


def test_the_noise_of_a_case_is_computed_once() -> None:
    own, under = Judge(REGISTRY[ATTENTION], "float32"), preset("op-by-op", "float32")
    one, same = case_of(ATTENTION), case_of(ATTENTION)

    assert own.noise(one, under) is own.noise(one, under)
    assert np.array_equal(own.noise(one, under)[0].sigma, own.noise(same, under)[0].sigma)
    assert not np.array_equal(own.noise(one, under)[0].sigma, own.noise(one, preset("tf32", "float32"))[0].sigma)


def test_every_output_is_compared() -> None:
    observations = honest_answers("recurrent.lstm_cell", "float32", "op-by-op")
    seen: list[Compared] = Judge(REGISTRY["recurrent.lstm_cell"], "float32").compare(
        observations, preset("op-by-op", "float32")
    )

    assert [each.output for each in seen] == [0, 1] * len(observations)
    assert all(decidable(each).all() for each in seen)
