"""The graphs of ONNX models in balls: each operator means what onnx's own evaluator computes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnspec

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")
pytest.importorskip("onnx", reason="needs the extra attnspec[peers]")

import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

import onnx_models
from attnspec.interpreters.balls.arrays import BallArray, exactly, to_limbs
from attnspec.interpreters.balls.ball import Untraceable, working
from attnspec.verification.sandbox.child.tracing.onnx_graph import outputs_of
from attnspec.verification.sandbox.child.tracing.onnx_operators import OPERATORS

RNG = np.random.default_rng(0)
Array = Any


def normal(*shape: int) -> Array:
    return RNG.normal(size=shape)


def whole(*values: int) -> Array:
    return np.array(values, np.int64)


X, Y = normal(2, 3, 4), normal(2, 3, 4)
LENGTHS = np.array([3, 2], np.int32)
MASK = np.array([[True, False, True], [True, True, True]])


def recurrent(gates: int, directions: int = 1) -> tuple[Array, ...]:
    """X of 3 steps, W, R and B, for 4 features and 2 hidden places."""
    shapes = (3, 2, 4), (directions, 2 * gates, 4), (directions, 2 * gates, 2), (directions, 4 * gates)
    return tuple(normal(*shape) for shape in shapes)


STATE, STATES, BATCH_FIRST = normal(1, 2, 2), normal(2, 2, 2), normal(2, 1, 2)

CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((name, (X,), {}) for name in ("Abs", "Exp", "Sin", "Cos", "Tan", "Tanh", "Sigmoid", "Relu", "Sign", "Neg")),
    *((name, (abs(X) + 1,), {}) for name in ("Log", "Sqrt", "Reciprocal", "Softplus", "Identity")),
    *((name, (X, Y), {}) for name in ("Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min")),
    *((name, (X, Y), {}) for name in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual")),
    ("Erf", (X.astype("f4"),), {}),
    ("Gelu", (X.astype("f4"),), {}),
    ("Gelu", (X.astype("f4"),), {"approximate": "tanh"}),
    ("Pow", (abs(X), np.array(1.5)), {}),
    ("Div", (whole(7, -7), whole(2, 2)), {}),
    ("Clip", (X, np.array(-0.5), np.array(0.25)), {}),
    ("Where", (X > 0, X, Y), {}),
    ("IsNaN", (np.array([1.0, math.nan]),), {}),
    ("Not", (MASK,), {}),
    *((name, (MASK, ~MASK), {}) for name in ("And", "Or", "Xor")),
    *((f"Reduce{name}", (X, whole(-1)), {}) for name in ("Sum", "Mean", "Prod", "Max", "Min", "SumSquare", "L2")),
    ("ReduceLogSumExp", (X, whole(1, 2)), {"keepdims": 0}),
    ("ReduceSum", (X,), {}),
    ("CumSum", (X, np.array(1)), {}),
    ("Softmax", (X,), {"axis": 1}),
    ("LogSoftmax", (X,), {}),
    ("LayerNormalization", (X, normal(4), normal(4)), {"epsilon": 0.25}),
    ("LayerNormalization", (X, normal(3, 4)), {"axis": 1}),
    ("RMSNormalization", (X, normal(4)), {"epsilon": 0.25}),
    ("MatMul", (X, normal(4, 5)), {}),
    ("MatMul", (X, normal(4)), {}),
    ("Gemm", (normal(4, 2), normal(3, 4), normal(3)), {"alpha": 0.5, "beta": 2.0, "transA": 1, "transB": 1}),
    ("Einsum", (X, Y), {"equation": "bij,bkj->bik"}),
    ("Cast", (whole(1, 2),), {"to": onnx.TensorProto.DOUBLE}),
    ("CastLike", (whole(1, 2), X), {}),
    ("Constant", (), {"value_int": 3}),
    ("ConstantOfShape", (whole(2, 3),), {"value": helper.make_tensor("value", onnx.TensorProto.DOUBLE, [1], [2.0])}),
    ("Range", (np.array(1), np.array(7), np.array(2)), {}),
    ("Shape", (X,), {"start": 1}),
    ("Size", (X,), {}),
    ("Reshape", (X, whole(0, -1)), {}),
    ("Squeeze", (X[:, :1], whole(1)), {}),
    ("Unsqueeze", (X, whole(0, -1)), {}),
    ("Flatten", (X,), {"axis": 2}),
    ("Expand", (X[:1], whole(2, 1, 4)), {}),
    ("Transpose", (X,), {"perm": [2, 0, 1]}),
    ("Transpose", (X,), {}),
    ("Concat", (X, Y), {"axis": -1}),
    ("Split", (X, whole(1, 3)), {"axis": 2}),
    ("Split", (X,), {"axis": 2, "num_outputs": 3}),
    ("Slice", (X, whole(-1, 0), whole(-(10**9), 2), whole(1, 2), whole(-1, 1)), {}),
    ("Gather", (X, np.array([[0, -1]])), {"axis": 1}),
    ("GatherElements", (X, np.zeros((2, 1, 4), np.int64)), {"axis": 1}),
    ("Tile", (X, whole(1, 2, 1)), {}),
    ("Trilu", (X,), {"upper": 0}),
    ("Trilu", (X, np.array(1)), {}),
    ("RNN", (*recurrent(1), None, STATE), {"hidden_size": 2}),
    ("RNN", (*recurrent(1, 2),), {"hidden_size": 2, "direction": "bidirectional"}),
    ("GRU", (*recurrent(3), None, STATE), {"hidden_size": 2}),
    ("GRU", (*recurrent(3), None, STATE), {"hidden_size": 2, "linear_before_reset": 1}),
    ("GRU", (*recurrent(3),), {"hidden_size": 2, "direction": "reverse"}),
    ("GRU", (*recurrent(3, 2), None, STATES), {"hidden_size": 2, "direction": "bidirectional"}),
    ("LSTM", (*recurrent(4), None, STATE, -STATE), {"hidden_size": 2}),
    ("LSTM", (*recurrent(4, 2),), {"hidden_size": 2, "direction": "bidirectional"}),
    ("LSTM", (normal(2, 3, 4), *recurrent(4)[1:], None, BATCH_FIRST), {"hidden_size": 2, "layout": 1}),
    ("Attention", (normal(2, 2, 3, 4), normal(2, 2, 3, 4), normal(2, 2, 3, 5)), {"softcap": 2.0}),
    ("Attention", (normal(2, 4, 2, 4), normal(2, 2, 3, 4), normal(2, 2, 3, 5), MASK), {"scale": 0.25}),
    ("Attention", (X, X, Y), {"q_num_heads": 2, "kv_num_heads": 2, "is_causal": 1}),
    ("Attention", (normal(1, 1, 2, 4), normal(1, 1, 3, 4), normal(1, 1, 3, 4), normal(2, 3)), {}),
]  # fmt: skip
OUTPUTS = {"RNN": 2, "GRU": 2, "LSTM": 3}


def model(name: str, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """A model of one operator, of which all inputs are given."""
    names = ["" if each is None else f"x{k}" for k, each in enumerate(inputs)]
    parts = attributes.get("num_outputs", 2 if name == "Split" else 1)
    outputs = [f"y{k}" for k in range(OUTPUTS.get(name, parts))]
    node = helper.make_node(name, names, outputs, **attributes)
    declared = [
        helper.make_tensor_value_info(each, helper.np_dtype_to_tensor_dtype(array.dtype), None)
        for each, array in zip(names, inputs, strict=True)
        if each
    ]
    results = [helper.make_tensor_value_info(each, onnx.TensorProto.DOUBLE, None) for each in outputs]
    return helper.make_model(
        helper.make_graph([node], name, declared, results), opset_imports=[helper.make_opsetid("", 23)], ir_version=10
    )


def middles(array: Any) -> Any:
    """The midpoints of an array of balls; other arrays as they are."""
    return to_limbs(array)[0] if isinstance(array, BallArray) else np.asarray(array)


@pytest.mark.parametrize(("name", "inputs", "attributes"), CASES)
def test_an_operator_means_what_onnx_computes(name: str, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    made = model(name, inputs, attributes)
    given = {f"x{k}": each for k, each in enumerate(inputs) if each is not None}
    expected = ReferenceEvaluator(made).run(None, given)
    with working():
        balls = {key: exactly(each) if each.dtype.kind == "f" else each for key, each in given.items()}
        found = outputs_of(made, balls)

    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        # a hundred roundings of 2^-24, or thousands of 2^-53
        accuracy = 1e-5 if theirs.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(middles(ours), theirs, rtol=accuracy, atol=accuracy)


def test_every_operator_is_asked() -> None:
    assert {name for name, *_ in CASES} == set(OPERATORS)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize(
    ("name", "gates", "activations"),
    [("GRU", 3, ["Sigmoid", "Relu"]), ("LSTM", 4, ["Sigmoid", "Tanh", "Relu"]), ("RNN", 1, ["Relu"])],
)
def test_lengths_and_activations_are_those_of_onnxruntime(
    name: str, gates: int, activations: list[str], direction: str
) -> None:
    """onnx's own evaluator has no lengths, and few activations."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra attnspec[peers]")
    directions = 2 if direction == "bidirectional" else 1
    inputs = (*(each.astype("f4") for each in recurrent(gates, directions)), LENGTHS)
    attributes = {"hidden_size": 2, "direction": direction, "activations": activations * directions}
    made = model(name, inputs, attributes)
    for each in made.graph.output:
        each.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    given = {f"x{k}": each for k, each in enumerate(inputs)}
    expected = runtime.InferenceSession(made.SerializeToString()).run(None, given)
    with working():
        found = outputs_of(
            made, {key: exactly(each) if each.dtype.kind == "f" else each for key, each in given.items()}
        )

    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(middles(ours), theirs, rtol=1e-5, atol=1e-6)  # as above, the runtime is in float32


