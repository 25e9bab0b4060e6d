"""JAX code: its jaxpr, evaluated on arrays of balls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import FLOATS, BallArray, constants, exactly
from attnspec.interpreters.balls.ball import Untraceable, constant
from attnspec.interpreters.balls.complex_ball import of_parts
from attnspec.interpreters.balls.fourier import FOURIER, conjugate
from attnspec.verification.sandbox.child.tracing import functions as of

Array = Any

MOST_STEPS = 10_000
"""A loop of more steps is not followed."""


def trace(jax: Any, call: Callable[[Sequence[Any]], Any], inputs: Sequence[Any]) -> Any:
    """Record a jaxpr, and evaluate it on the exact values of the inputs.

    Args:
        jax: the module.
        call: a function of a list of arrays.
        inputs: the arrays.

    Returns:
        What the function returns, with arrays of balls for its floating-point arrays.

    Raises:
        Untraceable: a primitive is not known.
        Undecided: rounding decides a branch.
        Exception: what the call raises.
    """
    closed, shape = jax.make_jaxpr(call, return_shape=True)(list(inputs))
    arrays = [exactly(np.asarray(each).astype(np.float64)) if _is_float(each) else np.asarray(each) for each in inputs]
    results = evaluate(closed.jaxpr, closed.consts, arrays)
    return jax.tree.unflatten(jax.tree.structure(shape), results)


def _is_float(value: Any) -> bool:
    return str(value.dtype) in FLOATS


def evaluate(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Array]) -> list[Array]:
    """The outputs of a jaxpr.

    Args:
        jaxpr: the jaxpr, without its constants.
        consts: its constants.
        arguments: an array of balls for each floating-point input, and NumPy's arrays for others.
    """
    known = {id(v): _constant(c) for v, c in zip(jaxpr.constvars, consts, strict=True)}
    known |= {id(variable): array for variable, array in zip(jaxpr.invars, arguments, strict=True)}

    def read(variable: Any) -> Array:
        return _constant(variable.val, variable.aval.dtype) if hasattr(variable, "val") else known[id(variable)]

    for equation in jaxpr.eqns:
        outputs = _applied(equation.primitive.name, equation.params, [*map(read, equation.invars)], equation)
        for variable, value in zip(equation.outvars, outputs, strict=True):
            known[id(variable)] = _as_kind(value, variable.aval)
    return [*map(read, jaxpr.outvars)]


def _constant(value: Any, dtype: Any = None) -> Array:
    if isinstance(value, BallArray):
        return value
    array = np.asarray(value)
    name = str(array.dtype if dtype is None else dtype)
    if name not in FLOATS:
        return array
    return of.filled((), constant(float(array), name)) if array.ndim == 0 else constants(array)


def _as_kind(value: Any, aval: Any) -> Array:
    """A result as the kind of array that JAX has there."""
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if str(aval.dtype) in FLOATS:
        array = of.as_balls(array)
    elif isinstance(array, BallArray):
        array = array.astype(np.dtype(str(aval.dtype)))
    if array.shape != aval.shape:
        raise Untraceable("a primitive gives another shape in balls")
    return array


def _applied(name: str, params: Any, operands: list[Array], equation: Any) -> Sequence[Array]:
    if name in CALLS:
        inner = next(params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params)
        return evaluate(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands)
    if name in CONTROL:
        return CONTROL[name](params, operands)
    if name in ("gather", "dynamic_slice"):
        return [_moved(equation.primitive, params, operands)]
    if name not in PRIMITIVES:
        raise Untraceable(f"the primitive {name} has no meaning in balls")
    found = PRIMITIVES[name](*operands, **params)
    return found if isinstance(found, list | tuple) else [found]


def _moved(primitive: Any, params: Any, operands: list[Array]) -> Array:
    """What only moves elements is done by JAX, on their places."""
    array, *where = operands
    places = np.arange(array.size, dtype=np.int32).reshape(array.shape)
    params = {**params, "fill_value": -1} if "fill_value" in params else params
    found = np.asarray(primitive.bind(places, *where, **params))
    flat = of.plain(array).ravel()
    if (found < 0).any():
        raise Untraceable("it reads beyond the end of an array")
    return flat[found].view(BallArray) if isinstance(array, BallArray) else flat[found]


CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr",
         "remat", "remat2", "checkpoint", "custom_lin")  # fmt: skip
"""Primitives that call another jaxpr."""


def _scan(params: Any, operands: list[Array]) -> list[Array]:
    fixed, carried, length = params["num_consts"], params["num_carry"], params["length"]
    body, consts, state = params["jaxpr"], operands[:fixed], operands[fixed : fixed + carried]
    steps = range(length)
    stacked: list[list[Array]] = []
    for step in reversed(steps) if params["reverse"] else steps:
        here = [_row(each, step) for each in operands[fixed + carried :]]
        found = evaluate(body.jaxpr, body.consts, [*consts, *state, *here])
        state = found[:carried]
        stacked.append(found[carried:])
    if params["reverse"]:
        stacked.reverse()
    shapes = [variable.aval for variable in body.jaxpr.outvars[carried:]]
    return [*state, *(_stacked([each[k] for each in stacked], aval) for k, aval in enumerate(shapes))]


def _row(array: Array, step: int) -> Array:
    row = of.plain(array)[step, ...]
    return row.view(BallArray) if isinstance(array, BallArray) else row


def _stacked(rows: list[Array], aval: Any) -> Array:
    if not rows:
        return of.filled((0, *aval.shape), 0) if str(aval.dtype) in FLOATS else np.zeros((0, *aval.shape), aval.dtype)
    if any(isinstance(row, BallArray) for row in rows):
        return of.as_balls(np.stack([of.plain(row) for row in rows]))
    return np.stack(rows)


def _while(params: Any, operands: list[Array]) -> list[Array]:
    first, second = params["cond_nconsts"], params["body_nconsts"]
    test, body = params["cond_jaxpr"], params["body_jaxpr"]
    outside, inside, state = operands[:first], operands[first : first + second], operands[first + second :]
    for _ in range(MOST_STEPS):
        if not bool(evaluate(test.jaxpr, test.consts, [*outside, *state])[0]):
            return list(state)
        state = evaluate(body.jaxpr, body.consts, [*inside, *state])
    raise Untraceable("a loop of many steps")


def _cond(params: Any, operands: list[Array]) -> list[Array]:
    branches = params["branches"]
    chosen = branches[min(max(int(operands[0]), 0), len(branches) - 1)]
    return evaluate(chosen.jaxpr, chosen.consts, operands[1:])


CONTROL: dict[str, Callable[[Any, list[Array]], list[Array]]] = {"scan": _scan, "while": _while, "cond": _cond}


def _binary(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b, **params: function(a, b)


def _unary(function: Callable[[Any], Any]) -> Callable[..., Array]:
    return lambda x, **params: function(x)


def _same(x: Array, **params: Any) -> Array:
    return x


def _dot(a: Array, b: Array, dimension_numbers: Any, **params: Any) -> Array:
    (over_a, over_b), (batch_a, batch_b) = dimension_numbers
    rows = [k for k in range(a.ndim) if k not in (*over_a, *batch_a)]
    columns = [k for k in range(b.ndim) if k not in (*over_b, *batch_b)]
    batch = [a.shape[k] for k in batch_a]
    summed = int(np.prod([a.shape[k] for k in over_a], dtype=int))
    left = np.transpose(a, (*batch_a, *rows, *over_a)).reshape(*batch, -1 if a.size else _count(a, rows), summed)
    right = np.transpose(b, (*batch_b, *over_b, *columns)).reshape(*batch, summed, -1 if b.size else _count(b, columns))
    shape = (*batch, *(a.shape[k] for k in rows), *(b.shape[k] for k in columns))
    found = of.product(left, right) if isinstance(a, BallArray) or isinstance(b, BallArray) else left @ right
    return found.reshape(shape)


def _count(array: Array, axes: Sequence[int]) -> int:
    return int(np.prod([array.shape[k] for k in axes], dtype=int))


def _broadcast(x: Array, shape: Any, broadcast_dimensions: Any, **params: Any) -> Array:
    sizes = [1] * len(shape)
    for axis, target in enumerate(broadcast_dimensions):
        sizes[target] = x.shape[axis]
    return np.broadcast_to(np.reshape(x, sizes), shape, subok=True)


def _sum(x: Array, axes: Any, **params: Any) -> Array:
    return of.total(x, tuple(axes)) if isinstance(x, BallArray) else np.sum(x, axis=tuple(axes), dtype=x.dtype)


def _extreme(smallest: bool) -> Callable[..., Array]:
    def apply(x: Array, axes: Any, **params: Any) -> Array:
        if isinstance(x, BallArray):
            return of.extreme(x, tuple(axes), False, smallest)
        return (np.min if smallest else np.max)(x, axis=tuple(axes))

    return apply


def _larger(smallest: bool) -> Callable[..., Array]:
    def apply(a: Array, b: Array, **params: Any) -> Array:
        if isinstance(a, BallArray) or isinstance(b, BallArray):
            return (of.minimum if smallest else of.maximum)(a, b)
        return (np.minimum if smallest else np.maximum)(a, b)

    return apply


def _place(smallest: bool) -> Callable[..., Array]:
    return lambda x, axes, **params: (np.argmin if smallest else np.argmax)(of.plain(x), axis=axes[0])


def _test(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b, **params: np.asarray(function(a, b)).astype(bool)


def _select(which: Array, *cases: Array, **params: Any) -> Array:
    number = np.asarray(which).astype(int)
    if not any(isinstance(each, BallArray) for each in cases):
        return np.where(number == 1, cases[1], cases[0]) if len(cases) == 2 else np.choose(number, cases)
    result = of.plain(of.as_balls(cases[0])).copy()
    for k, case in enumerate(cases[1:], 1):
        result = np.where(number == k, of.plain(of.as_balls(case)), result)
    return result.view(BallArray)


def _convert(x: Array, new_dtype: Any, **params: Any) -> Array:
    name = str(new_dtype)
    if isinstance(x, BallArray):
        return x if name in FLOATS else x.astype(np.dtype(name))
    return exactly(x) if name in FLOATS else x.astype(np.dtype(name))


def _joined(*parts: Array, dimension: int, **params: Any) -> Array:
    if any(isinstance(each, BallArray) for each in parts):
        return np.concatenate([of.plain(of.as_balls(each)) for each in parts], axis=dimension).view(BallArray)
    return np.concatenate(parts, axis=dimension)


def _slice(x: Array, start_indices: Any, limit_indices: Any, strides: Any, **params: Any) -> Array:
    steps = strides or (1,) * x.ndim
    found = of.plain(x)[tuple(map(slice, start_indices, limit_indices, steps))]
    return found.view(BallArray) if isinstance(x, BallArray) else found


def _update(x: Array, part: Array, *starts: Array, **params: Any) -> Array:
    begin = [min(max(int(start), 0), size - own) for start, size, own in zip(starts, x.shape, part.shape, strict=True)]
    result = of.plain(x).copy()
    result[tuple(slice(a, a + own) for a, own in zip(begin, part.shape, strict=True))] = of.plain(part)
    return result.view(BallArray) if isinstance(x, BallArray) else result


def _pad(x: Array, value: Array, padding_config: Any, **params: Any) -> Array:
    if any(low < 0 or high < 0 or inner for low, high, inner in padding_config):
        raise Untraceable("a padding that is negative or inside")
    sizes = [size + low + high for size, (low, high, _) in zip(x.shape, padding_config, strict=True)]
    result = np.empty(sizes, of.plain(x).dtype)
    result[...] = of.plain(value)
    result[tuple(slice(low, low + size) for size, (low, _, _) in zip(x.shape, padding_config, strict=True))] = of.plain(
        x
    )
    return result.view(BallArray) if isinstance(x, BallArray) else result


def _split(x: Array, sizes: Any, axis: int, **params: Any) -> list[Array]:
    return list(np.split(x, np.cumsum(sizes)[:-1], axis))


def _iota(dtype: Any, shape: Any, dimension: int, **params: Any) -> Array:
    sizes = [-1 if k == dimension else 1 for k in range(len(shape))]
    found = np.broadcast_to(np.arange(shape[dimension]).reshape(sizes), shape)
    return exactly(found) if str(dtype) in FLOATS else found.astype(np.dtype(str(dtype)))


def _cumulated(x: Array, axis: int, reverse: bool, **params: Any) -> Array:
    found = of.accumulated(np.add, np.flip(x, axis) if reverse else x, axis)
    return np.flip(found, axis) if reverse else found


def _clamp(low: Array, x: Array, high: Array, **params: Any) -> Array:
    return of.minimum(of.maximum(x, low), high) if isinstance(x, BallArray) else np.clip(x, low, high)


def _divide(a: Array, b: Array, **params: Any) -> Array:
    return a / b if isinstance(a, BallArray) or isinstance(b, BallArray) else np.trunc(a / b).astype(a.dtype)


def _fourier(x: Array, fft_type: Any, fft_lengths: Sequence[int], **params: Any) -> Array:
    if len(fft_lengths) != 1:
        raise Untraceable("a Fourier transform along several axes")
    return of.as_balls(FOURIER[getattr(fft_type, "name", str(fft_type)).lower()](of.plain(x), fft_lengths[0]))


PRIMITIVES: dict[str, Callable[..., Any]] = {
    "add": _binary(lambda a, b: a + b), "add_any": _binary(lambda a, b: a + b), "sub": _binary(lambda a, b: a - b),
    "mul": _binary(lambda a, b: a * b), "div": _divide, "rem": _binary(np.fmod), "pow": _binary(np.power),
    "neg": _unary(lambda x: -x), "abs": _unary(np.abs), "sign": _unary(of.sign), "exp": _unary(np.exp),
    "exp2": _unary(np.exp2), "expm1": _unary(np.expm1), "log": _unary(np.log), "log1p": _unary(np.log1p),
    "tanh": _unary(np.tanh), "logistic": _unary(of.sigmoid), "sqrt": _unary(np.sqrt), "rsqrt": _unary(of.rsqrt),
    "sin": _unary(np.sin), "cos": _unary(np.cos), "erf": _unary(of.erf), "erfc": _unary(of.erfc),
    "square": _unary(lambda x: x * x), "integer_pow": lambda x, y, **params: np.power(x, y),
    "max": _larger(False), "min": _larger(True), "clamp": _clamp,
    "eq": _test(lambda a, b: a == b), "ne": _test(lambda a, b: a != b), "lt": _test(lambda a, b: a < b),
    "le": _test(lambda a, b: a <= b), "gt": _test(lambda a, b: a > b), "ge": _test(lambda a, b: a >= b),
    "and": _binary(lambda a, b: a & b), "or": _binary(lambda a, b: a | b), "xor": _binary(lambda a, b: a ^ b),
    "not": _unary(lambda x: ~x), "is_finite": _unary(np.isfinite), "select_n": _select,
    "dot_general": _dot, "reduce_sum": _sum, "reduce_max": _extreme(False), "reduce_min": _extreme(True),
    "reduce_prod": lambda x, axes, **params: np.multiply.reduce(x, axis=tuple(axes)),
    "reduce_and": lambda x, axes, **params: np.all(x, axis=tuple(axes)),
    "reduce_or": lambda x, axes, **params: np.any(x, axis=tuple(axes)),
    "argmax": _place(False), "argmin": _place(True), "cumsum": _cumulated,
    "transpose": lambda x, permutation, **params: np.transpose(x, permutation),
    "reshape": lambda x, new_sizes, **params: np.reshape(x, new_sizes), "broadcast_in_dim": _broadcast,
    "squeeze": lambda x, dimensions, **params: np.squeeze(x, axis=tuple(dimensions)),
    "expand_dims": lambda x, dimensions, **params: np.expand_dims(x, tuple(dimensions)),
    "rev": lambda x, dimensions, **params: np.flip(x, tuple(dimensions)), "concatenate": _joined, "slice": _slice,
    "dynamic_update_slice": _update, "pad": _pad, "split": _split, "iota": _iota, "convert_element_type": _convert,
    "reduce_precision": _same, "stop_gradient": _same, "copy": _same, "copy_p": _same,
    "fft": _fourier, "real": _unary(lambda x: x.real), "imag": _unary(lambda x: x.imag),
    "conj": _unary(lambda x: of.as_balls(conjugate(of.plain(x)))),
    "complex": _binary(lambda a, b: of.as_balls(np.frompyfunc(of_parts, 2, 1)(of.plain(a), of.plain(b)))),
    "device_put": lambda *x, **params: [*x],
    "optimization_barrier": lambda *x, **params: [*x],
}  # fmt: skip
"""{name of the primitive: what it does on arrays of balls}."""
