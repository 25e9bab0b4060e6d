"""Repeated calls: in pairs, of which nothing is looked at in between, and each result is compared with the first."""

from __future__ import annotations

import pytest

from attnspec.verification.sandbox.child.calls import repeat


def apart(first: int, other: int) -> float:
    return float(abs(first - other))


def test_a_call_follows_another_before_anything_is_looked_at() -> None:
    events: list[str] = []

    def call() -> int:
        events.append("call")
        return 1

    def kept(value: int) -> int:
        events.append("look")
        return value

    assert repeat(5, call, kept, apart).calls == 5
    assert " ".join(events) == "call look call call look look call call look look look"


@pytest.mark.parametrize("times", [1, 2, 3, 6])
@pytest.mark.parametrize("wrong", range(1, 6))
def test_each_result_is_compared(times: int, wrong: int) -> None:
    given = iter(range(times))
    repeated = repeat(times, lambda: 7 if next(given) == wrong else 1, lambda value: value, apart)

    assert (repeated.calls, repeated.varied) == (times, int(wrong < times))
    assert repeated.result == (7 if wrong < times else 1)
