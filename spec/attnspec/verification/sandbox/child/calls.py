"""What calls with arrays and calls with plain values have in common."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attnspec.verification.sandbox.child.tracebacks import describe_error
from attnspec.verification.sandbox.messages import Outcome, Status, Trouble
from attnspec.verification.sandbox.out_of_memory import mentions_out_of_memory

REPEAT_SECONDS = 1.0
"""A call is not repeated any more after this many seconds."""

BROKEN_DEVICE = re.compile(r"CUDA.*error|error.*CUDA", re.IGNORECASE)
"""After such an error no later call on the device means anything."""


def call_by_plan(
    function: Callable[..., Any],
    call_by: Sequence[tuple[str | None, str]],
    values: Mapping[str, Any],
    **more: Any,
) -> Any:
    """Call a function as `binding.bind` planned it, and with more arguments by name."""
    positional = [values[argument] for parameter, argument in call_by if parameter is None]
    keywords = {parameter: values[argument] for parameter, argument in call_by if parameter is not None}
    return function(*positional, **keywords, **more)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Results of repeated calls.

    Attributes:
        result: the result that is furthest from the first; the last one if all are equal.
        calls: how many calls were made.
        varied: how many results are not equal to the first, bit by bit.
        overwritten: whether the first result has other values once the last call is made.
    """

    result: Any
    calls: int
    varied: int
    overwritten: bool = False


def repeat(
    times: int,
    call: Callable[[], Any],
    kept: Callable[[Any], Any],
    distance: Callable[[Any, Any], float],
) -> Repeated:
    """Call several times, until `REPEAT_SECONDS` have passed, and compare each result with the first.

    Calls are made in pairs, of which nothing is looked at in between: what is not awaited may show in the second.

    Args:
        kept: returns a result in a form that later calls cannot change.
        distance: of two results in this form: 0.0 if they are equal, bit by bit.
    """
    started = time.perf_counter()
    result = returned = call()
    calls, varied, largest = 1, 0, 0.0
    first = kept(returned) if times > 1 else None
    while calls < times and time.perf_counter() - started <= REPEAT_SECONDS:
        for last in [call() for _ in range(min(2, times - calls))]:
            now = kept(last)
            calls, apart = calls + 1, distance(first, now)
            varied += apart > 0
            if apart >= largest:
                result, largest = (now if apart else last), apart
    return Repeated(result, calls, varied, calls > 1 and distance(first, kept(returned)) > 0)


def failure(error: BaseException) -> Outcome:
    """Return the outcome of a call that raised an error."""
    trouble = describe_error(error)
    status: Status = "raised"
    if isinstance(error, MemoryError) or mentions_out_of_memory(f"{trouble.type} {trouble.message}"):
        status = "memory"
    elif isinstance(error, ModuleNotFoundError):
        status = "unavailable"
    broken = status == "memory" or BROKEN_DEVICE.search(trouble.message) is not None
    return Outcome(status, trouble=trouble, broken=broken)


def unavailable(reason: str) -> Outcome:
    """Return the outcome of a call that cannot be made here."""
    return Outcome("unavailable", trouble=Trouble("", reason))
