"""Effective precision: with how many bits a candidate computes, and at which site of the formula bits are lost.

For each site, the number of bits is fitted so that the σ that follows from it agrees with the errors. Bits are lost at
the site under which all statistics then hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from attnspec.interpreters.rounding.policy import Format, Policy
from attnspec.language.tree import Definition
from attnspec.thresholds import (
    BITS_ALIKE,
    BITS_MARGIN,
    BITS_STEP,
    FEWEST_BITS,
    HONEST_MEDIAN,
    MOST_DECIDABLE,
    SITE_CASES,
)
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.findings import OPERANDS, Bits, Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.statistics import median, negative_log_likelihood

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
    for site, lower in sites(judge.equation.definition, policy).items():
        if failing and not judge.holds(failing[0], lower(FEWEST_BITS - BITS_MARGIN)):
            continue  # in more bits, the bound is smaller
        bits = _bits(judge, ordinary, policy, lower)
        if bits is None:
            continue
        if not all(judge.holds(observation, lower(bits - BITS_MARGIN)) for observation in failing[:SITE_CASES]):
            continue
        if _undecidable_in_fewer_bits(judge, failing[:SITE_CASES], policy, lower(bits - BITS_MARGIN)):
            continue
        loss = negative_log_likelihood(judge.compare(ordinary, lower(bits)))
        candidates.append((loss, Bits(bits, site), lower(bits - BITS_MARGIN)))
    likely: list[tuple[float, Bits, Judged]] = []
    for loss, bits_, lowered in sorted(candidates, key=lambda candidate: candidate[0]):
        if likely and loss >= likely[0][0] + BITS_ALIKE:
            break  # the likeliest sites are known: others are not judged on all cases
        judged = _judged_in_fewer_bits(judge, observations, lowered)
        if judged is not None:
            likely.append((loss, bits_, judged))
    if not likely:
        return None
    _, best, judged_ = min(likely, key=lambda site: (not site[1].site.startswith("the line"), site[0]))
    return best, judged_


def _judged_in_fewer_bits(judge: Judge, observations: Sequence[Observation], lowered: Policy) -> Judged | None:
    """The judgement of all answers in fewer bits; None if they are not right, or if most of them are undecidable."""
    by_size = sorted(observations, key=lambda observation: observation.case.elements)
    if not all(judge.holds(observation, lowered) for observation in by_size):
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


Lower = Callable[[float], Policy]
"""Returns a policy with this number of significant bits at one site."""


def sites(definition: Definition, policy: Policy) -> dict[str, Lower]:
    """Map each site at which bits may be lost to a function that lowers the policy there."""
    lowered_at: dict[str, Lower] = {site: partial(lowered, policy, parts) for site, parts in SITES.items()}
    for line in definition.lines:
        if len(line.targets) == 1:
            lowered_at[f"the line {line.targets[0]}"] = partial(_line_lowered, policy, line.targets[0])
    return lowered_at


def lowered(policy: Policy, parts: Sequence[str], bits: float) -> Policy:
    """Lower some attributes of a policy to a number of bits, if they have more."""
    changes: dict[str, Any] = {}
    for part in parts:
        form: Format | None = getattr(policy, part)
        if form is None or form.bits > bits:
            changes[part] = _format(form or policy.storage, bits, policy.storage.largest)
    return replace(policy, name=f"{policy.name} at {bits:.1f} bits", **changes)


def _line_lowered(policy: Policy, line: str, bits: float) -> Policy:
    form = _format(policy.intermediates, bits)
    return replace(policy, name=f"{policy.name} at {bits:.1f} bits in {line}", exception=(line, form))


def _format(form: Format, bits: float, largest: float = 0.0) -> Format:
    return replace(form, name=f"{bits:.1f} bits", bits=bits, largest=largest or form.largest)


def _bits(judge: Judge, ordinary: Sequence[Observation], policy: Policy, lower: Lower) -> float | None:
    """Find by bisection the bits at which the median of |error| / σ is that of honest rounding; None without."""
    low, high = FEWEST_BITS, float(policy.intermediates.bits)

    def median_error(bits: float) -> float:
        return median(judge.compare(ordinary, lower(bits)))

    if not median_error(low) < HONEST_MEDIAN < median_error(high):
        return None
    while high - low > BITS_STEP:
        half = (low + high) / 2
        low, high = (half, high) if median_error(half) < HONEST_MEDIAN else (low, half)
    return low


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
