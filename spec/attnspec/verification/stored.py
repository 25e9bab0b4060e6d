"""Verdicts as JSON and back, whole: unlike in the JSON of reports, with all arrays. Reading runs no code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

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

KINDS = {
    kind.__name__: kind
    for kind in (Case, Departure, Description, Diagnosis, FunctionVerdict, Verdict, WorstAnswer, WorstElement)
}
"""{name of a class of which values are stored: the class}."""


def to_stored(value: Any) -> Any:
    """A verdict, or a part of one, as values of JSON.

    Raises:
        TypeError: it has a value of another type.
    """
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise TypeError(f"an array of {value.dtype} cannot be stored")
        return {"array": value.dtype.str, "shape": list(value.shape), "values": value.tolist()}
    if isinstance(value, np.generic):
        return to_stored(value.item())
    if is_dataclass(value) and type(value).__name__ in KINDS:
        return {
            "kind": type(value).__name__,
            "fields": {item.name: to_stored(getattr(value, item.name)) for item in fields(value)},
        }
    if isinstance(value, tuple):
        return {"tuple": [to_stored(item) for item in value]}
    if isinstance(value, list):
        return [to_stored(item) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": [[to_stored(key), to_stored(item)] for key, item in value.items()]}
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    raise TypeError(f"a value of type {type(value).__qualname__} cannot be stored")


def from_stored(stored: Any) -> Any:
    """The value that `to_stored` was given.

    Raises:
        ValueError, KeyError, TypeError: it is not of that form.
    """
    if isinstance(stored, list):
        return _all(stored)
    if not isinstance(stored, dict):
        return stored
    match stored:
        case {"tuple": list(items)}:
            return tuple(_all(items))
        case {"array": dtype, "shape": shape, "values": values}:
            return np.asarray(values, np.dtype(dtype)).reshape(shape)
        case {"kind": name, "fields": dict(items)}:
            given = dict(zip(items, _all(items.values()), strict=True))
            return KINDS[name](**{**given, **_enumerated(given)})
        case {"mapping": list(pairs)}:
            return {from_stored(key): from_stored(item) for key, item in pairs}
    raise ValueError(f"not a stored value: {', '.join(stored)}")


def _all(items: Iterable[Any]) -> list[Any]:
    return [from_stored(item) if isinstance(item, dict | list) else item for item in items]


def _enumerated(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"verdict": VerdictKind(given["verdict"])} if "verdict" in given else {}
