"""Plain values, which procedures take and return: text, integers, booleans, None, and tuples and mappings of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

MAX_DEPTH = 32
"""How deeply tuples and mappings may be nested."""


def not_plain(value: Any, place: str = "", depth: int = 0) -> str:
    """Describe the first part of a value that is not plain, with its place; "" if all of it is. A list is plain."""
    if type(value) in (bool, int, str) or value is None:
        return ""
    at = f" at {place}" if place else ""
    if depth == MAX_DEPTH:
        return f"a value nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, tuple | list):
        parts = (not_plain(item, f"{place}[{k}]", depth + 1) for k, item in enumerate(value))
        return next(filter(None, parts), "")
    if isinstance(value, Mapping):
        pairs = (
            not_plain(key, _key_of(place), depth + 1) or not_plain(item, f"{place}[{key!r}]", depth + 1)
            for key, item in value.items()
        )
        return next(filter(None, pairs), "")
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{_with_article(kind)}{at}"


def type_mismatch(value: Any, kind: Any, place: str = "") -> str:
    """Describe why a plain value is not of a type, with the place; "" if it is.

    Args:
        value: a plain value, a sequence in it being a tuple.
        kind: `bool`, `int`, `str`, or a tuple of any length or a mapping of such types. A bool is not an int here.
    """
    at = f" at {place}" if place else ""
    if get_origin(kind) is tuple:
        if not isinstance(value, tuple):
            return f"{_type_name(value)}{at} where a tuple belongs"
        items = (type_mismatch(item, get_args(kind)[0], f"{place}[{k}]") for k, item in enumerate(value))
        return next(filter(None, items), "")
    if get_origin(kind) in (dict, Mapping):
        if not isinstance(value, Mapping):
            return f"{_type_name(value)}{at} where a mapping belongs"
        keys, values = get_args(kind)
        pairs = (
            type_mismatch(key, keys, _key_of(place)) or type_mismatch(item, values, f"{place}[{key!r}]")
            for key, item in value.items()
        )
        return next(filter(None, pairs), "")
    return "" if type(value) is kind else f"{_type_name(value)}{at} where {_with_article(kind.__name__)} belongs"


def _key_of(place: str) -> str:
    return f"a key of {place}" if place else "a key"


def _type_name(value: Any) -> str:
    return "None" if value is None else _with_article("sequence" if isinstance(value, tuple) else type(value).__name__)


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def smaller(value: Any) -> Iterator[Any]:
    """Yield simpler values of the same type, the simplest first. The values of a mapping stay as they are."""
    if isinstance(value, bool):
        yield from [False] * value
    elif isinstance(value, int):
        yield from sorted({0, value // 2, value - 1} - {value}) if value > 0 else ()
    elif isinstance(value, Mapping):
        yield from (dict(items) for items in _shorter(tuple(value.items())))
    elif isinstance(value, str | tuple):
        yield from _shorter(value)
        if isinstance(value, tuple):
            for k, item in enumerate(value):
                simpler = (other for other in smaller(item) if other != "")
                yield from ((*value[:k], other, *value[k + 1 :]) for other in simpler)


def _shorter(value: Any) -> Iterator[Any]:
    """Yield a text or tuple without its second half, without its first half, and without each item in turn."""
    if value:
        half = len(value) // 2
        yield from (value[:half], value[half:]) if half else ()
        yield from (value[:k] + value[k + 1 :] for k in range(len(value)))
