"""The quality of shrinking: the smallest case for which a planted fault still shows, within the allowed calls."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import LAYOUTS, Case, make, smallest
from attnspec.verification.cases.distributions import REGIMES
from attnspec.verification.cases.shrink import ELEMENTS_OF_TRY, SIMPLER, shrink
from synthetic import case_of, described

ATTENTION, CELL = "attention.scaled_dot_product", "recurrent.gru_cell"
TRIES = 120
SOME = settings(max_examples=30)
Fault = Callable[[Case], bool]


@dataclass
class Shrunk:
    """What became of a case.

    Attributes:
        case: the smallest case found.
        sizes: the sizes that its arrays have.
        calls: how often the fault was looked for.
    """

    case: Case
    sizes: dict[str, int]
    calls: int

    @property
    def nonzero(self) -> set[str]:
        """The floating-point arrays that are not 0."""
        return {name for name, array in self.case.arrays.items() if array.dtype.kind == "f" and array.any()}


def shrunk(id: str, case: Case, fails: Fault, tries: int = TRIES, least: int = 0) -> Shrunk:
    """Shrink a case for which a fault shows; the fault is only looked for in cases of the equation's own shapes."""
    equation, calls = REGISTRY[id], [0]

    def counted(smaller: Case) -> bool:
        calls[0] += 1
        return fails(smaller)

    assert fails(case)
    found = shrink(equation, case, "float32", lambda name: max(least, smallest(equation, name)), counted, tries)
    return Shrunk(found, sizes(id, found), calls[0])


def sizes(id: str, case: Case) -> dict[str, int]:
    """The sizes of a case, read off its arrays."""
    return {name: case.arrays[array].shape[axis] for name, (array, axis) in axes(id).items()}


@cache
def axes(id: str) -> dict[str, tuple[str, int]]:
    """For every size of an equation an array and the axis, from the end, that has it."""
    return {
        str(dim): (parameter.name, place - len(parameter.dims))
        for parameter in REGISTRY[id].definition.parameters
        for place, dim in enumerate(parameter.dims)
        if parameter.layer is None and str(dim) in sizes_of(REGISTRY[id].definition)
    }


MENU = st.sampled_from([1, 2, 3, 5, 8, 17, 33, 65])


@st.composite
def attention(draw: st.DrawFn, /, **fixed: int) -> Case:
    """Any case of attention, of the sizes that the fixed suite has."""
    named = {name: draw(MENU) for name in ("n", "m", "d", "e")} | fixed
    how = described(
        ATTENTION,
        seed=draw(st.integers(0, 1000)),
        regime=draw(st.sampled_from(["ordinary", "large", "offset", "spread"])),
        batch=draw(st.sampled_from([None, 1, 3, 40])),
        **named,
    )
    layout = draw(st.sampled_from(LAYOUTS))
    return make(REGISTRY[ATTENTION], replace(how, layout=layout), "float32")


# What the smallest case is.


@given(attention())
@SOME
def test_a_fault_in_every_case_shrinks_to_zeros_of_size_one(case: Case) -> None:
    """No batch, contiguous, every size 1, every array 0."""
    found = shrunk(ATTENTION, case, lambda case: True)

    assert found.sizes == {"n": 1, "m": 1, "d": 1, "e": 1}
    assert not found.nonzero
    assert found.case.arrays["q"].ndim == 2
    assert found.case.layout == "contiguous"


@given(st.sampled_from(["n", "m", "d", "e"]), st.integers(2, 12), st.data())
@SOME
def test_a_fault_from_a_size_on_shrinks_to_that_size(name: str, first: int, data: st.DataObject) -> None:
    """Whichever size it is, and however much larger the case was; all else is 1, and 0."""
    start = data.draw(st.integers(first, 300))
    case = data.draw(attention(**{name: start}))

    found = shrunk(ATTENTION, case, lambda case: sizes(ATTENTION, case)[name] >= first)

    assert found.sizes == {"n": 1, "m": 1, "d": 1, "e": 1, name: first}
    assert not found.nonzero


