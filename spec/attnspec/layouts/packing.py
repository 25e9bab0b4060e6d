"""Parameters of recurrent layers and of multi-head attention, from the names of the equations to a library and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError, UnknownName, nearest

Array = NDArray[Any]
Arrays = Mapping[str, Array]

LIBRARIES = ("torch", "onnx", "keras", "flax")

KINDS = {
    "simple_rnn": dict.fromkeys(LIBRARIES, "h"),
    "gru": {"torch": "rzh", "onnx": "zrh", "keras": "zrh", "flax": "rzh"},
    "lstm": {"torch": "ifgo", "onnx": "iofg", "keras": "ifgo", "flax": "ifgo"},
    "multihead": dict.fromkeys(LIBRARIES, "qkvo"),
}
"""{kind of a layer: {library: its gates or projections, by the letters of the equation, in order}}."""

FLAX_NAMES = {"gru": {"h": "n"}}
"""{kind: {gate of the equation: Flax's letter}}, where they differ."""


def pack(library: str, kind: str, weights: Mapping[str, Any], *, heads: int = 1) -> dict[str, Array]:
    """Write the weights of an equation as a library keeps them.

    Args:
        library: "torch", "onnx", "keras" or "flax".
        kind: "simple_rnn", "gru", "lstm" or "multihead": a layer of one direction, the GRU that resets after the
            matrix; or attention with biases.
        weights: the weights of `recurrent.simple_rnn`, `recurrent.gru_reset_after`, `recurrent.lstm` or
            `multihead.attention_biased`, by their names there.
        heads: the number of heads, which Keras and Flax have as an axis.

    Returns:
        The arrays by the library's names, Flax's and Keras' with "/" between the parts. PyTorch's and ONNX's second
        bias is 0 but where the equation has one.

    Raises:
        UnknownName: there is no such library or kind.
        SpecError: a weight is missing or too many, or has another number of axes; or the library has no such layer.

    Examples:
        >>> import numpy as np
        >>> from attnspec import layouts
        >>> weights = {"W_xh": np.ones((3, 4)), "W_hh": np.ones((4, 4)), "b_h": np.zeros(4)}
        >>> {name: array.shape for name, array in layouts.pack("torch", "simple_rnn", weights).items()}
        {'weight_ih_l0': (4, 3), 'weight_hh_l0': (4, 4), 'bias_ih_l0': (4,), 'bias_hh_l0': (4,)}
    """
    gates = _gates(library, kind)
    given = _checked(weights, _names(kind, gates), kind)
    if kind == "multihead":
        return _pack_multihead(library, given, heads)
    W_x, W_h = ([given[f"W_{source}{gate}"] for gate in gates] for source in "xh")
    b = [given[f"b_{gate}"] for gate in gates]
    second = [given["b_hh"] if kind == "gru" and gate == "h" else np.zeros_like(given[f"b_{gate}"]) for gate in gates]
    match library:
        case "torch":
            arrays = [np.concatenate([W.T for W in W_x]), np.concatenate([W.T for W in W_h])]
            names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
            return dict(zip(names, [*arrays, np.concatenate(b), np.concatenate(second)], strict=True))
        case "onnx":
            arrays = [np.concatenate([W.T for W in W_x]), np.concatenate([W.T for W in W_h])]
            return {name: array[None] for name, array in zip("WRB", [*arrays, np.concatenate(b + second)], strict=True)}
        case "keras":
            bias = np.stack([np.concatenate(b), np.concatenate(second)]) if kind == "gru" else np.concatenate(b)
            return {
                "kernel": np.concatenate(W_x, axis=1),
                "recurrent_kernel": np.concatenate(W_h, axis=1),
                "bias": bias,
            }
    return _pack_flax(kind, gates, given)


def unpack(library: str, kind: str, arrays: Mapping[str, Any]) -> dict[str, Array]:
    """Read the weights of an equation from the arrays of a library.

    Args:
        library: as for `pack`.
        kind: as for `pack`.
        arrays: what `pack` returns; two biases that only count as a sum are added.

    Returns:
        The weights by the names of the equation.

    Raises:
        UnknownName: there is no such library or kind.
        SpecError: an array is missing or too many, or has another number of axes; or the library has no such layer.

    Examples:
        >>> import numpy as np
        >>> from attnspec import layouts
        >>> arrays = {"kernel": np.ones((3, 4)), "recurrent_kernel": np.ones((4, 4)), "bias": np.zeros(4)}
        >>> sorted(layouts.unpack("keras", "simple_rnn", arrays))
        ['W_hh', 'W_xh', 'b_h']
    """
    gates = _gates(library, kind)
    given = _checked(arrays, _names_of(library, kind, gates), f"{library}'s {kind}")
    if kind == "multihead":
        return _unpack_multihead(library, given)
    if library == "flax":
        return _unpack_flax(kind, gates, given)
    if library == "keras":
        W_x, W_h = (np.split(given[name], len(gates), axis=1) for name in ("kernel", "recurrent_kernel"))
        biases = given["bias"] if kind == "gru" else np.stack([given["bias"], np.zeros_like(given["bias"])])
        first, second = (np.split(row, len(gates)) for row in biases)
    elif library == "onnx":
        W_x, W_h = ([part.T for part in np.split(given[name][0], len(gates))] for name in "WR")
        first, second = (np.split(half, len(gates)) for half in np.split(given["B"][0], 2))
    else:
        W_x, W_h = ([part.T for part in np.split(given[f"weight_{of}_l0"], len(gates))] for of in ("ih", "hh"))
        first, second = (np.split(given[f"bias_{of}_l0"], len(gates)) for of in ("ih", "hh"))
    weights: dict[str, Array] = {}
    for place, gate in enumerate(gates):
        apart = kind == "gru" and gate == "h"
        weights |= {f"W_x{gate}": W_x[place], f"W_h{gate}": W_h[place]}
        weights[f"b_{gate}"] = first[place] if apart else first[place] + second[place]
        weights |= {"b_hh": second[place]} if apart else {}
    return weights


def _gates(library: str, kind: str) -> str:
    for what, name, known in (("library", library, LIBRARIES), ("kind", kind, (*KINDS,))):
        if name not in known:
            raise UnknownName(f"no {what} {name!r}", given=name, expected=", ".join(known), mend=nearest(name, known))
    if (library, kind) == ("onnx", "multihead"):
        mend = "the weights are those of products around it"
        raise SpecError("ONNX has no layer of attention with weights", given="onnx, multihead", mend=mend)
    return KINDS[kind][library]


def _names(kind: str, gates: str) -> dict[str, int]:
    """{weight of the equation: its number of axes}."""
    if kind == "multihead":
        return {f"{letter}_{gate}": axes for letter, axes in (("W", 2), ("b", 1)) for gate in gates}
    names = {f"W_{source}{gate}": 2 for gate in gates for source in "xh"} | {f"b_{gate}": 1 for gate in gates}
    return names | ({"b_hh": 1} if kind == "gru" else {})


def _names_of(library: str, kind: str, gates: str) -> dict[str, int]:
    """{array of a library: its number of axes}."""
    match library, kind:
        case "torch", "multihead":
            return {"in_proj_weight": 2, "in_proj_bias": 1, "out_proj.weight": 2, "out_proj.bias": 1}
        case _, "multihead":
            out = _out(library)
            inputs = {f"{name}/{part}": axes for name in INPUTS for part, axes in (("kernel", 3), ("bias", 2))}
            return {**inputs, f"{out}/kernel": 3, f"{out}/bias": 1}
        case "torch", _:
            return {"weight_ih_l0": 2, "weight_hh_l0": 2, "bias_ih_l0": 1, "bias_hh_l0": 1}
        case "onnx", _:
            return {"W": 3, "R": 3, "B": 2}
        case "keras", _:
            return {"kernel": 2, "recurrent_kernel": 2, "bias": 2 if kind == "gru" else 1}
    return {name: 1 if name.endswith("bias") else 2 for name, _ in _flax_pairs(kind, gates)}


def _checked(given: Mapping[str, Any], expected: Mapping[str, int], what: str) -> dict[str, Array]:
    arrays = {name: np.asarray(array) for name, array in given.items()}
    if arrays.keys() != expected.keys() or any(arrays[name].ndim != axes for name, axes in expected.items()):
        raise SpecError(
            f"these are not the arrays of {what}",
            given=", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none",
            expected=", ".join(f"{name} of {axes} ax{'i' if axes == 1 else 'e'}s" for name, axes in expected.items()),
        )
    return arrays


def _flax_pairs(kind: str, gates: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of an array of Flax and a weight of the equation. Which layer has the bias depends on the cell."""
    letters = {gate: FLAX_NAMES.get(kind, {}).get(gate, gate) for gate in gates}
    if kind == "simple_rnn":
        return [("i/kernel", "W_xh"), ("h/kernel", "W_hh"), ("i/bias", "b_h")]
    side = "i" if kind == "gru" else "h"
    pairs = [
        (f"{'i' if source == 'x' else 'h'}{letters[gate]}/kernel", f"W_{source}{gate}")
        for gate in gates
        for source in "xh"
    ]
    pairs += [(f"{side}{letters[gate]}/bias", f"b_{gate}") for gate in gates]
    return [*pairs, ("hn/bias", "b_hh")] if kind == "gru" else pairs


def _pack_flax(kind: str, gates: str, given: Arrays) -> dict[str, Array]:
    return {name: given[weight] for name, weight in _flax_pairs(kind, gates)}


def _unpack_flax(kind: str, gates: str, given: Arrays) -> dict[str, Array]:
    return {weight: given[name] for name, weight in _flax_pairs(kind, gates)}


INPUTS = ("query", "key", "value")
"""The projections of Keras and Flax, in the order q, k, v."""


def _out(library: str) -> str:
    return "attention_output" if library == "keras" else "out"


def _pack_multihead(library: str, given: Arrays, heads: int) -> dict[str, Array]:
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
    return {**arrays, f"{_out(library)}/kernel": W_o, f"{_out(library)}/bias": given["b_o"]}


def _unpack_multihead(library: str, given: Arrays) -> dict[str, Array]:
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
    kernel = given[f"{_out(library)}/kernel"]
    return {**weights, "W_o": kernel.reshape(-1, kernel.shape[-1]), "b_o": given[f"{_out(library)}/bias"]}
