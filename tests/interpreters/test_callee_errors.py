"""Another equation in a call is what its sentence says: a convention, a known mistake, or one of the same arguments."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.callee_errors import (
    callee_errors,
    conventions_in_halves,
    conventions_with_other_functions,
    lines_of_conventions,
)
from attnspec.language.check import check
from attnspec.language.traversal import nodes_throughout
from attnspec.language.tree import Call, Definition

GENERATOR = np.random.Generator(np.random.Philox(0))


def variants(id: str) -> dict[str, Definition]:
    return {each.says: each.definition for each in callee_errors(REGISTRY[id].definition)}


def test_the_heads_attend_causally() -> None:
    x_q, x_kv, *weights = (GENERATOR.standard_normal((size, 4)) for size in (5, 6, 4, 4, 4, 4))
    given = (x_q, x_kv, *weights)

    found = evaluate(variants("multihead.attention")["in head: attention.causal is used"], given, {"heads": 2})

    np.testing.assert_allclose(found, evaluate(REGISTRY["multihead.causal"].definition, given, {"heads": 2}))


def test_one_norm_of_two_or_both_are_of_another_kind() -> None:
    says = "the mean is taken off nowhere: this is the root mean square norm"

    assert {f"in y: {says}", f"in o: {says}", f"each time: {says}"} <= variants("transformer.encoder_layer").keys()


def test_a_norm_is_left_out() -> None:
    """What is left out is no longer read: gain and shift of the second norm may be anything."""
    definition = variants("transformer.encoder_layer")["in o: layer_norm of y_t + f_{y,t} is left out"]
    x = GENERATOR.standard_normal((3, 4))
    weights = [GENERATOR.standard_normal((4, 4)) for _ in range(4)]
    first, ffn = GENERATOR.standard_normal((2, 4)), (np.eye(4), np.zeros(4), np.eye(4), np.zeros(4))

    with_ones, with_others = (
        evaluate(definition, (x, *weights, *first, *ffn, *norm), {"heads": 2, "eps": 0.1})
        for norm in (np.ones((2, 4)), GENERATOR.standard_normal((2, 4)))
    )

    np.testing.assert_array_equal(with_ones, with_others)


def test_a_function_is_replaced_that_another_convention_has() -> None:
    """The equation writes gelu by tanh, and has no gelu that could be replaced."""
    says = "transformer.feed_forward_gelu is used, where x σ(1.702x) is used instead of gelu"
    x, W_1, b_1, W_2, b_2 = (GENERATOR.standard_normal(shape) for shape in ((3,), (3, 5), (5,), (5, 3), (3,)))
    found = conventions_with_other_functions(REGISTRY["transformer.feed_forward_gelu_tanh"].definition)
    (tree,) = [each.definition for each in found if each.says == says]

    a = x @ W_1 + b_1
    expected = (a / (1 + np.exp(-1.702 * a))) @ W_2 + b_2

    np.testing.assert_allclose(evaluate(tree, (x, W_1, b_1, W_2, b_2), {}), expected, rtol=1e-10)
    layer = conventions_with_other_functions(REGISTRY["transformer.encoder_layer_biased_gelu_tanh"].definition)
    assert says in [each.says for each in layer]


def test_a_line_is_as_another_convention_has_it() -> None:
    """The gradient of a reset gate before the matrix, h W ∂, stands where a_hh ∂ belongs; all else is as it was."""
    equation = REGISTRY["backward.gru_gates_reset_after"]
    says = "in d_a_r: it is computed as in backward.gru_gates"
    (tree,) = [each.definition for each in lines_of_conventions(equation.definition) if each.says == says]
    d_h_next, h, r, z, h_tilde, a_hh = GENERATOR.uniform(0.1, 0.9, (6, 4))
    W_hr, W_hz, W_hh = GENERATOR.standard_normal((3, 4, 4))
    given = (d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh, a_hh)

    d_h, d_a_r, *rest = evaluate(tree, given, {})

    right = evaluate(equation.definition, given, {})
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde**2)
    np.testing.assert_allclose(d_a_r, (W_hh @ d_a_h) * h * r * (1 - r))
    np.testing.assert_allclose(d_h, right[0] + W_hr @ (d_a_r - right[1]))
    np.testing.assert_array_equal(rest, right[2:])


def test_a_convention_has_half_of_a_bias_for_another_one() -> None:
    """As PyTorch's GRU has it, where the sum of its two biases is given by halves."""
    equation = REGISTRY["recurrent.gru_cell"]
    says = "this is recurrent.gru_cell_reset_after, if half of b_h is b_hh"
    (tree,) = [each.definition for each in conventions_in_halves(equation.definition) if each.says == says]
    shapes = [(3,), (4,), *([(3, 4), (4, 4), (4,)] * 3)]
    given = [GENERATOR.standard_normal(shape) for shape in shapes]

    expected = REGISTRY["recurrent.gru_cell_reset_after"](*given[:-1], given[-1] / 2, given[-1] / 2)

    np.testing.assert_array_equal(evaluate(tree, given, {}), expected)


def test_what_calls_nothing_has_none() -> None:
    assert not variants("transformer.layer_norm")


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_variants(id: str) -> None:
    definition = REGISTRY[id].definition
    for each in (*callee_errors(definition), *conventions_in_halves(definition), *lines_of_conventions(definition)):
        check(each.definition)


def test_of_a_derived_gradient_that_is_called_twice_nothing_stands_in_its_place() -> None:
    """It is registered nowhere, as it belongs to the gradient that calls it."""
    definition = REGISTRY["attention_rnn.bahdanau_decode"].gradient().definition
    called = [node.callee.id for node in nodes_throughout(definition) if isinstance(node, Call)]
    unknown = {id for id in called if id not in REGISTRY}

    assert unknown
    assert not unknown & {each.id.removeprefix("every ").partition("/")[0] for each in callee_errors(definition)}