@given(attention(n=9, m=5))
@SOME
def test_a_fault_where_two_sizes_differ_shrinks_to_one_and_two(case: Case) -> None:
    def fails(case: Case) -> bool:
        return sizes(ATTENTION, case)["n"] != sizes(ATTENTION, case)["m"]

    found = shrunk(ATTENTION, case, fails)

    assert sorted(found.sizes.values()) == [1, 1, 1, 2]
    assert fails(found.case)
    assert not found.nonzero


@given(attention(), st.integers(2, 40))
@SOME
def test_a_fault_with_a_batch_keeps_a_batch_of_one(case: Case, batch: int) -> None:
    assert case.description is not None
    batched = make(REGISTRY[ATTENTION], replace(case.description, batch=(batch,)), "float32")

    found = shrunk(ATTENTION, batched, lambda case: case.arrays["q"].ndim == 3)

    assert {array.shape for array in found.case.arrays.values()} == {(1, 1, 1)}
    assert not found.nonzero


@pytest.mark.parametrize("layout", LAYOUTS[1:])
@given(case=attention())
def test_a_fault_in_a_layout_keeps_the_layout(layout: str, case: Case) -> None:
    found = shrunk(ATTENTION, replace(described_as(case, layout)), lambda case: case.layout == layout)

    assert found.case.layout == layout
    assert {*found.sizes.values()} == {1}
    assert not found.nonzero


def described_as(case: Case, layout: str) -> Case:
    assert case.description is not None
    return make(REGISTRY[ATTENTION], replace(case.description, layout=layout), "float32")


def at_least(first: int, names: Collection[str]) -> Fault:
    return lambda case: all(sizes(ATTENTION, case)[name] >= first for name in names)


def test_tries_with_large_cases_count_for_more() -> None:
    """A fault of the largest sizes alone: all smaller ones are tried that are cheap, and few that are not."""
    start, tried = case_of(ATTENTION, n=30_000, m=3, d=2, e=2), list[int]()

    def fails(case: Case) -> bool:
        tried.append(case.elements)
        return sizes(ATTENTION, case)["n"] > 29_000

    found = shrunk(ATTENTION, start, fails)

    assert sum(1 + elements / ELEMENTS_OF_TRY for elements in tried[1:]) <= TRIES
    assert found.sizes == {"n": found.sizes["n"], "m": 1, "d": 1, "e": 1}


@given(st.sets(st.sampled_from("nmde"), min_size=2, max_size=2), st.integers(2, 5), st.sampled_from([6, 9, 17]))
@SOME
def test_two_sizes_shrink_together(names: set[str], first: int, start: int) -> None:
    """A fault that needs two sizes of five or so has each at its smallest."""
    case = case_of(ATTENTION, n=start, m=start, d=start, e=start, batch=3)

    found = shrunk(ATTENTION, case, at_least(first, names))

    assert found.sizes == {name: first if name in names else 1 for name in "nmde"}
    assert not found.nonzero


def test_four_sizes_shrink_together() -> None:
    """From 9 to 5 each, within the calls that there are."""
    found = shrunk(ATTENTION, case_of(ATTENTION, n=9, m=9, d=9, e=9), at_least(5, "nmde"))

    assert {*found.sizes.values()} == {5}
    assert not found.nonzero


@given(st.sampled_from(["q", "k", "v"]), st.integers(0, 1000))
@SOME
def test_arrays_that_do_not_matter_are_zero(name: str, seed: int) -> None:
    """A fault of one array's values leaves that array alone, with numbers of one digit where these suffice."""

    def fails(case: Case) -> bool:
        return bool((np.abs(case.arrays[name]) > 0.1).any())

    found = shrunk(ATTENTION, case_of(ATTENTION, n=5, m=6, d=7, e=4, seed=seed, batch=2), fails)

    assert found.nonzero == {name}
    assert (found.case.arrays[name] == 1).all(), "ones are simpler than what was drawn"


