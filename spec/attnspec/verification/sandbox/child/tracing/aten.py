"""The operations of PyTorch's aten library on arrays of balls, by name.

Each takes what the operation takes, with arrays of balls for floating-point tensors and NumPy's arrays for others.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, exactly
from attnspec.interpreters.balls.ball import Untraceable, number
from attnspec.verification.sandbox.child.tracing import functions as of

Array = Any

IGNORED = ("layout", "device", "pin_memory", "memory_format", "non_blocking", "generator", "requires_grad", "out")
"""Options that change no value."""

RESHAPED_IN_PLACE = ("t_", "transpose_", "squeeze_", "unsqueeze_")
"""Operations that give a tensor another shape."""

VIEWS = (
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "expand", "permute", "t", "transpose", "select", "slice"),
    *("squeeze", "unsqueeze", "split", "split_with_sizes", "unbind", "alias", "detach", "diagonal"),
)
"""Operations whose result shares the memory of the first argument."""


def as_type_of(array: Array, value: Any) -> Array:
    """A value as it is written into an array."""
    if isinstance(array, BallArray):
        return value if isinstance(value, BallArray) else of.as_balls(value) if _is_array(value) else number(value)
    return value.astype(array.dtype) if isinstance(value, BallArray) else value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _floating(value: Any) -> Any:
    return exactly(value) if _is_array(value) and value.dtype.kind in "biu" else value


def _dtype_kind(dtype: Any) -> str:
    name = str(dtype)
    return "f" if "float" in name or dtype is None else "b" if "bool" in name else "i"


def _numpy_dtype(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _scaled(value: Any, by: Any) -> Any:
    return value if by == 1 else value * by


def _binary(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    """An operation on two operands, of which one or both may have whole numbers."""

    def apply(a: Any, b: Any, *, alpha: Any = 1, **options: Any) -> Array:
        if builtins.any(isinstance(each, BallArray | float) for each in (a, b)):
            a, b = _floating(a), _floating(b)
        return function(a, _scaled(b, alpha))

    return apply


def _divide(a: Any, b: Any, *, rounding_mode: str | None = None) -> Array:
    if rounding_mode == "floor" or rounding_mode == "trunc":
        if builtins.any(isinstance(each, BallArray | float) for each in (a, b)):
            raise Untraceable("a quotient is rounded to an integer")
        return a // b if rounding_mode == "floor" else np.trunc(a / b).astype(np.int64)
    return _floating(np.asarray(a) if isinstance(a, int) else a) / _floating(b)


def _compare(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b: np.asarray(function(_floating(a), _floating(b))).astype(bool)


def _unary(function: Callable[[Any], Any]) -> Callable[..., Array]:
    return lambda x, *args, **options: function(_floating(x))


def _power(a: Any, b: Any) -> Array:
    return (
        np.power(_floating(np.asarray(a)) if isinstance(a, int) else _floating(a), _floating(b))
        if not isinstance(a, float)
        else _floating(b).__rpow__(a)
    )


def _clamp(x: Array, low: Any = None, high: Any = None, **options: Any) -> Array:
    low, high = options.get("min", low), options.get("max", high)
    if not isinstance(x, BallArray):
        return np.clip(x, low, high)
    x = x if low is None else of.maximum(x, low)
    return x if high is None else of.minimum(x, high)


def _addmm(base: Array, a: Array, b: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    return _scaled(base, beta) + _scaled(of.product(a, b), alpha) if beta != 0 else _scaled(of.product(a, b), alpha)


def _vector(a: Array, b: Array) -> Array:
    return of.product(a, b[:, None])[..., 0]


def _sum(x: Array, axes: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    if not isinstance(x, BallArray) and _dtype_kind(dtype or "int") != "f":
        return np.asarray(np.sum(x, axis=tuple(axes) if axes else None, keepdims=keepdim))
    return of.total(_floating(x), axes, keepdim)


def _mean(x: Array, axes: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    return of.mean(_floating(x), axes or None, keepdim)


def _var(x: Array, axes: Any = None, unbiased: Any = True, keepdim: bool = False, *, correction: Any = None) -> Array:
    correction = (1 if unbiased else 0) if correction is None else correction
    return of.variance(x, axes or None, correction, keepdim)


def _var_mean(x: Array, axes: Any = None, *, correction: Any = 1, keepdim: bool = False) -> tuple[Array, Array]:
    return _var(x, axes, keepdim=keepdim, correction=correction), _mean(x, axes, keepdim)


def _extreme(smallest: bool) -> Callable[..., Array]:
    def apply(x: Array, axes: Any = None, keepdim: bool = False) -> Array:
        if not isinstance(x, BallArray):
            return (np.min if smallest else np.max)(x, axis=axes if axes != [] else None, keepdims=keepdim)
        return of.extreme(x, axes if axes != [] else None, keepdim, smallest)

    return apply


def _extreme_and_place(smallest: bool) -> Callable[..., Any]:
    def apply(x: Array, axis: Any = None, keepdim: bool = False) -> Any:
        if axis is None:
            return _extreme(smallest)(x)
        if _is_array(axis):
            return (of.minimum if smallest else of.maximum)(x, axis)
        return _extreme(smallest)(x, axis, keepdim), _place(smallest)(x, axis, keepdim)

    return apply


def _place(smallest: bool) -> Callable[..., Array]:
    def apply(x: Array, axis: Any = None, keepdim: bool = False) -> Array:
        found = (np.argmin if smallest else np.argmax)(of.plain(x), axis=axis)
        return np.expand_dims(found, axis) if keepdim and axis is not None else np.asarray(found)

    return apply


def _softmax(x: Array, axis: int, half_to_float: Any = None, dtype: Any = None) -> Array:
    return of.softmax(_floating(x), axis)


def _log_softmax(x: Array, axis: int, half_to_float: Any = None, dtype: Any = None) -> Array:
    return of.log_softmax(_floating(x), axis)


def _softmax_backward(grad: Array, output: Array, axis: int, dtype: Any = None) -> Array:
    return output * (grad - of.total(grad * output, axis, True))


def _log_softmax_backward(grad: Array, output: Array, axis: int, dtype: Any = None) -> Array:
    return grad - np.exp(output) * of.total(grad, axis, True)


def _safe_softmax(x: Array, axis: int, dtype: Any = None) -> Array:
    hidden = np.asarray(x == -math.inf).astype(bool).all(axis=axis, keepdims=True)
    return np.where(hidden, of.filled((), 0), of.softmax(_where(hidden, of.filled((), 0), x), axis))


def _where(condition: Array, a: Any = None, b: Any = None) -> Array:
    if not builtins.any(isinstance(each, BallArray | float) for each in (a, b)):
        return np.where(condition, a, b)
    chosen = [of.as_balls(each) if _is_array(each) else of.filled((), each) for each in (a, b)]
    return of.as_balls(np.where(condition, of.plain(chosen[0]), of.plain(chosen[1])))


def _masked_fill(x: Array, mask: Array, value: Any) -> Array:
    return _where(np.asarray(mask), value, x)


def _layer_norm(x: Array, shape: Sequence[int], weight: Any, bias: Any, eps: float) -> tuple[Array, Array, Array]:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    middle = of.mean(x, axes, True)
    scale = of.rsqrt(of.variance(x, axes, 0, True) + number(eps))
    result = (x - middle) * scale
    result = result if weight is None else result * weight
    return (result if bias is None else result + bias), middle, scale


def _layer_norm_backward(
    grad: Array, x: Array, shape: Sequence[int], middle: Array, scale: Array, weight: Any, bias: Any, mask: Any
) -> tuple[Any, Any, Any]:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    rest = tuple(range(x.ndim - len(shape)))
    normal = (x - middle) * scale
    inner = grad if weight is None else grad * weight
    along = inner - of.mean(inner, axes, True) - normal * of.mean(inner * normal, axes, True)
    return (
        scale * along,
        None if weight is None else of.total(grad * normal, rest) if rest else grad * normal,
        None if bias is None else of.total(grad, rest) if rest else grad,
    )


def _view(x: Array, shape: Any) -> Array:
    return np.reshape(x, tuple(shape)) if isinstance(shape, list | tuple) else x


def _expand(x: Array, shape: Sequence[int], implicit: bool = False) -> Array:
    own = (1,) * (len(shape) - x.ndim) + x.shape
    wanted = tuple(own[k] if size == -1 else size for k, size in enumerate(shape))
    return np.broadcast_to(x, wanted, subok=True)


def _squeeze(x: Array, axes: Any = None) -> Array:
    chosen = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    ones = tuple(axis for axis in chosen if x.ndim and x.shape[axis] == 1)
    return np.squeeze(x, axis=ones)


def _at(axis: int, key: Any, x: Array) -> tuple[Any, ...]:
    before: tuple[Any, ...] = (slice(None),) * (axis % x.ndim)
    return (*before, key)


def _select(x: Array, axis: int, index: int) -> Array:
    found = of.plain(x)[(*_at(axis, index, x), ...)]  # the ellipsis keeps a view, also of one element
    return found.view(BallArray) if isinstance(x, BallArray) else found


def _slice(x: Array, axis: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Array:
    return x[_at(axis, slice(start, end, step), x)]


def _split(x: Array, size: Any, axis: int = 0) -> list[Array]:
    sizes = size if isinstance(size, list | tuple) else [size] * math.ceil(x.shape[axis] / size if size else 1)
    ends = np.cumsum([0, *sizes])
    return [_slice(x, axis, int(a), int(b)) for a, b in pairwise(ends)]


def _unbind(x: Array, axis: int = 0) -> list[Array]:
    return [_select(x, axis, k) for k in range(x.shape[axis])]


def _copy(x: Array, *, dtype: Any = None) -> Array:
    if dtype is None or (isinstance(x, BallArray) and _dtype_kind(dtype) == "f"):
        return x.copy()
    return exactly(x) if _dtype_kind(dtype) == "f" else x.astype(_numpy_dtype(dtype))


def _cat(parts: Sequence[Array], axis: int = 0) -> Array:
    return _joined(np.concatenate, [part for part in parts if part.shape != (0,)] or parts, axis)


def _stack(parts: Sequence[Array], axis: int = 0) -> Array:
    return _joined(np.stack, parts, axis)


def _joined(join: Callable[..., Any], parts: Sequence[Array], axis: int) -> Array:
    if builtins.any(isinstance(part, BallArray) for part in parts):
        return of.as_balls(join([of.plain(of.as_balls(part)) for part in parts], axis=axis))
    return join(parts, axis=axis)


def _made(value: Any) -> Callable[..., Array]:
    """A factory of arrays of one number."""

    def make(*args: Any, dtype: Any = None, **options: Any) -> Array:
        shape, fill = _shape_and_fill(args, value, options)
        kind = _dtype_kind(dtype)
        if dtype is None and args and _is_array(args[0]) and not isinstance(args[0], BallArray):
            return np.full(shape, fill, args[0].dtype)
        if dtype is None and isinstance(fill, bool | int) and value is None and not (args and _is_array(args[0])):
            return np.full(shape, fill)
        return of.filled(shape, fill) if kind == "f" else np.full(shape, fill, _numpy_dtype(dtype))

    return make


def _shape_and_fill(args: Sequence[Any], value: Any, options: Any) -> tuple[tuple[int, ...], Any]:
    """The shape and the number of an array that is made: of a size, like another, or new beside another."""
    like = _is_array(args[0]) if args else False
    rest = args[1:] if like else args
    shape = args[0].shape if like else ()
    if rest and isinstance(rest[0], list | tuple):
        shape, rest = tuple(rest[0]), rest[1:]
    return shape, value if value is not None else rest[0] if rest else options["fill_value"]


def _empty(*args: Any, dtype: Any = None, **options: Any) -> Array:
    shape, _ = _shape_and_fill(args, 0, options)
    is_float = _dtype_kind(dtype) == "f" and (dtype is not None or isinstance(args[0], BallArray | list | tuple))
    return of.unknown(shape) if is_float else np.zeros(shape, _numpy_dtype(dtype) if dtype else np.int64)


def _arange(*args: Any, dtype: Any = None, **options: Any) -> Array:
    if builtins.any(isinstance(each, float) and not each.is_integer() for each in args):
        raise Untraceable("a range of fractions")
    found = np.arange(*map(int, args))
    floating = (dtype is not None and _dtype_kind(dtype) == "f") or (
        dtype is None and builtins.any(isinstance(each, float) for each in args)
    )
    return exactly(found) if floating else found


def _scalar(value: Any, *, dtype: Any = None, **options: Any) -> Array:
    if _dtype_kind(dtype) == "f":
        return of.filled((), value)
    return np.asarray(value, _numpy_dtype(dtype))


def _index(x: Array, indices: Sequence[Any]) -> Array:
    key = tuple(slice(None) if each is None else each for each in indices)
    found = of.plain(x)[key]
    return of.as_balls(found) if isinstance(x, BallArray) else found


def _index_put(x: Array, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Array:
    result, key = of.plain(x).copy(), tuple(slice(None) if each is None else each for each in indices)
    values = of.plain(as_type_of(x, values))
    if accumulate:
        add: Any = np.add
        add.at(result, key, values)
    else:
        result[key] = values
    return result.view(BallArray) if isinstance(x, BallArray) else result


def _along(x: Array, axis: int, index: Array) -> tuple[Any, ...]:
    places = list(np.indices(index.shape, sparse=True))
    places[axis] = index
    return tuple(places)


def _gather(x: Array, axis: int, index: Array, sparse_grad: bool = False) -> Array:
    return _index(x, _along(x, axis, index))


def _scatter(x: Array, axis: int, index: Array, values: Any, reduce: Any = None) -> Array:
    if reduce is not None:
        raise Untraceable("a scatter with a reduction")
    if _is_array(values):
        values = values[tuple(map(slice, index.shape))]
    return _index_put(x, _along(x, axis, index), values)


def _scatter_add(x: Array, axis: int, index: Array, values: Array) -> Array:
    return _index_put(x, _along(x, axis, index), values[tuple(map(slice, index.shape))], True)


def _embedding(weight: Array, index: Array, *rest: Any) -> Array:
    return _index(weight, [index])


def _embedding_backward(grad: Array, index: Array, rows: int, padding: int, by_frequency: bool) -> Array:
    if by_frequency:
        raise Untraceable("a gradient scaled by frequencies")
    made, width = of.filled((rows, grad.shape[-1]), 0), grad.shape[-1]
    shown = np.asarray(index).ravel() != padding
    return _index_put(made, [np.asarray(index).ravel()[shown]], grad.reshape(-1, width)[shown], True)


def _cumulated(x: Array, axis: int, *, dtype: Any = None) -> Array:
    return of.as_balls(np.add.accumulate(of.plain(x), axis=axis)) if isinstance(x, BallArray) else np.cumsum(x, axis)


def _triangle(function: Callable[..., Any], outside: int) -> Callable[..., Array]:
    def apply(x: Array, diagonal: int = 0) -> Array:
        shown = function(np.ones(x.shape[-2:], bool), diagonal)
        return _where(shown, x, 0) if isinstance(x, BallArray) else np.where(shown, x, np.zeros((), x.dtype))

    return apply


def _linear_logsumexp(x: Array, axes: Any, keepdim: bool = False) -> Array:
    largest_one = of.extreme(x, axes, True)
    shift = _where(np.isinf(largest_one), 0, largest_one)
    found = np.log(of.total(np.exp(x - shift), axes, True)) + shift
    return found if keepdim else np.squeeze(found, axis=tuple(axes) if isinstance(axes, list) else axes)


def _nll_loss(x: Array, target: Array, weight: Any, reduction: int, ignored: int) -> tuple[Array, Array]:
    if weight is not None:
        raise Untraceable("a weighted loss")
    rows, labels = (x[None], target[None]) if x.ndim == 1 else (x, target)
    seen = labels != ignored
    picked = _where(seen, -_index(rows, [np.arange(len(rows)), np.where(seen, labels, 0)]), 0)
    counted = int(seen.sum())
    if reduction == 0:
        return picked.reshape(target.shape), of.filled((), 0)
    whole = of.total(picked)
    return (whole / counted if reduction == 1 else whole), of.filled((), counted)


def _nll_loss_backward(
    grad: Array, x: Array, target: Array, weight: Any, reduction: int, ignored: int, counted: Any
) -> Array:
    if weight is not None:
        raise Untraceable("a weighted loss")
    rows, labels = (x[None], target[None]) if x.ndim == 1 else (x, target)
    seen = labels != ignored
    hot = seen[:, None] & (np.where(seen, labels, 0)[:, None] == np.arange(rows.shape[-1]))
    scale = grad / int(seen.sum()) if reduction == 1 else grad.reshape(-1, 1) if reduction == 0 else grad
    return _where(hot, -scale, 0).reshape(x.shape)


def _gelu(x: Array, *, approximate: str = "none") -> Array:
    return of.gelu_tanh(x) if approximate == "tanh" else of.gelu(x)


def _gelu_backward(grad: Array, x: Array, *, approximate: str = "none") -> Array:
    if approximate == "tanh":
        raise Untraceable("the gradient of gelu's approximation")
    return grad * of.gelu_slope(x)


def _silu_backward(grad: Array, x: Array) -> Array:
    s = of.sigmoid(x)
    return grad * s * (1 + x * (1 - s))


def _threshold_backward(grad: Array, x: Array, threshold: Any) -> Array:
    return _where(np.asarray(x > threshold).astype(bool), grad, 0)


def _softplus(x: Array, beta: Any = 1, threshold: Any = 20) -> Array:
    return of.softplus(x * beta) / beta


def _norm(x: Array, order: Any = 2, axes: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    if order != 2:
        raise Untraceable(f"a norm of order {order}")
    return np.sqrt(of.total(x * x, axes, keepdim))


def _pad(x: Array, widths: Sequence[int], value: Any = 0) -> Array:
    pairs = [(0, 0)] * x.ndim
    for k in range(len(widths) // 2):
        pairs[-1 - k] = (widths[2 * k], widths[2 * k + 1])
    if builtins.any(each < 0 for pair in pairs for each in pair):
        raise Untraceable("a negative padding")
    result = of.filled([n + a + b for n, (a, b) in zip(x.shape, pairs, strict=True)], value)
    of.plain(result)[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, pairs, strict=True))] = of.plain(x)
    return result


def _diagonal(x: Array, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    return np.diagonal(x, offset, first, second)


def _any(x: Array, axes: Any = None, keepdim: bool = False) -> Array:
    return np.asarray(np.any(_truths(x), axis=tuple(axes) if isinstance(axes, list) else axes, keepdims=keepdim))


def _all(x: Array, axes: Any = None, keepdim: bool = False) -> Array:
    return np.asarray(np.all(_truths(x), axis=tuple(axes) if isinstance(axes, list) else axes, keepdims=keepdim))


def _truths(x: Array) -> Array:
    return x.astype(bool) if isinstance(x, BallArray) else x


def _xlogy(a: Any, b: Any) -> Array:
    a, b = _floating(np.asarray(a) if isinstance(a, int) else a), _floating(b)
    nought = np.asarray(a == 0).astype(bool)
    return _where(nought, 0, a * np.log(_where(nought, 1, b) if b.shape == a.shape else b))


def _unfold(x: Array, axis: int, size: int, step: int) -> Array:
    starts = range(0, x.shape[axis] - size + 1, step)
    windows = [np.moveaxis(_slice(x, axis, start, start + size), axis, -1) for start in starts]
    return _joined(np.stack, windows, axis % x.ndim)


def _random(x: Any, *args: Any, **options: Any) -> Array:
    """Nothing is known of what is drawn."""
    return of.unknown(x.shape if _is_array(x) else x)


def _sorted(
    x: Array, axis: Any = -1, descending: bool = False, stable: Any = None, dim: Any = None
) -> tuple[Array, Array]:
    axis = axis if dim is None else dim
    if axis is True or axis is False:  # sort.stable takes `stable` first
        axis = -1
    keys = of.plain(-x if descending else x)
    order = np.argsort(keys, axis=axis, kind="stable") if x.ndim else np.asarray(0)
    return (np.take_along_axis(of.plain(x), order, axis) if x.ndim else x), order


def _nan_to_num(x: Array, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Array:
    if posinf is None and neginf is None and np.isinf(x).any():
        raise Untraceable("an infinity is replaced by the largest number of a format")
    return _where(np.isnan(x), nan or 0, x)


OPERATIONS: dict[str, Callable[..., Any]] = {
    # Elements.
    "add": _binary(lambda a, b: a + b), "sub": _binary(lambda a, b: a - b), "mul": _binary(lambda a, b: a * b),
    "rsub": lambda a, b, alpha=1: _floating(b) - _scaled(_floating(a), alpha) if isinstance(a, BallArray) else b - a,
    "div": _divide, "true_divide": _divide, "floor_divide": _binary(lambda a, b: a // b),
    "remainder": _binary(lambda a, b: a % b), "pow": _power, "maximum": of.maximum, "minimum": of.minimum,
    "addcmul": lambda x, a, b, value=1: x + _scaled(a * b, value),
    "addcdiv": lambda x, a, b, value=1: x + _scaled(a / b, value),
    "lerp": lambda a, b, weight: a + weight * (b - a),
    "eq": _compare(lambda a, b: a == b), "ne": _compare(lambda a, b: a != b), "lt": _compare(lambda a, b: a < b),
    "le": _compare(lambda a, b: a <= b), "gt": _compare(lambda a, b: a > b), "ge": _compare(lambda a, b: a >= b),
    "neg": lambda x: -x, "abs": _unary(np.abs), "exp": _unary(np.exp), "exp2": _unary(np.exp2),
    "expm1": _unary(np.expm1), "log": _unary(np.log), "log2": _unary(np.log2), "log10": _unary(np.log10),
    "log1p": _unary(np.log1p), "sqrt": _unary(np.sqrt), "rsqrt": _unary(of.rsqrt), "sin": _unary(np.sin),
    "cos": _unary(np.cos), "tan": _unary(np.tan), "tanh": _unary(np.tanh), "sigmoid": _unary(of.sigmoid),
    "reciprocal": _unary(lambda x: 1 / x), "square": _unary(lambda x: x * x), "relu": _unary(of.relu),
    "erf": _unary(of.erf), "erfc": _unary(of.erfc), "sign": _unary(of.sign), "sgn": _unary(of.sign),
    "silu": _unary(of.silu), "softplus": _softplus, "gelu": _gelu,
    "log_sigmoid_forward": lambda x: (-of.softplus(-x), of.filled((0,), 0)),
    "clamp": _clamp, "clamp_min": _clamp, "clamp_max": lambda x, high: _clamp(x, None, high),
    "hardtanh": lambda x, low=-1, high=1: _clamp(x, low, high),
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
    "isneginf": lambda x: np.asarray(x == -math.inf).astype(bool),
    "isposinf": lambda x: np.asarray(x == math.inf).astype(bool),
    "logical_not": lambda x: ~_truths(x).astype(bool), "bitwise_not": lambda x: ~x,
    "logical_and": lambda a, b: _truths(a).astype(bool) & _truths(b).astype(bool),
    "logical_or": lambda a, b: _truths(a).astype(bool) | _truths(b).astype(bool),
    "bitwise_and": lambda a, b: a & b, "bitwise_or": lambda a, b: a | b,
    "where": _where, "masked_fill": _masked_fill,
    # Products, reductions.
    "mm": of.product, "bmm": of.product, "addmm": _addmm, "baddbmm": _addmm, "mv": _vector,
    "dot": lambda a, b: of.total(a * b), "addmv": lambda x, a, b, **how: _addmm(x[:, None], a, b[:, None], **how)[:, 0],
    "sum": _sum, "mean": _mean, "var": _var, "var_mean": _var_mean,
    "std": lambda *args, **options: np.sqrt(_var(*args, **options)),
    "amax": _extreme(False), "amin": _extreme(True), "max": _extreme_and_place(False), "min": _extreme_and_place(True),
    "argmax": _place(False), "argmin": _place(True), "any": _any, "all": _all, "cumsum": _cumulated,
    "prod": lambda x, axis=None, keepdim=False, **how: np.multiply.reduce(x, axis=axis, keepdims=keepdim),
    "logsumexp": _linear_logsumexp, "linalg_vector_norm": _norm, "_softmax": _softmax, "_log_softmax": _log_softmax,
    "_safe_softmax": _safe_softmax, "native_layer_norm": _layer_norm, "nll_loss_forward": _nll_loss,
    # Gradients.
    "_softmax_backward_data": _softmax_backward, "_log_softmax_backward_data": _log_softmax_backward,
    "tanh_backward": lambda grad, output: grad * (1 - output * output),
    "sigmoid_backward": lambda grad, output: grad * output * (1 - output),
    "threshold_backward": _threshold_backward, "gelu_backward": _gelu_backward, "silu_backward": _silu_backward,
    "softplus_backward": lambda grad, x, beta, threshold: grad * of.sigmoid(x * beta),
    "log_sigmoid_backward": lambda grad, x, buffer: grad * of.sigmoid(-x),
    "native_layer_norm_backward": _layer_norm_backward, "embedding_dense_backward": _embedding_backward,
    "nll_loss_backward": _nll_loss_backward,
    "select_backward": lambda grad, sizes, axis, index: _put_back(grad, sizes, axis, index),
    "slice_backward": lambda grad, sizes, axis, start, end, step: _put_back(
        grad, sizes, axis, slice(start, end, step)
    ),
    # Moves.
    "view": _view, "_unsafe_view": _view, "reshape": _view, "_reshape_alias": lambda x, shape, strides: _view(x, shape),
    "expand": _expand, "permute": lambda x, axes: np.transpose(x, axes), "t": lambda x: x.T,
    "transpose": lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x, "select": _select, "slice": _slice,
    "squeeze": _squeeze, "unsqueeze": lambda x, axis: np.expand_dims(x, axis if axis >= 0 else x.ndim + 1 + axis),
    "split": _split, "split_with_sizes": _split, "unbind": _unbind, "alias": lambda x: x[...],
    "detach": lambda x: x[...],
    "unsafe_split": _split, "unsafe_split_with_sizes": _split, "diagonal": _diagonal,
    "clone": _copy, "_to_copy": _copy, "lift_fresh": lambda x: x, "lift_fresh_copy": _copy, "contiguous": _copy,
    "cat": _cat, "stack": _stack, "flip": lambda x, axes: np.flip(x, tuple(axes)),
    "roll": lambda x, shifts, axes=(): np.roll(x, tuple(shifts), tuple(axes) or None),
    "repeat": lambda x, times: np.tile(x, tuple(times)), "constant_pad_nd": _pad,
    "tril": _triangle(np.tril, 0), "triu": _triangle(np.triu, 0),
    "index": _index, "index_put": _index_put, "_unsafe_index": _index, "_unsafe_index_put": _index_put,
    "index_select": lambda x, axis, index: np.take(x, index, axis), "gather": _gather, "scatter": _scatter,
    "scatter_add": _scatter_add, "embedding": _embedding,
    "copy": lambda x, source, non_blocking=False: _expand(as_type_of(x, source), x.shape),
    "fill": lambda x, value: _expand(as_type_of(x, _filling(value)), x.shape),
    "zero": lambda x: np.zeros_like(x) if not isinstance(x, BallArray) else of.filled(x.shape, 0),
    # New arrays.
    "zeros": _made(0), "ones": _made(1), "full": _made(None), "zeros_like": _made(0), "ones_like": _made(1),
    "full_like": _made(None), "new_zeros": _made(0), "new_ones": _made(1), "new_full": _made(None),
    "empty": _empty, "empty_like": _empty, "new_empty": _empty, "arange": _arange, "scalar_tensor": _scalar,
    "eye": lambda n, m=None, **how: exactly(np.eye(n, m)),
    "xlogy": _xlogy, "unfold": _unfold,
    "aminmax": lambda x, dim=None, keepdim=False: (_extreme(True)(x, dim, keepdim), _extreme(False)(x, dim, keepdim)),
    "uniform": _random, "normal": _random, "bernoulli": _random, "rand": _random, "randn": _random,
    "rand_like": _random, "randn_like": _random, "sort": _sorted,
    "logaddexp": lambda a, b: np.logaddexp(a, b),
}  # fmt: skip
"""{name of the operation: what it does on arrays of balls}; in-place ones have the same names."""


def _filling(value: Any) -> Array:
    return of.filled((), value) if isinstance(value, float) else np.asarray(value)


def _put_back(grad: Array, sizes: Sequence[int], axis: int, key: Any) -> Array:
    result = of.filled(sizes, 0)
    of.plain(result)[_at(axis, key, result)] = of.plain(grad)
    return result
