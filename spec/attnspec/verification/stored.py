"""Verdicts as plain values that JSON can hold, without loss, and back. Reading them never runs code."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

import numpy as np

from attnspec.verification.cases.case import Case, Description
from attnspec.verification.verdict import (
    Departure,
    Diagnosis,
    FunctionVerdict,
    Verdict,
    VerdictKind,
    WorstAnswer,
    WorstElement,
)

CLASSES = {
    each.__name__: each
    for each in (Case, Departure, Description, Diagnosis, FunctionVerdict, Verdict, WorstAnswer, WorstElement)
}
"""The classes that a stored verdict is made of."""


def stored(value: Any) -> Any:
    """A verdict, or a part of one, as plain values.

    Raises:
        TypeError: it has a part of another type.
    """
    if isinstance(value, VerdictKind):
        return {"kind": value.value}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        packed = base64.b64encode(zlib.compress(array.tobytes())).decode()
        return {"array": packed, "dtype": array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [stored(item) for item in value]}
    if isinstance(value, list):
        return [stored(item) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": [[stored(key), stored(item)] for key, item in value.items()]}
    if is_dataclass(value) and type(value).__name__ in CLASSES:
        of = {each.name: stored(getattr(value, each.name)) for each in fields(value)}
        return {"class": type(value).__name__, "fields": of}
    raise TypeError(f"{type(value).__name__} cannot be stored")


def restored(value: Any) -> Any:
    """What `stored` made plain values of.

    Raises:
        ValueError, KeyError, TypeError: `stored` did not make them.
    """
    if isinstance(value, list):
        return [restored(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"kind": name}:
            return VerdictKind(name)
        case {"array": packed, "dtype": dtype, "shape": shape}:
            data = zlib.decompress(base64.b64decode(packed))
            array = np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()
            return array if shape else array[()]
        case {"float": text}:
            return float(text)
        case {"tuple": items}:
            return tuple(restored(item) for item in items)
        case {"mapping": pairs}:
            return {restored(key): restored(item) for key, item in pairs}
        case {"class": name, "fields": of}:
            return cast(Any, CLASSES[name])(**{field: restored(item) for field, item in of.items()})
    raise ValueError(f"not a stored value: {value!s:.80}")
