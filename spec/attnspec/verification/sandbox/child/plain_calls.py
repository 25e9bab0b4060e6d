"""Calls with plain values."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from attnspec.verification.sandbox.child.calls import call_by_plan, failure, repeat
from attnspec.verification.sandbox.child.global_state import GlobalState
from attnspec.verification.sandbox.messages import Outcome, PlainRequest
from attnspec.verification.sandbox.plain_values import not_plain


def answer(request: PlainRequest, function: Callable[..., Any], begin: Callable[[], None]) -> Outcome:
    """Make the calls of a request, and look at what they returned and at what they modified.

    Args:
        begin: called when the arguments are in place.
    """
    values, earlier = deepcopy(dict(request.values)), deepcopy(request.earlier)
    state, results = GlobalState(), []
    begin()
    try:
        if earlier is not None:
            results.append(call_by_plan(function, request.call_by, earlier))
            values = {name: _refill(earlier[name], value) for name, value in values.items()}
        repeated = repeat(request.times, lambda: call_by_plan(function, request.call_by, values), deepcopy, _distance)
        results.append(repeated.result)
    except BaseException as error:
        return failure(error)
    changed = tuple(name for name, value in values.items() if value != request.values[name])
    outcome = Outcome("ok", changed_inputs=changed, global_state=state.changes())
    foreign = next(filter(None, map(not_plain, results)), "")
    return replace(outcome, not_plain=foreign) if foreign else replace(outcome, answers=tuple(results))


def _distance(first: Any, other: Any) -> float:
    """0 if two results are equal, else 1."""
    return float(first != other)


def _refill(old: Any, new: Any) -> Any:
    """Return the old mapping with the contents of the new one; a value that is not a mapping is replaced."""
    if not isinstance(old, dict):
        return new
    old.clear()
    old.update(new)
    return old
