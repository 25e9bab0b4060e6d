"""The closed forms are what is counted on the trees, for all sizes, and what PyTorch's modules hold."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY, verify
from attnspec.equations import cost as forms
from attnspec.interpreters.cost.cost import MaxOf, cost
from attnspec.language.dims import Dim
from attnspec.language.tree import Apply, Definition, Name, Node, Number


def polynomial(definition: Definition) -> Dim:
    """A closed form as a polynomial in its sizes."""
    known = {option.name: Dim.parse(option.size) for option in definition.options}
    for line in definition.lines:
        known[line.targets[0]] = _read(line.value, known)
    (result,) = definition.returns
    return _read(result, known)


def _read(node: Node, known: Mapping[str, Dim]) -> Dim:
    match node:
        case Name(id=name):
            return known[name]
        case Number(value=value):
            return Dim.of({(): int(value)})
        case Apply(op="+", args=(a, b)):
            return _read(a, known) + _read(b, known)
        case Apply(op="-", args=(a, b)):
            return _read(a, known) - _read(b, known)
        case Apply(op="*", args=(a, b)):
            return _read(a, known) * _read(b, known)
    raise AssertionError(f"no polynomial: {node}")


PARAMETERS = {
    "simple_rnn_parameters": ("recurrent.simple_rnn_cell", "recurrent.simple_rnn_cell_concat", "recurrent.simple_rnn"),
    "gru_parameters": ("recurrent.gru_cell", "recurrent.gru", "recurrent.gru_update_writes", "seq2seq.encode_gru"),
    "gru_parameters_reset_after": ("recurrent.gru_cell_reset_after", "recurrent.gru_reset_after"),
    "lstm_parameters": ("recurrent.lstm_cell", "recurrent.lstm"),
    "bidirectional_gru_parameters": ("recurrent.bidirectional_gru",),
    "multihead_parameters": ("multihead.attention", "multihead.masked", "multihead.causal"),
    "multihead_parameters_biased": (
        "multihead.attention_biased",
        "multihead.masked_biased",
        "multihead.padded_biased",
        "multihead.causal_biased",
    ),
    "feed_forward_parameters": ("transformer.feed_forward", "transformer.feed_forward_gelu"),
    "encoder_layer_parameters": ("transformer.encoder_layer", "transformer.encoder_layer_pre"),
    "decoder_layer_parameters": ("transformer.decoder_layer", "transformer.decoder_layer_pre"),
}
PRODUCTS = {
    "simple_rnn_operations": ("recurrent.simple_rnn",),
    "gru_operations": ("recurrent.gru", "recurrent.gru_reset_after", "recurrent.gru_update_writes"),
    "lstm_operations": ("recurrent.lstm",),
    "attention_operations": ("attention.scaled_dot_product", "attention.masked", "attention.causal"),
    "self_attention_operations": ("self_attention.scaled", "self_attention.unscaled", "self_attention.causal"),
    "multihead_operations": (
        "multihead.attention",
        "multihead.masked",
        "multihead.attention_biased",
        "multihead.padded_biased",
    ),
    "encoder_layer_operations": ("transformer.encoder_layer", "transformer.encoder_layer_pre"),
}
OUTPUTS = {"attention_weights": ("attention.weights", "scores.dot")}
INTERMEDIATES = {"attention_memory": ("attention.scaled_dot_product", "attention.soft", "attention.masked")}
STEPS = {
    "recurrent_steps": ("recurrent.simple_rnn", "recurrent.gru", "recurrent.lstm", "recurrent.bidirectional_gru"),
    "attention_steps": ("attention.scaled_dot_product", "self_attention.scaled", "transformer.encoder_layer"),
}
ROWS = [
    (part, form, id)
    for part, table in (
        ("parameters", PARAMETERS),
        ("products", PRODUCTS),
        ("outputs", OUTPUTS),
        ("intermediates", INTERMEDIATES),
        ("steps", STEPS),
    )
    for form, ids in table.items()
    for id in ids
]


@pytest.mark.parametrize(("part", "form", "id"), ROWS, ids=lambda value: value)
def test_the_closed_form_is_what_is_counted(part: str, form: str, id: str) -> None:
    """As polynomials, so for all sizes."""
    counted = getattr(cost(REGISTRY[id].definition), part)
    (found,) = counted.parts if isinstance(counted, MaxOf) else (counted,)

    assert polynomial(REGISTRY[f"cost.{form}"].definition) == found


def test_the_blocked_form_is_what_is_counted() -> None:
    found = cost(REGISTRY["attention.scaled_dot_product"].definition, blocked=True)
    sizes = {"n": 11, "m": 300}

    for block in (1, 7, 300):
        assert found.at(found.intermediates, sizes, block) == forms.attention_memory_blocked(n=11, block=block)


def test_every_head_has_its_weights() -> None:
    """Of what multi-head attention holds, H·n·m elements are weights."""
    found = cost(REGISTRY["multihead.attention"].definition)
    weights = polynomial(REGISTRY["cost.multihead_weights"].definition)

    assert any(set(weights.terms) <= set(part.terms) for part in found.intermediates.parts)


def test_a_feed_forward_network_is_used_at_every_position() -> None:
    counted = cost(REGISTRY["transformer.feed_forward"].definition).products

    assert polynomial(REGISTRY["cost.feed_forward_operations"].definition) == Dim.parse("t") * counted


def test_a_readout_is_a_linear_layer() -> None:
    counted = cost(REGISTRY["recurrent.readout"].definition)

    assert counted.at(counted.parameters, {"u": 32, "o": 1}) == forms.linear_parameters(d=32, o=1) == 33


def test_what_003_counts() -> None:
    """161 with the bias; 2080 without the dense layer, which adds 33; 8320 a layer; twice that in both directions."""
    assert forms.logistic_regression_parameters(t=20, d=8) == 161
    assert forms.simple_rnn_parameters(d=32, u=32) == 32 * 64 + 32 == 2080
    assert forms.simple_rnn_parameters(d=32, u=32) + forms.linear_parameters(d=32, o=1) == 2113
    assert forms.lstm_parameters(d=32, u=32) == 4 * 65 * 32 == 8320
    assert forms.stacked_lstm_parameters(d=32, u=32, layers=3) == 3 * 8320
    assert forms.bidirectional_lstm_parameters(d=32, u=32) == 2 * 8320


def test_a_count_is_a_whole_number() -> None:
    assert type(forms.gru_parameters(d=3, u=4)) is int
    assert forms.attention_weights(n=10**6, m=10**6) == 10**12
    assert forms.attention_operations(n=10**8 + 1, m=10**8 + 3, d=1, e=1) == 4 * (10**8 + 1) * (10**8 + 3)


SIZE = st.integers(1, 40)
MODULES: dict[str, Callable[..., Any]] = {
    "embedding_parameters": lambda nn, v, d: nn.Embedding(v, d),
    "linear_parameters": lambda nn, d, o: nn.Linear(d, o),
    "simple_rnn_parameters_two_biases": lambda nn, d, u: nn.RNN(d, u),
    "gru_parameters_two_biases": lambda nn, d, u: nn.GRU(d, u),
    "lstm_parameters_two_biases": lambda nn, d, u: nn.LSTM(d, u),
    "multihead_parameters_biased": lambda nn, c, d, heads: nn.MultiheadAttention(c, heads),
    "multihead_parameters": lambda nn, c, d, heads: nn.MultiheadAttention(c, heads, bias=False),
    "encoder_layer_parameters_biased": lambda nn, c, d, f, heads: nn.TransformerEncoderLayer(c, heads, f),
    "decoder_layer_parameters_biased": lambda nn, c, d, f, heads: nn.TransformerDecoderLayer(c, heads, f),
}


@pytest.mark.parametrize("form", MODULES)
@settings(derandomize=True, max_examples=10, deadline=None, database=None)
@given(data=st.data())
def test_pytorch_holds_as_much(form: str, data: st.DataObject) -> None:
    """As it stands, with the biases that it has; its heads are as wide as the model when they stand side by side."""
    torch = pytest.importorskip("torch")
    equation = REGISTRY[f"cost.{form}"]
    sizes = {option.name: data.draw(SIZE, option.name) for option in equation.definition.options}
    if "heads" in sizes:
        sizes["c"] = sizes["heads"] * sizes["d"]
    with torch.device("meta"):
        module = MODULES[form](torch.nn, **sizes)

    assert sum(parameter.numel() for parameter in module.parameters()) == equation(**sizes)


WITHOUT: dict[str, tuple[str, dict[str, Any]]] = {
    "simple_rnn_parameters": ("RNN", {}),
    "gru_parameters": ("GRU", {}),
    "lstm_parameters": ("LSTM", {}),
    "stacked_lstm_parameters": ("LSTM", {"num_layers": 3}),
    "bidirectional_gru_parameters": ("GRU", {"bidirectional": True}),
    "bidirectional_lstm_parameters": ("LSTM", {"bidirectional": True}),
}


@pytest.mark.parametrize("form", WITHOUT)
def test_pytorch_holds_as_much_but_for_a_second_bias(form: str) -> None:
    torch = importlib.import_module("torch")
    name, options = WITHOUT[form]
    module = getattr(torch.nn, name)(7, 5, device="meta", **options)
    held = sum(parameter.numel() for each, parameter in module.named_parameters() if "bias_hh" not in each)
    layers = {"layers": 3} if "num_layers" in options else {}

    assert held == REGISTRY[f"cost.{form}"](d=7, u=5, **layers)


def two_biases(d: int, u: int) -> int:
    return 3 * (u * (u + d) + 2 * u)


def test_a_wrong_count_is_recognised() -> None:
    report = verify(two_biases, "cost.gru_parameters", framework="numpy")

    assert report.verdicts[0].verdict == "differs"
    assert report.verdicts[0].diagnosis[0].id == "cost.gru_parameters_two_biases"
    assert "expected  result = 9, rounding noise 0" in str(report)


def test_a_frozen_embedding_is_most_of_003s_classifier() -> None:
    """Of 10,000 words with 32 components and an LSTM of 32 states only the last 8353 parameters are trained."""
    sizes = {"v": 10_000, "d": 32, "u": 32}

    assert forms.text_classifier_parameters(**sizes) == 320_000 + 8320 + 33
    assert forms.text_classifier_parameters_frozen(**sizes) == 8320 + 33
