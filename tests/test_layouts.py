"""Weights to the order of libraries and back, and that the libraries compute the equations with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import attnspec
from attnspec import layouts
from attnspec.errors import SpecError, UnknownName
from attnspec.layouts.packing import KINDS

D, U, T, B, HEADS = 3, 4, 5, 2, 2
IDS = {
    "simple_rnn": "recurrent.simple_rnn",
    "gru": "recurrent.gru_reset_after",
    "lstm": "recurrent.lstm",
    "multihead": "multihead.attention_biased",
    "encoder_layer": "transformer.encoder_layer_biased",
    "decoder_layer": "transformer.decoder_layer_biased",
}
ALL = [(library, kind) for kind, libraries in KINDS.items() for library in libraries]
Array = np.ndarray[Any, Any]


def weights_of(kind: str) -> dict[str, Array]:
    """Random weights of an equation, of sizes that all differ but the width of attention."""
    rng = np.random.default_rng(0)
    definition = attnspec.equations()[IDS[kind]].definition
    sizes = {"d": D, "u": U, "c": 6, "H": HEADS, "e": 6, "f": 5}
    shapes = {
        each.name: tuple(dim.value(sizes) for dim in each.dims) for each in definition.parameters if each.symbol.weight
    }
    return {name: rng.uniform(-0.5, 0.5, shape) for name, shape in shapes.items()}


def value(kind: str, *inputs: Array) -> Array:
    """The first result of the equation."""
    options = {"heads": HEADS} if kind == "multihead" else {}
    result = attnspec.equations()[IDS[kind]](*inputs, **weights_of(kind), **options)
    return np.asarray(result[0] if isinstance(result, tuple) else result)


@pytest.mark.parametrize(("library", "kind"), ALL)
def test_packed_weights_are_unpacked_as_they_were(library: str, kind: str) -> None:
    """unpack ∘ pack is the identity, to the bit."""
    weights = weights_of(kind)
    found = layouts.unpack(library, kind, layouts.pack(library, kind, weights, heads=HEADS))

    assert found.keys() == weights.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("kind", ["simple_rnn", "gru", "lstm"])
def test_pytorch_computes_the_equation(kind: str) -> None:
    module = {"simple_rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](D, U, batch_first=True)
    packed = layouts.pack("torch", kind, weights_of(kind))
    module.double().load_state_dict({name: torch.from_numpy(array) for name, array in packed.items()})
    x, states = inputs(kind)
    given = tuple(torch.from_numpy(state)[None] for state in states)

    got = module(torch.from_numpy(x), given if kind == "lstm" else given[0])[0].detach().numpy()

    np.testing.assert_allclose(got, value(kind, x, *states), atol=1e-12)


def inputs(kind: str) -> tuple[Array, list[Array]]:
    rng = np.random.default_rng(1)
    x, states = rng.normal(size=(B, T, D)), [rng.normal(size=(B, U)) for _ in range(2 if kind == "lstm" else 1)]
    return x, states


def test_pytorch_computes_attention() -> None:
    module = torch.nn.MultiheadAttention(6, HEADS, batch_first=True).double()
    packed = layouts.pack("torch", "multihead", weights_of("multihead"))
    module.load_state_dict({name: torch.from_numpy(array) for name, array in packed.items()})
    x = np.random.default_rng(1).normal(size=(B, T, 6))
    tensor = torch.from_numpy(x)

    got = module(tensor, tensor, tensor)[0].detach().numpy()

    np.testing.assert_allclose(got, value("multihead", x, x), atol=1e-12)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("kind", ["encoder_layer", "decoder_layer"])
def test_pytorch_computes_layers_of_the_transformer(kind: str, norm_first: bool) -> None:
    """In both orders of the norm, which have the same weights."""
    is_encoder = kind == "encoder_layer"
    layer = torch.nn.TransformerEncoderLayer if is_encoder else torch.nn.TransformerDecoderLayer
    module = layer(6, HEADS, 5, dropout=0.0, batch_first=True, norm_first=norm_first).double()
    packed = layouts.pack("torch", kind, weights_of(kind))
    module.load_state_dict({name: torch.from_numpy(array) for name, array in packed.items()})
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(B, T, 6)), rng.normal(size=(B, 3, 6))
    tensors = [torch.from_numpy(array) for array in (x, z)]
    causal = torch.nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)

    got = (module(tensors[0]) if is_encoder else module(*tensors, tgt_mask=causal)).detach().numpy()

    equation = attnspec.equations()[IDS[kind] + "_pre" * norm_first]
    mask = np.ones((B, T if is_encoder else 3), bool)
    inputs = (x,) if is_encoder else (x, z)
    expected = equation(*inputs, **weights_of(kind), mask=mask, heads=HEADS, eps=1e-5)
    np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["simple_rnn", "gru", "lstm"])
def test_the_order_of_cudnn_is_that_of_pytorch(kind: str) -> None:
    """PyTorch hands its rows to cuDNN as they are, a linLayerID for each gate: those of the input first."""
    torch_, cudnn = (layouts.pack(library, kind, weights_of(kind)) for library in ("torch", "cudnn"))
    count = len(cudnn) // 4
    rows = {
        part: [*np.split(torch_[f"{name}_ih_l0"], count), *np.split(torch_[f"{name}_hh_l0"], count)]
        for part, name in (("matrix", "weight"), ("bias", "bias"))
    }

    for part, arrays in rows.items():
        for place, array in enumerate(arrays):
            np.testing.assert_array_equal(cudnn[f"{part}/{place}"], array)


@pytest.mark.parametrize("kind", ["simple_rnn", "gru", "lstm"])
def test_onnx_computes_the_equation(kind: str) -> None:
    onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed")
    reference: Any = pytest.importorskip("onnx.reference", reason="onnx is not installed")
    operator = {"simple_rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}[kind]
    options = {"linear_before_reset": 1} if kind == "gru" else {}
    names = ["X", "W", "R", "B", "", "initial_h", "initial_c"][: 7 if kind == "lstm" else 6]
    node = onnx.helper.make_node(operator, names, ["Y"], hidden_size=U, **options)
    x, states = inputs(kind)
    packed = layouts.pack("onnx", kind, weights_of(kind))
    given = {"X": x.swapaxes(0, 1), **packed, **{f"initial_{'hc'[k]}": each[None] for k, each in enumerate(states)}}
    declared = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in names if name]
    result = onnx.helper.make_tensor_value_info("Y", onnx.TensorProto.DOUBLE, None)
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "layer", declared, [result]))

    [got] = reference.ReferenceEvaluator(model).run(None, given)

    np.testing.assert_allclose(got[:, 0].swapaxes(0, 1), value(kind, x, *states), atol=1e-12)


@pytest.mark.parametrize("kind", ["simple_rnn", "gru", "lstm"])
def test_keras_computes_the_equation(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras: Any = pytest.importorskip("keras", reason="keras is not installed")
    layer = {"simple_rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[kind](
        U, return_sequences=True
    )
    layer.build((B, T, D))
    packed = layouts.pack("keras", kind, weights_of(kind))
    layer.set_weights([packed[name] for name in ("kernel", "recurrent_kernel", "bias")])
    x, states = inputs(kind)

    got = np.asarray(layer(x.astype("f4"), initial_state=[state.astype("f4") for state in states]))

    np.testing.assert_allclose(got, value(kind, x, *states), atol=1e-5)


def test_keras_computes_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras: Any = pytest.importorskip("keras", reason="keras is not installed")
    layer = keras.layers.MultiHeadAttention(HEADS, 3)
    layer.build((B, T, 6), (B, T, 6), (B, T, 6))
    packed = layouts.pack("keras", "multihead", weights_of("multihead"), heads=HEADS)
    for each in layer.weights:
        each.assign(packed["/".join(each.path.split("/")[-2:])])
    x = np.random.default_rng(1).normal(size=(B, T, 6))

    np.testing.assert_allclose(np.asarray(layer(x.astype("f4"), x.astype("f4"))), value("multihead", x, x), atol=1e-5)


def flax_call(kind: str, call: Callable[[Any], Any]) -> Any:
    packed = layouts.pack("flax", kind, weights_of(kind), heads=HEADS)
    parameters: dict[str, dict[str, Any]] = {}
    for name, array in packed.items():
        layer, _, part = name.partition("/")
        parameters.setdefault(layer, {})[part] = array.astype("f4")
    return call({"params": parameters})


@pytest.mark.parametrize("kind", ["simple_rnn", "gru", "lstm"])
def test_flax_computes_the_equation(kind: str) -> None:
    nn: Any = pytest.importorskip("flax.linen", reason="flax is not installed")
    cell = {"simple_rnn": nn.SimpleCell, "gru": nn.GRUCell, "lstm": nn.OptimizedLSTMCell}[kind](U)
    x, states = inputs(kind)
    start = [state.astype("f4") for state in states]
    carry = (start[1], start[0]) if kind == "lstm" else start[0]

    got = flax_call(kind, lambda parameters: cell.apply(parameters, carry, x[:, 0].astype("f4"))[1])

    np.testing.assert_allclose(np.asarray(got), value(kind, x, *states)[:, 0], atol=1e-5)


def test_flax_computes_attention() -> None:
    nn: Any = pytest.importorskip("flax.linen", reason="flax is not installed")
    layer = nn.MultiHeadDotProductAttention(num_heads=HEADS, qkv_features=6)
    x = np.random.default_rng(1).normal(size=(B, T, 6))

    got = flax_call("multihead", lambda parameters: layer.apply(parameters, x.astype("f4")))

    np.testing.assert_allclose(np.asarray(got), value("multihead", x, x), atol=1e-5)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownName, match="no library 'troch'") as caught:
        layouts.pack("troch", "gru", {})
    assert caught.value.mend == "did you mean torch?"
    with pytest.raises(UnknownName, match="no kind 'gr'"):
        layouts.unpack("torch", "gr", {})
    with pytest.raises(SpecError, match="onnx has no layer 'multihead' with weights"):
        layouts.unpack("onnx", "multihead", {})
    with pytest.raises(SpecError, match="keras has no layer 'encoder_layer'") as missing:
        layouts.pack("keras", "encoder_layer", {})
    assert missing.value.mend == 'pack its attention as "multihead"'
    with pytest.raises(SpecError, match="not the arrays of torch's decoder_layer"):
        layouts.unpack("torch", "decoder_layer", layouts.pack("torch", "encoder_layer", weights_of("encoder_layer")))
    with pytest.raises(SpecError, match="not the arrays of gru"):
        layouts.pack("torch", "gru", {"W_xr": np.ones((3, 4))})
    with pytest.raises(SpecError, match="heads do not divide"):
        layouts.pack("keras", "multihead", weights_of("multihead"), heads=4)


@pytest.mark.parametrize("library", ["torch", "onnx", "keras"])
def test_arrays_of_another_number_of_gates_are_refused(library: str) -> None:
    """A GRU of 4 units has as many rows as an LSTM of 3, which would read other numbers in silence."""
    of_gru = layouts.pack(library, "gru", weights_of("gru"))
    of_lstm = {name: array[0] if (library, name) == ("keras", "bias") else array for name, array in of_gru.items()}

    with pytest.raises(SpecError, match=f"not the arrays of {library}'s lstm") as caught:
        layouts.unpack(library, "lstm", of_lstm)
    assert "along the axis of the gates: 4 of" in caught.value.expected


def test_what_is_missing_is_named() -> None:
    arrays = layouts.pack("torch", "gru", weights_of("gru"))
    with pytest.raises(SpecError) as caught:
        layouts.unpack("torch", "gru", {"bias": arrays.pop("bias_hh_l0"), **arrays})
    assert caught.value.mend == "missing: bias_hh_l0; too many: bias"
    with pytest.raises(SpecError) as caught:
        layouts.unpack("torch", "gru", SimpleNamespace(state_dict=dict))  # type: ignore[arg-type]  # a module, by mistake
    assert caught.value.mend == "pass its state_dict()"


def test_the_page_on_weights_runs() -> None:
    """Its code ports a layer of PyTorch, and the assertion fails with the weights of two gates exchanged."""
    text = (Path(__file__).parents[1] / "docs/weights.md").read_text("utf-8")
    port, check = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(port, names)
    exec(check, names)
    weights = names["weights"]

    assert set(names["arrays"]) == {"kernel", "recurrent_kernel", "bias"}
    names["weights"] = {**weights, "W_hr": weights["W_hz"], "W_hz": weights["W_hr"]}
    with pytest.raises(AssertionError, match="W_h"):
        exec(check, names)
