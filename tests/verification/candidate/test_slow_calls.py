"""A call that takes too long is excused if its case is large and earlier calls warned of it; a hang is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import attnspec
from attnspec.verification.candidate.slow_calls import too_large_for_time
from attnspec.verification.sandbox.messages import Outcome
from synthetic import case_of

LIMIT = 30.0
TIMEOUT = Outcome("timeout")
SCORES = "scores.dot"

SLOW = """
import time
import numpy as np

def dot(q, k):
    time.sleep({delay})
    return q @ np.swapaxes(k, -1, -2)
"""


def test_what_grows_with_a_size_is_slow() -> None:
    near, far = case_of(SCORES, n=3, m=128, d=4), case_of(SCORES, n=3, m=768, d=4)
    calls = [(case_of(SCORES, n=3, m=5, d=4), Outcome("ok", seconds=0.2)), (near, Outcome("ok", seconds=5.0))]

    slow = too_large_for_time(calls, far, TIMEOUT, LIMIT)

    assert slow is not None
    assert slow.says.startswith("m = 768 was not asked: a call took longer than 30 s there, and 5.0 s at m = 128")
    assert slow.is_as_large(far)
    assert not slow.is_as_large(near)


def test_what_comes_without_warning_hangs() -> None:
    near, far = case_of(SCORES, n=3, m=300, d=4), case_of(SCORES, n=3, m=777, d=4)

    assert too_large_for_time([(near, Outcome("ok", seconds=0.01))], far, TIMEOUT, LIMIT) is None
    assert too_large_for_time([], far, TIMEOUT, LIMIT) is None
    assert too_large_for_time([(near, Outcome("ok", seconds=9.0))], far, Outcome("crashed"), LIMIT) is None


@pytest.mark.parametrize(
    ("delay", "verdict"),
    [("0.0012 * k.shape[-2] * (k.shape[-2] > 60)", "conforms"), ("9 * (k.shape[-2] == 777)", "fails")],
)
def test_a_slow_candidate_is_judged_on_what_it_answers_in_time(delay: str, verdict: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SLOW.format(delay=delay))

    (found,) = attnspec.verify(f"{tmp_path}/mine.py:dot", SCORES, dtype="float32", examples=0, time_limit=0.8)

    assert found.verdict.value == verdict, str(found)
    assert any("was not asked: a call took longer" in each for each in found.findings) == (verdict == "conforms")
