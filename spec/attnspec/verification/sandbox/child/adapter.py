"""A candidate as a function that is called as the equation is: with its own parameters set, returning the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attnspec.verification.sandbox.messages import Request


def adapted(function: Callable[..., Any], request: Request) -> Callable[..., Any]:
    """Return a function that takes what `call_by` passes, and returns the results at the places of the request."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return _results(function(*args, **kwargs, **request.settings), request.returns)

    return call if request.settings or request.returns else function


def _results(value: Any, places: Sequence[Sequence[str]]) -> Any:
    """Return the results at some places of a value: one alone, several in a list; the value itself without places.

    Raises:
        LookupError, AttributeError: nothing is there.
    """
    found = [_at(value, path) for path in places]
    return found if len(found) > 1 else found[0] if found else value


def _at(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        if isinstance(value, Mapping):
            value = value[part if part in value else int(part)]
        else:
            value = value[int(part)] if part.lstrip("-").isdecimal() else getattr(value, part)
    return value
