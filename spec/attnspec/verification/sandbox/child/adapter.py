"""A candidate as a function that is called as the equation is: its weights packed, its own parameters set."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from attnspec.verification.sandbox.child.arrays import Arrays
from attnspec.verification.sandbox.child.calls import call_by_plan
from attnspec.verification.sandbox.child.programs.program import Program
from attnspec.verification.sandbox.messages import Piece, Request


def adapted(function: Callable[..., Any], request: Request, arrays: Arrays) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function of the values of a request, by name, that returns the results.

    A class of modules is constructed, and a module whose weights are passed is called without dropout.

    Raises:
        Exception: what the constructor raises.
    """
    if request.made is not None:
        function = _constructed(function, tuple(request.made.items())).to(request.device)
    if request.entries:
        function = _with_weights(function, request.entries)

    def call(values: Mapping[str, Any]) -> Any:
        packed = _packed(values, request.packing, arrays)
        weights = {"weights": {name: packed.pop(name) for name in request.entries}} if request.entries else {}
        result = call_by_plan(function, request.call_by, {**values, **_tuples(packed)}, **weights, **request.settings)
        return _results(result, request.returns)

    return call


@lru_cache(maxsize=64)
def _constructed(kind: Callable[..., Any], arguments: tuple[tuple[str, Any], ...]) -> Any:
    return kind(**dict(arguments)).eval()


def _with_weights(module: Any, entries: Sequence[str]) -> Callable[..., Any]:
    """Return a function that calls a module or program with other weights.

    Raises:
        ValueError: the module has a weight that is not passed.
    """
    if isinstance(module, Program):
        return module.call
    functional_call = importlib.import_module("torch.func").functional_call
    missing = [name for name, _ in module.named_parameters() if name not in entries]
    if missing:
        raise ValueError(f"no argument of the equation is bound to {', '.join(missing)}")
    module.eval()

    def call(*args: Any, weights: dict[str, Any], **kwargs: Any) -> Any:
        return functional_call(module, weights, args, kwargs)

    return call


def _packed(values: Mapping[str, Any], packing: Sequence[Piece], arrays: Arrays) -> dict[str, Any]:
    """Return the arrays that the candidate has, made of those of the equation."""
    pieces: dict[str, list[Piece]] = {}
    for piece in packing:
        pieces.setdefault(piece.target, []).append(piece)
    return {target: _joined(values, parts, arrays) for target, parts in pieces.items()}


def _joined(values: Mapping[str, Any], parts: Sequence[Piece], arrays: Arrays) -> Any:
    placed = [(piece, _oriented(values[piece.argument], piece)) for piece in parts]
    first, array = placed[0]
    if first.rows is None and first.place is None:
        return array
    if first.place is not None:
        shape = (1 + max(piece.place or 0 for piece in parts), *array.shape)
        indices: list[Any] = [piece.place for piece in parts]
    else:
        axis = array.ndim - first.axes
        rows = max(piece.rows[1] for piece in parts if piece.rows is not None)
        shape = (*array.shape[:axis], rows, *array.shape[axis + 1 :])
        indices = [(slice(None),) * axis + (slice(*(piece.rows or (None,))),) for piece in parts]
    buffer = arrays.zeros(shape, array)
    for index, (_, part) in zip(indices, placed, strict=True):
        buffer = arrays.with_part(buffer, index, part)
    return buffer


def _oriented(array: Any, piece: Piece) -> Any:
    array = ~array if piece.negated else array
    array = array.swapaxes(-1, -2) if piece.transposed else array
    return array if piece.terms == 1 else array / piece.terms if piece.terms else 0 * array


def _tuples(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays with items of tuples, such as "hx.0" and "hx.1", gathered into tuples."""
    gathered: dict[str, Any] = {}
    for name in sorted(arrays):
        owner, _, item = name.rpartition(".")
        if item.isdecimal():
            gathered[owner] = (*gathered.get(owner, ()), arrays[name])
        else:
            gathered[name] = arrays[name]
    return gathered


def _results(value: Any, places: Sequence[Sequence[str]]) -> Any:
    """Return the results at some places of a value: one alone, several in a list; the value itself without places.

    Raises:
        LookupError: nothing is there.
    """
    found = [_at(value, path) for path in places]
    return found if len(found) > 1 else found[0] if found else value


def _at(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        try:
            if isinstance(value, Mapping):
                value = value[part if part in value else int(part)]
            else:
                value = value[int(part)] if part.lstrip("-").isdecimal() else getattr(value, part)
        except (LookupError, AttributeError, TypeError, ValueError) as error:
            given = f"--returns {'.'.join(path)}"
            raise LookupError(f"{given} is not in what it returns, of type {type(value).__name__}") from error
    return value
