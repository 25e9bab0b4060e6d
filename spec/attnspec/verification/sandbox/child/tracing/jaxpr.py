"""JAX code: its jaxpr, evaluated on arrays of balls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import FLOATS, BallArray, constants, exactly
from attnspec.interpreters.balls.ball import Untraceable, constant
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.jax_elements import ELEMENTS, is_balls
from attnspec.verification.sandbox.child.tracing.jax_moves import INDEXED, MOVES
from attnspec.verification.sandbox.child.tracing.jax_orders import ORDERS
from attnspec.verification.sandbox.child.tracing.jax_reductions import REDUCTIONS

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


def _is_whole(aval: Any) -> bool:
    return str(aval.dtype).startswith(("bool", "int", "uint"))


def evaluate(
    jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Array], wanted: Sequence[bool] | None = None
) -> list[Array]:
    """The outputs of a jaxpr.

    What no output depends on is left out, as compilers do; so it need not have a meaning in balls.

    Args:
        jaxpr: the jaxpr, without its constants.
        consts: its constants.
        arguments: an array of balls for each floating-point input, and NumPy's arrays for others.
        wanted: which outputs are used; the others are None.
    """
    written = {id(variable): value for variable, value in zip(jaxpr.constvars, consts, strict=True)}
    known = {id(variable): array for variable, array in zip(jaxpr.invars, arguments, strict=True)}
    outputs = [v if is_wanted else None for v, is_wanted in zip(jaxpr.outvars, wanted or _all(jaxpr), strict=True)]

    def read(variable: Any) -> Array:
        if variable is None:
            return None
        if hasattr(variable, "val"):
            return _constant(variable.val, variable.aval.dtype)
        if id(variable) not in known:
            known[id(variable)] = _constant(written[id(variable)])
        return known[id(variable)]

    for equation, used in _needed(jaxpr, outputs):
        results = _applied(equation, [*map(read, equation.invars)], used)
        for variable, value, is_used in zip(equation.outvars, results, used, strict=True):
            if is_used:
                known[id(variable)] = _as_kind(value, variable.aval)
    return [*map(read, outputs)]


def _all(jaxpr: Any) -> list[bool]:
    return [True] * len(jaxpr.outvars)


def _needed(jaxpr: Any, outputs: Sequence[Any]) -> list[tuple[Any, list[bool]]]:
    """The equations that the outputs depend on, in order, each with which of its own outputs are used."""
    used, found = {id(variable) for variable in outputs}, []
    for equation in reversed(jaxpr.eqns):
        wanted = [id(variable) in used for variable in equation.outvars]
        if any(wanted):
            found.append((equation, wanted))
            used |= {id(variable) for variable in equation.invars}
    return found[::-1]


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
    elif isinstance(array, BallArray) or array.dtype.kind in "biu":
        array = array.astype(np.dtype(str(aval.dtype)))
    if array.shape != aval.shape:
        raise Untraceable("a primitive gives another shape in balls")
    return array


def _applied(equation: Any, operands: list[Array], used: Sequence[bool]) -> Sequence[Array]:
    name, params = equation.primitive.name, equation.params
    if name in CALLS:
        inner = next(params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params)
        return evaluate(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands, used)
    if name in CONTROL:
        return CONTROL[name](params, operands, used)
    if name in INDEXED:
        return [INDEXED[name](equation.primitive, params, *operands)]
    if name not in PRIMITIVES and not is_balls(*operands) and all(_is_whole(each.aval) for each in equation.outvars):
        found = equation.primitive.bind(*operands, **params)  # what has no real number in it is left to JAX
        return found if equation.primitive.multiple_results else [found]
    if name not in PRIMITIVES:
        raise Untraceable(f"the primitive {name} has no meaning in balls")
    found = PRIMITIVES[name](*operands, **params)
    return found if isinstance(found, list | tuple) else [found]


CALLS = ("jit", "pjit", "closed_call", "core_call", "core_closed_call", "custom_jvp_call", "custom_vjp_call",
         "custom_vjp_call_jaxpr", "remat", "remat2", "checkpoint", "custom_lin", "composite")  # fmt: skip
"""Primitives that call another jaxpr."""


def _scan(params: Any, operands: list[Array], used: Sequence[bool]) -> list[Array]:
    fixed, carried, length = params["num_consts"], params["num_carry"], params["length"]
    body, consts, state = params["jaxpr"], operands[:fixed], operands[fixed : fixed + carried]
    wanted = [*[True] * carried, *used[carried:]]
    steps = range(length)
    stacked: list[list[Array]] = []
    for step in reversed(steps) if params["reverse"] else steps:
        here = [_row(each, step) for each in operands[fixed + carried :]]
        found = evaluate(body.jaxpr, body.consts, [*consts, *state, *here], wanted)
        state = found[:carried]
        stacked.append(found[carried:])
    if params["reverse"]:
        stacked.reverse()
    made = [
        _stacked([each[k] for each in stacked], variable.aval) if wanted[carried + k] else None
        for k, variable in enumerate(body.jaxpr.outvars[carried:])
    ]
    return [*state, *made]


def _row(array: Array, step: int) -> Array:
    row = of.plain(array)[step, ...]
    return row.view(BallArray) if isinstance(array, BallArray) else row


def _stacked(rows: list[Array], aval: Any) -> Array:
    if not rows:
        return of.filled((0, *aval.shape), 0) if str(aval.dtype) in FLOATS else np.zeros((0, *aval.shape), aval.dtype)
    if any(isinstance(row, BallArray) for row in rows):
        return of.as_balls(np.stack([of.plain(row) for row in rows]))
    return np.stack(rows)


def _while(params: Any, operands: list[Array], used: Sequence[bool]) -> list[Array]:
    first, second = params["cond_nconsts"], params["body_nconsts"]
    test, body = params["cond_jaxpr"], params["body_jaxpr"]
    outside, inside, state = operands[:first], operands[first : first + second], operands[first + second :]
    for _ in range(MOST_STEPS):
        goes_on = np.asarray(evaluate(test.jaxpr, test.consts, [*outside, *state])[0])
        if not goes_on.any():
            return list(state)
        new = evaluate(body.jaxpr, body.consts, [*inside, *state])
        state = [*map(partial(_while_it_lasts, goes_on), state, new)] if goes_on.ndim else new
    raise Untraceable("a loop of many steps")


def _while_it_lasts(goes_on: Array, old: Array, new: Array) -> Array:
    """The state of several loops that are one, of which some go on."""
    return PRIMITIVES["select_n"](goes_on.reshape(goes_on.shape + (1,) * (new.ndim - goes_on.ndim)), old, new)


def _cond(params: Any, operands: list[Array], used: Sequence[bool]) -> list[Array]:
    branches = params["branches"]
    chosen = branches[min(max(int(operands[0]), 0), len(branches) - 1)]
    return evaluate(chosen.jaxpr, chosen.consts, operands[1:], used)


CONTROL: dict[str, Callable[[Any, list[Array], Sequence[bool]], list[Array]]] = {
    "scan": _scan,
    "while": _while,
    "cond": _cond,
}
"""Primitives that call other jaxprs, some many times."""

PRIMITIVES: dict[str, Callable[..., Any]] = {**ELEMENTS, **MOVES, **REDUCTIONS, **ORDERS}
"""{name of the primitive: what it does on arrays of balls}."""
