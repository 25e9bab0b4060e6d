"""Plain values: text, whole numbers, truth, tuples and mappings of these. How they travel, their types, what is less.

JSON knows neither tuples nor mappings whose keys are no text; so a mapping travels as {"mapping": pairs}, a list stands
for a tuple, and what is not plain is named with where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from attnspec.verification.sandbox.wire import WireError


class Foreign(Exception):
    """A value that is not plain."""


def packed(value: Any, place: str = "") -> Any:
    """As it travels.

    Raises:
        Foreign: it is not plain; says what it is, and where.
    """
    if type(value) in (bool, int, str) or value is None:
        return value
    if isinstance(value, tuple | list):
        return [packed(each, f"{place}[{k}]") for k, each in enumerate(value)]
    if isinstance(value, Mapping):
        pairs = [[packed(key, f"{place} key"), packed(each, f"{place}[{key!r}]")] for key, each in value.items()]
        return {"mapping": pairs}
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    raise Foreign(f"{_article(kind)}{f' at {place}' if place else ''}")


def unpacked(value: Any) -> Any:
    """What travelled: tuples, and dicts.

    Raises:
        WireError: it is nothing that was packed.
    """
    if isinstance(value, list):
        return tuple(unpacked(each) for each in value)
    if isinstance(value, dict):
        try:
            return {unpacked(key): unpacked(each) for key, each in value["mapping"]}
        except (KeyError, TypeError, ValueError) as error:
            raise WireError(f"no mapping: {error!r}") from error
    return value


def unfit(value: Any, kind: Any, place: str = "") -> str:
    """Why a plain value is not of a type, in words; "" where it is. A list is as good as a tuple, a bool is no int."""
    at = f" at {place}" if place else ""
    if get_origin(kind) is tuple:
        if not isinstance(value, tuple):
            return f"{_named(value)}{at} where a tuple belongs"
        return next(filter(None, (unfit(each, get_args(kind)[0], f"{place}[{k}]") for k, each in enumerate(value))), "")
    if get_origin(kind) in (dict, Mapping):
        if not isinstance(value, Mapping):
            return f"{_named(value)}{at} where a mapping belongs"
        keys, values = get_args(kind)
        wrong = (unfit(k, keys, f"{place} key") or unfit(each, values, f"{place}[{k!r}]") for k, each in value.items())
        return next(filter(None, wrong), "")
    return "" if type(value) is kind else f"{_named(value)}{at} where {_article(kind.__name__)} belongs"


def _named(value: Any) -> str:
    return "None" if value is None else _article("sequence" if isinstance(value, tuple) else type(value).__name__)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def smaller(value: Any) -> Iterator[Any]:
    """Values of the same type with less in them, those with least first. The numbers of a mapping stay as they are."""
    if isinstance(value, bool):
        yield from [False] * value
    elif isinstance(value, int):
        yield from sorted({0, value // 2, value - 1} - {value}) if value > 0 else ()
    elif isinstance(value, Mapping):
        yield from (dict(less) for less in _parts(tuple(value.items())))
    elif isinstance(value, str | tuple):
        yield from _parts(value)
        if isinstance(value, tuple):
            for k, each in enumerate(value):
                yield from ((*value[:k], less, *value[k + 1 :]) for less in smaller(each) if less != "")


def _parts(value: Any) -> Iterator[Any]:
    """What is left without the later half, without the earlier, and without one each."""
    if value:
        half = len(value) // 2
        yield from (value[:half], value[half:]) if half else ()
        yield from (value[:k] + value[k + 1 :] for k in range(len(value)))
