"""Calls of an equation: binding of arguments, solving for sizes, evaluation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from attnspec.errors import BindingError, ShapeError, nearest
from attnspec.interpreters.evaluation.memo import Memory, Remembering
from attnspec.interpreters.evaluation.several import WithSeveral
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.language import layers
from attnspec.language.dims import Dim
from attnspec.language.tree import Definition, Parameter


def bind(
    definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, float]]:
    """Bind the arguments of a call to the parameters and options of an equation.

    Returns:
        The arrays and the options, by name.

    Raises:
        BindingError: an argument is missing, unknown or given twice.
    """
    if layers.of(definition) and len(args) <= len(definition.parameters):
        args, kwargs = (), layers.spread(definition, args, kwargs)
        definition = layers.written_out(definition, kwargs)
    arrays = [parameter.name for parameter in definition.parameters]
    options = [option.name for option in definition.options]
    given = dict(zip(arrays, args, strict=False))
    unknown = [name for name in kwargs if name not in (*arrays, *options)]
    missing = [name for name in (*arrays, *options) if name not in given and name not in kwargs]
    twice = [name for name in kwargs if name in given]
    if unknown or missing or twice or len(args) > len(arrays):
        facts = [
            f"{label} {', '.join(names)}"
            for label, names in (("unknown", unknown), ("missing", missing), ("twice", twice))
            if names
        ]
        raise BindingError(
            f"{definition.id} was called with other arguments",
            given="; ".join(facts) or f"{len(args)} positional arguments",
            expected=", ".join(arrays) + (f"; by keyword {', '.join(options)}" if options else ""),
            mend=nearest(unknown[0], (*arrays, *options)) if unknown else "",
        )
    return {name: given.get(name, kwargs.get(name)) for name in arrays}, {name: kwargs[name] for name in options}


def in_float64(given: Any) -> Any:
    """A NumPy array of what is given, in float64 if it holds floating-point numbers."""
    array = np.asarray(given)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def fit(
    definition: Definition, shapes: Mapping[str, tuple[int, ...]], options: Mapping[str, float]
) -> tuple[dict[str, int], int]:
    """Solve for the named sizes of an equation.

    Args:
        definition: the equation.
        shapes: {name of a parameter: shape of its array}.
        options: {name: value} of the options.

    Returns:
        The named sizes, and the largest number of batch axes that an array has in front of its own axes.

    Raises:
        ShapeError: the shapes do not fit; the message names the array and the reason.
    """
    sizes = {size: int(options[name]) for name, size in definition.size_options.items()}
    sizes |= layers.counts(definition, shapes)
    definition = layers.written_out(definition, shapes)
    solved_by: dict[str, str] = {}
    for parameter in _simple_first(definition):
        shape = shapes[parameter.name]
        trailing = shape[len(shape) - len(parameter.dims) :]
        if len(shape) < len(parameter.dims):
            raise _misfit(definition, parameter.name, shape, f"at least {len(parameter.dims)} axes")
        for dim, size in zip(parameter.dims, trailing, strict=True):
            known = len(sizes)
            mismatch = dim.solve(size, sizes)
            if len(sizes) > known:
                solved_by |= dict.fromkeys([*sizes][known:], f"{parameter.name} has shape {trailing}")
            if mismatch:
                reason = "; ".join(sorted({solved_by[name] for name in dim.names if name in solved_by}))
                raise _misfit(definition, parameter.name, shape, mismatch + (f", since {reason}" if reason else ""))
    for dim in definition.differences:
        if dim.names <= sizes.keys() and dim.value(sizes) < 0:
            raise _negative(definition, dim, sizes)
    return sizes, max((len(shapes[p.name]) - len(p.dims) for p in definition.parameters), default=0)


@lru_cache(maxsize=1024)
def _simple_first(definition: Definition) -> list[Parameter]:
    """Its parameters, those first whose sizes are single names."""
    return sorted(definition.parameters, key=lambda p: max(map(_factors, p.dims), default=0))


def _factors(dim: Dim) -> int:
    """How many names a size is made of: 2 for m*m and d+u; a number of steps tells no name, and comes last."""
    if any(name not in dim.names for names, _ in dim.terms for name in names):
        return MANY
    return max(len(dim.names), sum(len(names) for names, _ in dim.terms))


MANY = 100
"""More names than a size is made of."""


def _misfit(definition: Definition, name: str, shape: tuple[int, ...], why: str) -> ShapeError:
    """The error for an array that does not fit."""
    dims = next(p.dims for p in definition.parameters if p.name == name)
    return ShapeError(
        f"{definition.id}: {name} does not fit",
        given=f"{name} of shape {shape}",
        expected=f"({', '.join(map(str, dims))}) after any batch axes: {why}",
        mend="leading axes are batch axes; split packed weights before the call",
    )


def _negative(definition: Definition, dim: Dim, sizes: Mapping[str, int]) -> ShapeError:
    """The error for sizes with which an axis would be negative."""
    given = ", ".join(f"{name} = {sizes[name]}" for name in sorted(dim.names))
    return ShapeError(
        f"{definition.id}: the axis {dim} would have {dim.value(sizes)} places",
        given=given,
        expected=f"sizes with which {dim} is at least 0",
        mend="pass larger arrays",
    )


def evaluate(
    definition: Definition,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    memory: Memory | None = None,
    several: int = 0,
    inputs: Mapping[str, Any] | None = None,
    by: ValueOf | None = None,
) -> Any:
    """The value of an equation on arrays, in their namespace and dtype.

    Args:
        definition: the equation.
        args: its arrays, in order.
        kwargs: its arrays and options by name.
        memory: values of evaluations on the same arrays, which are used and added to; arrays are not changed meanwhile.
        several: how many values a number of the equation has, of type `Several`, or an array; 0 if all have one.
        inputs: {name: the values of an array, along a first axis}, in place of the arrays of these names.
        by: what evaluates it, in place of the operations of the arrays' namespace.

    Returns:
        One array, or a tuple of them if the equation has several results, with the batch axes first; in front of these
        is the axis of the values of what has several.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    arrays, options = bind(definition, args, kwargs)
    arrays = {name: value if hasattr(value, "shape") else np.asarray(value) for name, value in arrays.items()}
    arrays |= {name: values[0, ...] for name, values in (inputs or {}).items()}
    definition = layers.written_out(definition, arrays)
    sizes, batch = fit(definition, {name: tuple(array.shape) for name, array in arrays.items()}, options)
    namespace = namespace_of(arrays.values())
    if several:
        stacked = {id(arrays[name]): values for name, values in (inputs or {}).items()}
        interpreter: ValueOf = WithSeveral(namespace, memory or Memory(), batch, stacked)
    else:
        interpreter = by or (ValueOf(namespace) if memory is None else Remembering(namespace, memory))
    results, _ = interpreter.run(definition, arrays, options, sizes, batch)
    lead = (*([several] if several else []), *batch_shape(definition, arrays))
    whole = tuple(
        namespace.broadcast_to(
            interpreter.as_integers(result) if announced.kind == "int" else result,
            (*lead, *(dim.value(sizes) for dim in announced.dims)),
        )
        for result, announced in zip(results, definition.results, strict=True)
    )
    return whole if len(whole) > 1 else whole[0]


