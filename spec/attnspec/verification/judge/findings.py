"""The results of judging: findings, the policy and form under which answers were judged, and the conclusion."""

from __future__ import annotations

from dataclasses import dataclass

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import FORMATS, Policy
from attnspec.thresholds import LIKE_TF32
from attnspec.verification.judge import statistics
from attnspec.verification.judge.forms import PLAIN, Form
from attnspec.verification.judge.mutation_score import MutationScore
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.verdict import Diagnosis, VerdictKind, WorstElement

OPERANDS = "the matrix products' operands"


@dataclass(frozen=True, slots=True)
class Bits:
    """Effective precision.

    Attributes:
        bits: the number of significant bits to which values at the site appear to be rounded.
        site: where bits are lost; "" if none are.
    """

    bits: float
    site: str = ""

    @property
    def like_tf32(self) -> bool:
        """Whether operands of matrix products appear to be rounded to TF32."""
        return self.site == OPERANDS and abs(self.bits - FORMATS["tf32"].bits) < LIKE_TF32

    def __str__(self) -> str:
        return f"{self.bits:.1f}" + (f" at {self.site}" if self.site else "")


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a candidate's answers are not right.

    Attributes:
        kind: "element", "whole", "slice", "direction", "part" (a direction of some slices only), "mutant", or "form"
            (digits that a form loses and the equation as written keeps).
        reason: a sentence.
        severity: the value over its limit, more than 1.
        compared: the comparison that shows it; None if no single one does.
        mutant: the mutant that explains the error; None if none is known.
    """

    kind: str
    reason: str
    severity: float
    compared: Compared | None = None
    mutant: Mutant | None = None


@dataclass(frozen=True)
class Judged:
    """The judgement of all answers under one policy and one form.

    Attributes:
        policy: the precision policy.
        compared: every output of every case, compared with its noise.
        findings: the reasons why answers are not right, the gravest kind first; empty if they are right.
        form: the form by whose noise they were judged.
    """

    policy: Policy
    compared: tuple[Compared, ...]
    findings: tuple[Finding, ...] = ()
    form: Form = PLAIN

    @property
    def right(self) -> bool:
        """Whether there is no finding."""
        return not self.findings

    @property
    def equal(self) -> bool:
        """Whether it is right except for digits that its form loses."""
        return all(finding.kind == "form" for finding in self.findings)

    @property
    def rms(self) -> float:
        """The pooled root mean square of error / σ."""
        return statistics.pooled_rms(self.compared)[0]

    @property
    def decidable(self) -> tuple[int, int]:
        """The number of decidable elements, and of all elements."""
        return (
            sum(int(comparison.decidable.sum()) for comparison in self.compared),
            sum(int(comparison.decidable.size) for comparison in self.compared),
        )

    @property
    def decidable_of_outputs(self) -> float:
        """The share of decidable elements of an output, on average over all outputs that have elements."""
        shares = [comparison.decidable.mean() for comparison in self.compared if comparison.decidable.size]
        return float(sum(shares) / len(shares)) if shares else 0.0


@dataclass(frozen=True)
class Conclusion:
    """A verdict and its evidence.

    Attributes:
        kind: the kind of verdict.
        reason: why, in words; "" if the candidate conforms.
        judged: how the values were judged; None if they could not be.
        strength: the mutation score of the cases; None if it was not computed.
        diagnosis: the explanation of the error; None if there is none.
        worst: the element or case that shows the error; None if none does.
        bits: the effective precision; None if it was not measured.
        properties: the name of each property, with whether it holds.
        mend: how to mend the error; "" if the diagnosis tells it, or if nothing is known.
    """

    kind: VerdictKind
    reason: str
    judged: Judged | None = None
    strength: MutationScore | None = None
    diagnosis: Diagnosis | None = None
    worst: WorstElement | None = None
    bits: Bits | None = None
    properties: tuple[tuple[str, bool], ...] = ()
    mend: str = ""
