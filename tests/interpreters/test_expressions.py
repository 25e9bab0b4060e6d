"""One expression that is written in several ways is known as one, and another one never is."""

from __future__ import annotations

import pytest

from attnspec import REGISTRY
from attnspec.interpreters.mutation.expressions import Expressions, distinct
from attnspec.interpreters.mutation.mutants import Mutant, mutants
from trees import read

HEAD = """def f(x: Float[Tensor, "t d"], y: Float[Tensor, "t d"], b: Float[Tensor, " d"]) -> Float[Tensor, "t d"]:
    i, k = index("t"), index("d")
    d = size("d")
"""


def number(lines: str) -> object:
    return NUMBERS.of(read(HEAD + lines))


NUMBERS = Expressions()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("    return x + y * 2", "    return 2 * y + x"),
        ("    a = x / sqrt(d)\n    return a * y", "    return x * y / sqrt(d)"),
        ("    return x / d * sqrt(d)", "    return x / sqrt(d)"),
        ("    a = x[i, k] * y[i, k]\n    return a.stack(i, k)", "    return (y[i, k] * x[i, k]).stack(i, k)"),
        ("    a = where(i < k, x[i, k], 0)\n    return a.stack(i, k)",
         "    a = where(i <= k - 1, x[i, k], 0)\n    return a.stack(i, k)"),
        ("    a = where(k - i > 0, x[i, k], 0)\n    return a.stack(i, k)",
         "    a = where(i < k, x[i, k], 0)\n    return a.stack(i, k)"),
    ],
)  # fmt: skip
def test_written_in_another_way(one: str, other: str) -> None:
    assert number(one) == number(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("    return x + y", "    return x - y"),
        ("    return x / d", "    return x / sqrt(d)"),
        ("    a = sum(k, x[i, k] * y[i, k])\n    return (a + x[i, k]).stack(i, k)",
         "    a = sum(i, x[i, k] * y[i, k])\n    return (a + x[i, k]).stack(i, k)"),
        ("    a = where(i < k, x[i, k], 0)\n    return a.stack(i, k)",
         "    a = where(i <= k, x[i, k], 0)\n    return a.stack(i, k)"),
        ("    a = where(x[i, k] < y[i, k], 1, 0)\n    return a.stack(i, k)",
         "    a = where(x[i, k] <= y[i, k], 1, 0)\n    return a.stack(i, k)"),
    ],
)  # fmt: skip
def test_another_expression(one: str, other: str) -> None:
    assert number(one) != number(other)


def test_called_equations_are_written_out_and_their_sizes_kept_apart() -> None:
    says = {each.says: each for each in mutants(REGISTRY["multihead.attention"])}
    same = ["in k: W_v is used instead of W_k", "in head: v is used instead of k"]
    other = "in v: W_k is used instead of W_v"

    assert [each.says for each in distinct([says[each] for each in (*same, other)])] == [same[0], other]


def test_a_convention_and_the_mistake_that_it_is_are_both_kept() -> None:
    says = {each.says: each for each in mutants(REGISTRY["recurrent.gru_cell"])}
    convention = next(each for each in says if each.startswith("this is recurrent.gru_cell_update_writes"))
    both = [convention, "in the result: z and 1 − z are swapped"]

    assert [each.says for each in distinct([says[each] for each in both])] == both


def test_two_mistakes_of_one_storage_are_kept() -> None:
    definition = REGISTRY["scores.dot"].definition
    kept = [Mutant(id, id, definition, in_storage=True) for id in ("one", "other")]

    assert distinct(kept) == kept
