"""Messages to frames and back, for both sides of the connection.

A frame's header holds the name of the message's class and its fields as JSON; an array stands there as its number in
the frame, a mapping as {"mapping": [[key, value], ...]}. Decoding is directed by the annotations of the message's
class and checks every field, because a candidate may write anything to the connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import PurePath
from types import UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from attnspec.errors import SpecError
from attnspec.verification.sandbox.messages import Command, Outcome, Output, Reply
from attnspec.verification.sandbox.plain_values import MAX_DEPTH
from attnspec.verification.sandbox.wire import CARRIED, Array, Frame, WireError

T = TypeVar("T")

COMMANDS = {kind.__name__: kind for kind in get_args(Command)}
REPLIES = {kind.__name__: kind for kind in get_args(Reply)}


def to_frame(message: Command | Reply) -> Frame:
    """Return the frame of a message.

    Raises:
        WireError: a field holds a value that does not travel.
    """
    arrays: list[Array] = []
    kind = type(message).__name__
    return Frame({"kind": kind, "fields": _encode(message, arrays, kind)}, tuple(arrays))


def to_command(frame: Frame) -> Command:
    """Return the message that a frame from the parent holds.

    Raises:
        WireError: it does not hold a command.
    """
    return cast(Command, _message(frame, COMMANDS))


def to_reply(frame: Frame) -> Reply:
    """Return the message that a frame from a worker holds.

    Raises:
        WireError: it does not hold a reply: a field is missing, unknown, or of another type than its annotation.
    """
    reply = cast(Reply, _message(frame, REPLIES))
    for output in reply.outputs if isinstance(reply, Outcome) else ():
        _check_output(output)
    return reply


def check_fields(value: T) -> T:
    """Return a dataclass after a check that each field has the type of its annotation, so that it can be sent.

    Raises:
        WireError: a field has another type.
    """
    arrays: list[Array] = []
    name = type(value).__name__
    return cast(T, _decode(type(value), _encode(value, arrays, name), arrays, name))


def _message(frame: Frame, kinds: Mapping[str, type]) -> object:
    kind = frame.header.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise WireError("not one of the messages " + ", ".join(kinds))
    return _decode(kinds[kind], frame.header.get("fields"), frame.arrays, kind)


def _check_output(output: Output) -> None:
    """The values of an output must be of the dtype and shape that it claims to have."""
    if output.value is None:
        return
    carried = "float32" if output.dtype == "bfloat16" else output.dtype
    if carried not in CARRIED or output.value.dtype.name != carried or output.value.shape != output.shape:
        raise WireError("an output is not of the dtype and shape that it claims to have")


def _encode(value: Any, arrays: list[Array], place: str) -> Any:
    """Return a value as JSON has it.

    Args:
        arrays: the arrays of the frame so far, to which those of the value are appended.
        place: where the value stands, for the error.
    """
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return len(arrays) - 1
    if isinstance(value, bytes):
        return _encode(np.frombuffer(value, np.uint8), arrays, place)
    if is_dataclass(value):
        return {item.name: _encode(getattr(value, item.name), arrays, f"{place}.{item.name}") for item in fields(value)}
    if isinstance(value, Mapping):
        pairs = [[_encode(key, arrays, place), _encode(item, arrays, place)] for key, item in value.items()]
        return {"mapping": pairs}
    if isinstance(value, tuple | list | set | frozenset):
        return [_encode(item, arrays, place) for item in value]
    if isinstance(value, np.generic):
        return _encode(value.item(), arrays, place)
    if isinstance(value, PurePath):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise WireError(f"{place}: a value of type {type(value).__qualname__} cannot be sent")


def _decode(kind: Any, value: Any, arrays: Sequence[Array], place: str) -> Any:
    """Return the value that JSON stands for.

    Args:
        kind: its type: a dataclass, an array, bytes, a scalar type, `Any` for a plain value, or a tuple, sequence,
            mapping, union or literal of these.
        place: where it stands, for the error.
    """
    origin, parameters = get_origin(kind), get_args(kind)
    if kind is Any:
        return _plain(value, place)
    if is_dataclass(kind):
        return _dataclass(kind, value, arrays, place)
    if kind is bytes:
        return _array(value, arrays, place).tobytes()
    if origin is np.ndarray:
        return _array(value, arrays, place)
    if origin in (Union, UnionType):
        return _union(parameters, value, arrays, place)
    if origin in (tuple, Sequence):
        return _items(parameters, value, arrays, place)
    if origin is Mapping:
        keys, values = parameters
        pairs = [(_decode(keys, key, arrays, f"a key of {place}"), item) for key, item in _pairs(value, place)]
        return {key: _decode(values, item, arrays, f"{place}[{key!r}]") for key, item in pairs}
    if origin is Literal:
        return _literal(parameters, value, place)
    return _scalar(kind, value, place)


def _dataclass(kind: Any, value: Any, arrays: Sequence[Array], place: str) -> Any:
    types = _field_types(kind)
    if not isinstance(value, dict) or value.keys() != types.keys():
        raise WireError(f"{place}: expected the fields {', '.join(types)}")
    decoded = {name: _decode(types[name], item, arrays, f"{place}.{name}") for name, item in value.items()}
    try:
        return kind(**decoded)
    except SpecError as error:
        raise WireError(f"{place}: {error.headline}") from error


@cache
def _field_types(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _array(value: Any, arrays: Sequence[Array], place: str) -> Array:
    if type(value) is not int or not 0 <= value < len(arrays):
        raise WireError(f"{place}: not the number of an array")
    return arrays[value]


def _union(kinds: Sequence[Any], value: Any, arrays: Sequence[Array], place: str) -> Any:
    """Decode as the first of several types that fits."""
    errors: list[str] = []
    for kind in kinds:
        try:
            return _decode(kind, value, arrays, place)
        except WireError as error:
            errors.append(str(error))
    raise WireError("; or ".join(errors))


def _items(kinds: Sequence[Any], value: Any, arrays: Sequence[Array], place: str) -> tuple[Any, ...]:
    """Decode a sequence of any length, or a tuple of one type for each of its items."""
    if not isinstance(value, list):
        raise WireError(f"{place}: expected a sequence, not {type(value).__name__}")
    has_any_length = len(kinds) == 1 or kinds[-1] is Ellipsis
    each_kind = [kinds[0]] * len(value) if has_any_length else kinds
    if len(each_kind) != len(value):
        raise WireError(f"{place}: expected {len(each_kind)} items, not {len(value)}")
    return tuple(_decode(kind, value[k], arrays, f"{place}[{k}]") for k, kind in enumerate(each_kind))


def _pairs(value: Any, place: str) -> list[tuple[Any, Any]]:
    """Return the keys and values of a mapping, not yet decoded."""
    pairs = value.get("mapping") if isinstance(value, dict) else None
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise WireError(f"{place}: expected a mapping")
    return [(key, item) for key, item in pairs]


def _literal(allowed: Sequence[str], value: Any, place: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise WireError(f"{place}: expected one of {', '.join(map(repr, allowed))}")
    return value


def _scalar(kind: type, value: Any, place: str) -> Any:
    """Decode text, a number, a boolean or None. Text that cannot be printed is escaped."""
    if kind is float and type(value) is int:
        value = float(value) if abs(value) < 1 << 1000 else value
    if type(value) is not kind:
        raise WireError(f"{place}: expected {kind.__name__}, not {type(value).__name__}")
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _plain(value: Any, place: str, depth: int = 0) -> Any:
    """Decode a plain value: tuples and mappings of text, integers, booleans and None."""
    if value is None or type(value) in (bool, int, str):
        return value
    if depth == MAX_DEPTH:
        raise WireError(f"{place}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        return tuple(_plain(item, place, depth + 1) for item in value)
    if not isinstance(value, dict):
        raise WireError(f"{place}: {type(value).__name__} is not a plain value")
    pairs = [(_plain(key, place, depth + 1), _plain(item, place, depth + 1)) for key, item in _pairs(value, place)]
    try:
        return dict(pairs)
    except TypeError as error:
        raise WireError(f"{place}: a key of a mapping is a mapping") from error
