"""The layers of BERT, GPT-2 and Marian in transformers: each computes its equation, and no other activation.

They are skipped where transformers is not installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.implementation import ATTRIBUTE
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import Case, Description, make
from attnspec_peers import transformers_layers
from honest import as_float64, tensors

SIZES = {"t": 5, "n": 4, "m": 6, "c": 7, "d": 3, "H": 2, "f": 5, "N": 2, "v": 9, "s": 3}

LAYERS: dict[str, tuple[Callable[..., Any], str]] = {
    name: (member, claim.equation)
    for name, member in vars(transformers_layers).items()
    for claim in getattr(member, ATTRIBUTE, ())
}

OTHERS = {
    "transformer.encoder_layer_biased": "transformer.encoder_layer_biased_gelu",
    "transformer.encoder_layer_biased_gelu": "transformer.encoder_layer_biased_gelu_tanh",
    "transformer.encoder_layer_biased_gelu_tanh": "transformer.encoder_layer_biased_gelu",
    "transformer.decoder_layer_biased": "transformer.decoder_layer_biased_gelu",
    "transformer.decoder_layer_biased_gelu": "transformer.decoder_layer_biased",
}
"""An equation, and another that has the same arguments and another activation."""


def case(id: str, batch: tuple[int, ...], seed: int) -> Case:
    """Arguments of an equation whose heads are not as wide together as its norms."""
    sizes = tuple((name, SIZES[name]) for name in sizes_of(REGISTRY[id].definition))
    return make(REGISTRY[id], Description(sizes, batch=batch, seed=seed), "float64")


def is_of(answer: Any, id: str, given: Case) -> bool:
    """Whether an answer is an equation's, within its noise in float64."""
    (right,) = noise(REGISTRY[id].definition, given.arrays, given.options, preset("op-by-op", "float64"))
    return bool((np.abs(answer - right.value) <= right.bound).all())


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_a_layer_gives_the_values_of_its_equation(name: str, batch: tuple[int, ...]) -> None:
    """Within the noise of float64, whatever the mask, and with another activation not."""
    pytest.importorskip("transformers")
    layer, id = LAYERS[name]
    for seed in range(2):
        given = case(id, batch, seed)

        (answer,) = as_float64(layer(**tensors(given, "float64")))

        assert is_of(answer, id, given)
        assert id not in OTHERS or not is_of(answer, OTHERS[id], given)


@pytest.mark.parametrize(("name", "option"), [("Bert", "hidden_act"), ("Marian", "activation_function")])
def test_the_default_activation_is_gelu_by_the_error_function(name: str, option: str) -> None:
    """So the peers without a word on the activation in their name are what the models have by default."""
    transformers = pytest.importorskip("transformers")

    assert getattr(getattr(transformers, f"{name}Config")(), option) == "gelu"


def test_the_default_activation_of_gpt2_is_gelu_by_tanh() -> None:
    assert pytest.importorskip("transformers").GPT2Config().activation_function == "gelu_new"


def test_a_layer_of_the_width_of_its_heads_is_not_changed() -> None:
    """With c = H d the module built with H heads gives the same bits: only the width of a head is set."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    ours = importlib.import_module("attnspec_peers._transformers")
    bert = importlib.import_module("transformers.models.bert.modeling_bert")
    id = "transformer.encoder_layer_biased_gelu"
    sizes = tuple((name, {**SIZES, "c": 6}[name]) for name in sizes_of(REGISTRY[id].definition))
    given = make(REGISTRY[id], Description(sizes, batch=(2,), seed=0), "float64")
    arguments = tensors(given, "float64")
    x, *weights, mask = (arguments[name] for name in given.arrays)
    named = ours._bert_weights(weights[:8], [*weights[10:14], *weights[8:10], *weights[14:]])
    config = transformers.BertConfig(
        hidden_size=6, intermediate_size=5, num_attention_heads=2, layer_norm_eps=given.options["eps"],
        attn_implementation="sdpa",
    )  # fmt: skip
    module = bert.BertLayer(config).double().eval()

    own = torch.func.functional_call(module, named, (x,), {"attention_mask": mask[:, None, None, :]})

    assert torch.equal(own, transformers_layers.transformers_bert_layer(**arguments))
