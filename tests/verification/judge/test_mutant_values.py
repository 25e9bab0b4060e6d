"""What mutants compute, and which are no mistakes: equivalent ones are left out, all others differ somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from attnspec import REGISTRY
from attnspec.interpreters.mutation.mutants import Mutant, mutants
from attnspec.language.tree import Definition
from attnspec.thresholds import EQUIVALENCE_SIZES, EQUIVALENT
from attnspec.verification.cases.case import Case, make
from attnspec.verification.judge.kept_values import KeptValues
from attnspec.verification.judge.mutant_values import (
    differ,
    each_mutants_values,
    fits,
    mutant_values,
    non_equivalent_mutants,
    sample_cases,
    stacked,
    values,
)
from synthetic import MANY, Array, Floats, case_of, described, mutant_of, too_large

ATTENTION, CELL = "attention.scaled_dot_product", "recurrent.simple_rnn_cell"
EQUATIONS = ("scores.additive", "attention.causal", "attention.hard", "transformer.layer_norm", "recurrent.gru_cell",
             "seq2seq.cross_entropy_probs", "position.sinusoidal")  # fmt: skip


def removed(id: str) -> list[Mutant]:
    kept = {mutant.id for mutant in non_equivalent_mutants(id)}
    return [mutant for mutant in mutants(REGISTRY[id]) if mutant.id not in kept]


@cache
def fresh_cases(id: str) -> list[Case]:
    """Cases of other sizes, values and regimes than those by which mutants are compared."""
    regimes = ("ordinary", "large", "offset", "spread", "ties", "zeros")
    sizes: tuple[dict[str, int], ...] = ({}, {"d": 5}, {"m": 1, "n": 4}, {"u": 4, "d": 4}, {"v": 7})
    return [
        make(REGISTRY[id], described(id, seed=1000 + place, regime=regime, **own), "float64")
        for regime in regimes
        for place, own in enumerate(sizes)
    ]


def test_what_rounding_leaves_of_zeros_tells_no_mutants_apart() -> None:
    """Where values are equal, gradients of scores are zeros but for rounding; factors of a product may be swapped."""
    gradient = REGISTRY["attention.incremental"].gradient()
    kept = {mutant.says for mutant in non_equivalent_mutants(gradient)}
    swapped = {mutant.says for mutant in mutants(gradient) if mutant.says.endswith("are swapped")}

    assert "in e: q and K_{next,j} are swapped" in swapped - kept
    assert "q and k_new are swapped" in swapped & kept


def test_what_rounding_leaves_of_large_values_tells_no_mutants_apart() -> None:
    """Scores near 4,000 have gradients that are small beside what they are computed from; products commute."""
    gradient = REGISTRY["backward.attention"]
    kept = {mutant.id for mutant in non_equivalent_mutants(gradient.id)}
    swapped = {
        mutant.id
        for mutant in mutants(gradient)
        if mutant.says in ("in e: q_i and k_j are swapped", "in D: ∂o_i and o_i are swapped")
    }

    assert len(swapped) > 1
    assert not swapped & kept


def test_mutants_of_a_gradient_in_blocks() -> None:
    """Some can be made only where a rounded-up quotient is equal to another size."""
    equal = {pair for mutant in mutants(REGISTRY["attention.blocked"].gradient()) for pair in mutant.equal_sizes}

    assert any("⌈" in side for pair in equal for side in pair)
    assert non_equivalent_mutants(REGISTRY["attention.blocked"].gradient())


@pytest.mark.parametrize("id", EQUATIONS)
def test_what_is_removed_is_equivalent(id: str) -> None:
    """It gives the equation's values on cases that it was not compared on."""
    for mutant in removed(id):
        for case in fresh_cases(id):
            assert not differ(values(REGISTRY[id].definition, case), values(mutant.definition, case)), mutant.id


@pytest.mark.parametrize("id", EQUATIONS)
def test_what_is_kept_differs_on_some_case(id: str) -> None:
    right = [(case, values(REGISTRY[id].definition, case)) for case in sample_cases(REGISTRY[id])]

    def differing(mutant: Mutant) -> Iterator[bool]:
        for case, value in right:
            if fits(mutant, case):
                yield differ(mutant_values(mutant, case, "float32"), value)

    assert not [mutant.id for mutant in non_equivalent_mutants(id) if not any(differing(mutant))]


def test_some_mutants_are_equivalent() -> None:
    """So that the two tests above have something to test: a sum whose operands are exchanged, say."""
    assert sum(len(removed(id)) for id in EQUATIONS) > 5


def test_a_mutant_that_differs_by_overflow_alone_is_marked() -> None:
    """Softmax without its maximum taken off is right in real numbers."""
    found = {mutant.id: mutant.in_storage for mutant in non_equivalent_mutants(ATTENTION)}

    assert found["unstable_scaled"]
    assert not found["e/scale/twice"]


def test_what_differs_only_by_nan_at_masked_places_needs_a_claim_of_them() -> None:
    finite = {mutant.id for mutant in non_equivalent_mutants("attention.masked")}
    beyond = {mutant.id for mutant in non_equivalent_mutants("attention.masked", finite=False)}

    assert finite < beyond


# Values.


def test_values_are_a_tuple_in_float64() -> None:
    single, several = (values(REGISTRY[id].definition, case_of(id)) for id in (ATTENTION, "recurrent.lstm_cell"))

    assert single is not None
    assert several is not None
    assert (len(single), len(several)) == (1, 2)
    assert {array.dtype for array in (*single, *several)} == {np.dtype(np.float64)}


def test_a_mutant_that_cannot_run_on_the_sizes_has_no_values() -> None:
    transposed = mutant_of(CELL, "the result/transpose/W_xh")

    assert values(transposed.definition, case_of(CELL, d=3, u=4)) is None
    assert values(transposed.definition, case_of(CELL, d=4, u=4)) is not None


