"""How the parent and the worker talk: a JSON header, then the raw little-endian bytes of the arrays that it lists.

Reading a message can run no code, whoever wrote it; so the parent may read what a candidate's process sends, and takes
nothing for granted in it.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PREFIX = struct.Struct("<IQ")
"""The sizes of the header and of the arrays' bytes."""

CARRIED = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "|i1",
    "uint8": "|u1",
    "bool": "|b1",
}
"""The dtypes that travel; bfloat16, which NumPy lacks, travels as the float32 of the same values."""


class WireError(Exception):
    """What arrived is no message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A header and its arrays, which are read-only."""

    header: Mapping[str, Any]
    arrays: tuple[Array, ...] = ()

    @property
    def kind(self) -> str:
        """What the message is about."""
        return str(self.header.get("kind"))


def encode(header: Mapping[str, Any], arrays: Iterable[Array] = ()) -> bytes:
    """The bytes of a message; arrays of any layout, of dtypes in `CARRIED`."""
    arrays = list(arrays)
    listed = [[array.dtype.name, list(array.shape)] for array in arrays]
    head = json.dumps({**header, "arrays": listed}).encode()
    bodies = [np.asarray(array, dtype=CARRIED[array.dtype.name]).tobytes() for array in arrays]
    return b"".join([PREFIX.pack(len(head), sum(map(len, bodies))), head, *bodies])


def decode(head: bytes, body: memoryview) -> Message:
    """The message of a frame.

    Raises:
        WireError: the header is no JSON object, or the arrays that it lists do not fill the body exactly.
    """
    try:
        header = json.loads(head)
        arrays, offset = [], 0
        for name, shape in header.pop("arrays"):
            if any(type(size) is not int or size < 0 for size in shape):
                raise WireError(f"no shape: {shape!r}")
            dtype = np.dtype(CARRIED[name])
            count = math.prod(shape)
            arrays.append(_array(body, dtype, count, offset).reshape(shape))
            offset += count * dtype.itemsize
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise WireError(f"no message: {error!r}") from error
    if offset != len(body):
        raise WireError(f"{len(body)} bytes for arrays of {offset}")
    return Message(header, tuple(arrays))


def _array(body: memoryview, dtype: np.dtype[Any], count: int, offset: int) -> Array:
    if dtype.kind != "b":
        return np.frombuffer(body, dtype, count, offset)
    flags: Array = np.frombuffer(body, np.uint8, count, offset) != 0  # a byte other than 0 and 1 is no bool to NumPy
    flags.flags.writeable = False
    return flags


class Inbox:
    """Bytes as they come in, and the messages that are complete among them."""

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        self._data += data

    def take(self) -> Message | None:
        """The next message, or None until all of it is here.

        Raises:
            WireError: it is none, or is larger than the limit, so that a false size cannot fill the memory.
        """
        if len(self._data) < PREFIX.size:
            return None
        head, body = PREFIX.unpack_from(self._data)
        if head + body > self._limit:
            raise WireError(f"a message of {head + body} bytes; at most {self._limit} are read")
        end = PREFIX.size + head + body
        if len(self._data) < end:
            return None
        with memoryview(self._data) as view:
            frame = bytes(view[PREFIX.size : end])
        del self._data[:end]
        return decode(frame[:head], memoryview(frame)[head:])