def outputs(definition: Definition, arguments: Mapping[str, Any]) -> tuple[NDArray[Any], ...]:
    """The values of all results of an equation on NumPy arrays, without NumPy's warnings of what overflows.

    Args:
        arguments: arrays and options by name.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    with np.errstate(all="ignore"):
        value = evaluate(definition, (), arguments)
    return tuple(np.asarray(each) for each in (value if isinstance(value, tuple) else (value,)))


def values_of_lines(
    definition: Definition, arguments: Mapping[str, Any], by: ValueOf | None = None
) -> dict[str, NDArray[Any]]:
    """The values of the lines of an equation on NumPy arrays by name; of a recurrence, its states.

    Args:
        arguments: arrays and options by name.
        by: what evaluates it, in place of NumPy's operations.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    arrays, options = bind(definition, (), arguments)
    sizes, batch = fit(definition, {name: array.shape for name, array in arrays.items()}, options)
    interpreter = by or ValueOf(np)
    with np.errstate(all="ignore"):
        _, frame = interpreter.run(definition, arrays, options, sizes, batch)
    targets = [target for line in definition.lines for target in line.targets]
    return {target: np.asarray(interpreter.leave(frame.names[target])) for target in targets if target in frame.names}


def namespace_of(arrays: Collection[Any]) -> Any:
    """The namespace of arrays: NumPy itself where it has all of the standard, from 2.1 on; else what stands in for it.

    array_api_compat's copy of NumPy's namespace loads all of NumPy's modules, a tenth of a second.
    """
    if hasattr(np, "astype") and all(isinstance(array, np.ndarray | np.generic) for array in arrays):
        return np
    return array_namespace(*arrays) if arrays else array_namespace(np.zeros(1))


def answer(definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The value of an equation as its callers get it: as `evaluate`, but a count without array arguments is an int.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    result = evaluate(definition, args, kwargs)
    is_count = not definition.parameters and [(output.kind, output.dims) for output in definition.results] == [
        ("int", ())
    ]
    return int(result) if is_count else result


def batch_shape(definition: Definition, arrays: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape that the batch axes of all arrays broadcast to."""
    parameters = layers.written_out(definition, arrays).parameters
    leads = [tuple(arrays[p.name].shape)[: arrays[p.name].ndim - len(p.dims)] for p in parameters]
    return np.broadcast_shapes(*leads) if leads else ()
