"""The answers of one call, as they are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from attnspec.verification.cases.case import Case

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Observation:
    """A case and the candidate's answers to it.

    Attributes:
        answers: one float64 array for each output of the equation.
    """

    case: Case
    answers: tuple[Array, ...]

    @property
    def elements(self) -> int:
        """How many elements all answers have."""
        return sum(answer.size for answer in self.answers)