@given(st.integers(1, 5), st.integers(1, 5))
@MANY
def test_a_mutant_fits_where_the_sizes_that_it_needs_are_equal(d: int, u: int) -> None:
    """By the description of a case, or by its shapes where it has none, as a recorded case."""
    transposed, drawn = mutant_of(CELL, "the result/transpose/W_xh"), case_of(CELL, d=d, u=u)
    recorded = Case(drawn.arrays, drawn.options)

    assert transposed.equal_sizes == (("d", "u"),)
    assert fits(transposed, drawn) == fits(transposed, recorded) == (d == u)
    assert fits(too_large(CELL, 2.0), recorded), "what needs no equal sizes fits everywhere"


@pytest.mark.parametrize(
    ("dtype", "form", "overflows"),
    [("float16", "float16", True), ("float16", "float32", False), ("float64", "float16", False)],
)
def test_what_overflows_is_computed_in_the_format_that_overflows(dtype: str, form: str, overflows: bool) -> None:
    """exp(12) is beyond float16 and within float32; in float64 it is computed as it is."""
    unstable = next(each for each in non_equivalent_mutants("attention.weights") if each.in_storage)
    case = Case({"e": np.array([[12.0, 0.0]])}, {})

    found = mutant_values(unstable, case, dtype, form)

    assert found is not None
    assert found[0].dtype == np.float64
    assert bool(np.isfinite(found[0]).all()) != overflows


# Differences.

ANY = st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf])
PAIRS = arrays.arrays(np.float64, (2, 2, 3), elements=ANY)


@given(PAIRS)
@MANY
def test_difference_is_symmetric_and_nothing_differs_from_itself(pair: Floats) -> None:
    a, b = pair

    assert differ([a], [b]) == differ([b], [a])
    assert not differ([a], [a.copy()])


@given(arrays.arrays(np.float64, (2, 3), elements=st.floats(-1e6, 1e6)), st.integers(0, 5))
@MANY
def test_float64_rounding_is_no_difference_and_more_is(a: Floats, place: int) -> None:
    """Relative to the largest element."""
    scale = max(float(np.abs(a).max()), 1.0)
    a.flat[0] = scale
    near, far = a.copy(), a.copy()
    near.flat[place] += 0.5 * EQUIVALENT * scale
    far.flat[place] += 4 * EQUIVALENT * scale

    assert not differ([a], [near])
    assert differ([a], [far])


def test_patterns_and_shapes_differ_and_what_cannot_run_does_not() -> None:
    one: Array = np.ones(2)

    assert differ([one], [np.array([1.0, np.nan])])
    assert differ([one], [np.ones(3)])
    assert not differ(None, [one])
    assert not differ([one], None)


# The cases by which mutants are compared.


@pytest.mark.parametrize("id", EQUATIONS)
def test_sample_cases_are_small_and_have_no_axis_of_one(id: str) -> None:
    """A mutant that is wrong for one key alone is not kept for that; none is missed for want of length."""
    described = [case.description for case in sample_cases(REGISTRY[id])]

    assert any(2 in dict(each.sizes).values() for each in described if each is not None)
    for case in sample_cases(REGISTRY[id]):
        assert case.description is not None
        assert case.layout == "contiguous"
        assert all(1 < size <= EQUIVALENCE_SIZES for name, size in case.description.sizes if name not in "HMNL")


@pytest.mark.parametrize("id", ["scores.additive", "attention.masked", "transformer.layer_norm"])
def test_cases_are_stacked_without_a_change_of_values(id: str) -> None:
    """Every example of a stacked case has the values that it has by itself, and none is lost."""
    cases = [case for case in sample_cases(REGISTRY[id]) if case.finite]
    alone = [values(REGISTRY[id].definition, case) for case in cases]

    together = [values(REGISTRY[id].definition, case) for case in stacked(cases)]

    rows = [example for value in together if value is not None for example in value[0]]
    assert len(rows) == len(cases)
    assert all(
        any(value[0].shape == row.shape and not differ(value, [row]) for row in rows)
        for value in alone
        if value is not None
    )


def test_a_mutant_is_evaluated_once_on_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone or among others, whoever tries it; a case of equal values is another one."""
    evaluated: list[Case] = []

    def counted(definition: Definition, case: Case, several: int = 0) -> tuple[Array, ...] | None:
        evaluated.append(case)
        return values(definition, case, several)

    monkeypatch.setattr("attnspec.verification.judge.mutant_values.values", counted)
    tried = [each for each in non_equivalent_mutants(CELL) if not each.in_storage and not each.equal_sizes][:3]
    case, same = (case_of(CELL, seed=77) for _ in range(2))

    together = list(each_mutants_values(tried, case, "float32"))
    before = len(evaluated)
    alone = [mutant_values(mutant, case, "float32") for mutant in tried]

    assert len(evaluated) == before
    assert all(a is b for a, b in zip(together, alone, strict=True))
    mutant_values(tried[0], same, "float32")
    assert evaluated[-1] is same


def test_kept_values_are_forgotten_where_they_take_too_much_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room is that of the outputs and of their cases."""
    monkeypatch.setattr("attnspec.verification.judge.kept_values.MOST_ELEMENTS", 10)
    kept, case, definition = KeptValues(), case_of(CELL, seed=78), REGISTRY[CELL].definition
    assert case.elements > 10

    kept.keep(definition, case, (np.zeros(2),))
    assert kept.get(definition, case) is not None
    other = case_of(CELL, seed=79)
    kept.keep(definition, other, None)

    assert len(kept) == 1
    assert kept.get(definition, case) is None
    found = kept.get(definition, other)
    assert found is not None
    assert found.outputs is None
