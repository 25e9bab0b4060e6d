"""Modules of PyTorch, classes of them, and functions that take packed weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import attnspec
from attnspec.cli import main
from attnspec.errors import BindingError, SpecError
from attnspec.language.equation import REGISTRY
from attnspec.language.layouts import LAYOUTS, Part, layout, parts_of
from attnspec.language.registry import families
from attnspec.notation import Float, Tensor
from attnspec.verification.verdict import Verdict

torch = pytest.importorskip("torch")

OWN = """
import torch
from torch import nn


def step(x, h, w_ih, w_hh, b_ih, b_hh, keep=1.0):
    ir, iz, inn = (x @ w_ih.T + b_ih).chunk(3, -1)
    hr, hz, hn = (h @ w_hh.T + b_hh).chunk(3, -1)
    r, z = torch.sigmoid(ir + hr), torch.sigmoid(iz + hz)
    n = torch.tanh(inn + r * hn)
    return n + keep * z * (h - n)


class Cell(nn.Module):
    def __init__(self, input_size, hidden_size, keep=1.0):
        super().__init__()
        self.weight_ih = nn.Parameter(torch.randn(3 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.randn(3 * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.zeros(3 * hidden_size))
        self.bias_hh = nn.Parameter(torch.zeros(3 * hidden_size))
        self.keep = keep

    def forward(self, x, h):
        return step(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, self.keep)


class Steps(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.cell = nn.GRUCell(input_size, hidden_size)

    def forward(self, x, h0):
        states, h = [], h0
        for x_t in x:
            h = self.cell(x_t, h)
            states.append(h)
        return torch.stack(states)


class Heads(nn.Module):
    def __init__(self, model, parts):
        super().__init__()
        self.parts = parts
        self.a, self.b, self.c, self.d = (nn.Linear(model, model, bias=False) for _ in range(4))

    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (self.parts, -1)).transpose(-2, -3) for f in (self.a, self.b, self.c))
        c = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.d(c.transpose(-2, -3).flatten(-2))


class Attention(nn.Module):
    def __init__(self, width=12, heads=3):
        super().__init__()
        self.heads = heads
        self.a, self.b, self.c, self.d = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(-2, -3) for f in (self.a, self.b, self.c))
        c = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.d(c.transpose(-2, -3).flatten(-2))


def hiding(q, k, v, hidden):
    return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=~hidden)


