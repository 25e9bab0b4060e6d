"""ONNX models and parts of them, run by ONNX Runtime and by onnx's reference evaluator."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnspec.errors import TargetError, nearest
from attnspec.verification.sandbox.child.programs.program import OPEN, Inputs, Program, Shape

if TYPE_CHECKING:
    import onnx

EVALUATORS = ("onnxruntime", "reference")
"""What runs a model, by the name that a target has for it."""

FLOATS = ("float64", "float32", "float16", "bfloat16")

PACKED = {"GRU": "WRB", "LSTM": "WRB", "RNN": "WRB"}
"""{operator: letters of its inputs 1, 2 and 3, which hold the weights of a direction a row}."""

Run = Callable[[Inputs], Sequence[Any]]


def load(path: Path, name: str) -> dict[str, Program]:
    """The programs of a model, one for each evaluator that is installed.

    Args:
        path: the file.
        name: what is meant of it: "PART", "PART:EVALUATOR", "EVALUATOR" or "". A part is the name of a node, or
            "INPUTS..OUTPUTS", names of values with commas between them.

    Raises:
        TargetError: it is not a model, or has no such part.
    """
    import onnx

    part, _, evaluator = name.rpartition(":") if name.rpartition(":")[2] in EVALUATORS else (name, "", "")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # a parser of protocol buffers raises what it likes
        mend = "export it again; external data must lie beside the file"
        raise TargetError(f"{path.name} is not a valid ONNX model", given=str(error)[:300], mend=mend) from error
    if part:
        model = part_of(model, part, path.name)
    if evaluator == "onnxruntime" and find_spec("onnxruntime") is None:
        raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")
    installed = [each for each in EVALUATORS if each == "reference" or find_spec("onnxruntime") is not None]
    return {each: OnnxModel(model, each) for each in ([evaluator] if evaluator else installed)}


def part_of(model: onnx.ModelProto, part: str, file: str) -> onnx.ModelProto:
    """A part of a model as a model of its own.

    Raises:
        TargetError: there is no such part.
    """
    import onnx

    if ".." in part:
        first, _, last = part.partition("..")
        inputs, outputs = _names(first), _names(last)
    else:
        inputs, outputs = _of_node(model, part, file)
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {each.name for each in (*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info)}
    values = {name for node in model.graph.node for name in (*node.input, *node.output) if name}
    for name in (*inputs, *outputs):
        if name not in values | known:
            raise TargetError(
                f"{file} does not have the value {name!r}",
                given=part,
                expected=", ".join(sorted(values | known)),
                mend=nearest(name, values | known),
            )
    floating = next((each.type.tensor_type.elem_type for each in inferred.graph.input), onnx.TensorProto.FLOAT)
    for name in (*inputs, *outputs):
        if name not in known:
            inferred.graph.value_info.append(onnx.helper.make_tensor_value_info(name, floating, None))
    try:
        extracted = onnx.utils.Extractor(inferred).extract_model(inputs, outputs)
        onnx.checker.check_model(extracted)
        return extracted
    except Exception as error:
        expected = "inputs on which the outputs depend, and nothing else but weights"
        raise TargetError(f"{part} is not a part of {file}", given=str(error)[:300], expected=expected) from error


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _of_node(model: onnx.ModelProto, name: str, file: str) -> tuple[list[str], list[str]]:
    """The values that a node reads and writes, without the weights.

    Raises:
        TargetError: there is no such node, or several.
    """
    found = [node for node in model.graph.node if name in (node.name, node.op_type)]
    if len(found) != 1:
        names = [node.name or node.op_type for node in model.graph.node]
        raise TargetError(
            f"{file} has {len(found) or 'no'} node{'s' * (len(found) > 1)} {name!r}",
            given=name,
            expected=f"a node, such as {', '.join(dict.fromkeys(names))}; or INPUTS..OUTPUTS, names of values",
            mend=nearest(name, names) if not found else f"one of {', '.join(node.name for node in found)}",
        )
    constant = {each.name for each in model.graph.initializer}
    constant |= {value for node in model.graph.node if node.op_type == "Constant" for value in node.output}
    return [each for each in found[0].input if each and each not in constant], [
        each for each in found[0].output if each
    ]


class OnnxModel(Program):
    """A model with the weights that its file holds, or others.

    Weights have the names of the file, with "_" for what Python's names cannot have. Those of a single recurrent
    operator are W, R and B, and without the axis of the directions; for the second direction, W_reverse and so on.
    """

    def __init__(self, model: onnx.ModelProto, evaluator: str) -> None:
        self._model, self._evaluator = model, evaluator
        self._stored = {each.name: each for each in model.graph.initializer}
        self._inputs = {_identifier(each.name): each for each in model.graph.input if each.name not in self._stored}
        self._packed = _packed(model)
        self._weights = dict(self._read())
        operators = [node.op_type for node in model.graph.node if node.op_type in PACKED]
        self.kinds = tuple(f"onnx.{name}" for name in operators) if len(operators) == 1 else ()

    def _read(self) -> list[tuple[str, Any]]:
        from onnx import numpy_helper

        pairs = []
        for name, stored in self._stored.items():
            values = numpy_helper.to_array(stored)
            values = values.astype(np.float32) if values.dtype.name == "bfloat16" else values
            if name in self._packed:
                suffixes = ("", "_reverse")[: len(values)]
                pairs += [(self._packed[name] + suffix, row) for suffix, row in zip(suffixes, values, strict=True)]
            else:
                pairs.append((_identifier(name), values))
        return [(name, values) for name, values in pairs if values.dtype.name in FLOATS and values.size > 0]

    @property
    def inputs(self) -> Mapping[str, Shape | None]:
        """The inputs that are not weights."""
        return {name: _shape(each) for name, each in self._inputs.items()}

    @property
    def weights(self) -> Mapping[str, Any]:
        """The floating-point initializers."""
        return self._weights

    @property
    def dtype(self) -> str:
        """The dtype of the first floating-point input, else of the first output."""
        from onnx import helper

        values = [*self._inputs.values(), *self._model.graph.output]
        names = [helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type).name for each in values]
        return next((name for name in names if name in FLOATS), "float32")

    def run(self, inputs: Inputs, weights: Inputs) -> Sequence[Any]:
        """Run the model as it is, if no weight differs from the file's; its graph on arrays of balls."""
        if any(np.asarray(array).dtype == object for array in (*inputs.values(), *weights.values())):
            return self._in_balls(inputs, weights)
        own = all(np.array_equal(values, self._weights[name]) for name, values in weights.items())
        given = {self._inputs[name].name: _contiguous(array) for name, array in inputs.items()}
        if not own:
            given |= {name: _contiguous(array) for name, array in self._replaced(weights).items()}
        outputs = self._program(frozenset(given) - {each.name for each in self._inputs.values()})(given)
        return self._without_directions(outputs)

    def _in_balls(self, inputs: Inputs, weights: Inputs) -> Sequence[Any]:
        """The outputs in balls, of the graph, whatever runs it."""
        graph: Any = importlib.import_module("attnspec.verification.sandbox.child.tracing.onnx_graph")  # needs an extra
        given = {self._inputs[name].name: array for name, array in inputs.items()} | self._replaced(weights)
        return self._without_directions(graph.outputs_of(self._model, given))

    def _without_directions(self, outputs: Sequence[Any]) -> Sequence[Any]:
        """The outputs of a single recurrent operator without the axis of the directions, if it has one direction."""
        nodes = self._model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in PACKED:
            return outputs
        batch_first = any(each.name == "layout" and each.i == 1 for each in nodes[0].attribute)
        axes = [(2 if batch_first else 1) if output.ndim == 4 else int(batch_first) for output in outputs]
        pairs = zip(outputs, axes, strict=True)
        return [output.squeeze(axis) if output.shape[axis] == 1 else output for output, axis in pairs]

    def _replaced(self, weights: Inputs) -> dict[str, Any]:
        """The initializers of the file that hold weights which are replaced."""
        replaced = {}
        for name in self._stored:
            if name in self._packed:
                own = [each for each in (self._packed[name], f"{self._packed[name]}_reverse") if each in self._weights]
                if any(each in weights for each in own):
                    replaced[name] = np.stack([weights.get(each, self._weights[each]) for each in own])
            elif _identifier(name) in weights:
                replaced[name] = weights[_identifier(name)]
        return replaced

    @lru_cache(maxsize=16)  # noqa: B019  # the process holds one target, so that no model outlives its use
    def _program(self, replaced: frozenset[str]) -> Run:
        """What runs the model, with these initializers as inputs."""
        import onnx

        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        del model.graph.initializer[:]
        model.graph.initializer.extend(each for name, each in self._stored.items() if name not in replaced)
        kept = [each for each in model.graph.input if each.name not in self._stored]
        del model.graph.input[:]
        model.graph.input.extend(kept)
        for name in sorted(replaced):
            stored = self._stored[name]
            model.graph.input.append(onnx.helper.make_tensor_value_info(name, stored.data_type, list(stored.dims)))
        return _session(model) if self._evaluator == "onnxruntime" else _reference(model)


