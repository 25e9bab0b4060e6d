"""Small ONNX models, made by onnx.helper, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Array = npt.NDArray[Any]
Shape = Sequence[int | str]


def write(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    weights: Mapping[str, Array] | None = None,
    dtype: str = "float32",
) -> Path:
    """Write a model of these nodes; sizes that are texts are open."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    taken, given = (
        [helper.make_tensor_value_info(name, kind, list(shape)) for name, shape in each.items()]
        for each in (inputs, outputs)
    )
    stored = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(list(nodes), "model", taken, given, stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def scaled_scores(path: Path, divisor: float) -> Path:
    """Scores q kᵀ / divisor for d = 4, any n and m."""
    nodes = [
        helper.make_node("Transpose", ["k"], ["k_t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "k_t"], ["product"], name="products"),
        helper.make_node("Div", ["product", "divisor"], ["scores"]),
    ]
    constant = {"divisor": np.array(divisor, np.float32)}
    return write(path, nodes, {"q": ("B", "n", 4), "k": ("B", "m", 4)}, {"scores": ("B", "n", "m")}, constant)


def linear(path: Path, batch: int | str = "B") -> Path:
    """A layer x Wᵀ + b from 3 to 2 features, as PyTorch exports it."""
    rng = np.random.default_rng(0)
    weights = {"fc.weight": rng.normal(size=(2, 3)).astype("f4"), "fc.bias": rng.normal(size=2).astype("f4")}
    nodes = [helper.make_node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], transB=1)]
    return write(path, nodes, {"x": (batch, 3)}, {"y": (batch, 2)}, weights)


def gru(path: Path, linear_before_reset: int) -> Path:
    """A GRU from 3 to 4 features, batch first, as exporters write PyTorch's."""
    rng = np.random.default_rng(0)
    shapes = {"val_24": (1, 12, 3), "val_25": (1, 12, 4), "val_41": (1, 24)}
    weights: dict[str, Array] = {name: rng.uniform(-0.5, 0.5, shape).astype("f4") for name, shape in shapes.items()}
    weights["zero"], weights["one"] = np.array([0]), np.array([1])
    nodes = [
        helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2]),
        helper.make_node("Unsqueeze", ["h_0", "zero"], ["start"]),
        helper.make_node(
            "GRU",
            ["steps", "val_24", "val_25", "val_41", "", "start"],
            ["states"],
            hidden_size=4,
            linear_before_reset=linear_before_reset,
        ),
        helper.make_node("Squeeze", ["states", "one"], ["alone"]),
        helper.make_node("Transpose", ["alone"], ["y"], perm=[1, 0, 2]),
    ]
    return write(path, nodes, {"x": ("B", "t", 3), "h_0": ("B", 4)}, {"y": ("B", "t", 4)}, weights)