cell = Cell(6, 4)
slipped = Cell(6, 4, 0.999)
attention = Attention()
"""
RESET_AFTER = "recurrent.gru_cell_reset_after"
SELF: dict[str, Any] = {"same": {"x_kv": "x_q"}}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("modules") / "own.py"
    path.write_text(OWN)
    return path


def judged(target: str, equation: str, **options: Any) -> Verdict:
    (verdict,) = attnspec.verify(target, equation, **{"examples": 2, **options}).verdicts
    return verdict


@pytest.mark.parametrize(
    ("name", "equation"),
    [
        ("RNNCell", "recurrent.simple_rnn_cell"),
        ("GRUCell", RESET_AFTER),
        ("LSTMCell", "recurrent.lstm_cell"),
        ("LayerNorm", "transformer.layer_norm"),
        ("Linear", "transformer.linear"),
        ("MultiheadAttention", "multihead.attention_biased"),
        ("MultiheadAttention", "multihead.attention"),
    ],
)
def test_a_class_of_pytorch_needs_no_option(name: str, equation: str) -> None:
    verdict = judged(f"torch.nn:{name}", equation)

    assert verdict.verdict == "conforms", str(verdict)
    assert "made with" in verdict.bound


@pytest.mark.parametrize(
    ("name", "equation"),
    [("RNN", "recurrent.simple_rnn"), ("GRU", "recurrent.gru_reset_after"), ("LSTM", "recurrent.lstm")],
)
def test_a_network_of_pytorch_conforms_where_there_is_a_step(name: str, equation: str) -> None:
    verdict = judged(f"torch.nn:{name}", equation, claim={"smallest": {"t": 1}})

    assert verdict.verdict == "conforms", str(verdict)


@pytest.mark.broad
@pytest.mark.parametrize("way", ["", "_pre_gelu"])
def test_an_encoder_layer_of_pytorch_differs_only_over_padding_alone(way: str) -> None:
    equation = f"transformer.encoder_layer_biased{way}"
    verdict = judged("torch.nn:TransformerEncoderLayer", equation, claim={"smallest": {"t": 1}})

    assert verdict.verdict == "differs"
    assert verdict.diagnosis[0].says.startswith("−∞ stands for masked scores"), str(verdict)


def test_a_mask_has_the_other_sense(own: Path) -> None:
    verdict = judged(f"{own}:hiding", "attention.masked", weights={"mask": "~hidden"}, backward=True)

    assert verdict.verdict == "conforms", str(verdict)


def test_a_function_without_a_signature_takes_weights_by_name() -> None:
    linear = "torch.nn.functional:linear"
    plain = judged(linear, "transformer.linear")
    assert (plain.verdict, "W is transposed" in plain.diagnosis[0].says) == ("fails", True)

    verdict = judged(linear, "transformer.linear", weights={"W": "weight.T", "b": "bias"})
    assert verdict.verdict == "conforms", str(verdict)


def test_the_gru_of_pytorch_is_not_that_of_cho() -> None:
    verdict = judged("torch.nn:GRUCell", "recurrent.gru_cell")

    assert (verdict.verdict, verdict.diagnosis[0].id) == ("differs", RESET_AFTER)


@pytest.mark.parametrize("name", ["Cell", "cell", "step"])
def test_weights_of_known_names_are_packed(own: Path, name: str) -> None:
    verdict = judged(f"{own}:{name}", RESET_AFTER)

    assert verdict.verdict == "conforms", str(verdict)
    assert "[u:2*u].T" in verdict.bound


def test_a_module_is_asked_at_its_own_sizes(own: Path) -> None:
    verdict = judged(f"{own}:slipped", RESET_AFTER)

    assert verdict.verdict == "differs"
    assert verdict.bound.endswith("u=4, d=6")
    assert "0.999" in verdict.diagnosis[0].says


def test_a_constructor_is_set(own: Path) -> None:
    assert judged(f"{own}:Cell", RESET_AFTER, settings={"keep": 0.9}).verdict == "differs"


def test_gradients_reach_packed_weights(own: Path) -> None:
    equation = "recurrent.simple_rnn_cell"
    verdict = judged("torch.nn:RNNCell", equation, backward=True)

    assert verdict.verdict == "conforms", str(verdict)


def test_what_the_error_proposes_for_a_module_works(own: Path) -> None:
    with pytest.raises(attnspec.BindingError) as refused:
        judged(f"{own}:attention", "multihead.attention_biased")
    assert "--same x_kv=x_q" in refused.value.mend

    with pytest.raises(attnspec.BindingError) as refused:
        judged(f"{own}:attention", "multihead.attention_biased", **SELF)
    words = refused.value.mend.partition(": ")[2].split()
    weights = dict(word.split("=") for word in words if "=" in word)
    assert weights["W_q"] == "a.weight.T"

    assert judged(f"{own}:attention", "multihead.attention_biased", **SELF, weights=weights).passed
    swapped = {**weights, "W_q": weights["W_v"], "W_v": weights["W_q"]}
    assert judged(f"{own}:attention", "multihead.attention_biased", **SELF, weights=swapped).verdict == "differs"


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({"W_q": "e.weight.T"}, "does not have e.weight"),
        ({"W_x": "a.weight.T"}, "does not have the argument W_x"),
        ({"W_q": "a.weight[0]["}, "is not a place of an array"),
        ({"W_q": "a.weight[d:2d]"}, r"to mend +a.weight\[d:2\*d\]"),
    ],
)
def test_weights_that_are_not_there_are_refused(own: Path, weights: dict[str, str], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        judged(f"{own}:attention", "multihead.attention_biased", **SELF, weights=weights)


def test_a_state_in_a_tuple_is_told_from_one_in_two_parameters() -> None:
    """Also where the second has no common name: then the order counts."""

    def cell(x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
        i, f, g, o = np.split(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, -1)
        c_next = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        return np.tanh(c_next) / (1 + np.exp(-o)), c_next

    def of_tuple(x: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
        h, c = hx
        return cell(x, h, c, w_ih, w_hh, b_ih, b_hh)

    def apart(x: Any, hx: Any, before: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
        return cell(x, hx, before, w_ih, w_hh, b_ih, b_hh)

    how: dict[str, Any] = {"framework": "numpy", "examples": 0, "function": False, "equation": "recurrent.lstm_cell"}
    tupled, two, order = (next(iter(attnspec.verify(each, **how))) for each in (of_tuple, cell, apart))

    assert (tupled.verdict, two.verdict, order.verdict) == ("conforms", "conforms", "conforms"), (tupled, two, order)
    assert "h=hx.0, c=hx.1" in tupled.bound
    assert "hx=h, before=c" in order.bound


def test_weights_of_a_cell_in_a_module_are_found(own: Path) -> None:
    how = {"axes": "TBD", "claim": {"smallest": {"t": 1, "batch": 1}}}
    verdict = judged(f"{own}:Steps", "recurrent.gru_reset_after", **how)

    assert verdict.verdict == "conforms", str(verdict)
    assert "W_xr=cell.weight_ih[0:u].T" in verdict.bound


def test_a_constructor_with_other_names_is_asked_for(own: Path) -> None:
    """And is given sizes that `same` makes of others."""
    weights = {"W_q": "a.weight.T", "W_k": "b.weight.T", "W_v": "c.weight.T", "W_o": "d.weight.T"}
    with pytest.raises(BindingError, match="its constructor needs model, parts too") as caught:
        judged(f"{own}:Heads", "multihead.attention", same={"x_kv": "x_q", "c": "H*d"}, weights=weights)
    assert caught.value.mend == "--set model=… --set parts=…"

    settings = {"model": "c", "parts": "heads"}
    how: dict[str, Any] = {"same": {"x_kv": "x_q", "c": "H*d"}, "weights": weights, "settings": settings}
    verdict = judged(f"{own}:Heads", "multihead.attention", **how)
    assert verdict.verdict == "conforms", str(verdict)


def test_rows_that_the_error_proposes_are_of_the_equation(own: Path) -> None:
    with pytest.raises(BindingError) as caught:
        judged(f"{own}:Heads", "recurrent.gru_cell", settings={"model": 3, "parts": 1})
    assert "--weights W_xr=NAME[0:u].T" in caught.value.mend


def test_a_weight_that_nothing_is_bound_to_is_named(own: Path) -> None:
    weights = {"W_q": "a.weight.T", "W_k": "b.weight.T", "W_v": "c.weight.T", "W_o": "d.weight.T"}
    verdict = judged(f"{own}:attention", "multihead.attention", **SELF, weights=weights, settings={"heads": 3})

    assert verdict.verdict == "fails"
    assert "no argument of the equation is bound to a.bias, b.bias" in verdict.reason


def test_the_start_of_a_module_is_judged_once_it_is_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    started = CliRunner().invoke(main, ["new", "multihead.attention", "--module", "-o", str(path)])
    assert started.exit_code == 0, started.output
    report = attnspec.verify(str(path), examples=2)
    assert [verdict.verdict.value for verdict in report] == ["fails"]

    body = """def split(a):
            return a.unflatten(-1, (self.heads, -1)).transpose(-2, -3)
        q, k, v = split(x_q @ self.W_q), split(x_kv @ self.W_k), split(x_kv @ self.W_v)
        return nn.functional.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2) @ self.W_o"""
    path.write_text(path.read_text().replace('raise NotImplementedError("write the formula above")', body))
    report = attnspec.verify(str(path), examples=2)

    assert report.passed, str(report)


@pytest.mark.parametrize("arguments", [["text.tokenize", "--module"], ["scores.dot", "--module", "--framework", "jax"]])
def test_what_can_be_no_module_is_refused(arguments: list[str]) -> None:
    refused = CliRunner().invoke(main, ["new", *arguments])

    assert (refused.exit_code, "--module" in refused.output) == (2, True)


def test_places_are_read() -> None:
    [rows] = parts_of("in_proj_weight[0:H*d].T")
    assert (rows.target, str(rows.rows and rows.rows[1]), rows.transposed) == ("in_proj_weight", "H*d", True)
    assert parts_of("hx.1[0]") == (Part("hx.1", place=0),)
    assert [(part.target, part.terms) for part in parts_of("a + b")] == [("a", 2), ("b", 2)]
    assert [(part.target, part.terms) for part in parts_of("a + 0*b")] == [("a", 1), ("b", 0)]
    assert parts_of("~hidden") == (Part("hidden", negated=True),)
    assert [(part.target, part.terms) for part in parts_of("a, b")] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("family", families())
def test_every_layout_has_the_weights_of_its_equation(family: str) -> None:
    for equation in REGISTRY.family(family):
        for known in LAYOUTS.get(equation.id, []):
            names = {parameter.name for parameter in equation.definition.parameters}
            assert set(known.arguments) <= names, known
            assert known.renamed(known.targets) or any("." in target for target in known.targets)


def test_a_layout_replaces_an_equal_one() -> None:
    @attnspec.equation()
    def doubled(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Twice."""
        return x + x

    layout(doubled, "a.B", {"x": "y"})
    layout(doubled, "a.C", {"x": "y"})

    assert [each.of for each in LAYOUTS[doubled.id]] == ["a.C"]
