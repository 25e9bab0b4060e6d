"""Arrays that are read at the first place alone, or without the offset of their places."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.filter_errors import filter_errors
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.mutation.reading_errors import reading_errors
from attnspec.language.check import check
from attnspec.language.tree import Definition
from trees import read

PRODUCT = read(
    """def f(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    j = index("n")
    y = x[j] * exp(x[j] * x[j])
    return y.stack(j)
"""
)

ROTATED = read(
    """def f(x: Float[Tensor, "2*h"], c: Float[Tensor, "2*h"], s: Float[Tensor, "2*h"]) -> Float[Tensor, " h"]:
    j = index("h")
    h = size("h")
    y = x[h + j] * c[h + j] + x[j] * s[h + j]
    return y.stack(j)
"""
)

FILTERED = read(
    """def f(p: Float[Tensor, " v"], *, share: float, most: int) -> Float[Tensor, " v"]:
    j, k = indices("v", "v")
    before = (p[j] > p[k]) | ((p[j] == p[k]) & (j < k))
    rest = sum(j, where(before, 0, p[j]))
    y = where((rest > 1 - share) & (sum(j, 1, where=before) < most), p[k], 0)
    return y.stack(k)
"""
)


def said(mutants: list[Mutant], words: str) -> Definition:
    (found,) = [each.definition for each in mutants if each.says == words]
    return found


def test_one_factor_is_read_at_the_first_place() -> None:
    x = np.array([0.5, -1.0, 2.0])
    wrong = [each for each in reading_errors(PRODUCT) if each.says == "in y: x_j is read at the first j for all"]

    values = [np.asarray(evaluate(each.definition, (x,), {})) for each in wrong]

    assert any(np.allclose(value, x * np.exp(x * x[0])) for value in values)
    assert any(np.allclose(value, x[0] * np.exp(x * x)) for value in values)


def test_two_arrays_are_read_without_their_offset() -> None:
    x, c, s = np.random.default_rng(1).normal(size=(3, 6))
    tree = said([*reading_errors(ROTATED)], "in y: c and s are read at j instead of h + j")

    np.testing.assert_allclose(evaluate(tree, (x, c, s), {}), x[3:] * c[:3] + x[:3] * s[:3], rtol=1e-12)


def test_a_filter_sees_what_another_leaves() -> None:
    """Of 0.5, 0.3 and 0.2 the last two make up 0.5, and nothing of them is left behind the first."""
    p = np.array([0.5, 0.2, 0.3])
    words = "in rest: p is 0 already where Σ_{j: before_jk} 1 < most does not hold"
    tree = said([*filter_errors(FILTERED)], words)

    np.testing.assert_array_equal(evaluate(FILTERED, (p,), {"share": 0.3, "most": 1}), [0.5, 0, 0])
    np.testing.assert_array_equal(evaluate(tree, (p,), {"share": 0.3, "most": 1}), [0, 0, 0])


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_ones(id: str) -> None:
    for each in (*reading_errors(REGISTRY[id].definition), *filter_errors(REGISTRY[id].definition)):
        check(each.definition)
