"""Multi-head attention with biases, from the names of the equation to a library and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError

Array = NDArray[Any]
Arrays = Mapping[str, Array]

INPUTS = ("query", "key", "value")
"""The projections of Keras and Flax, in the order q, k, v."""


def out_of(library: str) -> str:
    """The name of the last projection."""
    return "attention_output" if library == "keras" else "out"


def names_of_attention(library: str) -> dict[str, int]:
    """{array of a library: its number of axes}."""
    if library == "torch":
        return {"in_proj_weight": 2, "in_proj_bias": 1, "out_proj.weight": 2, "out_proj.bias": 1}
    out = out_of(library)
    inputs = {f"{name}/{part}": axes for name in INPUTS for part, axes in (("kernel", 3), ("bias", 2))}
    return {**inputs, f"{out}/kernel": 3, f"{out}/bias": 1}


def pack_attention(library: str, given: Arrays, heads: int) -> dict[str, Array]:
    """The arrays of a library from W_q, b_q and so on.

    Raises:
        SpecError: the heads do not divide the width.
    """
    width = given["W_q"].shape[1]
    if width % heads:
        raise SpecError("heads do not divide the width", given=f"heads={heads}, W_q {given['W_q'].shape}")
    if library == "torch":
        return {
            "in_proj_weight": np.concatenate([given[f"W_{each}"].T for each in "qkv"]),
            "in_proj_bias": np.concatenate([given[f"b_{each}"] for each in "qkv"]),
            "out_proj.weight": given["W_o"].T,
            "out_proj.bias": given["b_o"],
        }
    arrays: dict[str, Array] = {}
    for name, letter in zip(INPUTS, "qkv", strict=True):
        W, b = given[f"W_{letter}"], given[f"b_{letter}"]
        arrays[f"{name}/kernel"] = W.reshape(len(W), heads, width // heads)
        arrays[f"{name}/bias"] = b.reshape(heads, width // heads)
    W_o = given["W_o"].reshape(heads, width // heads, -1)
    return {**arrays, f"{out_of(library)}/kernel": W_o, f"{out_of(library)}/bias": given["b_o"]}


def unpack_attention(library: str, given: Arrays) -> dict[str, Array]:
    """W_q, b_q and so on from the arrays of a library."""
    if library == "torch":
        W, b = (np.split(given[f"in_proj_{each}"], 3) for each in ("weight", "bias"))
        last = {"W_o": given["out_proj.weight"].T, "b_o": given["out_proj.bias"]}
        return {
            **{f"W_{letter}": part.T for letter, part in zip("qkv", W, strict=True)},
            **{f"b_{letter}": part for letter, part in zip("qkv", b, strict=True)},
            **last,
        }
    weights: dict[str, Array] = {}
    for name, letter in zip(INPUTS, "qkv", strict=True):
        kernel = given[f"{name}/kernel"]
        weights |= {f"W_{letter}": kernel.reshape(len(kernel), -1), f"b_{letter}": given[f"{name}/bias"].ravel()}
    kernel = given[f"{out_of(library)}/kernel"]
    return {**weights, "W_o": kernel.reshape(-1, kernel.shape[-1]), "b_o": given[f"{out_of(library)}/bias"]}
