"""Layers: a tuple of tuples outside, arrays with names of their own inside; each reads the one below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY, verify
from attnspec.errors import BindingError, NotationError, ShapeError
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.layers import gathered
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.recorded_cases import Reader
from attnspec.verification.cases.recordings import recordings
from attnspec.verification.cases.suite import standard_suite
from trees import read

STACKED = {
    "recurrent.stacked_simple_rnn": "recurrent.simple_rnn",
    "recurrent.stacked_gru": "recurrent.gru",
    "recurrent.stacked_lstm": "recurrent.lstm",
    "recurrent.stacked_bidirectional_gru": "recurrent.bidirectional_gru",
}
RNN: Equation[..., Any] = REGISTRY["recurrent.stacked_simple_rnn"]
GRU: Equation[..., Any] = REGISTRY["recurrent.stacked_gru"]


def drawn(equation: Equation[..., Any], **sizes: int) -> Case:
    return make(equation, Description(tuple(sizes.items()), seed=3), "float64")


def one_by_one(equation: Equation[..., Any], x: Any, given: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = (x,)
    for layer in given:
        found = equation(found[0], *layer)
        found = found if isinstance(found, tuple) else (found,)
    return found


@pytest.mark.parametrize("id", STACKED)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_each_layer_reads_the_one_below(id: str, count: int) -> None:
    case = drawn(REGISTRY[id], t=4, d=3, L=count, u_L=2)
    arguments = gathered(case.arguments)

    found = REGISTRY[id](arguments["x"], arguments["layers"])
    by_name = REGISTRY[id](**case.arguments)
    expected = one_by_one(REGISTRY[STACKED[id]], arguments["x"], arguments["layers"])

    assert len(arguments["layers"]) == count
    for given, named, own in zip(
        *(each if isinstance(each, tuple) else (each,) for each in (found, by_name)), expected, strict=True
    ):
        assert np.allclose(given, own, rtol=1e-12)
        assert np.array_equal(given, named)


def test_layers_differ_in_size_and_may_be_alike() -> None:
    made = [make(GRU, each, "float64").description for each in standard_suite(GRU, lambda name: 1, (0, 1))]
    told = [dict(each.sizes) for each in made if each is not None]
    several = [sizes for sizes in told if sizes["L"] > 1]

    assert {sizes["L"] for sizes in told} >= {1, 2, 3, 4}
    assert any(sizes["u_1"] != sizes["u_L"] != sizes["d"] for sizes in several)
    assert any(sizes["d"] == sizes["u_1"] == sizes["u_2"] == sizes["u_L"] for sizes in several if sizes["L"] == 3)
    assert all(len(sizes) == 3 + sizes["L"] for sizes in told)


def test_what_does_not_fit_is_refused() -> None:
    arguments = gathered(drawn(GRU, t=2, d=3, L=2, u_L=2).arguments)
    bottom, upper = arguments["layers"]

    with pytest.raises(ShapeError, match=r"layers\.1\.W_xr does not fit"):
        GRU(arguments["x"], (bottom, (upper[0], upper[1][:-1], *upper[2:])))
    with pytest.raises(BindingError, match=r"layers\[1\] is no layer"):
        GRU(arguments["x"], (bottom, upper[:-1]))
    with pytest.raises(BindingError, match="layers is empty"):
        GRU(arguments["x"], ())


HEAD = 'def f(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t u_L"]:\n'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return through(layers, recurrent_gru, x) + 1", "goes through layers within a formula"),
        ("return through(x, recurrent_gru, x)", "goes through layers in another form"),
        ("return through(layers, tanh, x)", "goes through layers in another form"),
        ("return layers", "uses layers as an array"),
        ("return recurrent_stacked_gru(x, x)", "calls recurrent.stacked_gru, which takes layers"),
        ("return through(layers, recurrent_gru_cell, x)", "shapes do not fit"),
        ("return through(layers, recurrent_bidirectional_gru, x)", "shapes do not fit"),
        ("return x", "layers is read 0 times"),
    ],
)
def test_misuse_is_refused(body: str, says: str) -> None:
    head = HEAD.replace("t u_L", "t d") if body == "return x" else HEAD

    with pytest.raises(NotationError, match=says):
        layers.known(read(f"{head}    {body}"))


def test_recorded_layers_are_read_by_their_names() -> None:
    case = drawn(RNN, t=3, d=2, L=3, u_L=4, u_1=5, u_2=1)

    (whole,) = Reader(RNN, "float64").read(recordings([dict(case.arrays)])).cases
    (part,) = Reader(RNN, "float64").read(recordings([{"layers.2.W_hh": case.arrays["layers.2.W_hh"]}])).cases
    (none,) = Reader(RNN, "float64").read(recordings([{"x": case.arrays["x"]}])).cases

    assert list(whole.arrays) == list(case.arrays)
    assert all(np.array_equal(whole.arrays[name], case.arrays[name]) for name in case.arrays)
    assert [len(gathered(each.arrays)["layers"]) for each in (part, none)] == [3, 2]
    assert np.array_equal(part.arrays["layers.2.W_hh"], case.arrays["layers.2.W_hh"])


def test_what_only_many_layers_show_is_said() -> None:
    def wrong(x: Any, layers: Any) -> Any:
        (found,) = one_by_one(REGISTRY["recurrent.simple_rnn"], x, layers)
        return found + 0.01 * np.cos(9 * found) if len(layers) > 2 else found

    verdict = verify(wrong, "recurrent.stacked_simple_rnn", framework="numpy", dtype="float64", examples=0).verdicts[0]

    assert verdict.verdict == "differs"
    assert "only where L ≥ 3" in str(verdict)


def test_a_layer_that_reads_the_input_is_recognised() -> None:
    def wrong(x: Any, layers: Any) -> Any:
        states_below = x
        for h_0, W_xh, W_hh, b_h in layers:
            h, states = np.broadcast_to(h_0, (*x.shape[:-2], len(b_h))), []
            for t in range(x.shape[-2]):
                side = x[..., t, :] if W_xh.shape[0] == x.shape[-1] else states_below[..., t, :]
                h = np.tanh(side @ W_xh + h @ W_hh + b_h)
                states.append(h)
            states_below = np.stack(states, axis=-2) if states else np.zeros((*x.shape[:-1], len(b_h)), x.dtype)
        return states_below

    verdict = verify(wrong, "recurrent.stacked_simple_rnn", framework="numpy", dtype="float64", examples=0).verdicts[0]

    assert verdict.verdict == "differs"
    assert "every layer reads the input" in str(verdict)


def hard_tanh(x: Any, h: Any, W_xh: Any, W_hh: Any, b_h: Any) -> tuple[Any, ...]:
    return (np.clip(x @ W_xh + h @ W_hh + b_h, -1, 1),)


def hard_sigmoid(x: Any, h: Any, c: Any, *weights: Any) -> tuple[Any, ...]:
    i, f, g, o = (x @ W + h @ U + b for W, U, b in (weights[k : k + 3] for k in range(0, 12, 3)))
    i, f, o = (np.clip(gate / 6 + 0.5, 0, 1) for gate in (i, f, o))
    c = f * c + i * np.tanh(g)
    return o * np.tanh(c), c


@pytest.mark.parametrize(
    ("id", "carried", "step", "says"),
    [
        ("recurrent.stacked_simple_rnn", 1, hard_tanh, "a hard tanh stands where tanh belongs"),
        pytest.param(
            "recurrent.stacked_lstm",
            2,
            hard_sigmoid,
            "a hard sigmoid stands where σ belongs: x/6",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_another_function_in_every_layer_is_named(id: str, carried: int, step: Any, says: str) -> None:
    def wrong(x: Any, layers: Any) -> Any:
        states: tuple[Any, ...] = ()
        for layer in layers:
            states, weights, outputs = layer[:carried], layer[carried:], []
            for t in range(x.shape[-2]):
                states = step(x[..., t, :], *states, *weights)
                outputs.append(states[0])
            states = tuple(np.broadcast_to(state, (*x.shape[:-2], len(weights[-1]))).copy() for state in states)
            x = np.stack(outputs, axis=-2) if outputs else np.zeros((*x.shape[:-1], len(weights[-1])), x.dtype)
        return (x, *states[1:]) if states[1:] else x

    verdict = verify(wrong, id, framework="numpy", dtype="float64", examples=0).verdicts[0]

    assert verdict.verdict == "differs"
    assert verdict.diagnosis[0].says.startswith(says), str(verdict)
