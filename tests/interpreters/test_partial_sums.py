"""Sums of which a part counts, and sums over another axis, are what their sentences say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.mutation.partial_sums import other_axes, partial_sums
from attnspec.language.check import check

Array = NDArray[Any]

GENERATOR = np.random.Generator(np.random.Philox(0))


def value(found: Iterable[Mutant], says: str, *arrays: Array, **options: float) -> Array:
    (tree,) = [each.definition for each in found if each.says == says]
    return np.asarray(evaluate(tree, arrays, options))


def softmax(e: Array) -> Array:
    p = np.exp(e - e.max(axis=-1, keepdims=True))
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize(
    ("says", "part"),
    [
        ("the terms of a last tile of 3 that is not full do not count, unless it is the only one", slice(6)),
        ("only the terms of the last tile of 3 count, as if each tile overwrote the one before", slice(6, None)),
        ("only the first 3 terms count", slice(3)),
        ("the first term does not count", slice(1, None)),
    ],
)
def test_a_part_of_a_sum_counts(says: str, part: slice) -> None:
    h, q, k, e = (GENERATOR.standard_normal(shape) for shape in ((7, 2), (2, 7), (3, 7), (2, 7)))
    mean, dot, weights = (REGISTRY[id].definition for id in ("seq2seq.context_mean", "scores.dot", "attention.weights"))
    kept = softmax(e[:, part])

    found = value(partial_sums(mean, [3]), f"in the result: of Σ_j h_j {says}", h)
    np.testing.assert_allclose(found, h[part].sum(axis=0) / 7, rtol=1e-12)
    found = value(partial_sums(dot, [3]), f"in e: of q_i·k_j {says}", q, k)
    np.testing.assert_allclose(found, q[:, part] @ k[:, part].T, rtol=1e-12)
    found = value(partial_sums(weights, [3]), f"in alpha: of softmax_j(e_ij) {says}", e)
    np.testing.assert_allclose(found[:, part], kept, rtol=1e-12)
    assert found.sum() == pytest.approx(2)


def test_the_first_place_is_not_counted() -> None:
    """As of a loop that begins with the second one; a count has no terms but those that a condition chooses."""
    token, says = np.array([3, 1, 3, 2]), "the first term does not count"
    found = [each for each in partial_sums(REGISTRY["seq2seq.until_stop"].definition) if each.says.endswith(says)]

    assert [evaluate(each.definition, (token,), {"stop": 3}).tolist() for each in found] == [[3, 1, 3, 3]]


@pytest.mark.parametrize(("also", "count"), [(", also in means", 3), ("", 5)])
def test_the_first_terms_of_every_sum_count(also: str, count: int) -> None:
    x = GENERATOR.standard_normal(5)
    mean = x[:3].sum() / count
    variance = ((x[:3] - mean) ** 2).sum() / count
    says = f"only the first 3 terms of each sum over k count{also}"
    given = (x, np.ones(5), np.zeros(5))

    found = value(partial_sums(REGISTRY["transformer.layer_norm"].definition, [3]), says, *given, eps=0.0)

    np.testing.assert_allclose(found, (x - mean) / np.sqrt(variance), rtol=1e-12)


def test_the_first_places_of_all_rows_are_read() -> None:
    q, k, v = (GENERATOR.standard_normal(shape) for shape in ((2, 5), (4, 5), (4, 7)))
    says = "only the first 3 places of the rows of all arguments are read, the others are 0"

    found = value(partial_sums(REGISTRY["attention.scaled_dot_product"].definition, [3]), says, q, k, v)

    np.testing.assert_allclose(found[:, :3], softmax(q[:, :3] @ k[:, :3].T / np.sqrt(5)) @ v[:, :3], rtol=1e-12)
    assert not found[:, 3:].any()


def test_a_sum_is_over_another_axis() -> None:
    q, k, v, d_o = (GENERATOR.standard_normal((4, 3)) for _ in range(4))
    definition = REGISTRY["backward.scaled_dot_product"].definition
    says = [each.says for each in other_axes(definition)]

    assert "in o: Σ_j p_ij v_j is over i, not over j" in says
    for each in other_axes(definition):
        assert all(np.isfinite(part).all() for part in evaluate(each.definition, (d_o, q, k, v), {}))


def test_each_row_is_taken_off_the_sum_of_its_column() -> None:
    e, d_alpha = GENERATOR.standard_normal((3, 3)), GENERATOR.standard_normal((3, 3))
    definition = REGISTRY["backward.softmax"].definition
    alpha = softmax(e)
    given = {"e": e, "d_alpha": d_alpha}
    arrays = [given[parameter.name] for parameter in definition.parameters]

    found = value(other_axes(definition), "in D: Σ_j α_ij ∂α_ij is over i, not over j", *arrays)

    np.testing.assert_allclose(found, alpha * (d_alpha - (alpha * d_alpha).sum(axis=0)), rtol=1e-10)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_parts(id: str) -> None:
    definition = REGISTRY[id].definition
    for each in (*partial_sums(definition), *other_axes(definition)):
        check(each.definition)
