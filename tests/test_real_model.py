"""A model that others have trained, all-MiniLM-L6-v2: the specification and PyTorch's own layers say the same of it.

The model is transformer.encoder_only, and each of its layers transformer.encoder_layer_biased_gelu.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import attnspec
from attnspec import Equation
from attnspec.equations import transformer
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.judge.statistics import largest, pooled_rms

pytestmark = pytest.mark.slow

Array = NDArray[Any]

MODELS = Path(__file__).resolve().parents[1] / "examples" / "models"
SENTENCES = (
    "Every equation is written once.",
    "Colourless green ideas sleep furiously, don't they?",
    "Où est la bibliothèque?",
)


@pytest.fixture(scope="module")
def minilm() -> Iterator[ModuleType]:
    """The example's own reader of the model."""
    sys.path.insert(0, str(MODELS))
    try:
        found = importlib.import_module("minilm")
        if found.folder() is None:
            pytest.skip(f"all-MiniLM-L6-v2 is not installed: {found.INSTALL}")
        yield found
    finally:
        sys.path.remove(str(MODELS))


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_whole_encoder_is_what_pytorch_gives(minilm: ModuleType, text: str, dtype: str) -> None:
    arrays = given(minilm, text)
    compared = judged(transformer.encoder_only, arrays, options(minilm), by_pytorch(minilm, arrays, dtype), dtype)
    share, limit = pooled_rms([compared])

    assert compared.decidable.all()
    assert largest([compared]) <= 1, f"an error of {largest([compared]):.3g} bounds"
    assert share <= limit


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_layer_alone_is_what_pytorch_gives(minilm: ModuleType, dtype: str) -> None:
    """Of the activations that the layer below really gave; here no error has grown through the layers before."""
    states = by_pytorch(minilm, given(minilm, SENTENCES[1]), dtype, every=True)
    for number in range(minilm.LAYERS):
        arrays = layer(minilm, states, number)
        compared = judged(transformer.encoder_layer_biased_gelu, arrays, options(minilm), states[number + 1], dtype)

        assert compared.decidable.all()
        assert largest([compared]) <= 1, f"layer {number}: an error of {largest([compared]):.3g} bounds"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_model_with_the_other_gelu_is_told_from_it(minilm: ModuleType, dtype: str) -> None:
    """The two differ by 0.0005 at most."""
    states = by_pytorch(minilm, given(minilm, SENTENCES[1]), dtype, every=True)
    arrays = layer(minilm, states, 0)
    compared = judged(transformer.encoder_layer_biased_gelu_tanh, arrays, options(minilm), states[1], dtype)

    assert largest([compared]) > 10


def test_what_the_first_layer_computes_on_is_recorded_and_asked(minilm: ModuleType) -> None:
    example = importlib.import_module("real_activations")
    arrays, around = example.recorded(example.TEXT)
    report = attnspec.verify(
        "attnspec_peers.attention:torch_scaled_dot_product", dtype="bfloat16", examples=5, inputs=arrays
    )

    assert report.passed, str(report)
    assert report.verdicts[0].recorded == 1
    assert around["W_q"].shape == (384, 384)


def test_words_are_cut_as_bert_cuts_them(minilm: ModuleType) -> None:
    names = {number: piece for piece, number in minilm.vocabulary().items()}

    assert [names[token] for token in minilm.tokens(SENTENCES[1])] == [
        "[CLS]",
        "colour",
        "##less",
        "green",
        "ideas",
        "sleep",
        "furiously",
        ",",
        "don",
        "'",
        "t",
        "they",
        "?",
        "[SEP]",
    ]
    assert names[minilm.tokens("Où")[1]] == "ou"
    assert names[minilm.tokens("☃")[1]] == "[UNK]"


def given(minilm: ModuleType, text: str) -> dict[str, Array]:
    """What the whole encoder takes: each weight of all layers, the layers along a leading axis."""
    layers = [minilm.layer(number) for number in range(minilm.LAYERS)]
    stacked = {name: np.stack([each[name] for each in layers]) for name in layers[0]}
    gamma, beta = (minilm.tensors()[f"embeddings.LayerNorm.{name}"] for name in ("weight", "bias"))
    x = minilm.embedded(text)
    return doubled({"x": x, "gamma": gamma, "beta": beta, **stacked}) | {"mask": np.ones(len(x), bool)}


def layer(minilm: ModuleType, states: list[Array], number: int) -> dict[str, Array]:
    """What one layer takes; there is no padding."""
    return doubled({"x": states[number], **minilm.layer(number)}) | {"mask": np.ones(len(states[number]), bool)}


def doubled(arrays: dict[str, Array]) -> dict[str, Array]:
    return {name: array.astype(np.float64) for name, array in arrays.items()}


def options(minilm: ModuleType) -> dict[str, Any]:
    return {"heads": minilm.HEADS, "eps": minilm.EPS}


def judged(
    item: Equation[..., Any], arrays: dict[str, Array], options: dict[str, Any], answer: Array, dtype: str
) -> Compared:
    """An answer beside the noise that the equation has on these inputs, every intermediate kept in the dtype."""
    found = noise(item.definition, arrays, options, preset("op-by-op", dtype))
    [compared] = compare(Observation(Case(arrays, options), (answer.astype(np.float64),)), found)
    return compared


def by_pytorch(minilm: ModuleType, arrays: dict[str, Array], dtype: str, every: bool = False) -> Any:
    """torch.nn.TransformerEncoderLayer, one for each layer, with these weights; `every`: what each of them gave too."""
    import torch
    from torch import nn

    kind = getattr(torch, dtype)
    x = torch.tensor(arrays["x"], dtype=kind)[None]
    gamma, beta = (torch.tensor(arrays[name], dtype=kind) for name in ("gamma", "beta"))
    states = [nn.functional.layer_norm(x, x.shape[-1:], gamma, beta, minilm.EPS)]
    for number in range(minilm.LAYERS):
        w = {name: torch.tensor(array, dtype=kind) for name, array in minilm.layer(number).items()}
        module = nn.TransformerEncoderLayer(
            x.shape[-1],
            minilm.HEADS,
            w["b_1"].shape[0],
            dropout=0.0,
            activation="gelu",
            layer_norm_eps=minilm.EPS,
            batch_first=True,
            norm_first=False,
            dtype=kind,
        )
        module.load_state_dict(
            {
                "self_attn.in_proj_weight": torch.cat([w["W_q"].T, w["W_k"].T, w["W_v"].T]),
                "self_attn.in_proj_bias": torch.cat([w["b_q"], w["b_k"], w["b_v"]]),
                "self_attn.out_proj.weight": w["W_o"].T,
                "self_attn.out_proj.bias": w["b_o"],
                "linear1.weight": w["W_1"].T,
                "linear1.bias": w["b_1"],
                "linear2.weight": w["W_2"].T,
                "linear2.bias": w["b_2"],
                "norm1.weight": w["gamma_1"],
                "norm1.bias": w["beta_1"],
                "norm2.weight": w["gamma_2"],
                "norm2.bias": w["beta_2"],
            }
        )
        with torch.no_grad():
            states.append(module.train(False)(states[-1]))
    answers = [state[0].numpy() for state in states]
    return answers if every else answers[-1]
