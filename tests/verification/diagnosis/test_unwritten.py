"""Places of an output that are not written are named where they explain every case, and only there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.unwritten import unwritten
from attnspec.verification.judge.judge import Judge
from synthetic import Array, case_of, changed, honest_answers

SCORES = "scores.dot"


@cache
def honest() -> tuple[Observation, ...]:
    cases = [
        case_of(SCORES, n=n, m=m, d=3, seed=n + m) for n, m in ((3, 4), (8, 5), (11, 9), (16, 6), (21, 8), (35, 7))
    ]
    return tuple(honest_answers(SCORES, "float32", "op-by-op", cases))


def named(spoil: Callable[[Array], None], sizes: tuple[int, ...] = (), arbitrary: bool = False) -> str:
    """What is said of answers that are changed in place."""

    def change(answer: Array, _: object) -> Array:
        answer = answer.copy()
        spoil(answer)
        return answer

    judge = Judge(REGISTRY[SCORES], "float32")
    compared = judge.compare(changed(honest(), change), preset("op-by-op", "float32"))
    return unwritten(REGISTRY[SCORES].definition, compared, sizes, arbitrary)


def tail(tile: int, number: float = 0.0, only: bool = True) -> Callable[[Array], None]:
    def spoil(answer: Array) -> None:
        start = len(answer) // tile * tile
        if start or only:
            answer[start:] = number

    return spoil


@pytest.mark.parametrize("tile", [8, 16])
@pytest.mark.parametrize("number", [0.0, np.nan])
def test_rows_behind_the_last_whole_tile(tile: int, number: float) -> None:
    assert f"it is {number:g} behind the last whole tile of {tile} along n, as if" in named(tail(tile, number))


def test_a_tile_of_the_code_that_is_written_where_it_is_the_only_one() -> None:
    assert "behind the last whole tile of 10 along n, unless it is the only one" in named(tail(10, only=False), (10,))


def test_what_is_behind_a_fixed_number_of_places() -> None:
    def spoil(answer: Array) -> None:
        answer[:, 6:] = 0

    assert "it is 0 behind the first 6 places along m" in named(spoil)


def test_elements_behind_those_that_workers_with_vectors_write() -> None:
    """Rows of 4 and 8 are written in vectors of 4, those of 6 in pairs, by as many workers as vectors / width."""

    def spoil(answer: Array) -> None:
        width = next(width for width in (4, 2, 1) if answer.shape[-1] % width == 0)
        answer.reshape(-1)[-(-(answer.size // width) // width) * width :] = 0

    assert "it is 0 behind the first 1/w of all elements, where vectors of w = 4 or 2 divide a row" in named(spoil)


def test_memory_that_is_not_initialised_holds_anything() -> None:
    noise = np.random.Generator(np.random.Philox(0))

    def spoil(answer: Array) -> None:
        start = len(answer) // 16 * 16
        answer[start:] = noise.standard_normal(answer[start:].shape)

    assert named(spoil) == ""
    assert "it is not written behind the last whole tile of 16 along n" in named(spoil, arbitrary=True)


def test_nothing_is_said_where_other_places_are_wrong_too() -> None:
    def spoil(answer: Array) -> None:
        tail(16)(answer)
        answer[0] = 0

    assert named(spoil) == ""


def test_nothing_is_said_where_a_tail_is_right() -> None:
    def spoil(answer: Array) -> None:
        if len(answer) != 21:
            tail(16)(answer)

    assert named(spoil) == ""
