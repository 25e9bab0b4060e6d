"""onnxruntime: models of a single node, weights in the layout of the ONNX operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnx import helper

Array = npt.NDArray[Any]
Inputs = Mapping[str, Array | None]

OPSET = 23  # the first that has Attention
IR_VERSION = 10  # onnx would write its newest, which an older runtime refuses


@lru_cache(maxsize=256)
def _session(
    op: str, inputs: tuple[tuple[str, str], ...], outputs: tuple[str, ...], options: tuple[tuple[str, int], ...]
) -> ort.InferenceSession:
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
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 3  # it warns of qk_matmul_output, which it takes for a scalar beforehand
    return ort.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])


def run(op: str, inputs: Inputs, outputs: Sequence[str], **options: int) -> list[Array]:
    """One operator; the inputs come in the operator's order, None where an optional one is left out."""
    declared = tuple((name, "" if a is None else a.dtype.name) for name, a in inputs.items())
    session = _session(op, declared, tuple(outputs), tuple(sorted(options.items())))
    given = {name: a for name, a in inputs.items() if a is not None}
    answer: list[Array] = session.run(None, given)
    return answer


def recurrent(
    op: str, x: Array, states: Sequence[Array], W_x: Sequence[Array], W_h: Sequence[Array], b: Sequence[Array],
    b_hh: Array | None = None, **options: int,
) -> list[Array]:  # fmt: skip
    """RNN, GRU or LSTM in one direction: all h, then the last h and, for LSTM, c.

    Time comes before the batch. Gates are stacked in the order given, each weight from the left, under an axis for the
    direction. B holds the input side's biases, then the state's, which are 0 but for the last gate where b_hh is given.
    """
    b_state = [np.zeros_like(bias) for bias in b]
    if b_hh is not None:
        b_state[-1] = b_hh
    h, *c = (np.atleast_2d(state)[None] for state in states)  # (1, batch, u)
    inputs: dict[str, Array | None] = {
        "X": x[:, None] if x.ndim == 2 else x.swapaxes(0, 1),
        "W": np.concatenate([W.T for W in W_x])[None],
        "R": np.concatenate([W.T for W in W_h])[None],
        "B": np.concatenate([*b, *b_state])[None],
        "sequence_lens": None,
        "initial_h": h,
    }
    outputs = ["Y", "Y_h"]
    if c:
        inputs["initial_c"] = c[0]
        outputs.append("Y_c")
    y, *last = run(op, inputs, outputs, hidden_size=h.shape[-1], **options)  # y of (t, 1, batch, u)
    if x.ndim == 2:
        return [y[:, 0, 0], *(state[0, 0] for state in last)]
    return [y[:, 0].swapaxes(0, 1), *(state[0] for state in last)]


def attention(q: Array, k: Array, v: Array, mask: Array | None = None, scores: bool = False, **options: int) -> Array:
    """The operator Attention with one head, its arrays being (batch, heads, rows, width); or the scores inside it."""
    head = (None, None) if q.ndim == 2 else (slice(None), None)
    inputs: dict[str, Array | None] = {"Q": q[head], "K": k[head], "V": v[head]}
    if mask is not None:
        inputs["attn_mask"] = mask[head] if mask.ndim == q.ndim else mask
    outputs = ["Y", "", "", "qk_matmul_output"] if scores else ["Y"]
    answer = run("Attention", inputs, outputs, **options)[-1][:, 0]
    return answer[0] if q.ndim == 2 else answer
