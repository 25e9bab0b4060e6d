"""The GRU and the LSTM of PyTorch, ONNX Runtime, Keras and Flax: which convention each has, and which it has not.

A library that is not installed is skipped, with its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from attnspec import REGISTRY
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import Description, make
from honest import Answers, as_float64

SIZES = {"t": 5, "d": 4, "u": 3}

Arrays = Mapping[str, np.ndarray[Any, Any]]

BEFORE, AFTER, WRITES = "recurrent.gru", "recurrent.gru_reset_after", "recurrent.gru_update_writes"
LSTM = "recurrent.lstm"

GRUS = {
    ("recurrent", "torch_gru"): AFTER,
    ("recurrent", "onnxruntime_gru"): BEFORE,
    ("recurrent", "onnxruntime_gru_reset_after"): AFTER,
    ("keras_recurrent", "keras_gru"): BEFORE,
    ("keras_recurrent", "keras_gru_reset_after"): AFTER,
    ("flax_modules", "flax_gru"): AFTER,
}
"""A peer, by its module and name, and the equation of its convention."""

LSTMS = [("recurrent", "torch_lstm"), ("recurrent", "onnxruntime_lstm"), ("keras_recurrent", "keras_lstm"),
         ("flax_modules", "flax_lstm")]  # fmt: skip

REPEATS = {
    "keras_rnn_lengths": "recurrent.simple_rnn_lengths",
    "keras_gru_lengths": "recurrent.gru_lengths",
    "keras_gru_lengths_reset_after": "recurrent.gru_lengths_reset_after",
    "keras_lstm_lengths": "recurrent.lstm_lengths",
}
"""Layers of Keras with a mask: a peer, and the equation whose output in padding is 0."""


def library(name: str) -> Any:
    """A library, where it is installed, as its adapter imports it."""
    pytest.importorskip(name)
    return importlib.import_module(f"attnspec_peers._{name}")


def peer(module: str, name: str) -> Callable[..., Answers]:
    """A peer, which takes arrays in float64 and computes in float32."""
    function = getattr(importlib.import_module(f"attnspec_peers.{module}"), name)
    prefix = name.partition("_")[0]
    pytest.importorskip(prefix)

    def call(arrays: Arrays) -> Answers:
        single = [a.astype("float32") if a.dtype.kind == "f" else a for a in arrays.values()]
        if prefix == "flax":
            jnp = importlib.import_module("jax.numpy")
            return as_float64(function(*map(jnp.asarray, single)))
        return as_float64(function(*(single if prefix == "onnxruntime" else map(torch.from_numpy, single))))

    return call


def arrays_of(id: str, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Arguments, rounded to float32, of two examples."""
    sizes = tuple((name, SIZES[name]) for name in sizes_of(REGISTRY[id].definition))
    return dict(make(REGISTRY[id], Description(sizes, batch=(2,), seed=seed), "float32").arrays)


def is_of(answers: Answers, id: str, arrays: Arrays) -> bool:
    """Whether answers are an equation's, within its noise in float32."""
    right = noise(REGISTRY[id].definition, arrays, {}, preset("op-by-op", "float32"))
    return all((np.abs(a - each.value) <= each.bound).all() for a, each in zip(answers, right, strict=True))


def of_one(arrays: Arrays) -> dict[str, np.ndarray[Any, Any]]:
    """The arguments of a GRU that resets before the matrix: those of the other without b_hh."""
    return {name: a for name, a in arrays.items() if name != "b_hh"}


@pytest.mark.parametrize(("module", "name"), GRUS)
def test_a_gru_has_its_own_convention_and_no_other(module: str, name: str) -> None:
    """With b_hh = 0 both places of the reset gate have the same arguments, and z may keep or write."""
    own = GRUS[module, name]
    arrays = arrays_of(AFTER)
    arrays["b_hh"] = np.zeros_like(arrays["b_hh"])

    answers = peer(module, name)(arrays if own == AFTER else of_one(arrays))

    conventions = {AFTER: arrays, BEFORE: of_one(arrays), WRITES: of_one(arrays)}
    assert [id for id, given in conventions.items() if is_of(answers, id, given)] == [own]


@pytest.mark.parametrize(("module", "name"), LSTMS)
def test_an_lstm_has_its_gates_in_the_order_of_the_equation(module: str, name: str) -> None:
    """With the forget and the output gate exchanged it is another function."""
    arrays = arrays_of(LSTM)
    exchanged = {"f": "o", "o": "f"}
    others = {name: arrays[name[:-1] + exchanged.get(name[-1], name[-1])] for name in arrays}
    call = peer(module, name)

    assert is_of(call(arrays), LSTM, arrays)
    assert not is_of(call(others), LSTM, arrays)


@pytest.mark.parametrize("name", REPEATS)
def test_keras_repeats_the_last_output_in_padding(name: str) -> None:
    zero = REPEATS[name]
    call = peer("keras_recurrent", name)
    arrays = {**arrays_of(zero), "length": np.array([2, 4])}
    answers = call(arrays)

    assert is_of(answers, f"{zero}_repeats", arrays)
    assert not is_of(answers, zero, arrays)


