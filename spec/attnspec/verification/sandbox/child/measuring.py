"""How long a call takes, and how much memory it needs beside what was there before."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST_SECONDS = 0.02
"""Short calls are repeated until they have taken this long together."""

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a call cost.

    Attributes:
        seconds: the time of one call.
        peak_bytes: the memory of this process during the first call at its highest, above that before it; None where
            the system does not tell.
    """

    seconds: float
    peak_bytes: int | None


def measured(call: Callable[[], Any]) -> tuple[Any, Measurement]:
    """Make a call, and measure it; return its last result and what one call cost.

    A first call is made for the memory alone, since it may also compile or allocate what later calls reuse.
    """
    result, first = measured_once(call)
    calls, started = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - started < LEAST_SECONDS:
        result = call()
        calls += 1
    return result, Measurement((time.perf_counter() - started) / calls, first.peak_bytes)


def measured_once(call: Callable[[], Any]) -> tuple[Any, Measurement]:
    """Make one call, and measure it; return its result and what it cost."""
    before = _memory("VmRSS") if _reset_peak() else None
    started = time.perf_counter()
    result = call()
    seconds, peak = time.perf_counter() - started, _memory("VmHWM")
    return result, Measurement(seconds, max(0, peak - before) if peak is not None and before is not None else None)


def _reset_peak() -> bool:
    """Have the kernel count the peak of our memory from now on; False where it does not."""
    with suppress(OSError):
        RESET.write_text("5", encoding="ascii")
        return True
    return False


def _memory(line: str) -> int | None:
    """A line of our status in bytes; None on a system without it."""
    with suppress(OSError):
        found = re.search(rf"^{line}:\s+(\d+) kB$", STATUS.read_text(encoding="ascii"), re.MULTILINE)
        return int(found[1]) * 1024 if found else None
    return None