def _packed(model: onnx.ModelProto) -> dict[str, str]:
    """{initializer of the only recurrent operator: W, R or B}; empty if there are several operators or none."""
    nodes = [node for node in model.graph.node if node.op_type in PACKED]
    if len(nodes) != 1:
        return {}
    stored = {each.name for each in model.graph.initializer}
    pairs = zip(nodes[0].input[1:4], PACKED[nodes[0].op_type], strict=False)
    return {name: letter for name, letter in pairs if name in stored}


def _identifier(name: str) -> str:
    """A name of the file with "_" for what Python's names cannot have."""
    text = re.sub(r"[^\w.]", "_", name).strip("._") or "value"
    return re.sub(r"(^|\.)(?=\d)", r"\1_", text)


def _shape(value: onnx.ValueInfoProto) -> Shape | None:
    if not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(each.dim_value if each.HasField("dim_value") else OPEN for each in value.type.tensor_type.shape.dim)


def _contiguous(array: Any) -> Any:
    return np.asarray(array, order="C")


def _session(model: onnx.ModelProto) -> Run:
    runtime: Any = importlib.import_module("onnxruntime")
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    session = runtime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return partial(session.run, None)


def _reference(model: onnx.ModelProto) -> Run:
    evaluator: Any = importlib.import_module("onnx.reference").ReferenceEvaluator(model)
    return partial(evaluator.run, None)
