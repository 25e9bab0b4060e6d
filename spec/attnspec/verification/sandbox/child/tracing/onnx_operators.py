"""Operators of ONNX on arrays of balls: functions of their inputs in order, None where one is left out, and of their
attributes by name. What were attributes once and are inputs now is taken as either.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, exactly
from attnspec.interpreters.balls.ball import Untraceable, exact, number
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import floating, scaled, selected, truths
from attnspec.verification.sandbox.child.tracing.aten_elements import ELEMENTS
from attnspec.verification.sandbox.child.tracing.aten_reductions import REDUCTIONS
from attnspec.verification.sandbox.child.tracing.onnx_recurrent import gru, lstm, rnn

Array = Any


def _divide(a: Array, b: Array) -> Array:
    return a / b if isinstance(a, BallArray) else np.trunc(a / b).astype(a.dtype)


def _compare(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b: np.asarray(function(a, b)).astype(bool)


def _clip(x: Array, low: Any = None, high: Any = None, *, min: Any = None, max: Any = None) -> Array:
    return ELEMENTS["clamp"](x, min if low is None else low, max if high is None else high)


def _cast(x: Array, *, to: int, **rounding: Any) -> Array:
    from onnx import helper

    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(to))
    return floating(x) if dtype.kind == "f" or dtype.name == "bfloat16" else x.astype(dtype)


def _cast_like(x: Array, like: Array, **rounding: Any) -> Array:
    return floating(x) if isinstance(like, BallArray) else x.astype(like.dtype)


def _whole(values: Any) -> list[int]:
    return [int(each) for each in np.asarray(values).ravel()]


def _axes(axes: Any) -> tuple[int, ...] | None:
    return None if axes is None or len(axes) == 0 else tuple(_whole(axes))


def _reduced(function: Callable[[Array, Any, bool], Array]) -> Callable[..., Array]:
    def apply(x: Array, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Array:
        if noop_with_empty_axes and _axes(axes) is None:
            raise Untraceable("a reduction along no axis")
        return function(x, _axes(axes), bool(keepdims))

    return apply


def _sum(x: Array, axes: Any, keepdims: bool) -> Array:
    return of.total(x, axes, keepdims) if isinstance(x, BallArray) else np.sum(x, axis=axes, keepdims=keepdims)


def _product_along(x: Array, axes: Any, keepdims: bool) -> Array:
    return np.prod(x, axis=axes, keepdims=keepdims)


def _log_sum_exp(x: Array, axes: Any, keepdims: bool) -> Array:
    return REDUCTIONS["logsumexp"](x, tuple(range(x.ndim)) if axes is None else axes, keepdims)


def _reshape(x: Array, shape: Array, *, allowzero: int = 0) -> Array:
    sizes = [x.shape[k] if size == 0 and not allowzero else size for k, size in enumerate(_whole(shape))]
    return x.reshape(sizes)


def _squeeze(x: Array, axes: Any = None) -> Array:
    return np.squeeze(x, axis=_axes(axes))


def _unsqueeze(x: Array, axes: Any) -> Array:
    return np.expand_dims(x, tuple(_whole(axes)))


def _flatten(x: Array, *, axis: int = 1) -> Array:
    axis = axis % x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def _split(x: Array, split: Any = None, *, axis: int = 0, num_outputs: int | None = None) -> tuple[Array, ...]:
    if split is None:
        if num_outputs is None:
            raise Untraceable("a split into as many parts as are read")
        part = -(-x.shape[axis] // num_outputs)
        split = [part] * (num_outputs - 1)
    else:
        split = _whole(split)[:-1]
    return tuple(np.split(x, np.cumsum(np.asarray(split, int)), axis))


def _slice(x: Array, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Array:
    axes = range(len(starts)) if axes is None else _whole(axes)
    steps = [1] * len(starts) if steps is None else _whole(steps)
    key: list[Any] = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, _whole(starts), _whole(ends), steps, strict=True):
        key[axis] = slice(start, end, step)
    return x[tuple(key)]


def _shape(x: Array, *, start: int = 0, end: int | None = None) -> Array:
    return np.array(x.shape[start:end], np.int64)


def _expand(x: Array, shape: Array) -> Array:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(_whole(shape))), subok=True)


def _of_shape(shape: Array, *, value: Array | None = None) -> Array:
    one = of.filled((1,), 0) if value is None else value
    return np.broadcast_to(one, tuple(_whole(shape)), subok=True)


def _constant(**value: Any) -> Array:
    (found,) = value.values()
    if isinstance(found, np.ndarray):
        return found
    if isinstance(found, list) and any(isinstance(each, float) for each in found):
        raise Untraceable("it has a table of constants")
    return np.asarray(found, np.int64) if isinstance(found, int | list) else of.filled((), found)


def _range(start: Array, limit: Array, delta: Array) -> Array:
    whole = np.arange(*(_whole(each)[0] for each in (start, limit, delta)))
    return exactly(whole) if isinstance(start, BallArray) else whole


def _trilu(x: Array, k: Any = None, *, upper: int = 1) -> Array:
    return (np.triu if upper else np.tril)(x, 0 if k is None else int(np.asarray(k).item()))


def _cumsum(x: Array, axis: Array, *, exclusive: int = 0, reverse: int = 0) -> Array:
    if exclusive or reverse:
        raise Untraceable("an exclusive or a reversed running sum")
    return of.accumulated(np.add, x, int(np.asarray(axis).item()))


def _matmul(a: Array, b: Array) -> Array:
    return of.product(a, b) if isinstance(a, BallArray) and min(a.ndim, b.ndim) > 1 else np.matmul(a, b)


def _gemm(
    a: Array, b: Array, c: Any = None, *, alpha: Any = 1, beta: Any = 1, transA: int = 0, transB: int = 0
) -> Array:
    found = scaled(of.product(a.T if transA else a, b.T if transB else b), alpha)
    return found if c is None else found + scaled(c, beta)


def _softmax(x: Array, *, axis: int = -1) -> Array:
    return of.softmax(x, axis)


def _log_softmax(x: Array, *, axis: int = -1) -> Array:
    return of.log_softmax(x, axis)


def _layer_norm(
    x: Array, scale: Array, bias: Any = None, *, axis: int = -1, epsilon: Any = 1e-5, stash_type: int = 1
) -> Any:
    return REDUCTIONS["native_layer_norm"](x, x.shape[axis:], scale, bias, epsilon)


def _rms_norm(x: Array, scale: Array, *, axis: int = -1, epsilon: Any = 1e-5, stash_type: int = 1) -> Array:
    axes = tuple(range(axis % x.ndim, x.ndim))
    return x * of.rsqrt(of.mean(x * x, axes, True) + number(epsilon)) * scale


def _attention(
    q: Array,
    k: Array,
    v: Array,
    mask: Any = None,
    *others: Any,
    is_causal: int = 0,
    q_num_heads: int = 0,
    kv_num_heads: int = 0,
    scale: Any = None,
    softcap: Any = 0,
    qk_matmul_output_mode: int = 0,
    softmax_precision: int = 0,
) -> tuple[Array, ...]:
    if any(each is not None for each in others) or qk_matmul_output_mode:
        raise Untraceable("Attention of ONNX with earlier keys, or with weights as a result, has no meaning in balls")
    flat = q.ndim == 3
    if flat:
        q, k, v = (_heads(x, count) for x, count in ((q, q_num_heads), (k, kv_num_heads), (v, kv_num_heads)))
    keys, values = (np.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    e = of.product(q, keys.swapaxes(-1, -2)) * (1 / exact(q.shape[-1]).sqrt() if scale is None else scale)
    scores = e if softcap == 0 else softcap * np.tanh(e / softcap)
    if is_causal:
        scores = selected(np.tri(*scores.shape[-2:], dtype=bool), scores, -math.inf)
    if mask is not None:
        scores = scores + mask if isinstance(mask, BallArray) else selected(mask, scores, -math.inf)
    y = of.product(of.softmax(scores, -1), values)
    return (y.swapaxes(1, 2).reshape(*y.shape[:1], y.shape[2], -1) if flat else y), k, v, e


def _heads(x: Array, count: int) -> Array:
    """(batch, rows, heads · width) as (batch, heads, rows, width)."""
    return x.reshape(*x.shape[:2], count, x.shape[2] // count).swapaxes(1, 2)


def _along(function: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """An operator of any number of inputs."""
    return lambda *inputs: reduce(function, inputs)


def _mean_of(*inputs: Array) -> Array:
    return reduce(np.add, inputs) / len(inputs)


def _concat(*inputs: Array, axis: int) -> Array:
    return np.concatenate(inputs, axis)


def _one_of(names: Sequence[str]) -> dict[str, Callable[..., Array]]:
    """Operators that aten has with the same meaning and arguments, by their names there."""
    return {name.title(): ELEMENTS[name] for name in names}


OPERATORS: dict[str, Callable[..., Any]] = {
    **_one_of(("abs", "exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sigmoid", "relu", "erf", "sign", "neg",
               "reciprocal", "pow", "gelu")),
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divide, "Clip": _clip, "Softplus": of.softplus,
    "Sum": _along(np.add), "Mean": _mean_of, "Max": _along(of.maximum), "Min": _along(of.minimum),
    "Equal": _compare(operator.eq), "Less": _compare(operator.lt),
    "Greater": _compare(operator.gt), "LessOrEqual": _compare(operator.le),
    "GreaterOrEqual": _compare(operator.ge), "Where": selected, "IsNaN": np.isnan,
    "Not": lambda x: ~truths(x).astype(bool), "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "ReduceSum": _reduced(_sum), "ReduceMean": _reduced(of.mean), "ReduceProd": _reduced(_product_along),
    "ReduceMax": _reduced(of.extreme),
    "ReduceMin": _reduced(lambda x, axes, keep: of.extreme(x, axes, keep, smallest=True)),
    "ReduceSumSquare": _reduced(lambda x, axes, keep: of.total(x * x, axes, keep)),
    "ReduceL2": _reduced(lambda x, axes, keep: np.sqrt(of.total(x * x, axes, keep))),
    "ReduceLogSumExp": _reduced(_log_sum_exp), "CumSum": _cumsum,
    "Softmax": _softmax, "LogSoftmax": _log_softmax, "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm, "MatMul": _matmul, "Gemm": _gemm, "Attention": _attention,
    "Einsum": lambda *inputs, equation: np.einsum(equation, *inputs),
    "GRU": gru, "LSTM": lstm, "RNN": rnn,
    "Identity": lambda x: x, "Cast": _cast, "CastLike": _cast_like, "Constant": _constant,
    "ConstantOfShape": _of_shape, "Range": _range, "Shape": _shape, "Size": lambda x: np.asarray(x.size),
    "Reshape": _reshape, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Flatten": _flatten, "Expand": _expand,
    "Transpose": lambda x, *, perm=None: np.transpose(x, perm), "Concat": _concat, "Split": _split, "Slice": _slice,
    "Gather": lambda x, places, *, axis=0: np.take(x, places, axis=axis),
    "GatherElements": lambda x, places, *, axis=0: np.take_along_axis(x, places, axis),
    "Tile": lambda x, repeats: np.tile(x, tuple(_whole(repeats))), "Trilu": _trilu,
}  # fmt: skip
