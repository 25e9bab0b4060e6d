"""Parameters of recurrent layers, attention and layers of the Transformer, to the form of a library and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.layouts.attention_packing import names_of_attention, pack_attention, unpack_attention
from attnspec.layouts.block_packing import (
    ATTENTIONS,
    names_of_arrays,
    names_of_weights,
    pack_block,
    unpack_block,
)

Array = NDArray[Any]
Arrays = Mapping[str, Array]

LIBRARIES = ("torch", "onnx", "keras", "flax", "cudnn")

KINDS = {
    "simple_rnn": dict.fromkeys(LIBRARIES, "h"),
    "gru": {"torch": "rzh", "onnx": "zrh", "keras": "zrh", "flax": "rzh", "cudnn": "rzh"},
    "lstm": {"torch": "ifgo", "onnx": "iofg", "keras": "ifgo", "flax": "ifgo", "cudnn": "ifgo"},
    "multihead": dict.fromkeys(("torch", "keras", "flax"), "qkvo"),
    "encoder_layer": {"torch": ""},
    "decoder_layer": {"torch": ""},
}
"""{kind of a layer: {library that has it: its gates or projections, by the letters of the equation, in order}}."""

FLAX_NAMES = {"gru": {"h": "n"}}
"""{kind: {gate of the equation: Flax's letter}}, where they differ."""


def pack(library: str, kind: str, weights: Mapping[str, Any], *, heads: int = 1) -> dict[str, Array]:
    """Write the weights of an equation as a library keeps them.

    Args:
        library: "torch", "onnx", "keras", "flax" or "cudnn".
        kind: "simple_rnn", "gru", "lstm": a layer of one direction, the GRU that resets after the matrix;
            "multihead": attention with biases, of PyTorch, Keras and Flax; "encoder_layer" or "decoder_layer": a layer
            of the Transformer with biases, of PyTorch.
        weights: the weights of `recurrent.simple_rnn`, `recurrent.gru_reset_after`, `recurrent.lstm`,
            `multihead.attention_biased`, `transformer.encoder_layer_biased` or `transformer.decoder_layer_biased`, by
            their names there.
        heads: the number of heads, which Keras and Flax have as an axis.

    Returns:
        The arrays by the library's names, Flax's and Keras' with "/" between the parts; cuDNN's are "matrix/I" and
        "bias/I" with the linLayerID I of cudnnGetRNNWeightParams, those of the input first. The second bias of PyTorch,
        ONNX and cuDNN is 0 but where the equation has one.

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
        return pack_attention(library, given, heads)
    if kind in ATTENTIONS:
        return pack_block(kind, given)
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
        case "cudnn":
            matrices = {f"matrix/{place}": W.T for place, W in enumerate(W_x + W_h)}
            return matrices | {f"bias/{place}": each for place, each in enumerate(b + second)}
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
        return unpack_attention(library, given)
    if kind in ATTENTIONS:
        return unpack_block(kind, given)
    if library == "flax":
        return _unpack_flax(kind, gates, given)
    _check_gates(given, library, kind, gates)
    if library == "keras":
        W_x, W_h = (np.split(given[name], len(gates), axis=1) for name in ("kernel", "recurrent_kernel"))
        biases = given["bias"] if kind == "gru" else np.stack([given["bias"], np.zeros_like(given["bias"])])
        first, second = (np.split(row, len(gates)) for row in biases)
    elif library == "cudnn":
        count = len(gates)
        W_x, W_h = ([given[f"matrix/{start + k}"].T for k in range(count)] for start in (0, count))
        first, second = ([given[f"bias/{start + k}"] for k in range(count)] for start in (0, count))
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
    if library not in KINDS[kind]:
        parts = (
            'pack its attention as "multihead"' if kind in ATTENTIONS else "its weights are those of products around it"
        )
        raise SpecError(
            f"{library} has no layer {kind!r} with weights",
            given=f"{library}, {kind}",
            expected=", ".join(KINDS[kind]),
            mend=parts if library in ("onnx", "keras", "flax") else "",
        )
    return KINDS[kind][library]


def _names(kind: str, gates: str) -> dict[str, int]:
    """{weight of the equation: its number of axes}."""
    if kind in ATTENTIONS:
        return names_of_weights(kind)
    if kind == "multihead":
        return {f"{letter}_{gate}": axes for letter, axes in (("W", 2), ("b", 1)) for gate in gates}
    names = {f"W_{source}{gate}": 2 for gate in gates for source in "xh"} | {f"b_{gate}": 1 for gate in gates}
    return names | ({"b_hh": 1} if kind == "gru" else {})


def _names_of(library: str, kind: str, gates: str) -> dict[str, int]:
    """{array of a library: its number of axes}."""
    match library, kind:
        case _, "multihead":
            return names_of_attention(library)
        case _, kind if kind in ATTENTIONS:
            return names_of_arrays(kind)
        case "cudnn", _:
            count = 2 * len(gates)
            return {f"{part}/{place}": axes for part, axes in (("matrix", 2), ("bias", 1)) for place in range(count)}
        case "torch", _:
            return {"weight_ih_l0": 2, "weight_hh_l0": 2, "bias_ih_l0": 1, "bias_hh_l0": 1}
        case "onnx", _:
            return {"W": 3, "R": 3, "B": 2}
        case "keras", _:
            return {"kernel": 2, "recurrent_kernel": 2, "bias": 2 if kind == "gru" else 1}
    return {name: 1 if name.endswith("bias") else 2 for name, _ in _flax_pairs(kind, gates)}


def _checked(given: Mapping[str, Any], expected: Mapping[str, int], what: str) -> dict[str, Array]:
    if not isinstance(given, Mapping):
        raise SpecError(
            f"these are not the arrays of {what}",
            given=f"a {type(given).__name__}",
            expected="arrays by name",
            mend="pass its state_dict()" if hasattr(given, "state_dict") else "",
        )
    arrays = {name: np.asarray(array) for name, array in given.items()}
    if arrays.keys() != expected.keys() or any(arrays[name].ndim != axes for name, axes in expected.items()):
        odd = {"missing": expected.keys() - arrays.keys(), "too many": arrays.keys() - expected.keys()}
        raise SpecError(
            f"these are not the arrays of {what}",
            given=", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none",
            expected=", ".join(f"{name} of {axes} ax{'i' if axes == 1 else 'e'}s" for name, axes in expected.items()),
            mend="; ".join(f"{label}: {', '.join(sorted(names))}" for label, names in odd.items() if names),
        )
    return arrays


def _check_gates(given: Arrays, library: str, kind: str, gates: str) -> None:
    """Check that packed arrays have a block of each gate, as wide as the state.

    Raises:
        SpecError: they do not.
    """
    count = len(gates)
    match library:
        case "torch":
            units, rows = given["weight_hh_l0"].shape[1], [array.shape[0] for array in given.values()]
        case "onnx":
            units = given["R"].shape[2]
            rows = [given["W"].shape[1], given["R"].shape[1], given["B"].shape[1] // 2]
        case "keras":
            units, rows = given["recurrent_kernel"].shape[0], [array.shape[-1] for array in given.values()]
        case _:
            return
    if any(each != count * units for each in rows):
        raise SpecError(
            f"these are not the arrays of {library}'s {kind}",
            given=", ".join(f"{name} {array.shape}" for name, array in given.items()),
            expected=f"{count * units} along the axis of the gates: {count} of {units}, since the state has {units}",
        )


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
