"""Another size in a formula is what its sentence says: built in, padded to a tile, or the quotient of two others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.size_errors import size_errors
from attnspec.language.check import check
from attnspec.language.tree import Definition
from trees import read

GENERATOR = np.random.Generator(np.random.Philox(0))


def tree(id: str, says: str, widths: Sequence[int] = ()) -> Definition:
    (found,) = [each.definition for each in size_errors(REGISTRY[id].definition, widths) if each.says == says]
    return found


def test_a_padded_size_is_used_each_time() -> None:
    x = GENERATOR.standard_normal(5)
    mean, given = x.sum() / 8, {"x": x, "gamma": np.ones(5), "beta": np.zeros(5), "eps": 0.0}
    says = "d, padded to a power of two, is used instead of d, each time"

    value = evaluate(tree("transformer.layer_norm", says), (), given)

    np.testing.assert_allclose(value, (x - mean) / np.sqrt(((x - mean) ** 2).sum() / 8), rtol=1e-12)


def test_a_size_is_built_in() -> None:
    q, k = GENERATOR.standard_normal((2, 3)), GENERATOR.standard_normal((4, 3))

    wrong = evaluate(tree("scores.scaled_dot", "in e: 64 is used instead of d"), (), {"q": q, "k": k})

    np.testing.assert_allclose(wrong, q @ k.T / 8, rtol=1e-12)


@pytest.mark.parametrize(("width", "filled_up"), [(3, 4), (4, 4), (5, 7), (8, 8)])
def test_a_size_is_filled_up_to_the_next_of_some_widths(width: int, filled_up: int) -> None:
    """Beyond the largest it is as it is."""
    q, k = GENERATOR.standard_normal((2, width)), GENERATOR.standard_normal((4, width))
    says = "in e: d, filled up to the next of 4 and 7, is used instead of d"

    wrong = evaluate(tree("scores.scaled_dot", says, (7, 4, 4)), (q, k), {})

    np.testing.assert_allclose(wrong, q @ k.T / np.sqrt(filled_up), rtol=1e-12)


def test_a_size_is_taken_for_a_quotient_in_one_line_alone() -> None:
    sizes = {"n": 5, "m": 3, "c": 9, "d": 7, "heads": 2}
    right = evaluate(REGISTRY["cost.multihead_operations"].definition, (), sizes)

    wrong = evaluate(
        tree("cost.multihead_operations", "in attention: ⌊|c| / H⌋ is used instead of d, each time"), (), sizes
    )

    assert right - wrong == 2 * 4 * 5 * 3 * (7 - 9 // 2)


def test_a_size_is_read_for_another_at_all_places() -> None:
    """Values as wide as keys stand in two lines, once in each, so that no mutant of one place is it."""
    sizes = {"t": 5, "c": 3, "d": 7, "e": 2}

    wrong = evaluate(tree("cost.self_attention_operations", "d is used instead of e, each time"), (), sizes)

    assert wrong == evaluate(REGISTRY["cost.self_attention_operations"].definition, (), {**sizes, "e": 7})


def test_a_size_stands_for_what_is_computed_of_it() -> None:
    definition = read(
        """def f(x: Float[Tensor, "H t"]) -> Float[Tensor, "H t"]:
    h, i = indices("H", "t")
    H = size("H")
    n = where(H < 2, 1, where(H < 4, 2, 4))
    y = x[h, i] / n
    return y.stack(h, i)
"""
    )
    x = GENERATOR.standard_normal((3, 2))
    says = "in n: H is used, and nothing computed of it"
    (wrong,) = [each.definition for each in size_errors(definition) if each.says == says]

    np.testing.assert_allclose(evaluate(wrong, (x,), {}), x / 3, rtol=1e-15)


def test_a_product_of_options_stands_for_a_size() -> None:
    definition = read(
        """def f(x: Float[Tensor, "t"], *, factor: float, longest: int) -> Float[Tensor, "t"]:
    i = index("t")
    t = size("t")
    length = where(t > longest, t, longest)
    y = x[i] * length
    return y.stack(i)
"""
    )
    x = GENERATOR.standard_normal(7)
    says = "in length: factor longest is used instead of t"
    (wrong,) = [each.definition for each in size_errors(definition) if each.says == says]

    for longest, length in ((5, 15), (9, 9)):
        value = evaluate(wrong, (x,), {"factor": 3.0, "longest": longest})
        np.testing.assert_allclose(value, x * length, rtol=1e-15)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_errors(id: str) -> None:
    for each in size_errors(REGISTRY[id].definition, (64, 128)):
        check(each.definition)
