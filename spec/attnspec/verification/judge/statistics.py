"""Statistics of a candidate's errors: of single elements, of all elements together, and along directions.

Every limit is derived from the noise: from σ, or from the same statistic of samples of honest rounding. An honest
candidate exceeds a limit by chance in less than 1 of 1e9 verdicts (`attnspec.thresholds`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attnspec.thresholds import (
    CLEARLY,
    CONTRAST,
    CONTRAST_QUANTILE,
    CORRELATED,
    FEWEST_INDEPENDENT,
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
    """The comparison with the largest |error| / bound; None if there is no element."""
    return max(
        (comparison for comparison in compared if comparison.ratio.size),
        key=lambda comparison: float(comparison.ratio.max()),
        default=None,
    )


def largest(compared: Sequence[Compared]) -> float:
    """The largest |error| / bound; 0 if there is no element."""
    return max((float(comparison.ratio.max()) for comparison in compared if comparison.ratio.size), default=0.0)


def wrong_values(compared: Sequence[Compared]) -> Array:
    """The distinct numbers that stand where an element is wrong, NaN once."""
    wrong = [comparison.answer[comparison.ratio > 1] for comparison in compared if comparison.fails]
    return np.unique(np.concatenate(wrong)) if wrong else np.array([])


def median(compared: Sequence[Compared]) -> float:
    """The median of |error| / σ over counted elements whose value is not 0; NaN if there are none."""
    joined = errors_in_sigmas(compared)
    return float(np.median(joined)) if joined.size else float("nan")


def errors_in_sigmas(compared: Sequence[Compared]) -> Array:
    """The |error| / σ of counted elements whose value is not 0."""
    parts = [np.abs(comparison.z[comparison.counted & (np.abs(comparison.noise.value) > 0)]) for comparison in compared]
    return np.concatenate([np.zeros(0), *parts])


def negative_log_likelihood(compared: Sequence[Compared]) -> float:
    """The mean negative log-likelihood of the errors, up to a constant: the smallest for the σ that fits them best.

    The error of an element counts for at most `POLICY_OUTLIER`, so that one bad row does not favour a looser σ.
    """
    # Errors are normal with standard deviation HONEST_RMS · σ: −log p = log σ + (z / HONEST_RMS)² / 2 + constant.
    total, count = 0.0, 0
    for comparison in compared:
        sigma = np.where(comparison.counted, comparison.noise.sigma, 1.0)
        loss = np.log(sigma) + np.minimum((comparison.z / HONEST_RMS) ** 2 / 2, POLICY_OUTLIER)
        total += float(np.where(comparison.counted, loss, 0.0).sum())
        count += int(comparison.counted.sum())
    return total / max(count, 1)


def contrast(pairs: Sequence[tuple[Compared, Compared]], count_undecidable: bool = True) -> float:
    """The upper fifth of |error| / σ under a tight policy, where σ is at least twice as large under a looser one.

    It is NaN if there are no such elements. The median would be less sensitive: many elements are exact by saturation
    and have no error under any policy.

    Args:
        pairs: the same answers compared under the tight policy and under the looser one.
        count_undecidable: whether elements that are undecidable under the looser policy are counted.
    """
    parts = [
        np.abs(a.z[a.counted & (b.noise.sigma > CONTRAST * a.noise.sigma) & (b.decidable | count_undecidable)])
        for a, b in pairs
    ]
    joined = np.concatenate([np.zeros(0), *parts])
    return float(np.quantile(joined, CONTRAST_QUANTILE)) if joined.size else float("nan")


def pooled_rms(compared: Sequence[Compared]) -> tuple[float, float]:
    """The root mean square of error / σ over all counted elements, and its limit, exact where the former is large."""
    count = sum(int(comparison.counted.sum()) for comparison in compared)
    if not count:
        return 0.0, whole_limit(1, 0.0)
    rms = float(np.sqrt(sum(float((comparison.z**2).sum()) for comparison in compared) / count))
    least = whole_limit(count, 0.0)
    if rms <= least:
        return rms, least  # samples, which take long, only raise the limit
    totals = sum(
        ((comparison.z_members**2).reshape(SAMPLES, -1).sum(axis=1) for comparison in compared), np.zeros(SAMPLES)
    )
    members = float(np.sqrt(totals / count).max())
    return rms, whole_limit(count, members)


@dataclass(frozen=True, slots=True)
class Slice:
    """A row or column of an output whose root mean square of error / σ is beyond its limit.

    Attributes:
        compared: the comparison of the output.
        axis: the axis along which the slice is taken.
        place: the index of the slice on this axis.
        value: the root mean square of error / σ in the slice.
        limit: the limit of that value.
    """

    compared: Compared
    axis: int
    place: int
    value: float
    limit: float


def slices(compared: Sequence[Compared]) -> Slice | None:
    """The row or column whose root mean square of error / σ is the furthest beyond its limit; None if none is."""
    beyond: list[Slice] = []
    for comparison in compared:
        if np.abs(comparison.z).max(initial=0.0) <= SLICE_MODEL:
            continue  # no slice is beyond this, the least of all limits
        errors, samples = comparison.z**2, comparison.z_members**2
        for axis in range(comparison.z.ndim):
            others = tuple(k for k in range(comparison.z.ndim) if k != axis)
            count = comparison.counted.sum(axis=others)
            rms = np.sqrt(errors.sum(axis=others) / np.maximum(count, 1))
            members = np.sqrt(samples.sum(axis=tuple(k + 1 for k in others)) / np.maximum(count, 1))
            limit = np.maximum(
                SLICE_MODEL * (1 + SLICE_SPREAD / np.sqrt(np.maximum(count, 1))), SLICE_SAMPLES * members.max(axis=0)
            )
            place = int(np.argmax(rms / limit))
            if rms[place] > limit[place]:
                beyond.append(Slice(comparison, axis, place, float(rms[place]), float(limit[place])))
    return max(beyond, key=lambda slice_: slice_.value / slice_.limit, default=None)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """The projection of the error on a direction.

    Attributes:
        value: the coefficient, in units of the direction.
        spread: its standard deviation over samples of honest rounding.
        lean: the largest coefficient of an honest bias, by which every element errs a little to the same side.
        share: the fraction of the squared error that the direction explains, among elements where it is not 0.
        share_of_all: the same fraction, among all elements.
        chance: the mean of `share` over samples of honest rounding: 1 / (number of independent elements).
        breadth: the effective number of elements of the direction; one of a single element fits any error there.
    """

    value: float
    spread: float
    lean: float
    share: float = 0.0
    chance: float = 1.0
    share_of_all: float = 0.0
    breadth: float = 1.0

    @property
    def limit(self) -> float:
        """The largest coefficient that honest rounding explains."""
        return SPREADS * self.spread + self.lean

    @property
    def significant(self) -> bool:
        """Whether the coefficient is beyond its limit."""
        return abs(self.value) > self.limit

    @property
    def dominant(self) -> bool:
        """Whether the direction explains most of the error, even if the coefficient is within its limit."""
        independent = min(1 / max(CORRELATED * self.chance, 1e-6), self.breadth)
        return independent >= FEWEST_INDEPENDENT and self.share > share_limit(independent)

    @property
    def visible(self) -> bool:
        """Whether the error of a candidate that is wrong by the whole direction would be significant."""
        return CLEARLY * self.limit < 1.0


Direction = Callable[[Compared], Array | None]


def share_explained(compared: Sequence[Compared], direction: Direction, coefficient: float) -> float:
    """The fraction of clearly wrong elements that are right, or nearly, after a direction is subtracted.

    Args:
        coefficient: how much of the direction is subtracted.
    """
    wrong = mended = 0
    for comparison in compared:
        along = direction(comparison)
        if along is None:
            continue
        sigma = np.where(comparison.counted, comparison.noise.sigma, 1.0)
        with np.errstate(invalid="ignore", over="ignore"):
            remaining = np.abs(comparison.z - np.where(comparison.counted, coefficient * along / sigma, 0.0))
        bad = comparison.counted & (np.abs(comparison.z) > NOT_ROUNDING)
        wrong += int(bad.sum())
        mended += int((bad & (remaining <= np.maximum(NOT_ROUNDING, MENDED_SHARE * np.abs(comparison.z)))).sum())
    return mended / wrong if wrong else 1.0


def least_share(compared: Sequence[Compared], direction: Direction, coefficient: float) -> float:
    """The least fraction of the squared error of a wrong answer that an amount of a direction explains.

    Args:
        coefficient: how much of the direction is subtracted, of every answer.
    """
    least = 1.0
    for comparison in compared:
        if comparison.fails:
            along = [d for _, d in _in_sigmas([comparison], direction)]
            left = comparison.z - coefficient * along[0] if along else comparison.z
            before = float((comparison.z**2).sum())
            least = min(least, 1 - float((left**2).sum()) / before if before else 1.0)
    return least


def clearly_wrong(compared: Sequence[Compared]) -> int:
    """The number of clearly wrong elements."""
    return sum(int((each.counted & (np.abs(each.z) > NOT_ROUNDING)).sum()) for each in compared)


def _in_sigmas(compared: Sequence[Compared], direction: Direction) -> Iterator[tuple[Compared, Array]]:
    """The comparisons where a direction exists, with the direction in σ of each element, d/σ."""
    for comparison in compared:
        along = direction(comparison)
        if along is None:
            continue
        sigma = np.where(comparison.counted, comparison.noise.sigma, 1.0)
        with np.errstate(invalid="ignore", over="ignore"):
            d = np.where(comparison.counted & np.isfinite(along), along / sigma, 0.0)
        if np.isfinite(d).all():
            yield comparison, np.clip(d, -1e30, 1e30)


def share_along(compared: Sequence[Compared], direction: Direction) -> tuple[float, float] | None:
    """The coefficient of a direction, and the fraction of the squared error of all elements that it explains.

    They are those of `project`, which also compares them with samples of honest rounding and takes much longer. None if
    the direction is 0 everywhere.
    """
    inner = norm = everything = 0.0
    for comparison, d in _in_sigmas(compared, direction):
        inner += float((comparison.z * d).sum())
        norm += float((d * d).sum())
        everything += float((comparison.z**2).sum())
    if norm == 0:
        return None
    return inner / norm, inner**2 / norm / everything if everything else 0.0


def project(compared: Sequence[Compared], direction: Direction) -> Coefficient | None:
    """Project the errors of all cases on a direction d, weighted by 1/σ²; None if the direction is 0 everywhere.

    The coefficient is Σ(e·d/σ²) / Σ(d²/σ²), the weighted least-squares fit of the error e by a multiple of d.
    """
    inner = norm = fourth = lean = energy = everything = 0.0
    spread, energies = np.zeros(SAMPLES), np.zeros(SAMPLES)
    for comparison, d in _in_sigmas(compared, direction):
        errors, squares = comparison.z**2, d**2
        inner += float((comparison.z * d).sum())
        norm += float(squares.sum())
        fourth += float((squares**2).sum())
        lean += float(np.abs(d).sum())
        members, support = comparison.z_members.reshape(SAMPLES, -1), d != 0
        spread += members @ d.ravel()
        everything += float(errors.sum())
        energy += float(errors[support].sum())
        energies += members**2 @ support.ravel()
    if norm == 0:
        return None
    share = min(inner**2 / norm / energy, 1.0) if energy else 0.0
    erring = energies > 0  # a sample without an error has no share
    chance = float((spread[erring] ** 2 / norm / energies[erring]).mean()) if erring.any() else 1.0
    share_of_all = inner**2 / norm / everything if everything else 0.0
    width = float(np.sqrt(np.mean((spread / norm) ** 2)))
    # The participation ratio (Σd²)² / Σd⁴: n for n equal elements.
    breadth = norm**2 / fourth if fourth else 1.0
    return Coefficient(inner / norm, width, LEAN * lean / norm, share, chance, share_of_all, breadth)
