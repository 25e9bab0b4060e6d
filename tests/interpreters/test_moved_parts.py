"""A factor or a term that acts in a later line is what its sentence says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.moved_parts import moved_parts
from attnspec.language.check import check
from trees import read

GENERATOR = np.random.Generator(np.random.Philox(0))


def test_a_bias_is_added_behind_the_activation() -> None:
    """Of a gate, to the candidate's line: the two have one shape."""
    names = [parameter.name for parameter in REGISTRY["recurrent.gru_cell"].definition.parameters]
    shapes = {"x": (3,), "h": (4,)} | {name: (3 if name[2] == "x" else 4, 4) for name in names if name[0] == "W"}
    given = {name: GENERATOR.standard_normal(shapes.get(name, (4,))) for name in names}
    moved = {each.says: each.definition for each in moved_parts(REGISTRY["recurrent.gru_cell"].definition)}
    tree = moved["b_r acts on h_tilde, not in r: it is added to the whole"]
    without = dict(given, b_r=np.zeros(4))

    x, h = given["x"], given["h"]
    z = 1 / (1 + np.exp(-(x @ given["W_xz"] + h @ given["W_hz"] + given["b_z"])))
    expected = evaluate(REGISTRY["recurrent.gru_cell"].definition, (), without) + (1 - z) * given["b_r"]

    np.testing.assert_allclose(evaluate(tree, (), given), expected, rtol=1e-10)


def test_two_halves_are_interleaved() -> None:
    """In a batch too: of a place of the axis the first half and the second stand side by side."""
    definition = read(
        """def f(a: Float[Tensor, "t u"], b: Float[Tensor, "t u"]) -> Float[Tensor, "t 2*u"]:
    i = index("t")
    h = concat(a[i], b[i])
    return h.stack(i)"""
    )
    moved = {each.says: each.definition for each in moved_parts(definition)}
    a, b = GENERATOR.standard_normal((2, 6, 5, 3))

    found = evaluate(moved["in h: the parts are interleaved where they are joined"], (a, b), {})

    np.testing.assert_array_equal(found, np.stack([a, b], -1).reshape(6, 5, 6))


def test_nothing_moves_to_a_line_before() -> None:
    definition = REGISTRY["transformer.layer_norm"].definition

    assert not [
        each for each in moved_parts(definition) if "acts on" in each.says
    ]  # all arguments are in the last line


def test_a_factor_of_one_term_multiplies_the_whole_sum() -> None:
    x, W, b = GENERATOR.standard_normal((5, 3)), GENERATOR.standard_normal((3, 3)), GENERATOR.standard_normal(3)
    moved = {each.says: each.definition for each in moved_parts(REGISTRY["transformer.layer_norm"].definition)}
    (tree,) = [tree for says, tree in moved.items() if says.startswith("in y: γ_k multiplies all of ")]
    plain = evaluate(REGISTRY["transformer.layer_norm"].definition, (x, np.ones(3), np.zeros(3)), {"eps": 0.1})

    found = evaluate(tree, (x, W[0], b), {"eps": 0.1})

    np.testing.assert_allclose(found, W[0] * (np.asarray(plain) + b), rtol=1e-12)


@pytest.mark.parametrize(("also", "factor"), [("", np.exp), (" as y_ij", lambda y: y)])
def test_a_factor_moves_into_a_sum(also: str, factor: Any) -> None:
    definition = read(
        """def f(d_y: Float[Tensor, "n m"], y: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    i, j = indices("n", "m")
    total = sum(j, d_y[i, j])
    d_e = d_y[i, j] - exp(y[i, j]) * total
    return d_e.stack(i, j)
"""
    )
    d_y, y = GENERATOR.standard_normal((2, 3, 4))
    says = f"in d_e: exp(y_ij) is a factor of each term of total_i{also}, not of the whole"
    (tree,) = [each.definition for each in moved_parts(definition) if each.says == says]

    wrong = evaluate(tree, (d_y, y), {})

    np.testing.assert_allclose(wrong, d_y - (factor(y) * d_y).sum(-1, keepdims=True), rtol=1e-12)


def test_a_factor_moves_out_of_a_sum() -> None:
    definition = read(
        """def f(d_p: Float[Tensor, "n m"], p: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    i, j = indices("n", "m")
    D = sum(j, p[i, j] * d_p[i, j])
    d_e = d_p[i, j] - D
    return d_e.stack(i, j)
"""
    )
    d_p, p = GENERATOR.standard_normal((2, 3, 4))
    (tree,) = [
        each.definition
        for each in moved_parts(definition)
        if "p_ij is a factor of all of" in each.says and "in D: p" in each.says
    ]

    wrong = evaluate(tree, (d_p, p), {})

    np.testing.assert_allclose(wrong, d_p - p * d_p.sum(-1, keepdims=True), rtol=1e-12)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_variants(id: str) -> None:
    for each in moved_parts(REGISTRY[id].definition):
        check(each.definition)


def test_a_term_is_added_to_the_divisor() -> None:
    """As eps to the width, and not to the mean of squares; the mean of squares is in a line of its own."""
    moved = {each.says: each.definition for each in moved_parts(REGISTRY["transformer.layer_norm"].definition)}
    x, ones, zeros = GENERATOR.standard_normal(5), np.ones(5), np.zeros(5)
    tree = moved["in y: eps is added to d, and not as in variance + eps"]

    apart = x - x.mean()
    expected = apart / np.sqrt((apart**2).sum() / (5 + 0.3))

    np.testing.assert_allclose(evaluate(tree, (x, ones, zeros), {"eps": 0.3}), expected, rtol=1e-12)


def test_a_number_that_divides_a_place_multiplies_a_constant() -> None:
    """As where the base of a rotation is stretched, and not its places."""
    definition = read(
        """def f(x: Float[Tensor, " d"], *, factor: float) -> Float[Tensor, " d"]:
    k = index("d")
    y = x[k] * cos(k / factor * 100 ** (0 - k / 8))
    return y.stack(k)"""
    )
    moved = {each.says: each.definition for each in moved_parts(definition)}
    x, k = GENERATOR.standard_normal(5), np.arange(5)

    found = evaluate(moved["in y: factor multiplies 100, and does not divide k"], (x,), {"factor": 3.0})

    np.testing.assert_allclose(found, x * np.cos(k * 300.0 ** (-k / 8)), rtol=1e-12)
