"""What came of one call, as it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from attnspec.verification.cases.case import Case

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Observation:
    """One case with what the candidate answered, an array for each output of the equation."""

    case: Case
    answers: tuple[Array, ...]
