"""Effective precision: how many bits a candidate works with, and which site loses the others.

σ is computed with the precision of one site as the unknown, until the error is what rounding there would give. The site
at which all statistics then hold is the one that loses bits.
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
from attnspec.verification.judge.statistics import median, surprise

SITES = {
    "intermediates": ("intermediates", "state"),
    OPERANDS: ("operands",),
    "accumulation": ("accumulation", "products"),
    "the carried state": ("state",),
    "the output": ("storage",),
    "the inputs": ("inputs",),
    "all of it": ("operands", "accumulation", "intermediates", "state", "storage"),
}
"""Places where bits are lost, each with the parts of a policy that it stands for."""


def imprecise(judge: Judge, observations: Sequence[Observation], policy: Policy) -> tuple[Bits, Judged] | None:
    """The site and bits with which the answers are right in every respect; None if no precision explains them."""
    found = []
    ordinary = judge.ordinary(observations)
    failing = sorted(judge.failing(observations, policy), key=lambda each: each.case.elements)
    for site, lower in sites(judge.equation.definition, policy).items():
        bits = _bits(judge, ordinary, policy, lower)
        if bits is None:
            continue
        if judge.failing(failing[:SITE_CASES], lower(bits - BITS_MARGIN)):
            continue
        if _left_open(judge, failing[:SITE_CASES], policy, lower(bits - BITS_MARGIN)):
            continue
        judged = judge.judge(observations, lower(bits - BITS_MARGIN))
        decidable, of = judged.decidable
        if judged.right and decidable > MOST_DECIDABLE * of:
            found.append((surprise(judge.compared(ordinary, lower(bits))), Bits(bits, site), judged))
    if not found:
        return None
    best = min(surprised for surprised, _, _ in found)
    likely = [each for each in found if each[0] < best + BITS_ALIKE]
    _, bits_, judged_ = min(likely, key=lambda each: (not each[1].site.startswith("the line"), each[0]))
    return bits_, judged_


def _left_open(judge: Judge, failing: Sequence[Observation], policy: Policy, lower: Policy) -> bool:
    """Whether fewer bits leave most failing elements undecidable rather than explain them."""
    pairs = list(zip(judge.compared(failing, policy), judge.compared(failing, lower), strict=True))
    wrong = sum(int((own.ratio > 1).sum()) for own, _ in pairs)
    left = sum(int(((own.ratio > 1) & ~fewer.decidable).sum()) for own, fewer in pairs)
    return left > MOST_DECIDABLE * wrong


Lower = Callable[[float], Policy]


def sites(definition: Definition, policy: Policy) -> dict[str, Lower]:
    """The sites that may lose bits, each with the policy that keeps a given number of bits there."""
    found: dict[str, Lower] = {site: partial(lowered, policy, parts) for site, parts in SITES.items()}
    for line in definition.lines:
        if len(line.targets) == 1:
            found[f"the line {line.targets[0]}"] = partial(_line_lowered, policy, line.targets[0])
    return found


def lowered(policy: Policy, parts: Sequence[str], bits: float) -> Policy:
    """The policy with some of its formats reduced to fewer bits."""
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
    """The bits with which honest rounding gives the median error; None if none from 3 on do."""
    low, high = FEWEST_BITS, float(policy.intermediates.bits)

    def middle(bits: float) -> float:
        return median(judge.compared(ordinary, lower(bits)))

    if not middle(low) < HONEST_MEDIAN < middle(high):
        return None
    while high - low > BITS_STEP:
        half = (low + high) / 2
        low, high = (half, high) if middle(half) < HONEST_MEDIAN else (low, half)
    return low


def effective_bits(judged: Judged, dtype: str) -> Bits | None:
    """The effective bits of answers that conform; None in float64, where the oracle rounds as much as the candidate."""
    if dtype == "float64":
        return None
    middle = median(judged.compared)
    policy = judged.policy
    inner = max(policy.intermediates.bits, policy.storage.bits)
    if np.isnan(middle) or middle == 0:
        return Bits(float(inner))
    return Bits(round(min(inner - float(np.log2(middle / HONEST_MEDIAN)), float(inner)), 1))