def test_what_has_no_meaning_in_balls_is_said() -> None:
    with working(), pytest.raises(Untraceable, match="Hardmax of ONNX has no meaning in balls"):
        outputs_of(model("Hardmax", (X,), {}), {"x0": exactly(X)})


@pytest.mark.parametrize("evaluator", ["onnxruntime", "reference"])
def test_a_model_is_traced_through_its_graph(tmp_path: Path, evaluator: str) -> None:
    """Whatever runs it: a divisor that is wrong by a ten thousandth is another function."""
    for divisor, kind in ((2.0, "same"), (2.0002, "another")):
        file = onnx_models.scaled_scores(tmp_path / "m.onnx", divisor)
        [verdict] = attnspec.verify(f"{file}:{evaluator}", "scores.scaled_dot", case=1)
        assert verdict.function is not None
        assert verdict.function.kind == kind, str(verdict)


def test_the_reset_gate_before_the_matrix_is_proved_another_function(tmp_path: Path) -> None:
    for after, kind in ((1, "same"), (0, "another")):
        file = onnx_models.gru(tmp_path / "m.onnx", after)
        [verdict] = attnspec.verify(f"{file}:onnxruntime", "recurrent.gru_reset_after", case=1)
        assert verdict.function is not None
        assert verdict.function.kind == kind, str(verdict)
