"""What the catalogue says of other software holds of it: the recurrent networks of PyTorch, run as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from attnspec import REGISTRY
from attnspec.implementation import ATTRIBUTE
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.layers import gathered, sizes_of
from attnspec.verification.cases.case import Case, Description, make
from attnspec_peers import recurrent
from honest import as_float64, tensors

SIZES = {"t": 5, "d": 4, "u": 3, "u_L": 3, "L": 2}

Peer = Callable[..., Any]


def peers(framework: str) -> dict[str, Peer]:
    """The recurrent networks of a framework, by the equation that they claim to compute."""
    return {
        claim.equation: member
        for member in vars(recurrent).values()
        for claim in getattr(member, ATTRIBUTE, ())
        if claim.framework == framework
    }


TORCH = peers("torch")


def case(id: str, batch: tuple[int, ...], seed: int) -> Case:
    sizes = tuple((name, SIZES[name]) for name in sizes_of(REGISTRY[id].definition))
    return make(REGISTRY[id], Description(sizes, batch=batch, seed=seed), "float64")


@pytest.mark.parametrize("id", TORCH)
@pytest.mark.parametrize("batch", [(), (4,)], ids=str)
def test_pytorch_gives_the_values_of_the_equation(id: str, batch: tuple[int, ...]) -> None:
    """Within the noise of float64, whatever the lengths and however many layers."""
    for seed in range(3):
        given = case(id, batch, seed)
        right = noise(REGISTRY[id].definition, given.arrays, given.options, preset("op-by-op", "float64"))

        found = as_float64(TORCH[id](*gathered(tensors(given, "float64")).values()))

        assert len(found) == len(right)
        for answer, each in zip(found, right, strict=True):
            assert (np.abs(answer - each.value) <= each.bound).all()


def test_what_cites_pytorch_is_what_pytorch_computes() -> None:
    """An equation that has its networks for a source has one of them for a candidate."""
    cites = [item.id for item in REGISTRY.family("recurrent") if any("PyTorch" in each.paper for each in item.sources)]

    assert len(cites) > 10
    assert not [id for id in cites if id not in TORCH]


def test_pytorch_refuses_a_length_of_0() -> None:
    with pytest.raises(RuntimeError, match="has to be greater than 0"):
        pack_padded_sequence(torch.zeros(2, 3, 4), torch.tensor([0, 2]), batch_first=True, enforce_sorted=False)


@pytest.mark.parametrize("id", [item.id for item in REGISTRY.family("recurrent") if "length" in item.shapes])
def test_a_length_beyond_the_end_counts_as_the_whole(id: str) -> None:
    """All padded networks agree where the length is more than there are rows."""
    given = case(id, (), 0)

    right = REGISTRY[id](**{**given.arrays, "length": np.array(SIZES["t"])})
    found = REGISTRY[id](**{**given.arrays, "length": np.array(SIZES["t"] + 2)})

    assert all(np.array_equal(one, other) for one, other in zip(found, right, strict=True))
