"""A factor or a term that acts in a later line is what its sentence says."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.moved_parts import moved_parts
from attnspec.language.check import check

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
