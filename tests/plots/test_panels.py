"""What is drawn of an equation is found in its tree, and has the values that the equation has."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.watched import watch
from attnspec.notation import Float, Tensor, indices, last, scan, sigmoid, softmax, sum, tanh
from attnspec.plots.examples import drawn
from attnspec.plots.panels import HEAT, TRACE, Panel, in_words, panels

import attnspec  # isort: skip

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]


def shown(id: str, **sizes: int) -> dict[str, Panel]:
    case = drawn(REGISTRY[id], sizes)
    return {panel.name: panel for panel in panels(REGISTRY[id].definition, case.arrays, case.options)}


def test_weights_are_a_heat_map() -> None:
    found = shown("attention.causal", n=5, m=7)
    alpha = found["alpha"]

    assert list(found) == ["alpha"]
    assert (alpha.kind, alpha.title, alpha.axes, alpha.values.shape) == (HEAT, "α_ij", ("i", "j"), (5, 7))
    assert np.allclose(alpha.values.sum(axis=1), 1)
    assert (alpha.values[np.triu_indices(5, 3, 7)] == 0).all()  # query 0 sees keys up to m − n = 2
    assert in_words(alpha).startswith("Heat map of α_ij: 5 rows along i, 7 columns along j; values from 0 to ")


def test_gates_are_traces() -> None:
    """The gates of the cell at each step are those that the cell gives for the states."""
    case = drawn(REGISTRY["recurrent.gru"], {"t": 6, "u": 3})
    found = {each.name: each for each in panels(REGISTRY["recurrent.gru"].definition, case.arrays, case.options)}
    h = np.asarray(REGISTRY["recurrent.gru"](**case.arrays))
    before = np.concatenate([case.arrays["h_0"][None], h[:-1]])
    z = 1 / (1 + np.exp(-(case.arrays["x"] @ case.arrays["W_xz"] + before @ case.arrays["W_hz"] + case.arrays["b_z"])))

    assert list(found) == ["gru_cell.r", "gru_cell.z", "gru_cell.h_tilde", "h"]
    assert {each.kind for each in found.values()} == {TRACE}
    assert {each.axes for each in found.values()} == {("t", "unit")}
    assert np.allclose(found["gru_cell.z"].values, z)
    assert np.allclose(found["h"].values, h)


def test_a_decoder_has_a_row_of_weights_at_each_step() -> None:
    alpha = shown("attention_rnn.bahdanau_decode", n=4, m=6)["bahdanau_step.alpha"]

    assert (alpha.kind, alpha.axes, alpha.values.shape) == (HEAT, ("i", "j"), (4, 6))
    assert np.allclose(alpha.values.sum(axis=1), 1)


def test_of_several_heads_the_first_is_shown_and_all_are_kept() -> None:
    [alpha] = shown("multihead.attention", n=3, m=4).values()

    assert (alpha.of, alpha.values.shape, alpha.whole.shape) == ("h = 0", (3, 4), (2, 3, 4))
    assert alpha.whole_axes == ("h", "i", "j")
    assert np.array_equal(alpha.whole[0], alpha.values)


@attnspec.equation(sizes={"p": "steps"})
def own(w: Float[Tensor, "p g"], s_0: Float[Tensor, " g"]) -> Float[Tensor, " g"]:
    """An equation of a user, with other names."""
    a, b, c = indices("p", "p", "p")
    mixture = softmax(b, w[a] @ w[b])
    seen = sum(b, mixture * w[b])
    s = scan(c, lambda s: tanh(s + sigmoid(w[c])), s_0)
    return last(c, s) + seen.stack(a)[0]


def test_an_equation_of_ones_own_has_its_pictures() -> None:
    case = drawn(own, {"p": 5, "g": 3})
    found = panels(own.definition, case.arrays, case.options)

    assert [(each.name, each.kind, each.axes) for each in found] == [
        ("mixture", HEAT, ("a", "b")),
        ("s", TRACE, ("c", "unit")),
    ]


def test_nothing_is_shown_of_an_equation_without_them() -> None:
    assert shown("recurrent.gru_cell") == {}
    assert shown("transformer.layer_norm") == {}


@pytest.mark.parametrize("one_of", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_watched_results_are_those_of_the_equation(one_of: int) -> None:
    """Watching changes no value, and the pictures of every equation can be named and told apart."""
    for item in EQUATIONS[::one_of]:
        case = drawn(item, {})
        answer = item(**case.arrays, **case.options)
        results = answer if isinstance(answer, tuple) else (answer,)
        seen = watch(item.definition, case.arrays, case.options)
        for panel in panels(item.definition, case.arrays, case.options):
            assert panel.values.ndim == 2
            assert panel.whole.ndim == len(panel.whole_axes)
        for place, (result, node) in enumerate(zip(results, item.definition.returns, strict=False)):
            own = [each.values for each in seen if each.node is node and not each.within]
            assert not own or any(np.allclose(each, result, equal_nan=True) for each in own), f"{item.id}: {place}"