@given(st.integers(0, 10_000))
@SOME
def test_a_fault_of_large_weights_leaves_one_array(seed: int) -> None:
    """Some W with an entry beyond 1: all other arrays are 0, and nothing of that one can be made simpler."""

    def fails(case: Case) -> bool:
        return any(bool((array > 1).any()) for name, array in case.arrays.items() if name.startswith("W"))

    found = shrunk(CELL, case_of(CELL, d=5, u=8, seed=seed, batch=3), fails)

    (name,) = found.nonzero
    one_digit = np.char.mod("%.0e", found.case.arrays[name]).astype(float)
    rounded = replace(found.case, arrays={**found.case.arrays, name: one_digit})
    assert not fails(rounded) or np.allclose(one_digit, found.case.arrays[name])


def test_infinities_stay_and_become_no_nan() -> None:
    """Beside them the other numbers still get one digit."""
    drawn = case_of("attention.merge", n=2, e=1)
    case = replace(drawn, arrays={**drawn.arrays, "lse_1": np.array([-np.inf, 0.1234], "float32")})
    asked = list[np.ndarray]()

    def fails(case: Case) -> bool:
        asked.append(case.arrays["lse_1"])
        return bool(np.isneginf(asked[-1]).any() and (np.abs(asked[-1] - 0.12) < 0.03).any())

    found = shrunk("attention.merge", case, fails)

    assert not any(np.isnan(each).any() for each in asked)
    np.testing.assert_array_equal(found.case.arrays["lse_1"], np.array([-np.inf, 0.1], "float32"))


def test_a_fault_of_values_shrinks_to_size_one() -> None:
    """An entry beyond 1 needs no more than one element."""
    case = case_of(ATTENTION, n=160, m=33, d=17, e=5)

    found = shrunk(ATTENTION, case, lambda case: bool((np.abs(case.arrays["k"]) > 1).any()))

    assert {*found.sizes.values()} == {1}


@pytest.mark.parametrize(
    "id", [CELL, "scores.additive", "recurrent.stacked_gru", "transformer.encoder_layer", "text.embedding"]
)
def test_every_kind_of_equation_shrinks(id: str) -> None:
    """Of many arrays, of layers and heads, of whole numbers: the smallest sizes, and all floating-point arrays 0."""
    start = {name: 3 if name in "HL" else 5 for name in sizes_of(REGISTRY[id].definition)}

    found = shrunk(id, case_of(id, batch=3, **start), lambda case: True)

    assert all(size == 1 for array in found.case.arrays.values() for size in array.shape)
    assert not found.nonzero
    assert found.calls < TRIES / 2


def test_sizes_below_those_that_are_claimed_are_not_tried() -> None:
    tried: list[dict[str, int]] = []

    def fails(case: Case) -> bool:
        tried.append(sizes(ATTENTION, case))
        return True

    found = shrunk(ATTENTION, case_of(ATTENTION, n=9, m=9, d=9, e=9, batch=3), fails, least=3)

    assert {*found.sizes.values()} == {3}
    assert min(size for each in tried for size in each.values()) == 3


def test_no_case_becomes_empty() -> None:
    """Also where sizes of 0 are claimed: an empty answer shows no element."""
    found = shrunk(ATTENTION, case_of(ATTENTION, n=5), lambda case: True, least=0)

    assert found.sizes["n"] == 1


# What always holds.


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """Any fault: it shows or not as the number says that is made of a case's sizes and values."""
    salt, often = draw(st.integers(0, 1000)), draw(st.integers(1, 5))
    shown: dict[int, bool] = {}

    def fails(case: Case) -> bool:
        key = hash((salt, case.layout, *(array.tobytes() for array in case.arrays.values())))
        return shown.setdefault(key, not shown or key % 5 < often)

    return fails


@given(faults(), attention(), st.sampled_from([0, 1, 2, 7, 30, 120]))
@SOME
def test_a_fault_still_shows_in_the_result_within_the_allowed_calls(fails: Fault, case: Case, tries: int) -> None:
    """Whatever the fault is, and however few calls there are, the result fails too, and is no larger."""
    found = shrunk(ATTENTION, case, fails, tries)

    assert fails(found.case)
    assert found.calls <= tries
    assert found.case.elements <= case.elements
    if tries == 0:
        assert found.case is case