@pytest.mark.parametrize(("kind", "id"), [("GRU", AFTER), ("LSTM", LSTM)])
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"batch_first": False}], ids=str)
def test_pytorch_in_its_options(kind: str, id: str, options: dict[str, bool]) -> None:
    """bias=False is every bias at 0; batch_first=False has time in front."""
    peers = importlib.import_module("attnspec_peers._torch")
    arrays = _without_biases(arrays_of(id)) if options.get("bias") is False else arrays_of(id)
    given = {name: torch.from_numpy(a.astype("float32")) for name, a in arrays.items()}
    x, *rest = given.values()
    states = [h[None] for h in rest[: 1 if kind == "GRU" else 2]]
    direction = peers.direction(rest[len(states) :])
    packed = peers._weights(*direction, suffix="_l0")
    weights = {name: a for name, a in packed.items() if "bias" not in name or options.get("bias", True)}
    module = getattr(torch.nn, kind)(4, 3, **{"batch_first": True, **options}, device="meta")

    turned = x if options.get("batch_first", True) else x.mT.permute(2, 0, 1)
    state = states[0] if kind == "GRU" else tuple(states)
    y, last = torch.func.functional_call(module, weights, (turned, state))
    y = y if options.get("batch_first", True) else y.transpose(0, 1)
    answers = as_float64((y,) if kind == "GRU" else (y, last[1][0]))

    assert is_of(answers, id, arrays)


@pytest.mark.parametrize(("kind", "id"), [("GRU", AFTER), ("GRU", BEFORE), ("LSTM", LSTM)])
@pytest.mark.parametrize("option", ["go_backwards", "use_bias", "unroll"])
def test_keras_in_its_options(kind: str, id: str, option: str) -> None:
    """go_backwards reads from the end, use_bias=False is every bias at 0, and unroll=True changes nothing."""
    library("keras")
    recurrent = importlib.import_module("attnspec_peers.keras_recurrent")
    arrays = _without_biases(arrays_of(id)) if option == "use_bias" else arrays_of(id)
    given = [torch.from_numpy(a.astype("float32")) for a in arrays.values()]
    states = given[1 : 2 if kind == "GRU" else 3]
    weights = (recurrent.gru if kind == "GRU" else recurrent.lstm)(given[1 + len(states) :])
    options: dict[str, Any] = {option: option != "use_bias"}
    if kind == "GRU":
        options["reset_after"] = id == AFTER

    answers = recurrent.sequence(kind, given[0], states, weights[:2] if option == "use_bias" else weights, **options)

    if option == "go_backwards":
        assert not is_of(_as_equation(answers), id, arrays)
        arrays = {**arrays, "x": arrays["x"][:, ::-1]}
    assert is_of(_as_equation(answers), id, arrays)


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_keras_begins_with_a_mask_anywhere(kind: str) -> None:
    """Padding in front is passed over: what follows is as without it."""
    keras = library("keras")
    recurrent = importlib.import_module("attnspec_peers.keras_recurrent")
    arrays = arrays_of(AFTER if kind == "GRU" else LSTM)
    given = [torch.from_numpy(a.astype("float32")) for a in arrays.values()]
    states = given[1 : 2 if kind == "GRU" else 3]
    weights = (recurrent.gru if kind == "GRU" else recurrent.lstm)(given[1 + len(states) :])
    padded = torch.cat([torch.ones_like(given[0][:, :2]), given[0]], dim=1)
    mask = torch.arange(7).expand(2, 7) >= 2
    layer = keras.recurrent(kind, units=3, return_sequences=True, return_state=True)

    y, *ends = keras.call(layer, weights, padded, mask=mask, initial_state=states if kind == "LSTM" else states[0])

    assert is_of(_as_equation([y[:, 2:], *ends]), AFTER if kind == "GRU" else LSTM, arrays)


@pytest.mark.parametrize(("kind", "id"), [("GRU", BEFORE), ("GRU", AFTER), ("LSTM", LSTM)])
def test_onnxruntime_in_reverse(kind: str, id: str) -> None:
    """direction="reverse" reads from the end, and gives the outputs in the order of the input."""
    peers = importlib.import_module("attnspec_peers._onnx")
    arrays = arrays_of(id)
    x, *rest = (a.astype("float32") for a in arrays.values())
    count = 1 if kind == "GRU" else 2
    states, weights = rest[:count], rest[count:]
    if kind == "GRU":
        gates = peers.zrh(weights[:9])._replace(b_hh=weights[9] if id == AFTER else None)
        options: dict[str, Any] = {"linear_before_reset": int(id == AFTER)}
    else:
        order = (0, 3, 1, 2)  # i, o, f, c
        gates = peers.Direction(*([weights[3 * gate + part] for gate in order] for part in range(3)))
        options = {}

    y, *ends = peers.recurrent(kind, x, states, gates, direction="reverse", **options)

    assert is_of(_as_equation([y[:, ::-1], *ends]), id, {**arrays, "x": arrays["x"][:, ::-1]})


@pytest.mark.parametrize(("name", "id"), [("GRUCell", AFTER), ("LSTMCell", LSTM)])
def test_flax_in_reverse(name: str, id: str) -> None:
    """reverse=True and keep_order=True read from the end, and give the outputs in the order of the input."""
    flax = library("flax")
    jnp = importlib.import_module("jax.numpy")
    arrays = arrays_of(id)
    x, *rest = (jnp.asarray(a, "float32") for a in arrays.values())
    count = 1 if name == "GRUCell" else 2
    parameters = (flax.gru if count == 1 else flax.lstm)(rest[count:])
    module = flax.linen.RNN(getattr(flax.linen, name)(3), return_carry=True, reverse=True, keep_order=True)

    carry, y = flax.apply(module, {"cell": parameters}, x, initial_carry=flax._carry(rest[:count]))

    answers = as_float64((y[:, ::-1], *flax._states(carry)))
    assert is_of(_as_equation(answers), id, {**arrays, "x": arrays["x"][:, ::-1]})


def _without_biases(arrays: Arrays) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.zeros_like(a) if name.startswith("b_") else a for name, a in arrays.items()}


def _as_equation(answers: Any) -> Answers:
    """Every h, and for an LSTM the last c, from every h and the last states."""
    y, *ends = as_float64(tuple(answers))
    return (y,) if len(ends) == 1 else (y, ends[1])
