"""Gradients of wrong formulas, and gradients that do not flow through a part, are what their sentences say."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.gradients_of_mistakes import gradients_of_mistakes
from attnspec.language.check import check
from attnspec.language.tree import Definition

GENERATOR = np.random.Generator(np.random.Philox(0))
X, D_Y, GAMMA, BETA = GENERATOR.standard_normal((4, 5))
EPS = 1e-3
CENTRED = X - X.mean()
SIGMA = np.sqrt((CENTRED**2).mean() + EPS)


def trees(id: str) -> dict[str, Definition]:
    forward = REGISTRY[id]
    backward = REGISTRY.gradient(id) or forward.gradient()
    return {each.says: each.definition for each in gradients_of_mistakes(forward, backward.definition)}


def gradient_of_norm(says: str) -> np.ndarray:
    given = {"d_y": D_Y, "x": X, "gamma": GAMMA, "beta": BETA, "eps": EPS}
    d_x, *_ = evaluate(trees("transformer.layer_norm")[says], (), given)
    return np.asarray(d_x)


def test_no_gradient_flows_through_the_variance() -> None:
    gained = GAMMA * D_Y

    d_x = gradient_of_norm("in y: no gradient flows through variance + eps")

    np.testing.assert_allclose(d_x, (gained - gained.mean()) / SIGMA, rtol=1e-12)


def test_no_gradient_flows_through_the_mean() -> None:
    """Then the centred vector is the vector less a constant, also in the variance."""
    gained = GAMMA * D_Y / SIGMA

    d_x = gradient_of_norm("in mu: no gradient flows through (Σ_k x_k) / d")

    np.testing.assert_allclose(d_x, gained - CENTRED * (gained * CENTRED).mean() / SIGMA**2, rtol=1e-12)


def test_the_gradient_flows_through_relu_as_through_the_identity() -> None:
    matrices = {"x": X, "W_1": np.eye(5), "b_1": BETA, "W_2": np.eye(5), "b_2": GAMMA}
    tree = trees("transformer.feed_forward")[
        "in the result: the gradient flows through relu as if it were the identity"
    ]

    d_x, *_ = evaluate(tree, (), {"d_o": D_Y, **matrices})

    np.testing.assert_allclose(d_x, D_Y, rtol=1e-12)


def test_no_gradient_flows_through_a_log_sum_exp() -> None:
    tree = next(tree for says, tree in trees("seq2seq.cross_entropy").items() if "the log-sum-exp of" in says)
    given = {"d_loss": np.asarray(2.0), "logits": X, "target": np.asarray(3)}

    value = evaluate(tree, (), given)

    np.testing.assert_allclose(value, -2.0 * np.eye(5)[3], rtol=1e-12)


def test_no_gradient_flows_through_a_denominator() -> None:
    """What a row has in common is not taken off."""
    tree = next(tree for says, tree in trees("attention.weights").items() if "the denominator of" in says)
    scores = X[None]
    weights = np.exp(X) / np.exp(X).sum()

    value = evaluate(tree, (), {"d_alpha": D_Y[None], "e": scores})

    np.testing.assert_allclose(np.ravel(value), weights * D_Y, rtol=1e-12)


def test_the_gradient_is_of_another_formula() -> None:
    says = trees("transformer.feed_forward_gelu")

    assert any(
        "the gradient is of another formula: this is transformer.feed_forward_gelu_tanh" in each for each in says
    )


@pytest.mark.slow
@pytest.mark.parametrize("id", [id for id in REGISTRY if REGISTRY.gradient(id) is not None])
def test_every_gradient_has_well_formed_ones(id: str) -> None:
    for tree in trees(id).values():
        check(tree)
