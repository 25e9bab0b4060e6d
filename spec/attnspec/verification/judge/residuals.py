"""A candidate's answers with the values and the noise of the equation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attnspec.interpreters.rounding.noise import Noise
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case


@dataclass(frozen=True, eq=False)
class Compared:
    """One output of one case with its noise.

    Attributes:
        output: the place of the output among the results of the equation.
        answer: the candidate's answer, in float64."""

    case: Case
    output: int
    answer: Array
    noise: Noise

    @cached_property
    def error(self) -> Array:
        """Answer minus value; 0 where the two are the same infinity or both NaN."""
        with np.errstate(invalid="ignore", over="ignore"):
            same = (self.answer == self.noise.value) | (np.isnan(self.answer) & np.isnan(self.noise.value))
            return np.asarray(np.where(same, 0.0, self.answer - self.noise.value))

    @cached_property
    def decidable(self) -> Array:
        """Elements whose noise is small enough for an answer to be judged."""
        return np.asarray(~self.noise.undecidable)

    @cached_property
    def ratio(self) -> Array:
        """|error| over its bound: infinite where only one of answer and value is finite, 0 where it is undecidable."""
        size = np.abs(self.error)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.where(size == 0, 0.0, np.where(self.noise.bound > 0, size / self.noise.bound, np.inf))
        found = np.where(np.isnan(found), np.inf, found)
        return np.asarray(np.where(self.decidable, found, 0.0))

    @property
    def fails(self) -> bool:
        """Whether some element is beyond its bound."""
        return bool((self.ratio > 1).any())

    @cached_property
    def weighed(self) -> Array:
        """Elements with a σ and a finite error, from which statistics are computed."""
        return np.asarray(
            self.decidable & (self.noise.sigma > 0) & np.isfinite(self.error) & np.isfinite(self.noise.value)
        )

    @cached_property
    def z(self) -> Array:
        """error / σ; 0 where `weighed` is false."""
        return np.divide(self.error, self.noise.sigma, out=np.zeros(self.error.shape), where=self.weighed)

    @cached_property
    def z_members(self) -> Array:
        """The same for honestly rounded runs, which lie along the first axis."""
        return np.where(self.weighed, self.noise.members / np.where(self.noise.sigma > 0, self.noise.sigma, 1.0), 0.0)


def compare(observation: Observation, noises: Sequence[Noise]) -> list[Compared]:
    """Every output of an observation with its noise."""
    pairs = zip(observation.answers, noises, strict=True)
    return [Compared(observation.case, place, answer, noise) for place, (answer, noise) in enumerate(pairs)]