@given(attention(), st.lists(st.booleans(), max_size=60))
@SOME
def test_the_result_is_the_last_case_in_which_the_fault_showed(case: Case, shows: list[bool]) -> None:
    """Also of software that does not fail twice alike: nothing is returned that was not seen to fail."""
    outcomes, failed = iter(shows), [case]

    def fails(smaller: Case) -> bool:
        if smaller is case:
            return True
        if shown := next(outcomes, False):
            failed.append(smaller)
        return shown

    assert shrunk(ATTENTION, case, fails).case is failed[-1]


@given(attention(n=8, m=5))
@SOME
def test_shrinking_is_deterministic_and_done_once(case: Case) -> None:
    """The same case gives the same result, and a shrunk case cannot be shrunk further."""

    def fails(case: Case) -> bool:
        return sizes(ATTENTION, case)["n"] >= 3

    first, again = (shrunk(ATTENTION, case, fails).case for _ in range(2))
    once_more = shrunk(ATTENTION, first, fails).case

    for other in (again, once_more):
        assert all(np.array_equal(first.arrays[name], other.arrays[name]) for name in first.arrays)


@given(attention(), st.sampled_from(sorted(REGIMES.keys() - {"ordinary"})))
def test_values_become_ordinary_where_they_do_not_matter(case: Case, regime: str) -> None:
    assert case.description is not None
    start = make(REGISTRY[ATTENTION], replace(case.description, regime=regime), "float32")
    regimes: list[str] = []

    def fails(case: Case) -> bool:
        regimes.extend([case.description.regime] if case.description is not None else [])
        return True

    shrunk(ATTENTION, start, fails)

    assert regimes[-1] == "ordinary"


# Recorded cases.


def recorded(**sizes: int) -> Case:
    """A case from a file."""
    drawn = case_of(ATTENTION, **{"n": 3, "m": 4, "d": 2, "e": 2, **sizes})
    return Case(drawn.arrays, drawn.options, origin="layer.npz")


def test_a_recorded_case_keeps_its_sizes_and_says_that_it_is_simpler() -> None:
    found = shrunk(ATTENTION, recorded(), lambda case: bool((case.arrays["k"] != 0).any()))

    assert found.sizes == {"n": 3, "m": 4, "d": 2, "e": 2}
    assert found.nonzero == {"k"}
    assert found.case.origin == f"layer.npz{SIMPLER}"


def test_a_recorded_case_that_cannot_be_simpler_keeps_its_values_and_its_name() -> None:
    case = recorded()

    def fails(other: Case) -> bool:
        return all(np.array_equal(array, other.arrays[name]) for name, array in case.arrays.items())

    assert shrunk(ATTENTION, case, fails).case is case


def test_of_a_recorded_batch_one_example_is_left_where_it_fails() -> None:
    drawn = case_of(ATTENTION, n=3, m=4, batch=3)
    case = Case(drawn.arrays, drawn.options, origin="layer.npz")

    found = shrunk(ATTENTION, case, lambda case: bool(case.arrays["q"].any()))
    kept = shrunk(ATTENTION, case, lambda case: case.arrays["q"].ndim == 3)

    assert found.case.arrays["q"].shape == (3, 3)
    assert found.case.origin == kept.case.origin == f"layer.npz{SIMPLER}"
    assert kept.case.arrays["q"].shape == (3, 3, 3)


def test_the_origin_says_once_that_a_case_is_simpler() -> None:
    found = shrunk(ATTENTION, replace(recorded(), origin=f"layer.npz{SIMPLER}"), lambda case: True)

    assert found.case.origin == f"layer.npz{SIMPLER}"


def test_a_drawn_case_has_no_origin() -> None:
    assert shrunk(ATTENTION, case_of(ATTENTION, n=4), lambda case: True).case.origin == ""
