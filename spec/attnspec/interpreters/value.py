"""The value of an equation: the oracle in float64, or any other dtype and Array API namespace."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from attnspec.errors import BindingError, ShapeError, nearest
from attnspec.interpreters.walk import Array, Interpreter, Named, Value
from attnspec.language import layers
from attnspec.language.symbols import OPTION_SIZES
from attnspec.language.tree import SOFTMAXES, Definition


class ValueOf(Interpreter[Array]):
    """Plain arrays; every operation is the namespace's own."""

    def __init__(self, namespace: Any, constants: int | None = None) -> None:
        """Say in which namespace, and to how many significant bits constants such as √d are rounded (None: not)."""
        self._xp = namespace
        self.constants = constants
        self.dtype: Any = None
        self.device: Any = None

    @property
    def xp(self) -> Any:
        return self._xp

    def source(self, array: Array) -> Array:
        if self.dtype is None and self.xp.isdtype(array.dtype, "real floating"):
            self.dtype, self.device = array.dtype, array.device
        return array

    def constant(self, value: float, like: Array) -> Array:
        if isinstance(value, bool):
            return self.xp.asarray(value, device=like.device)
        if self.xp.isdtype(like.dtype, "integral") and value == int(value if math.isfinite(value) else 0):
            return self.xp.asarray(int(value), dtype=like.dtype, device=like.device)  # floats may not hold it
        if self.constants is not None and math.isfinite(value):
            mantissa, exponent = math.frexp(value)
            value = math.ldexp(round(math.ldexp(mantissa, self.constants)), exponent - self.constants)
        return self.xp.asarray(value, dtype=self.floating(like), device=like.device)

    def floating(self, like: Array) -> Any:
        """Its dtype, or that of the inputs where it is a mask or an index."""
        return like.dtype if self.xp.isdtype(like.dtype, "real floating") else self.dtype or self.xp.float64

    def blank(self, shape: tuple[int, ...]) -> Array:
        return self.xp.zeros(shape, dtype=self.dtype or self.xp.float64, device=self.device)

    def leave(self, value: Value[Array]) -> Array:
        return super().leave(value) if isinstance(value, Named | float) else self.xp.asarray(value)

    def positions(self, count: int) -> Array:
        return self.xp.arange(count, dtype=self.xp.float64)

    def numbers(self, thing: Array) -> Array:
        return self.xp.astype(thing, self.xp.int64)

    def shape(self, thing: Array) -> tuple[int, ...]:
        return tuple(thing.shape)

    def rearrange(self, move: Callable[..., Array], *things: Array) -> Array:
        return move(*things)

    def apply(self, op: str, *things: Array) -> Array:
        return self.functions[op](*self.alike(*things))

    def alike(self, *things: Array) -> tuple[Array, ...]:
        """What was made of positions alone, in float64, as an input of another dtype that it meets."""
        if self.dtype is None or self.dtype == self.xp.float64 or all(a.dtype != self.dtype for a in things):
            return things
        return tuple(self.xp.astype(a, self.dtype) if a.dtype == self.xp.float64 else a for a in things)

    @cached_property
    def functions(self) -> dict[str, Callable[..., Array]]:
        """What each word of the vocabulary computes."""
        xp = self.xp
        return {
            "+": xp.add,
            "-": xp.subtract,
            "*": xp.multiply,
            "/": xp.divide,
            "//": xp.floor_divide,
            "**": xp.pow,
            "neg": xp.negative,
            "<=": xp.less_equal,
            "<": xp.less,
            ">=": xp.greater_equal,
            ">": xp.greater,
            "==": xp.equal,
            "and": xp.logical_and,
            "or": xp.logical_or,
            "not": xp.logical_not,
            "where": xp.where,
            "exp": xp.exp,
            "log": xp.log,
            "sin": xp.sin,
            "cos": xp.cos,
            "tanh": xp.tanh,
            "sqrt": xp.sqrt,
            "sigmoid": self.sigmoid,
            "relu": lambda x: xp.where(x < 0, xp.zeros_like(x), x),
            "gelu": self.gelu,
        }

    def sigmoid(self, x: Array) -> Array:
        """Accurate in both tails: e^x / (1 + e^x) for negative x."""
        e = self.xp.exp(-self.xp.abs(x))
        return self.xp.where(x < 0, e, self.xp.ones_like(e)) / (1 + e)

    def gelu(self, x: Array) -> Array:
        return x * (1 + self.erf(x / math.sqrt(2))) / 2

    def erf(self, x: Array) -> Array:
        """No namespace function in the standard: PyTorch has it, NumPy takes the C library's, element by element."""
        if is_torch_array(x):
            return x.erf()
        return np.vectorize(math.erf, otypes=[x.dtype])(x)

    def contract(self, a: Array, b: Array) -> Array:
        return self.xp.matmul(*self.alike(a, b))

    def reduce(self, op: str, axis: int, term: Array, where: Array | None) -> Array:
        xp = self.xp
        if op == "sum":
            return xp.sum(term if where is None else xp.where(where, term, xp.zeros_like(term)), axis=axis)
        if op in SOFTMAXES:
            return self.softmax(term, axis, where, log=op == "log_softmax")
        low = self.constant(-math.inf, term)
        if where is not None:
            term = xp.where(where, term, low)
        if not term.shape[axis]:
            term = xp.broadcast_to(low, (*term.shape[:axis], 1, *term.shape[axis + 1 :]))
        return xp.max(term, axis=axis) if op == "max" else xp.argmax(term, axis=axis)

    def softmax(self, e: Array, axis: int, where: Array | None, log: bool = False) -> Array:
        """With the largest score taken off, so that nothing overflows; nothing to look at gives weight 0."""
        xp = self.xp
        if not e.shape[axis]:
            return e
        if where is None:
            shifted = e - xp.max(e, axis=axis, keepdims=True)
            parts = xp.exp(shifted)
            total = xp.sum(parts, axis=axis, keepdims=True)
            return shifted - xp.log(total) if log else parts / total
        seen = xp.broadcast_to(where, e.shape)
        low = xp.where(seen, e, self.constant(-math.inf, e))
        top = xp.max(low, axis=axis, keepdims=True)
        some = xp.any(seen, axis=axis, keepdims=True)
        shifted = xp.where(seen, low - xp.where(some, top, xp.zeros_like(top)), xp.zeros_like(low))
        parts = xp.where(seen, xp.exp(shifted), xp.zeros_like(shifted))
        total = xp.sum(parts, axis=axis, keepdims=True)
        total = xp.where(some, total, xp.ones_like(total))
        if log:
            return xp.where(seen, shifted - xp.log(total), self.constant(-math.inf, e))
        return parts / total

    def masked(self, thing: Array, where: Array) -> Array | None:
        return self.xp.where(where, thing, self.xp.zeros_like(thing)) if self.finite(thing) else None

    def finite(self, thing: Array) -> bool:
        return bool(self.xp.all(self.xp.isfinite(thing)))


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
    sizes = {OPTION_SIZES[name]: int(value) for name, value in options.items() if name in OPTION_SIZES}
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
