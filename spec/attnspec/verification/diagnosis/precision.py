"""Effective precision: with how many bits a candidate computes, and at which site of the formula bits are lost.

For each site, the number of bits is fitted so that the σ that follows from it agrees with the errors. Bits are lost at
the site under which all statistics then hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np

from attnspec.interpreters.rounding.model import EXACT, INTEGER_OPERATIONS
from attnspec.interpreters.rounding.noise import largest_bound
from attnspec.interpreters.rounding.policy import Format, Policy, declared_only, preset
from attnspec.language.traversal import nodes
from attnspec.language.tree import Apply, Definition, Name, Node, Number, Position, SizeOf
from attnspec.thresholds import (
    BITS_ALIKE,
    BITS_MARGIN,
    BITS_STEP,
    FALSE_ALARMS,
    FEWEST_BITS,
    HONEST_MEDIAN,
    MOST_DECIDABLE,
    SITE_CASES,
    TRUNCATED_BITS,
)
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.findings import OPERANDS, Bits, Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.statistics import errors_in_sigmas, largest, median, negative_log_likelihood

SITES = {
    "intermediates": ("intermediates", "state"),
    OPERANDS: ("operands",),
    "accumulation": ("accumulation", "products"),
    "the carried state": ("state",),
    "the output": ("storage",),
    "the inputs": ("inputs",),
    "all of it": ("operands", "accumulation", "intermediates", "state", "storage"),
}
"""Sites at which bits may be lost, each with the attributes of a policy that are lowered for it."""


def imprecise(judge: Judge, observations: Sequence[Observation], policy: Policy) -> tuple[Bits, Judged] | None:
    """Find the site and bits under which the answers are right; None if no precision explains them.

    Returns:
        The bits and their site, and the judgement under a policy with so many bits there.
    """
    candidates = []
    ordinary = judge.ordinary(observations)
    failing = sorted(judge.failing(observations, policy), key=lambda observation: observation.case.elements)
    small = failing[:SITE_CASES]
    if _are_beyond_any_bits(judge, small, policy):
        return None
    probes = _Probes(judge, policy, failing)
    fewest = TRUNCATED_BITS - BITS_MARGIN if _are_of_one_sign(judge, failing, policy) else FEWEST_BITS
    for site, lower in sites(judge.equation.definition, policy).items():
        if failing and not judge.holds(failing[0], lower(FEWEST_BITS - BITS_MARGIN)):
            continue  # in more bits, the bound is smaller
        bits = _bits(judge, ordinary, policy, lower, probes)
        if bits is None or bits < fewest or not probes.hold(lower(bits - BITS_MARGIN)):
            continue
        if _undecidable_in_fewer_bits(judge, small, policy, lower(bits - BITS_MARGIN)):
            continue
        loss = negative_log_likelihood(judge.compare(ordinary, lower(bits)))
        candidates.append((loss, Bits(bits, site), lower(bits - BITS_MARGIN)))
    likely: list[tuple[float, Bits, Judged]] = []
    for loss, bits_, lowered in sorted(candidates, key=lambda candidate: candidate[0]):
        if likely and (loss >= likely[0][0] + BITS_ALIKE or _is_line(likely[-1][1])):
            break  # the likeliest sites are known: others are not judged on all cases
        if likely and not _is_line(bits_):
            continue  # one that is no less likely was judged; a line would be named in its place
        judged = _judged_in_fewer_bits(judge, observations, probes, lowered)
        if judged is not None:
            likely.append((loss, bits_, judged))
    return likely[-1][1:] if likely else None


def describe(bits: Bits, most: float, dtype: str) -> str:
    """Describe where bits are lost, and how many are left of the most that there can be."""
    left = f"{bits.bits:.0f}" if round(bits.bits) < most else f"{bits.bits:.1f} of {most:.0f}"
    reason = f"the formula is right, in {left} significant bits: they are lost at {bits.site}"
    return f"{reason} (TF32? then declare the policy tf32)" if dtype == "float32" and bits.like_tf32 else reason


def reduced(judge: Judge, observations: Sequence[Observation]) -> tuple[Bits, Judged] | None:
    """The answers under reduced-reduction, which is never inferred; None if it does not explain them.

    The bits of `imprecise` are those that short sums show. Where other roundings hide these, only long sums are wrong.
    A recorded answer alone leads to no looser policy.
    """
    if "reduced-reduction" not in declared_only(judge.dtype):
        return None
    policy, loosest = preset("reduced-reduction", judge.dtype), judge.presets[-1]
    failing = sorted(judge.failing(observations, loosest), key=lambda observation: observation.case.elements)
    if all(observation.case.origin for observation in failing) or _are_beyond_any_bits(judge, failing, loosest):
        return None
    if not _Probes(judge, loosest, failing).hold(policy, failing):
        return None
    if _undecidable_in_fewer_bits(judge, failing, loosest, policy):
        return None
    judged = judge.judge(observations, policy)
    decidable, of = judged.decidable
    enough = judged.right and decidable > MOST_DECIDABLE * of
    return (Bits(float(policy.accumulation.bits), "accumulation"), judged) if enough else None


def _are_of_one_sign(judge: Judge, failing: Sequence[Observation], policy: Policy) -> bool:
    """Whether the errors of different wrong elements all have one sign, or all that of their value or the opposite.

    Of errors of rounding, n have so with a chance of 4 / 2ⁿ.
    """
    signs: list[set[bool]] = [set(), set()]
    wrong: set[tuple[float, float]] = set()
    for compared in judge.compare(failing, policy):
        values, errors = (array[compared.ratio > 1] for array in (compared.noise.value, compared.error))
        wrong |= {*zip(values.tolist(), errors.tolist(), strict=True)}
        signs = [signs[0] | {*(errors > 0).tolist()}, signs[1] | {*(errors * values > 0).tolist()}]
        if min(map(len, signs)) > 1:
            return False
    return len(wrong) > 2 - math.log2(FALSE_ALARMS)


def _is_line(bits: Bits) -> bool:
    """Whether bits are lost at a line of the formula, which is named rather than a site throughout it."""
    return bits.site.startswith("the line")


MOST_TELLING = 4
"""By so many cases, none larger than the ordinary ones together, a site is refused before its bits are found. Speed
alone depends on it."""


class _Probes:
    """Failing cases that must hold in fewer bits: the smallest ones, and those that are furthest off.

    The case by which the last site was refused is asked first, since it refuses most others too.
    """

    def __init__(self, judge: Judge, policy: Policy, failing: Sequence[Observation]) -> None:
        def distance(observation: Observation) -> float:
            return largest(judge.compare([observation], policy))

        self.judge, far = judge, sorted(failing, key=distance, reverse=True)
        self.all = [*failing[:SITE_CASES], *(each for each in far if not _is_among(each, failing[:SITE_CASES]))]
        self.first = self.all[: 2 * SITE_CASES]

    def hold(self, policy: Policy, cases: Sequence[Observation] | None = None) -> bool:
        """Whether cases hold under a policy, those that are asked first by default."""
        for observation in cases or self.first:
            if not self.judge.holds(observation, policy):
                self.first = [observation, *(each for each in self.first if each is not observation)]
                return False
        return True


def _is_among(observation: Observation, others: Sequence[Observation]) -> bool:
    return any(observation is other for other in others)


def _judged_in_fewer_bits(
    judge: Judge, observations: Sequence[Observation], probes: _Probes, lowered: Policy
) -> Judged | None:
    """The judgement of all answers in fewer bits; None if they are not right, or if most of them are undecidable."""
    if not probes.hold(lowered) or not probes.hold(lowered, probes.all):
        return None
    judged = judge.judge(observations, lowered)
    decidable, of = judged.decidable
    return judged if judged.right and decidable > MOST_DECIDABLE * of else None


def _undecidable_in_fewer_bits(judge: Judge, failing: Sequence[Observation], policy: Policy, lower: Policy) -> bool:
    """Whether fewer bits make most of the failing elements undecidable, so that they are not explained."""
    pairs = list(zip(judge.compare(failing, policy), judge.compare(failing, lower), strict=True))
    wrong = sum(int((full.ratio > 1).sum()) for full, _ in pairs)
    undecidable = sum(int(((full.ratio > 1) & ~fewer.decidable).sum()) for full, fewer in pairs)
    return undecidable > MOST_DECIDABLE * wrong


def _are_beyond_any_bits(judge: Judge, failing: Sequence[Observation], policy: Policy) -> bool:
    """Whether most of the failing elements are further off than any bound with which they could be judged.

    Fewer bits would make these undecidable, or leave them wrong, so that no number of bits explains the answers.
    """
    compared = [comparison for comparison in judge.compare(failing, policy) if comparison.fails]
    beyond = 0
    for comparison in compared:
        is_float = judge.equation.definition.results[comparison.output].kind == "float"
        limit = largest_bound(comparison.noise.value, policy, np) if is_float else 0.0
        beyond += int(((comparison.ratio > 1) & ~(np.abs(comparison.error) <= limit)).sum())
    return beyond > MOST_DECIDABLE * sum(int((comparison.ratio > 1).sum()) for comparison in compared)


Lower = Callable[[float], Policy]
"""Returns a policy with this number of significant bits at one site."""


def sites(definition: Definition, policy: Policy) -> dict[str, Lower]:
    """Map each site at which bits may be lost to a function that lowers the policy there."""
    lowered_at: dict[str, Lower] = {site: partial(lowered, policy, parts) for site, parts in SITES.items()}
    if any(map(_is_computed_of_places, nodes(definition))):
        lowered_at["what is computed of positions and numbers alone"] = partial(lowered, policy, ("numbers",))
    for line in definition.lines:
        if len(line.targets) == 1:
            lowered_at[f"the line {line.targets[0]}"] = partial(_line_lowered, policy, line.targets[0])
    return lowered_at


def _is_computed_of_places(node: Node) -> bool:
    """Whether an operation that rounds has places and numbers as operands alone."""
    rounds = isinstance(node, Apply) and node.op not in (*EXACT, *INTEGER_OPERATIONS)
    parts = list(nodes(node)) if rounds else []
    alone = all(isinstance(part, Apply | Position | Number | SizeOf | Name) for part in parts)
    return alone and any(isinstance(part, Position) for part in parts)


def lowered(policy: Policy, parts: Sequence[str], bits: float) -> Policy:
    """Lower some attributes of a policy to a number of bits, if they have more."""
    changes: dict[str, Any] = {}
    for part in parts:
        form: Format | None = getattr(policy, part)
        if form is None or form.bits > bits:
            changes[part] = _format(form or policy.storage, bits, policy.storage.largest)
    return replace(policy, name=f"{policy.name} at {bits:.1f} bits", **changes) if changes else policy


def _line_lowered(policy: Policy, line: str, bits: float) -> Policy:
    if bits >= policy.intermediates.bits:
        return policy
    form = _format(policy.intermediates, bits)
    return replace(policy, name=f"{policy.name} at {bits:.1f} bits in {line}", exception=(line, form))


def _format(form: Format, bits: float, largest: float = 0.0) -> Format:
    return replace(form, name=f"{bits:.1f} bits", bits=bits, largest=largest or form.largest)


def _bits(judge: Judge, ordinary: Sequence[Observation], policy: Policy, lower: Lower, probes: _Probes) -> float | None:
    """Find by bisection the bits at which the median of |error| / σ is that of honest rounding; None without.

    Args:
        ordinary: the cases of the median.
        probes: cases that must hold in these bits. Where they do not, None is returned early.
    """
    low, high = FEWEST_BITS, float(policy.intermediates.bits)

    def compared_with_honest(bits: float) -> Side | None:
        return compared_with_median(HONEST_MEDIAN, judge, ordinary, lower(bits))

    def guessed(bits: float) -> float:
        """The bits at which the median would be that of honest rounding if σ doubled with each bit fewer."""
        telling = max(ordinary, key=lambda observation: observation.elements)
        return _with_factor(bits, median(judge.compare([telling], lower(bits))) / HONEST_MEDIAN)

    def tried(bits: float) -> tuple[bool, float]:
        return (compared_with_honest(bits) == "less", guessed(bits)) if bits < most else (False, math.nan)

    if compared_with_honest(high) != "more" or compared_with_honest(low) != "less":
        return None  # in the fewest bits most of a wrong formula is undecidable, so that this refuses most sites
    most = high
    enough = sum(observation.case.elements for observation in ordinary)
    for observation in [each for each in probes.first[:MOST_TELLING] if each.case.elements <= enough]:
        bits = _most_bits(probes, observation, lower, low, most)
        if bits < most and compared_with_honest(bits) == "less":
            return None
        most = bits
    return _bracket(low, high, tried, guessed(high))[0]


def _most_bits(probes: _Probes, observation: Observation, lower: Lower, low: float, most: float) -> float:
    """The bits above which a case does not hold, up to `BITS_STEP`; `most` if it holds there."""

    def tried(bits: float) -> tuple[bool, float]:
        policy = lower(bits - BITS_MARGIN)
        ratio = largest(probes.judge.compare([observation], policy))
        return probes.hold(policy, [observation]), _with_factor(bits, ratio)

    if most - low <= BITS_STEP:
        return most
    holds, guess = tried(most)
    return most if holds else _bracket(low, most, tried, guess)[1]


def _with_factor(bits: float, factor: float) -> float:
    """The bits with which errors are so many times as large; NaN where that is not a finite number."""
    return bits - math.log2(factor) if 0 < factor < math.inf else math.nan


GUESSES = 3
"""So many guesses are followed before the interval is halved. Speed alone depends on it."""


def _bracket(
    low: float, high: float, tried: Callable[[float], tuple[bool, float]], guess: float
) -> tuple[float, float]:
    """The interval of at most `BITS_STEP`, of those that halving makes, up to which something holds.

    Args:
        low: the bits at which it holds.
        high: the bits at which it does not.
        tried: says whether it holds at some bits, and guesses from there up to which bits it does; NaN without a guess.
        guess: the first guess.
    """
    parts = 1
    while high - low > parts * BITS_STEP:
        parts *= 2
    width, first, last, guesses = (high - low) / parts, 0, parts, 0
    while last - first > 1:
        place = (first + last) // 2
        if guesses < GUESSES and not math.isnan(guess):
            below = min(max(math.floor((guess - low) / width), first), last - 1)
            place, guesses = below if below > first else first + 1, guesses + 1
        holds, guess = tried(low + place * width)
        first, last = (place, last) if holds else (first, place)
    return low + first * width, low + last * width


Side = Literal["less", "equal", "more"]
"""On which side of a value a number is."""


def compared_with_median(
    value: float, judge: Judge, observations: Sequence[Observation], policy: Policy
) -> Side | None:
    """Whether the median of |error| / σ of all cases is less than a value, equal to it or more; None without elements.

    The cases are compared with their noise, the largest first, until more than half of all elements are on one side.
    """
    waiting = sorted(observations, key=lambda observation: observation.elements, reverse=True)
    total, below, above = sum(observation.elements for observation in waiting), 0, 0
    compared: list[Compared] = []
    for observation in waiting:
        new = judge.compare([observation], policy)
        errors = errors_in_sigmas(new)
        total -= observation.elements - errors.size  # elements that do not count are known now
        below, above = below + int((errors < value).sum()), above + int((errors > value).sum())
        compared += new
        if 2 * below > total or 2 * above > total:
            return "more" if above > below else "less"
    found = median(compared)
    return None if np.isnan(found) else "equal" if found == value else "more" if found > value else "less"


def effective_bits(judged: Judged, dtype: str) -> Bits | None:
    """The effective bits of right answers; None in float64, where the oracle is as noisy as the candidate."""
    if dtype == "float64":
        return None
    median_error = median(judged.compared)
    policy = judged.policy
    inner = max(policy.intermediates.bits, policy.storage.bits)
    if np.isnan(median_error) or median_error == 0:
        return Bits(float(inner))
    # One bit fewer doubles the error: bits = bits of the policy − log2(median error / honest median error).
    return Bits(round(min(inner - float(np.log2(median_error / HONEST_MEDIAN)), float(inner)), 1))
