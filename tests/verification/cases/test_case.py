"""A case is made from its description alone, has the sizes that it says, and holds values of its dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.implementation import DTYPES
from attnspec.interpreters.evaluation.call import batch_shape, evaluate, fit
from attnspec.language.layers import sizes_of
from attnspec.language.symbols import symbol
from attnspec.verification.cases.case import LAYOUTS, Case, Description, make, sized, smallest, unbatched, within
from attnspec.verification.cases.distributions import REGIMES, rounded
from synthetic import Array, case_of, described

ATTENTION, CELL, STACKED = "attention.masked", "recurrent.gru_cell", "recurrent.stacked_lstm"
EQUATIONS = (ATTENTION, CELL, STACKED, "multihead.attention", "transformer.embed", "seq2seq.temperature", "text.align",
             "backward.layer_norm", "position.sinusoidal", "recurrent.gru_lengths")  # fmt: skip
SOME = settings(max_examples=40)


@st.composite
def descriptions(draw: st.DrawFn, ids: Sequence[str] = EQUATIONS) -> tuple[str, Description]:
    """An equation and the description of a case of it, of any sizes, values and layout."""
    id = draw(st.sampled_from(ids))
    names = sizes_of(REGISTRY[id].definition)
    how = described(
        id,
        seed=draw(st.integers(0, 2**32)),
        regime=draw(st.sampled_from(sorted(REGIMES))),
        batch=draw(st.sampled_from([None, 1, 3])),
        **{name: draw(st.integers(1, 3 if name in "HLMN" else 7)) for name in names},
    )
    return id, replace(how, layout=draw(st.sampled_from(LAYOUTS)))


def same(a: Case, b: Case) -> bool:
    arrays = all(
        np.array_equal(a.arrays[name], b.arrays[name], equal_nan=array.dtype.kind == "f")
        for name, array in a.arrays.items()
    )
    return arrays and a.arrays.keys() == b.arrays.keys() and a.options == b.options and a.layout == b.layout


@given(descriptions(), st.sampled_from(DTYPES))
@SOME
def test_a_description_makes_one_case(drawn: tuple[str, Description], dtype: str) -> None:
    """Made again, also from what the case says that it was made from, it is the same."""
    id, description = drawn
    case = make(REGISTRY[id], description, dtype)

    assert same(case, make(REGISTRY[id], description, dtype))
    assert case.description is not None
    assert same(case, make(REGISTRY[id], case.description, dtype))


@given(descriptions(), st.sampled_from(DTYPES))
@SOME
def test_values_are_those_of_the_dtype(drawn: tuple[str, Description], dtype: str) -> None:
    """Floating-point arrays are in float64 and hold what the storage dtype can represent; others are int64 or bool."""
    id, description = drawn

    for array in make(REGISTRY[id], description, dtype).arrays.values():
        assert array.dtype in (np.float64, np.int64, np.bool_)
        assert array.dtype != np.float64 or np.array_equal(rounded(array, dtype), array, equal_nan=True)


@given(descriptions())
@SOME
def test_a_case_fits_its_equation_and_has_the_sizes_of_its_description(drawn: tuple[str, Description]) -> None:
    """The equation can be evaluated; what it solves from the shapes is what was described, and only what varies per
    example has the batch axis."""
    id, description = drawn
    case = make(REGISTRY[id], description, "float64")
    definition = REGISTRY[id].definition
    solved, batch = fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    weights = [name for name in case.arrays if symbol(name, id).weight]

    assert case.description is not None
    made = dict(case.description.sizes)
    assert all(made[name] == size for name, size in solved.items() if name in made)
    assert dict(description.sizes).items() <= made.items() or id == STACKED
    if len(weights) < len(case.arrays):
        assert batch == len(description.batch)
        assert batch_shape(definition, case.arrays) == description.batch
    with np.errstate(all="ignore"):
        evaluate(definition, (), case.arguments)


@given(descriptions([CELL, ATTENTION, STACKED]))
@SOME
def test_weights_are_shared_by_a_batch(drawn: tuple[str, Description]) -> None:
    """With a batch or without one they are the same, in values too."""
    id, description = drawn
    single, several = (make(REGISTRY[id], replace(description, batch=batch), "float32") for batch in ((), (3,)))

    for name, array in single.arrays.items():
        if symbol(name, id).weight:
            assert np.array_equal(array, several.arrays[name])
        else:
            assert several.arrays[name].shape == (3, *array.shape)


def test_another_seed_makes_other_values() -> None:
    one, other = (case_of(CELL, seed=seed) for seed in (1, 2))

    assert all((one.arrays[name] != other.arrays[name]).any() for name in one.arrays)


def test_arrays_of_one_shape_have_values_of_their_own() -> None:
    """So that one that is taken for another shows."""
    arrays = list(case_of(CELL, d=4, u=4).arrays.values())
    square = [array for array in arrays if array.shape == (4, 4)]

    assert len(square) == 6
    assert len({array.tobytes() for array in square}) == 6


def test_a_case_knows_its_layout_and_why_it_is_there() -> None:
    description = replace(described(ATTENTION), layout="transposed", why="one reason")
    case = make(REGISTRY[ATTENTION], description, "float32")

    assert (case.layout, case.note, case.origin, case.summed) == ("transposed", "one reason", "", ())


# Options.


def test_an_option_that_is_a_size_has_that_size() -> None:
    case = case_of("multihead.attention", H=3, c=5)

    assert case.options == {"heads": 3}
    assert REGISTRY["multihead.attention"].definition.size_options == {"heads": "H"}


def test_an_option_that_is_no_size_changes_with_the_seed() -> None:
    """One that is never changed might be ignored unnoticed; the same seed gives the same."""
    values = [case_of("transformer.layer_norm", seed=seed).options["eps"] for seed in range(6)]

    assert len({*values}) > 1
    assert values == [case_of("transformer.layer_norm", seed=seed).options["eps"] for seed in range(6)]


@given(st.integers(0, 100), st.integers(1, 9))
@SOME
def test_an_option_that_is_a_place_is_within_its_axis(seed: int, v: int) -> None:
    options = case_of("text.embedding_padding_idx", v=v, seed=seed).options

    assert 0 <= options["padding_idx"] < v


# Sizes.


def test_sizes_stand_in_the_order_of_the_signature() -> None:
    assert sizes_of(REGISTRY["attention.scaled_dot_product"].definition) == ["n", "d", "m", "e"]
    assert sizes_of(REGISTRY["multihead.attention"].definition)[0] == "H", "options first"
    assert "L" in sizes_of(REGISTRY[STACKED].definition)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
@SOME
def test_layers_below_the_top_have_sizes_of_their_own(count: int, d: int, u: int) -> None:
    """One for each layer that is there and none for others; a size that is given is kept."""
    definition = REGISTRY[STACKED].definition
    names = sizes_of(definition)
    usual = dict.fromkeys(names, 3) | {"L": count, "d": d, "u_L": u}

    found = sized(definition, usual)
    below = {name: size for name, size in found.items() if name not in names}

    assert {name: found[name] for name in names} == usual
    assert len(below) == count - 1
    assert sized(definition, found) == found
    assert sized(definition, usual | dict.fromkeys(below, 9)) == found | dict.fromkeys(below, 9)


@pytest.mark.parametrize(("d", "below"), [(4, [4, 4, 4]), (3, [6, 5, 6])])
def test_layers_are_alike_where_all_can_be_and_else_differ_from_the_next(d: int, below: list[int]) -> None:
    """Where the input is as wide as a state, one layer may be taken for another."""
    definition = REGISTRY[STACKED].definition
    found = sized(definition, dict.fromkeys(sizes_of(definition), 4) | {"d": d})

    assert [found[f"u_{place}"] for place in (1, 2, 3)] == below


def test_an_equation_without_layers_has_the_sizes_that_it_is_given() -> None:
    assert sized(REGISTRY[CELL].definition, {"d": 2, "u": 3}) == {"d": 2, "u": 3}


@pytest.mark.parametrize(
    ("id", "name", "size"),
    [("scores.dot", "n", 0), ("scores.dot", "m", 1), ("recurrent.gru", "t", 0), ("recurrent.gru", "u", 1)],
)
def test_the_smallest_size_is_nothing_for_queries_and_steps_and_one_for_the_rest(id: str, name: str, size: int) -> None:
    assert smallest(REGISTRY[id], name) == size


def test_an_equation_may_say_what_its_smallest_size_is() -> None:
    said = {(id, name): size for id, equation in REGISTRY.items() for name, size in equation.smallest.items()}

    assert said
    assert all(smallest(REGISTRY[id], name) == size for (id, name), size in said.items())


def test_no_size_is_larger_than_an_equation_allows() -> None:
    limited = next(equation for equation in REGISTRY.values() if equation.largest)
    name, most = next(iter(limited.largest.items()))

    assert within(limited, name, most + 100) == most
    assert within(limited, name, 1) == 1
    assert within(REGISTRY[CELL], "u", 100_000) == 100_000


# One example of a batch.


@given(descriptions())
@SOME
def test_the_first_example_of_a_batch_has_its_values_and_no_batch(drawn: tuple[str, Description]) -> None:
    id, description = drawn
    batched = make(REGISTRY[id], replace(description, batch=(3,)), "float32")

    alone = unbatched(batched, REGISTRY[id])

    assert alone.description is None
    for name, array in alone.arrays.items():
        whole = batched.arrays[name]
        assert np.array_equal(array, whole if symbol(name, id).weight else whole[0], equal_nan=array.dtype.kind == "f")
    assert same(unbatched(alone, REGISTRY[id]), alone), "of one example that is all"


# How a case is shown.


def test_a_description_shows_what_is_not_usual() -> None:
    plain = Description((("n", 2), ("d", 3)), seed=7)

    assert str(plain) == "n=2, d=3, seed=7"
    assert str(replace(plain, batch=(0,), regime="ties", layout="offset")) == "n=2, d=3, batch=0, ties, offset, seed=7"


def case(origin: str = "", description: Description | None = None, **arrays: Array) -> Case:
    return Case(arrays, {"heads": 2}, description, origin=origin)


def test_a_small_case_shows_its_arrays_and_a_large_one_their_shapes() -> None:
    small, large = np.array([1.5, -2.0]), np.ones((3, 4))
    made = Description((("n", 3),), seed=1)

    assert case(a=small, b=large[:2, :3]).shown == "a = [1.5, -2], b = [[1, 1, 1], [1, 1, 1]], heads = 2"
    assert case(a=small, b=large[:, :3]).shown == "a (2,), b (3, 3), heads = 2"
    assert case(a=large, description=made).shown == "a (3, 4), heads = 2 (n=3, seed=1)"
    assert case(a=large, description=made, origin="x.npz").shown == "a (3, 4), heads = 2 (x.npz)"


def test_arrays_of_zeros_are_shown_together() -> None:
    zero, one = np.zeros((2, 9)), np.ones(1)

    assert case(a=one, b=zero).shown == "a = [1], heads = 2, b = 0"
    assert case(a=one, b=zero, c=zero).shown == "a = [1], heads = 2, all else 0"
    assert case(b=zero, c=zero).shown == "b (2, 9), c (2, 9), heads = 2, all arrays 0"
    assert case(b=zero).shown == "b (2, 9), heads = 2, all 0"


def test_a_case_counts_its_elements_and_knows_its_longest_axis() -> None:
    made = case(a=np.ones((2, 5)), b=np.ones(3))

    assert (made.elements, made.longest) == (13, 5)
    assert (case().elements, case().longest) == (0, 0)
    assert made.arguments.keys() == {"a", "b", "heads"}


@pytest.mark.parametrize(("value", "finite"), [(1.0, True), (np.nan, False), (np.inf, False)])
def test_a_case_knows_whether_it_is_finite(value: float, finite: bool) -> None:
    assert case(a=np.array([0.0, value]), mask=np.array([True])).finite == finite
