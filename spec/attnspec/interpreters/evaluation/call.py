"""Calling an equation: arguments bound to parameters, sizes solved, batch axes found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from attnspec.errors import BindingError, ShapeError, nearest
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.language import layers
from attnspec.language.tree import Definition


def bind(
    definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, float]]:
    """Arrays and options by name, from a call's arguments.

    Raises:
        BindingError: something is missing, unknown or given twice.
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


def fit(
    definition: Definition, shapes: Mapping[str, tuple[int, ...]], options: Mapping[str, float]
) -> tuple[dict[str, int], int]:
    """The sizes that make shapes fit an equation's signature, and how many batch axes stand before them.

    Raises:
        ShapeError: they do not fit; says which array, and why.
    """
    sizes = {size: int(options[name]) for name, size in definition.size_options.items()}
    sizes |= layers.counts(definition, shapes)
    definition = layers.written_out(definition, shapes)
    since: dict[str, str] = {}
    simple_first = sorted(
        definition.parameters, key=lambda p: max((len(d.names) if d.terms else 0 for d in p.dims), default=0)
    )
    for parameter in simple_first:
        shape = shapes[parameter.name]
        own = shape[len(shape) - len(parameter.dims) :]
        if len(shape) < len(parameter.dims):
            raise _misfit(definition, parameter.name, shape, f"at least {len(parameter.dims)} axes")
        for dim, size in zip(parameter.dims, own, strict=True):
            known = set(sizes)
            wrong = dim.solve(size, sizes)
            since |= dict.fromkeys(sizes.keys() - known, f"{parameter.name} has shape {own}")
            if wrong:
                reason = "; ".join(sorted({since[name] for name in dim.names if name in since}))
                raise _misfit(definition, parameter.name, shape, wrong + (f", since {reason}" if reason else ""))
    return sizes, max((len(shapes[p.name]) - len(p.dims) for p in definition.parameters), default=0)


def _misfit(definition: Definition, name: str, shape: tuple[int, ...], why: str) -> ShapeError:
    dims = next(p.dims for p in definition.parameters if p.name == name)
    return ShapeError(
        f"{definition.id}: {name} does not fit",
        given=f"{name} of shape {shape}",
        expected=f"({', '.join(map(str, dims))}) after any batch axes: {why}",
        mend="leading axes are batch axes; split packed weights before the call",
    )


def evaluate(definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The value of an equation on arrays, in their namespace and dtype.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    arrays, options = bind(definition, args, kwargs)
    arrays = {name: value if hasattr(value, "shape") else np.asarray(value) for name, value in arrays.items()}
    definition = layers.written_out(definition, arrays)
    sizes, batch = fit(definition, {name: tuple(array.shape) for name, array in arrays.items()}, options)
    namespace = array_namespace(*arrays.values()) if arrays else array_namespace(np.zeros(1))
    interpreter = ValueOf(namespace)
    results, _ = interpreter.run(definition, arrays, options, sizes, batch)
    lead = batch_shape(definition, arrays)
    whole = tuple(
        namespace.broadcast_to(
            interpreter.numbers(result) if announced.kind == "int" else result,
            (*lead, *(dim.value(sizes) for dim in announced.dims)),
        )
        for result, announced in zip(results, definition.results, strict=True)
    )
    return whole if len(whole) > 1 else whole[0]


def answer(definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The same, as whoever calls an equation gets it: a count that sizes alone give is a number, no array.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    found = evaluate(definition, args, kwargs)
    is_count = not definition.parameters and [(each.kind, each.dims) for each in definition.results] == [("int", ())]
    return int(found) if is_count else found


def batch_shape(definition: Definition, arrays: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of the batch axes, broadcast over all arrays."""
    parameters = layers.written_out(definition, arrays).parameters
    leads = [tuple(arrays[p.name].shape)[: arrays[p.name].ndim - len(p.dims)] for p in parameters]
    return np.broadcast_shapes(*leads) if leads else ()
