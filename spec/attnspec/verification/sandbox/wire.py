"""Frames: a JSON header and the raw little-endian bytes of the arrays that it lists.

Reading a frame never runs code, whoever wrote it, so the parent may read what a candidate's process sends. Nothing in
a frame is trusted: sizes, dtypes and lengths are checked before an array is made.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PREFIX = struct.Struct("<IQ")
"""The sizes in bytes of the header and of all arrays."""

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
"""The dtypes that a frame can carry. NumPy has no bfloat16, which travels as float32 of the same values."""


class WireError(Exception):
    """The bytes that arrived are not a valid frame, or the frame is not a valid message."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One unit of the connection.

    Attributes:
        header: a JSON object.
        arrays: arrays of dtypes in `CARRIED`; read-only where the frame was received.
    """

    header: Mapping[str, Any]
    arrays: tuple[Array, ...] = ()


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame. Its arrays may have any memory layout and byte order."""
    listed = [[array.dtype.name, list(array.shape)] for array in frame.arrays]
    head = json.dumps({**frame.header, "arrays": listed}).encode()
    bodies = [np.asarray(array, dtype=CARRIED[array.dtype.name]).tobytes() for array in frame.arrays]
    return b"".join([PREFIX.pack(len(head), sum(map(len, bodies))), head, *bodies])


def decode(head: bytes, body: memoryview) -> Frame:
    """Return the frame of a header and the bytes of its arrays.

    Raises:
        WireError: the header is not a JSON object, or the arrays that it lists do not fill the body exactly.
    """
    try:
        header = json.loads(head)
        arrays, offset = [], 0
        for name, shape in header.pop("arrays"):
            if any(type(size) is not int or size < 0 for size in shape):
                raise WireError("a size is not a natural number")
            dtype = np.dtype(CARRIED[name])
            count = math.prod(shape)
            arrays.append(_array(body, dtype, count, offset).reshape(shape))
            offset += count * dtype.itemsize
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise WireError(f"not a frame: {type(error).__name__}: {error!s:.200}") from error
    if offset != len(body):
        raise WireError(f"{len(body)} bytes for arrays of {offset} bytes")
    return Frame(header, tuple(arrays))


def _array(body: memoryview, dtype: np.dtype[Any], count: int, offset: int) -> Array:
    if dtype.kind != "b":
        return np.frombuffer(body, dtype, count, offset)
    flags: Array = np.frombuffer(body, np.uint8, count, offset) != 0  # NumPy misreads bools other than 0 and 1
    flags.flags.writeable = False
    return flags


class Inbox:
    """The bytes received so far, and the frames that are complete among them.

    Args:
        limit: the largest frame that is accepted, in bytes, so that a false size cannot fill the memory.
    """

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Append received bytes."""
        self._data += data

    def take(self) -> Frame | None:
        """Remove and return the next frame; None until it is complete.

        Raises:
            WireError: the bytes are not a frame, or the frame is larger than the limit.
        """
        if len(self._data) < PREFIX.size:
            return None
        head, body = PREFIX.unpack_from(self._data)
        if head + body > self._limit:
            raise WireError(f"a frame of {head + body} bytes; the limit is {self._limit}")
        end = PREFIX.size + head + body
        if len(self._data) < end:
            return None
        with memoryview(self._data) as view:
            frame = bytes(view[PREFIX.size : end])
        del self._data[:end]
        return decode(frame[:head], memoryview(frame)[head:])
