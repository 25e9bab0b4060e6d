"""The graph of an ONNX model in balls, whatever runs the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from attnspec.interpreters.balls.arrays import FLOATS, constants
from attnspec.interpreters.balls.ball import Untraceable, constant
from attnspec.verification.sandbox.child.tracing.onnx_operators import OPERATORS

if TYPE_CHECKING:
    import onnx

OLDEST = 13
"""The first version of the operators that is known here: Softmax is along one axis."""

Array = Any


def outputs_of(model: onnx.ModelProto, given: Mapping[str, Array]) -> list[Array]:
    """The outputs of a model.

    Args:
        model: the model. Numbers that it stores and that are not given are constants.
        given: {input or stored value: its array}.

    Raises:
        Untraceable: an operator has no meaning in balls, or the model has a table of constants.
    """
    from onnx import numpy_helper

    version = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), OLDEST)
    if version < OLDEST:
        raise Untraceable(f"it has operators of ONNX before version {OLDEST}")
    values: dict[str, Any] = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    values |= given
    for node in model.graph.node:
        found = _of_node(node, [values[name] if name else None for name in node.input])
        values |= dict(zip(node.output, found, strict=False))
    return [_balls(values[each.name]) for each in model.graph.output]


def _of_node(node: onnx.NodeProto, inputs: list[Array]) -> tuple[Array, ...]:
    operator = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if operator is None:
        raise Untraceable(f"{node.op_type} of ONNX has no meaning in balls")
    found = operator(*map(_balls, inputs), **{each.name: _attribute(each) for each in node.attribute})
    return found if isinstance(found, tuple) else (found,)


def _balls(value: Array) -> Array:
    """Floating-point numbers as balls, which are constants here."""
    return constants(value) if isinstance(value, np.ndarray) and value.dtype.name in FLOATS else value


def _attribute(attribute: onnx.AttributeProto) -> Any:
    """An attribute; a number that is not whole has been rounded to float32."""
    from onnx import TensorProto, helper, numpy_helper

    value = helper.get_attribute_value(attribute)
    if isinstance(value, TensorProto):
        return _balls(numpy_helper.to_array(value))
    if isinstance(value, float):
        return constant(value, "float32")
    if isinstance(value, bytes):
        return value.decode()
    return [each.decode() if isinstance(each, bytes) else each for each in value] if isinstance(value, list) else value
