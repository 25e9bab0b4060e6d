"""ONNX: models of a single node, weights in the layout of the operators; run by onnxruntime or by onnx itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnx import ModelProto, helper
from onnx.reference import ReferenceEvaluator

Array = npt.NDArray[Any]
Inputs = Mapping[str, Array | None]

OPSET = 23  # the first that has Attention
IR_VERSION = 10  # onnx would write its newest, which an older runtime refuses


class Direction(NamedTuple):
    """The weights that read a sequence in one direction, a list of gates each, in the order of the operator.

    Attributes:
        b_hh: the second bias of the last gate, where there is one.
    """

    W_x: Sequence[Array]
    W_h: Sequence[Array]
    b: Sequence[Array]
    b_hh: Array | None = None


Option = int | float | str


def _model(
    op: str, inputs: tuple[tuple[str, str], ...], outputs: tuple[str, ...], options: tuple[tuple[str, Option], ...]
) -> ModelProto:
    """An empty name or dtype leaves an optional input or output out."""
    declared = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)
        for name, dtype in inputs
        if dtype
    ]
    results = [
        helper.make_tensor_value_info(name, declared[0].type.tensor_type.elem_type, None) for name in outputs if name
    ]
    node = helper.make_node(op, [name if dtype else "" for name, dtype in inputs], outputs)
    node.attribute.extend(helper.make_attribute(name, value) for name, value in options)
    graph = helper.make_graph([node], op, declared, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


@lru_cache(maxsize=256)
def _session(
    op: str, inputs: tuple[tuple[str, str], ...], outputs: tuple[str, ...], options: tuple[tuple[str, Option], ...]
) -> ort.InferenceSession:
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 3  # it warns of qk_matmul_output, which it takes for a scalar beforehand
    model = _model(op, inputs, outputs, options)
    return ort.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])


def run(op: str, inputs: Inputs, outputs: Sequence[str], reference: bool = False, **options: Option) -> list[Array]:
    """One operator; the inputs come in the operator's order, None where an optional one is left out.

    Args:
        reference: whether onnx's reference evaluator runs it, not onnxruntime.
    """
    declared = tuple((name, "" if a is None else a.dtype.name) for name, a in inputs.items())
    given = {name: a for name, a in inputs.items() if a is not None}
    listed = tuple(sorted(options.items()))
    if reference:
        found: Any = ReferenceEvaluator(_model(op, declared, tuple(outputs), listed)).run(None, given)
        return list(found)
    session = _session(op, declared, tuple(outputs), listed)
    answer: list[Array] = session.run(None, given)
    return answer


def recurrent(
    op: str,
    x: Array,
    states: Sequence[Array],
    *directions: Direction,
    length: Array | None = None,
    reference: bool = False,
    **options: Option,
) -> list[Array]:
    """RNN, GRU or LSTM in one direction or both: all h, then the last h and, for LSTM, c.

    Time comes before the batch. Gates are stacked in the order given, each weight from the left, under an axis for the
    directions. B holds the input side's biases, then the state's, which are 0 but for the last gate where b_hh is
    given. Without states all start from 0.
    """
    starts = [np.atleast_2d(state)[None] for state in states]  # (1, batch, u)
    inputs: dict[str, Array | None] = {
        "X": x[:, None] if x.ndim == 2 else x.swapaxes(0, 1),
        "W": np.stack([np.concatenate([W.T for W in each.W_x]) for each in directions]),
        "R": np.stack([np.concatenate([W.T for W in each.W_h]) for each in directions]),
        "B": np.stack([np.concatenate([*each.b, *_of_state(each)]) for each in directions]),
        "sequence_lens": None if length is None else np.atleast_1d(length).astype(np.int32),
        "initial_h": starts[0] if starts else None,
    }
    outputs = ["Y", "Y_h"]
    if len(starts) == 2:
        inputs["initial_c"] = starts[1]
        outputs.append("Y_c")
    if len(directions) == 2:
        options["direction"] = "bidirectional"
    y, *last = run(
        op, inputs, outputs, reference, hidden_size=len(directions[0].W_h[0]), **options
    )  # y of (t, directions, batch, u)
    every = np.concatenate(list(y.swapaxes(0, 1)), axis=-1).swapaxes(0, 1)
    ends = [np.concatenate(list(state), axis=-1) for state in last]
    return [every[0], *(state[0] for state in ends)] if x.ndim == 2 else [every, *ends]


def zrh(arrays: Sequence[Array]) -> Direction:
    """The GRU's gates in the operator's order, from W_x, W_h and b of r, z and the candidate in turn."""
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h = arrays
    return Direction([W_xz, W_xr, W_xh], [W_hz, W_hr, W_hh], [b_z, b_r, b_h])


def _of_state(direction: Direction) -> list[Array]:
    b = [np.zeros_like(bias) for bias in direction.b]
    return b if direction.b_hh is None else [*b[:-1], direction.b_hh]


def attention(
    q: Array, k: Array, v: Array, mask: Array | None = None, scores: bool = False, reference: bool = False,
    **options: int,
) -> Array:  # fmt: skip
    """The operator Attention with one head, its arrays being (batch, heads, rows, width); or the scores inside it."""
    head = (None, None) if q.ndim == 2 else (slice(None), None)
    inputs: dict[str, Array | None] = {"Q": q[head], "K": k[head], "V": v[head]}
    if mask is not None:
        inputs["attn_mask"] = mask[head] if mask.ndim == q.ndim else mask
    outputs = ["Y", "", "", "qk_matmul_output"] if scores else ["Y"]
    answer = run("Attention", inputs, outputs, reference, **options)[-1][:, 0]
    return answer[0] if q.ndim == 2 else answer
