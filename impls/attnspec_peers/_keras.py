"""Keras, on PyTorch: its layers, called on given weights in the layout of the layers.

A layer is built once for its sizes and called by `stateless_call`, so that gradients pass through it. Keras draws
random numbers where it is imported, and seeds where a layer is built.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from attnspec_peers._undrawn import undrawn

os.environ.setdefault("KERAS_BACKEND", "torch")
with undrawn():
    import keras

if keras.backend.backend() != "torch":
    raise ModuleNotFoundError("Keras runs on another back end here: set KERAS_BACKEND=torch", name="keras")

Shape = tuple[int, ...]


class Kind(NamedTuple):
    """A layer of Keras and its options, in a form that can be looked up.

    Attributes:
        name: the class in keras.layers.
        options: its arguments.
        inner: the layer that it wraps; for RNN, its cells.
    """

    name: str
    options: tuple[tuple[str, Any], ...] = ()
    inner: tuple[Kind, ...] = ()


def kind(name: str, *inner: Kind, **options: Any) -> Kind:
    """A layer, by the name of its class, the layers that it wraps and its other arguments."""
    return Kind(name, tuple(options.items()), inner)


def recurrent(name: str, **options: Any) -> Kind:
    """A recurrent layer, or a cell; without random numbers, which not every dtype has."""
    return kind(name, **options, kernel_initializer="zeros", recurrent_initializer="zeros")


def _layer(kind: Kind, dtype: str) -> Any:
    inner = [_layer(each, dtype) for each in kind.inner]
    wrapped = [inner] if kind.name == "RNN" else inner
    with undrawn():
        return getattr(keras.layers, kind.name)(*wrapped, **dict(kind.options), dtype=dtype)


@lru_cache(maxsize=512)
def built(kind: Kind, shapes: Shape | tuple[Shape, ...], dtype: str = "float32") -> Any:
    """The layer, built for inputs of a shape, or of several."""
    layer = _layer(kind, dtype)
    with undrawn():
        layer.build(list(shapes) if shapes and isinstance(shapes[0], tuple) else shapes)
    return layer


def call(kind: Kind, weights: Sequence[Tensor], inputs: Tensor | list[Tensor], dtype: str = "", **options: Any) -> Any:
    """What a layer makes of its inputs with these weights, in the order of its trainable variables.

    Args:
        dtype: that of the weights, where the inputs have another.
    """
    given = inputs if isinstance(inputs, list) else [inputs]
    every = tuple(tuple(each.shape) for each in given)
    layer = built(
        kind, every if isinstance(inputs, list) else every[0], dtype or str(given[0].dtype).removeprefix("torch.")
    )
    others = [variable.value for variable in layer.non_trainable_variables]
    answer, _ = layer.stateless_call(list(weights), others, inputs, **options)
    return answer


def pair(kind: Kind, weights: Sequence[Tensor], query: Tensor, value: Tensor, **options: Any) -> Any:
    """What keras.layers.MultiHeadAttention, which takes its inputs one by one, makes of queries and values."""
    layer = _built_for_two(kind, tuple(query.shape), tuple(value.shape), str(query.dtype).removeprefix("torch."))
    others = [variable.value for variable in layer.non_trainable_variables]
    answer, _ = layer.stateless_call(list(weights), others, query, value, **options)
    return answer


@lru_cache(maxsize=512)
def _built_for_two(kind: Kind, query: Shape, value: Shape, dtype: str) -> Any:
    layer = _layer(kind, dtype)
    with undrawn():
        layer.build(query, value)
    return layer


def count(layers: Sequence[Kind], shape: Shape) -> int:
    """How many parameters layers on top of each other have that are trained; they hold no memory."""
    with undrawn(), keras.device("meta"):
        model = keras.Sequential([_layer(kind, "float32") for kind in layers])
        model.build(shape)
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def count_of_two(kind: Kind, shape: Shape) -> int:
    """How many parameters a layer has that takes queries and values; they hold no memory."""
    with undrawn(), keras.device("meta"):
        layer = _layer(kind, "float32")
        layer.build(shape, shape)
    return sum(math.prod(variable.shape) for variable in layer.trainable_variables)


def aligned(sequences: Any, **options: Any) -> Any:
    """keras.utils.pad_sequences."""
    return keras.utils.pad_sequences(sequences, **options)


def packed(gates: Sequence[Tensor]) -> Tensor:
    """Gates side by side, in the order given."""
    return torch.cat(list(gates), dim=-1)


def rows(x: Tensor, axes: int = 2) -> Tensor:
    """With the axis for the batch that Keras asks for."""
    return x[None] if x.ndim < axes else x
