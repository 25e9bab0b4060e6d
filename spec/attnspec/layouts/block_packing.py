"""Layers of the Transformer with biases, from the names of the equations to PyTorch and back.

The order of the norm and the activation do not change the weights.
"""

from __future__ import annotations

from collections.abc import Mapping

from attnspec.layouts.attention_packing import Array, Arrays, names_of_attention, pack_attention, unpack_attention

ATTENTIONS: Mapping[str, Mapping[str, str]] = {
    "encoder_layer": {"self_attn": ""},
    "decoder_layer": {"self_attn": "_s", "multihead_attn": "_c"},
}
"""{kind: {attention of PyTorch: what ends the names of its weights in the equation}}."""

ATTENTION = [f"{letter}_{gate}" for letter in "Wb" for gate in "qkvo"]


def _plain(kind: str) -> dict[str, str]:
    """{array of PyTorch outside of attention: weight of the equation}; matrices are transposed."""
    norms = range(1, len(ATTENTIONS[kind]) + 2)
    return {
        **{f"norm{k}.{part}": f"{name}_{k}" for k in norms for part, name in (("weight", "gamma"), ("bias", "beta"))},
        **{f"linear{k}.{part}": f"{name}_{k}" for k in (1, 2) for part, name in (("weight", "W"), ("bias", "b"))},
    }


def names_of_weights(kind: str) -> dict[str, int]:
    """{weight of the equation: its number of axes}."""
    within = [f"{name}{end}" for end in ATTENTIONS[kind].values() for name in ATTENTION]
    return {name: 2 if name.startswith("W") else 1 for name in (*within, *_plain(kind).values())}


def names_of_arrays(kind: str) -> dict[str, int]:
    """{array of PyTorch: its number of axes}."""
    plain = {name: 2 if weight.startswith("W") else 1 for name, weight in _plain(kind).items()}
    within = {f"{part}.{name}": axes for part in ATTENTIONS[kind] for name, axes in names_of_attention("torch").items()}
    return {**within, **plain}


def pack_block(kind: str, given: Arrays) -> dict[str, Array]:
    """The arrays of PyTorch from the weights of the equation."""
    arrays: dict[str, Array] = {}
    for part, end in ATTENTIONS[kind].items():
        packed = pack_attention("torch", {name: given[f"{name}{end}"] for name in ATTENTION}, 1)
        arrays |= {f"{part}.{name}": array for name, array in packed.items()}
    return arrays | {name: given[weight].T for name, weight in _plain(kind).items()}


def unpack_block(kind: str, given: Arrays) -> dict[str, Array]:
    """The weights of the equation from the arrays of PyTorch."""
    weights: dict[str, Array] = {}
    for part, end in ATTENTIONS[kind].items():
        within = {name: given[f"{part}.{name}"] for name in names_of_attention("torch")}
        weights |= {f"{name}{end}": array for name, array in unpack_attention("torch", within).items()}
    return weights | {weight: given[name].T for name, weight in _plain(kind).items()}
