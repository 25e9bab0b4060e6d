"""Relations between outputs: what rounding may move apart is allowed, and what is further apart is a violation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.interpreters.rounding.noise import Noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Property, Relation
from attnspec.verification.cases.case import Case
from attnspec.verification.properties.relations import Violation, applies, broken_relations, nearest_sizes, noise_under
from synthetic import MANY, Floats, case_of, generator, noise

WEIGHTS = "attention.weights"
"""Its arguments do not matter here: the function under test and the noise are given."""

CASE = Case({"e": np.zeros((3, 4))}, {})
SEEDS = st.integers(0, 2**32)
Relations = Callable[[Function, Arguments], Iterator[Relation]]


def law(relations: Relations, **facts: Any) -> Property:
    return Property(WEIGHTS, "a_law", "Something holds.", (), relations, facts.get("least", {}), facts.get("equal", ()))


def violations(relations: Relations, answer: Floats, under: Noise) -> list[Violation]:
    """Of a function that gives this answer, where the equation has these values and this noise."""
    return broken_relations(law(relations), lambda **arguments: answer, CASE, lambda arguments: [under])


def rows_sum_to_one(f: Function, arguments: Arguments) -> Iterator[Relation]:
    yield Equal(f(**arguments).sum(axis=-1), np.ones(3))


def is_half(f: Function, arguments: Arguments) -> Iterator[Relation]:
    yield Equal(f(**arguments), np.full((3, 4), 0.5))


def is_at_most_half(f: Function, arguments: Arguments) -> Iterator[Relation]:
    yield AtMost(f(**arguments), np.full((3, 4), 0.5))


def weights(seed: int, bound: float | Floats) -> Noise:
    """Rows that sum to 1, each element known to a bound."""
    drawn = generator(seed).random((3, 4)) + 0.1
    return noise(drawn / drawn.sum(axis=-1, keepdims=True), np.asarray(bound) / 8, bound=bound)


# What rounding may do.


@given(SEEDS, st.floats(1e-12, 1e-2))
@MANY
def test_an_answer_within_its_bounds_breaks_nothing(seed: int, bound: float) -> None:
    """Each element anywhere within its bound, all up, or all away from zero: sums and elements hold."""
    under = weights(seed, bound)
    draw = generator(seed + 1)
    for share in (1.0, -1.0, draw.uniform(-1, 1, (3, 1)), draw.uniform(-1, 1, (3, 4))):
        assert not violations(rows_sum_to_one, under.value + 0.999 * share * bound, under)

    half = noise(np.full((3, 4), 0.5), bound / 8, bound=bound)
    assert not violations(is_half, half.value + 0.999 * bound * draw.uniform(-1, 1, (3, 4)), half)
    assert not violations(is_at_most_half, half.value + 0.999 * bound * draw.uniform(-1, 1, (3, 4)), half)


@given(SEEDS, st.floats(1e-12, 1e-3), st.integers(0, 2))
@MANY
def test_a_broken_relation_is_a_violation_at_its_worst_element(seed: int, bound: float, row: int) -> None:
    """A row whose sum is off by more than all bounds of the row together: that row, with both sides."""
    under = weights(seed, bound)
    answer = under.value.copy()
    answer[row] += 1.01 * bound + 1e-13
    answer[(row + 1) % 3] += 0.5 * bound

    (violation,) = violations(rows_sum_to_one, answer, under)

    assert violation.index == (row,)
    assert violation.sign == "="
    assert violation.left == pytest.approx(answer[row].sum())
    assert violation.right == 1
    assert str(violation).endswith("does not hold: Something holds.")


@given(SEEDS, st.floats(1e-9, 1e-3), st.floats(1, 100))
@MANY
def test_the_tolerance_grows_with_the_bound(seed: int, bound: float, factor: float) -> None:
    """A relation that is linear in the outputs has a tolerance in proportion, but for the slack of its own sums."""
    off = np.full((3, 4), 0.9)

    (near,), (far,) = (violations(rows_sum_to_one, off, weights(seed, size)) for size in (bound, factor * bound))

    assert far.tolerance == pytest.approx(factor * near.tolerance, rel=1e-3, abs=1e-13)
    assert near.tolerance == pytest.approx(4 * bound, rel=1e-3, abs=1e-13), "four elements that may share their error"


@given(SEEDS, st.floats(1e-6, 1e-3), st.floats(0.1, 10))
@MANY
def test_a_larger_bound_never_makes_a_violation(seed: int, bound: float, size: float) -> None:
    """Errors of any size that hold under a bound hold under any larger one."""
    under = weights(seed, bound)
    answer = under.value + size * bound * generator(seed + 1).uniform(-1, 1, (3, 4))

    broken = [bool(violations(rows_sum_to_one, answer, weights(seed, factor * bound))) for factor in (1, 2, 4, 8, 100)]

    assert broken == sorted(broken, reverse=True)
    assert not broken[-1]


@given(SEEDS)
@MANY
def test_errors_that_cancel_in_the_values_may_still_differ(seed: int) -> None:
    """A difference of two elements with one error is exact where they share it, and not where each has its own: the
    tolerance is of the second kind."""
    under = noise(np.full((3, 4), 0.5), 1e-4, bound=1e-3)

    def differences(f: Function, arguments: Arguments) -> Iterator[Relation]:
        found = f(**arguments)
        yield Equal(found[:, 1:], found[:, :-1])

    own = generator(seed).uniform(-1, 1, (3, 4))

    assert not violations(differences, under.value + 1e-4 * own, under)
    assert violations(differences, under.value + np.array([0, 0, 0, 4e-3]), under)


@pytest.mark.parametrize("shared", ["up", "outward"])
def test_an_error_that_all_elements_share_adds_up(shared: str) -> None:
    """Where values have both signs: all larger, or all further from zero, by nearly their bound."""
    value = np.resize([1.0, -2.0], 400)
    under = noise(value, bound=0.1)
    signs = np.ones(400) if shared == "up" else np.sign(value)

    def total(f: Function, arguments: Arguments) -> Iterator[Relation]:
        yield Equal((signs * f(**arguments)).sum(), (signs * value).sum())

    assert not violations(total, value + 0.999 * signs * 0.1, under)
    assert violations(total, value + 1.01 * signs * 0.1, under)


def test_the_worst_element_is_furthest_in_tolerances() -> None:
    """Not the one that is furthest apart."""
    under = noise(np.full((3, 4), 0.5), bound=np.repeat([[1e-6], [1e-1], [1e-6]], 4, axis=1))
    answer = under.value + np.repeat([[0.0], [0.3], [1e-3]], 4, axis=1)

    (violation,) = violations(is_half, answer, under)

    assert violation.index == (2, 0)
    assert violation.tolerance == pytest.approx(1e-6)


def test_without_noise_a_relation_is_exact_but_for_its_own_sums() -> None:
    under = weights(0, 0.0)
    ulp = np.zeros((3, 4))
    ulp[1, 2] = 2.0**-52
    much = 2.0**12 * ulp

    assert not violations(rows_sum_to_one, under.value, under)
    assert not violations(rows_sum_to_one, under.value + ulp, under)
    assert violations(rows_sum_to_one, under.value + much, under)


# Kinds of relations.


@pytest.mark.parametrize(("error", "equal", "at_most"), [(0.1, 1, 1), (-0.1, 1, 0), (0.0, 0, 0)])
def test_an_inequality_is_broken_in_one_direction(error: float, equal: int, at_most: int) -> None:
    under = noise(np.full((3, 4), 0.5), 1e-4)
    answer = under.value + error

    assert len(violations(is_half, answer, under)) == equal
    found = violations(is_at_most_half, answer, under)
    assert [violation.sign for violation in found] == ["≤"] * at_most


def test_every_relation_of_a_property_is_held_against_its_own_tolerance() -> None:
    """The first holds, the second is broken, the third within a looser bound."""
    under = noise(np.zeros((3, 4)), bound=np.repeat([[1e-9], [1e-9], [1.0]], 4, axis=1))
    answer = np.repeat([[0.0], [0.5], [0.5]], 4, axis=1)

    def rows(f: Function, arguments: Arguments) -> Iterator[Relation]:
        for row in f(**arguments):
            yield Equal(row, np.zeros(4))

    (violation,) = violations(rows, answer, under)

    assert violation.left == 0.5
    assert violation.tolerance < 1e-8


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [(NAN, NAN, True), (INF, INF, True), (-INF, -INF, True), (NAN, 0.0, False), (0.0, NAN, False), (INF, -INF, False),
     (INF, 0.0, False)],
)  # fmt: skip
def test_nan_and_infinity_are_equal_to_themselves_alone(left: float, right: float, holds: bool) -> None:
    def relation(f: Function, arguments: Arguments) -> Iterator[Relation]:
        yield Equal(f(**arguments), np.full((3, 4), right))

    under = noise(np.full((3, 4), right), 1e-3)

    assert (violations(relation, np.full((3, 4), left), under) == []) == holds


def test_an_element_about_which_nothing_is_known_frees_what_depends_on_it() -> None:
    """Its row may sum to anything, and the others may not."""
    lost = np.zeros((3, 4), dtype=bool)
    lost[1, 2] = True
    under = replace(weights(0, 1e-6), undecidable=lost)
    answer = under.value + np.array([[0.0], [0.5], [0.0]])

    assert not violations(rows_sum_to_one, answer, under)
    (violation,) = violations(rows_sum_to_one, answer + np.array([[0.0], [0.0], [0.1]]), under)
    assert violation.index == (2,)


def test_several_outputs_are_given_as_a_tuple() -> None:
    def first_is_second(f: Function, arguments: Arguments) -> Iterator[Relation]:
        one, other = f(**arguments)
        yield Equal(one, other)

    under = [noise(np.ones(3), 1e-9), noise(np.ones(3), 1e-9)]
    both: Sequence[Floats] = (np.ones(3), np.array([1.0, 2.0, 1.0]))

    (violation,) = broken_relations(law(first_is_second), lambda **arguments: both, CASE, lambda arguments: under)

    assert violation.index == (1,)


def test_a_number_has_no_index() -> None:
    def total(f: Function, arguments: Arguments) -> Iterator[Relation]:
        yield Equal(f(**arguments).sum(), 3.0)

    (violation,) = violations(total, np.ones((3, 4)), weights(0, 1e-6))

    assert violation.index == ()
    assert str(violation).startswith("a_law: 12 = 3 ± ")


# The noise that is asked for.


def test_the_noise_of_the_same_arguments_is_computed_once() -> None:
    """Also where the arrays are copies; other values or options have their own."""
    noise_of = noise_under(REGISTRY["seq2seq.temperature"], preset("op-by-op", "float32"))
    logits = np.array([1.0, 2.0, 4.0])

    first = noise_of({"logits": logits, "tau": 0.5})

    assert noise_of({"logits": logits.copy(), "tau": 0.5}) is first
    assert noise_of({"logits": 2 * logits, "tau": 0.5}) is not first
    assert not np.array_equal(noise_of({"logits": logits, "tau": 2.0})[0].value, first[0].value)


@pytest.mark.parametrize(("dtype", "factor"), [("float32", 1), ("float64", 2)])
def test_in_float64_what_a_function_is_compared_with_rounds_too(dtype: str, factor: int) -> None:
    equation, under = REGISTRY[WEIGHTS], preset("op-by-op", dtype)
    e = case_of(WEIGHTS, dtype).arrays["e"]

    (plain,) = equation.noise({"e": e}, dtype=dtype)
    (found,) = noise_under(equation, under)({"e": e})

    assert found.bound == pytest.approx(factor * plain.bound)


# Of which cases a property speaks.

NAMES = ("n", "m", "d")


@given(
    st.fixed_dictionaries({name: st.integers(0, 9) for name in NAMES}),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5)),
    st.sampled_from([(), (("n", "m"),), (("m", "d"),)]),
)
@MANY
def test_nearest_sizes_are_those_to_which_a_property_applies(
    sizes: dict[str, int], least: dict[str, int], equal: tuple[tuple[str, str], ...]
) -> None:
    """At least so large and equal where they must be, none smaller than before, and fitted already."""
    speaks = law(rows_sum_to_one, least=least, equal=equal)

    found = nearest_sizes(speaks, sizes)

    assert all(found[name] >= max(sizes[name], least.get(name, 0)) for name in NAMES)
    assert all(found[first] == found[second] for first, second in equal)
    assert all(found[name] in (*sizes.values(), *least.values()) for name in NAMES)
    assert nearest_sizes(speaks, found) == found


@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from([None, 0, 1, 3]))
@settings(max_examples=30)
def test_a_property_applies_to_its_sizes_and_to_no_empty_batch(n: int, m: int, batch: int | None) -> None:
    square = law(rows_sum_to_one, equal=(("n", "m"),), least={"n": 2})

    assert applies(square, case_of(WEIGHTS, n=n, m=m, batch=batch)) == (n == m >= 2 and batch != 0)
    assert not applies(square, Case({"e": np.full((2, 2), NAN)}, {}))


@given(SEEDS)
def test_of_a_batch_the_first_example_is_tried(seed: int) -> None:
    """The function is called with the arrays of one example, in C order."""
    batched = case_of(WEIGHTS, batch=3, seed=seed)
    seen: list[Floats] = []

    def function(**arguments: Any) -> Any:
        seen.append(arguments["e"])
        return np.full(arguments["e"].shape, 1 / 3)

    under = noise(np.full((3, 3), 1 / 3), 1e-9)
    broken_relations(law(rows_sum_to_one), function, batched, lambda arguments: [under])

    assert [array.tolist() for array in seen] == [batched.arrays["e"][0].tolist()]
    assert all(array.flags.c_contiguous for array in seen)
