"""Calls that do not come back in time because their case is large, not because the candidate hangs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from attnspec.thresholds import EXPECTED_SHARE
from attnspec.verification.cases.case import Case
from attnspec.verification.sandbox.messages import Outcome


@dataclass(frozen=True, slots=True)
class Slow:
    """A size at which calls do not come back in time.

    Attributes:
        name: the name of the size.
        size: the smallest such size that was asked.
        says: which case was not asked, and why, in a sentence.
    """

    name: str
    size: int
    says: str

    def is_as_large(self, case: Case) -> bool:
        """Whether a case has as large a size."""
        return _sizes(case).get(self.name, 0) >= self.size


def too_large_for_time(
    calls: Sequence[tuple[Case, Outcome]], case: Case, outcome: Outcome, limit: float
) -> Slow | None:
    """The size that made a drawn case take too long; None if it did not, or if that was not to be expected.

    The time that the most similar case took is scaled by how much larger this one is. A call that hangs comes without
    such a warning.

    Args:
        calls: the earlier cases, with the outcomes of their calls.
        limit: the seconds that a call may take.
    """
    sizes = _sizes(case)
    known = [(other, each.seconds) for other, each in calls if each.status == "ok" and _sizes(other)]
    if outcome.status != "timeout" or not sizes or not known:
        return None
    near, seconds = min(known, key=lambda each: _growth(_sizes(each[0]), sizes))
    if seconds * _growth(_sizes(near), sizes) < EXPECTED_SHARE * limit:
        return None
    before = _sizes(near)
    name = max(sizes, key=lambda name: _ratio(before, sizes, name))
    says = f"{name} = {sizes[name]:,} was not asked: a call took longer than {limit:g} s there, and {seconds:.1f} s at "
    return Slow(name, sizes[name], f"{says}{name} = {before.get(name, 0):,}; --time-limit asks it")


def _sizes(case: Case) -> dict[str, int]:
    """The sizes of a drawn case, and as "batch" its number of examples; none of another case."""
    if case.description is None:
        return {}
    return {**dict(case.description.sizes), "batch": prod(case.description.batch)}


def _growth(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """How many times as large one case is as another, where it is larger."""
    return prod(_ratio(before, after, name) for name in after)


def _ratio(before: Mapping[str, int], after: Mapping[str, int], name: str) -> float:
    return max(after[name] / max(before.get(name, 0), 1), 1.0)
