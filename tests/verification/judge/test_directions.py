"""Generic directions: an argument that is too strong, or a part of it, is the one that the error lies along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.directions import ErrorDirection, error_directions, only_last
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.statistics import project
from synthetic import Array, answers, case_of, changed, compared, noise, small_cases

ATTENTION, LSTM = "attention.scaled_dot_product", "recurrent.lstm_cell"
EQUATIONS = (ATTENTION, "transformer.layer_norm", "scores.additive")
UNDER = preset("op-by-op", "float32")

TWINS = {
    (ATTENTION, "k", None): ("q", None),
    (ATTENTION, "k", -1): ("q", -1),
    (ATTENTION, "v", None): ("the output", None),
    (ATTENTION, "v", -1): ("the last column of the output", None),
    ("scores.additive", "W", None): ("s", None),
    ("scores.additive", "W", -2): ("s", -1),
    ("scores.additive", "U", None): ("h", None),
    ("scores.additive", "U", -2): ("h", -1),
    ("scores.additive", "v_a", None): ("the output", None),
}
"""Scales that do the same: of the two, the one that is named."""


@cache
def judge(id: str) -> Judge:
    return Judge(REGISTRY[id], "float32")


@cache
def cases(id: str) -> tuple[Case, ...]:
    return tuple(small_cases(id, least=3, regimes=("ordinary",)))


def observe(id: str, change: Callable[[Case], Case]) -> list[Observation]:
    """What software would answer that takes the arguments for others."""
    wrong = answers(REGISTRY[id].definition, map(change, cases(id)), UNDER)
    return [replace(one, case=case) for one, case in zip(wrong, cases(id), strict=True)]


def with_scale(name: str, axis: int | None, factor: float, tile: int = 1) -> Callable[[Case], Case]:
    """An argument, or its last slice along an axis, times a factor."""

    def change(case: Case) -> Case:
        array = case.arrays[name]
        part = array if axis is None else only_last(array, axis, tile)
        return replace(case, arrays={**case.arrays, name: array + (factor - 1) * part})

    return change


def named(id: str, observations: Sequence[Observation]) -> str:
    """The direction that holds nearly all of the error, in words."""
    return judge(id).strongest_direction(observations, UNDER, 0.9)


def in_words(name: str, axis: int | None) -> str:
    return name if axis is None else f"the last slice of {name} along axis {axis}"


def places() -> Iterator[tuple[str, str, int | None]]:
    """Every argument of the equations, as a whole and in its last slice along each axis."""
    for id in EQUATIONS:
        for parameter in REGISTRY[id].definition.parameters:
            yield from ((id, parameter.name, axis) for axis in (None, *range(-len(parameter.dims), 0)))


@pytest.mark.parametrize(("id", "name", "axis"), list(places()))
def test_an_argument_that_is_too_strong_is_named(id: str, name: str, axis: int | None) -> None:
    """With its factor; of the other directions, only those that do the same hold nearly all of the error."""
    observations = observe(id, with_scale(name, axis, 1.02))
    seen = judge(id).compare(observations, UNDER)
    first = TWINS.get((id, name, axis), (name, axis))
    twins = [(twin, along) for (of, twin, along), other in TWINS.items() if of == id and other == first]

    holding = {
        direction.subject
        for direction in error_directions(REGISTRY[id].definition)
        if not direction.on_long_cases
        and (found := project(seen, direction.along)) is not None
        and found.share_of_all > 0.99
    }

    assert named(id, observations).startswith(f"{in_words(*first)} is 1.0")
    assert holding == {in_words(*first), *(in_words(*twin) for twin in twins)}


@pytest.mark.parametrize("id", EQUATIONS)
def test_nothing_is_named_where_nothing_is_wrong(id: str) -> None:
    observations = observe(id, lambda case: case)

    assert named(id, observations) == ""
    assert judge(id).judge(observations, UNDER).right


def last_row(answer: Array) -> Array:
    return only_last(answer, -2)


def last_column(answer: Array) -> Array:
    return only_last(answer, -1)


@pytest.mark.parametrize(
    ("says", "change"),
    [
        ("the output is 1.004 times as strong as it should be", lambda a: 0.004 * a),
        ("the output is 0.9 times as strong as it should be", lambda a: -0.1 * a),
        ("the output is left out", lambda a: -a),
        ("the output is shifted by 0.01", lambda a: np.full(a.shape, 0.01)),
        ("the output is shifted by -2", lambda a: np.full(a.shape, -2.0)),
        ("the last row of the output is 1.01 times as strong as it should be", lambda a: 0.01 * last_row(a)),
        ("the last column of the output is left out", lambda a: -last_column(a)),
    ],
)
def test_an_output_that_is_too_strong_or_shifted_is_named(says: str, change: Callable[[Array], Array]) -> None:
    right = observe(ATTENTION, lambda case: case)

    assert named(ATTENTION, changed(right, lambda answer, case: answer + change(answer))) == says


@pytest.mark.parametrize("place", [0, 1])
def test_of_several_outputs_the_wrong_one_is_named(place: int) -> None:
    result = REGISTRY[LSTM].definition.results[place].name
    wrong = [
        replace(one, answers=tuple(a * 1.01 if k == place else a for k, a in enumerate(one.answers)))
        for one in observe(LSTM, lambda case: case)
    ]

    assert named(LSTM, wrong) == f"{result} is 1.01 times as strong as it should be"


@pytest.mark.parametrize(("tile", "size"), [(16, 120), (32, 120), (64, 120), (128, 248)])
@pytest.mark.parametrize("name", ["k", "v"])
def test_a_last_tile_that_is_too_strong_is_named(name: str, tile: int, size: int) -> None:
    """On long cases, where a kernel has tiles of that size and something is left over."""
    case = case_of(ATTENTION, n=3, m=size, d=4, e=4)
    (wrong,) = answers(REGISTRY[ATTENTION].definition, [with_scale(name, -2, 1.02, tile)(case)], UNDER)

    assert named(ATTENTION, [replace(wrong, case=case)]).startswith(
        f"the last tile of {name}, of {tile}, is 1.02 times"
    )


@pytest.mark.parametrize("coefficient", [1e-6, 3e-5, 0.004, 0.5, -0.25, 7.0])
def test_a_factor_is_written_to_all_digits_that_differ_from_one(coefficient: float) -> None:
    words = ErrorDirection("v", lambda each: None).describe(coefficient)

    factor = float(words.removeprefix("v is ").removesuffix(" times as strong as it should be"))
    assert factor - 1 == pytest.approx(coefficient, rel=0.05)


@pytest.mark.parametrize(
    ("axis", "tile", "kept"),
    [(-1, 1, [[0, 0, 0, 0, 1]] * 3), (-1, 2, [[0, 0, 0, 0, 1]] * 3), (-1, 3, [[0, 0, 0, 1, 1]] * 3),
     (-1, 4, [[0, 0, 0, 0, 1]] * 3), (-2, 1, [[0] * 5, [0] * 5, [1] * 5]), (-2, 2, [[0] * 5, [0] * 5, [1] * 5])],
)  # fmt: skip
def test_a_last_tile_is_what_is_left_over(axis: int, tile: int, kept: list[list[int]]) -> None:
    """A full tile where nothing is left over."""
    assert only_last(np.ones((3, 5)), axis, tile).tolist() == kept


def test_an_axis_that_is_not_there_or_of_size_one_has_no_last_part() -> None:
    assert not only_last(np.ones(3), -2).any()
    assert not only_last(np.ones((3, 1)), -1).any()


def test_a_tile_that_fills_an_axis_is_no_direction() -> None:
    """It is the whole argument."""
    case = case_of(ATTENTION, m=16)
    seen = compared(np.zeros((3, 3)), noise(np.ones((3, 3))), case)
    tile = next(each for each in error_directions(REGISTRY[ATTENTION].definition) if "tile of k, of 16" in each.subject)

    assert tile.along(seen) is None


def test_weights_have_no_tiles() -> None:
    """What kernels cut is the sequence."""
    tiles = [each.subject for each in error_directions(REGISTRY["scores.additive"].definition) if each.on_long_cases]

    assert {what.split(",")[0] for what in tiles} == {"the last tile of s", "the last tile of h"}
