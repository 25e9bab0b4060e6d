"""Divisions that drop the rest compute what their sentence says."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.integer_divisions import integer_divisions
from attnspec.language.check import check

SINUSOIDAL = REGISTRY["position.sinusoidal"].definition


@pytest.mark.parametrize("d", [1, 5, 8, 40])
@pytest.mark.parametrize(("part", "divisor"), [("2 / d)", 1), ("2 / d) / 2", 2), ("2 / d) / 4", 4)])
@pytest.mark.parametrize(("word", "whole"), [("up", math.ceil), ("down", math.floor)])
def test_the_rate_of_a_power_is_a_whole_number(d: int, part: str, divisor: int, word: str, whole: object) -> None:
    [tree] = [each.definition for each in integer_divisions(SINUSOIDAL) if each.says.endswith(f"{part} rounded {word}")]
    assert callable(whole)
    rate = whole(2 * math.log(10000) / d / divisor)
    angle = np.arange(7)[:, None] / np.exp(np.arange(d) // 2 * float(rate))

    value = evaluate(tree, (), {"t": 7, "d": d})

    np.testing.assert_allclose(value, np.where(np.arange(d) % 2, np.cos(angle), np.sin(angle)), rtol=1e-9, atol=1e-12)


def test_a_quotient_of_whole_numbers_is_rounded_down() -> None:
    [tree] = [each.definition for each in integer_divisions(SINUSOIDAL) if "is rounded down to" in each.says]
    angle = np.arange(4)[:, None] / 10000.0 ** (2 * (np.arange(6) // 2) // 6)

    value = evaluate(tree, (), {"t": 4, "d": 6})

    np.testing.assert_allclose(value, np.where(np.arange(6) % 2, np.cos(angle), np.sin(angle)), rtol=1e-12)


@pytest.mark.parametrize("d", [1, 3, 7, 8, 16, 70])
@pytest.mark.parametrize(("says", "whole"), [("is rounded down to", math.floor), ("is rounded to", round)])
def test_the_root_of_a_size_is_a_whole_number(d: int, says: str, whole: Callable[[float], int]) -> None:
    id, random = "scores.scaled_dot", np.random.default_rng(d)
    [tree] = [each.definition for each in integer_divisions(REGISTRY[id].definition) if f"√d {says}" in each.says]
    q, k = random.normal(size=(2, d)), random.normal(size=(3, d))

    np.testing.assert_allclose(evaluate(tree, (), {"q": q, "k": k}), q @ k.T / whole(math.sqrt(d)), rtol=1e-12)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_divisions(id: str) -> None:
    for each in integer_divisions(REGISTRY[id].definition):
        check(each.definition)
