"""Residuals: answers of a candidate compared with the values and the noise of the equation."""

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
    """One output of one case, compared with its noise. All arrays have the shape of the output.

    Attributes:
        case: the case.
        output: the position of the output among those of the equation.
        answer: the candidate's answer, in float64.
        noise: the equation's value there, with its σ, bound and samples.
    """

    case: Case
    output: int
    answer: Array
    noise: Noise

    @cached_property
    def error(self) -> Array:
        """Answer minus value; 0 where the two are the same infinity or both NaN."""
        return self.deviation(self.answer)

    def deviation(self, others: Array) -> Array:
        """Other values minus those of the equation; 0 where the two are the same infinity or both NaN."""
        with np.errstate(invalid="ignore", over="ignore"):
            same = (others == self.noise.value) | (np.isnan(others) & np.isnan(self.noise.value))
            return np.asarray(np.where(same, 0.0, others - self.noise.value))

    @cached_property
    def decidable(self) -> Array:
        """Elements for which the noise is small enough that an answer can be judged."""
        return np.asarray(~self.noise.undecidable)

    @cached_property
    def ratio(self) -> Array:
        """|error| / bound; infinite if only one of answer and value is NaN or infinite, 0 for undecidable elements."""
        size = np.abs(self.error)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(size == 0, 0.0, np.where(self.noise.bound > 0, size / self.noise.bound, np.inf))
        ratio = np.where(np.isnan(ratio), np.inf, ratio)
        return np.asarray(np.where(self.decidable, ratio, 0.0))

    @property
    def fails(self) -> bool:
        """Whether some element is beyond its bound."""
        return bool((self.ratio > 1).any())

    @cached_property
    def counted(self) -> Array:
        """Elements that statistics are computed over: decidable ones with a positive σ and a finite error."""
        return np.asarray(
            self.decidable & (self.noise.sigma > 0) & np.isfinite(self.error) & np.isfinite(self.noise.value)
        )

    @cached_property
    def z(self) -> Array:
        """error / σ; 0 for elements that are not counted."""
        return np.divide(self.error, self.noise.sigma, out=np.zeros(self.error.shape), where=self.counted)

    @cached_property
    def z_members(self) -> Array:
        """The same for the samples of honest rounding, whose errors stand along a new first axis."""
        return np.where(self.counted, self.noise.members / np.where(self.noise.sigma > 0, self.noise.sigma, 1.0), 0.0)


def compare(observation: Observation, noises: Sequence[Noise]) -> list[Compared]:
    """Compare every output of an observation with its noise."""
    pairs = zip(observation.answers, noises, strict=True)
    return [Compared(observation.case, output, answer, noise) for output, (answer, noise) in enumerate(pairs)]
