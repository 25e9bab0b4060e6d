"""How many bits does it work with, and where are the others lost?

σ is derived anew with the precision of one site unknown, until the error is what rounding there would give; the site at
which all the statistics then hold is the place where the bits are lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnspec.interpreters.policy import Format, Policy
from attnspec.verify.judge import Judge, Judged
from attnspec.verify.statistics import Observation, median

SITES = {
    "intermediates": ("intermediates", "state"),
    "matrix-product operands": ("operands",),
    "accumulation": ("accumulation",),
    "the carried state": ("state",),
    "the output": ("storage",),
    "all of it": ("operands", "accumulation", "intermediates", "state", "storage"),
}
"""Places where bits are lost, each with the parts of a policy that it stands for."""

HALF = 0.5
"""The median of |error|/σ that honest rounding leaves."""


@dataclass(frozen=True, slots=True)
class Bits:
    """Effective precision.

    Attributes:
        bits: significant bits, as if all rounding at the site were to so many.
        site: where they are lost; "" where nothing is lost.
    """

    bits: float
    site: str = ""

    def __str__(self) -> str:
        return f"{self.bits:.1f}" + (f" at {self.site}" if self.site else "")


def imprecise(judge: Judge, observations: Sequence[Observation], policy: Policy) -> tuple[Bits, Judged] | None:
    """The site and bits under which the answers are right in every respect; None where no precision explains them."""
    found = []
    for site, parts in SITES.items():
        bits = _bits(judge, judge.ordinary(observations), policy, parts)
        if bits is None:
            continue
        judged = judge.judge(observations, lowered(policy, parts, bits - 0.3))
        if judged.right:
            found.append((judged.rms, Bits(bits, site), judged))
    if not found:
        return None
    _, bits_, judged_ = min(found, key=lambda each: abs(np.log(max(each[0], 1e-9) / 0.7)))
    return bits_, judged_


def lowered(policy: Policy, parts: Sequence[str], bits: float) -> Policy:
    """The policy with parts of it at fewer bits, where they have more."""
    changes = {}
    for part in parts:
        form: Format = getattr(policy, part)
        if form.bits > bits:
            changes[part] = replace(form, name=f"{bits:.1f} bits", bits=bits)
    return replace(policy, name=f"{policy.name} at {bits:.1f} bits", **changes)  # type: ignore[arg-type]  # parts are formats


def _bits(judge: Judge, ordinary: Sequence[Observation], policy: Policy, parts: Sequence[str]) -> float | None:
    """The bits at which the median error is what honest rounding leaves; None where none from 3 up do."""
    low, high = 3.0, float(policy.storage.bits)
    if parts != ("storage",):
        high = float(max(getattr(policy, part).bits for part in parts))

    def middle(bits: float) -> float:
        return median(judge.compared(ordinary, lowered(policy, parts, bits)))

    if not middle(low) < HALF < middle(high):
        return None
    while high - low > 0.25:
        half = (low + high) / 2
        low, high = (half, high) if middle(half) < HALF else (low, half)
    return low


def effective(judged: Judged, dtype: str) -> Bits | None:
    """The effective bits of answers that conform; None in float64, where oracle and candidate are equally noisy."""
    if dtype == "float64":
        return None
    middle = median(judged.compared)
    policy = judged.policy
    inner = max(policy.intermediates.bits, policy.storage.bits)
    if np.isnan(middle) or middle == 0:
        return Bits(float(inner))
    return Bits(round(min(inner - float(np.log2(middle / HALF)), float(inner)), 1))
