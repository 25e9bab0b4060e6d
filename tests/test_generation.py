"""Generating with a beam finds what taking the likeliest token each time does not, on a case worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from attnspec import REGISTRY
from attnspec_numpy import generation as in_numpy
from attnspec_torch import generation as in_torch

V, STOP, START = 4, 3, 2

GREEDY, BEAM = REGISTRY["seq2seq.greedy_decode_lstm"], REGISTRY["generation.lstm_beam_decode"]

CHANCES = np.array([
    [0.30, 0.25, 0.25, 0.20],  # after 0, which is the likeliest first token, nothing is likely
    [0.02, 0.02, 0.01, 0.95],  # after 1, `stop` is nearly sure
    [0.50, 0.40, 0.05, 0.05],  # after `start`
    [0.25, 0.25, 0.25, 0.25],
])  # fmt: skip


def markov() -> dict[str, Any]:
    """The weights of 003's decoder with which the next token depends on the last one alone, with these chances.

    The token's vector is one-hot. The input and output gates are open, the forget gate is shut, and the candidate is
    tanh(x W_xg): W_xg = 1 gives a state of tanh(tanh(1)) in the place of the token, which W_hy makes log-chances of.
    """
    zero, one, none = np.zeros((V, V)), np.eye(V), np.zeros(V)
    open_gate = np.full(V, 50.0)
    weights: dict[str, Any] = {"s_0": none, "c_0": none, "E": one}
    for gate, W_x, b in (("i", zero, open_gate), ("f", zero, -open_gate), ("g", one, none), ("o", zero, open_gate)):
        weights |= {f"W_x{gate}": W_x, f"W_h{gate}": zero, f"b_{gate}": b}
    return {**weights, "W_hy": np.log(CHANCES) / np.tanh(np.tanh(1.0)), "b_y": none}


OPTIONS = {"start": START, "stop": STOP, "limit": 3}


def test_the_likeliest_first_token_leads_astray() -> None:
    """Greedy takes 0, of chance 0.5, and then 0 again: 0.5 · 0.3 · 0.3. A beam of 2 finds 1 and `stop`: 0.4 · 0.95."""
    greedy = GREEDY(**markov(), **OPTIONS)

    tokens, score = BEAM(**markov(), **OPTIONS, beam=2)

    assert greedy.tolist() == [0, 0, 0]
    assert tokens[0].tolist() == [1, STOP, STOP]
    assert np.exp(score[0]) == pytest.approx(0.4 * 0.95)
    assert np.exp(score[1]) == pytest.approx(0.5 * 0.3 * 0.3)


def test_a_beam_of_one_is_greedy() -> None:
    tokens, score = BEAM(**markov(), **OPTIONS, beam=1)

    assert tokens.tolist() == [[0, 0, 0]]
    assert np.exp(score) == pytest.approx(0.5 * 0.3 * 0.3)


def test_a_beam_wide_enough_finds_the_likeliest_text_of_all() -> None:
    """Every text of two tokens is a hypothesis of a beam of 16: the first is the likeliest, and their chances sum to 1.

    A text that ended after one token is one hypothesis, so that there are 13.
    """
    _, score = BEAM(**markov(), start=START, stop=STOP, limit=2, beam=16)

    chances = np.exp(score)
    assert np.isfinite(score).sum() == 13
    assert chances.sum() == pytest.approx(1)
    assert chances[0] == pytest.approx(0.4 * 0.95)


@pytest.mark.parametrize("module", [in_numpy, in_torch], ids=["numpy", "torch"])
def test_implementations_find_the_same(module: Any) -> None:
    """With several examples at once, each has a beam of its own."""
    weights = markov()
    both = {name: np.stack([a, a]) if name in ("s_0", "c_0") else a for name, a in weights.items()}
    given = {name: torch.from_numpy(a) for name, a in both.items()} if module is in_torch else both

    tokens, score = module.lstm_beam_decode(**given, **OPTIONS, beam=2)

    assert np.asarray(tokens).tolist() == [[[1, STOP, STOP], [0, 0, 0]]] * 2
    assert np.exp(np.asarray(score))[0] == pytest.approx([0.4 * 0.95, 0.5 * 0.3 * 0.3])


DRAWN = REGISTRY["generation.transformer_sample_decode"]


def undecided() -> dict[str, Any]:
    """The arguments of a Transformer's decoder to which all four tokens are equally likely, whatever it reads."""
    sizes = {"t": 4, "m": 2, "c": 4, "H": 2, "d": 2, "f": 3, "v": V}
    generator = np.random.default_rng(0)
    drawn = {
        parameter.name: generator.normal(size=[dim.value(sizes) for dim in parameter.dims])
        for parameter in DRAWN.definition.parameters
    }
    return {**drawn, "W": np.zeros((4, V)), "b": np.zeros(V)}


@pytest.mark.parametrize("module", [None, in_numpy, in_torch], ids=["equation", "numpy", "torch"])
def test_a_transformer_draws_by_its_numbers(module: Any) -> None:
    """Of four tokens that are equally likely a number u draws ⌊4u⌋, until `stop` was drawn."""
    given = {**undecided(), "uniform": np.array([0.3, 0.6, 0.9, 0.1])}
    decode = DRAWN if module is None else module.transformer_sample_decode
    arrays = {name: torch.from_numpy(a) for name, a in given.items()} if module is in_torch else given

    tokens = decode(**arrays, start=START, stop=STOP, heads=2, eps=1e-5, tau=0.5)

    assert np.asarray(tokens).tolist() == [1, 2, STOP, STOP]
