"""Statistics of a candidate's error: of elements, of whole outputs, and along directions.

Every limit is taken from the noise: from σ, or from the same statistic on honestly rounded runs. An honest candidate
exceeds one of them by chance in less than 1 of 1e9 verdicts (`attnspec.thresholds`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from attnspec.thresholds import (
    CLEARLY,
    CONTRAST,
    CONTRAST_QUANTILE,
    CORRELATED,
    HONEST_RMS,
    LEAN,
    MENDED_SHARE,
    NOT_ROUNDING,
    POLICY_OUTLIER,
    SAMPLES,
    SLICE_MODEL,
    SLICE_SAMPLES,
    SLICE_SPREAD,
    SPREADS,
    share_limit,
    whole_limit,
)
from attnspec.verification.candidate.observation import Array
from attnspec.verification.judge.residuals import Compared


def worst(compared: Sequence[Compared]) -> Compared | None:
    """The comparison with the largest ratio."""
    return max((each for each in compared if each.ratio.size), key=lambda each: float(each.ratio.max()), default=None)


def largest(compared: Sequence[Compared]) -> float:
    """The largest |error| over its bound."""
    return max((float(each.ratio.max()) for each in compared if each.ratio.size), default=0.0)


def median(compared: Sequence[Compared]) -> float:
    """The median of |error|/σ over elements where rounding is expected; NaN if there are none."""
    parts = [np.abs(each.z[each.weighed & (np.abs(each.noise.value) > 0)]) for each in compared]
    joined = np.concatenate([np.zeros(0), *parts])
    return float(np.median(joined)) if joined.size else float("nan")


def surprise(compared: Sequence[Compared]) -> float:
    """The mean negative log-likelihood of the errors, ½ z² + ln σ: smallest for the σ that follows the errors.

    |z| counts for at most `POLICY_OUTLIER`, so that a bad row cannot make a looser σ look better.
    """
    total, count = 0.0, 0
    for each in compared:
        sigma = np.where(each.weighed, each.noise.sigma, 1.0)
        seen = np.log(sigma) + np.minimum((each.z / HONEST_RMS) ** 2 / 2, POLICY_OUTLIER)
        total += float(np.where(each.weighed, seen, 0.0).sum())
        count += int(each.weighed.sum())
    return total / max(count, 1)


def contrast(pairs: Sequence[tuple[Compared, Compared]], openly: bool = True) -> float:
    """An upper quantile of |error|/σ under the first of two policies, where the second has at least 2 σ.

    The median would not do: saturated elements are exact and have no error under any policy.

    Args:
        openly: elements that the second leaves open count too.
    """
    parts = [
        np.abs(a.z[a.weighed & (b.noise.sigma > CONTRAST * a.noise.sigma) & (b.decidable | openly)]) for a, b in pairs
    ]
    joined = np.concatenate([np.zeros(0), *parts])
    return float(np.quantile(joined, CONTRAST_QUANTILE)) if joined.size else float("nan")


def whole(compared: Sequence[Compared]) -> tuple[float, float]:
    """The pooled root mean square of error/σ, and its limit."""
    count = sum(int(each.weighed.sum()) for each in compared)
    if not count:
        return 0.0, whole_limit(1, 0.0)
    own = np.sqrt(sum(float((each.z**2).sum()) for each in compared) / count)
    totals = sum(((each.z_members**2).reshape(SAMPLES, -1).sum(axis=1) for each in compared), np.zeros(SAMPLES))
    members = float(np.sqrt(totals / count).max())
    return float(own), whole_limit(count, members)


@dataclass(frozen=True, slots=True)
class Slice:
    """A row or column of an output whose root mean square of error/σ is beyond its limit."""

    compared: Compared
    axis: int
    place: int
    value: float
    limit: float


def slices(compared: Sequence[Compared]) -> Slice | None:
    """The row or column that is furthest beyond its limit; None if all are within."""
    found: list[Slice] = []
    for each in compared:
        for axis in range(each.z.ndim):
            others = tuple(k for k in range(each.z.ndim) if k != axis)
            count = each.weighed.sum(axis=others)
            if each.z.size == 0 or not count.any():
                continue
            own = np.sqrt((each.z**2).sum(axis=others) / np.maximum(count, 1))
            members = np.sqrt((each.z_members**2).sum(axis=tuple(k + 1 for k in others)) / np.maximum(count, 1))
            limit = np.maximum(
                SLICE_MODEL * (1 + SLICE_SPREAD / np.sqrt(np.maximum(count, 1))), SLICE_SAMPLES * members.max(axis=0)
            )
            place = int(np.argmax(own / limit))
            if own[place] > limit[place]:
                found.append(Slice(each, axis, place, float(own[place]), float(limit[place])))
    return max(found, key=lambda each: each.value / each.limit, default=None)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """How much of a direction is in the error.

    Attributes:
        value: the coefficient, in units of the direction.
        spread: its standard deviation over honestly rounded runs.
        lean: what it may be besides, where every element leans a little to the same side.
        share: how much of the error's square the direction accounts for, where it is not zero.
        of_all: the same of the whole error's square.
        chance: the share that honestly rounded runs show, a mean: one over the number of independent elements.
        breadth: over how many elements the direction is spread; one that is all in one element fits any error there.
    """

    value: float
    spread: float
    lean: float
    share: float = 0.0
    chance: float = 1.0
    of_all: float = 0.0
    breadth: float = 1.0

    @property
    def limit(self) -> float:
        """Beyond this it is no chance."""
        return SPREADS * self.spread + self.lean

    @property
    def clear(self) -> bool:
        """Beyond its limit."""
        return abs(self.value) > self.limit

    @property
    def foremost(self) -> bool:
        """What most of the error is, although the noise would hide more."""
        independent = min(1 / max(CORRELATED * self.chance, 1e-6), self.breadth)
        return self.share > share_limit(independent)

    @property
    def visible(self) -> bool:
        """Whether a candidate that departs by the whole direction would be seen."""
        return CLEARLY * self.limit < 1.0


Direction = Callable[[Compared], Array | None]


def explained(compared: Sequence[Compared], direction: Direction, coefficient: float) -> float:
    """The share of clearly wrong elements that are right, or nearly, once this much of a direction is subtracted."""
    wrong = mended = 0
    for each in compared:
        along = direction(each)
        if along is None:
            continue
        sigma = np.where(each.weighed, each.noise.sigma, 1.0)
        with np.errstate(invalid="ignore", over="ignore"):
            left = np.abs(each.z - np.where(each.weighed, coefficient * along / sigma, 0.0))
        bad = each.weighed & (np.abs(each.z) > NOT_ROUNDING)
        wrong += int(bad.sum())
        mended += int((bad & (left <= np.maximum(NOT_ROUNDING, MENDED_SHARE * np.abs(each.z)))).sum())
    return mended / wrong if wrong else 1.0


def project(compared: Sequence[Compared], direction: Direction) -> Coefficient | None:
    """The error's coefficient along a direction, weighted by 1/σ², over all cases at once."""
    inner = norm = fourth = lean = energy = everything = 0.0
    spread, energies = np.zeros(SAMPLES), np.zeros(SAMPLES)
    for each in compared:
        along = direction(each)
        if along is None:
            continue
        sigma = np.where(each.weighed, each.noise.sigma, 1.0)
        with np.errstate(invalid="ignore", over="ignore"):
            d = np.where(each.weighed & np.isfinite(along), along / sigma, 0.0)
        if not np.isfinite(d).all():
            continue
        d = np.clip(d, -1e30, 1e30)
        inner += float((each.z * d).sum())
        norm += float((d * d).sum())
        fourth += float((d**4).sum())
        lean += float(np.abs(d).sum())
        spread += (each.z_members * d).reshape(SAMPLES, -1).sum(axis=1)
        everything += float((each.z**2).sum())
        there = d != 0
        energy += float((each.z[there] ** 2).sum())
        energies += (each.z_members[:, there] ** 2).sum(axis=1)
    if norm == 0:
        return None
    share = min(inner**2 / norm / energy, 1.0) if energy else 0.0
    erring = energies > 0  # a run without an error shows no share of it
    chance = float((spread[erring] ** 2 / norm / energies[erring]).mean()) if erring.any() else 1.0
    of_all = inner**2 / norm / everything if everything else 0.0
    width = float(np.sqrt(np.mean((spread / norm) ** 2)))
    breadth = norm**2 / fourth if fourth else 1.0
    return Coefficient(inner / norm, width, LEAN * lean / norm, share, chance, of_all, breadth)
